//! Subnets: a range of a prefix, with the addresses that the provider keeps for itself.

use std::net::Ipv4Addr;

use base::{ReservedIpId, SubnetId, VpcId, ZoneName};
use meta::{Page, Paged, StoreError, SubnetFilter};
use model::{
    AddressPrefix, Head, IpOwner, Refusal, ReservedIp, ResourceName, Subnet, SubnetPatch,
    SubnetView, VpcView,
};
use policy::Action;

use super::{SubnetCreate, SubnetRange};
use crate::{Control, Error, RequestContext};

/// Fewest addresses of a subnet.
const SUBNET_ADDRESSES_MIN: u64 = 8;
/// Most addresses of a subnet.
const SUBNET_ADDRESSES_MAX: u64 = 1 << 23;
/// How often a range is proposed again when another took it meanwhile.
const RANGE_TRIES: usize = 16;
/// What the provider keeps of each subnet: the first four addresses and the last.
const PROVIDER_NAMES: [&str; 5] = [
    "ibm-network-address",
    "ibm-default-gateway",
    "ibm-dns-address",
    "ibm-reserved-address",
    "ibm-broadcast-address",
];

impl Control {
    /// Makes a subnet.
    ///
    /// # Errors
    /// A range outside the prefixes or over another subnet, no room, a taken name, the limit.
    pub async fn subnet_create(
        &self,
        ctx: &RequestContext,
        want: SubnetCreate,
    ) -> Result<SubnetView, Error> {
        let vpc = self.vpc(ctx, &want.vpc).await.map_err(|e| e.named_by("vpc"))?;
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::SubnetCreate, &group).await?;
        self.permit(ctx, Action::VpcOperate, &vpc.vpc.head).await?;
        let parts = SubnetPatch {
            name: None,
            acl: want.acl.clone(),
            routing_table: want.routing_table.clone(),
            public_gateway: want.public_gateway.clone().map(Some),
        };
        self.subnet_parts(ctx, &want.vpc, &parts).await?;
        let name = self.name_or_made(want.name.as_ref());
        let mut tries = 0;
        loop {
            tries += 1;
            let (cidr, zone, proposed) = self.subnet_range(ctx, &vpc, &want.range).await?;
            let subnet = self.subnet_draft(ctx, &vpc, &want, (&group, &name), cidr, zone);
            let id = subnet.head.id.clone();
            let reserved = self.provider_ips(&subnet);
            let zone = subnet.zone.clone();
            let change =
                self.change(ctx, Action::SubnetCreate, "subnet", &subnet.head, zone.as_str());
            match self.store().subnet_create(&permit, subnet, reserved, change).await {
                Err(StoreError::Refused(Refusal::RangeOverlap { .. }))
                    if proposed && tries < RANGE_TRIES => {}
                other => {
                    other?;
                    return self.subnet(ctx, &id).await;
                }
            }
        }
    }

    /// Range and zone of a subnet; true when the range was ours to choose.
    async fn subnet_range(
        &self,
        ctx: &RequestContext,
        vpc: &VpcView,
        range: &SubnetRange,
    ) -> Result<((Ipv4Addr, u8), ZoneName, bool), Error> {
        let scope = self.scope(ctx, Action::VpcRead).await?;
        match range {
            SubnetRange::Count { count, zone } => {
                check_count(*count)?;
                let cidr = self
                    .store()
                    .subnet_range_free(&scope, &vpc.vpc.head.id, zone.as_str(), *count)
                    .await?;
                Ok((cidr, zone.clone(), true))
            }
            SubnetRange::Cidr { cidr, zone } => {
                let prefix = self.prefix_around(ctx, vpc, *cidr, zone.as_ref()).await?;
                Ok((*cidr, prefix.zone, false))
            }
        }
    }

    async fn prefix_around(
        &self,
        ctx: &RequestContext,
        vpc: &VpcView,
        cidr: (Ipv4Addr, u8),
        zone: Option<&ZoneName>,
    ) -> Result<AddressPrefix, Error> {
        // A VPC has at most 25 prefixes: one page holds them all.
        let page = Page { limit: 100, after: None };
        let all = self.prefixes(ctx, &vpc.vpc.head.id, page).await?;
        all.items
            .into_iter()
            .map(|(prefix, _)| prefix)
            .filter(|p| zone.is_none_or(|z| z == &p.zone))
            .find(|p| p.cidr.1 <= cidr.1 && range_of(p.cidr).contains(&u32::from(cidr.0)))
            .ok_or_else(|| {
                Refusal::NotInAddressPrefix { cidr: format!("{}/{}", cidr.0, cidr.1) }.into()
            })
    }

    fn subnet_draft(
        &self,
        ctx: &RequestContext,
        vpc: &VpcView,
        want: &SubnetCreate,
        (group, name): (&base::ResourceGroupId, &ResourceName),
        cidr: (Ipv4Addr, u8),
        zone: ZoneName,
    ) -> Subnet {
        let prefix = format!("{}-", zone.id_number());
        Subnet {
            head: self.head(
                ctx,
                SubnetId::mint(&prefix, self.entropy()),
                group.clone(),
                name.clone(),
                self.now(),
            ),
            vpc: vpc.vpc.head.id.clone(),
            zone,
            cidr,
            acl: want.acl.clone().unwrap_or_else(|| vpc.vpc.default_acl.clone()),
            routing_table: want
                .routing_table
                .clone()
                .unwrap_or_else(|| vpc.vpc.default_routing_table.clone()),
            public_gateway: want.public_gateway.clone(),
        }
    }

    fn provider_ips(&self, subnet: &Subnet) -> Vec<ReservedIp> {
        let first = u32::from(subnet.cidr.0);
        let last = *range_of(subnet.cidr).end();
        let prefix = format!("{}-", subnet.zone.id_number());
        let addresses = [first, first + 1, first + 2, first + 3, last];
        addresses
            .into_iter()
            .zip(PROVIDER_NAMES)
            .filter_map(|(address, name)| {
                Some(ReservedIp {
                    head: Head {
                        id: ReservedIpId::mint(&prefix, self.entropy()),
                        account: subnet.head.account.clone(),
                        group: subnet.head.group.clone(),
                        name: ResourceName::parse(name).ok()?,
                        created_at: subnet.head.created_at,
                        revision: 1,
                    },
                    subnet: subnet.head.id.clone(),
                    address: Ipv4Addr::from(address),
                    auto_delete: false,
                    owner: IpOwner::Provider,
                    target: None,
                })
            })
            .collect()
    }

    /// A subnet.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn subnet(&self, ctx: &RequestContext, id: &SubnetId) -> Result<SubnetView, Error> {
        let scope = self.scope(ctx, Action::SubnetRead).await?;
        Ok(self.store().subnet(&scope, id).await?)
    }

    /// Subnets.
    ///
    /// # Errors
    /// When the caller may not, or the page token is not one.
    pub async fn subnets(
        &self,
        ctx: &RequestContext,
        filter: SubnetFilter,
        page: Page,
    ) -> Result<Paged<SubnetView>, Error> {
        let scope = self.scope(ctx, Action::SubnetList).await?;
        Ok(self.store().subnets(&scope, &filter, &page).await?)
    }

    /// Changes a subnet; an empty patch changes nothing.
    ///
    /// # Errors
    /// A taken name, an ACL, routing table or public gateway of another VPC; when there is none, or the caller
    /// may not.
    pub async fn subnet_update(
        &self,
        ctx: &RequestContext,
        id: &SubnetId,
        patch: SubnetPatch,
    ) -> Result<SubnetView, Error> {
        let view = self.subnet(ctx, id).await?;
        let head = &view.subnet.head;
        let permit = self.permit(ctx, Action::SubnetUpdate, head).await?;
        if patch == SubnetPatch::default() {
            return Ok(view);
        }
        self.subnet_parts(ctx, &view.vpc.id, &patch).await?;
        let zone = view.subnet.zone.as_str();
        let change = self.change(ctx, Action::SubnetUpdate, "subnet", head, zone);
        self.store().subnet_update(&permit, id, head.revision, patch, change).await?;
        self.network_changed();
        self.subnet(ctx, id).await
    }

    /// What a subnet is to use is there, and the caller may use it.
    async fn subnet_parts(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
        patch: &SubnetPatch,
    ) -> Result<(), Error> {
        if let Some(acl) = &patch.acl {
            let view = self.acl(ctx, acl).await.map_err(|e| e.named_by("network_acl"))?;
            self.permit(ctx, Action::AclOperate, &view.acl.head).await?;
            if &view.acl.vpc != vpc {
                let (what, field) = ("network ACL", Some("network_acl"));
                return Err(Refusal::OtherVpc { what, field }.into());
            }
        }
        if let Some(table) = &patch.routing_table {
            let found = self.routing_table(ctx, vpc, table).await;
            found.map_err(|e| e.named_by("routing_table"))?;
        }
        if let Some(Some(gateway)) = &patch.public_gateway {
            let found = self.public_gateway(ctx, gateway).await;
            let view = found.map_err(|e| e.named_by("public_gateway"))?;
            self.permit(ctx, Action::GatewayOperate, &view.gateway.head).await?;
        }
        Ok(())
    }

    /// Deletes a subnet that nothing uses.
    ///
    /// # Errors
    /// When something uses it, there is none, or the caller may not.
    pub async fn subnet_delete(&self, ctx: &RequestContext, id: &SubnetId) -> Result<(), Error> {
        let view = self.subnet(ctx, id).await?;
        let head = &view.subnet.head;
        let permit = self.permit(ctx, Action::SubnetDelete, head).await?;
        let zone = view.subnet.zone.as_str();
        let change = self.change(ctx, Action::SubnetDelete, "subnet", head, zone);
        Ok(self.store().subnet_delete(&permit, id, change).await?)
    }
}

