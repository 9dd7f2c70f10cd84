//! Resource groups, tags and search, over HTTP.

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::{Value, json};

use crate::region::{Client, Region, Seen, id, image};

async fn call(client: &Client, method: Method, path: &str, body: Value) -> Seen {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    client.send(Request::builder().method(method).uri(path).body(body).unwrap()).await
}

async fn post(client: &Client, path: &str, body: Value) -> Seen {
    call(client, Method::POST, path, body).await
}

async fn delete(client: &Client, path: &str) -> Seen {
    call(client, Method::DELETE, path, Value::Null).await
}

/// The one item of a CRN, asked for as Terraform does.
async fn item(client: &Client, crn: &str) -> Value {
    let fields = ["access_tags", "tags", "service_tags"];
    let body = json!({"query": format!("crn:\"{crn}\""), "fields": fields});
    let seen = post(client, "/v3/resources/search", body).await.ok();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{crn}: {seen}");
    assert!(seen.get("search_cursor").is_none());
    seen["items"][0].clone()
}

async fn attach(client: &Client, query: &str, crn: &str, tags: Value) -> Value {
    let body = json!({"resources": [{"resource_id": crn, "resource_type": ""}], "tag_names": tags});
    post(client, &format!("/v3/tags/attach{query}"), body).await.ok()["results"][0].clone()
}

async fn detach(client: &Client, query: &str, crn: &str, tags: Value) -> Value {
    let body = json!({"resources": [{"resource_id": crn}], "tag_names": tags});
    post(client, &format!("/v3/tags/detach{query}"), body).await.ok()["results"][0].clone()
}

async fn key(client: &Client) -> Value {
    client.post("keys", json!({"public_key": crate::region::RSA, "name": "key"})).await.ok()
}

/// S4: an image is made in a group, gets tags, and is found by them at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_has_its_group_and_tags() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let crn = made["crn"].as_str().unwrap();
    let results = attach(&client, "?tag_type=user", crn, json!(["Env:Dev", "env:dev", "b"])).await;
    assert_eq!(results, json!({"resource_id": crn, "is_error": false}));
    let wanted = json!({"crn": crn, "tags": ["env:dev", "b"], "access_tags": [],
        "service_tags": []});
    assert_eq!(item(&client, crn).await, wanted);
    let found = json!({"query": "type:image AND tags:\"env:dev\" AND NOT tags:old"});
    let found = post(&client, "/v3/resources/search", found).await.ok();
    assert_eq!(found["items"][0]["name"], "golden");
    assert_eq!((&found["limit"], &found["items"][0]["family"]), (&json!(10), &json!("is")));
    detach(&client, "", crn, json!(["*"])).await;
    assert_eq!(item(&client, crn).await["tags"], json!([]));

    let group = post(&client, "/v2/resource_groups", json!({"name": "team"})).await.ok();
    let kept = client.get("volumes").await.ok();
    let volume = id(&kept["volumes"][0]);
    let body = json!({"name": "second", "source_volume": {"id": volume},
        "resource_group": {"id": group["id"]}});
    let second = client.post("images", body).await.ok();
    assert_eq!(second["resource_group"]["name"], "team");
    region.settle().await;
    let query = json!({"query": format!("resource_group_id:{}", id(&group))});
    let found = post(&client, "/v3/resources/search", query).await.ok();
    assert_eq!(found["items"][0]["crn"], second["crn"]);
    let path = format!("/v2/resource_groups/{}", id(&group));
    let full = delete(&client, &path).await;
    assert_eq!(full.refused(), (400, "RESOURCE_GROUP_NOT_EMPTY"));
    assert!(full.text.contains("still has images"), "{}", full.text);
    client.delete(&format!("images/{}", id(&second))).await.ok();
    region.settle().await;
    assert_eq!(delete(&client, &path).await.status, 204);
}

