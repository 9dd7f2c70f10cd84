//! `allowed_use` of images and boot volumes, from the body of a request to the instance it stops.

use serde_json::json;

use crate::region::{Region, id, prototype, stopped, subnet};

/// An image inherits what its volume allows, unless it is told; instances are judged by it when
/// they are made and when they are resized, and a refused one leaves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_says_what_it_may_be_used_for() {
    let (region, client) = Region::with_stock().await;
    let (_, volume) = stopped(&region, &client).await;
    let given = json!({"instance": "vcpu.count >= 4", "api_version": "2025-06-30"});
    let body = json!({"name": "large-only", "source_volume": {"id": volume}, "allowed_use": given});
    let image = id(&client.post("images", body).await.ok());
    region.settle().await;
    let path = format!("images/{image}");
    let seen = client.get(&path).await.ok();
    assert_eq!(
        seen["allowed_use"],
        json!({"api_version": "2025-06-30", "bare_metal_server": "true",
            "instance": "vcpu.count >= 4"})
    );

    let subnet = subnet(&client).await;
    let count = client.get("instances").await.ok()["total_count"].clone();
    let refused = client.post("instances", prototype(&image, &subnet)).await;
    assert_eq!(
        (refused.refused(), refused.target()),
        ((400, "allowed_use_not_satisfied"), "image")
    );
    assert!(refused.text.contains("vcpu.count >= 4"), "{}", refused.text);
    assert_eq!(client.get("instances").await.ok()["total_count"], count);

    let mut large = prototype(&image, &subnet);
    large["profile"]["name"] = json!("bx2-4x16");
    let large = client.post("instances", large).await.ok();
    region.settle().await;
    let instance = format!("instances/{}", id(&large));
    client.post(&format!("{instance}/actions"), json!({"type": "stop"})).await.ok();
    region.settle().await;
    let small = client.patch(&instance, json!({"profile": {"name": "bx2-2x8"}})).await;
    assert_eq!(small.refused(), (400, "allowed_use_not_satisfied"));
    assert_eq!(client.get(&instance).await.ok()["profile"]["name"], "bx2-4x16");
    client.patch(&instance, json!({"profile": {"name": "bx2-8x32"}})).await.ok();

    // The boot volume has it from the image, and the next image from the volume.
    let boot = id(&large["boot_volume_attachment"]["volume"]);
    let volume = client.get(&format!("volumes/{boot}")).await.ok();
    assert_eq!(volume["allowed_use"], seen["allowed_use"]);
    let next = client.post("images", json!({"source_volume": {"id": boot}})).await.ok();
    assert_eq!(next["allowed_use"], seen["allowed_use"]);
    region.settle().await;
}

/// A patch changes what it names, and a wrong expression changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn allowed_use_is_patched_and_checked() {
    let (region, client) = Region::with_stock().await;
    let made = crate::region::image(&region, &client, "golden").await;
    let path = format!("images/{}", id(&made));
    assert_eq!(made["allowed_use"]["instance"], "true");
    for (field, text, code) in [
        ("instance", "vcpu.count >", "allowed_use_expression_invalid"),
        ("instance", "size(gpu.model) > 0", "allowed_use_expression_invalid"),
        ("instance", "memory > 4", "allowed_use_expression_invalid"),
        ("bare_metal_server", "vcpu.count > 4", "allowed_use_expression_invalid"),
        ("api_version", "2018-12-31", "invalid_value"),
        ("api_version", "2026-11-25", "invalid_value"),
    ] {
        let body = json!({"name": "other", "allowed_use": {field: text}});
        let seen = client.patch(&path, body).await;
        let target = format!("allowed_use.{field}");
        assert_eq!((seen.refused(), seen.target()), ((400, code), target.as_str()), "{text}");
    }
    assert_eq!(client.get(&path).await.ok()["name"], "golden");
    // Today is 2026-11-24 here.
    let body = json!({"allowed_use": {"instance": "gpu.count == 0", "api_version": "2026-11-24"}});
    let seen = client.patch(&path, body).await.ok();
    assert_eq!(
        seen["allowed_use"],
        json!({"api_version": "2026-11-24", "bare_metal_server": "true",
            "instance": "gpu.count == 0"})
    );
    let body = json!({"allowed_use": {"bare_metal_server": "enable_secure_boot"}});
    let seen = client.patch(&path, body).await.ok();
    assert_eq!(seen["allowed_use"]["instance"], "gpu.count == 0");
    assert_eq!(seen["allowed_use"]["bare_metal_server"], "enable_secure_boot");
}

/// The profiles that an image runs on, in pages by name.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_lists_the_profiles_that_fit_it() {
    let (region, client) = Region::with_stock().await;
    let made = crate::region::image(&region, &client, "golden").await;
    let path = format!("images/{}", id(&made));
    let all = client.get(&format!("{path}/instance_profiles")).await.ok();
    assert_eq!(all["total_count"], model::catalog::INSTANCE_PROFILES.len());
    assert_eq!(all["instance_profiles"][0]["resource_type"], "instance_profile");
    client.patch(&path, json!({"allowed_use": {"instance": "vcpu.count >= 16"}})).await.ok();
    let first = client.get(&format!("{path}/instance_profiles?limit=1")).await.ok();
    assert_eq!((&first["total_count"], &first["limit"]), (&json!(2), &json!(1)));
    assert_eq!(first["instance_profiles"][0]["name"], "bx2-16x64");
    let next = first["next"]["href"].as_str().unwrap();
    assert!(next.contains(&format!("/v1/{path}/instance_profiles?limit=1&start=")), "{next}");
    let (_, start) = next.split_once("start=").unwrap();
    let last = client.get(&format!("{path}/instance_profiles?limit=1&start={start}")).await.ok();
    assert_eq!(last["instance_profiles"][0]["name"], "bx2-32x128");
    assert!(last.get("next").is_none());
    let other = client.get(&format!("{path}/bare_metal_server_profiles?start={start}")).await;
    assert_eq!(other.refused(), (400, "invalid_id_format"));
    let metal = client.get(&format!("{path}/bare_metal_server_profiles")).await.ok();
    assert_eq!(metal["bare_metal_server_profiles"], json!([]));
    assert_eq!(metal["total_count"], 0);
    let gone = client.get("images/r006-nothing/instance_profiles").await;
    assert_eq!(gone.refused(), (404, "not_found"));
}
