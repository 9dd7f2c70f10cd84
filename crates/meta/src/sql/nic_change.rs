//! Network interfaces of an instance that is there: another one, changes, and their end.

use base::{Entropy, InstanceId, NicId};
use model::{InstanceView, IpRequest, Nic, NicPatch, Refusal, VniRefusal};
use policy::Permit;

use super::{
    head::not_found, instance, instance_create, network_attachment, nic, outbox, session::Session,
    value::binds,
};
use crate::{Change, StoreError};

fn style(instance: &InstanceId) -> StoreError {
    let (instance, has) = (instance.clone(), "network attachments");
    Refusal::Vni(VniRefusal::Style { instance, has }).into()
}

/// An interface of the instance that is no network attachment's.
async fn own(
    tx: &mut Session,
    permit: &Permit,
    instance: &InstanceId,
    id: &NicId,
) -> Result<Nic, StoreError> {
    let nics = instance::changing(tx, permit, instance).await?.nics;
    let view = nics.into_iter().find(|view| &view.nic.head.id == id);
    let view = view.ok_or_else(|| not_found("network_interface", id))?;
    if view.vni.is_some() { Err(style(instance)) } else { Ok(view.nic) }
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    nic: &Nic,
    request: &IpRequest,
    entropy: &dyn Entropy,
    change: &Change,
) -> Result<(), StoreError> {
    let InstanceView { instance, nics, .. } = instance::changing(tx, permit, &nic.instance).await?;
    if nics.iter().any(|view| view.vni.is_some()) {
        return Err(style(&nic.instance));
    }
    if nic.primary {
        return Err(StoreError::PermitMismatch);
    }
    network_attachment::devices_check(&instance, nics.len() + 1)?;
    let position = nic::position_next(tx, &nic.instance).await?;
    instance_create::nic_insert(tx, &instance, nic, request, position, entropy).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    instance: &InstanceId,
    id: &NicId,
    patch: &NicPatch,
    change: &Change,
) -> Result<(), StoreError> {
    own(tx, permit, instance, id).await?;
    if let Some(name) = &patch.name {
        nic::name_set(tx, instance, id, name).await?;
    }
    if let Some(allow) = patch.allow_ip_spoofing {
        tx.run(
            "UPDATE nics SET allow_ip_spoofing = $2, revision = revision + 1 WHERE id = $1",
            binds![id, allow],
        )
        .await?;
    }
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    instance: &InstanceId,
    id: &NicId,
    change: &Change,
) -> Result<(), StoreError> {
    let nic = own(tx, permit, instance, id).await?;
    if nic.primary {
        return Err(Refusal::Vni(VniRefusal::PrimaryInterface).into());
    }
    tx.run(
        "UPDATE reserved_ips SET target_id = NULL, revision = revision + 1
         WHERE auto_delete = 0 AND target_id = $1",
        binds![id],
    )
    .await?;
    nic::remove(tx, id).await?;
    let address = "DELETE FROM reserved_ips WHERE id = $1 AND auto_delete = 1";
    tx.run(address, binds![&nic.primary_ip]).await?;
    outbox::write(tx, change).await
}
