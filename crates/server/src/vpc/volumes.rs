//! `/v1/volumes`.

use axum::http::StatusCode;
use base::VolumeId;
use control::{VolumeCreate, VolumeFilter};
use model::{AllowedUse, VolumePatch, VolumeView};
use wire::{Fields, List, etag_of_volume, request, response};

use crate::{
    call::{ATTEMPTS_MAX, Call, changes_too_often, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "volumes", items: "volumes" };

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::volume_list(&call.asked(), &call.query)?;
    if want.nothing {
        return call.nothing(LIST, &want.page);
    }
    let filter = VolumeFilter {
        group: want.group,
        name: want.name,
        zone: want.zone,
        attached: want.attached,
        user_managed: want.user_managed,
        operating_systems: want.operating_systems,
        has_operating_system: want.has_operating_system,
        tag: want.tag,
        profiles: want.profiles,
    };
    let found = call.control().volumes(&call.ctx, filter, page_of(&want.page)).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::volume(&r, view)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::volume_prototype(&call.asked(), &Fields::root(&body))?;
    let command = VolumeCreate {
        name: want.name,
        group: want.group,
        zone: want.zone,
        profile: want.profile,
        capacity: want.capacity,
        iops: want.iops,
        bandwidth: want.bandwidth,
        encryption_key: None,
        user_tags: want.user_tags,
    };
    let view = call.control().volume_create(&call.ctx, command).await?;
    render(&call, StatusCode::CREATED, &view)
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().volume(&call.ctx, &id(&call)?).await?;
    render(&call, StatusCode::OK, &view)
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let want = request::volume_patch(&call.asked(), &Fields::root(&body))?;
    let everything = AllowedUse::anything(&call.ctx.api_version);
    for _ in 0..ATTEMPTS_MAX {
        let old = call.control().volume(&call.ctx, &id).await?;
        call.check_if_match(&etag_of_volume(&old), want.user_tags.is_some())?;
        let old_use = old.volume.allowed_use.as_ref().unwrap_or(&everything);
        let patch = VolumePatch {
            name: want.name.clone(),
            user_tags: want.user_tags.clone(),
            allowed_use: want.allowed_use.clone().map(|parts| parts.onto(old_use)),
            capacity: want.capacity,
            iops: want.iops,
            bandwidth: want.bandwidth,
            profile: want.profile.clone(),
        };
        let seen = Some(old.volume.head.revision);
        match call.control().volume_update(&call.ctx, &id, seen, patch).await {
            Err(control::Error::Changed { .. }) => {}
            done => return render(&call, StatusCode::OK, &done?),
        }
    }
    Err(changes_too_often())
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().volume_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

fn id(call: &Call) -> Result<VolumeId, Failure> {
    Ok(call.id("id", "volume")?)
}

fn render(call: &Call, status: StatusCode, view: &VolumeView) -> Answer {
    let reply = Reply::json(status, &response::volume(&call.render(), view))?;
    Ok(reply.with_etag(etag_of_volume(view)))
}
