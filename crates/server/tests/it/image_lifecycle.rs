//! Available, deprecated, obsolete: forwards and backwards, now and later.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use crate::region::{Client, Region, id, image, prototype, subnet};

async fn move_to(client: &Client, path: &str, verb: &str) -> (u16, String) {
    let seen = client.call(Method::POST, &format!("{path}/{verb}"), "").await;
    let code = seen.body["errors"][0]["code"].as_str().unwrap_or_default().to_owned();
    (seen.status, code)
}

/// S22, S26: deprecated at once and back; instances can still be made of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_deprecated_image_still_boots_and_can_come_back() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let path = format!("images/{}", id(&made));
    assert_eq!(move_to(&client, &path, "deprecate").await, (204, String::new()));
    let seen = client.get(&path).await.ok();
    assert_eq!(seen["status"], "deprecated");
    assert!(seen["deprecation_at"].is_string());
    assert_eq!(seen["zones"].as_array().unwrap().len(), 3);
    let again = move_to(&client, &path, "deprecate").await;
    assert_eq!(again, (409, "image_lifecycle_invalid".to_owned()));
    let subnet = subnet(&client).await;
    let instance = client.post("instances", prototype(&id(&made), &subnet)).await;
    assert_eq!(instance.status, 201);
    region.settle().await;
    let back = client.patch(&path, json!({"deprecation_at": null})).await.ok();
    assert_eq!(back["status"], "available");
    assert!(back.get("deprecation_at").is_none());
}

/// S22, S27, S28: obsolete refuses instances, says why, and can come back.
#[tokio::test(flavor = "multi_thread")]
async fn an_obsolete_image_boots_nothing_and_can_come_back() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let path = format!("images/{}", id(&made));
    assert_eq!(move_to(&client, &path, "obsolete").await, (204, String::new()));
    let seen = client.get(&path).await.ok();
    assert_eq!((&seen["status"], &seen["zones"]), (&json!("obsolete"), &json!([])));
    let subnet = subnet(&client).await;
    let refused = client.post("instances", prototype(&id(&made), &subnet)).await;
    assert_eq!(refused.refused(), (409, "image_not_provisionable"));
    assert!(refused.text.contains("obsolete"), "{}", refused.text);
    let back = client.patch(&path, json!({"obsolescence_at": null})).await.ok();
    assert_eq!(back["status"], "available");
    let instance = client.post("instances", prototype(&id(&made), &subnet)).await;
    assert_eq!(instance.status, 201);
    region.settle().await;
}

/// S22: at set dates, in order, with IBM's rules for each.
#[tokio::test(flavor = "multi_thread")]
async fn dates_are_future_ordered_and_removable() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let path = format!("images/{}", id(&made));
    let wrong = |body| {
        let (client, path) = (client.clone(), path.clone());
        async move {
            let seen = client.patch(&path, body).await;
            let (status, code) = seen.refused();
            (status, code.to_owned(), seen.target().to_owned())
        }
    };
    let past = wrong(json!({"deprecation_at": "2026-11-24T09:00:00Z"})).await;
    let bad = "image_lifecycle_date_invalid".to_owned();
    assert_eq!(past, (400, bad.clone(), "deprecation_at".to_owned()));
    let order = json!({"deprecation_at": "2026-12-02T00:00:00Z",
        "obsolescence_at": "2026-12-01T00:00:00Z"});
    assert_eq!(wrong(order).await, (400, bad, "obsolescence_at".to_owned()));
    let no_date = wrong(json!({"deprecation_at": "soon"})).await;
    assert_eq!(no_date, (400, "invalid_value".to_owned(), "deprecation_at".to_owned()));
    let set = json!({"deprecation_at": "2026-12-01T02:00:00+02:00",
        "obsolescence_at": "2026-12-02T00:00:00Z"});
    let set = client.patch(&path, set).await.ok();
    assert_eq!(set["deprecation_at"], "2026-12-01T00:00:00Z");
    assert_eq!(set["status"], "available");
    let scheduled = (409, "image_lifecycle_invalid".to_owned());
    assert_eq!(move_to(&client, &path, "deprecate").await, scheduled);
    assert_eq!(move_to(&client, &path, "obsolete").await, scheduled);
    let cleared = json!({"deprecation_at": null, "obsolescence_at": null});
    let cleared = client.patch(&path, cleared).await.ok();
    assert!(cleared.get("deprecation_at").is_none() && cleared.get("obsolescence_at").is_none());
}

/// S22: a date that comes moves the image; both dates cleared bring it back.
#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_comes_moves_the_image() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let path = format!("images/{}", id(&made));
    let set = json!({"deprecation_at": "2026-11-24T10:10:00Z",
        "obsolescence_at": "2026-11-24T10:20:00Z"});
    client.patch(&path, set).await.ok();
    let workers = region.control.work();
    for status in ["deprecated", "obsolete"] {
        region.clock.advance(Duration::from_secs(11 * 60));
        let until = std::time::Duration::from_secs(10);
        let moved = tokio::time::timeout(until, async {
            while client.get(&path).await.ok()["status"] != status {
                tokio::task::yield_now().await;
            }
        });
        moved.await.unwrap_or_else(|_| panic!("the image did not become {status}"));
    }
    workers.stop(Duration::from_secs(5)).await;
    let both = json!({"deprecation_at": null, "obsolescence_at": null});
    assert_eq!(client.patch(&path, both).await.ok()["status"], "available");
}

/// S25: a new stock image makes the older one of its system deprecated.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_stock_image_deprecates_the_older_one() {
    let (region, client) = Region::with_stock().await;
    region.stock("ibm-ectype-2", b"second").await;
    let list = client.get("images?visibility=public").await.ok();
    let mut seen: Vec<_> = list["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (i["name"].as_str().unwrap(), i["status"].as_str().unwrap()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("ibm-ectype-1", "deprecated"), ("ibm-ectype-2", "available")]);
}
