//! Floating IPs and public gateways.

use std::net::Ipv4Addr;

use base::{FloatingIpId, NicId, PublicGatewayId, ResourceGroupId, VpcId, ZoneName};
use model::ResourceName;

use super::{
    Asked,
    list::{group, text},
    network_interface::address,
};
use crate::{ApiError, ErrorCode, Fields, Kind, PageRequest, Query};

/// `POST /floating_ips`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingIpPrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the default one when none.
    pub group: Option<ResourceGroupId>,
    /// The zone, or the interface that it is bound to.
    pub place: Result<ZoneName, NicId>,
}

/// Reads `POST /floating_ips`.
///
/// # Errors
/// What the body names wrongly.
pub fn floating_ip_prototype(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<FloatingIpPrototype, ApiError> {
    let place = match (asked.place.zone(f)?, target(asked, f)?) {
        (Some(_), Some(_)) => {
            return Err(f.error(
                ErrorCode::ValidationOnlyOne,
                "zone",
                "and target exclude each other",
            ));
        }
        (Some(zone), None) => Ok(zone),
        (None, Some(nic)) => Err(nic),
        (None, None) => {
            let what = "is required, or target";
            return Err(f.error(ErrorCode::ValidationRequiredField, "zone", what));
        }
    };
    Ok(FloatingIpPrototype { name: f.name("name")?, group: asked.place.group(f)?, place })
}

fn target(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<NicId>, ApiError> {
    let Some(f) = f.object("target")? else { return Ok(None) };
    f.unserved(&[("crn", None)])?;
    asked.place.id_below(&f, "instances", "network_interfaces").map(Some)
}

/// `PATCH /floating_ips/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FloatingIpPatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// Bound to this interface, or (none) to nothing.
    pub target: Option<Option<NicId>>,
}

/// Reads `PATCH /floating_ips/{id}`.
///
/// # Errors
/// What the body names wrongly.
pub fn floating_ip_patch(asked: &Asked<'_>, f: &Fields<'_>) -> Result<FloatingIpPatch, ApiError> {
    Ok(FloatingIpPatch {
        name: super::rename(f)?,
        target: f.patched("target", |f| target(asked, f))?,
    })
}

/// `GET /floating_ips`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingIpList {
    /// Which page.
    pub page: PageRequest,
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only those bound to the target of this id.
    pub target: Option<String>,
    /// Only those bound to a target of this name.
    pub target_name: Option<String>,
    /// Only those bound to interfaces (false), or only those bound to public gateways (true).
    pub gateways: Option<bool>,
    /// None can match.
    pub nothing: bool,
}

/// Reads `GET /floating_ips`.
///
/// # Errors
/// What the query names wrongly; `not_implemented` for another order than the newest first.
pub fn floating_ip_list(asked: &Asked<'_>, query: &Query) -> Result<FloatingIpList, ApiError> {
    if query.get("sort").is_some_and(|sort| sort != "-created_at") {
        return Err(ApiError::not_implemented("An order other than -created_at"));
    }
    let (gateways, other) = match query.get("target.resource_type") {
        None => (None, false),
        Some("network_interface") => (Some(false), false),
        Some("public_gateway") => (Some(true), false),
        Some(_) => (None, true),
    };
    let id = text(query, "target.id")?;
    // Of all targets only a public gateway has a CRN.
    let by_crn = text(query, "target.crn")?;
    let of_crn = by_crn.as_deref().map(|crn| asked.place.id_of_crn(Kind::PUBLIC_GATEWAY, crn));
    let differ = match (&id, &of_crn) {
        (Some(id), Some(Some(of_crn))) => id.as_str() != *of_crn,
        (_, Some(None)) => true,
        (_, None) | (None, Some(Some(_))) => false,
    };
    Ok(FloatingIpList {
        page: PageRequest::parse("floating_ips", query)?,
        group: group(asked, query)?,
        target: of_crn.flatten().map(str::to_owned).or(id),
        target_name: text(query, "target.name")?,
        gateways,
        nothing: other || differ,
    })
}

/// `POST /public_gateways`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayPrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the default one when none.
    pub group: Option<ResourceGroupId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its zone.
    pub zone: ZoneName,
    /// Its floating IP.
    pub floating_ip: GatewayIp,
}

/// The floating IP of a new public gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayIp {
    /// One that is there.
    Existing(FloatingIpId),
    /// The one of this address.
    At(Ipv4Addr),
    /// A new one: its name and resource group.
    New(Option<ResourceName>, Option<ResourceGroupId>),
}

