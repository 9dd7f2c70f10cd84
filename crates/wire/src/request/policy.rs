//! Policies and custom roles, in IBM's first and second form.

use model::{
    Attribute, AttributeValue, CONDITION_DEPTH_MAX, Condition, Operator, PolicyKind, PolicyState,
    PolicyTerms,
};
use serde_json::Value;

use crate::{ApiError, ErrorCode, Fields, Query};

/// Most items of an array of a policy that is read at all; what a policy may have is `model`'s.
pub const POLICY_ITEMS_MAX: usize = 50;
/// Most actions of a custom role that are read.
pub const ROLE_ACTIONS_MAX: usize = 1_000;
/// Largest page of policies.
pub const POLICY_PAGE_MAX: u32 = 100;

/// IBM's forms of policies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    First,
    Second,
}

/// A policy in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyBody {
    /// What it is for.
    pub kind: PolicyKind,
    /// What it says.
    pub terms: PolicyTerms,
}

fn kind(f: &Fields<'_>) -> Result<PolicyKind, ApiError> {
    let kind = f.choice("type", "access, authorization", PolicyKind::parse)?;
    f.required("type", kind)
}

fn description(f: &Fields<'_>) -> Result<String, ApiError> {
    Ok(f.text("description")?.unwrap_or_default().to_owned())
}

/// The only object of an array.
fn only<'a>(f: &Fields<'a>, field: &str) -> Result<Fields<'a>, ApiError> {
    let mut items = f.required(field, f.objects(field, POLICY_ITEMS_MAX)?)?;
    match items.len() {
        1 => Ok(items.remove(0)),
        _ => Err(f.error(ErrorCode::InvalidBody, field, "must have one item")),
    }
}

fn roles(f: &Fields<'_>) -> Result<Vec<String>, ApiError> {
    let roles = f.required("roles", f.objects("roles", POLICY_ITEMS_MAX)?)?;
    let id = |r: &Fields<'_>| Ok(r.required_text("role_id")?.to_owned());
    roles.iter().map(id).collect()
}

/// A value: a text, several, or a flag.
fn value(f: &Fields<'_>) -> Result<AttributeValue, ApiError> {
    match f.required("value", f.get("value"))? {
        Value::String(text) => Ok(AttributeValue::Text(text.clone())),
        Value::Bool(flag) => Ok(AttributeValue::Flag(*flag)),
        Value::Array(_) => {
            let texts = f.texts("value", POLICY_ITEMS_MAX)?.unwrap_or_default();
            Ok(AttributeValue::Many(texts.into_iter().map(str::to_owned).collect()))
        }
        _ => {
            let what = "must be a string, a boolean or an array of strings";
            Err(f.error(ErrorCode::InvalidBody, "value", what))
        }
    }
}

/// An attribute as the form spells it: by `name` with a text in the first, by `key` in the second.
fn attribute(f: &Fields<'_>, form: Form) -> Result<Attribute, ApiError> {
    let second = form == Form::Second;
    let operators = || Operator::ALL.iter().map(|o| o.as_str()).collect::<Vec<_>>().join(", ");
    let operator = match f.text("operator")? {
        None if second => f.required("operator", None)?,
        None => Operator::StringEquals,
        Some(text) => Operator::parse(text).ok_or_else(|| {
            let what = format!("must be one of: {}", operators());
            f.error(ErrorCode::InvalidBody, "operator", &what)
        })?,
    };
    let key = if second { "key" } else { "name" };
    let key = f.required_text(key)?.to_owned();
    let value = match form {
        Form::First => AttributeValue::Text(f.required_text("value")?.to_owned()),
        Form::Second => value(f)?,
    };
    Ok(Attribute { key, operator, value })
}

fn attributes(f: &Fields<'_>, field: &str, form: Form) -> Result<Vec<Attribute>, ApiError> {
    let items = f.objects(field, POLICY_ITEMS_MAX)?.unwrap_or_default();
    items.iter().map(|item| attribute(item, form)).collect()
}

/// Reads a policy of `/v1/policies`.
///
/// # Errors
/// What is missing or of the wrong type; operators that are not known.
pub fn policy_v1(f: &Fields<'_>) -> Result<PolicyBody, ApiError> {
    let (subject, resource) = (only(f, "subjects")?, only(f, "resources")?);
    Ok(PolicyBody {
        kind: kind(f)?,
        terms: PolicyTerms {
            description: description(f)?,
            subject: attributes(&subject, "attributes", Form::First)?,
            roles: roles(f)?,
            resource: attributes(&resource, "attributes", Form::First)?,
            tags: attributes(&resource, "tags", Form::First)?,
            pattern: None,
            rule: None,
        },
    })
}

