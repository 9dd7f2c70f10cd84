//! SSH keys.

use serde_json::json;

use crate::region::{RSA, Region, id};

#[tokio::test]
async fn a_key_is_read_measured_and_renamed() {
    let region = Region::new().await;
    let client = region.client().await;
    let made = client.post("keys", json!({"public_key": RSA, "name": "one"})).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert_eq!((&made["type"], &made["length"]), (&json!("rsa"), &json!(2_048)));
    assert!(made["fingerprint"].as_str().unwrap().starts_with("SHA256:"));
    assert!(made.get("resource_type").is_none());
    let path = format!("keys/{}", id(&made));
    assert_eq!(client.patch(&path, json!({"name": "two"})).await.ok()["name"], "two");
    assert_eq!(client.get("keys?name=two").await.ok()["total_count"], 1);
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
}

#[tokio::test]
async fn names_and_content_are_there_once() {
    let region = Region::new().await;
    let client = region.client().await;
    client.post("keys", json!({"public_key": RSA, "name": "one"})).await.ok();
    let same = client.post("keys", json!({"public_key": RSA, "name": "two"})).await;
    assert_eq!((same.refused(), same.target()), ((400, "key_content_exists"), "public_key"));
    for bad in ["", "ssh-rsa", "ssh-rsa AAAA", "hello"] {
        let seen = client.post("keys", json!({"public_key": bad})).await;
        assert_eq!(seen.status, 400, "{bad}");
        assert_eq!(seen.target(), "public_key", "{bad}");
    }
    let dsa = client.post("keys", json!({"public_key": RSA, "type": "dsa"})).await;
    assert_eq!(dsa.refused(), (400, "validation_enum"));
}
