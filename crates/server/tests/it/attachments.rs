//! Volume attachments: to running and stopped instances, and away from them.

use serde_json::{Value, json};

use crate::region::{Client, Region, id, running};

async fn data_volume(client: &Client) -> String {
    let body = json!({"zone": {"name": "us-south-1"}, "profile": {"name": "general-purpose"},
        "capacity": 10});
    id(&client.post("volumes", body).await.ok())
}

async fn instance_is(region: &Region, client: &Client, path: &str, kind: &str) {
    client.post(&format!("{path}/actions"), json!({"type": kind})).await.ok();
    region.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_comes_to_a_running_instance_and_leaves_it() {
    let (region, client) = Region::with_stock().await;
    let path = format!("instances/{}", id(&running(&region, &client).await));
    let all = format!("{path}/volume_attachments");
    let volume = data_volume(&client).await;
    let body = json!({"volume": {"id": volume}, "name": "data",
        "delete_volume_on_instance_delete": true});
    let made = client.post(&all, body).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert_eq!((&made["status"], &made["type"]), (&json!("attaching"), &json!("data")));
    assert!(made.get("device").is_none(), "a device is there once it is attached");
    assert_eq!(made["delete_volume_on_instance_delete"], true);
    let one = format!("{all}/{}", id(&made));
    let early = client.delete(&one).await;
    assert_eq!(early.refused(), (409, "volume_action_invalid_request"));
    region.settle().await;
    let seen = client.get(&one).await.ok();
    assert_eq!(seen["status"], "attached");
    assert!(seen["device"]["id"].is_string());
    let seen = client.get(&format!("volumes/{volume}")).await.ok();
    assert_eq!((&seen["active"], &seen["attachment_state"]), (&json!(true), &json!("attached")));
    assert_eq!(client.get(&path).await.ok()["volume_attachments"].as_array().unwrap().len(), 2);

    let renamed = json!({"name": "other", "delete_volume_on_instance_delete": false});
    let renamed = client.patch(&one, renamed).await.ok();
    assert_eq!(
        (&renamed["name"], &renamed["delete_volume_on_instance_delete"]),
        (&json!("other"), &json!(false))
    );
    assert_eq!(client.delete(&one).await.status, 204);
    assert_eq!(client.get(&one).await.ok()["status"], "detaching");
    region.settle().await;
    assert_eq!(client.get(&one).await.refused(), (404, "not_found"));
    let seen = client.get(&format!("volumes/{volume}")).await.ok();
    assert_eq!((&seen["active"], &seen["attachment_state"]), (&json!(false), &json!("unattached")));
    assert_eq!(client.delete(&format!("volumes/{volume}")).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_instance_takes_and_gives_volumes_at_once() {
    let (region, client) = Region::with_stock().await;
    let path = format!("instances/{}", id(&running(&region, &client).await));
    instance_is(&region, &client, &path, "stop").await;
    let all = format!("{path}/volume_attachments");
    let new = json!({"volume": {"capacity": 20, "profile": {"name": "5iops-tier"}, "name": "made"},
        "delete_volume_on_instance_delete": true});
    let made = client.post(&all, new).await.ok();
    assert_eq!(made["status"], "attached");
    let volume = id(&made["volume"]);
    assert_eq!(client.get(&format!("volumes/{volume}")).await.ok()["active"], false);
    let other = client.post(&all, json!({"volume": {"id": data_volume(&client).await}})).await.ok();
    instance_is(&region, &client, &path, "start").await;
    assert_eq!(client.get(&format!("volumes/{volume}")).await.ok()["active"], true);
    instance_is(&region, &client, &path, "stop").await;
    assert_eq!(client.delete(&format!("{all}/{}", id(&other))).await.status, 204);
    let gone = client.get(&format!("{all}/{}", id(&other))).await;
    assert_eq!(gone.refused(), (404, "not_found"));
    // What goes with the instance goes, what was detached stays.
    client.delete(&path).await.ok();
    region.settle().await;
    assert_eq!(client.get(&format!("volumes/{volume}")).await.status, 404);
    assert_eq!(client.get(&format!("volumes/{}", id(&other["volume"]))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_attachments_are_named_and_nothing_is_made() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let all = format!("instances/{}/volume_attachments", id(&instance));
    let boot = id(&instance["boot_volume_attachment"]["volume"]);
    let volumes = client.get("volumes").await.ok()["total_count"].clone();
    let unknown = "r006-00000000-0000-4000-8000-000000000000";
    for (body, status, code, target) in [
        (json!({}), 400, "validation_required_field", "volume"),
        (json!({"volume": {"id": unknown}}), 400, "volume_id_not_found", "volume"),
        (json!({"volume": {"id": boot}}), 409, "volume_still_attached", ""),
        (
            json!({"volume": {"profile": {"name": "custom"}}}),
            400,
            "volume_capacity_missing",
            "volume.capacity",
        ),
        (json!({"volume": {"capacity": 10}}), 400, "validation_required_field", "volume.profile"),
        (
            json!({"volume": {"capacity": 9, "profile": {"name": "custom"}}}),
            400,
            "volume_capacity_max",
            "capacity",
        ),
        (json!({"volume": {"id": boot}, "name": "Bad"}), 400, "validation_invalid_name", "name"),
        (
            json!({"volume": {"source_snapshot": {"id": unknown}}}),
            501,
            "not_implemented",
            "volume.source_snapshot",
        ),
    ] {
        let seen = client.post(&all, body.clone()).await;
        assert_eq!((seen.refused(), seen.target()), ((status, code), target), "{body}");
    }
    let boot = format!("{all}/{}", id(&instance["boot_volume_attachment"]));
    let seen = client.delete(&boot).await;
    assert_eq!(seen.refused(), (400, "volume_attachment_delete_invalid_request"));
    assert_eq!(client.get("volumes").await.ok()["total_count"], volumes);
    let seen: Value = client.get(&all).await.ok();
    assert_eq!(seen["volume_attachments"].as_array().unwrap().len(), 1);
    let nowhere = "instances/0717_none/volume_attachments";
    assert_eq!(client.post(nowhere, json!({"volume": {"id": unknown}})).await.status, 404);
}