fn condition(f: &Fields<'_>, depth: usize) -> Result<Condition, ApiError> {
    if !f.has("conditions") {
        return attribute(f, Form::Second).map(Condition::One);
    }
    if depth >= CONDITION_DEPTH_MAX {
        return Err(f.error(ErrorCode::InvalidBody, "conditions", "is nested too deep"));
    }
    let items = f.objects("conditions", POLICY_ITEMS_MAX)?.unwrap_or_default();
    let parts = items.iter().map(|item| condition(item, depth + 1)).collect::<Result<_, _>>()?;
    match f.text("operator")? {
        Some("and") => Ok(Condition::All(parts)),
        Some("or") => Ok(Condition::Any(parts)),
        _ => Err(f.error(ErrorCode::InvalidBody, "operator", "must be one of: and, or")),
    }
}

/// Reads a policy of `/v2/policies`.
///
/// # Errors
/// As [`policy_v1`]; a rule that is nested too deep.
pub fn policy_v2(f: &Fields<'_>) -> Result<PolicyBody, ApiError> {
    let control = f.required("control", f.object("control")?)?;
    let grant = control.required("grant", control.object("grant")?)?;
    let subject = f.required("subject", f.object("subject")?)?;
    let resource = f.required("resource", f.object("resource")?)?;
    Ok(PolicyBody {
        kind: kind(f)?,
        terms: PolicyTerms {
            description: description(f)?,
            subject: attributes(&subject, "attributes", Form::Second)?,
            roles: roles(&grant)?,
            resource: attributes(&resource, "attributes", Form::Second)?,
            tags: attributes(&resource, "tags", Form::Second)?,
            pattern: f.text("pattern")?.map(str::to_owned),
            rule: f.object("rule")?.map(|rule| condition(&rule, 0)).transpose()?,
        },
    })
}

/// Reads `PATCH /v1/policies/{id}`: a state.
///
/// # Errors
/// No state, or one that cannot be asked for.
pub fn policy_state(f: &Fields<'_>) -> Result<PolicyState, ApiError> {
    let active = |text: &str| PolicyState::parse(text).filter(|s| *s == PolicyState::Active);
    let state = f.choice("state", "active", active)?;
    f.required("state", state)
}

/// `GET /v1/policies` and `/v2/policies`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyList {
    /// The account.
    pub account: String,
    /// For this IAM id.
    pub iam_id: Option<String>,
    /// For this access group.
    pub access_group: Option<String>,
    /// Of this kind.
    pub kind: Option<PolicyKind>,
    /// In this state.
    pub state: Option<PolicyState>,
    /// Attributes that the resource names.
    pub resource: Vec<(&'static str, String)>,
    /// A tag that the resource names, by name and value.
    pub tag: (Option<String>, Option<String>),
    /// With everything about roles.
    pub display: bool,
    /// At most so many; all when none.
    pub limit: Option<u32>,
    /// Where the page begins.
    pub start: Option<String>,
}

/// The account that a call of IAM names.
///
/// # Errors
/// `missing_required_query_parameter`.
pub fn account_of(query: &Query) -> Result<String, ApiError> {
    query.get("account_id").map(str::to_owned).ok_or_else(|| {
        ApiError::parameter(
            ErrorCode::MissingRequiredQueryParameter,
            "account_id",
            "account_id is required.",
        )
    })
}

/// A parameter that is one of several words.
pub(super) fn parameter<T>(
    query: &Query,
    name: &str,
    allowed: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    let Some(text) = query.get(name) else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| {
        let message = format!("{name} must be one of: {allowed}.");
        ApiError::parameter(ErrorCode::InvalidValue, name, message)
    })
}

/// Reads the query of a list of policies.
///
/// # Errors
/// No account; values that are not known.
pub fn policy_list(query: &Query) -> Result<PolicyList, ApiError> {
    let text = |name: &str| query.get(name).map(str::to_owned);
    let resource = [
        ("serviceType", text("service_type")),
        ("serviceName", text("service_name")),
        ("service_group_id", text("service_group_id")),
    ];
    let page = |text: &str| text.parse().ok().filter(|n| (1..=POLICY_PAGE_MAX).contains(n));
    let display = policy_format(query)?;
    Ok(PolicyList {
        account: account_of(query)?,
        iam_id: text("iam_id"),
        access_group: text("access_group_id"),
        kind: parameter(query, "type", "access, authorization", PolicyKind::parse)?,
        state: parameter(query, "state", "active, deleted", PolicyState::parse)?,
        resource: resource.into_iter().filter_map(|(key, v)| Some((key, v?))).collect(),
        tag: (text("tag_name"), text("tag_value")),
        display,
        limit: parameter(query, "limit", "1 to 100", page)?,
        start: text("start"),
    })
}

/// Whether one policy is wanted with everything about its roles.
///
/// # Errors
/// A format that is not known.
pub fn policy_format(query: &Query) -> Result<bool, ApiError> {
    let format = parameter(query, "format", "display, include_last_permit", |text| match text {
        "display" => Some(true),
        "include_last_permit" => Some(false),
        _ => None,
    })?;
    Ok(format.unwrap_or(false))
}

/// A custom role in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleBody {
    /// What users see.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Names of actions.
    pub actions: Vec<String>,
}

/// `POST /v2/roles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolePrototype {
    /// The name in its CRN.
    pub name: String,
    /// The account.
    pub account: String,
    /// The service.
    pub service: String,
    /// The rest.
    pub body: RoleBody,
}

