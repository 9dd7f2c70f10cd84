//! Answers of IAM's identity service and of user management.

use base::Crn;
use model::{HistoryRecord, Principal, PrincipalKind, ProfilePart, entity_tag};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{PageToken, Query};

fn crn_of(account: &base::AccountId, kind: &str, id: &str) -> String {
    let crn = Crn {
        service: "iam-identity".to_owned(),
        location: String::new(),
        account: Some(account.clone()),
        instance: String::new(),
        kind: kind.to_owned(),
        resource: id.to_owned(),
    };
    crn.to_string()
}

/// When and how often something signed in.
#[derive(Debug, Serialize)]
pub struct Activity {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_authn: Option<String>,
    authn_count: u64,
}

/// A record of a history.
#[derive(Debug, Serialize)]
pub struct History {
    timestamp: String,
    iam_id: String,
    iam_id_account: String,
    action: String,
    params: [String; 0],
    message: String,
}

/// A history, oldest first.
#[must_use]
pub fn history(records: &[HistoryRecord]) -> Vec<History> {
    let one = |r: &HistoryRecord| History {
        timestamp: r.at.to_string(),
        iam_id: r.by.to_string(),
        iam_id_account: r.by_account.to_string(),
        action: r.action.clone(),
        params: [],
        message: format!("{} by {}", r.action, r.by),
    };
    records.iter().map(one).collect()
}

/// An API key.
#[derive(Debug, Serialize)]
pub struct ApiKey<'a> {
    id: &'a str,
    entity_tag: String,
    crn: String,
    locked: bool,
    disabled: bool,
    created_at: String,
    created_by: &'a str,
    modified_at: String,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    iam_id: &'a str,
    account_id: &'a str,
    /// The key itself, when it is made; else empty.
    apikey: &'a str,
    support_sessions: bool,
    action_when_leaked: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<History>>,
    activity: Activity,
}

/// An API key; `value` is its text, which only its maker sees.
#[must_use]
pub fn api_key<'a>(
    key: &'a model::ApiKey,
    value: &'a str,
    records: Option<&[HistoryRecord]>,
) -> ApiKey<'a> {
    ApiKey {
        id: key.id.as_str(),
        entity_tag: key.entity_tag(),
        crn: crn_of(&key.account, "apikey", key.id.as_str()),
        locked: key.locked,
        disabled: key.disabled,
        created_at: key.created_at.to_string(),
        created_by: key.created_by.as_str(),
        modified_at: key.modified_at.to_string(),
        name: &key.name,
        description: &key.description,
        iam_id: key.principal.as_str(),
        account_id: key.account.as_str(),
        apikey: value,
        support_sessions: key.support_sessions,
        action_when_leaked: key.when_leaked.as_str(),
        expires_at: key.expires_at.map(|at| at.to_string()),
        history: records.map(history),
        activity: Activity {
            last_authn: key.last_used_at.map(|at| at.to_string()),
            authn_count: key.uses,
        },
    }
}

/// A service ID or a trusted profile.
#[derive(Debug, Serialize)]
pub struct Identity<'a> {
    id: &'a str,
    iam_id: &'a str,
    entity_tag: String,
    crn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
    created_at: String,
    modified_at: String,
    account_id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_instance_crns: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<History>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apikey: Option<ApiKey<'a>>,
    activity: Activity,
}

/// A service ID or a trusted profile; `made` is the API key that was made with it, and its text.
#[must_use]
pub fn identity<'a>(
    principal: &'a Principal,
    records: Option<&[HistoryRecord]>,
    made: Option<(&'a model::ApiKey, &'a str)>,
) -> Identity<'a> {
    let service_id = principal.kind == PrincipalKind::ServiceId;
    let kind = if service_id { "serviceid" } else { "profile" };
    Identity {
        id: principal.plain_id(),
        iam_id: principal.id.as_str(),
        entity_tag: principal.entity_tag(),
        crn: crn_of(&principal.account, kind, principal.plain_id()),
        locked: service_id.then_some(principal.locked),
        created_at: principal.created_at.to_string(),
        modified_at: principal.modified_at.to_string(),
        account_id: principal.account.as_str(),
        name: &principal.name,
        description: &principal.description,
        email: &principal.email,
        unique_instance_crns: service_id.then_some(principal.instance_crns.as_slice()),
        history: records.map(history),
        apikey: made.map(|(key, value)| api_key(key, value, None)),
        activity: Activity {
            last_authn: principal.last_used_at.map(|at| at.to_string()),
            authn_count: principal.uses,
        },
    }
}

/// What a part of a profile says, as it was given.
fn said(part: &ProfilePart) -> Map<String, Value> {
    match serde_json::from_str(&part.body) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    }
}

