//! Instances: what their answers show, actions by the table, changes.

use axum::http::Method;
use serde_json::{Value, json};

use crate::region::{ED25519, RSA, Region, id, prototype, running, stock_image, stopped, subnet};

/// Everything the Terraform provider reads unguarded is there.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_shows_its_parts() {
    let (region, client) = Region::with_stock().await;
    let key = client.post("keys", json!({"public_key": RSA, "name": "mine"})).await.ok();
    let (image, subnet) = (stock_image(&client).await, subnet(&client).await);
    let mut body = prototype(&image, &subnet);
    body["keys"] = json!([{"fingerprint": key["fingerprint"]}]);
    body["user_data"] = json!("#!/bin/sh\necho secret-user-data\n");
    body["name"] = json!("one");
    let made = client.post("instances", body).await;
    assert_eq!(made.status, 201);
    assert!(made.header("etag").starts_with("W/"));
    let made = made.ok();
    assert!(id(&made).starts_with("0717_"));
    region.settle().await;
    let path = format!("instances/{}", id(&made));
    let seen = client.get(&path).await;
    assert!(!seen.text.contains("secret-user-data") && !seen.text.contains("null"));
    let seen = seen.ok();
    assert_eq!(seen["volume_attachments"].as_array().unwrap().len(), 1);
    assert_eq!(seen["volume_attachments"][0]["id"], seen["boot_volume_attachment"]["id"]);
    let address = &seen["primary_network_interface"]["primary_ip"]["address"];
    assert!(address.as_str().unwrap().starts_with("10.240.0."));
    let found = client.get(&format!("{path}/initialization")).await.ok();
    assert_eq!(found["keys"][0]["id"], key["id"]);
    let nics = client.get(&format!("{path}/network_interfaces")).await.ok();
    let nic = &nics["network_interfaces"][0];
    assert_eq!((&nic["type"], &nic["status"]), (&json!("primary"), &json!("available")));
    let nic_path = format!("{path}/network_interfaces/{}", id(nic));
    assert_eq!(client.get(&nic_path).await.ok()["id"], nic["id"]);
    let attachments = client.get(&format!("{path}/volume_attachments")).await.ok();
    let boot = &attachments["volume_attachments"][0];
    assert_eq!((&boot["type"], &boot["status"]), (&json!("boot"), &json!("attached")));
    let seen = client.delete(&format!("{path}/volume_attachments/{}", id(boot))).await;
    assert_eq!(seen.refused(), (400, "volume_attachment_delete_invalid_request"));
    let ip = id(&nic["primary_ip"]);
    let reserved = client.get(&format!("subnets/{subnet}/reserved_ips/{ip}")).await.ok();
    assert_eq!(reserved["target"]["id"], nic["id"]);
    for (filter, count) in [("name=one", 1), ("name=two", 0), ("dedicated_host.id=x", 0)] {
        let list = client.get(&format!("instances?{filter}")).await.ok();
        assert_eq!(list["total_count"], count, "{filter}");
    }
}

/// The table of actions, over HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn actions_follow_the_table() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let path = format!("instances/{}", id(&instance));
    let act = |body: Value| {
        let (client, path) = (client.clone(), format!("{path}/actions"));
        async move { client.post(&path, body).await }
    };
    assert_eq!(act(json!({"type": "start"})).await.refused(), (409, "invalid_state"));
    let reboot = act(json!({"type": "reboot"})).await;
    assert_eq!(reboot.status, 201);
    region.settle().await;
    let reboot = client.get(&format!("{path}/actions/{}", id(&reboot.ok()))).await.ok();
    assert_eq!(reboot["status"], "completed");
    assert_eq!(act(json!({"type": "stop", "force": true})).await.status, 201);
    region.settle().await;
    assert_eq!(client.get(&path).await.ok()["status"], "stopped");
    assert_eq!(act(json!({"type": "stop"})).await.status, 201);
    assert_eq!(act(json!({"type": "reboot"})).await.refused(), (409, "invalid_state"));
    assert_eq!(act(json!({"type": "start"})).await.status, 201);
    region.settle().await;
    assert_eq!(client.get(&path).await.ok()["status"], "running");
    assert_eq!(act(json!({"type": "pause"})).await.refused(), (400, "validation_enum"));
    assert_eq!(act(json!({})).await.refused(), (400, "validation_required_field"));
}

