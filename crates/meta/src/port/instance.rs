//! Instances, their actions, and everything that is made and deleted with them.

use async_trait::async_trait;
use base::{
    ImageId, InstanceActionId, InstanceId, KeyId, ResourceGroupId, SubnetId, VniId, VolumeId, VpcId,
};
use jobs::{Fence, NewJob};
use model::{
    ActionStatus, Attachment, Instance, InstanceAction, InstancePatch, InstanceStatus,
    InstanceStatusReason, InstanceView, IpRequest, LifecycleState, Nic, Volume,
};
use policy::{Permit, Scope, SystemPermit};

use crate::{Change, NewNetworkAttachment, Page, Paged, StoreError};

/// An instance with everything that is made with it, in one transaction.
#[derive(Clone, Debug)]
pub struct NewInstance {
    /// The instance, `pending`.
    pub instance: Instance,
    /// Volumes that are made for it.
    pub volumes: Vec<Volume>,
    /// Its attachments, the boot one first; each names a volume above or one that exists and is
    /// unattached, available and in the same zone.
    pub attachments: Vec<Attachment>,
    /// Its interfaces, the primary one first, each with the address it wants. The store fills in
    /// `primary_ip` and makes the reserved IPs (named and auto-deleted as the request says). None
    /// where it has network attachments.
    pub nics: Vec<(Nic, IpRequest)>,
    /// Its network attachments, the primary one first; none where it has interfaces.
    pub network_attachments: Vec<NewNetworkAttachment>,
    /// The job that starts it.
    pub job: NewJob,
}

/// What an instance begins anew with, in one transaction.
#[derive(Clone, Debug)]
pub struct NewBoot {
    /// Its new boot attachment.
    pub attachment: Attachment,
    /// The volume when it is made with it; none for one that exists and is free.
    pub volume: Option<Volume>,
    /// Image that the volume is of, with the image's name now.
    pub image: Option<(ImageId, String)>,
    /// SSH keys; all that its guest accepts from now on.
    pub keys: Vec<KeyId>,
    /// What its guest runs at first boot.
    pub user_data: Option<String>,
    /// The boot volume that it had, which goes, and the job that removes it.
    pub old: (VolumeId, NewJob),
    /// The job that starts it.
    pub job: NewJob,
}

/// What goes with a deleted instance, as the caller saw it.
#[derive(Clone, Debug, Default)]
pub struct InstanceEnd {
    /// Its volumes that go, each with the job that removes it.
    pub volumes: Vec<(VolumeId, NewJob)>,
    /// Its virtual network interfaces that go.
    pub vnis: Vec<VniId>,
}

/// Which instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceFilter {
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only this name.
    pub name: Option<String>,
    /// Only of this VPC.
    pub vpc: Option<VpcId>,
    /// Only of the VPC of this name.
    pub vpc_name: Option<String>,
    /// Only with an interface in this subnet.
    pub subnet: Option<SubnetId>,
}

/// Instances.
#[async_trait]
pub trait InstanceStore: Send + Sync {
    /// Writes an instance and all that comes with it, and queues its start. In the transaction:
    /// names, limits, addresses, that the image (if any) is still provisionable and visible, and
    /// that existing volumes are free.
    async fn instance_create(
        &self,
        permit: &Permit,
        new: NewInstance,
        change: Change,
    ) -> Result<(), StoreError>;
    /// An instance.
    async fn instance(&self, scope: &Scope, id: &InstanceId) -> Result<InstanceView, StoreError>;
    /// Instances.
    async fn instances(
        &self,
        scope: &Scope,
        filter: &InstanceFilter,
        page: &Page,
    ) -> Result<Paged<InstanceView>, StoreError>;
    /// Changes an instance as it was read at `revision`.
    async fn instance_update(
        &self,
        permit: &Permit,
        id: &InstanceId,
        revision: u64,
        patch: InstancePatch,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Marks an instance as `deleting` and queues the job that removes it. Refuses one whose boot
    /// volume is busy with an image, and one that is pending, starting, restarting or stopping.
    async fn instance_delete(
        &self,
        permit: &Permit,
        id: &InstanceId,
        job: NewJob,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Gives a stopped instance another boot volume, keys and user data, and queues its start. The
    /// volume that it had becomes `pending_deletion`.
    async fn instance_reinitialize(
        &self,
        permit: &Permit,
        id: &InstanceId,
        new: NewBoot,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Takes an action: decides by `model::instance_transition` on the row's status, writes the
    /// action and the next status, and queues the job. An action without effect is written as
    /// completed and no job is queued. One that must wait for others is written as pending, and its
    /// job with it; `instance_status_set` lets it go on. A stop by force takes back what waits and
    /// fails what goes on. A start while a volume is busy with an image is written as
    /// pending, the instance stays stopped with reason `stopped_for_image_creation`, and the job
    /// waits: `image_settled` releases it. A second start meanwhile is written as completed, and
    /// a stop takes the waiting start back (it is then failed, and its job gone). Returns the
    /// action as written.
    async fn instance_action(
        &self,
        permit: &Permit,
        action: InstanceAction,
        job: NewJob,
        change: Change,
    ) -> Result<InstanceAction, StoreError>;
    /// Actions of an instance, newest first; for clients that follow one.
    async fn instance_action_get(
        &self,
        scope: &Scope,
        instance: &InstanceId,
        id: &InstanceActionId,
    ) -> Result<InstanceAction, StoreError>;
    /// Moves an action on (job side); `completed_at` is set for settled statuses.
    async fn action_status_set(
        &self,
        permit: SystemPermit,
        id: &InstanceActionId,
        status: ActionStatus,
        at: base::Timestamp,
    ) -> Result<(), StoreError>;

    /// An instance, for the region's own work.
    async fn instance_any(
        &self,
        permit: SystemPermit,
        id: &InstanceId,
    ) -> Result<InstanceView, StoreError>;
    /// Public keys (OpenSSH lines) of an instance: as they were when it was made, also when the
    /// keys are deleted since.
    async fn instance_ssh_keys(
        &self,
        permit: SystemPermit,
        id: &InstanceId,
    ) -> Result<Vec<String>, StoreError>;
    /// Every instance of `host` that is not stopped, for start-up.
    async fn instances_of_host(
        &self,
        permit: SystemPermit,
        host: &str,
    ) -> Result<Vec<Instance>, StoreError>;
    /// Sets status, reasons and lifecycle (compare-and-swap: the status is one of `from`). Where
    /// the instance settles, the next action that waited takes effect in the same transaction.
    #[expect(clippy::too_many_arguments, reason = "one compare-and-swap, named in full")]
    async fn instance_status_set(
        &self,
        permit: SystemPermit,
        id: &InstanceId,
        from: &[InstanceStatus],
        to: InstanceStatus,
        reasons: Vec<InstanceStatusReason>,
        lifecycle: LifecycleState,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Removes a deleting instance with its attachments, interfaces, auto-deleted addresses and
    /// virtual network interfaces. Volumes that go with it become `pending_deletion`, each with
    /// its job, and are returned. `Changed` when other things go than the caller saw. Nothing
    /// happens when the instance is gone already.
    async fn instance_gone(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        id: &InstanceId,
        end: InstanceEnd,
        change: Change,
    ) -> Result<Vec<VolumeId>, StoreError>;
}
