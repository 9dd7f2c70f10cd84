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
    let seen = client.post("volumes", profile).await;
    assert_eq!(seen.refused(), (400, "volume_profile_not_found"));
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

/// What a client that grows, speeds up and moves a volume sees, with both sides of each bound.
#[tokio::test]
async fn a_free_volume_grows_and_changes_its_profile() {
    let region = Region::new().await;
    let client = region.client().await;
    let made = client.post("volumes", prototype(100)).await.ok();
    let path = format!("volumes/{}", id(&made));
    assert_eq!(made["adjustable_capacity_states"], json!(["attached", "unattached"]));
    assert_eq!(made["adjustable_iops_states"], json!([]));
    let tag = client.get(&path).await.header("etag").to_owned();
    let grown = patch(&client, &path, json!({"capacity": 2_000}), Some(&tag)).await;
    assert_ne!(grown.header("etag"), tag);
    let grown = grown.ok();
    assert_eq!((&grown["capacity"], &grown["iops"]), (&json!(2_000), &json!(6_000)));
    assert_eq!(grown["status"], "available");
    let stale = patch(&client, &path, json!({"capacity": 3_000}), Some(&tag)).await;
    assert_eq!(stale.refused(), (412, "precondition_failed"));
    let change = |body: Value| {
        let (client, path) = (client.clone(), path.clone());
        async move {
            let seen = client.patch(&path, body).await;
            let (status, code) = seen.refused();
            (status, code.to_owned(), seen.target().to_owned())
        }
    };
    let is = |code: &str, target: &str| (400, code.to_owned(), target.to_owned());
    for gb in [1_999, 16_001] {
        let seen = change(json!({"capacity": gb})).await;
        assert_eq!(seen, is("volume_capacity_max", "capacity"), "{gb}");
    }
    let iops = change(json!({"iops": 7_000})).await;
    assert_eq!(iops, is("volume_profile_iops_invalid", "iops"));
    let other = change(json!({"profile": {"name": "custom"}})).await;
    assert_eq!(other, is("invalid_value", "profile"));
    let faster = client.patch(&path, json!({"profile": {"name": "10iops-tier"}})).await.ok();
    assert_eq!((&faster["iops"], &faster["capacity"]), (&json!(20_000), &json!(2_000)));
    let body = json!({"profile": {"name": "general-purpose"}, "capacity": 5_000});
    client.patch(&path, body).await.ok();
    let large = change(json!({"profile": {"name": "10iops-tier"}})).await;
    assert_eq!(large, is("volume_profile_capacity_iops_invalid", "profile"));
    let seen = client.get(&path).await.ok();
    assert_eq!((&seen["capacity"], &seen["iops"]), (&json!(5_000), &json!(15_000)));
    for (generation, count) in [("1", 1), ("2", 0)] {
        let list = client.get(&format!("volumes?storage_generation={generation}")).await.ok();
        assert_eq!(list["total_count"], count, "{generation}");
    }
    let list = client.get("volumes?storage_generation=3").await;
    assert_eq!(list.refused(), (400, "validation_enum"));
}

/// Bandwidth is chosen where the profile lets one choose.
#[tokio::test]
async fn bandwidth_is_the_profiles_or_is_chosen() {
    let region = Region::new().await;
    let client = region.client().await;
    let mut body = prototype(100);
    body["bandwidth"] = json!(1_000);
    let given = client.post("volumes", body.clone()).await;
    assert_eq!((given.refused(), given.target()), ((400, "validation_failure"), "bandwidth"));
    body["profile"]["name"] = json!("sdp");
    let made = client.post("volumes", body.clone()).await.ok();
    assert_eq!((&made["bandwidth"], &made["iops"]), (&json!(1_000), &json!(3_000)));
    let path = format!("volumes/{}", id(&made));
    let faster = client.patch(&path, json!({"bandwidth": 2_000})).await.ok();
    assert_eq!(faster["bandwidth"], 2_000);
    assert_eq!(client.patch(&path, json!({"iops": 5_000})).await.ok()["bandwidth"], 2_000);
    let profile = client.get("volume/profiles/sdp").await.ok()["bandwidth"].clone();
    for (mbps, ok) in [
        (profile["min"].as_u64().unwrap() - 1, false),
        (profile["min"].as_u64().unwrap(), true),
        (profile["max"].as_u64().unwrap(), true),
        (profile["max"].as_u64().unwrap() + 1, false),
    ] {
        let seen = client.patch(&path, json!({"bandwidth": mbps})).await;
        assert_eq!(seen.status == 200, ok, "{mbps}");
    }
    let tiered = client.post("volumes", prototype(100)).await.ok();
    let tiered = client.patch(&format!("volumes/{}", id(&tiered)), json!({"bandwidth": 500})).await;
    assert_eq!((tiered.refused(), tiered.target()), ((400, "validation_failure"), "bandwidth"));
}

/// A volume grows under its instance, running or stopped.
#[tokio::test(flavor = "multi_thread")]
async fn an_attached_volume_grows() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let path = format!("volumes/{}", id(&instance["boot_volume_attachment"]["volume"]));
    let grown = client.patch(&path, json!({"capacity": 120})).await;
    let tag = grown.header("etag").to_owned();
    assert_eq!(grown.ok()["status"], "updating");
    let again = client.patch(&path, json!({"capacity": 130})).await;
    assert_eq!(again.refused(), (409, "volume_status_not_available"));
    region.settle().await;
    let seen = client.get(&path).await;
    assert_eq!(seen.header("etag"), tag, "what a client waited for does not change the ETag");
    assert_eq!((&seen.body["status"], &seen.body["capacity"]), (&json!("available"), &json!(120)));
    let log = format!("/_ectype/v1/instances/{}/console_log", id(&instance));
    let said = client.fetch(&log).await.ok()["text"].as_str().unwrap().to_owned();
    assert!(said.contains(&format!("has {} bytes", 120_u64 << 30)), "{said}");
    let actions = format!("instances/{}/actions", id(&instance));
    client.post(&actions, json!({"type": "stop"})).await.ok();
    region.settle().await;
    assert_eq!(client.patch(&path, json!({"capacity": 250})).await.ok()["status"], "available");
    let over = client.patch(&path, json!({"capacity": 251})).await;
    assert_eq!(over.refused(), (400, "volume_capacity_max"));
}