/// An action that the instance is on its way from waits for it; a stop by force does not.
#[tokio::test(flavor = "multi_thread")]
async fn actions_wait_for_each_other() {
    let (region, client) = Region::with_stock().await;
    let (instance, _) = stopped(&region, &client).await;
    let path = format!("instances/{}", id(&instance));
    let act = |kind: &'static str, force: bool| {
        let (client, path) = (client.clone(), format!("{path}/actions"));
        async move { client.post(&path, json!({"type": kind, "force": force})).await }
    };
    act("start", false).await.ok();
    assert_eq!(client.get(&path).await.ok()["status"], "starting");
    let stop = act("stop", false).await.ok();
    let again = act("start", false).await.ok();
    assert_eq!((&stop["status"], &again["status"]), (&json!("pending"), &json!("pending")));
    assert_eq!(act("start", false).await.refused(), (409, "invalid_state"));
    assert_eq!(act("reboot", false).await.refused(), (409, "invalid_state"));
    region.settle().await;
    assert_eq!(client.get(&path).await.ok()["status"], "running");
    for action in [&stop, &again] {
        let seen = client.get(&format!("{path}/actions/{}", id(action))).await.ok();
        assert_eq!(seen["status"], "completed", "{seen}");
    }
    let stop = act("stop", false).await.ok();
    let start = act("start", false).await.ok();
    let force = act("stop", true).await.ok();
    region.settle().await;
    assert_eq!(client.get(&path).await.ok()["status"], "stopped");
    for (action, status) in [(&stop, "failed"), (&start, "failed"), (&force, "completed")] {
        let seen = client.get(&format!("{path}/actions/{}", id(action))).await.ok();
        assert_eq!(seen["status"], status, "{seen}");
    }
    assert_eq!(act("stop", true).await.ok()["status"], "completed");
    act("start", false).await.ok();
    region.settle().await;
    assert_eq!(client.get(&path).await.ok()["status"], "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_changed_by_its_etag() {
    let (region, client) = Region::with_stock().await;
    let (instance, _) = stopped(&region, &client).await;
    let path = format!("instances/{}", id(&instance));
    let tag = client.get(&path).await.header("etag").to_owned();
    let patch = |body: Value, tag: String| {
        let (client, path) = (client.clone(), path.clone());
        async move {
            let headers = [("if-match", tag.as_str())];
            client.call_with(Method::PATCH, &path, &body.to_string(), &headers).await
        }
    };
    let seen = patch(
        json!({"name": "renamed", "profile": {"name": "bx2-4x16"},
        "metadata_service": {"enabled": true}}),
        tag.clone(),
    )
    .await
    .ok();
    assert_eq!(seen["name"], "renamed");
    assert_eq!(seen["vcpu"]["count"], 4);
    assert_eq!(seen["metadata_service"]["enabled"], true);
    assert_eq!(seen["metadata_service"]["protocol"], "http");
    let stale = patch(json!({"name": "again"}), tag).await;
    assert_eq!(stale.refused(), (412, "precondition_failed"));
    let unknown = patch(json!({"profile": {"name": "huge"}}), String::new()).await;
    assert_eq!((unknown.refused(), unknown.target()), ((400, "bad_field"), "profile"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_prototypes_are_named_and_nothing_is_made() {
    let (region, client) = Region::with_stock().await;
    let (image, subnet) = (stock_image(&client).await, subnet(&client).await);
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut body = prototype(&image, &subnet);
        change(&mut body);
        let client = client.clone();
        async move {
            let seen = client.post("instances", body).await;
            let (status, code) = seen.refused();
            (status, code.to_owned(), seen.target().to_owned())
        }
    };
    let is = |status, code: &str, target: &str| (status, code.to_owned(), target.to_owned());
    let unknown = "r006-00000000-0000-4000-8000-000000000000";
    let bad = "bad_field";
    assert_eq!(wrong(&|b| b["image"]["id"] = json!(unknown)).await, is(400, bad, "image"));
    assert_eq!(wrong(&|b| b["keys"] = json!([{"id": unknown}])).await, is(400, bad, "keys"));
    assert_eq!(wrong(&|b| b["vpc"] = json!({"id": unknown})).await.0, 400);
    assert_eq!(
        wrong(&|b| b["primary_network_interface"]["subnet"]["id"] = json!(unknown)).await,
        is(400, bad, "primary_network_interface.subnet")
    );
    assert_eq!(wrong(&|b| b["zone"]["name"] = json!("us-south-2")).await.0, 400);
    assert_eq!(
        wrong(&|b| b["source_template"] = json!({"id": "x"})).await,
        is(400, bad, "source_template")
    );
    assert_eq!(
        wrong(&|b| b["user_data"] = json!("a".repeat(65_537))).await,
        is(400, "validation_max_value", "user_data")
    );
    region.settle().await;
    for list in ["instances", "volumes"] {
        assert_eq!(client.get(list).await.ok()["total_count"], 0, "{list}");
    }
}

/// S5: an instance boots from a boot volume that exists.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_boots_from_a_volume_that_was_kept() {
    let (region, client) = Region::with_stock().await;
    let (instance, volume) = stopped(&region, &client).await;
    let attachment = id(&instance["boot_volume_attachment"]);
    let path = format!("instances/{}", id(&instance));
    let keep = json!({"delete_volume_on_instance_delete": false});
    client.patch(&format!("{path}/volume_attachments/{attachment}"), keep).await.ok();
    client.delete(&path).await.ok();
    region.settle().await;
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
    let subnet = instance["primary_network_interface"]["subnet"]["id"].as_str().unwrap();
    let mut body = prototype("", subnet);
    body["image"] = Value::Null;
    body["boot_volume_attachment"] = json!({"volume": {"id": volume}});
    let made = client.post("instances", body).await.ok();
    region.settle().await;
    let made = client.get(&format!("instances/{}", id(&made))).await.ok();
    assert_eq!(made["status"], "running");
    assert_eq!(made["boot_volume_attachment"]["volume"]["id"], volume.as_str());
    let attachments = format!("instances/{}/volume_attachments", id(&made));
    let attachments = client.get(&attachments).await.ok();
    let flag = &attachments["volume_attachments"][0]["delete_volume_on_instance_delete"];
    assert_eq!(flag, false);
}

/// A kept boot volume boots although the image that it was made from is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_boot_volume_outlives_its_image() {
    let (region, client) = Region::with_stock().await;
    let image = id(&crate::region::image(&region, &client, "short-lived").await);
    let subnet = subnet(&client).await;
    let mut body = prototype(&image, &subnet);
    body["boot_volume_attachment"] = json!({"delete_volume_on_instance_delete": false,
        "volume": {"profile": {"name": "general-purpose"}}});
    let made = client.post("instances", body).await.ok();
    region.settle().await;
    let volume = id(&made["boot_volume_attachment"]["volume"]);
    client.delete(&format!("instances/{}", id(&made))).await.ok();
    client.delete(&format!("images/{image}")).await;
    region.settle().await;
    assert_eq!(client.get(&format!("images/{image}")).await.status, 404);
    let mut body = prototype("", &subnet);
    body["image"] = Value::Null;
    body["boot_volume_attachment"] = json!({"volume": {"id": volume}});
    let made = client.post("instances", body).await.ok();
    region.settle().await;
    let seen = client.get(&format!("instances/{}", id(&made))).await.ok();
    assert_eq!(seen["status"], "running");
}

