//! What the jobs of an instance share: its guest, its disks, its usage.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use base::{ByteCount, Crn, InstanceId, UsageId};
use compute::{ComputeError, GuestDisk, GuestSpec, GuestState, Seed};
use jobs::{StepContext, StepError};
use model::{
    ActionStatus, Attachment, AttachmentKind, AttachmentStatus, Instance, InstanceView, Metric,
    UsageChange, UsageRecord, catalog,
};

use crate::{
    Control,
    storage::Access,
    worker::{JOB, control, storage_step, store_step, subject},
};

/// How often a guest is looked at while it is expected to end.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often the power button is pressed again: a press is lost before the guest listens.
const PRESS_EVERY: Duration = Duration::from_secs(3);

/// How soon a step whose turn another job has looks again.
pub(super) const TURN_EVERY: Duration = Duration::from_millis(100);

/// What every step has: its way to the region.
pub(super) struct Region(pub(super) Weak<Control>);

impl Region {
    pub(super) fn get(&self) -> Result<Arc<Control>, StepError> {
        control(&self.0)
    }

    /// The instance that the job is about; an error when the job is another worker's meanwhile:
    /// what a late worker did to a guest or an action would not be undone by anybody.
    pub(super) async fn view(
        &self,
        cx: &StepContext,
    ) -> Result<(Arc<Control>, InstanceView), StepError> {
        cx.heartbeat().await?;
        let region = self.get()?;
        let id = subject(cx)?;
        let view = region.store().instance_any(JOB, &id).await.map_err(store_step)?;
        Ok((region, view))
    }
}

/// What a hypervisor's failure means to a step.
pub(crate) fn compute_step(error: &ComputeError) -> StepError {
    let text = base::error_chain(error);
    match error {
        ComputeError::ToolMissing { .. }
        | ComputeError::Spec { .. }
        | ComputeError::NoSuchDisk { .. } => StepError::fail("compute_refused", text),
        ComputeError::AlreadyRunning { .. }
        | ComputeError::NotRunning { .. }
        | ComputeError::StartFailed { .. }
        | ComputeError::StillPaused { .. }
        | ComputeError::PortTaken { .. }
        | ComputeError::NicNotAdded { .. }
        | ComputeError::NicHeld { .. }
        | ComputeError::DiskNotGrown { .. }
        | ComputeError::DiskNotAdded { .. }
        | ComputeError::DiskHeld { .. }
        | ComputeError::Control { .. }
        | ComputeError::File { .. } => StepError::retry("compute_unavailable", text),
    }
}

pub(super) fn instance_crn(instance: &Instance) -> Crn {
    Crn::vpc(instance.zone.as_str(), &instance.head.account, "instance", instance.head.id.as_str())
}

impl Control {
    /// Usage of a started instance.
    pub(super) fn instance_usage(&self, instance: &Instance) -> Vec<UsageChange> {
        let Some(profile) = catalog::instance_profile(&instance.profile) else {
            return Vec::new();
        };
        let begin = |metric, quantity: u32| {
            UsageChange::Begin(UsageRecord {
                id: UsageId::mint("", self.entropy()),
                account: instance.head.account.clone(),
                group: instance.head.group.clone(),
                crn: instance_crn(instance).to_string(),
                metric,
                quantity: quantity.into(),
                from: self.now(),
                until: None,
            })
        };
        vec![
            begin(Metric::InstanceVcpus, profile.vcpus),
            begin(Metric::InstanceMemory, profile.memory_gb),
        ]
    }

    pub(super) fn instance_usage_end(&self, instance: &Instance) -> UsageChange {
        UsageChange::End { crn: instance_crn(instance).to_string(), at: self.now() }
    }

    /// Serves every volume of an instance; the disks of its guest, the boot one first. One that
    /// is being detached is left out. The caller has the instance's turn.
    pub(super) async fn disks_export(
        &self,
        view: &InstanceView,
    ) -> Result<Vec<GuestDisk>, StepError> {
        let mut disks = Vec::with_capacity(view.attachments.len());
        for attached in &view.attachments {
            if attached.attachment.status != AttachmentStatus::Detaching {
                disks.push(self.disk_export(&attached.attachment).await?);
            }
        }
        Ok(disks)
    }