/// A rule or link of a profile.
#[must_use]
pub fn profile_part(part: &ProfilePart) -> Value {
    let mut body = said(part);
    body.insert("id".to_owned(), part.id.as_str().into());
    body.insert("entity_tag".to_owned(), entity_tag(part.revision, &part.id).into());
    body.insert("created_at".to_owned(), part.created_at.to_string().into());
    body.insert("modified_at".to_owned(), part.modified_at.to_string().into());
    Value::Object(body)
}

/// An identity of a profile.
#[must_use]
pub fn profile_identity(part: &ProfilePart) -> Value {
    Value::Object(said(part))
}

/// Every identity of a profile, and the tag by which they are replaced.
#[must_use]
pub fn profile_identities(tag: &str, parts: &[ProfilePart]) -> Value {
    let all: Vec<_> = parts.iter().map(profile_identity).collect();
    json!({ "entity_tag": tag, "identities": all })
}

/// A page of the identity service. `path` begins with a slash; `name` is what the array is called.
#[must_use]
pub fn identity_page<T: Serialize>(
    (base_url, path, name): (&str, &str, &str),
    query: &Query,
    limit: u32,
    items: &[T],
    next: Option<&PageToken>,
) -> Value {
    let list = path.trim_start_matches("/v1/").trim_end_matches('/');
    let filters = query.encoded_without(&["pagesize", "pagetoken"]);
    let first = format!("{base_url}{path}?pagesize={limit}{filters}");
    let mut body = json!({ "offset": 0, "limit": limit, "first": first });
    body[name] = items.iter().map(|item| json!(item)).collect();
    if let Some(next) = next {
        body["next"] = format!("{first}&pagetoken={}", next.encode(list)).into();
    }
    body
}

/// A user of an account.
#[must_use]
pub fn user(user: &Principal) -> Value {
    let (first, last) = user.name.split_once(' ').unwrap_or((&user.name, ""));
    json!({
        "id": user.id.as_str(),
        "iam_id": user.id.as_str(),
        "realm": "IBMid",
        "user_id": user.email,
        "firstname": first,
        "lastname": last,
        "state": "ACTIVE",
        "email": user.email,
        "phonenumber": "",
        "altphonenumber": "",
        "photo": "",
        "account_id": user.account.as_str(),
        "added_on": user.created_at.to_string(),
    })
}

/// A page of users.
#[must_use]
pub fn users(
    path: &str,
    users: &[Principal],
    (total, limit): (u64, u32),
    next: Option<&PageToken>,
) -> Value {
    let all: Vec<_> = users.iter().map(user).collect();
    let first = format!("{path}?limit={limit}");
    let mut body =
        json!({ "total_results": total, "limit": limit, "first_url": first, "resources": all });
    if let Some(next) = next {
        body["next_url"] = format!("{first}&_start={}", next.encode("users")).into();
    }
    body
}

/// Who was invited.
#[must_use]
pub fn invited(users: &[Principal]) -> Value {
    let one = |user: &Principal| json!({ "email": user.email, "id": user.id.as_str(), "state": "ACTIVE" });
    json!({ "resources": users.iter().map(one).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use base::{AccountId, ApiKeyId, PrincipalId, SeededEntropy, Timestamp};

    use super::*;

    #[test]
    fn a_key_has_what_the_sdk_requires_and_no_secret_of_its_own() {
        let entropy = SeededEntropy::new(8);
        let key = model::ApiKey::new(
            ApiKeyId::mint("ApiKey-", &entropy),
            AccountId::mint("", &entropy),
            PrincipalId::mint("IBMid-", &entropy),
            "k".to_owned(),
            [7; 32],
            Timestamp::from_micros(0),
        );
        let shown = serde_json::to_value(api_key(&key, "", None)).unwrap();
        for field in ["id", "crn", "locked", "created_by", "name", "iam_id", "account_id", "apikey"]
        {
            assert!(shown.get(field).is_some(), "{field}");
        }
        assert_eq!(shown["apikey"], "");
        assert!(shown.get("hash").is_none() && shown.get("expires_at").is_none());
        let crn = shown["crn"].as_str().unwrap();
        assert!(crn.starts_with("crn:v1:bluemix:public:iam-identity::a/"), "{crn}");
        assert!(crn.contains("::apikey:ApiKey-"), "{crn}");
    }

    #[test]
    fn a_page_leads_to_the_next() {
        let query = Query::parse("account_id=a&pagesize=2&pagetoken=x", 100).unwrap();
        let next = PageToken { created_at: 5, id: "i".to_owned() };
        let place = ("http://h", "/v1/apikeys", "apikeys");
        let page = identity_page(place, &query, 2, &["a", "b"], Some(&next));
        assert_eq!(page["apikeys"], json!(["a", "b"]));
        assert_eq!(page["first"], "http://h/v1/apikeys?pagesize=2&account_id=a");
        let token = page["next"].as_str().unwrap().rsplit_once('=').unwrap().1;
        assert_eq!(PageToken::decode("apikeys", token).unwrap(), next);
        assert!(identity_page(place, &query, 2, &["a"], None).get("next").is_none());
    }
}
