//! Virtual network interfaces, and the network attachments of instances.

use async_trait::async_trait;
use base::{InstanceId, NicId, ReservedIpId, ResourceGroupId, SubnetId, VniId};
use model::{IpRequest, NetworkAttachment, ResourceName, Vni, VniPatch, VniView};
use policy::{Permit, Scope, SystemPermit};

use crate::{Change, Page, Paged, StoreError};

/// A virtual network interface with the addresses that it wants.
#[derive(Clone, Debug)]
pub struct NewVni {
    /// The virtual network interface; the store fills in `primary_ip`.
    pub vni: Vni,
    /// Its primary address.
    pub primary_ip: IpRequest,
    /// Its further addresses.
    pub ips: Vec<IpRequest>,
}

/// What a new network attachment attaches.
#[derive(Clone, Debug)]
pub enum VniSource {
    /// A virtual network interface that exists and is free.
    Existing(VniId),
    /// One that is made with it.
    New(Box<NewVni>),
}

/// A new network attachment.
#[derive(Clone, Debug)]
pub struct NewNetworkAttachment {
    /// The attachment.
    pub attachment: NetworkAttachment,
    /// What it attaches.
    pub vni: VniSource,
}

/// Which virtual network interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VniFilter {
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
}

/// Virtual network interfaces.
#[async_trait]
pub trait VniStore: Send + Sync {
    /// Writes a virtual network interface, bound to nothing, with its addresses. Refuses a taken
    /// name, addresses that cannot be had, settings that do not go together, and more than the
    /// limits.
    async fn vni_create(
        &self,
        permit: &Permit,
        new: NewVni,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A virtual network interface.
    async fn vni(&self, scope: &Scope, id: &VniId) -> Result<VniView, StoreError>;
    /// The same, for the region's own work.
    async fn vni_any(&self, permit: SystemPermit, id: &VniId) -> Result<VniView, StoreError>;
    /// Virtual network interfaces.
    async fn vnis(
        &self,
        scope: &Scope,
        filter: &VniFilter,
        page: &Page,
    ) -> Result<Paged<VniView>, StoreError>;
    /// Changes a virtual network interface as it was read at `revision`.
    async fn vni_update(
        &self,
        permit: &Permit,
        id: &VniId,
        revision: u64,
        patch: VniPatch,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a free virtual network interface with the addresses that go with it.
    async fn vni_delete(
        &self,
        permit: &Permit,
        id: &VniId,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Binds a free reserved IP of its subnet; nothing happens when it is bound to it already.
    async fn vni_ip_add(
        &self,
        permit: &Permit,
        id: &VniId,
        ip: &ReservedIpId,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Unbinds a reserved IP, and deletes it if it goes with its target; refuses the primary one.
    async fn vni_ip_remove(
        &self,
        permit: &Permit,
        id: &VniId,
        ip: &ReservedIpId,
        change: Change,
    ) -> Result<(), StoreError>;
    /// The subnet of a reserved IP.
    async fn reserved_ip_subnet(
        &self,
        scope: &Scope,
        id: &ReservedIpId,
    ) -> Result<SubnetId, StoreError>;

    /// Attaches a virtual network interface to an instance that has network attachments, and is
    /// not being deleted.
    async fn network_attachment_create(
        &self,
        permit: &Permit,
        new: NewNetworkAttachment,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Renames a network attachment.
    async fn network_attachment_rename(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &NicId,
        name: ResourceName,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a network attachment, but not the primary one. What was attached is deleted if it
    /// goes with its target; `vni_goes` is what the caller saw of that, and `Changed` says that
    /// it is otherwise.
    async fn network_attachment_delete(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &NicId,
        vni_goes: bool,
        change: Change,
    ) -> Result<(), StoreError>;
}
