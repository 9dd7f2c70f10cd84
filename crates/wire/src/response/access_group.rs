//! Access groups, their members and rules.

use base::Timestamp;
use model::{AccessGroup, GroupMember, GroupRule};
use serde_json::{Map, Value, json};

use crate::{ApiError, Query, request::OffsetPage};

/// An access group.
#[must_use]
pub fn access_group(group: &AccessGroup, base_url: &str) -> Value {
    json!({
        "id": group.id.as_str(),
        "name": group.name,
        "description": group.description,
        "account_id": group.account.as_str(),
        "created_at": group.created_at.to_string(),
        "created_by_id": group.created_by.as_str(),
        "last_modified_at": group.modified_at.to_string(),
        "last_modified_by_id": group.modified_by.as_str(),
        "href": format!("{base_url}/v2/groups/{}", group.id),
        "is_federated": false,
    })
}

/// A member of an access group.
#[must_use]
pub fn member(member: &GroupMember, group_href: &str) -> Value {
    json!({
        "iam_id": member.iam_id.as_str(),
        "type": member.kind.as_str(),
        "membership_type": "static",
        "href": format!("{group_href}/members/{}", member.iam_id),
        "created_at": member.added_at.to_string(),
        "created_by_id": member.added_by.as_str(),
    })
}

/// A page by number; `url` is the list's own address.
#[must_use]
pub fn by_offset(
    field: &str,
    items: Vec<Value>,
    total: u64,
    page: OffsetPage,
    url: &str,
    query: &Query,
) -> Value {
    let filters = query.filters_encoded_without(&["offset"]);
    let link = |offset: u64| json!({ "href": format!("{url}?limit={}&offset={offset}{filters}", page.limit) });
    let (offset, limit) = (u64::from(page.offset), u64::from(page.limit));
    let last = total.saturating_sub(1) / limit * limit;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("limit", json!(page.limit));
    put("offset", json!(page.offset));
    put("total_count", json!(total));
    put("first", link(0));
    if offset > 0 {
        put("previous", link(offset.saturating_sub(limit)));
    }
    if offset + limit < total {
        put("next", link(offset + limit));
    }
    put("last", link(last));
    put(field, Value::Array(items));
    Value::Object(out)
}

/// What became of one item of a call about several.
fn outcome(status: u16, trace: &str, error: Option<&ApiError>) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("status_code".to_owned(), json!(status));
    out.insert("trace".to_owned(), json!(trace));
    if let Some(error) = error {
        let one = json!({ "code": error.code.as_str(), "message": error.message });
        out.insert("errors".to_owned(), json!([one]));
    }
    out
}

/// Members that were added.
#[must_use]
pub fn members_added(members: &[GroupMember], trace: &str) -> Value {
    let each = members.iter().map(|member| {
        let mut item = outcome(200, trace, None);
        item.insert("iam_id".to_owned(), json!(member.iam_id.as_str()));
        item.insert("type".to_owned(), json!(member.kind.as_str()));
        item.insert("created_at".to_owned(), json!(member.added_at.to_string()));
        item.insert("created_by_id".to_owned(), json!(member.added_by.as_str()));
        Value::Object(item)
    });
    json!({ "members": each.collect::<Vec<_>>() })
}

/// Members that were removed, and those that were none.
#[must_use]
pub fn members_removed(group: &str, members: &[(String, Option<ApiError>)], trace: &str) -> Value {
    let each = members.iter().map(|(iam_id, error)| {
        let mut item = outcome(error.as_ref().map_or(204, |e| e.status), trace, error.as_ref());
        item.insert("iam_id".to_owned(), json!(iam_id));
        Value::Object(item)
    });
    json!({ "access_group_id": group, "members": each.collect::<Vec<_>>() })
}

/// What became of one member in several groups.
#[must_use]
pub fn member_in_groups(
    iam_id: &str,
    groups: &[(String, Option<ApiError>)],
    done: u16,
    trace: &str,
) -> Value {
    let each = groups.iter().map(|(group, error)| {
        let mut item = outcome(error.as_ref().map_or(done, |e| e.status), trace, error.as_ref());
        item.insert("access_group_id".to_owned(), json!(group));
        Value::Object(item)
    });
    json!({ "iam_id": iam_id, "groups": each.collect::<Vec<_>>() })
}

/// A rule of an access group.
#[must_use]
pub fn group_rule(rule: &GroupRule) -> Value {
    let condition = |c: &model::ClaimCondition| json!({ "claim": c.claim, "operator": c.operator, "value": c.value });
    json!({
        "id": rule.id.as_str(),
        "name": rule.name,
        "expiration": rule.expiration,
        "realm_name": rule.realm_name,
        "access_group_id": rule.group.as_str(),
        "account_id": rule.account.as_str(),
        "conditions": rule.conditions.iter().map(condition).collect::<Vec<_>>(),
        "created_at": rule.created_at.to_string(),
        "created_by_id": rule.created_by.as_str(),
        "last_modified_at": rule.modified_at.to_string(),
        "last_modified_by_id": rule.modified_by.as_str(),
    })
}

/// Rules of an access group.
#[must_use]
pub fn group_rules(rules: &[GroupRule]) -> Value {
    json!({ "rules": rules.iter().map(group_rule).collect::<Vec<_>>() })
}

/// Settings of an account's access groups: there is no public access here.
#[must_use]
pub fn access_group_settings(account: &str, at: Timestamp, by: &str) -> Value {
    json!({
        "account_id": account,
        "last_modified_at": at.to_string(),
        "last_modified_by_id": by,
        "public_access_enabled": false,
    })
}
