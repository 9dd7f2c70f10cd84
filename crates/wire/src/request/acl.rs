//! Network ACLs and their rules.

use model::{AclCreate, AclRuleCreate, AclRuleUpdate, AclRules, Limit};

use super::{
    Asked,
    rule::{acl_traffic, before, direction, ip_version, protocol, range},
};
use crate::{ApiError, ErrorCode, Fields, Kind};

/// Most rules that are read at all: one more than the limit, which is checked later.
const RULES_READ: usize = Limit::ACL_RULES_MAX.max as usize + 1;

/// True for `allow`.
fn action(f: &Fields<'_>) -> Result<Option<bool>, ApiError> {
    f.choice("action", "allow, deny", |text| match text {
        "allow" => Some(true),
        "deny" => Some(false),
        _ => None,
    })
}

/// Reads `POST /network_acls`.
///
/// # Errors
/// What the body names wrongly.
pub fn acl_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<AclCreate, ApiError> {
    let rules = f.objects("rules", RULES_READ)?;
    let source = asked.place.id_in(Kind::ACL, f, "source_network_acl")?;
    let rules = match (rules, source) {
        (Some(_), Some(_)) => {
            let what = "and source_network_acl exclude each other";
            return Err(f.error(ErrorCode::ValidationOnlyOne, "rules", what));
        }
        (None, Some(id)) => AclRules::Of(id),
        (rules, None) => {
            let rules = rules.unwrap_or_default();
            let rules = rules.iter().map(|rule| acl_rule_prototype(asked, rule));
            AclRules::These(rules.collect::<Result<_, _>>()?)
        }
    };
    Ok(AclCreate {
        vpc: f.required("vpc", asked.place.id_in(Kind::VPC, f, "vpc")?)?,
        name: f.name("name")?,
        group: asked.place.group(f)?,
        rules,
    })
}

/// Reads `POST /network_acls/{id}/rules`.
///
/// # Errors
/// What the body names wrongly.
pub fn acl_rule_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<AclRuleCreate, ApiError> {
    ip_version(f)?;
    Ok(AclRuleCreate {
        allow: f.required("action", action(f)?)?,
        inbound: f.required("direction", direction(f)?)?,
        source: f.required("source", range(f, "source")?)?,
        destination: f.required("destination", range(f, "destination")?)?,
        protocol: f.required("protocol", protocol(asked, f)?)?,
        name: f.name("name")?,
        traffic: acl_traffic(f)?,
        before: before(asked, f)?,
    })
}

/// Reads `PATCH /network_acls/{id}/rules/{id}`.
///
/// # Errors
/// What the body names wrongly.
pub fn acl_rule_patch(asked: &Asked<'_>, f: &Fields<'_>) -> Result<AclRuleUpdate, ApiError> {
    ip_version(f)?;
    Ok(AclRuleUpdate {
        name: super::rename(f)?,
        allow: f.patched_value("action", action)?,
        inbound: f.patched_value("direction", direction)?,
        source: f.patched_value("source", |f| range(f, "source"))?,
        destination: f.patched_value("destination", |f| range(f, "destination"))?,
        protocol: f.patched_value("protocol", |f| protocol(asked, f))?,
        traffic: acl_traffic(f)?,
        before: f.patched("before", |f| before(asked, f))?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::testing::{parse, seen};

    fn body() -> Value {
        json!({"action": "allow", "direction": "inbound", "source": "0.0.0.0/0",
            "destination": "10.0.0.1", "protocol": "udp"})
    }

    #[test]
    fn a_rule_names_all_that_it_needs() {
        assert!(parse(body(), acl_rule_prototype).is_ok());
        for field in ["action", "direction", "source", "destination", "protocol"] {
            let mut body = body();
            body[field] = Value::Null;
            let code = seen(parse(body, acl_rule_prototype));
            assert_eq!(code, (ErrorCode::ValidationRequiredField, field.to_owned()));
        }
        let mut bad = body();
        bad["source_port_min"] = json!(0);
        assert_eq!(seen(parse(bad, acl_rule_prototype)).0, ErrorCode::ValidationMinValue);
    }

    #[test]
    fn the_rules_of_a_new_acl_come_from_one_place() {
        let acl = |change: Value| {
            let mut body = json!({"vpc": {"id": "r006-1"}});
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            parse(body, acl_prototype)
        };
        assert!(matches!(acl(json!({})).unwrap().rules, AclRules::These(r) if r.is_empty()));
        let of = acl(json!({"source_network_acl": {"id": "r006-2"}}));
        assert!(matches!(of.unwrap().rules, AclRules::Of(_)));
        let both = acl(json!({"source_network_acl": {"id": "r006-2"}, "rules": [body()]}));
        assert_eq!(seen(both).0, ErrorCode::ValidationOnlyOne);
    }

    #[test]
    fn a_rule_goes_before_another_or_to_the_end() {
        let before = |value: Value| parse(json!({"before": value}), acl_rule_patch);
        assert!(matches!(before(json!({"id": "x"})).unwrap().before, Some(Some(_))));
        assert_eq!(before(Value::Null).unwrap().before, Some(None));
        let href = "http://127.0.0.1:9000/v1/network_acls/a/rules/b";
        assert!(matches!(before(json!({"href": href})).unwrap().before, Some(Some(_))));
        assert_eq!(seen(before(json!({}))).0, ErrorCode::ValidationRequiredField);
        assert_eq!(seen(before(json!({"href": "x"}))).0, ErrorCode::InvalidValue);
    }
}
