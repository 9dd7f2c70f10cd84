//! VPCs, prefixes, subnets, reserved IPs and the defaults of a VPC.

use serde_json::json;

use crate::region::{Region, id};

#[tokio::test]
async fn a_vpc_comes_with_its_defaults() {
    let region = Region::new().await;
    let client = region.client().await;
    let made = client.post("vpcs", json!({"name": "net"})).await;
    assert_eq!(made.status, 201);
    assert!(made.header("etag").starts_with("W/"));
    let vpc = made.ok();
    let path = format!("vpcs/{}", id(&vpc));
    let group = client.get(&format!("{path}/default_security_group")).await.ok();
    assert_eq!(group["id"], vpc["default_security_group"]["id"]);
    assert_eq!(group["rules"].as_array().unwrap().len(), 2);
    assert_eq!(group["rules"][0]["protocol"], "icmp_tcp_udp");
    let direct = client.get(&format!("security_groups/{}", id(&group))).await.ok();
    assert_eq!(direct["vpc"]["name"], "net");
    assert_eq!(client.get("security_groups").await.ok()["total_count"], 1);
    let acl = client.get(&format!("{path}/default_network_acl")).await.ok();
    assert_eq!(acl["rules"].as_array().unwrap().len(), 2);
    let direct = client.get(&format!("network_acls/{}", id(&acl))).await.ok();
    assert_eq!(direct["id"], vpc["default_network_acl"]["id"]);
    let table = client.get(&format!("{path}/default_routing_table")).await.ok();
    assert_eq!(table["is_default"], true);
    let prefixes = client.get(&format!("{path}/address_prefixes")).await.ok();
    assert_eq!(prefixes["total_count"], 3);
    let renamed = client.patch(&path, json!({"name": "renamed"})).await.ok();
    assert_eq!(renamed["name"], "renamed");
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
}

#[tokio::test]
async fn prefixes_are_managed_by_hand() {
    let region = Region::new().await;
    let client = region.client().await;
    let body = json!({"address_prefix_management": "manual"});
    let vpc = client.post("vpcs", body).await.ok();
    let path = format!("vpcs/{}/address_prefixes", id(&vpc));
    assert_eq!(client.get(&path).await.ok()["total_count"], 0);
    let zone = json!({"name": "us-south-1"});
    let body = json!({"cidr": "192.168.0.0/16", "zone": zone, "name": "mine"});
    let prefix = client.post(&path, body).await.ok();
    assert_eq!(prefix["has_subnets"], false);
    let overlap = json!({"cidr": "192.168.4.0/24", "zone": zone});
    assert_eq!(client.post(&path, overlap).await.refused(), (400, "subnet_conflict"));
    let one = format!("{path}/{}", id(&prefix));
    let default = client.patch(&one, json!({"is_default": true})).await.ok();
    assert_eq!(default["is_default"], true);
    assert_eq!(client.delete(&one).await.status, 204);
    assert_eq!(client.get(&one).await.refused(), (404, "not_found"));
}

#[tokio::test]
async fn subnets_are_cut_from_prefixes_and_keep_addresses() {
    let region = Region::new().await;
    let client = region.client().await;
    let vpc = client.post("vpcs", json!({})).await.ok();
    let (vpc_ref, zone) = (json!({"id": vpc["id"]}), json!({"name": "us-south-1"}));
    let by_size = json!({"vpc": vpc_ref, "zone": zone, "total_ipv4_address_count": 8});
    let subnet = client.post("subnets", by_size).await.ok();
    assert_eq!(subnet["ipv4_cidr_block"], "10.240.0.0/29");
    assert_eq!(subnet["available_ipv4_address_count"], 3);
    let block = |cidr: &str| json!({"vpc": vpc_ref, "ipv4_cidr_block": cidr});
    let second = client.post("subnets", block("10.240.64.0/24")).await.ok();
    assert_eq!(second["zone"]["name"], "us-south-2");
    let seen = client.post("subnets", block("10.240.0.0/28")).await;
    assert_eq!(seen.refused(), (400, "subnet_conflict"));
    let seen = client.post("subnets", block("172.16.0.0/24")).await;
    assert_eq!(seen.refused(), (400, "not_in_address_prefix"));

    let path = format!("subnets/{}/reserved_ips", id(&subnet));
    let list = client.get(&path).await.ok();
    assert_eq!(list["total_count"], 5);
    assert_eq!(list["reserved_ips"][0]["owner"], "provider");
    let mut taken = Vec::new();
    for _ in 0..3 {
        let ip = client.post(&path, json!({})).await;
        assert_eq!(ip.status, 201);
        taken.push(ip.ok());
    }
    let full = client.post(&path, json!({})).await;
    assert_eq!(full.refused(), (400, "subnet_out_of_ip_addresses"));
    let busy = client.delete(&format!("subnets/{}", id(&subnet))).await;
    assert_eq!(busy.refused(), (409, "subnet_not_empty"));
    for ip in &taken {
        assert_eq!(client.delete(&format!("{path}/{}", id(ip))).await.status, 204);
    }
    let ip = client.post(&path, json!({"address": "10.240.0.5", "name": "five"})).await.ok();
    assert_eq!(ip["address"], "10.240.0.5");
    let again = client.post(&path, json!({"address": "10.240.0.5"})).await;
    assert_eq!(again.refused(), (400, "address_unavailable"));
    let outside = client.post(&path, json!({"address": "10.1.0.5"})).await;
    assert_eq!(outside.refused(), (400, "address_unavailable"));
    let one = format!("{path}/{}", id(&ip));
    let changed = client.patch(&one, json!({"name": "fünf"})).await;
    assert_eq!(changed.refused(), (400, "validation_invalid_name"));
    let changed = client.patch(&one, json!({"name": "cinq", "auto_delete": false})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(client.delete(&one).await.status, 204);

    let busy = client.delete(&format!("vpcs/{}", id(&vpc))).await;
    assert_eq!(busy.refused(), (409, "vpc_not_empty"));
    for subnet in [&subnet, &second] {
        assert_eq!(client.delete(&format!("subnets/{}", id(subnet))).await.status, 204);
    }
    assert_eq!(client.delete(&format!("vpcs/{}", id(&vpc))).await.status, 204);
}
