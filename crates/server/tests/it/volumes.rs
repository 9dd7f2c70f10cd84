//! Volumes: prototypes, patches by ETag, deletion.

use axum::http::Method;
use serde_json::{Value, json};

use crate::region::{Client, Region, id, running};

fn prototype(gb: u64) -> Value {
    json!({"zone": {"name": "us-south-1"}, "profile": {"name": "general-purpose"},
        "capacity": gb})
}

async fn patch(client: &Client, path: &str, body: Value, tag: Option<&str>) -> crate::region::Seen {
    let headers: Vec<_> = tag.map(|tag| ("if-match", tag)).into_iter().collect();
    client.call_with(Method::PATCH, path, &body.to_string(), &headers).await
}

#[tokio::test]
async fn a_volume_is_made_read_listed_and_deleted() {
    let region = Region::new().await;
    let client = region.client().await;
    let mut body = prototype(100);
    body["name"] = json!("data");
    body["user_tags"] = json!(["Env:Dev"]);
    let made = client.post("volumes", body).await;
    assert_eq!(made.status, 201);
    assert!(made.header("etag").starts_with("W/\""));
    let made = made.ok();
    assert_eq!(made["encryption"], "provider_managed");
    assert_eq!(made["user_tags"], json!(["env:dev"]));
    assert!(made["crn"].as_str().unwrap().contains(":is:us-south-1:a/"));
    assert!(made.get("operating_system").is_none());
    region.settle().await;
    let path = format!("volumes/{}", id(&made));
    let seen = client.get(&path).await.ok();
    assert_eq!((&seen["status"], &seen["health_state"]), (&json!("available"), &json!("ok")));
    for (filter, count) in [
        ("name=data", 1),
        ("tag=env:dev", 1),
        ("tag=x", 0),
        ("attachment_state=unattached", 1),
        ("attachment_state=attached", 0),
        ("operating_system.family=null", 1),
        ("operating_system.family=not:null", 0),
        ("zone.name=us-south-2", 0),
        ("encryption=user_managed", 0),
    ] {
        let list = client.get(&format!("volumes?{filter}")).await.ok();
        assert_eq!(list["total_count"], count, "{filter}");
    }
    assert_eq!(client.delete(&path).await.status, 204);
    region.settle().await;
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
}

#[tokio::test]
async fn capacities_at_both_sides_of_the_profiles_bounds() {
    let region = Region::new().await;
    let client = region.client().await;
    for gb in [10, 16_000] {
        assert_eq!(client.post("volumes", prototype(gb)).await.status, 201, "{gb}");
    }
    for gb in [9, 16_001] {
        let seen = client.post("volumes", prototype(gb)).await;
        assert_eq!((seen.refused(), seen.target()), ((400, "volume_capacity_max"), "capacity"));
    }
    let mut none = prototype(10);
    none["capacity"] = Value::Null;
    assert_eq!(client.post("volumes", none).await.refused(), (400, "volume_capacity_missing"));
    let mut profile = prototype(10);
    profile["profile"]["name"] = json!("fast");
    assert_eq!(client.post("volumes", profile).await.refused(), (400, "bad_field"));
    let mut zone = prototype(10);
    zone["zone"]["name"] = json!("eu-de-1");
    assert_eq!(client.post("volumes", zone).await.refused(), (400, "bad_field"));
}

#[tokio::test]
async fn a_patch_holds_to_the_etag() {
    let region = Region::new().await;
    let client = region.client().await;
    let made = client.post("volumes", prototype(10)).await.ok();
    region.settle().await;
    let path = format!("volumes/{}", id(&made));
    let tag = client.get(&path).await.header("etag").to_owned();
    let renamed = patch(&client, &path, json!({"name": "one"}), Some(&tag)).await;
    assert_eq!(renamed.status, 200);
    let next = renamed.header("etag").to_owned();
    assert_ne!(tag, next);
    let stale = patch(&client, &path, json!({"name": "two"}), Some(&tag)).await;
    assert_eq!(stale.refused(), (412, "precondition_failed"));
    assert_eq!(client.get(&path).await.ok()["name"], "one");
    let empty = patch(&client, &path, json!({"name": "two"}), Some("")).await;
    assert_eq!(empty.status, 200);
    let array = patch(&client, &path, json!({"user_tags": ["a"]}), None).await;
    assert_eq!(array.refused(), (428, "precondition_required"));
    let next = client.get(&path).await.header("etag").to_owned();
    let array = patch(&client, &path, json!({"user_tags": ["a"]}), Some(&next)).await;
    assert_eq!(array.ok()["user_tags"], json!(["a"]));
    let same = patch(&client, &path, json!({}), None).await;
    assert_eq!(same.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attached_volume_cannot_be_deleted_and_its_etag_does_not_follow_its_state() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let path = format!("volumes/{}", id(&instance["boot_volume_attachment"]["volume"]));
    assert_eq!(client.delete(&path).await.refused(), (409, "volume_still_attached"));
    let before = client.get(&path).await;
    assert_eq!(before.body["active"], true);
    let attachment = &before.body["volume_attachments"][0];
    assert_eq!(attachment["type"], "boot");
    assert_eq!(attachment["instance"]["id"], instance["id"]);
    assert!(attachment["device"]["id"].is_string());
    let actions = format!("instances/{}/actions", id(&instance));
    client.post(&actions, json!({"type": "stop"})).await.ok();
    region.settle().await;
    let after = client.get(&path).await;
    assert_eq!(after.body["active"], false);
    assert_eq!(after.body["attachment_state"], "attached");
    assert_eq!(before.header("etag"), after.header("etag"));
}
