//! `/v1/instances`, their actions and what they were initialized with.

use axum::http::StatusCode;
use base::{InstanceId, KeyId};
use control::{
    ActionCreate, BootVolume, DataVolume, InstanceCreate, InstanceFilter, InstanceNetwork,
    NewVolume, NicCreate, Reinitialize, VolumeSource,
};
use model::{InstancePatch, InstanceView};
use wire::{Fields, KeyIdentity, List, etag_of_instance, request, response};

use super::templates;
use crate::{
    call::{ATTEMPTS_MAX, Call, changes_too_often, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "instances", items: "instances" };

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::instance_list(&call.asked(), &call.query)?;
    if want.nothing {
        return call.nothing(LIST, &want.page);
    }
    let filter = InstanceFilter {
        group: want.group,
        name: want.name,
        vpc: want.vpc,
        vpc_name: want.vpc_name,
        subnet: want.subnet,
    };
    let found = call.control().instances(&call.ctx, filter, page_of(&want.page)).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::instance(&r, view)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = templates::over_source(&call, call.json()?).await?;
    let want = request::instance_prototype(&call.asked(), &Fields::root(&body))?;
    let keys = keys(&call, &want.keys).await?;
    let command = command(want, keys);
    let view = call.control().instance_create(&call.ctx, command).await?;
    render(&call, StatusCode::CREATED, &view)
}

/// Keys by id; those named by fingerprint are looked up.
pub(super) async fn keys(call: &Call, named: &[KeyIdentity]) -> Result<Vec<KeyId>, Failure> {
    let mut ids = Vec::with_capacity(named.len());
    for key in named {
        ids.push(match key {
            KeyIdentity::Id(id) => id.clone(),
            KeyIdentity::Fingerprint(text) => {
                let found = call.control().key_by_fingerprint(&call.ctx, text).await;
                found.map_err(|error| error.named_by("keys"))?.head.id
            }
        });
    }
    Ok(ids)
}

pub(super) fn command(want: request::InstancePrototype, keys: Vec<KeyId>) -> InstanceCreate {
    InstanceCreate {
        name: want.name,
        group: want.group,
        zone: want.zone,
        vpc: want.vpc,
        profile: want.profile,
        boot: boot(want.boot),
        data: want.data.into_iter().map(data_volume).collect(),
        network: match want.network {
            request::InstanceNetwork::Interfaces(nics) => {
                InstanceNetwork::Interfaces(nics.into_iter().map(nic).collect())
            }
            request::InstanceNetwork::Attachments(all) => InstanceNetwork::Attachments(all),
        },
        keys,
        user_data: want.user_data,
        metadata_service: want.metadata_service,
        host_failure: want.host_failure,
    }
}

fn boot(want: request::BootVolume) -> BootVolume {
    BootVolume {
        attachment_name: want.attachment_name,
        delete_with_instance: want.delete_with_instance,
        source: match want.source {
            request::VolumeSource::Image(image, volume) => {
                VolumeSource::Image { image, volume: Box::new(new_volume(volume)) }
            }
            request::VolumeSource::Existing(id) => VolumeSource::Existing(id),
        },
    }
}

fn new_volume(want: request::NewVolume) -> NewVolume {
    NewVolume {
        name: want.name,
        group: want.group,
        profile: want.profile,
        capacity: want.capacity,
        iops: want.iops,
        bandwidth: want.bandwidth,
        encryption_key: None,
        user_tags: want.user_tags,
        allowed_use: want.allowed_use,
    }
}

pub(super) fn data_volume(want: request::DataVolume) -> DataVolume {
    DataVolume {
        attachment_name: want.attachment_name,
        delete_with_instance: want.delete_with_instance,
        volume: want.volume.map_err(new_volume),
    }
}

pub(super) fn nic(want: request::NicPrototype) -> NicCreate {
    NicCreate {
        name: want.name,
        subnet: want.subnet,
        primary_ip: want.primary_ip,
        security_groups: want.security_groups,
        allow_ip_spoofing: want.allow_ip_spoofing,
    }
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().instance(&call.ctx, &id(&call)?).await?;
    render(&call, StatusCode::OK, &view)
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let want = request::instance_patch(&call.asked(), &Fields::root(&body))?;
    for _ in 0..ATTEMPTS_MAX {
        let old = call.control().instance(&call.ctx, &id).await?;
        call.check_if_match(&etag_of_instance(&old), false)?;
        let service = old.instance.metadata_service;
        let patch = InstancePatch {
            name: want.name.clone(),
            profile: want.profile.clone(),
            metadata_service: want.metadata_service.map(|parts| parts.onto(service)),
            host_failure: want.host_failure,
        };
        let seen = Some(old.instance.head.revision);
        match call.control().instance_update(&call.ctx, &id, seen, patch).await {
            Err(control::Error::Changed { .. }) => {}
            done => return render(&call, StatusCode::OK, &done?),
        }
    }
    Err(changes_too_often())
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().instance_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

/// 202 without a body: the instance is `starting` when this returns.
pub(crate) async fn reinitialize(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let want = request::reinitialization(&call.asked(), &Fields::root(&body))?;
    let keys = keys(&call, &want.keys).await?;
    let command = Reinitialize { boot: boot(want.boot), keys, user_data: want.user_data };
    call.control().instance_reinitialize(&call.ctx, &id, command).await?;
    Ok(Reply { status: StatusCode::ACCEPTED, ..Reply::empty() })
}

pub(crate) async fn initialization(call: Call) -> Answer {
    let keys = call.control().instance_initialization(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::initialization(&call.render(), &keys))
}

pub(crate) async fn action(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let want = request::action_prototype(&Fields::root(&body))?;
    let command = ActionCreate { kind: want.kind, force: want.force };
    let action = call.control().instance_action(&call.ctx, &id, command).await?;
    Reply::created(&response::instance_action(&call.render(), &action))
}

pub(crate) async fn action_get(call: Call) -> Answer {
    let (instance, id) = (id(&call)?, call.id("action_id", "instance action")?);
    let action = call.control().instance_action_get(&call.ctx, &instance, &id).await?;
    Reply::ok(&response::instance_action(&call.render(), &action))
}

fn id(call: &Call) -> Result<InstanceId, Failure> {
    Ok(call.id("id", "instance")?)
}

fn render(call: &Call, status: StatusCode, view: &InstanceView) -> Answer {
    let reply = Reply::json(status, &response::instance(&call.render(), view))?;
    Ok(reply.with_etag(etag_of_instance(view)))
}