#[tokio::test]
async fn resource_groups_are_made_renamed_and_deleted() {
    let region = Region::new().await;
    let client = region.client().await;
    let made = post(&client, "/v2/resource_groups", json!({"name": "Team One"})).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert!(made["crn"].as_str().unwrap().contains(":resource-group:"));
    let path = format!("/v2/resource_groups/{}", id(&made));
    let twin = post(&client, "/v2/resource_groups", json!({"name": "team one"})).await;
    assert_eq!(twin.refused(), (400, "RESOURCE_GROUP_NAME_UNIQUENESS"));
    assert_eq!(twin.body["status_code"], 400);
    let renamed = call(&client, Method::PATCH, &path, json!({"name": "Two"})).await.ok();
    assert_eq!((&renamed["name"], &renamed["state"]), (&json!("Two"), &json!("ACTIVE")));
    let list = client.fetch("/v2/resource_groups?name=Two").await.ok();
    assert_eq!(list["resources"][0]["id"], made["id"]);
    let elsewhere = json!({"name": "x", "account_id": "ff"});
    let elsewhere = post(&client, "/v2/resource_groups", elsewhere).await;
    assert_eq!(elsewhere.refused(), (403, "not_authorized"));
    let default = client.fetch("/v2/resource_groups?default=true").await.ok();
    let default = format!("/v2/resource_groups/{}", id(&default["resources"][0]));
    let kept = delete(&client, &default).await;
    assert_eq!(kept.refused(), (400, "RESOURCE_GROUP_DEFAULT"));
    assert_eq!(delete(&client, &path).await.status, 204);
    assert_eq!(client.fetch(&path).await.refused(), (404, "not_found"));
    let quotas = client.fetch("/v2/quota_definitions").await.ok();
    let quota = format!("/v2/quota_definitions/{}", id(&quotas["resources"][0]));
    assert_eq!(client.fetch(&quota).await.ok()["type"], "STANDARD");
    assert_eq!(client.fetch("/v2/quota_definitions/x").await.status, 404);
}

#[tokio::test]
async fn there_are_no_resource_instances_at_first_and_errors_have_their_services_shape() {
    let region = Region::new().await;
    let client = region.client().await;
    let list = client.fetch("/v2/resource_instances?limit=5").await.ok();
    assert_eq!(list, json!({"rows_count": 0, "next_url": null, "resources": []}));
    let crn = "crn%3Av1%3Abluemix%3Apublic%3Akms%3Aus-south%3Aa%2Fx%3Ay%3A%3A";
    for (method, path, status, code) in [
        (Method::GET, format!("/v2/resource_instances/{crn}"), 404, "not_found"),
        (Method::POST, "/v2/resource_instances".to_owned(), 400, "validation_required_field"),
        (Method::GET, "/v2/resource_keys".to_owned(), 501, "not_implemented"),
    ] {
        let seen = call(&client, method, &path, json!({})).await;
        assert_eq!((seen.status, &seen.body["error_code"]), (status, &json!(code)), "{path}");
        assert_eq!(seen.body["status_code"], status);
        assert_eq!(seen.body["transaction_id"], seen.header("x-request-id"));
    }
    let stranger = region.stranger();
    let seen = stranger.fetch("/v2/resource_instances").await;
    assert_eq!((seen.status, &seen.body["error_code"]), (401, &json!("token_missing")));
    for path in ["/v3/tags", "/v2/resource_groups"] {
        assert_eq!(stranger.fetch(path).await.refused(), (401, "token_missing"));
    }
}

#[tokio::test]
async fn access_tags_are_created_attached_and_deleted() {
    let region = Region::new().await;
    let client = region.client().await;
    let key = key(&client).await;
    let crn = key["crn"].as_str().unwrap();
    let missing = attach(&client, "?tag_type=access", crn, json!(["project:x"])).await;
    assert_eq!(missing["is_error"], true);
    assert!(missing["message"].as_str().unwrap().contains("created before"), "{missing}");
    let body = json!({"tag_names": ["Project:X", "project:y"]});
    let made = post(&client, "/v3/tags?tag_type=access", body.clone()).await.ok();
    let item_of = |name, error: bool| json!({"tag_name": name, "is_error": error});
    let wanted = |e| json!({"results": [item_of("project:x", e), item_of("project:y", e)]});
    assert_eq!(made, wanted(false));
    assert_eq!(post(&client, "/v3/tags?tag_type=access", body).await.ok(), wanted(true));
    let attached = attach(&client, "?tag_type=access", crn, json!(["PROJECT:x"])).await;
    assert_eq!(attached["is_error"], false);
    assert_eq!(item(&client, crn).await["access_tags"], json!(["project:x"]));
    let list = client.fetch("/v3/tags?tag_type=access").await.ok();
    let names = json!([{"name": "project:x"}, {"name": "project:y"}]);
    assert_eq!(list, json!({"total_count": 2, "offset": 0, "limit": 1000, "items": names}));
    let used = delete(&client, "/v3/tags/project:x?tag_type=access").await.ok();
    assert_eq!(used["results"][0]["is_error"], true);
    let gone = delete(&client, "/v3/tags/project%3Ay?tag_type=access").await.ok();
    assert_eq!(gone, json!({"results": [{"provider": "ghost", "is_error": false}]}));
    for path in ["/v3/tags/project:y?tag_type=access", "/v3/tags/%2F?tag_type=access"] {
        assert_eq!(delete(&client, path).await.ok()["results"][0]["is_error"], true, "{path}");
    }
    for path in ["/v3/tags?tag_type=user", "/v3/tags?tag_type=service"] {
        let seen = post(&client, path, json!({"tag_names": ["a:b"]})).await;
        assert_eq!(seen.refused(), (400, "validation_enum"));
    }
}

