//! Instances change: settings, status, the mark of deletion.

use base::{InstanceId, Timestamp};
use jobs::NewJob;
use model::{
    AttachmentKind, Instance, InstancePatch, InstanceStatus, InstanceStatusReason, InstanceView,
    LifecycleState, Limit, Refusal, catalog::instance_profile,
};
use policy::{Action, Permit};

use super::{
    allowed_use,
    head::{changed, limit_check, written},
    instance_action,
    instance_create::{NAMES, vcpus, vcpus_used},
    instance_view, job, outbox, permit,
    session::Session,
    value::{binds, joined},
    volume,
};
use crate::{Change, StoreError};

/// The reasons as they are stored.
pub(crate) fn reasons(instance: &Instance) -> String {
    joined(&instance.status_reasons, InstanceStatusReason::as_str)
}

/// Writes back an instance as it was changed, if its row still has the revision it was read at,
/// and raises the revision.
pub(crate) async fn write(tx: &mut Session, instance: &mut Instance) -> Result<(), StoreError> {
    let rows = tx
        .run(
            "UPDATE instances SET name = $3, profile = $4, status = $5, status_reasons = $6,
               lifecycle_state = $7, metadata_enabled = $8, metadata_protocol = $9,
               metadata_hop_limit = $10, host_failure = $11, total_volume_bandwidth = $12,
               revision = revision + 1
             WHERE id = $1 AND revision = $2",
            binds![
                &instance.head.id,
                instance.head.revision,
                &instance.head.name,
                &instance.profile,
                instance.status.as_str(),
                reasons(instance),
                instance.lifecycle_state.as_str(),
                instance.metadata_service.enabled,
                instance.metadata_service.protocol.as_str(),
                u32::from(instance.metadata_service.response_hop_limit),
                instance.host_failure.as_str(),
                instance.total_volume_bandwidth,
            ],
        )
        .await?;
    written(rows, "instance", &instance.head.id)?;
    instance.head.revision += 1;
    Ok(())
}

/// An instance whose status is none for that.
pub(super) fn busy(instance: &Instance, verb: &'static str) -> StoreError {
    Refusal::InstanceBusy { instance: instance.head.id.clone(), status: instance.status, verb }
        .into()
}

/// An instance whose devices change, unless it is on its way out.
pub(super) async fn changing(
    tx: &mut Session,
    permit: &Permit,
    id: &InstanceId,
) -> Result<InstanceView, StoreError> {
    permit::covers(permit, &[Action::InstanceUpdate], id.as_str())?;
    let view = instance_view::get(tx, Some(permit.account()), id).await?;
    if view.instance.status == InstanceStatus::Deleting {
        return Err(busy(&view.instance, "changed"));
    }
    Ok(view)
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    id: &InstanceId,
    revision: u64,
    patch: &InstancePatch,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::InstanceUpdate], id.as_str())?;
    instance_view::check(tx, permit.account(), id).await?;
    let mut instance = instance_view::row(tx, id).await?;
    if instance.status == InstanceStatus::Deleting {
        return Err(busy(&instance, "changed"));
    }
    if instance.head.revision != revision {
        return Err(changed("instance", id));
    }
    if let Some(name) = &patch.name {
        NAMES.check(tx, permit.account().as_str(), name, Some(id.as_str())).await?;
        instance.head.name = name.clone();
    }
    if let Some(profile) = &patch.profile {
        profile_change(tx, &mut instance, profile).await?;
    }
    if let Some(metadata_service) = patch.metadata_service {
        instance.metadata_service = metadata_service;
    }
    if let Some(host_failure) = patch.host_failure {
        instance.host_failure = host_failure;
    }
    if patch.profile.is_some() || patch.metadata_service.is_some() {
        allowed_use::check_changed(tx, &instance).await?;
    }
    write(tx, &mut instance).await?;
    outbox::write(tx, change).await
}

async fn profile_change(
    tx: &mut Session,
    instance: &mut Instance,
    profile: &str,
) -> Result<(), StoreError> {
    if !matches!(instance.status, InstanceStatus::Stopping | InstanceStatus::Stopped) {
        return Err(busy(instance, "changed"));
    }
    let others = vcpus_used(tx, &instance.head.account).await? - vcpus(&instance.profile);
    limit_check(others + vcpus(profile), Limit::VCPUS_MAX)?;
    profile.clone_into(&mut instance.profile);
    if let Some(profile) = instance_profile(profile) {
        instance.total_volume_bandwidth = profile.volume_bandwidth();
    }
    Ok(())
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &InstanceId,
    job: &NewJob,
    now: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::InstanceDelete], id.as_str())?;
    let view = instance_view::get(tx, Some(permit.account()), id).await?;
    let mut instance = view.instance;
    match instance.status {
        InstanceStatus::Running | InstanceStatus::Stopped | InstanceStatus::Failed => {}
        InstanceStatus::Deleting
        | InstanceStatus::Pending
        | InstanceStatus::Restarting
        | InstanceStatus::Starting
        | InstanceStatus::Stopping => return Err(busy(&instance, "deleted")),
    }
    for attached in &view.attachments {
        let boot = attached.attachment.kind == AttachmentKind::Boot;
        if boot && volume::get(tx, None, &attached.attachment.volume).await?.volume.busy {
            let volume = attached.attachment.volume.clone();
            return Err(Refusal::SourceVolumeBusy { volume }.into());
        }
    }
    instance.status = InstanceStatus::Deleting;
    instance.status_reasons.clear();
    instance.lifecycle_state = LifecycleState::Deleting;
    write(tx, &mut instance).await?;
    tx.run("UPDATE attachments SET status = 'deleting' WHERE instance_id = $1", binds![id]).await?;
    job::insert(tx, job, now, now).await?;
    outbox::write(tx, change).await
}

/// A status with what goes with it.
pub(crate) struct NextStatus {
    pub(crate) status: InstanceStatus,
    pub(crate) reasons: Vec<InstanceStatusReason>,
    pub(crate) lifecycle: LifecycleState,
}

pub(crate) async fn status_set(
    tx: &mut Session,
    id: &InstanceId,
    from: &[InstanceStatus],
    to: &NextStatus,
    now: (Timestamp, Timestamp),
    change: &Change,
) -> Result<(), StoreError> {
    let mut instance = instance_view::row(tx, id).await?;
    if !from.contains(&instance.status) {
        return Err(changed("instance", id));
    }
    let before = instance.status;
    instance.status = to.status;
    instance.status_reasons.clone_from(&to.reasons);
    instance.lifecycle_state = to.lifecycle;
    write(tx, &mut instance).await?;
    instance_action::next_queued(tx, &mut instance, before, now).await?;
    outbox::write(tx, change).await
}
