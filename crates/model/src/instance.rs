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

/// What becomes of an action that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionCourse {
    /// Nothing is to be done.
    NoEffect,
    /// The instance takes this status, and a job does the rest.
    Now(InstanceStatus),
    /// It waits until the instance has settled.
    Queued,
}

/// What becomes of an action, by the status of the instance and the last action that waits for it.
///
/// | status | start | stop | stop by force | reboot |
/// |---|---|---|---|---|
/// | stopped | starting | no effect | no effect | refused |
/// | running | refused | stopping | stopping | restarting |
/// | pending, starting, restarting | refused | queued | stopping | refused |
/// | stopping | queued | no effect | stopping | refused |
/// | failed, deleting | refused | refused | refused | refused |
///
/// Behind a queued action, an action is judged by where that one leads, and is queued too. A stop
/// by force takes effect at once and empties the queue. Terraform sends `stop` on each destroy,
/// also to a stopped instance, so that is accepted.
///
/// # Errors
/// [`Refusal::InstanceState`] for what is refused.
pub fn instance_transition(
    status: InstanceStatus,
    queued: Option<ActionKind>,
    action: ActionKind,
    force: bool,
) -> Result<ActionCourse, Refusal> {
    use ActionCourse::{NoEffect, Now, Queued};
    use ActionKind::{Reboot, Start, Stop};
    use InstanceStatus::{
        Deleting, Failed, Pending, Restarting, Running, Starting, Stopped, Stopping,
    };
    let refused = || Err(Refusal::InstanceState { status, action });
    if action == Stop && force {
        return match status {
            Stopped => Ok(NoEffect),
            Running | Pending | Starting | Restarting | Stopping => Ok(Now(Stopping)),
            Failed | Deleting => refused(),
        };
    }
    match (queued, action) {
        (Some(Stop), Start) | (Some(Start | Reboot), Stop) => return Ok(Queued),
        (Some(Stop), Stop) => return Ok(NoEffect),
        (Some(_), _) => return refused(),
        (None, _) => {}
    }
    match (status, action) {
        (Stopped, Start) => Ok(Now(Starting)),
        (Running, Stop) => Ok(Now(Stopping)),
        (Running, Reboot) => Ok(Now(Restarting)),
        (Pending | Starting | Restarting, Stop) | (Stopping, Start) => Ok(Queued),
        (Stopped | Stopping, Stop) => Ok(NoEffect),
        (Running | Pending | Starting | Restarting | Failed | Deleting, Start)
        | (Failed | Deleting, Stop)
        | (Stopped | Pending | Starting | Restarting | Stopping | Failed | Deleting, Reboot) => {
            refused()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_and_action_is_legal_or_refused_by_name() {
        let queues = [None, Some(ActionKind::Start), Some(ActionKind::Stop)];
        let mut legal = 0;
        for &status in InstanceStatus::ALL {
            for (queued, &action) in
                queues.iter().flat_map(|q| ActionKind::ALL.iter().map(move |a| (*q, a)))
            {
                for force in [false, true] {
                    match instance_transition(status, queued, action, force) {
                        Ok(_) if queued.is_none() => legal += 1,
                        Ok(_) | Err(Refusal::InstanceState { .. }) => {}
                        Err(other) => panic!("{status} {action}: {other}"),
                    }
                }
            }
        }
        // Start and reboot twice each, with and without force; stop in six statuses.
        assert_eq!(legal, 2 * 3 + 2 * 6);
    }

    #[test]
    fn stopping_a_stopped_instance_is_accepted_without_effect() {
        for force in [false, true] {
            let next = instance_transition(InstanceStatus::Stopped, None, ActionKind::Stop, force);
            assert_eq!(next, Ok(ActionCourse::NoEffect));
        }
    }

    #[test]
    fn behind_a_queued_action_one_is_judged_by_where_that_leads() {
        use ActionKind::{Reboot, Start, Stop};
        let after = |queued, action| {
            instance_transition(InstanceStatus::Starting, Some(queued), action, false)
        };
        assert_eq!(after(Stop, Start), Ok(ActionCourse::Queued));
        assert_eq!(after(Start, Stop), Ok(ActionCourse::Queued));
        assert_eq!(after(Stop, Stop), Ok(ActionCourse::NoEffect));
        for (queued, action) in [(Start, Start), (Start, Reboot), (Stop, Reboot)] {
            assert!(after(queued, action).is_err(), "{queued} {action}");
        }
        let force = instance_transition(InstanceStatus::Starting, Some(Stop), Stop, true);
        assert_eq!(force, Ok(ActionCourse::Now(InstanceStatus::Stopping)));
    }
}