/// Reads `POST /public_gateways`.
///
/// # Errors
/// What the body names wrongly.
pub fn gateway_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<GatewayPrototype, ApiError> {
    Ok(GatewayPrototype {
        vpc: f.required("vpc", asked.place.id_in(Kind::VPC, f, "vpc")?)?,
        zone: f.required("zone", asked.place.zone(f)?)?,
        floating_ip: gateway_ip(asked, f)?,
        name: f.name("name")?,
        group: asked.place.group(f)?,
    })
}

fn gateway_ip(asked: &Asked<'_>, f: &Fields<'_>) -> Result<GatewayIp, ApiError> {
    let Some(f) = f.object("floating_ip")? else { return Ok(GatewayIp::New(None, None)) };
    let named = ["id", "crn", "href"].iter().any(|field| f.has(field));
    match address(&f, "address")? {
        Some(_) if named => {
            let what = "and id, crn and href exclude each other";
            Err(f.error(ErrorCode::ValidationOnlyOne, "address", what))
        }
        Some(address) => Ok(GatewayIp::At(address)),
        None if named => asked.place.id(Kind::FLOATING_IP, &f).map(GatewayIp::Existing),
        None => Ok(GatewayIp::New(f.name("name")?, asked.place.group(&f)?)),
    }
}

/// Reads `PATCH /public_gateways/{id}`: the name.
///
/// # Errors
/// A name against the pattern.
pub fn gateway_patch(f: &Fields<'_>) -> Result<Option<ResourceName>, ApiError> {
    super::rename(f)
}

/// Reads `PUT /subnets/{id}/public_gateway`.
///
/// # Errors
/// What the body names wrongly.
pub fn gateway_identity(asked: &Asked<'_>, f: &Fields<'_>) -> Result<PublicGatewayId, ApiError> {
    asked.place.id(Kind::PUBLIC_GATEWAY, f)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::testing::{parse, seen};

    #[test]
    fn a_floating_ip_is_of_a_zone_or_of_an_interface() {
        let made = |body: Value| parse(body, floating_ip_prototype);
        let zone = json!({"name": "us-south-1"});
        assert!(made(json!({"zone": zone})).unwrap().place.is_ok());
        assert!(made(json!({"target": {"id": "0717-1"}})).unwrap().place.is_err());
        let href = "http://127.0.0.1:9000/v1/instances/a/network_interfaces/b";
        let nic = made(json!({"target": {"href": href}})).unwrap().place.unwrap_err();
        assert_eq!(nic.as_str(), "b");
        let both = json!({"zone": zone, "target": {"id": "0717-1"}});
        assert_eq!(seen(made(both)).0, ErrorCode::ValidationOnlyOne);
        assert_eq!(seen(made(json!({}))).0, ErrorCode::ValidationRequiredField);
        let crn = json!({"target": {"crn": "crn:v1"}});
        assert_eq!(seen(made(crn)).0, ErrorCode::NotImplemented);
    }

    #[test]
    fn a_gateway_has_an_ip_that_is_there_or_a_new_one() {
        let made = |ip: Value| {
            let body =
                json!({"vpc": {"id": "v"}, "zone": {"name": "us-south-1"}, "floating_ip": ip});
            parse(body, gateway_prototype).map(|made| made.floating_ip)
        };
        assert_eq!(made(json!({})).unwrap(), GatewayIp::New(None, None));
        let named = made(json!({"name": "out"})).unwrap();
        assert!(matches!(named, GatewayIp::New(Some(_), None)));
        let at = made(json!({"address": "127.64.0.1"})).unwrap();
        assert_eq!(at, GatewayIp::At(Ipv4Addr::new(127, 64, 0, 1)));
        assert!(matches!(made(json!({"id": "r006-1"})).unwrap(), GatewayIp::Existing(_)));
        let both = made(json!({"id": "r006-1", "address": "127.64.0.1"}));
        assert_eq!(seen(both).0, ErrorCode::ValidationOnlyOne);
        let nothing = parse(json!({"vpc": {"id": "v"}}), gateway_prototype);
        assert_eq!(seen(nothing).0, ErrorCode::ValidationRequiredField);
    }

    #[test]
    fn null_unbinds() {
        let patch = |body: Value| parse(body, floating_ip_patch).unwrap().target;
        assert_eq!(patch(json!({})), None);
        assert_eq!(patch(json!({"target": null})), Some(None));
        assert!(matches!(patch(json!({"target": {"id": "x"}})), Some(Some(_))));
    }
}
