//! Network ACLs. The only ones are the defaults of VPCs, which allow all, both ways.

use base::{AclId, VpcId};
use model::{Acl, Reference};
use serde::Serialize;

use super::{Ref, subnet::subnet_refs, vpc};
use crate::{Kind, Render};

/// A network ACL.
#[derive(Debug, Serialize)]
pub struct NetworkAcl<'a> {
    created_at: String,
    crn: String,
    href: String,
    id: &'a str,
    name: &'a str,
    resource_group: Ref<'a>,
    rules: [Rule; 2],
    subnets: Vec<Ref<'a>>,
    vpc: Ref<'a>,
}

#[derive(Debug, Serialize)]
struct Rule {
    action: &'static str,
    created_at: String,
    destination: &'static str,
    direction: &'static str,
    href: String,
    id: String,
    ip_version: &'static str,
    name: &'static str,
    protocol: &'static str,
    source: &'static str,
}

/// A network ACL with its VPC and the subnets that use it.
#[must_use]
pub fn network_acl<'a>(
    r: &Render<'_>,
    acl: &'a Acl,
    group_name: &'a str,
    vpc: &'a Reference<VpcId>,
    subnets: &'a [model::Subnet],
) -> NetworkAcl<'a> {
    let head = &acl.head;
    let id = head.id.as_str();
    let rule = |direction, name| {
        let rule_id = rule_id(id, direction);
        Rule {
            action: "allow",
            created_at: head.created_at.to_string(),
            destination: "0.0.0.0/0",
            direction,
            href: r.href(&["network_acls", id, "rules", &rule_id]),
            id: rule_id,
            ip_version: "ipv4",
            name,
            protocol: super::security_group::all_protocols(r),
            source: "0.0.0.0/0",
        }
    };
    NetworkAcl {
        created_at: head.created_at.to_string(),
        crn: r.crn(Kind::ACL, id),
        href: r.href_of(Kind::ACL, id),
        id,
        name: head.name.as_str(),
        resource_group: Ref::group(r, &head.group, group_name),
        rules: [rule("inbound", "allow-inbound"), rule("outbound", "allow-outbound")],
        subnets: subnet_refs(r, subnets.iter().filter(|s| s.acl == head.id)),
        vpc: vpc::reference(r, vpc),
    }
}

/// The two rules are not rows: their ids follow from the ACL's.
fn rule_id(acl: &str, direction: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("ectype network acl rule 1");
    hasher.update(acl.as_bytes());
    hasher.update(direction.as_bytes());
    let hex = hasher.finalize().to_hex();
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
}

/// A reference to an ACL.
pub(super) fn reference<'a>(r: &Render<'_>, acl: &'a Reference<AclId>) -> Ref<'a> {
    Ref::regional(r, Kind::ACL, acl.id.as_str(), &acl.name).deleted(acl.deleted)
}