/// A stopped instance begins anew, from an image and from a volume; its id, its interfaces and its
/// data volumes stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_instance_is_reinitialized() {
    let (region, client) = Region::with_stock().await;
    let image = stock_image(&client).await;
    let (instance, volume) = stopped(&region, &client).await;
    let path = format!("instances/{}", id(&instance));
    let key = id(&client.post("keys", json!({"public_key": RSA})).await.ok());
    let again = |body: Value| {
        let (client, path) = (client.clone(), format!("{path}/reinitialize"));
        async move { client.post(&path, body).await }
    };
    let data = json!({"volume": {"capacity": 10, "profile": {"name": "general-purpose"}}});
    client.post(&format!("{path}/volume_attachments"), data).await.ok();
    let seen = again(json!({"image": {"id": image}, "keys": [{"id": key}]})).await;
    assert_eq!((seen.status, seen.text.as_str()), (202, ""));
    assert_eq!(client.get(&path).await.ok()["status"], "starting");
    assert_eq!(again(json!({"image": {"id": image}})).await.refused(), (409, "invalid_state"));
    region.settle().await;
    let seen = client.get(&path).await.ok();
    assert_eq!(seen["status"], "running");
    let (boot, next) =
        (&seen["boot_volume_attachment"], id(&seen["boot_volume_attachment"]["volume"]));
    assert_ne!(
        (boot["id"].as_str(), next.as_str()),
        (instance["boot_volume_attachment"]["id"].as_str(), volume.as_str())
    );
    assert_eq!(seen["volume_attachments"].as_array().unwrap().len(), 2);
    assert_eq!(seen["primary_network_interface"], instance["primary_network_interface"]);
    assert_eq!(client.get(&format!("volumes/{volume}")).await.status, 404);
    let keys = client.get(&format!("{path}/initialization")).await.ok();
    assert_eq!(keys["keys"][0]["id"], key.as_str());

    // From a volume that another instance left.
    let (other, kept) = stopped(&region, &client).await;
    let attachment = id(&other["boot_volume_attachment"]);
    let other = format!("instances/{}", id(&other));
    let keep = json!({"delete_volume_on_instance_delete": false});
    client.patch(&format!("{other}/volume_attachments/{attachment}"), keep).await.ok();
    client.post(&format!("{path}/actions"), json!({"type": "stop"})).await.ok();
    region.settle().await;
    let taken = again(json!({"boot_volume_attachment": {"volume": {"id": kept}}})).await;
    assert_eq!(taken.refused(), (409, "volume_still_attached"));
    for (body, code, target) in [
        (json!({}), "validation_required_field", "image"),
        (json!({"image": {"id": "r006-0"}}), "bad_field", "image"),
        (json!({"image": {"id": image}, "keys": [{"id": "r006-0"}]}), "bad_field", "keys"),
    ] {
        let seen = again(body.clone()).await;
        assert_eq!((seen.refused(), seen.target()), ((400, code), target), "{body}");
    }
    assert_eq!(client.get(&path).await.ok()["status"], "stopped");
    client.delete(&other).await.ok();
    region.settle().await;
    let body = json!({"boot_volume_attachment": {"volume": {"id": kept}}});
    assert_eq!(again(body).await.status, 202);
    region.settle().await;
    let seen = client.get(&path).await.ok();
    assert_eq!(
        (&seen["status"], id(&seen["boot_volume_attachment"]["volume"])),
        (&json!("running"), kept)
    );
    assert_eq!(client.get(&format!("{path}/initialization")).await.ok()["keys"], json!([]));
    assert_eq!(client.get(&format!("volumes/{next}")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ed25519_key_needs_its_type() {
    let region = Region::new().await;
    let client = region.client().await;
    let seen = client.post("keys", json!({"public_key": ED25519})).await;
    assert_eq!(seen.status, 400);
    let good = json!({"public_key": ED25519, "type": "ed25519"});
    assert_eq!(client.post("keys", good).await.ok()["length"], 256);
}
