//! VPCs and what is made with them: ACL, security group, routing table, a prefix for each zone.

use std::net::Ipv4Addr;

use base::{
    AclId, AclRuleId, AddressPrefixId, ResourceGroupId, RoutingTableId, SecurityGroupId,
    SecurityGroupRuleId, Timestamp, VpcId, ZoneName,
};
use meta::{Change, NewVpc, Page, Paged, VpcFilter};
use model::{
    Acl, AclRule, AddressPrefix, Head, IpRange, Protocol, Reference, ResourceName, RoutingTable,
    RuleRemote, SecurityGroup, SecurityGroupRule, Traffic, Vpc, VpcView, generated_name,
};
use policy::Action;

use super::VpcCreate;
use crate::{Control, Error, RequestContext};

/// The default prefixes of IBM's regions: a /18 for each zone.
const DEFAULT_PREFIXES: [(Ipv4Addr, u8); 3] = [
    (Ipv4Addr::new(10, 240, 0, 0), 18),
    (Ipv4Addr::new(10, 240, 64, 0), 18),
    (Ipv4Addr::new(10, 240, 128, 0), 18),
];

impl Control {
    /// Makes a VPC.
    ///
    /// # Errors
    /// A taken name, the limit, an unknown resource group; when the caller may not.
    pub async fn vpc_create(
        &self,
        ctx: &RequestContext,
        want: VpcCreate,
    ) -> Result<VpcView, Error> {
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::VpcCreate, &group).await?;
        let new = self.vpc_draft(ctx, group, want);
        let id = new.vpc.head.id.clone();
        let change =
            self.change(ctx, Action::VpcCreate, "vpc", &new.vpc.head, self.region().as_str());
        self.store().vpc_create(&permit, new, change).await?;
        self.vpc(ctx, &id).await
    }

    fn vpc_draft(&self, ctx: &RequestContext, group: ResourceGroupId, want: VpcCreate) -> NewVpc {
        let (entropy, now) = (self.entropy(), self.now());
        let prefix = self.region().id_prefix();
        let made = || generated_name(entropy);
        let vpc = Vpc {
            head: self.head(
                ctx,
                VpcId::mint(prefix, entropy),
                group.clone(),
                want.name.unwrap_or_else(made),
                now,
            ),
            default_acl: AclId::mint(prefix, entropy),
            default_security_group: SecurityGroupId::mint(prefix, entropy),
            default_routing_table: RoutingTableId::mint(prefix, entropy),
        };
        let id = &vpc.head.id;
        let acl = Acl {
            head: self.head(ctx, vpc.default_acl.clone(), group.clone(), made(), now),
            vpc: id.clone(),
            rules: self.default_acl_rules(now),
        };
        let security_group = SecurityGroup {
            head: self.head(ctx, vpc.default_security_group.clone(), group.clone(), made(), now),
            vpc: id.clone(),
            rules: self.default_rules(&vpc.default_security_group, now),
        };
        let routing_table = RoutingTable {
            head: self.head(ctx, vpc.default_routing_table.clone(), group.clone(), made(), now),
            vpc: id.clone(),
            is_default: true,
        };
        let zones = if want.manual_prefixes { Vec::new() } else { self.region().zones() };
        let prefix_of = |(zone, cidr): (ZoneName, (Ipv4Addr, u8))| AddressPrefix {
            head: self.head(
                ctx,
                AddressPrefixId::mint(prefix, entropy),
                group.clone(),
                made(),
                now,
            ),
            vpc: id.clone(),
            zone,
            cidr,
            is_default: true,
        };
        let prefixes = zones.into_iter().zip(DEFAULT_PREFIXES).map(prefix_of).collect();
        NewVpc { acl, security_group, routing_table, prefixes, vpc }
    }

    /// Everything out, and in from other members of the group.
    fn default_rules(&self, group: &SecurityGroupId, now: Timestamp) -> Vec<SecurityGroupRule> {
        let prefix = self.region().id_prefix();
        let rule = |inbound, remote| SecurityGroupRule {
            id: SecurityGroupRuleId::mint(prefix, self.entropy()),
            name: generated_name(self.entropy()),
            inbound,
            remote,
            local: IpRange::EVERYWHERE,
            traffic: Traffic::all(Protocol::IcmpTcpUdp),
            created_at: now,
        };
        let own = Reference { id: group.clone(), name: String::new(), deleted: false };
        vec![
            rule(false, RuleRemote::Range(IpRange::EVERYWHERE)),
            rule(true, RuleRemote::Group(own)),
        ]
    }

    /// Everything, both ways.
    fn default_acl_rules(&self, now: Timestamp) -> Vec<AclRule> {
        let rule = |(inbound, name): (bool, &str)| {
            Some(AclRule {
                id: AclRuleId::mint(self.region().id_prefix(), self.entropy()),
                name: ResourceName::parse(name).ok()?,
                allow: true,
                inbound,
                source: IpRange::EVERYWHERE,
                destination: IpRange::EVERYWHERE,
                traffic: Traffic::all(Protocol::IcmpTcpUdp),
                created_at: now,
            })
        };
        [(true, "allow-inbound"), (false, "allow-outbound")].into_iter().filter_map(rule).collect()
    }

    pub(crate) fn head<Id>(
        &self,
        ctx: &RequestContext,
        id: Id,
        group: ResourceGroupId,
        name: ResourceName,
        created_at: Timestamp,
    ) -> Head<Id> {
        Head { id, account: ctx.caller.account.clone(), group, name, created_at, revision: 1 }
    }

    /// A VPC.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn vpc(&self, ctx: &RequestContext, id: &VpcId) -> Result<VpcView, Error> {
        let scope = self.scope(ctx, Action::VpcRead).await?;
        Ok(self.store().vpc(&scope, id).await?)
    }

    /// VPCs.
    ///
    /// # Errors
    /// When the caller may not, or the page token is not one.
    pub async fn vpcs(
        &self,
        ctx: &RequestContext,
        filter: VpcFilter,
        page: Page,
    ) -> Result<Paged<VpcView>, Error> {
        let scope = self.scope(ctx, Action::VpcList).await?;
        Ok(self.store().vpcs(&scope, &filter, &page).await?)
    }

    /// Renames a VPC; without a name nothing changes. `revision` is the one that an `If-Match`
    /// was compared with.
    ///
    /// # Errors
    /// A taken name, a change by another since; when there is none, or the caller may not.
    pub async fn vpc_rename(
        &self,
        ctx: &RequestContext,
        id: &VpcId,
        revision: Option<u64>,
        name: Option<ResourceName>,
    ) -> Result<VpcView, Error> {
        let view = self.vpc(ctx, id).await?;
        let head = &view.vpc.head;
        let permit = self.permit(ctx, Action::VpcUpdate, head).await?;
        let Some(name) = name else { return Ok(view) };
        let change = self.change(ctx, Action::VpcUpdate, "vpc", head, self.region().as_str());
        let revision = revision.unwrap_or(head.revision);
        self.store().vpc_rename(&permit, id, revision, name, change).await?;
        self.vpc(ctx, id).await
    }

    /// Deletes an empty VPC.
    ///
    /// # Errors
    /// When it is not empty, there is none, or the caller may not.
    pub async fn vpc_delete(&self, ctx: &RequestContext, id: &VpcId) -> Result<(), Error> {
        let view = self.vpc(ctx, id).await?;
        let permit = self.permit(ctx, Action::VpcDelete, &view.vpc.head).await?;
        let change =
            self.change(ctx, Action::VpcDelete, "vpc", &view.vpc.head, self.region().as_str());
        Ok(self.store().vpc_delete(&permit, id, change).await?)
    }

    /// A change record of something inside a VPC, told as a change of the VPC.
    pub(super) fn vpc_change(&self, ctx: &RequestContext, vpc: &VpcView) -> Change {
        self.change(ctx, Action::VpcUpdate, "vpc", &vpc.vpc.head, self.region().as_str())
    }
}
