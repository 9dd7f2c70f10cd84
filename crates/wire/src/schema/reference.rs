//! How resources name each other: references in answers, identities in requests.

use super::{
    Shapes,
    build::{
        Field, Schema, crn, date, has, href, id, just, list, may, name, object, one_of, text,
        text_up_to, to,
    },
};
use crate::Kind;

/// Longest CRN or href of a request, in bytes.
const REFERENCE_BYTES_MAX: usize = 512;
/// Account of the examples.
const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
/// Id of the examples.
pub(super) const ID: &str = "r006-6a3cf4b2-17b3-4dbb-8a1e-0c3a6e1b5a01";

pub(super) fn shapes(into: &mut Shapes) {
    into.add(
        "Deleted",
        object([has("more_info", href())]).about("There when the resource is gone."),
    );
    into.add("AccountReference", object([has("id", id()), has("resource_type", just("account"))]));
    into.add(
        "Remote",
        object([has("account", to("AccountReference"))])
            .about("There when the resource is another account's."),
    );
    into.add("StatusReason", object([has("code", text()), has("message", text())]));
    for (component, kind, resource_type) in [
        ("VolumeReference", Some(()), Some("volume")),
        ("InstanceReference", Some(()), Some("instance")),
        ("VPCReference", Some(()), Some("vpc")),
        ("SubnetReference", Some(()), Some("subnet")),
        ("SecurityGroupReference", Some(()), None),
        ("NetworkACLReference", Some(()), None),
        ("RoutingTableReference", Some(()), Some("routing_table")),
        ("PublicGatewayReference", Some(()), Some("public_gateway")),
        ("NetworkInterfaceReference", None, Some("network_interface")),
        ("ResourceGroupReference", None, None),
        ("NetworkACLRuleReference", None, None),
    ] {
        into.add(component, reference(kind.is_some(), resource_type));
    }
    into.add("ImageReference", reference(true, Some("image")).and([may("remote", to("Remote"))]));
    into.add(
        "KeyReference",
        object([
            has("crn", crn()),
            has("fingerprint", text()),
            has("href", href()),
            has("id", id()),
            has("name", name()),
        ]),
    );
    for (component, resource_type) in [
        ("RegionReference", None),
        ("ZoneReference", None),
        ("VolumeProfileReference", None),
        ("InstanceProfileReference", Some("instance_profile")),
    ] {
        let kind = resource_type.map(|t| has("resource_type", just(t)));
        into.add(component, object([has("href", href()), has("name", text())]).and(kind));
    }
    identities(into);
}

/// A resource as an answer names it. One that is gone keeps its name.
pub(super) fn reference(with_crn: bool, resource_type: Option<&str>) -> Schema {
    object(with_crn.then(|| has("crn", crn())))
        .and([
            may("deleted", to("Deleted")),
            has("href", href()),
            has("id", id()),
            has("name", text()),
        ])
        .and(resource_type.map(|t| has("resource_type", just(t))))
}

fn identities(into: &mut Shapes) {
    for (component, kind) in [
        ("ImageIdentity", Kind::IMAGE),
        ("VolumeIdentity", Kind::VOLUME),
        ("InstanceTemplateIdentity", Kind::INSTANCE_TEMPLATE),
        ("VPCIdentity", Kind::VPC),
        ("SubnetIdentity", Kind::SUBNET),
        ("SecurityGroupIdentity", Kind::SECURITY_GROUP),
        ("NetworkACLIdentity", Kind::ACL),
        ("PublicGatewayIdentity", Kind::PUBLIC_GATEWAY),
    ] {
        into.add(component, one_of(identity(component, kind, kind.collection)));
    }
    let table = Kind::ROUTING_TABLE;
    let path = format!("vpcs/{ID}/routing_tables");
    into.add("RoutingTableIdentity", one_of(identity("RoutingTableIdentity", table, &path)));
    let fingerprint =
        text_up_to(REFERENCE_BYTES_MAX).like("SHA256:RJ+YWs2kupwFGiJuLqY85twmcdLOUcjIc9cA6IR8n8E");
    let by_fingerprint =
        object([has("fingerprint", fingerprint)]).titled("KeyIdentityByFingerprint");
    let keys = identity("KeyIdentity", Kind::KEY, "keys").into_iter().chain([by_fingerprint]);
    into.add("KeyIdentity", one_of(keys));
    into.add("ResourceGroupIdentity", object([has("id", id().like(ACCOUNT))]));
    for (component, path, example) in [
        ("ZoneIdentity", "regions/us-south/zones", "us-south-1"),
        ("VolumeProfileIdentity", "volume/profiles", "general-purpose"),
        ("InstanceProfileIdentity", "instance/profiles", "bx2-2x8"),
    ] {
        into.add(component, one_of(by_name(component, path, example)));
    }
}

/// One of `id`, `crn` and `href`.
pub(super) fn identity(component: &str, kind: Kind, path: &str) -> [Schema; 3] {
    let location = if kind.zonal { "us-south-1" } else { "us-south" };
    let crn = format!("crn:v1:bluemix:public:is:{location}:a/{ACCOUNT}::{}:{ID}", kind.crn);
    [
        object([has("id", id())]).titled(&format!("{component}ById")),
        object([has("crn", text_up_to(REFERENCE_BYTES_MAX).fits("^crn:v1:").like(crn))])
            .titled(&format!("{component}ByCRN")),
        object([has("href", href_to(path))]).titled(&format!("{component}ByHref")),
    ]
}

/// An href of a request, to something below this path.
pub(super) fn href_to(path: &str) -> Schema {
    href_like(&format!("{path}/{ID}"))
}

fn href_like(path: &str) -> Schema {
    text_up_to(REFERENCE_BYTES_MAX)
        .fits("^https?://")
        .like(format!("https://us-south.iaas.cloud.ibm.com/v1/{path}"))
}

/// One of `name` and `href`.
fn by_name(component: &str, path: &str, example: &str) -> [Schema; 2] {
    [
        object([has("name", text_up_to(REFERENCE_BYTES_MAX).like(example))])
            .titled(&format!("{component}ByName")),
        object([has("href", href_like(&format!("{path}/{example}")))])
            .titled(&format!("{component}ByHref")),
    ]
}

/// `id` or `href` of something that has no CRN.
pub(super) fn identity_below(component: &str, path: &str) -> [Schema; 2] {
    [
        object([has("id", id())]).titled(&format!("{component}ById")),
        object([has("href", href_to(path))]).titled(&format!("{component}ByHref")),
    ]
}

/// What every resource has that lives in a resource group.
pub(super) fn head_fields() -> [Field; 6] {
    [
        has("created_at", date()),
        has("crn", crn()),
        has("href", href()),
        has("id", id()),
        has("name", name()),
        has("resource_group", to("ResourceGroupReference")),
    ]
}

/// An object with [`head_fields`].
pub(super) fn head() -> Schema {
    object(head_fields())
}

/// Why a status is what it is.
pub(super) fn reasons() -> Schema {
    list(to("StatusReason"))
}
