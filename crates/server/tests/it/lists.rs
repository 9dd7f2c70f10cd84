//! Pages and filters.

use serde_json::{Value, json};

use crate::region::{Client, Region, image};

fn names(list: &Value, of: &str) -> Vec<String> {
    let items = list[of].as_array().unwrap().iter();
    items.map(|i| i["name"].as_str().unwrap().to_owned()).collect()
}

/// Follows `next.href` by its `start`, as IBM's pagers do.
async fn walk(client: &Client, path: &str, of: &str, limit: u32) -> Vec<String> {
    let mut all = Vec::new();
    let mut start = String::new();
    loop {
        let page = client.get(&format!("{path}?limit={limit}{start}")).await.ok();
        let items = names(&page, of);
        assert!(items.len() <= limit as usize && !items.is_empty());
        assert_eq!(page["limit"], limit);
        assert!(page["first"]["href"].as_str().unwrap().contains("?limit="));
        all.extend(items);
        let Some(next) = page["next"]["href"].as_str() else {
            assert!(page.get("next").is_none());
            assert_eq!(page["total_count"], all.len());
            return all;
        };
        let (_, token) = next.split_once("start=").unwrap();
        start = format!("&start={token}");
    }
}

#[tokio::test]
async fn every_item_is_on_exactly_one_page() {
    let region = Region::new().await;
    let client = region.client().await;
    for name in ["a", "b", "c", "d", "e"] {
        client.post("vpcs", json!({"name": name})).await.ok();
    }
    for limit in [1, 2, 3, 5, 100] {
        let mut all = walk(&client, "vpcs", "vpcs", limit).await;
        all.sort_unstable();
        assert_eq!(all, ["a", "b", "c", "d", "e"], "{limit}");
    }
    let systems = walk(&client, "operating_systems", "operating_systems", 3).await;
    assert_eq!(systems.len(), model::catalog::OPERATING_SYSTEMS.len());
    let profiles = walk(&client, "volume/profiles", "profiles", 2).await;
    assert_eq!(profiles.len(), model::catalog::VOLUME_PROFILES.len());
    let profiles = walk(&client, "instance/profiles", "profiles", 5).await;
    assert_eq!(profiles.len(), model::catalog::INSTANCE_PROFILES.len());
}

#[tokio::test]
async fn pages_have_bounds_and_tokens_belong_to_their_list() {
    let region = Region::new().await;
    let client = region.client().await;
    for name in ["a", "b"] {
        client.post("vpcs", json!({"name": name})).await.ok();
    }
    assert_eq!(client.get("vpcs?limit=0").await.refused(), (400, "validation_min_value"));
    assert_eq!(client.get("vpcs?limit=101").await.refused(), (400, "validation_max_value"));
    let page = client.get("vpcs?limit=1").await.ok();
    let (_, token) = page["next"]["href"].as_str().unwrap().split_once("start=").unwrap();
    assert_eq!(client.get(&format!("vpcs?start={token}")).await.status, 200);
    for (path, token) in [("images", token), ("vpcs", "garbage"), ("vpcs", "AAAA")] {
        let seen = client.get(&format!("{path}?start={token}")).await;
        assert_eq!((seen.refused(), seen.target()), ((400, "invalid_id_format"), "start"));
    }
}

/// S7, S24: images filter by status, visibility, name and owner.
#[tokio::test(flavor = "multi_thread")]
async fn images_are_filtered() {
    let (region, client) = Region::with_stock().await;
    image(&region, &client, "golden").await;
    let find = |filter: &'static str| {
        let client = client.clone();
        async move {
            let mut all = names(&client.get(&format!("images?{filter}")).await.ok(), "images");
            all.sort_unstable();
            all
        }
    };
    assert_eq!(find("").await, ["golden", "ibm-ectype-1"]);
    assert_eq!(find("visibility=private").await, ["golden"]);
    assert_eq!(find("visibility=public").await, ["ibm-ectype-1"]);
    assert_eq!(find("remote.account.id=null").await, ["golden"]);
    assert_eq!(find("remote.account.id=not:null").await, ["ibm-ectype-1"]);
    assert_eq!(find("name=golden").await, ["golden"]);
    assert_eq!(find("status=available").await, ["golden", "ibm-ectype-1"]);
    assert!(find("status=deprecated,obsolete").await.is_empty());
    assert_eq!(find("status=obsolete,available&visibility=private").await, ["golden"]);
    assert_eq!(find("user_data_format=cloud_init&name=golden").await, ["golden"]);
    assert!(find("user_data_format=ipxe").await.is_empty());
    let bad = client.get("images?status=ready").await;
    assert_eq!((bad.refused(), bad.target()), ((400, "validation_enum"), "status"));
}

#[tokio::test]
async fn a_link_keeps_the_filters() {
    let region = Region::new().await;
    let client = region.client().await;
    for name in ["a", "b"] {
        client.post("vpcs", json!({"name": name})).await.ok();
    }
    let page = client.get("vpcs?limit=1&classic_access=false").await.ok();
    let next = page["next"]["href"].as_str().unwrap();
    assert!(next.starts_with("http://127.0.0.1:9000/v1/vpcs?limit=1&classic_access=false&start="));
    assert!(!next.contains("version"));
    let none = client.get("vpcs?classic_access=true").await.ok();
    assert_eq!(none["total_count"], 0);
}
