//! Virtual network interfaces, and the network attachments of instances.

use base::{ReservedIpId, VniId};
use model::{
    IpRequest, Limit, NetworkAttachmentCreate, ResourceName, StateFiltering, VniCreate, VniPatch,
    VniWanted,
};

use super::{
    Asked,
    network_interface::{ip_request, security_groups},
};
use crate::{ApiError, ErrorCode, Fields, Kind};

/// Most further addresses that are read at all: one more than the limit, which is checked later.
const IPS_READ: usize = Limit::IPS_PER_VNI_MAX.max as usize + 1;

/// Reads `POST /virtual_network_interfaces`.
///
/// # Errors
/// What the body names wrongly.
pub fn vni_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<VniCreate, ApiError> {
    prototype(asked, f, false)
}

/// A prototype; one that is made with its attachment goes with it unless it says otherwise.
fn prototype(asked: &Asked<'_>, f: &Fields<'_>, goes: bool) -> Result<VniCreate, ApiError> {
    let primary_ip = match f.object("primary_ip")? {
        Some(ip) => ip_request(asked, &ip)?,
        None => IpRequest::Any { name: None },
    };
    let subnet = asked.place.id_in(Kind::SUBNET, f, "subnet")?;
    if subnet.is_none() && !matches!(primary_ip, IpRequest::Reserved(_)) {
        let what = "is required, unless primary_ip names a reserved IP";
        return Err(f.error(ErrorCode::ValidationRequiredField, "subnet", what));
    }
    let ips = f.objects("ips", IPS_READ)?.unwrap_or_default();
    Ok(VniCreate {
        name: f.name_unreserved("name")?,
        group: asked.place.group(f)?,
        subnet,
        primary_ip,
        ips: ips.iter().map(|ip| ip_request(asked, ip)).collect::<Result<_, _>>()?,
        security_groups: security_groups(asked, f)?,
        allow_ip_spoofing: f.flag("allow_ip_spoofing")?.unwrap_or(false),
        auto_delete: f.flag("auto_delete")?.unwrap_or(goes),
        infrastructure_nat: f.flag("enable_infrastructure_nat")?.unwrap_or(true),
        state_filtering: state_filtering(f)?.unwrap_or(StateFiltering::Auto),
    })
}

fn state_filtering(f: &Fields<'_>) -> Result<Option<StateFiltering>, ApiError> {
    let field = "protocol_state_filtering_mode";
    f.choice(field, "auto, disabled, enabled", StateFiltering::parse)
}

/// Reads `PATCH /virtual_network_interfaces/{id}`.
///
/// # Errors
/// What the body names wrongly.
pub fn vni_patch(f: &Fields<'_>) -> Result<VniPatch, ApiError> {
    let flag = |name: &str| f.patched_value(name, |f| f.flag(name));
    Ok(VniPatch {
        name: f.patched_value("name", |f| f.name_unreserved("name"))?,
        allow_ip_spoofing: flag("allow_ip_spoofing")?,
        auto_delete: flag("auto_delete")?,
        infrastructure_nat: flag("enable_infrastructure_nat")?,
        state_filtering: f.patched_value("protocol_state_filtering_mode", state_filtering)?,
    })
}

