//! Policies, roles and access groups over HTTP, as their owner writes them.

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::{Value, json};

use crate::region::{Client, Region, Seen, id};

const VIEWER: &str = "crn:v1:bluemix:public:iam::::role:Viewer";
const EDITOR: &str = "crn:v1:bluemix:public:iam::::role:Editor";

async fn ask(client: &Client, method: Method, path: &str, body: Value) -> Seen {
    ask_if(client, method, path, body, None).await
}

async fn ask_if(
    client: &Client,
    method: Method,
    path: &str,
    body: Value,
    if_match: Option<&str>,
) -> Seen {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(etag) = if_match {
        request = request.header("if-match", etag);
    }
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    client.send(request.body(body).unwrap()).await
}

fn v1(account: &str, who: &str, role: &str) -> Value {
    json!({
        "type": "access",
        "description": "looks",
        "subjects": [{"attributes": [{"name": "iam_id", "value": who}]}],
        "roles": [{"role_id": role}],
        "resources": [{"attributes": [
            {"name": "accountId", "value": account},
            {"name": "serviceName", "value": "is"},
        ]}],
    })
}

fn timed(account: &str, who: &str) -> Value {
    json!({
        "type": "access",
        "subject": {"attributes": [
            {"key": "iam_id", "operator": "stringEquals", "value": who}]},
        "control": {"grant": {"roles": [{"role_id": VIEWER}]}},
        "resource": {"attributes": [
            {"key": "accountId", "operator": "stringEquals", "value": account},
            {"key": "serviceName", "operator": "stringEquals", "value": "is"},
        ]},
        "pattern": "time-based-conditions:once",
        "rule": {
            "key": "{{environment.attributes.current_date_time}}",
            "operator": "dateTimeLessThan",
            "value": "2027-01-01T00:00:00Z",
        },
    })
}

#[tokio::test]
async fn a_policy_is_made_replaced_deleted_and_restored() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let body = v1(&account, "iam-ServiceId-1", VIEWER);
    let made = ask(&client, Method::POST, "/v1/policies", body.clone()).await;
    assert_eq!(made.status, 201);
    let etag = made.header("etag").to_owned();
    let path = format!("/v1/policies/{}", id(&made.body));
    assert_eq!(made.body["roles"][0]["display_name"], "Viewer");
    assert_eq!(made.body["state"], "active");
    assert!(made.body["href"].as_str().unwrap().ends_with(&path));
    assert_eq!(made.body["resources"][0]["attributes"][1]["operator"], "stringEquals");

    let twin = ask(&client, Method::POST, "/v1/policies", body).await;
    assert_eq!(twin.refused(), (409, "policy_conflict_error"));
    assert_eq!(twin.body["status_code"], 409);

    let seen = client.fetch(&path).await;
    assert_eq!(seen.header("etag"), etag);
    let second = client.fetch(&path.replace("/v1/", "/v2/")).await.ok();
    assert_eq!(second["control"]["grant"]["roles"][0]["role_id"], VIEWER);
    assert_eq!(second["subject"]["attributes"][0]["key"], "iam_id");
    let display =
        client.fetch(&format!("{}?format=display", path.replace("/v1/", "/v2/"))).await.ok();
    let role = &display["control"]["grant"]["roles"][0];
    assert_eq!(role["display_name"], "Viewer");
    assert!(role["actions"].as_array().unwrap().iter().any(|a| a["id"] == "is.image.image.list"));

    let next = v1(&account, "iam-ServiceId-1", EDITOR);
    let without = ask(&client, Method::PUT, &path, next.clone()).await;
    assert_eq!(without.refused(), (428, "precondition_required"));
    let replaced = ask_if(&client, Method::PUT, &path, next.clone(), Some(&etag)).await;
    assert_eq!(replaced.status, 200);
    assert_eq!(replaced.body["roles"][0]["role_id"], EDITOR);
    let stale = ask_if(&client, Method::PUT, &path, next, Some(&etag)).await;
    assert_eq!(stale.refused(), (412, "precondition_failed"));

    assert_eq!(ask(&client, Method::DELETE, &path, Value::Null).await.status, 204);
    let gone = client.fetch(&path).await;
    assert_eq!(gone.body["state"], "deleted");
    let again = ask(&client, Method::DELETE, &path, Value::Null).await;
    assert_eq!(again.refused(), (404, "policy_not_found"));
    let state = json!({"state": "active"});
    let restored = ask_if(&client, Method::PATCH, &path, state, Some(gone.header("etag"))).await;
    assert_eq!(restored.ok()["state"], "active");
}

