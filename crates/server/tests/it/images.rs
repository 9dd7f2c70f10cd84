//! Bad requests about images: IBM's shape, the right status, nothing changed.

use serde_json::{Value, json};

use crate::region::{Region, id, image, stock_image};

async fn create(body: Value) -> (u16, String, String) {
    let region = Region::new().await;
    let seen = region.client().await.post("images", body).await;
    let (status, code) = seen.refused();
    (status, code.to_owned(), seen.target().to_owned())
}

fn is(status: u16, code: &str, target: &str) -> (u16, String, String) {
    (status, code.to_owned(), target.to_owned())
}

#[tokio::test]
async fn a_volume_that_is_not_there_is_named() {
    let body = json!({"source_volume": {"id": "r006-00000000-0000-4000-8000-000000000000"}});
    assert_eq!(create(body).await, is(400, "volume_id_not_found", "source_volume"));
}

#[tokio::test]
async fn wrong_types_and_missing_fields_are_named() {
    let wrong = "validation_invalid_field_type";
    let text = json!({"source_volume": "r006-1"});
    assert_eq!(create(text).await, is(400, wrong, "source_volume"));
    let number = json!({"source_volume": {"id": 7}});
    assert_eq!(create(number).await, is(400, wrong, "source_volume.id"));
    let required = "validation_required_field";
    assert_eq!(create(json!({})).await, is(400, required, "source_volume"));
    let malformed = json!({"source_volume": {"id": "no such/id"}});
    assert_eq!(create(malformed).await, is(400, "invalid_id_format", "source_volume.id"));
}

#[tokio::test]
async fn names_against_the_pattern_are_refused() {
    for name in ["Upper", "9lives", "a_b", "ends-", "ibm-x", &"a".repeat(64)] {
        let body = json!({"name": name, "source_volume": {"id": "r006-1"}});
        assert_eq!(create(body).await, is(400, "validation_invalid_name", "name"), "{name}");
    }
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let file = json!({"file": {"href": "cos://us-south/bucket/a.qcow2"},
        "operating_system": {"name": "debian-12-amd64"}});
    assert_eq!(create(file).await, is(501, "not_implemented", "file"));
    let key = json!({"source_volume": {"id": "r006-1"}, "encryption_key": {"crn": "crn"}});
    assert_eq!(create(key).await, is(501, "not_implemented", "encryption_key"));
}

#[tokio::test]
async fn an_unknown_resource_group_is_named() {
    let (region, client) = Region::with_stock().await;
    let (_, volume) = crate::region::stopped(&region, &client).await;
    let body = json!({"source_volume": {"id": volume},
        "resource_group": {"id": "0123456789abcdef0123456789abcdef"}});
    let seen = client.post("images", body).await;
    assert_eq!((seen.refused(), seen.target()), ((400, "bad_field"), "resource_group.id"));
}

#[tokio::test]
async fn an_image_that_is_not_there_is_404_whatever_its_id_looks_like() {
    let region = Region::new().await;
    let client = region.client().await;
    for id in ["r006-00000000-0000-4000-8000-000000000000", "x", "a%20b", "%2e%2e", "%ff"] {
        let seen = client.get(&format!("images/{id}")).await;
        assert_eq!(seen.status, 404, "{id}: {seen:?}");
    }
}

/// S4: the resource group, and a name that is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_once() {
    let (region, client) = Region::with_stock().await;
    let first = image(&region, &client, "golden").await;
    assert_eq!(first["resource_group"]["name"], "Default");
    let volume = first["source_volume"]["id"].clone();
    let again = json!({"name": "golden", "source_volume": {"id": volume}});
    let seen = client.post("images", again).await;
    assert_eq!((seen.refused(), seen.target()), ((400, "validation_unique_failed"), "name"));
    let second = json!({"name": "silver", "source_volume": {"id": volume}});
    let second = client.post("images", second).await.ok();
    let path = format!("images/{}", id(&second));
    let seen = client.patch(&path, json!({"name": "golden"})).await;
    assert_eq!(seen.refused(), (400, "validation_unique_failed"));
    region.settle().await;
}

/// S11: an image can be renamed and deleted; an empty patch changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_renamed_and_deleted() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let path = format!("images/{}", id(&made));
    let same = client.patch(&path, json!({})).await;
    assert_eq!(same.status, 200);
    assert_eq!(same.ok()["name"], "golden");
    let renamed = client.patch(&path, json!({"name": "silver"})).await.ok();
    assert_eq!(renamed["name"], "silver");
    assert_eq!(client.delete(&path).await.status, 204);
    region.settle().await;
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
    assert_eq!(client.delete(&path).await.refused(), (404, "not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_image_cannot_be_changed() {
    let (_region, client) = Region::with_stock().await;
    let path = format!("images/{}", stock_image(&client).await);
    let is = (403, "invalid_action_for_public_image");
    assert_eq!(client.patch(&path, json!({"name": "mine"})).await.refused(), is);
    assert_eq!(client.delete(&path).await.refused(), is);
    assert_eq!(client.post(&format!("{path}/deprecate"), json!({})).await.refused(), is);
    let stock = client.get(&path).await.ok();
    assert_eq!(stock["remote"]["account"]["resource_type"], "account");
    assert_eq!(stock["visibility"], "public");
}