/// Reads `POST /instances/{id}/network_attachments`, and each attachment of a new instance.
///
/// # Errors
/// What the body names wrongly.
pub fn network_attachment_prototype(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<NetworkAttachmentCreate, ApiError> {
    let field = "virtual_network_interface";
    let vni = f.required(field, f.object(field)?)?;
    let vni = if vni.has("id") || vni.has("crn") || vni.has("href") {
        VniWanted::Existing(asked.place.id(Kind::VNI, &vni)?)
    } else {
        VniWanted::New(Box::new(attached_prototype(asked, &vni)?))
    };
    Ok(NetworkAttachmentCreate { name: f.name("name")?, vni })
}

fn attached_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<VniCreate, ApiError> {
    let new = prototype(asked, f, true)?;
    if !new.infrastructure_nat {
        let what = "must be true for an instance";
        return Err(f.error(ErrorCode::ValidationFailure, "enable_infrastructure_nat", what));
    }
    Ok(new)
}

/// Reads `PATCH /instances/{id}/network_attachments/{id}`: the name.
///
/// # Errors
/// A name against the pattern.
pub fn network_attachment_patch(f: &Fields<'_>) -> Result<Option<ResourceName>, ApiError> {
    super::rename(f)
}

/// Reads the field `target` of a new reserved IP.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for an endpoint gateway.
pub(super) fn ip_target(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<VniId>, ApiError> {
    let Some(target) = f.object("target")? else { return Ok(None) };
    let gateway = |field: &str, part: &str| -> Result<bool, ApiError> {
        Ok(target.text(field)?.is_some_and(|text| text.contains(part)))
    };
    if gateway("crn", ":endpoint-gateway:")? || gateway("href", "/endpoint_gateways/")? {
        return Err(ApiError::not_implemented("an endpoint gateway as target")
            .at(crate::TargetKind::Field, f.at("target")));
    }
    asked.place.id(Kind::VNI, &target).map(Some)
}

/// A reserved IP by id, or by an href below its subnet.
pub(super) fn reserved_ip(asked: &Asked<'_>, f: &Fields<'_>) -> Result<ReservedIpId, ApiError> {
    asked.place.id_below(f, "subnets", "reserved_ips")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::testing::{parse, seen};

    fn vni(body: Value) -> Result<VniCreate, ApiError> {
        parse(body, vni_prototype)
    }

    fn attachment(vni: Value) -> Result<NetworkAttachmentCreate, ApiError> {
        parse(json!({"virtual_network_interface": vni}), network_attachment_prototype)
    }

    #[test]
    fn a_subnet_is_enough() {
        let new = vni(json!({"subnet": {"id": "0717-1"}})).unwrap();
        assert_eq!(new.primary_ip, IpRequest::Any { name: None });
        assert_eq!((new.auto_delete, new.infrastructure_nat), (false, true));
        assert_eq!((new.allow_ip_spoofing, new.state_filtering), (false, StateFiltering::Auto));
        assert!(new.ips.is_empty() && new.security_groups.is_empty());
    }

    #[test]
    fn a_reserved_ip_stands_for_the_subnet() {
        let id = ReservedIpId::parse("0717-9").unwrap();
        // The Terraform provider sends auto_delete beside the id.
        let new = vni(json!({"primary_ip": {"id": "0717-9", "auto_delete": true}})).unwrap();
        assert_eq!((new.subnet, new.primary_ip), (None, IpRequest::Reserved(id.clone())));
        let href = "http://127.0.0.1:9000/v1/subnets/0717-1/reserved_ips/0717-9";
        let new = vni(json!({"primary_ip": {"href": href}})).unwrap();
        assert_eq!(new.primary_ip, IpRequest::Reserved(id));
        let required = (ErrorCode::ValidationRequiredField, "subnet".to_owned());
        assert_eq!(seen(vni(json!({}))), required);
        assert_eq!(seen(vni(json!({"primary_ip": {"address": "10.0.0.4"}}))), required);
    }

    #[test]
    fn addresses_are_read_with_what_becomes_of_them() {
        let read = |ip: Value| vni(json!({"subnet": {"id": "0717-1"}, "ips": [ip]}));
        let one = |ip: Value| read(ip).unwrap().ips.remove(0);
        assert_eq!(one(json!({})), IpRequest::Any { name: None });
        assert_eq!(one(json!({"auto_delete": false})), IpRequest::AnyKept { name: None });
        let address = "10.0.0.4".parse().unwrap();
        assert_eq!(
            one(json!({"address": "10.0.0.4", "auto_delete": false})),
            IpRequest::Address { address, name: None, auto_delete: false }
        );
        let wrong = seen(read(json!({"address": "10.0.0"})));
        assert_eq!(wrong, (ErrorCode::InvalidValue, "ips[0].address".to_owned()));
        let reserved = seen(read(json!({"name": "ibm-x"})));
        assert_eq!(reserved, (ErrorCode::ValidationInvalidName, "ips[0].name".to_owned()));
    }

    #[test]
    fn one_that_is_made_with_its_attachment_goes_with_it() {
        let made = |vni: Value| match attachment(vni).unwrap().vni {
            VniWanted::New(new) => new,
            VniWanted::Existing(id) => panic!("{id}"),
        };
        assert!(made(json!({"subnet": {"id": "0717-1"}})).auto_delete);
        assert!(!made(json!({"subnet": {"id": "0717-1"}, "auto_delete": false})).auto_delete);
        let id = VniId::parse("0717-2").unwrap();
        let named = [
            json!({"id": "0717-2"}),
            json!({"href": "http://127.0.0.1:9000/v1/virtual_network_interfaces/0717-2"}),
            json!({"crn": "crn:v1:bluemix:public:is:us-south-1:a/0123456789abcdef0123456789abcdef\
                ::virtual-network-interface:0717-2"}),
        ];
        for vni in named {
            assert_eq!(attachment(vni).unwrap().vni, VniWanted::Existing(id.clone()));
        }
        let nat = attachment(json!({"subnet": {"id": "0717-1"},
            "enable_infrastructure_nat": false}));
        let field = "virtual_network_interface.enable_infrastructure_nat";
        assert_eq!(seen(nat), (ErrorCode::ValidationFailure, field.to_owned()));
        let none = seen(parse(json!({}), network_attachment_prototype));
        let field = "virtual_network_interface".to_owned();
        assert_eq!(none, (ErrorCode::ValidationRequiredField, field));
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let patch = |body: Value| parse(body, |_, f| vni_patch(f));
        assert_eq!(patch(json!({})).unwrap(), VniPatch::default());
        let all = json!({"name": "new", "allow_ip_spoofing": true, "auto_delete": true,
            "enable_infrastructure_nat": false, "protocol_state_filtering_mode": "disabled"});
        let new = patch(all).unwrap();
        assert_eq!(new.state_filtering, Some(StateFiltering::Disabled));
        assert_eq!((new.auto_delete, new.infrastructure_nat), (Some(true), Some(false)));
        let mode = patch(json!({"protocol_state_filtering_mode": "on"}));
        assert_eq!(seen(mode).0, ErrorCode::ValidationEnum);
        assert_eq!(seen(patch(json!({"name": "ibm-x"}))).0, ErrorCode::ValidationInvalidName);
        assert_eq!(seen(patch(json!({"auto_delete": null}))).0, ErrorCode::ValidationFailure);
    }

    #[test]
    fn the_target_of_a_reserved_ip_is_a_virtual_network_interface() {
        let target = |body: Value| parse(json!({"target": body}), ip_target);
        assert_eq!(target(Value::Null).unwrap(), None);
        let id = VniId::parse("0717-2").unwrap();
        assert_eq!(target(json!({"id": "0717-2"})).unwrap(), Some(id));
        let gateway = target(json!({"href": "http://127.0.0.1:9000/v1/endpoint_gateways/r006-1"}));
        assert_eq!(seen(gateway), (ErrorCode::NotImplemented, "target".to_owned()));
    }
}
