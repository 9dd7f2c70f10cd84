//! The network's part of the port, each call one transaction.

use std::net::Ipv4Addr;

use async_trait::async_trait;
use base::{AddressPrefixId, InstanceId, KeyId, NicId, ReservedIpId, SubnetId, VpcId};
use model::{
    AddressPrefix, IpRequest, Nic, NicPatch, NicView, ReservedIp, ReservedIpView, ResourceName,
    SshKey, Subnet, SubnetPatch, SubnetView, VpcView,
};
use policy::{Permit, Scope};

use super::{
    SqlStore, instance_view, nic, nic_change, prefix, reserved_ip,
    retry::{reading, writing},
    sight, ssh_key, subnet, vpc,
};
use crate::{
    Change, NetworkStore, NewVpc, Page, Paged, ReservedIpFilter, StoreError, SubnetFilter,
    VpcFilter,
};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl NetworkStore for SqlStore {
    async fn vpc_create(&self, permit: &Permit, new: NewVpc, change: Change) -> Result<()> {
        writing!(self, |tx| vpc::create(tx, permit, &new, &change))
    }

    async fn vpc(&self, scope: &Scope, id: &VpcId) -> Result<VpcView> {
        vpc::get(&mut self.engine.glance().await?, scope, id).await
    }

    async fn vpcs(&self, scope: &Scope, filter: &VpcFilter, page: &Page) -> Result<Paged<VpcView>> {
        reading!(self, |tx| vpc::list(tx, scope, filter, page))
    }

    async fn vpc_rename(
        &self,
        permit: &Permit,
        id: &VpcId,
        revision: u64,
        name: ResourceName,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| vpc::rename(tx, permit, id, revision, &name, &change))
    }

    async fn vpc_delete(&self, permit: &Permit, id: &VpcId, change: Change) -> Result<()> {
        writing!(self, |tx| vpc::delete(tx, permit, id, &change))
    }

    async fn prefix_create(
        &self,
        permit: &Permit,
        prefix: AddressPrefix,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| prefix::create(tx, permit, &prefix, &change))
    }

    async fn prefix(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        id: &AddressPrefixId,
    ) -> Result<(AddressPrefix, bool)> {
        let mut session = self.engine.glance().await?;
        sight::check(&mut session, scope, "vpcs", "vpc", vpc).await?;
        prefix::get(&mut session, scope.account(), vpc, id).await
    }

    async fn prefixes(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        page: &Page,
    ) -> Result<Paged<(AddressPrefix, bool)>> {
        reading!(self, |tx| prefix::list(tx, scope, vpc, page))
    }

    async fn prefix_update(
        &self,
        permit: &Permit,
        vpc: &VpcId,
        id: &AddressPrefixId,
        name: Option<ResourceName>,
        is_default: Option<bool>,
        change: Change,
    ) -> Result<()> {
        let patch = prefix::PrefixPatch { name, is_default };
        writing!(self, |tx| prefix::update(tx, permit, vpc, id, &patch, &change))
    }

    async fn prefix_delete(
        &self,
        permit: &Permit,
        vpc: &VpcId,
        id: &AddressPrefixId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| prefix::delete(tx, permit, vpc, id, &change))
    }

    async fn subnet_create(
        &self,
        permit: &Permit,
        subnet: Subnet,
        reserved: Vec<ReservedIp>,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| subnet::create(tx, permit, &subnet, &reserved, &change))
    }

    async fn subnet_range_free(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        zone: &str,
        count: u64,
    ) -> Result<(Ipv4Addr, u8)> {
        reading!(self, |tx| subnet::range_free(tx, scope, vpc, zone, count))
    }

    async fn subnet(&self, scope: &Scope, id: &SubnetId) -> Result<SubnetView> {
        let mut session = self.engine.glance().await?;
        sight::check(&mut session, scope, "subnets", "subnet", id).await?;
        subnet::get(&mut session, scope.account(), id).await
    }

    async fn subnets(
        &self,
        scope: &Scope,
        filter: &SubnetFilter,
        page: &Page,
    ) -> Result<Paged<SubnetView>> {
        reading!(self, |tx| subnet::list(tx, scope, filter, page))
    }

    async fn subnet_update(
        &self,
        permit: &Permit,
        id: &SubnetId,
        revision: u64,
        patch: SubnetPatch,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| subnet::update(tx, permit, id, revision, &patch, &change))
    }

    async fn subnet_delete(&self, permit: &Permit, id: &SubnetId, change: Change) -> Result<()> {
        writing!(self, |tx| subnet::delete(tx, permit, id, &change))
    }

    async fn reserved_ip_create(
        &self,
        permit: &Permit,
        ip: ReservedIp,
        change: Change,
    ) -> Result<ReservedIp> {
        writing!(self, |tx| reserved_ip::create(tx, permit, &ip, &change))
    }

    async fn reserved_ip(
        &self,
        scope: &Scope,
        subnet: &SubnetId,
        id: &ReservedIpId,
    ) -> Result<ReservedIpView> {
        let mut session = self.engine.glance().await?;
        sight::check(&mut session, scope, "subnets", "subnet", subnet).await?;
        reserved_ip::get(&mut session, scope.account(), subnet, id).await
    }

    async fn reserved_ips(
        &self,
        scope: &Scope,
        subnet: &SubnetId,
        filter: &ReservedIpFilter,
        page: &Page,
    ) -> Result<Paged<ReservedIpView>> {
        reading!(self, |tx| reserved_ip::list(tx, scope, subnet, filter, page))
    }

    async fn reserved_ip_update(
        &self,
        permit: &Permit,
        subnet: &SubnetId,
        id: &ReservedIpId,
        name: Option<ResourceName>,
        auto_delete: Option<bool>,
        change: Change,
    ) -> Result<()> {
        let patch = reserved_ip::ReservedIpPatch { name, auto_delete };
        writing!(self, |tx| reserved_ip::update(tx, permit, subnet, id, &patch, &change))
    }

    async fn reserved_ip_delete(
        &self,
        permit: &Permit,
        subnet: &SubnetId,
        id: &ReservedIpId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| reserved_ip::delete(tx, permit, subnet, id, &change))
    }

    async fn nics(&self, scope: &Scope, instance: &InstanceId) -> Result<Vec<NicView>> {
        reading!(self, |tx| async {
            sight::check(tx, scope, "instances", "instance", instance).await?;
            instance_view::check(tx, scope.account(), instance).await?;
            nic::of_instances(tx, &[instance]).await
        })
    }

    async fn nic_instance(&self, scope: &Scope, id: &NicId) -> Result<InstanceId> {
        nic::instance(&mut self.engine.glance().await?, scope.account(), id).await
    }

    async fn nic_create(
        &self,
        permit: &Permit,
        nic: Nic,
        request: IpRequest,
        change: Change,
    ) -> Result<()> {
        let entropy = self.entropy.as_ref();
        writing!(self, |tx| nic_change::create(tx, permit, &nic, &request, entropy, &change))
    }

    async fn nic_update(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &NicId,
        patch: NicPatch,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| nic_change::update(tx, permit, instance, id, &patch, &change))
    }

    async fn nic_delete(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &NicId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| nic_change::delete(tx, permit, instance, id, &change))
    }

    async fn key_create(&self, permit: &Permit, key: SshKey, change: Change) -> Result<()> {
        writing!(self, |tx| ssh_key::create(tx, permit, &key, &change))
    }

    async fn key(&self, scope: &Scope, id: &KeyId) -> Result<(SshKey, String)> {
        ssh_key::get(&mut self.engine.glance().await?, scope, id).await
    }

    async fn key_by_fingerprint(&self, scope: &Scope, fingerprint: &str) -> Result<SshKey> {
        ssh_key::by_fingerprint(&mut self.engine.glance().await?, scope, fingerprint).await
    }

    async fn keys(
        &self,
        scope: &Scope,
        name: Option<&str>,
        page: &Page,
    ) -> Result<Paged<(SshKey, String)>> {
        reading!(self, |tx| ssh_key::list(tx, scope, name, page))
    }

    async fn key_rename(
        &self,
        permit: &Permit,
        id: &KeyId,
        revision: u64,
        name: ResourceName,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| ssh_key::rename(tx, permit, id, revision, &name, &change))
    }

    async fn key_delete(&self, permit: &Permit, id: &KeyId, change: Change) -> Result<()> {
        writing!(self, |tx| ssh_key::delete(tx, permit, id, &change))
    }
}
