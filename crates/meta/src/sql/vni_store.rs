//! The virtual network interfaces' part of the port, each call one transaction.

use async_trait::async_trait;
use base::{InstanceId, NicId, ReservedIpId, SubnetId, VniId};
use model::{ResourceName, VniPatch, VniView};
use policy::{Permit, Scope, SystemPermit};

use super::{
    SqlStore, ip_allocation, network_attachment,
    retry::{reading, writing},
    sight, vni,
};
use crate::{Change, NewNetworkAttachment, NewVni, Page, Paged, StoreError, VniFilter, VniStore};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl VniStore for SqlStore {
    async fn vni_create(&self, permit: &Permit, new: NewVni, change: Change) -> Result<()> {
        let entropy = self.entropy.as_ref();
        writing!(self, |tx| vni::create(tx, permit, &new, entropy, &change))
    }

    async fn vni(&self, scope: &Scope, id: &VniId) -> Result<VniView> {
        reading!(self, |tx| async {
            sight::check(tx, scope, "virtual_network_interfaces", "virtual_network_interface", id)
                .await?;
            vni::get(tx, Some(scope.account()), id).await
        })
    }

    async fn vni_any(&self, _permit: SystemPermit, id: &VniId) -> Result<VniView> {
        reading!(self, |tx| vni::get(tx, None, id))
    }

    async fn vnis(&self, scope: &Scope, filter: &VniFilter, page: &Page) -> Result<Paged<VniView>> {
        reading!(self, |tx| vni::list(tx, scope, filter, page))
    }

    async fn vni_update(
        &self,
        permit: &Permit,
        id: &VniId,
        revision: u64,
        patch: VniPatch,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| vni::update(tx, permit, id, revision, &patch, &change))
    }

    async fn vni_delete(&self, permit: &Permit, id: &VniId, change: Change) -> Result<()> {
        writing!(self, |tx| vni::delete(tx, permit, id, &change))
    }

    async fn vni_ip_add(
        &self,
        permit: &Permit,
        id: &VniId,
        ip: &ReservedIpId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| vni::ip_add(tx, permit, id, ip, &change))
    }

    async fn vni_ip_remove(
        &self,
        permit: &Permit,
        id: &VniId,
        ip: &ReservedIpId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| vni::ip_remove(tx, permit, id, ip, &change))
    }

    async fn reserved_ip_subnet(&self, scope: &Scope, id: &ReservedIpId) -> Result<SubnetId> {
        let mut session = self.engine.glance().await?;
        ip_allocation::subnet_of(&mut session, scope.account(), id).await
    }

    async fn network_attachment_create(
        &self,
        permit: &Permit,
        new: NewNetworkAttachment,
        change: Change,
    ) -> Result<()> {
        let entropy = self.entropy.as_ref();
        writing!(self, |tx| network_attachment::create(tx, permit, &new, entropy, &change))
    }

    async fn network_attachment_rename(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &NicId,
        name: ResourceName,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| network_attachment::rename(tx, permit, instance, id, &name, &change))
    }

    async fn network_attachment_delete(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &NicId,
        vni_goes: bool,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| network_attachment::delete(tx, permit, instance, id, vni_goes, &change))
    }
}
