//! Security groups and their rules.

use model::{
    IpRange, Limit, RemoteWanted, SecurityGroupCreate, SecurityGroupRuleCreate,
    SecurityGroupRuleUpdate,
};

use super::{
    Asked,
    rule::{direction, ip_version, protocol, range, traffic},
};
use crate::{ApiError, ErrorCode, Fields, Kind};

const PORTS: [&str; 2] = ["port_min", "port_max"];
/// Most rules that are read at all: one more than the limit, which is checked later.
const RULES_READ: usize = Limit::SECURITY_GROUP_RULES_MAX.max as usize + 1;

/// Reads `POST /security_groups`.
///
/// # Errors
/// What the body names wrongly.
pub fn security_group_prototype(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<SecurityGroupCreate, ApiError> {
    let rules = f.objects("rules", RULES_READ)?.unwrap_or_default();
    let rules = rules.iter().map(|rule| security_group_rule_prototype(asked, rule));
    Ok(SecurityGroupCreate {
        vpc: f.required("vpc", asked.place.id_in(Kind::VPC, f, "vpc")?)?,
        name: f.name("name")?,
        group: asked.place.group(f)?,
        rules: rules.collect::<Result<_, _>>()?,
    })
}

/// Reads `POST /security_groups/{id}/rules`.
///
/// # Errors
/// What the body names wrongly.
pub fn security_group_rule_prototype(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<SecurityGroupRuleCreate, ApiError> {
    ip_version(f)?;
    Ok(SecurityGroupRuleCreate {
        inbound: f.required("direction", direction(f)?)?,
        protocol: f.required("protocol", protocol(asked, f)?)?,
        name: f.name("name")?,
        remote: remote(asked, f)?,
        local: local(f)?,
        traffic: traffic(f, PORTS)?,
    })
}

/// Reads `PATCH /security_groups/{id}/rules/{id}`.
///
/// # Errors
/// What the body names wrongly.
pub fn security_group_rule_patch(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<SecurityGroupRuleUpdate, ApiError> {
    ip_version(f)?;
    Ok(SecurityGroupRuleUpdate {
        name: super::rename(f)?,
        inbound: f.patched_value("direction", direction)?,
        protocol: f.patched_value("protocol", |f| protocol(asked, f))?,
        remote: f.patched_value("remote", |f| remote(asked, f))?,
        local: f.patched_value("local", local)?,
        traffic: traffic(f, PORTS)?,
    })
}

/// Exactly one of an address and a block.
fn addresses(f: &Fields<'_>) -> Result<IpRange, ApiError> {
    let (address, block) = (range(f, "address")?, range(f, "cidr_block")?);
    match (address, block) {
        (Some(address), None) if address.is_address() => Ok(address),
        (Some(_), None) => {
            Err(f.error(ErrorCode::InvalidValue, "address", "is not an IPv4 address"))
        }
        (None, Some(block)) if !block.is_address() => Ok(block),
        (None, Some(_)) => {
            let what = "is not a range such as 10.0.0.0/8";
            Err(f.error(ErrorCode::InvalidValue, "cidr_block", what))
        }
        (Some(_), Some(_)) => {
            let what = "and cidr_block exclude each other";
            Err(f.error(ErrorCode::ValidationOnlyOne, "address", what))
        }
        (None, None) => {
            let what = "is required, or another way to name addresses";
            Err(f.error(ErrorCode::ValidationRequiredField, "cidr_block", what))
        }
    }
}

fn local(f: &Fields<'_>) -> Result<Option<IpRange>, ApiError> {
    f.object("local")?.map(|f| addresses(&f)).transpose()
}

fn remote(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<RemoteWanted>, ApiError> {
    let Some(f) = f.object("remote")? else { return Ok(None) };
    let group = ["id", "crn", "href"].iter().any(|field| f.has(field));
    if !group {
        return addresses(&f).map(RemoteWanted::Range).map(Some);
    }
    if f.has("address") || f.has("cidr_block") {
        let what = "excludes address and cidr_block";
        return Err(f.error(ErrorCode::ValidationOnlyOne, "id", what));
    }
    asked.place.id(Kind::SECURITY_GROUP, &f).map(RemoteWanted::Group).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::testing::{parse, seen};

    fn rule(change: impl FnOnce(&mut Value)) -> Result<SecurityGroupRuleCreate, ApiError> {
        let mut body = json!({"direction": "inbound", "protocol": "tcp"});
        change(&mut body);
        parse(body, security_group_rule_prototype)
    }

    #[test]
    fn ports_have_bounds() {
        let ports = |min: i64, max: i64| {
            rule(|b| {
                b["port_min"] = json!(min);
                b["port_max"] = json!(max);
            })
        };
        assert_eq!(ports(1, 65_535).unwrap().traffic.port_max, Some(Some(65_535)));
        assert_eq!(seen(ports(0, 1)), (ErrorCode::ValidationMinValue, "port_min".to_owned()));
        assert_eq!(seen(ports(1, 65_536)).0, ErrorCode::ValidationMaxValue);
        let icmp = |kind: u64, code: u64| {
            rule(|b| {
                b["type"] = json!(kind);
                b["code"] = json!(code);
            })
        };
        assert!(icmp(254, 255).is_ok());
        assert_eq!(seen(icmp(255, 0)).0, ErrorCode::ValidationMaxValue);
        assert_eq!(seen(icmp(0, 256)).0, ErrorCode::ValidationMaxValue);
    }

    #[test]
    fn the_other_side_is_named_in_one_way() {
        let remote = |value: Value| rule(|b| b["remote"] = value);
        assert!(matches!(
            remote(json!({"id": "r006-1"})).unwrap().remote,
            Some(RemoteWanted::Group(_))
        ));
        assert!(remote(json!({"address": "10.0.0.1"})).is_ok());
        assert!(remote(json!({"cidr_block": "10.0.0.0/8"})).is_ok());
        assert_eq!(rule(|_| ()).unwrap().remote, None);
        for bad in [
            json!({"address": "10.0.0.0/8"}),
            json!({"cidr_block": "10.0.0.1"}),
            json!({"cidr_block": "10.0.0.1/8"}),
            json!({"address": "::1"}),
        ] {
            assert_eq!(seen(remote(bad.clone())).0, ErrorCode::InvalidValue, "{bad}");
        }
        let both = json!({"address": "10.0.0.1", "cidr_block": "10.0.0.0/8"});
        assert_eq!(seen(remote(both)).0, ErrorCode::ValidationOnlyOne);
        let both = json!({"address": "10.0.0.1", "id": "r006-1"});
        assert_eq!(seen(remote(both)).0, ErrorCode::ValidationOnlyOne);
        assert_eq!(seen(remote(json!({}))).0, ErrorCode::ValidationRequiredField);
    }

    #[test]
    fn what_a_rule_needs_and_may_say() {
        let wrong = |field: &str, value: Value| seen(rule(|b| b[field] = value));
        assert_eq!(wrong("direction", Value::Null).0, ErrorCode::ValidationRequiredField);
        assert_eq!(wrong("protocol", Value::Null).0, ErrorCode::ValidationRequiredField);
        assert_eq!(wrong("direction", json!("in")).0, ErrorCode::ValidationEnum);
        assert_eq!(wrong("protocol", json!("all")).0, ErrorCode::ValidationEnum);
        assert_eq!(wrong("ip_version", json!("ipv6")).0, ErrorCode::ValidationEnum);
        assert_eq!(wrong("name", json!("A")).0, ErrorCode::ValidationInvalidName);
        assert!(rule(|b| b["ip_version"] = json!("ipv4")).is_ok());
    }
}