#[tokio::test]
async fn policies_are_listed_by_page_form_and_filter() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    for n in 0..5 {
        let body = v1(&account, &format!("iam-ServiceId-{n}"), VIEWER);
        ask(&client, Method::POST, "/v1/policies", body).await.ok();
    }
    let only_second = ask(&client, Method::POST, "/v2/policies", timed(&account, "IBMid-9")).await;
    assert_eq!(only_second.status, 201);
    let timed = id(&only_second.body);
    let rule = &only_second.body["rule"];
    assert_eq!(rule["operator"], "dateTimeLessThan");
    let in_first = client.fetch(&format!("/v1/policies/{timed}")).await;
    assert_eq!(in_first.refused(), (404, "policy_not_found"));

    let list = async |path: String| client.fetch(&path).await.ok();
    let count = |body: &Value| body["policies"].as_array().unwrap().len();
    let of = |path: &str| format!("/{path}/policies?account_id={account}");
    assert_eq!(count(&list(of("v1")).await), 5);
    assert_eq!(count(&list(of("v2")).await), 6);
    assert_eq!(count(&list(of("v2") + "&iam_id=iam-ServiceId-1").await), 1);
    assert_eq!(count(&list(of("v2") + "&service_name=kms").await), 0);
    assert_eq!(count(&list(of("v2") + "&state=deleted").await), 0);

    let (mut found, mut path) = (0, of("v2") + "&limit=4");
    loop {
        let page = list(path).await;
        assert_eq!(page["limit"], 4);
        found += count(&page);
        let Some(href) = page["next"]["href"].as_str() else { break };
        assert!(page["next"]["start"].is_string());
        path = href.trim_start_matches("http://127.0.0.1:9000").to_owned();
    }
    assert_eq!(found, 6);
    let none = client.fetch("/v1/policies").await;
    assert_eq!(none.refused(), (400, "missing_required_query_parameter"));
    let elsewhere = client.fetch("/v1/policies?account_id=ffffffffffffffffffffffffffffffff").await;
    assert_eq!(elsewhere.refused(), (403, "not_authorized"));
}

#[tokio::test]
async fn what_no_policy_may_say_is_refused() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut body = v1(&account, "iam-ServiceId-1", VIEWER);
        change(&mut body);
        let seen = ask(&client, Method::POST, "/v1/policies", body).await;
        (seen.refused().0, seen.refused().1.to_owned(), seen.target().to_owned())
    };
    let invalid = |target: &str| (400, "invalid_body".to_owned(), target.to_owned());
    let king = json!([{"role_id": "crn:v1:bluemix:public:iam::::role:King"}]);
    assert_eq!(refused(&|b| b["roles"] = king.clone()).await, invalid("roles"));
    let at = |b: &mut Value, n: usize, key: &str, value: &str| {
        b["resources"][0]["attributes"][n][key] = json!(value);
    };
    let resource = invalid("resource.attributes");
    assert_eq!(refused(&|b| at(b, 1, "name", "colour")).await, resource);
    assert_eq!(refused(&|b| at(b, 0, "value", "ff")).await, resource);
    assert_eq!(refused(&|b| at(b, 1, "value", "")).await, resource);
    assert_eq!(refused(&|b| at(b, 1, "value", &"x".repeat(1_001))).await, resource);
    let operator = invalid("resources[0].attributes[1].operator");
    assert_eq!(refused(&|b| at(b, 1, "operator", "regex")).await, operator);
    let mut odd = timed(&account, "IBMid-1");
    odd["rule"]["value"] = json!("soon");
    let seen = ask(&client, Method::POST, "/v2/policies", odd).await;
    assert_eq!((seen.refused(), seen.target()), ((400, "invalid_body"), "rule"));
}

