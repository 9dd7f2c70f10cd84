//! The tables whose rows are resources with a CRN: what tags and search know of each.
//!
//! Invariant: a CRN names at most one row, found by its primary key. A new type of resource is
//! one line here, and [`super::tag::forget`] where its row goes.

use base::{AccountId, Crn, RegionName};

use super::{
    session::Session,
    value::{Row, binds},
};
use crate::{StoreError, TagTarget};

/// One type of resource.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The table.
    pub(crate) table: &'static str,
    /// The service of its CRN.
    pub(crate) service: &'static str,
    /// The type of its CRN.
    pub(crate) kind: &'static str,
    /// The family that search shows.
    pub(crate) family: &'static str,
    /// What is in a CRN's place of the region.
    pub(crate) location: Location,
    /// The column of the resource group.
    pub(crate) group: &'static str,
    /// What users call several of them.
    pub(crate) plural: &'static str,
}

/// Where a type's resources are, as their CRNs say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// In the region.
    Region,
    /// In the zone of the column `zone`.
    Zone,
    /// Nowhere: an account's own.
    None,
}

const fn vpc(
    table: &'static str,
    kind: &'static str,
    location: Location,
    plural: &'static str,
) -> Source {
    Source { table, service: "is", kind, family: "is", location, group: "group_id", plural }
}

/// Every type.
pub(crate) const SOURCES: [Source; 14] = [
    vpc("images", "image", Location::Region, "images"),
    vpc("instances", "instance", Location::Zone, "instances"),
    vpc("instance_templates", "instance-template", Location::Zone, "instance templates"),
    vpc("volumes", "volume", Location::Zone, "volumes"),
    vpc("ssh_keys", "key", Location::Region, "SSH keys"),
    vpc("subnets", "subnet", Location::Zone, "subnets"),
    vpc("vpcs", "vpc", Location::Region, "VPCs"),
    vpc(
        "virtual_network_interfaces",
        "virtual-network-interface",
        Location::Zone,
        "virtual network interfaces",
    ),
    vpc("security_groups", "security-group", Location::Region, "security groups"),
    vpc("floating_ips", "floating-ip", Location::Zone, "floating IPs"),
    vpc("public_gateways", "public-gateway", Location::Zone, "public gateways"),
    vpc("acls", "network-acl", Location::Region, "network ACLs"),
    vpc("routing_tables", "routing-table", Location::Region, "routing tables"),
    Source {
        table: "resource_groups",
        service: "resource-controller",
        kind: "resource-group",
        family: "resource_controller",
        location: Location::None,
        group: "id",
        plural: "resource groups",
    },
];

impl Source {
    /// The type of the resource that a CRN names.
    pub(crate) fn of(crn: &Crn) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.service == crn.service && source.kind == crn.kind)
    }

    /// The columns that [`Self::row`] reads; the table goes by the name `r`.
    pub(crate) fn select(&self) -> String {
        let zone = match self.location {
            Location::Zone => "r.zone",
            Location::Region | Location::None => "''",
        };
        format!(
            "SELECT r.id, r.account_id, r.{}, r.name, r.created_at, {zone} FROM {} r",
            self.group, self.table
        )
    }

    /// The location of a CRN, for a row's zone.
    pub(crate) fn location_of(&self, region: &RegionName, zone: String) -> String {
        match self.location {
            Location::Region => region.as_str().to_owned(),
            Location::Zone => zone,
            Location::None => String::new(),
        }
    }

    /// A row as CRN, name, group and time.
    pub(crate) fn row(
        &self,
        row: Row,
        region: &RegionName,
    ) -> Result<(TagTarget, base::Timestamp), StoreError> {
        let mut row = row.of(self.table);
        let (resource, account) = (row.text()?, row.id()?);
        let (group, name, created_at) = (row.id()?, row.text()?, row.time()?);
        let crn = Crn {
            service: self.service.to_owned(),
            location: self.location_of(region, row.text()?),
            account: Some(account),
            instance: String::new(),
            kind: self.kind.to_owned(),
            resource,
        };
        Ok((TagTarget { crn, name, group }, created_at))
    }
}

/// The resource of that CRN, if it is this account's.
pub(crate) async fn target(
    session: &mut Session,
    account: &AccountId,
    region: &RegionName,
    crn: &Crn,
) -> Result<(&'static Source, TagTarget), StoreError> {
    let missing = || super::head::not_found("resource", crn);
    let source = Source::of(crn).ok_or_else(missing)?;
    let row = session
        .one(
            format!("{} WHERE r.id = $1 AND r.account_id = $2", source.select()),
            binds![&crn.resource, account],
        )
        .await?;
    let (target, _) = source.row(row.ok_or_else(missing)?, region)?;
    // Every part counts: the same id under another zone or account is another name.
    if &target.crn == crn { Ok((source, target)) } else { Err(missing()) }
}
