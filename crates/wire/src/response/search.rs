//! Search, in the shape of IBM's global search.
//!
//! Invariant: every item has its CRN and all three arrays of tags, whatever fields were asked
//! for: Terraform ends when one is missing.

use model::Found;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The fields that come when none are asked for.
const USUAL: [&str; 5] = ["crn", "name", "family", "type", "account_id"];
/// The fields that always come.
const ALWAYS: [&str; 4] = ["crn", "tags", "access_tags", "service_tags"];

/// An answer.
#[derive(Debug, Serialize)]
pub struct SearchResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    search_cursor: Option<String>,
    limit: u32,
    items: Vec<Map<String, Value>>,
}

/// An answer with these fields of each item; `*` is all of them, and one that there is not is
/// left out.
#[must_use]
pub fn search_result(
    found: &[Found],
    fields: Option<&[String]>,
    limit: u32,
    search_cursor: Option<String>,
) -> SearchResult {
    let wanted = |name: &str| match fields {
        None => USUAL.contains(&name),
        Some(fields) => fields.iter().any(|f| f == name || f == "*"),
    };
    let item = |found: &Found| {
        let mut item = whole(found);
        item.retain(|name, _| ALWAYS.contains(&name.as_str()) || wanted(name));
        item
    };
    SearchResult { search_cursor, limit, items: found.iter().map(item).collect() }
}

/// Every field of an item.
fn whole(found: &Found) -> Map<String, Value> {
    let crn = &found.crn;
    let fields = [
        ("crn", json!(crn.to_string())),
        ("name", json!(found.name)),
        ("type", json!(crn.kind)),
        ("family", json!(found.family)),
        ("account_id", json!(crn.account.as_ref().map_or("", |id| id.as_str()))),
        ("region", json!(found.region.as_str())),
        ("location", json!(crn.location)),
        ("service_name", json!(crn.service)),
        ("service_instance", json!(crn.instance)),
        ("resource_id", json!(crn.resource)),
        ("resource_group_id", json!(found.group.as_str())),
        ("creation_date", json!(found.created_at.to_string())),
        ("tags", json!(found.user_tags)),
        ("access_tags", json!(found.access_tags)),
        ("service_tags", json!(found.service_tags)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Crn, RegionName, ResourceGroupId, Timestamp};

    use super::*;

    fn names(fields: Option<&[&str]>) -> Vec<String> {
        let account = AccountId::parse("0123456789abcdef0123456789abcdef").unwrap();
        let found = Found {
            crn: Crn::vpc("us-south", &account, "image", "r006-1"),
            name: "golden".to_owned(),
            family: "is",
            region: RegionName::parse("us-south").unwrap(),
            group: ResourceGroupId::parse("feed").unwrap(),
            created_at: Timestamp::from_micros(0),
            user_tags: Vec::new(),
            access_tags: Vec::new(),
            service_tags: Vec::new(),
        };
        let fields: Option<Vec<String>> =
            fields.map(|fields| fields.iter().map(|f| (*f).to_owned()).collect());
        let mut result = search_result(&[found], fields.as_deref(), 10, None);
        let item = result.items.remove(0);
        for tags in ["tags", "access_tags", "service_tags"] {
            assert_eq!(item[tags], json!([]));
        }
        let mut names: Vec<_> = item.into_iter().map(|(name, _)| name).collect();
        names.retain(|name| !name.ends_with("tags"));
        names.sort();
        names
    }

    #[test]
    fn every_item_has_its_crn_and_all_arrays() {
        assert_eq!(names(Some(&[])), ["crn"]);
        assert_eq!(names(Some(&["name", "no_such_field"])), ["crn", "name"]);
        assert_eq!(names(Some(&["access_tags", "tags", "service_tags"])), ["crn"]);
        assert_eq!(names(None), ["account_id", "crn", "family", "name", "type"]);
        assert_eq!(names(Some(&["*"])).len(), 12);
    }
}