    /// Serves the volume of an attachment, unless it is served; the disk of the guest. The caller
    /// has the instance's turn.
    pub(crate) async fn disk_export(
        &self,
        attachment: &Attachment,
    ) -> Result<GuestDisk, StepError> {
        let volume = &attachment.volume;
        let row = self.store().volume_any(JOB, volume).await.map_err(store_step)?.volume;
        let storage = &self.parts.storage;
        storage.volume_provision(&row).await.map_err(storage_step)?;
        let nbd_socket = if self.parts.hypervisor.info().needs_export {
            let epoch = match storage.export_running(volume.as_str()).await {
                Ok(true) => row.storage.epoch,
                Ok(false) => {
                    self.store().volume_epoch_next(JOB, volume).await.map_err(store_step)?
                }
                Err(error) => return Err(storage_step(error)),
            };
            storage.volume_export(&row, epoch, Access::ReadWrite).await.map_err(storage_step)?
        } else {
            // A fake guest opens no disk; its specification still names one.
            std::path::PathBuf::from("/dev/null")
        };
        Ok(GuestDisk {
            id: attachment.id.to_string(),
            serial: attachment.device_id(),
            nbd_socket,
            boot: attachment.kind == AttachmentKind::Boot,
        })
    }

    /// Ends the exports of an instance; every layer is closed cleanly when this returns.
    pub(super) async fn disks_unexport(&self, view: &InstanceView) -> Result<(), StepError> {
        for attached in &view.attachments {
            let id = attached.attachment.volume.as_str();
            self.parts.storage.unexport(id).await.map_err(storage_step)?;
        }
        Ok(())
    }

    /// Starts the guest of an instance, unless it runs.
    pub(super) async fn guest_start(
        &self,
        view: &InstanceView,
        disks: Vec<GuestDisk>,
    ) -> Result<(), StepError> {
        let instance = &view.instance;
        let profile = catalog::instance_profile(&instance.profile)
            .ok_or_else(|| StepError::fail("no_profile", "the instance's profile is gone"))?;
        let keys =
            self.store().instance_ssh_keys(JOB, &instance.head.id).await.map_err(store_step)?;
        let nics = self.guest_nics(&instance.head.id).await;
        let nics = nics.map_err(|e| StepError::retry("store_unavailable", e.to_string()))?;
        let spec = GuestSpec {
            instance: instance.head.id.clone(),
            name: instance.head.name.to_string(),
            vcpus: profile.vcpus,
            memory: ByteCount::from_gb(profile.memory_gb.into()),
            disks,
            seed: Seed {
                instance_id: instance.head.id.to_string(),
                hostname: instance.head.name.to_string(),
                user_data: instance.user_data.clone(),
                ssh_keys: keys,
            },
            nics,
        };
        self.forwards_forget(&instance.head.id);
        match self.parts.hypervisor.start(spec).await {
            Ok(started) => {
                let id = &instance.head.id;
                tracing::info!(instance = %id, ?started, "guest started");
                Ok(())
            }
            Err(ComputeError::AlreadyRunning { .. }) => Ok(()),
            Err(error) => Err(compute_step(&error)),
        }
    }

    /// Asks the guest to end, and switches it off when it does not within the deadline.
    pub(super) async fn guest_stop(
        &self,
        cx: &StepContext,
        id: &InstanceId,
        force: bool,
    ) -> Result<(), StepError> {
        let hypervisor = &self.parts.hypervisor;
        let began = self.parts.clock.monotonic();
        let mut pressed: Option<Duration> = None;
        loop {
            let state = hypervisor.state(id).await.map_err(|e| compute_step(&e))?;
            if state == GuestState::Absent {
                return Ok(());
            }
            let now = self.parts.clock.monotonic();
            // A paused guest hears no button.
            let deaf = matches!(state, GuestState::Paused { .. });
            if force || deaf || now.saturating_sub(began) > self.config.powerdown_deadline {
                return hypervisor.power_off(id).await.map_err(|e| compute_step(&e));
            }
            if pressed.is_none_or(|at| now.saturating_sub(at) > PRESS_EVERY) {
                pressed = Some(now);
                match hypervisor.powerdown(id).await {
                    Ok(()) | Err(ComputeError::NotRunning { .. }) => {}
                    Err(error) => return Err(compute_step(&error)),
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
            cx.heartbeat().await?;
        }
    }

    /// Moves an action on; the region goes on when its row is gone with the instance.
    pub(super) async fn action_move(
        &self,
        action: Option<&str>,
        status: ActionStatus,
    ) -> Result<(), StepError> {
        let Some(id) = action.and_then(|id| base::InstanceActionId::parse(id).ok()) else {
            return Ok(());
        };
        match self.store().action_status_set(JOB, &id, status, self.now()).await {
            Ok(()) | Err(meta::StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(store_step(error)),
        }
    }
}
