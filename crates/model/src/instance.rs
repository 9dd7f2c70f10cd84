//! Instances: status, the table of what may follow what, actions.

use base::{ImageId, InstanceActionId, InstanceId, KeyId, Timestamp, VpcId, ZoneName};

use crate::{Head, Refusal, ResourceName, text_enum};

text_enum! {
    /// Status of an instance.
    InstanceStatus {
        /// Going away.
        Deleting = "deleting",
        /// Could not be made.
        Failed = "failed",
        /// Being made.
        Pending = "pending",
        /// Rebooting.
        Restarting = "restarting",
        /// Its guest runs.
        Running = "running",
        /// Its guest is being started.
        Starting = "starting",
        /// It has no guest.
        Stopped = "stopped",
        /// Its guest is being stopped.
        Stopping = "stopping",
    }
}

text_enum! {
    /// Why an instance has its status.
    InstanceStatusReason {
        /// It could not be started.
        CannotStart = "cannot_start",
        /// The host has no room for it.
        CannotStartCapacity = "cannot_start_capacity",
        /// The hypervisor refused it.
        CannotStartCompute = "cannot_start_compute",
        /// Its volumes could not be opened.
        CannotStartStorage = "cannot_start_storage",
        /// Its root key was deleted.
        EncryptionKeyDeleted = "encryption_key_deleted",
        /// Its guest ended by itself or by its host.
        StoppedByHostFailure = "stopped_by_host_failure",
        /// It waits until an image has been made of its volume.
        StoppedForImageCreation = "stopped_for_image_creation",
        /// Its guest waits, because the host's disk is full.
        PausedStorageFull = "paused_storage_full",
    }
}

text_enum! {
    /// Lifecycle of an instance, apart from whether it runs.
    LifecycleState {
        /// Going away.
        Deleting = "deleting",
        /// Could not be made.
        Failed = "failed",
        /// Being made.
        Pending = "pending",
        /// As it should be.
        Stable = "stable",
        /// Held by the provider.
        Suspended = "suspended",
        /// Being changed.
        Updating = "updating",
        /// Waits for something else.
        Waiting = "waiting",
    }
}

text_enum! {
    /// What is asked of an instance.
    ActionKind {
        /// Start it.
        Start = "start",
        /// Stop it.
        Stop = "stop",
        /// Restart its guest.
        Reboot = "reboot",
    }
}

text_enum! {
    /// How far an action is.
    ActionStatus {
        /// Done.
        Completed = "completed",
        /// Could not be done.
        Failed = "failed",
        /// Not begun.
        Pending = "pending",
        /// Going on.
        Running = "running",
    }
}

text_enum! {
    /// What happens to an instance when its host fails.
    HostFailurePolicy {
        /// It is started again.
        Restart = "restart",
        /// It stays down.
        Stop = "stop",
    }
}

text_enum! {
    /// How a guest speaks to the metadata service.
    MetadataProtocol {
        /// Plain.
        Http = "http",
        /// TLS.
        Https = "https",
    }
}

/// Settings of the metadata service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataService {
    /// Off by default.
    pub enabled: bool,
    /// `http` by default.
    pub protocol: MetadataProtocol,
    /// 1 to 64.
    pub response_hop_limit: u8,
}

impl Default for MetadataService {
    fn default() -> Self {
        Self { enabled: false, protocol: MetadataProtocol::Http, response_hop_limit: 1 }
    }
}

/// A virtual server instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Id, account, group, name.
    pub head: Head<InstanceId>,
    /// Its zone.
    pub zone: ZoneName,
    /// Its VPC.
    pub vpc: VpcId,
    /// Name of its profile.
    pub profile: String,
    /// Image it was made from, with the image's name then.
    pub image: Option<(ImageId, String)>,
    /// Its status.
    pub status: InstanceStatus,
    /// Why.
    pub status_reasons: Vec<InstanceStatusReason>,
    /// Its lifecycle.
    pub lifecycle_state: LifecycleState,
    /// SSH keys that its guest accepts.
    pub keys: Vec<KeyId>,
    /// What its guest runs at first boot. Never shown by the API.
    pub user_data: Option<String>,
    /// Metadata service.
    pub metadata_service: MetadataService,
    /// What happens when its host fails.
    pub host_failure: HostFailurePolicy,
    /// Megabits a second for volumes.
    pub total_volume_bandwidth: u32,
    /// Host that runs it.
    pub host: String,
}

/// What a PATCH of an instance changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstancePatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// New profile; only while stopped.
    pub profile: Option<String>,
    /// New settings of the metadata service.
    pub metadata_service: Option<MetadataService>,
    /// New policy.
    pub host_failure: Option<HostFailurePolicy>,
}

/// Something asked of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceAction {
    /// Its id.
    pub id: InstanceActionId,
    /// The instance.
    pub instance: InstanceId,
    /// What.
    pub kind: ActionKind,
    /// At once, without asking the guest.
    pub force: bool,
    /// How far it is.
    pub status: ActionStatus,
    /// Region time it was asked.
    pub created_at: Timestamp,
    /// Region time it began.
    pub started_at: Option<Timestamp>,
    /// Region time it ended.
    pub completed_at: Option<Timestamp>,
}

/// What an action does to a status: the next status, or `None` for "accepted without effect".
///
/// Terraform sends `stop` on each destroy, also to a stopped instance, so that is accepted.
///
/// # Errors
/// [`Refusal::InstanceState`] for every other pair.
pub fn instance_transition(
    status: InstanceStatus,
    action: ActionKind,
    force: bool,
) -> Result<Option<InstanceStatus>, Refusal> {
    use ActionKind::{Reboot, Start, Stop};
    use InstanceStatus::{
        Deleting, Failed, Pending, Restarting, Running, Starting, Stopped, Stopping,
    };
    match (status, action) {
        (Stopped, Start) => Ok(Some(Starting)),
        (Running, Stop) => Ok(Some(Stopping)),
        (Starting | Restarting, Stop) if force => Ok(Some(Stopping)),
        (Stopped | Stopping, Stop) => Ok(None),
        (Running, Reboot) => Ok(Some(Restarting)),
        (Running | Starting | Restarting | Stopping | Pending | Failed | Deleting, Start)
        | (Starting | Restarting | Pending | Failed | Deleting, Stop)
        | (Stopped | Starting | Restarting | Stopping | Pending | Failed | Deleting, Reboot) => {
            Err(Refusal::InstanceState { status, action })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_and_action_is_legal_or_refused_by_name() {
        let mut legal = 0;
        for &status in InstanceStatus::ALL {
            for &action in ActionKind::ALL {
                for force in [false, true] {
                    match instance_transition(status, action, force) {
                        Ok(_) => legal += 1,
                        Err(Refusal::InstanceState { .. }) => {}
                        Err(other) => panic!("{status} {action}: {other}"),
                    }
                }
            }
        }
        assert_eq!(legal, 12);
    }

    #[test]
    fn stopping_a_stopped_instance_is_accepted_without_effect() {
        let next = instance_transition(InstanceStatus::Stopped, ActionKind::Stop, false);
        assert!(matches!(next, Ok(None)));
    }
}
