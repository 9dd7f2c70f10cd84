//! Ectype's own paths.

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::region::{Region, id, image, running};

/// First half of B6: true bytes.
#[tokio::test(flavor = "multi_thread")]
async fn progress_and_stored_bytes_of_an_image() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let path = format!("/_ectype/v1/images/{}", id(&made));
    let progress = client.fetch(&format!("{path}/progress")).await.ok();
    assert_eq!((&progress["step"], &progress["image_id"]), (&json!("done"), &made["id"]));
    let storage = client.fetch(&format!("{path}/storage")).await.ok();
    assert_eq!(storage["capacity_bytes"], 100_u64 << 30);
    assert_eq!(storage["root_id"].as_str().unwrap().len(), 64);
    assert!(storage.get("unique_bytes").is_none(), "it was not measured");
    let measured = client.fetch(&format!("{path}/storage?measure=true")).await.ok();
    // The volume goes on over the same root: the image alone holds it among images, and nothing
    // is given back as long as the volume is there.
    assert!(measured["unique_bytes"].as_u64().unwrap() > 0, "{measured}");
    assert_eq!(measured["reclaimable_bytes"], 0);
    let instance = client.get("instances").await.ok()["instances"][0].clone();
    client.delete(&format!("instances/{}", id(&instance))).await.ok();
    region.settle().await;
    let measured = client.fetch(&format!("{path}/storage?measure=true")).await.ok();
    assert_eq!(measured["reclaimable_bytes"], measured["unique_bytes"]);
    let bad = client.fetch(&format!("{path}/storage?measure=yes")).await;
    assert_eq!((bad.refused(), bad.target()), ((400, "validation_enum"), "measure"));
    let nowhere = client.fetch("/_ectype/v1/images/r006-x/progress").await;
    assert_eq!(nowhere.refused(), (404, "not_found"));
    let stranger = region.stranger().fetch(&format!("{path}/progress")).await;
    assert_eq!(stranger.refused(), (401, "token_missing"));
}

/// A full re-encryption by the image's owner: a new root, and the same image.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_isolated_by_its_owner() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let path = format!("/_ectype/v1/images/{}", id(&made));
    let never = client.fetch(&format!("{path}/isolate")).await;
    assert_eq!(never.refused(), (404, "not_found"));
    let before = client.fetch(&format!("{path}/storage")).await.ok()["root_id"].clone();
    let ask = Request::post(format!("{path}/isolate")).body(Body::empty()).unwrap();
    let begun = client.send(ask).await;
    assert_eq!((begun.status, &begun.body["step"]), (202, &json!("running")), "{begun:?}");
    region.settle().await;
    let done = client.fetch(&format!("{path}/isolate")).await.ok();
    assert_eq!((&done["step"], &done["from_root_id"]), (&json!("done"), &before), "{done}");
    let after = client.fetch(&format!("{path}/storage")).await.ok();
    assert_eq!(after["root_id"], done["root_id"]);
    assert_ne!(after["root_id"], before);
    let again = client.get(&format!("images/{}", id(&made))).await.ok();
    assert_eq!(again["status"], "available");
    let stranger = region.stranger().fetch(&format!("{path}/isolate")).await;
    assert_eq!(stranger.refused(), (401, "token_missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_log_is_read_in_parts() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let path = format!("/_ectype/v1/instances/{}/console_log", id(&instance));
    let all = client.fetch(&path).await.ok();
    let text = all["text"].as_str().unwrap();
    assert!(!text.is_empty());
    let first = client.fetch(&format!("{path}?limit=3")).await.ok();
    assert_eq!((first["text"].as_str().unwrap(), &first["next_offset"]), (&text[..3], &json!(3)));
    let rest = client.fetch(&format!("{path}?offset=3")).await.ok();
    assert_eq!(rest["text"].as_str().unwrap(), &text[3..]);
    for bad in ["limit=0", "limit=1048577", "offset=-1", "limit=x"] {
        let seen = client.fetch(&format!("{path}?{bad}")).await;
        assert_eq!(seen.refused(), (400, "invalid_value"), "{bad}");
    }
    assert_eq!(client.fetch(&format!("{path}?limit=1048576")).await.status, 200);
}
