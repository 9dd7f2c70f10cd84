//! From a guest's disk to an image to another guest.

use serde_json::json;

use crate::region::{Region, id, prototype, stock_image, stopped, subnet};

/// S1, S2, S3, S5, S6, S7, S11, S19: the story, from disk to image to disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_instances_boot_volume_becomes_an_image_that_boots_another() {
    let (region, client) = Region::with_stock().await;
    let (instance, volume) = stopped(&region, &client).await;
    let body = json!({"name": "golden", "source_volume": {"id": volume}});
    let created = client.post("images", body).await;
    assert_eq!(created.status, 201);
    let image = created.ok();
    assert_eq!(image["status"], "pending");
    assert_eq!(image["file"], json!({}));
    assert_eq!(image["zones"], json!([]));
    assert_eq!(image["encryption"], "none");
    assert_eq!(image["visibility"], "private");
    assert!(image.get("remote").is_none());
    let busy = client.get(&format!("volumes/{volume}")).await.ok();
    assert_eq!((&busy["busy"], &busy["active"]), (&json!(true), &json!(false)));
    assert_eq!(busy["attachment_state"], "attached");

    region.settle().await;
    let path = format!("images/{}", id(&image));
    let image = client.get(&path).await.ok();
    assert_eq!(image["status"], "available");
    assert_eq!(image["minimum_provisioned_size"], busy["capacity"]);
    assert_eq!(image["operating_system"], busy["operating_system"]);
    assert_eq!(image["zones"].as_array().unwrap().len(), 3);
    assert!(image["file"]["size"].as_u64().unwrap() >= 1);
    assert!(image["file"].get("checksums").is_none());
    assert_eq!(image["source_volume"]["id"], volume.as_str());
    assert!(image["crn"].as_str().unwrap().contains(":is:us-south:a/"));
    let volume_now = client.get(&format!("volumes/{volume}")).await.ok();
    assert_eq!(volume_now["busy"], false);

    let gone = client.delete(&format!("instances/{}", id(&instance))).await;
    assert_eq!(gone.status, 204);
    region.settle().await;
    assert_eq!(client.get(&format!("volumes/{volume}")).await.refused(), (404, "not_found"));
    let image = client.get(&path).await.ok();
    assert_eq!(image["status"], "available");
    assert!(image["source_volume"]["deleted"]["more_info"].is_string());

    let subnet = subnet(&client).await;
    let second = client.post("instances", prototype(&id(&image), &subnet)).await.ok();
    region.settle().await;
    let second = client.get(&format!("instances/{}", id(&second))).await.ok();
    assert_eq!(second["status"], "running");
    assert_eq!(second["image"]["id"], image["id"]);
    let boot = id(&second["boot_volume_attachment"]["volume"]);
    let boot = client.get(&format!("volumes/{boot}")).await.ok();
    assert_eq!(boot["source_image"]["id"], image["id"]);
    assert_eq!(boot["active"], true);
}

/// S13: a CRN or href of another region.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_another_regions_volume_is_refused() {
    let region = Region::new().await;
    let client = region.client().await;
    let account = &region.owner.account;
    let crn = format!("crn:v1:bluemix:public:is:eu-de-1:a/{account}::volume:r010-1");
    let href = "https://eu-de.iaas.cloud.ibm.com/v1/volumes/r010-1";
    for source in [json!({"crn": crn}), json!({"href": href})] {
        let seen = client.post("images", json!({"source_volume": source})).await;
        assert_eq!(seen.refused(), (400, "image_source_volume_not_in_region"));
        assert_eq!(seen.target(), "source_volume");
    }
}

/// S14: data volumes are refused.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_a_data_volume_is_refused() {
    let (region, client) = Region::with_stock().await;
    let (image, subnet) = (stock_image(&client).await, subnet(&client).await);
    let mut body = prototype(&image, &subnet);
    let disk = json!({"capacity": 100, "profile": {"name": "general-purpose"}});
    body["volume_attachments"] = json!([{"name": "data", "volume": disk}]);
    let made = client.post("instances", body).await.ok();
    region.settle().await;
    let path = format!("instances/{}", id(&made));
    client.post(&format!("{path}/actions"), json!({"type": "stop"})).await.ok();
    region.settle().await;
    let attachments = client.get(&format!("{path}/volume_attachments")).await.ok();
    let data = attachments["volume_attachments"].as_array().unwrap().iter();
    let data = data.clone().find(|a| a["type"] == "data").unwrap();
    let volume = id(&data["volume"]);
    let seen = client.post("images", json!({"source_volume": {"id": volume}})).await;
    assert_eq!(seen.refused(), (400, "image_source_volume_not_boot"));
}