#[tokio::test]
async fn tags_of_services_are_the_providers() {
    let region = Region::new().await;
    let client = region.client().await;
    let crn = key(&client).await["crn"].as_str().unwrap().to_owned();
    let account = region.owner.account.to_string();
    let query = format!("?tag_type=service&account_id={account}");
    let body = json!({"resources": [{"resource_id": crn}], "tag_names": ["a"]});
    for path in ["attach", "detach"] {
        let seen = post(&client, &format!("/v3/tags/{path}{query}"), body.clone()).await;
        assert_eq!(seen.refused(), (403, "not_authorized"), "{path}");
        let seen = post(&client, &format!("/v3/tags/{path}?tag_type=service"), body.clone()).await;
        assert_eq!((seen.refused().0, seen.target()), (400, "account_id"), "{path}");
    }
    let list = client.fetch(&format!("/v3/tags{query}")).await.ok();
    assert_eq!(list["total_count"], 0);
    assert_eq!(delete(&client, &format!("/v3/tags{query}")).await.refused().0, 403);
    let other = post(&client, "/v3/tags/attach?account_id=ff", body).await;
    assert_eq!(other.refused(), (403, "not_authorized"));
    assert_eq!(client.fetch("/v3/tags?account_id=ff").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn many_resources_are_tagged_in_one_call_and_each_has_its_answer() {
    let region = Region::new().await;
    let client = region.client().await;
    let mut crns = Vec::new();
    for name in ["one", "two", "three"] {
        let body = json!({"name": name, "zone": {"name": "us-south-1"}, "capacity": 10,
            "profile": {"name": "general-purpose"}, "user_tags": ["old"]});
        crns.push(client.post("volumes", body).await.ok()["crn"].as_str().unwrap().to_owned());
    }
    crns.push("crn:v1:bluemix:public:is:us-south:a/ff::image:r006-1".to_owned());
    crns.push("no crn".to_owned());
    let on: Vec<_> = crns.iter().map(|crn| json!({"resource_id": crn})).collect();
    let body = json!({"tag_names": ["new", "env:x"], "resources": on});
    let seen = post(&client, "/v3/tags/attach?replace=true", body).await.ok();
    let errors: Vec<_> =
        seen["results"].as_array().unwrap().iter().map(|r| r["is_error"] == true).collect();
    assert_eq!(errors, [false, false, false, true, true]);
    let volumes = client.get("volumes?tag=new").await.ok();
    assert_eq!(volumes["total_count"], 3);
    assert_eq!(volumes["volumes"][0]["user_tags"], json!(["new", "env:x"]));
    let query = json!({"query_string": "type:volume AND NOT name:two"});
    let body = json!({"tag_name": "env:y", "query": query});
    let seen = post(&client, "/v3/tags/attach?update=true", body).await.ok();
    assert_eq!(seen["results"].as_array().unwrap().len(), 2);
    assert_eq!(item(&client, &crns[0]).await["tags"], json!(["new", "env:y"]));
    assert_eq!(item(&client, &crns[1]).await["tags"], json!(["new", "env:x"]));
    let body = json!({"tag_name": "env:*", "query": {"query_string": "tags:env*"}});
    let seen = post(&client, "/v3/tags/detach", body).await.ok();
    assert_eq!(seen["results"].as_array().unwrap().len(), 3);
    let names = client.fetch("/v3/tags?attached_only=true").await.ok();
    assert_eq!(names["items"], json!([{"name": "new"}]));
    let unused = delete(&client, "/v3/tags").await.ok();
    assert_eq!((&unused["total_count"], &unused["errors"]), (&json!(3), &json!(false)));
}

/// A resource has 1000 user tags and an account 250 access tags at most; a tag 128 characters.
#[tokio::test]
async fn tags_at_both_sides_of_their_limits() {
    let region = Region::new().await;
    let client = region.client().await;
    let crn = key(&client).await["crn"].as_str().unwrap().to_owned();
    let many = |n: usize| (0..n).map(|n| format!("k{n}:v")).collect::<Vec<_>>();
    assert_eq!(attach(&client, "", &crn, json!(many(1_000))).await["is_error"], false);
    let over = attach(&client, "", &crn, json!(["one"])).await;
    assert_eq!(over["is_error"], true);
    assert!(over["message"].as_str().unwrap().contains("1000"), "{over}");
    assert_eq!(item(&client, &crn).await["tags"].as_array().unwrap().len(), 1_000);
    let body = |tags: Vec<String>| json!({"tag_names": tags});
    let made = post(&client, "/v3/tags", body(many(251))).await;
    assert_eq!(made.refused(), (400, "over_quota"));
    post(&client, "/v3/tags", body(many(250))).await.ok();
    let made = post(&client, "/v3/tags", json!({"tag_names": ["more:x"]})).await;
    assert_eq!(made.refused(), (400, "over_quota"));
    let all = attach(&client, "?tag_type=access", &crn, json!(many(250))).await;
    assert_eq!(all["is_error"], false);
    for (tag, ok) in [
        ("a".repeat(128), true),
        ("a".repeat(129), false),
        ("a/b".into(), false),
        ("é".into(), false),
    ] {
        let on = json!([{"resource_id": crn}]);
        let body = json!({"tag_names": [tag], "resources": on});
        let seen = post(&client, "/v3/tags/attach?replace=true", body).await;
        if ok {
            assert_eq!(seen.ok()["results"][0]["is_error"], false);
        } else {
            assert_eq!((seen.refused(), seen.target()), ((400, "validation_failure"), "tag_names"));
        }
    }
}

#[tokio::test]
async fn search_is_paged_by_cursor_and_says_what_it_cannot_read() {
    let region = Region::new().await;
    let client = region.client().await;
    for n in 0..5 {
        let body = json!({"name": format!("vpc-{n}")});
        client.post("vpcs", body).await.ok();
    }
    let body = json!({"query": "type:vpc", "fields": ["name"]});
    let mut seen = post(&client, "/v3/resources/search?limit=2", body).await.ok();
    let mut names = Vec::new();
    loop {
        for item in seen["items"].as_array().unwrap() {
            names.push(item["name"].as_str().unwrap().to_owned());
            assert!(item["service_tags"].is_array() && item.get("family").is_none());
        }
        let Some(cursor) = seen.get("search_cursor") else { break };
        let body = json!({"search_cursor": cursor});
        seen = post(&client, "/v3/resources/search?limit=2", body).await.ok();
    }
    names.sort();
    assert_eq!(names, ["vpc-0", "vpc-1", "vpc-2", "vpc-3", "vpc-4"]);
    for (path, body, code) in [
        ("", json!({"query": "name:("}), "invalid_query"),
        ("", json!({"query": "creation_date:[a TO b]"}), "not_implemented"),
        ("", json!({"search_cursor": "x"}), "invalid_value"),
        ("?limit=0", json!({}), "invalid_value"),
        ("?limit=1001", json!({}), "invalid_value"),
        ("?sort=name", json!({}), "not_implemented"),
        ("", json!({"fields": "name"}), "validation_invalid_field_type"),
    ] {
        let seen = post(&client, &format!("/v3/resources/search{path}"), body).await;
        assert_eq!(seen.refused().1, code);
    }
    let all = post(&client, "/v3/resources/search?limit=1000", Value::Null).await.ok();
    assert!(all["items"].as_array().unwrap().len() > 5);
    let other = region.control.account_create("other").await.unwrap();
    let other = region.sign_in(&other.api_key).await;
    let theirs = post(&other, "/v3/resources/search", json!({"query": "type:vpc"})).await.ok();
    assert_eq!(theirs["items"], json!([]));
    let elsewhere = format!("/v3/resources/search?account_id={}", region.owner.account);
    assert_eq!(post(&other, &elsewhere, json!({})).await.ok()["items"], json!([]));
}

/// Attaching a tag changes what a volume's ETag stands for.
#[tokio::test]
async fn a_tag_that_comes_between_makes_an_etag_old() {
    let region = Region::new().await;
    let client = region.client().await;
    let body = json!({"zone": {"name": "us-south-1"}, "capacity": 10,
        "profile": {"name": "general-purpose"}});
    let made = client.post("volumes", body).await.ok();
    let path = format!("volumes/{}", id(&made));
    let tag = client.get(&path).await.header("etag").to_owned();
    attach(&client, "", made["crn"].as_str().unwrap(), json!(["new"])).await;
    let body = json!({"user_tags": ["mine"]}).to_string();
    let seen = client.call_with(Method::PATCH, &path, &body, &[("if-match", &tag)]).await;
    assert_eq!(seen.refused(), (412, "precondition_failed"));
    assert_eq!(client.get(&path).await.ok()["user_tags"], json!(["new"]));
}