#[tokio::test]
async fn roles_are_the_platforms_a_services_and_the_accounts() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let list = format!("/v2/roles?account_id={account}&service_name=is");
    let roles = client.fetch(&list).await.ok();
    let names = |field: &str| {
        let each = roles[field].as_array().unwrap().iter();
        each.map(|r| r["display_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("system_roles"), ["Administrator", "Editor", "Operator", "Viewer"]);
    assert!(names("service_roles").contains(&"Console Administrator".to_owned()));
    for service in ["kms", "cloud-object-storage"] {
        let roles = client.fetch(&format!("/v2/roles?service_name={service}")).await.ok();
        assert!(roles["service_roles"].as_array().unwrap().len() >= 3, "{service}");
    }
    let body = json!({
        "name": "Curator", "display_name": "Image curator", "account_id": account,
        "service_name": "is", "actions": ["is.image.image.deprecate", "is.image.image.read"],
    });
    let made = ask(&client, Method::POST, "/v2/roles", body.clone()).await;
    assert_eq!(made.status, 201);
    let path = format!("/v2/roles/{}", id(&made.body));
    assert_eq!(
        made.body["crn"],
        format!("crn:v1:bluemix:public:iam-access-management::a/{account}::customRole:Curator")
    );
    let twin = ask(&client, Method::POST, "/v2/roles", body.clone()).await;
    assert_eq!(twin.refused(), (409, "role_conflict_error"));
    let mut odd = body.clone();
    odd["name"] = json!("Other");
    odd["actions"] = json!(["kms.secrets.read"]);
    let odd = ask(&client, Method::POST, "/v2/roles", odd).await;
    assert_eq!((odd.refused(), odd.target()), ((400, "invalid_body"), "actions"));
    let mut next = body;
    next["display_name"] = json!("Curator of images");
    let etag = client.fetch(&path).await.header("etag").to_owned();
    let done = ask_if(&client, Method::PUT, &path, next, Some(&etag)).await.ok();
    assert_eq!(done["display_name"], "Curator of images");
    let crn = done["crn"].as_str().unwrap();
    let policy = ask(&client, Method::POST, "/v1/policies", v1(&account, "IBMid-7", crn)).await;
    assert_eq!(policy.body["roles"][0]["display_name"], "Curator of images");
    let used = ask(&client, Method::DELETE, &path, Value::Null).await;
    assert_eq!(used.refused(), (409, "role_conflict_error"));
    let policy = format!("/v1/policies/{}", id(&policy.body));
    ask(&client, Method::DELETE, &policy, Value::Null).await.ok();
    assert_eq!(ask(&client, Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(client.fetch(&path).await.refused(), (404, "role_not_found"));
}

#[tokio::test]
async fn access_groups_have_members() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let groups = format!("/v2/groups?account_id={account}");
    let body = json!({"name": "Team one", "description": "first"});
    let made = ask(&client, Method::POST, &groups, body.clone()).await;
    assert_eq!(made.status, 201);
    let group = id(&made.body);
    assert!(group.starts_with("AccessGroupId-"));
    let path = format!("/v2/groups/{group}");
    let twin = ask(&client, Method::POST, &groups, body).await;
    assert_eq!(twin.refused().0, 409);
    let etag = client.fetch(&path).await.header("etag").to_owned();
    let renamed = json!({"name": "Team 1"});
    let done = ask_if(&client, Method::PATCH, &path, renamed, Some(&etag)).await.ok();
    assert_eq!((&done["name"], &done["description"]), (&json!("Team 1"), &json!("first")));

    let members = format!("{path}/members");
    let two = json!({"members": [
        {"iam_id": "IBMid-1", "type": "user"}, {"iam_id": "iam-ServiceId-2", "type": "service"}]});
    let added = ask(&client, Method::PUT, &members, two).await;
    assert_eq!(added.status, 207);
    assert_eq!(added.body["members"][0]["status_code"], 200);
    let page = client.fetch(&format!("{members}?limit=1")).await.ok();
    assert_eq!((&page["total_count"], &page["limit"]), (&json!(2), &json!(1)));
    assert!(page["next"]["href"].as_str().unwrap().contains("offset=1"));
    assert_eq!(page["members"][0]["membership_type"], "static");
    let one = format!("{members}/IBMid-1");
    assert_eq!(ask(&client, Method::HEAD, &one, Value::Null).await.status, 204);
    let of_one = client.fetch(&format!("{groups}&iam_id=IBMid-1")).await.ok();
    assert_eq!(of_one["groups"][0]["id"], group.as_str());
    let full = ask(&client, Method::DELETE, &path, Value::Null).await;
    assert_eq!(full.refused().0, 409);
    let gone = json!({"members": ["IBMid-1", "IBMid-9"]});
    let gone = ask(&client, Method::POST, &format!("{members}/delete"), gone).await;
    assert_eq!(gone.status, 207);
    let codes: Vec<_> = gone.body["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["status_code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [204, 404]);
    assert_eq!(ask(&client, Method::HEAD, &one, Value::Null).await.status, 404);
    let all = format!("/v2/groups/_allgroups/members/iam-ServiceId-2?account_id={account}");
    let to_all = json!({"type": "service", "groups": [group, "AccessGroupId-x"]});
    let to_all = ask(&client, Method::PUT, &all, to_all).await;
    assert_eq!(to_all.status, 207);
    assert_eq!(to_all.body["groups"][1]["status_code"], 404);
    let from_all = ask(&client, Method::DELETE, &all, Value::Null).await;
    assert_eq!(from_all.status, 207);
    assert_eq!(from_all.body["groups"][0]["status_code"], 204);
    assert_eq!(ask(&client, Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(client.fetch(&path).await.refused(), (404, "not_found"));
    let settings = client.fetch(&format!("/v2/groups/settings?account_id={account}")).await.ok();
    assert_eq!(settings["public_access_enabled"], false);
}

#[tokio::test]
async fn rules_of_an_access_group_are_kept_as_they_are_written() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let groups = format!("/v2/groups?account_id={account}");
    let made = ask(&client, Method::POST, &groups, json!({"name": "Team"})).await.ok();
    let rules = format!("/v2/groups/{}/rules", id(&made));
    let rule = json!({"name": "engineers", "expiration": 12, "realm_name": "https://idp.example",
        "conditions": [{"claim": "dept", "operator": "EQUALS", "value": "\"eng\""}]});
    let made = ask(&client, Method::POST, &rules, rule.clone()).await;
    assert_eq!(made.status, 201);
    let one = format!("{rules}/{}", id(&made.body));
    assert_eq!(client.fetch(&rules).await.ok()["rules"].as_array().unwrap().len(), 1);
    let etag = client.fetch(&one).await.header("etag").to_owned();
    let mut next = rule.clone();
    next["expiration"] = json!(24);
    let done = ask_if(&client, Method::PUT, &one, next, Some(&etag)).await.ok();
    assert_eq!(done["expiration"], 24);
    let mut odd = rule;
    odd["expiration"] = json!(25);
    assert_eq!(ask(&client, Method::POST, &rules, odd).await.refused().0, 400);
    assert_eq!(ask(&client, Method::DELETE, &one, Value::Null).await.status, 204);
    assert_eq!(client.fetch(&one).await.status, 404);
}
