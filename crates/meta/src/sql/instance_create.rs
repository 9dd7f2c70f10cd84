//! An instance with everything that is made with it, in one transaction.

use base::{Entropy, Timestamp};
use model::{
    Attachment, AttachmentKind, Instance, IpRequest, Limit, Nic, Refusal, Volume, VolumeStatus,
    catalog::instance_profile,
};
use policy::{Action, Permit};

use super::{
    allowed_use, attachment,
    counter::{self, Counter},
    head::{NameSpace, group_check, head_binds, limit_check, not_found},
    image_capture, ip_allocation, job, network_attachment, nic, outbox, permit,
    session::Session,
    subnet,
    value::binds,
    volume, vpc,
};
use crate::{Change, NewInstance, StoreError};

pub(crate) const NAMES: NameSpace = NameSpace::new("instance", "instances", "account_id");

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    new: &NewInstance,
    now: Timestamp,
    entropy: &dyn Entropy,
    change: &Change,
) -> Result<(), StoreError> {
    let instance = &new.instance;
    let head = &instance.head;
    permit::covers_new(permit, Action::InstanceCreate, &head.account, &head.group)?;
    group_check(tx, &head.account, &head.group).await?;
    vpc::check(tx, &head.account, &instance.vpc).await?;
    // An old boot volume boots whatever has become of the image that it was made of.
    if let (true, Some((image, _))) = (allowed_use::boots_new(new), &instance.image) {
        image_capture::provisionable(tx, &head.account, image).await?;
    }
    allowed_use::check_new(tx, new).await?;
    NAMES.check(tx, head.account.as_str(), &head.name, None).await?;
    limits(tx, new).await?;
    insert(tx, instance).await?;
    keys_insert(tx, instance).await?;
    for volume in &new.volumes {
        if volume.head.account != head.account {
            return Err(StoreError::PermitMismatch);
        }
        volume::insert(tx, volume).await?;
    }
    for attachment in &new.attachments {
        attach(tx, new, attachment).await?;
    }
    network(tx, new, entropy).await?;
    job::insert(tx, &new.job, now, now).await?;
    outbox::write(tx, change).await
}

async fn limits(tx: &mut Session, new: &NewInstance) -> Result<(), StoreError> {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let instance = &new.instance;
    limit_check(count(instance.keys.len()), Limit::KEYS_PER_INSTANCE_MAX)?;
    let user_data = instance.user_data.as_ref().map_or(0, String::len);
    limit_check(count(user_data), Limit::USER_DATA_BYTES_MAX)?;
    let data = new.attachments.iter().filter(|a| a.kind == AttachmentKind::Data).count();
    limit_check(count(data), Limit::DATA_VOLUMES_MAX)?;
    let place = (&instance.head.account, &instance.head.group);
    let own = counter::add_in(tx, place, Counter::Instances, 1).await?;
    limit_check(own.unsigned_abs(), Limit::INSTANCES_MAX)?;
    let more = vcpus(&instance.profile);
    limit_check(vcpus_used(tx, &instance.head.account).await? + more, Limit::VCPUS_MAX)
}

/// vCPUs of a profile; none of a profile that this program does not know.
pub(crate) fn vcpus(profile: &str) -> u64 {
    instance_profile(profile).map_or(0, |p| u64::from(p.vcpus))
}

/// vCPUs of all of an account's instances.
pub(crate) async fn vcpus_used(
    tx: &mut Session,
    account: &base::AccountId,
) -> Result<u64, StoreError> {
    let rows = tx
        .all(
            "SELECT profile, COUNT(*) FROM instances WHERE account_id = $1 GROUP BY profile",
            binds![account],
        )
        .await?;
    let mut used = 0;
    for row in rows {
        let mut row = row.of("instances");
        used += vcpus(&row.text()?) * row.count::<u64>()?;
    }
    Ok(used)
}

