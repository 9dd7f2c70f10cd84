//! Policies and roles, in IBM's first and second form.

use model::{AccessPolicy, Attribute, AttributeValue, Condition, CustomRole, PolicyTerms};
use serde_json::{Map, Value, json};

/// What is shown of a role beside its CRN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleFacts {
    /// Its CRN.
    pub crn: String,
    /// What users see.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Names of its actions.
    pub actions: Vec<String>,
}

/// Finds what is shown of the role of a CRN.
pub type RolesBy<'a> = &'a dyn Fn(&str) -> Option<RoleFacts>;

fn value(of: &AttributeValue) -> Value {
    match of {
        AttributeValue::Flag(flag) => json!(flag),
        AttributeValue::Text(text) => json!(text),
        AttributeValue::Many(texts) => json!(texts),
    }
}

fn attributes(of: &[Attribute], key: &str) -> Value {
    let each = of.iter().map(|a| {
        let mut item = Map::new();
        item.insert(key.to_owned(), json!(a.key));
        item.insert("operator".to_owned(), json!(a.operator.as_str()));
        item.insert("value".to_owned(), value(&a.value));
        Value::Object(item)
    });
    each.collect()
}

/// What both forms have: ids, dates, state.
fn envelope(policy: &AccessPolicy, base_url: &str, path: &str) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("id", json!(policy.id.as_str()));
    put("type", json!(policy.kind.as_str()));
    if !policy.terms.description.is_empty() {
        put("description", json!(policy.terms.description));
    }
    put("href", json!(format!("{base_url}{path}/{}", policy.id)));
    put("created_at", json!(policy.created_at.to_string()));
    put("created_by_id", json!(policy.created_by.as_str()));
    put("last_modified_at", json!(policy.modified_at.to_string()));
    put("last_modified_by_id", json!(policy.modified_by.as_str()));
    put("state", json!(policy.state.as_str()));
    out
}

fn named_roles(terms: &PolicyTerms, roles: RolesBy<'_>) -> Value {
    let each = terms.roles.iter().map(|crn| match roles(crn) {
        Some(role) => json!({
            "role_id": crn,
            "display_name": role.display_name,
            "description": role.description,
        }),
        None => json!({ "role_id": crn }),
    });
    each.collect()
}

/// A policy of `/v1/policies`.
#[must_use]
pub fn policy_v1(policy: &AccessPolicy, base_url: &str, roles: RolesBy<'_>) -> Value {
    let mut out = envelope(policy, base_url, "/v1/policies");
    let terms = &policy.terms;
    let subject: Value =
        terms.subject.iter().map(|a| json!({ "name": a.key, "value": value(&a.value) })).collect();
    out.insert("subjects".to_owned(), json!([{ "attributes": subject }]));
    out.insert("roles".to_owned(), named_roles(terms, roles));
    let mut resource = Map::new();
    resource.insert("attributes".to_owned(), attributes(&terms.resource, "name"));
    if !terms.tags.is_empty() {
        resource.insert("tags".to_owned(), attributes(&terms.tags, "name"));
    }
    out.insert("resources".to_owned(), json!([resource]));
    Value::Object(out)
}

fn condition(of: &Condition) -> Value {
    let several = |word: &str, parts: &[Condition]| {
        let parts: Vec<Value> = parts.iter().map(condition).collect();
        json!({ "operator": word, "conditions": parts })
    };
    match of {
        Condition::One(a) => {
            json!({ "key": a.key, "operator": a.operator.as_str(), "value": value(&a.value) })
        }
        Condition::All(parts) => several("and", parts),
        Condition::Any(parts) => several("or", parts),
    }
}

/// A policy of `/v2/policies`; with `display`, everything about its roles.
#[must_use]
pub fn policy_v2(
    policy: &AccessPolicy,
    base_url: &str,
    roles: RolesBy<'_>,
    display: bool,
) -> Value {
    let mut out = envelope(policy, base_url, "/v2/policies");
    let terms = &policy.terms;
    let mut resource = Map::new();
    resource.insert("attributes".to_owned(), attributes(&terms.resource, "key"));
    if !terms.tags.is_empty() {
        resource.insert("tags".to_owned(), attributes(&terms.tags, "key"));
    }
    out.insert("subject".to_owned(), json!({ "attributes": attributes(&terms.subject, "key") }));
    out.insert("resource".to_owned(), Value::Object(resource));
    let granted: Value = terms
        .roles
        .iter()
        .map(|crn| match display.then(|| roles(crn)).flatten() {
            Some(role) => {
                let action = |a: &String| json!({ "id": a, "display_name": a, "description": "" });
                json!({
                    "role_id": crn,
                    "display_name": role.display_name,
                    "description": role.description,
                    "actions": role.actions.iter().map(action).collect::<Vec<_>>(),
                })
            }
            None => json!({ "role_id": crn }),
        })
        .collect();
    out.insert("control".to_owned(), json!({ "grant": { "roles": granted } }));
    if let (Some(pattern), Some(rule)) = (&terms.pattern, &terms.rule) {
        out.insert("pattern".to_owned(), json!(pattern));
        out.insert("rule".to_owned(), condition(rule));
    }
    Value::Object(out)
}

/// Where a page of policies is among the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyPage {
    /// At most so many.
    pub limit: u32,
    /// Address of the first page.
    pub first: String,
    /// Address of the next page, and where it begins.
    pub next: Option<(String, String)>,
}

/// A page of policies; all of them without one.
#[must_use]
pub fn policies(items: Vec<Value>, page: Option<PolicyPage>) -> Value {
    let mut out = Map::new();
    if let Some(PolicyPage { limit, first, next }) = page {
        out.insert("limit".to_owned(), json!(limit));
        out.insert("first".to_owned(), json!({ "href": first }));
        if let Some((href, start)) = next {
            out.insert("next".to_owned(), json!({ "href": href, "start": start }));
        }
    }
    out.insert("policies".to_owned(), Value::Array(items));
    Value::Object(out)
}

/// A custom role.
#[must_use]
pub fn custom_role(role: &CustomRole, base_url: &str) -> Value {
    json!({
        "id": role.id.as_str(),
        "name": role.name,
        "account_id": role.account.as_str(),
        "service_name": role.service,
        "display_name": role.display_name,
        "description": role.description,
        "crn": role.crn(),
        "actions": role.actions,
        "created_at": role.created_at.to_string(),
        "created_by_id": role.created_by.as_str(),
        "last_modified_at": role.modified_at.to_string(),
        "last_modified_by_id": role.modified_by.as_str(),
        "href": format!("{base_url}/v2/roles/{}", role.id),
    })
}

/// Roles of the account, of a service and of the platform.
#[must_use]
pub fn roles(
    custom: &[CustomRole],
    service: &[RoleFacts],
    system: &[RoleFacts],
    base_url: &str,
) -> Value {
    let own = |role: &RoleFacts| {
        json!({
            "crn": role.crn,
            "display_name": role.display_name,
            "description": role.description,
            "actions": role.actions,
        })
    };
    json!({
        "custom_roles": custom.iter().map(|r| custom_role(r, base_url)).collect::<Vec<_>>(),
        "service_roles": service.iter().map(own).collect::<Vec<_>>(),
        "system_roles": system.iter().map(own).collect::<Vec<_>>(),
    })
}