/// A size that a subnet can have.
fn check_count(count: u64) -> Result<(), Error> {
    let bounds = SUBNET_ADDRESSES_MIN..=SUBNET_ADDRESSES_MAX;
    if bounds.contains(&count) && count.is_power_of_two() {
        return Ok(());
    }
    let code = if count > SUBNET_ADDRESSES_MAX {
        "validation_max_value"
    } else if count < SUBNET_ADDRESSES_MIN {
        "validation_min_value"
    } else {
        "invalid_value"
    };
    let (min, max) = (SUBNET_ADDRESSES_MIN, SUBNET_ADDRESSES_MAX);
    let why = format!("The number of addresses must be a power of two from {min} to {max}.");
    Err(Error::Invalid { field: "total_ipv4_address_count", code, why })
}

/// First to last address of a range.
fn range_of((first, length): (Ipv4Addr, u8)) -> std::ops::RangeInclusive<u32> {
    let first = u32::from(first);
    let hosts = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
    first..=first.saturating_add(hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_subnets_at_both_sides_of_each_bound() {
        for (count, ok) in [(4, false), (8, true), (12, false), (1 << 23, true), (1 << 24, false)] {
            assert_eq!(check_count(count).is_ok(), ok, "{count}");
        }
    }

    #[test]
    fn a_range_ends_where_its_length_says() {
        let range = range_of((Ipv4Addr::new(10, 0, 0, 0), 29));
        assert_eq!(range.end() - range.start() + 1, 8);
        assert_eq!(range_of((Ipv4Addr::new(10, 0, 0, 1), 32)).count(), 1);
    }
}