async fn insert(tx: &mut Session, instance: &Instance) -> Result<(), StoreError> {
    let mut values = head_binds(&instance.head);
    values.extend(binds![
        instance.zone.as_str(),
        &instance.vpc,
        &instance.profile,
        instance.image.as_ref().map(|(id, _)| id),
        instance.image.as_ref().map(|(_, name)| name),
        instance.status.as_str(),
        super::instance::reasons(instance),
        instance.lifecycle_state.as_str(),
        instance.user_data.as_deref(),
        instance.metadata_service.enabled,
        instance.metadata_service.protocol.as_str(),
        u32::from(instance.metadata_service.response_hop_limit),
        instance.host_failure.as_str(),
        instance.total_volume_bandwidth,
        &instance.host,
    ]);
    tx.run(
        "INSERT INTO instances (id, account_id, group_id, name, created_at, revision, zone, vpc_id,
           profile, image_id, image_name, status, status_reasons, lifecycle_state, user_data,
           metadata_enabled, metadata_protocol, metadata_hop_limit, host_failure,
           total_volume_bandwidth, host_id, image_account_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
           $19, $20, $21, (SELECT account_id FROM images WHERE id = $10))",
        values,
    )
    .await?;
    Ok(())
}

pub(crate) async fn keys_insert(tx: &mut Session, instance: &Instance) -> Result<(), StoreError> {
    for (position, key) in (0_u32..).zip(&instance.keys) {
        let rows = tx
            .run(
                "INSERT INTO instance_keys (instance_id, position, account_id, key_id, public_key)
                 SELECT $1, $2, account_id, id, public_key FROM ssh_keys
                 WHERE id = $3 AND account_id = $4",
                binds![&instance.head.id, position, key, &instance.head.account],
            )
            .await?;
        if rows == 0 {
            return Err(not_found("key", key));
        }
    }
    Ok(())
}

/// Ties a volume that was just made, or one that exists and is free, to the instance.
async fn attach(
    tx: &mut Session,
    new: &NewInstance,
    attachment: &Attachment,
) -> Result<(), StoreError> {
    let head = &new.instance.head;
    if attachment.instance != head.id {
        return Err(StoreError::PermitMismatch);
    }
    let made = new.volumes.iter().any(|v| v.head.id == attachment.volume);
    if !made {
        let view = volume::get(tx, Some(&head.account), &attachment.volume).await?;
        free_check(&view.volume, view.attachments.is_empty(), &new.instance)?;
    }
    attachment::insert(tx, &head.account, attachment).await
}

/// Refuses a volume that is attached, not ready, or in another zone.
pub(crate) fn free_check(
    volume: &Volume,
    unattached: bool,
    instance: &Instance,
) -> Result<(), StoreError> {
    let id = || volume.head.id.clone();
    if !unattached {
        return Err(Refusal::VolumeAttached { volume: id() }.into());
    }
    if volume.status != VolumeStatus::Available || volume.busy {
        let (status, busy) = (volume.status, volume.busy);
        return Err(Refusal::VolumeState { volume: id(), status, busy, verb: "attached" }.into());
    }
    if volume.zone != instance.zone {
        return Err(not_found("volume", id()));
    }
    Ok(())
}

/// Its network interfaces, or its network attachments.
async fn network(
    tx: &mut Session,
    new: &NewInstance,
    entropy: &dyn Entropy,
) -> Result<(), StoreError> {
    let (instance, attachments) = (&new.instance, &new.network_attachments);
    network_attachment::devices_check(instance, new.nics.len() + attachments.len())?;
    if !new.nics.is_empty() && !attachments.is_empty() {
        return Err(StoreError::PermitMismatch);
    }
    for (position, (nic, request)) in (0_u32..).zip(&new.nics) {
        nic_insert(tx, instance, nic, request, position, entropy).await?;
    }
    for (position, attachment) in (0_u32..).zip(attachments) {
        network_attachment::attach(tx, instance, attachment, position, entropy).await?;
    }
    Ok(())
}

/// Writes an interface with its address; the subnet is of the instance's VPC and zone.
pub(crate) async fn nic_insert(
    tx: &mut Session,
    instance: &Instance,
    nic: &Nic,
    request: &IpRequest,
    position: u32,
    entropy: &dyn Entropy,
) -> Result<(), StoreError> {
    let subnet = subnet::get(tx, &instance.head.account, &nic.subnet).await?.subnet;
    if subnet.vpc != instance.vpc || subnet.zone != instance.zone {
        return Err(not_found("subnet", &nic.subnet));
    }
    if nic.instance != instance.head.id || nic.head.account != instance.head.account {
        return Err(StoreError::PermitMismatch);
    }
    let mut nic = nic.clone();
    nic.primary_ip = ip_allocation::for_nic(tx, &subnet, &nic, request, entropy).await?;
    nic::insert(tx, &nic, position, None).await
}
