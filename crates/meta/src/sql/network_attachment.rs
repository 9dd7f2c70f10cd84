//! Network attachments: what ties a virtual network interface to an instance.
//!
//! An attachment is a row of `nics` that names its virtual network interface, so that everything
//! which looks at the interfaces of an instance sees it. Invariant: subnet, primary address,
//! security groups and IP spoofing of that row are those of the virtual network interface.

use base::{Entropy, InstanceId, NicId, VniId};
use model::{
    Instance, NetworkAttachment, Nic, NicView, Refusal, ResourceName, Vni, VniRefusal, VniView,
    catalog::instance_profile,
};
use policy::{Action, Permit};

use super::{
    head::{changed, not_found},
    instance, instance_view, nic, outbox, permit,
    session::Session,
    value::binds,
    vni,
};
use crate::{Change, NewNetworkAttachment, StoreError, VniSource};

/// Ties one that exists and is free, or a new one, to an instance, at a place in its order.
pub(crate) async fn attach(
    tx: &mut Session,
    instance: &Instance,
    new: &NewNetworkAttachment,
    position: u32,
    entropy: &dyn Entropy,
) -> Result<(), StoreError> {
    let NetworkAttachment { head, instance: of, primary } = &new.attachment;
    let account = &instance.head.account;
    if of != &instance.head.id || &head.account != account {
        return Err(StoreError::PermitMismatch);
    }
    let attached = match &new.vni {
        VniSource::Existing(id) => free(tx, instance, id).await?,
        VniSource::New(made) if &made.vni.head.account != account => {
            return Err(StoreError::PermitMismatch);
        }
        VniSource::New(made) => vni::insert(tx, made, true, entropy).await?,
    };
    if attached.vpc != instance.vpc || attached.zone != instance.zone {
        return Err(not_found("virtual_network_interface", &attached.head.id));
    }
    let row = Nic {
        head: head.clone(),
        instance: of.clone(),
        subnet: attached.subnet,
        primary_ip: attached.primary_ip,
        security_groups: attached.security_groups,
        allow_ip_spoofing: attached.allow_ip_spoofing,
        primary: *primary,
        mac: attached.mac,
    };
    nic::insert(tx, &row, position, Some(&attached.head.id)).await
}

async fn free(tx: &mut Session, instance: &Instance, id: &VniId) -> Result<Vni, StoreError> {
    let VniView { vni, target, .. } = vni::get(tx, Some(&instance.head.account), id).await?;
    if target.is_some() {
        return Err(Refusal::Vni(VniRefusal::InUse { vni: id.clone(), verb: "attached" }).into());
    }
    vni.check(true)?;
    Ok(vni)
}

/// Refuses more devices than the instance's profile has.
pub(crate) fn devices_check(instance: &Instance, count: usize) -> Result<(), StoreError> {
    let max = instance_profile(&instance.profile).map_or(u32::MAX, |profile| profile.nics_max);
    if u32::try_from(count).is_ok_and(|count| count <= max) {
        return Ok(());
    }
    Err(Refusal::Vni(VniRefusal::Devices { profile: instance.profile.clone(), max }).into())
}

/// Makes the groups of an attachment those of its virtual network interface, if it is attached.
pub(crate) async fn groups_copy(tx: &mut Session, id: &VniId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM nic_security_groups WHERE nic_id IN (SELECT id FROM nics WHERE vni_id = $1)",
        "INSERT INTO nic_security_groups (nic_id, position, account_id, security_group_id)
         SELECT n.id, x.position, x.account_id, x.security_group_id
         FROM vni_security_groups x JOIN nics n ON n.vni_id = x.vni_id WHERE x.vni_id = $1",
    ] {
        tx.run(sql, binds![id]).await?;
    }
    Ok(())
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    new: &NewNetworkAttachment,
    entropy: &dyn Entropy,
    change: &Change,
) -> Result<(), StoreError> {
    let id = &new.attachment.instance;
    if new.attachment.primary {
        return Err(StoreError::PermitMismatch);
    }
    let view = instance::changing(tx, permit, id).await?;
    if !view.has_network_attachments() {
        let (instance, has) = (id.clone(), "network interfaces");
        return Err(Refusal::Vni(VniRefusal::Style { instance, has }).into());
    }
    devices_check(&view.instance, view.nics.len() + 1)?;
    let position = nic::position_next(tx, id).await?;
    attach(tx, &view.instance, new, position, entropy).await?;
    outbox::write(tx, change).await
}

/// An attachment of an instance of the permit's account.
async fn own(
    tx: &mut Session,
    permit: &Permit,
    instance: &InstanceId,
    id: &NicId,
) -> Result<(NicView, VniId), StoreError> {
    permit::covers(permit, &[Action::InstanceUpdate], instance.as_str())?;
    instance_view::check(tx, permit.account(), instance).await?;
    let all = nic::of_instances(tx, &[instance]).await?;
    let found = all.into_iter().find(|view| &view.nic.head.id == id);
    let vni = found.as_ref().and_then(|view| view.vni.as_ref()).map(|vni| vni.vni.id.clone());
    found.zip(vni).ok_or_else(|| not_found("network_attachment", id))
}

pub(crate) async fn rename(
    tx: &mut Session,
    permit: &Permit,
    instance: &InstanceId,
    id: &NicId,
    name: &ResourceName,
    change: &Change,
) -> Result<(), StoreError> {
    own(tx, permit, instance, id).await?;
    nic::name_set(tx, instance, id, name).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    instance: &InstanceId,
    id: &NicId,
    vni_goes: bool,
    change: &Change,
) -> Result<(), StoreError> {
    let (view, attached) = own(tx, permit, instance, id).await?;
    if view.nic.primary {
        return Err(Refusal::Vni(VniRefusal::Primary).into());
    }
    if vni::get(tx, None, &attached).await?.vni.auto_delete != vni_goes {
        return Err(changed("virtual network interface", &attached));
    }
    nic::remove(tx, id).await?;
    if vni_goes {
        vni::remove(tx, &attached).await?;
    }
    outbox::write(tx, change).await
}