/// Reads `PUT /v2/roles/{id}`.
///
/// # Errors
/// What is missing or of the wrong type.
pub fn role_body(f: &Fields<'_>) -> Result<RoleBody, ApiError> {
    let actions = f.required("actions", f.texts("actions", ROLE_ACTIONS_MAX)?)?;
    Ok(RoleBody {
        display_name: f.required_text("display_name")?.to_owned(),
        description: description(f)?,
        actions: actions.into_iter().map(str::to_owned).collect(),
    })
}

/// Reads `POST /v2/roles`.
///
/// # Errors
/// As [`role_body`].
pub fn role_prototype(f: &Fields<'_>) -> Result<RolePrototype, ApiError> {
    Ok(RolePrototype {
        name: f.required_text("name")?.to_owned(),
        account: f.required_text("account_id")?.to_owned(),
        service: f.required_text("service_name")?.to_owned(),
        body: role_body(f)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::testing::{parse, seen};

    fn v1() -> Value {
        json!({
            "type": "access",
            "subjects": [{"attributes": [{"name": "iam_id", "value": "IBMid-1"}]}],
            "roles": [{"role_id": "crn:v1:bluemix:public:iam::::role:Viewer"}],
            "resources": [{
                "attributes": [
                    {"name": "accountId", "value": "a"},
                    {"name": "serviceName", "value": "is", "operator": "stringEquals"},
                ],
                "tags": [{"name": "env", "value": "dev", "operator": "stringMatch"}],
            }],
        })
    }

    fn v2() -> Value {
        json!({
            "type": "access",
            "subject": {"attributes": [
                {"key": "iam_id", "operator": "stringEquals", "value": "IBMid-1"}]},
            "control": {"grant": {"roles": [
                {"role_id": "crn:v1:bluemix:public:iam::::role:Viewer"}]}},
            "resource": {
                "attributes": [
                    {"key": "accountId", "operator": "stringEquals", "value": "a"},
                    {"key": "serviceName", "operator": "stringEquals", "value": "is"},
                ],
                "tags": [{"key": "env", "operator": "stringMatch", "value": "dev"}],
            },
        })
    }

    #[test]
    fn both_forms_say_the_same() {
        let first = parse(v1(), |_, f| policy_v1(f)).unwrap();
        assert_eq!(first, parse(v2(), |_, f| policy_v2(f)).unwrap());
        assert_eq!(first.terms.tags[0].operator, Operator::StringMatch);
    }

    #[test]
    fn a_rule_is_one_condition_or_a_tree_of_them() {
        let with = |rule: Value| {
            let mut body = v2();
            body["pattern"] = json!("time-based-conditions:once");
            body["rule"] = rule;
            parse(body, |_, f| policy_v2(f))
        };
        let leaf = json!({"key": "k", "operator": "dayOfWeekAnyOf", "value": ["1+00:00"]});
        let one = with(leaf.clone()).unwrap().terms.rule.unwrap();
        let tree = with(json!({"operator": "and", "conditions": [leaf]})).unwrap();
        assert_eq!(tree.terms.rule, Some(Condition::All(vec![one])));
        let mut deep = leaf;
        for _ in 0..=CONDITION_DEPTH_MAX {
            deep = json!({"operator": "or", "conditions": [deep]});
        }
        assert_eq!(seen(with(deep)).0, ErrorCode::InvalidBody);
        let odd = json!({"operator": "xor", "conditions": []});
        assert_eq!(seen(with(odd)).1, "rule.operator");
    }

    #[test]
    fn what_is_wrong_with_a_policy_is_named() {
        let wrong = |change: &dyn Fn(&mut Value)| {
            let mut body = v1();
            change(&mut body);
            seen(parse(body, |_, f| policy_v1(f))).1
        };
        assert_eq!(wrong(&|b| b["type"] = json!("deny")), "type");
        assert_eq!(wrong(&|b| b["subjects"] = json!([])), "subjects");
        assert_eq!(wrong(&|b| drop(b["roles"].take())), "roles");
        let operator = "resources[0].attributes[1].operator";
        assert_eq!(
            wrong(&|b| b["resources"][0]["attributes"][1]["operator"] = json!("like")),
            operator
        );
        let value = "resources[0].attributes[1].value";
        assert_eq!(wrong(&|b| b["resources"][0]["attributes"][1]["value"] = json!(7)), value);
    }

    #[test]
    fn lists_are_of_an_account() {
        let read = |text: &str| policy_list(&Query::parse(text, 1_000).unwrap());
        assert_eq!(seen(read("")).0, ErrorCode::MissingRequiredQueryParameter);
        let list = read("account_id=a&type=access&limit=100&service_name=is").unwrap();
        assert_eq!(list.resource, [("serviceName", "is".to_owned())]);
        assert_eq!((list.limit, list.kind), (Some(100), Some(PolicyKind::Access)));
        for bad in ["limit=0", "limit=101", "type=x", "state=x", "format=x"] {
            assert_eq!(seen(read(&format!("account_id=a&{bad}"))).0, ErrorCode::InvalidValue);
        }
    }
}