/// S14: the bounds of the capacity.
#[tokio::test(flavor = "multi_thread")]
async fn a_boot_volume_outside_100_to_250_gb_is_refused() {
    let (region, client) = Region::with_stock().await;
    let (image, subnet) = (stock_image(&client).await, subnet(&client).await);
    let of = |gb: u64| {
        let mut body = prototype(&image, &subnet);
        let disk = json!({"capacity": gb, "profile": {"name": "general-purpose"}});
        body["boot_volume_attachment"] = json!({"volume": disk});
        body
    };
    let seen = client.post("instances", of(251)).await;
    assert_eq!(seen.refused(), (400, "volume_capacity_max"));
    assert_eq!(client.post("instances", of(99)).await.refused(), (400, "volume_capacity_max"));
    for gb in [100, 250] {
        let made = client.post("instances", of(gb)).await.ok();
        region.settle().await;
        let path = format!("instances/{}", id(&made));
        client.post(&format!("{path}/actions"), json!({"type": "stop"})).await.ok();
        region.settle().await;
        let volume = id(&made["boot_volume_attachment"]["volume"]);
        let body = json!({"source_volume": {"id": volume}});
        assert_eq!(client.post("images", body).await.status, 201, "{gb}");
    }
}

/// S15: an unattached boot volume is refused.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_an_unattached_boot_volume_is_refused() {
    let (region, client) = Region::with_stock().await;
    let (instance, volume) = stopped(&region, &client).await;
    let attachment = id(&instance["boot_volume_attachment"]);
    let path = format!("instances/{}", id(&instance));
    let keep = json!({"delete_volume_on_instance_delete": false});
    client.patch(&format!("{path}/volume_attachments/{attachment}"), keep).await.ok();
    assert_eq!(client.delete(&path).await.status, 204);
    region.settle().await;
    let seen = client.get(&format!("volumes/{volume}")).await.ok();
    assert_eq!(seen["attachment_state"], "unattached");
    let seen = client.post("images", json!({"source_volume": {"id": volume}})).await;
    assert_eq!(seen.refused(), (409, "image_source_volume_unattached"));
}

/// S16: the instance must be in an available state.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_an_instance_that_is_not_available_is_refused() {
    let (_region, client) = Region::with_stock().await;
    let (image, subnet) = (stock_image(&client).await, subnet(&client).await);
    let made = client.post("instances", prototype(&image, &subnet)).await.ok();
    assert_eq!(made["status"], "pending");
    let volume = id(&made["boot_volume_attachment"]["volume"]);
    let seen = client.post("images", json!({"source_volume": {"id": volume}})).await;
    let (status, code) = seen.refused();
    assert_eq!(status, 409);
    assert!(
        ["image_source_instance_not_available", "image_source_volume_not_available"]
            .contains(&code),
        "{code}"
    );
}

/// S17: a running instance must be stopped first.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_a_running_instance_is_refused_and_nothing_changes() {
    let (region, client) = Region::with_stock().await;
    let instance = crate::region::running(&region, &client).await;
    let volume = id(&instance["boot_volume_attachment"]["volume"]);
    let seen = client.post("images", json!({"source_volume": {"id": volume}})).await;
    assert_eq!(seen.refused(), (409, "image_source_instance_not_stopped"));
    assert_eq!(seen.target(), "source_volume");
    assert!(seen.text.contains("Stop it"));
    let volume = client.get(&format!("volumes/{volume}")).await.ok();
    assert_eq!(volume["busy"], false);
    let list = client.get("images?visibility=private").await.ok();
    assert_eq!(list["total_count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_image_of_a_busy_volume_is_refused() {
    let (region, client) = Region::with_stock().await;
    let (_, volume) = stopped(&region, &client).await;
    let body = json!({"source_volume": {"id": volume}});
    client.post("images", body.clone()).await.ok();
    let seen = client.post("images", body.clone()).await;
    assert_eq!(seen.refused(), (409, "image_source_volume_busy"));
    region.settle().await;
    assert_eq!(client.post("images", body).await.status, 201);
}

/// A start while the image is made waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_during_a_capture_waits_with_its_reason() {
    let (region, client) = Region::with_stock().await;
    let (instance, volume) = stopped(&region, &client).await;
    client.post("images", json!({"source_volume": {"id": volume}})).await.ok();
    let path = format!("instances/{}", id(&instance));
    let action = client.post(&format!("{path}/actions"), json!({"type": "start"})).await;
    assert_eq!(action.status, 201);
    let waiting = client.get(&path).await.ok();
    assert_eq!(waiting["status"], "stopped");
    assert_eq!(waiting["status_reasons"][0]["code"], "stopped_for_image_creation");
    region.settle().await;
    assert_eq!(client.get(&path).await.ok()["status"], "running");
}
