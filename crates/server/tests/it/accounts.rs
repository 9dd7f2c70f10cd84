//! Two accounts that do not see each other.

use serde_json::json;

use crate::region::{Region, id, image, prototype, subnet};

/// S7: an image is private to its account; every call on another's answers as if it were not
/// there.
#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_resources_are_not_there() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let volume = id(&made["source_volume"]);
    let instances = client.get("instances").await.ok();
    let instance = id(&instances["instances"][0]);
    let vpc = id(&client.get("vpcs").await.ok()["vpcs"][0]);
    let subnet_id = id(&client.get("subnets").await.ok()["subnets"][0]);

    let other = region.control.account_create("other").await.unwrap();
    let other = region.sign_in(&other.api_key).await;
    for path in [
        format!("images/{}", id(&made)),
        format!("volumes/{volume}"),
        format!("instances/{instance}"),
        format!("instances/{instance}/volume_attachments"),
        format!("instances/{instance}/initialization"),
        format!("vpcs/{vpc}"),
        format!("vpcs/{vpc}/address_prefixes"),
        format!("vpcs/{vpc}/default_security_group"),
        format!("subnets/{subnet_id}"),
        format!("subnets/{subnet_id}/reserved_ips"),
    ] {
        assert_eq!(other.get(&path).await.refused(), (404, "not_found"), "{path}");
    }
    let path = format!("images/{}", id(&made));
    assert_eq!(other.patch(&path, json!({"name": "mine"})).await.refused().0, 404);
    assert_eq!(other.delete(&path).await.refused().0, 404);
    assert_eq!(other.post(&format!("{path}/obsolete"), json!({})).await.refused().0, 404);
    let body = json!({"source_volume": {"id": volume}});
    assert_eq!(other.post("images", body).await.refused(), (400, "volume_id_not_found"));
    let action = json!({"type": "start"});
    let actions = format!("instances/{instance}/actions");
    assert_eq!(other.post(&actions, action).await.refused().0, 404);

    for list in ["volumes", "instances", "vpcs", "subnets", "keys"] {
        assert_eq!(other.get(list).await.ok()["total_count"], 0, "{list}");
    }
    let images = other.get("images").await.ok();
    assert_eq!(images["total_count"], 1);
    assert_eq!(images["images"][0]["visibility"], "public");

    let own_subnet = subnet(&other).await;
    let seen = other.post("instances", prototype(&id(&made), &own_subnet)).await;
    assert_eq!((seen.refused(), seen.target()), ((400, "bad_field"), "image"));
    let stock = id(&images["images"][0]);
    let seen = other.post("instances", prototype(&stock, &subnet_id)).await;
    assert_eq!(seen.refused(), (400, "bad_field"));
    assert_eq!(seen.target(), "primary_network_interface.subnet");
}

#[tokio::test]
async fn each_account_has_its_own_default_resource_group() {
    let region = Region::new().await;
    let other = region.control.account_create("other").await.unwrap();
    let mut ids = Vec::new();
    for client in [region.client().await, region.sign_in(&other.api_key).await] {
        let list = client.fetch("/v2/resource_groups?default=true").await.ok();
        let groups = list["resources"].as_array().unwrap();
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0]["name"], "Default");
        assert_eq!(groups[0]["state"], "ACTIVE");
        let one = client.fetch(&format!("/v2/resource_groups/{}", id(&groups[0]))).await.ok();
        assert_eq!(one["default"], true);
        ids.push(id(&groups[0]));
    }
    assert_ne!(ids[0], ids[1]);
    let path = format!("/v2/resource_groups/{}", ids[1]);
    assert_eq!(region.client().await.fetch(&path).await.status, 404);
    let account = format!("/v2/resource_groups?account_id={}", other.account);
    let none = region.client().await.fetch(&account).await.ok();
    assert_eq!(none["resources"], json!([]));
}
