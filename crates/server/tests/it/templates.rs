//! Instance templates, and instances made from them.

use serde_json::{Value, json};

use crate::region::{ED25519, RSA, Region, id, prototype, stock_image, subnet};

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_made_read_renamed_listed_and_deleted() {
    let (region, client) = Region::with_stock().await;
    let (image, subnet) = (stock_image(&client).await, subnet(&client).await);
    let mut body = prototype(&image, &subnet);
    body["name"] = json!("small");
    body["user_data"] = json!("#!/bin/sh");
    let made = client.post("instance/templates", body.clone()).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert!(made["crn"].as_str().unwrap().contains(":is:us-south-1:a/"), "{made}");
    assert!(made["crn"].as_str().unwrap().contains("::instance-template:"), "{made}");
    for name in ["image", "zone", "profile", "primary_network_interface", "user_data"] {
        assert_eq!(made[name], body[name], "{name}");
    }
    assert_eq!(made["resource_group"]["name"], "Default");
    let path = format!("instance/templates/{}", id(&made));
    assert!(made["href"].as_str().unwrap().ends_with(&path), "{made}");
    assert_eq!(client.get(&path).await.ok(), made);
    let taken = client.post("instance/templates", body.clone()).await;
    assert_eq!((taken.refused(), taken.target()), ((400, "validation_unique_failed"), "name"));
    let renamed = client.patch(&path, json!({"name": "other"})).await.ok();
    assert_eq!((&renamed["name"], &renamed["image"]), (&json!("other"), &made["image"]));
    assert_eq!(client.patch(&path, json!({})).await.ok()["name"], "other");
    let list = client.get("instance/templates").await.ok();
    assert_eq!((&list["total_count"], &list["templates"][0]), (&json!(1), &renamed));
    assert!(list["first"]["href"].as_str().unwrap().contains("/instance/templates?limit=50"));
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
    assert_eq!(client.delete(&path).await.refused(), (404, "not_found"));
    region.settle().await;
    assert_eq!(client.get("instances").await.ok()["total_count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_made_from_a_template_and_what_is_laid_over_it() {
    let (region, client) = Region::with_stock().await;
    let (image, subnet) = (stock_image(&client).await, subnet(&client).await);
    let key = |text: &'static str, kind: &'static str| {
        let client = client.clone();
        async move { id(&client.post("keys", json!({"public_key": text, "type": kind})).await.ok()) }
    };
    let (rsa, ed25519) = (key(RSA, "rsa").await, key(ED25519, "ed25519").await);
    let mut body = prototype(&image, &subnet);
    body["keys"] = json!([{"id": rsa}]);
    body["boot_volume_attachment"] = json!({"delete_volume_on_instance_delete": false,
        "volume": {"profile": {"name": "10iops-tier"}, "capacity": 120}});
    let template = id(&client.post("instance/templates", body).await.ok());
    let source = json!({"id": template});
    let made = client.post("instances", json!({"source_template": source})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("instances/{}", id(&made.ok()));
    region.settle().await;
    let seen = client.get(&path).await.ok();
    assert_eq!((&seen["status"], &seen["profile"]["name"]), (&json!("running"), &json!("bx2-2x8")));
    let volume = id(&seen["boot_volume_attachment"]["volume"]);
    let volume = client.get(&format!("volumes/{volume}")).await.ok();
    assert_eq!((&volume["capacity"], &volume["iops"]), (&json!(120), &json!(3_000)));
    let keys = client.get(&format!("{path}/initialization")).await.ok();
    assert_eq!(keys["keys"][0]["id"], rsa.as_str());

    let over = json!({"source_template": source, "name": "over", "keys": [{"id": ed25519}],
        "profile": {"name": "cx2-2x4"}});
    let made = client.post("instances", over).await.ok();
    assert_eq!((&made["name"], &made["profile"]["name"]), (&json!("over"), &json!("cx2-2x4")));
    let keys = client.get(&format!("instances/{}/initialization", id(&made))).await.ok();
    assert_eq!(keys["keys"][0]["id"], ed25519.as_str());

    // A template of a template takes over what it does not say.
    let body = json!({"source_template": source, "profile": {"name": "mx2-2x16"}});
    let second = client.post("instance/templates", body).await.ok();
    assert_eq!(second["profile"], json!({"name": "mx2-2x16"}));
    assert_eq!(second["boot_volume_attachment"]["volume"]["capacity"], 120);
    // Instances outlive their template.
    client.delete(&format!("instance/templates/{template}")).await;
    assert_eq!(client.get(&path).await.status, 200);
    let gone = client.post("instances", json!({"source_template": source})).await;
    assert_eq!((gone.refused(), gone.target()), ((400, "bad_field"), "source_template"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_templates_are_named_and_nothing_is_kept() {
    let (_region, client) = Region::with_stock().await;
    let (image, subnet) = (stock_image(&client).await, subnet(&client).await);
    let unknown = "r006-00000000-0000-4000-8000-000000000000";
    let bad: [(&str, Value, u16, &str, &str); 6] = [
        ("image", json!({"id": unknown}), 400, "bad_field", "image"),
        ("keys", json!([{"id": unknown}]), 400, "bad_field", "keys"),
        ("profile", json!({"name": "huge"}), 400, "bad_field", "profile"),
        ("name", json!("No"), 400, "validation_invalid_name", "name"),
        ("zone", Value::Null, 400, "validation_required_field", "zone"),
        ("source_template", json!({"id": "x"}), 400, "bad_field", "source_template"),
    ];
    for (field, value, status, code, target) in bad {
        let mut body = prototype(&image, &subnet);
        body[field] = value;
        let seen = client.post("instance/templates", body).await;
        assert_eq!((seen.refused(), seen.target()), ((status, code), target), "{field}");
    }
    let list = client.get("instance/templates").await.ok();
    assert_eq!((&list["total_count"], &list["templates"]), (&json!(0), &json!([])));
}
