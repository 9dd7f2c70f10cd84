//! Security groups, network ACLs and routing tables, with their error codes.

use serde_json::{Value, json};

use crate::region::{Client, Region, id, running};

/// A VPC, and a security group in it.
async fn group(client: &Client) -> (Value, Value) {
    let vpc = client.post("vpcs", json!({"name": "net"})).await.ok();
    let body = json!({"name": "web", "vpc": {"id": vpc["id"]}});
    let made = client.post("security_groups", body).await;
    assert_eq!(made.status, 201);
    (vpc, made.ok())
}

#[tokio::test]
async fn a_security_group_and_its_rules() {
    let region = Region::new().await;
    let client = region.client().await;
    let (vpc, group) = group(&client).await;
    assert_eq!(group["rules"], json!([]));
    assert_eq!(group["targets"], json!([]));
    let path = format!("security_groups/{}", id(&group));
    let rules = format!("{path}/rules");
    let ssh = json!({"direction": "inbound", "protocol": "tcp", "port_min": 22, "port_max": 22,
        "name": "ssh", "remote": {"cidr_block": "10.0.0.0/8"}});
    let made = client.post(&rules, ssh.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let ssh_rule = made.ok();
    for (field, value) in [
        ("port_min", json!(22)),
        ("protocol", json!("tcp")),
        ("remote", json!({"cidr_block": "10.0.0.0/8"})),
        ("local", json!({"cidr_block": "0.0.0.0/0"})),
        ("resource_type", json!("security_group_rule")),
    ] {
        assert_eq!(ssh_rule[field], value, "{field}");
    }
    assert_eq!(client.post(&rules, ssh).await.refused(), (400, "validation_unique_failed"));
    let half = json!({"direction": "inbound", "protocol": "tcp", "port_min": 22});
    let half = client.post(&rules, half).await;
    assert_eq!((half.refused(), half.target()), ((400, "validation_failure"), "port_min"));
    let ported = json!({"direction": "inbound", "protocol": "any", "port_min": 1, "port_max": 2});
    assert_eq!(client.post(&rules, ported).await.refused(), (400, "validation_failure"));
    let unknown = json!({"direction": "inbound", "protocol": "any", "remote": {"id": "r006-x"}});
    let unknown = client.post(&rules, unknown).await;
    assert_eq!((unknown.refused(), unknown.target()), ((400, "bad_field"), "remote"));

    let one = format!("{rules}/{}", id(&ssh_rule));
    let changed = client.patch(&one, json!({"port_max": 30, "direction": "outbound"})).await.ok();
    assert_eq!((&changed["port_max"], &changed["direction"]), (&json!(30), &json!("outbound")));
    let cleared = client.patch(&one, json!({"port_min": null, "port_max": null})).await.ok();
    assert!(cleared.get("port_min").is_none());
    assert_eq!(client.patch(&one, json!({"protocol": "tcp"})).await.status, 200);
    let other = client.patch(&one, json!({"protocol": "udp"})).await;
    assert_eq!(other.refused(), (400, "validation_failure"));
    let in_group = json!({"remote": {"id": vpc["default_security_group"]["id"]}});
    let changed = client.patch(&one, in_group).await.ok();
    assert_eq!(changed["remote"]["name"], vpc["default_security_group"]["name"]);
    assert_eq!(client.get(&rules).await.ok()["rules"].as_array().unwrap().len(), 1);
    assert_eq!(client.get(&one).await.ok(), changed);
    assert_eq!(client.delete(&one).await.status, 204);
    assert_eq!(client.get(&one).await.refused(), (404, "not_found"));
    assert_eq!(client.delete(&one).await.refused(), (404, "not_found"));
    let renamed = client.patch(&path, json!({"name": "front"})).await.ok();
    assert_eq!(renamed["name"], "front");
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
}

#[tokio::test]
async fn security_groups_are_made_with_rules_and_listed_by_vpc() {
    let region = Region::new().await;
    let client = region.client().await;
    let vpc = client.post("vpcs", json!({"name": "net"})).await.ok();
    let body =
        |name: &str, rule: Value| json!({"name": name, "vpc": {"id": vpc["id"]}, "rules": [rule]});
    let ping = json!({"direction": "inbound", "protocol": "icmp", "type": 8, "code": 0});
    let made = client.post("security_groups", body("ping", ping.clone())).await.ok();
    assert_eq!((&made["rules"][0]["type"], &made["rules"][0]["code"]), (&json!(8), &json!(0)));
    let taken = client.post("security_groups", body("ping", ping)).await;
    assert_eq!(taken.refused(), (400, "validation_unique_failed"));
    let code = json!({"direction": "inbound", "protocol": "icmp", "code": 0});
    let bad = client.post("security_groups", body("bad", code)).await;
    assert_eq!((bad.refused(), bad.target()), ((400, "validation_failure"), "type"));
    let unknown = client.post("security_groups", json!({"vpc": {"id": "r006-x"}})).await;
    assert_eq!((unknown.refused(), unknown.target()), ((400, "bad_field"), "vpc"));
    let total = async |query: &str| {
        client.get(&format!("security_groups?{query}")).await.ok()["total_count"].clone()
    };
    assert_eq!(total(&format!("vpc.id={}", id(&vpc))).await, 2);
    assert_eq!(total("vpc.name=net").await, 2);
    assert_eq!(total("vpc.name=other").await, 0);
    assert_eq!(total("resource_group.id=0123").await, 0);
    let default = format!("security_groups/{}", id(&vpc["default_security_group"]));
    let refused = client.delete(&default).await;
    assert_eq!(refused.refused(), (409, "security_group_vpc_default"));
}

#[tokio::test]
async fn interfaces_are_in_one_group_or_more() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let vpc = &instance["vpc"];
    let nic = id(&instance["primary_network_interface"]);
    let body = json!({"name": "web", "vpc": {"id": vpc["id"]}});
    let web = client.post("security_groups", body).await.ok();
    let targets = format!("security_groups/{}/targets", id(&web));
    let target = format!("{targets}/{nic}");
    assert_eq!(client.get(&target).await.refused(), (404, "not_found"));
    let put = |path: String| {
        let client = client.clone();
        async move { client.call(axum::http::Method::PUT, &path, "").await }
    };
    let added = put(target.clone()).await;
    assert_eq!((added.status, &added.body["id"]), (200, &json!(nic)));
    assert_eq!(put(target.clone()).await.status, 200);
    let list = client.get(&targets).await.ok();
    assert_eq!((&list["total_count"], &list["targets"][0]["id"]), (&json!(1), &json!(nic)));
    let path = format!("instances/{}/network_interfaces/{nic}", id(&instance));
    let shown = client.get(&path).await.ok();
    assert_eq!(shown["security_groups"].as_array().unwrap().len(), 2);
    let used = client.delete(&format!("security_groups/{}", id(&web))).await;
    assert_eq!(used.refused(), (409, "security_group_in_use"));
    let default = id(&shown["security_groups"][0]);
    let first = format!("security_groups/{default}/targets/{nic}");
    assert_eq!(client.delete(&first).await.status, 204);
    let last = client.delete(&target).await;
    assert_eq!(last.refused(), (409, "security_group_target_last"));
    assert_eq!(put(first).await.status, 200);
    let other = client.post("vpcs", json!({})).await.ok();
    let foreign = id(&other["default_security_group"]);
    let refused = put(format!("security_groups/{foreign}/targets/{nic}")).await;
    assert_eq!(refused.refused(), (400, "invalid_value"));
    assert_eq!(put(format!("{targets}/0717-nothing")).await.refused(), (404, "not_found"));
}

#[tokio::test]
async fn a_network_acl_and_the_order_of_its_rules() {
    let region = Region::new().await;
    let client = region.client().await;
    let vpc = client.post("vpcs", json!({})).await.ok();
    let acl = client.post("network_acls", json!({"vpc": {"id": vpc["id"]}, "name": "mine"})).await;
    assert_eq!(acl.status, 201);
    let acl = acl.ok();
    assert_eq!(acl["rules"], json!([]));
    let rules = format!("network_acls/{}/rules", id(&acl));
    let rule = |name: &str, more: Value| {
        let mut body = json!({"name": name, "action": "deny", "direction": "inbound",
            "source": "0.0.0.0/0", "destination": "10.0.0.1", "protocol": "tcp"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let a = client.post(&rules, rule("a", json!({}))).await.ok();
    assert_eq!((&a["source_port_min"], &a["destination_port_max"]), (&json!(1), &json!(65_535)));
    assert!(a.get("before").is_none());
    let before = json!({"before": {"id": a["id"]}, "destination_port_min": 80,
        "destination_port_max": 80, "direction": "outbound"});
    let b = client.post(&rules, rule("b", before)).await.ok();
    assert_eq!((&b["before"]["name"], &b["destination_port_min"]), (&json!("a"), &json!(80)));
    let names = async |query: &str| {
        let list = client.get(&format!("{rules}{query}")).await.ok();
        let names = list["rules"].as_array().unwrap().iter();
        names.map(|r| r["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["b", "a"]);
    assert_eq!(names("?direction=inbound").await, ["a"]);
    let first = client.get(&format!("{rules}?limit=1")).await.ok();
    assert_eq!((&first["total_count"], &first["rules"][0]["name"]), (&json!(2), &json!("b")));
    let next = first["next"]["href"].as_str().unwrap().split_once("start=").unwrap().1.to_owned();
    assert_eq!(names(&format!("?limit=1&start={next}")).await, ["a"]);
    let one = format!("{rules}/{}", id(&b));
    let last = client.patch(&one, json!({"before": null, "action": "allow"})).await.ok();
    assert!(last.get("before").is_none());
    assert_eq!(names("").await, ["a", "b"]);
    let all = client.post(&rules, rule("c", json!({"protocol": "icmp_tcp_udp"}))).await;
    assert_eq!(all.refused(), (400, "validation_failure"));
    let nowhere = client.post(&rules, rule("c", json!({"before": {"id": "x"}}))).await;
    assert_eq!((nowhere.refused(), nowhere.target()), ((400, "bad_field"), "before"));
    let copy = json!({"vpc": {"id": vpc["id"]}, "source_network_acl": {"id": acl["id"]}});
    let copy = client.post("network_acls", copy).await.ok();
    assert_eq!(copy["rules"].as_array().unwrap().len(), 2);
    assert_ne!(copy["rules"][0]["id"], a["id"]);
    assert_eq!(client.delete(&one).await.status, 204);
    assert_eq!(client.get(&one).await.refused(), (404, "not_found"));
    assert_eq!(client.get("network_acls").await.ok()["total_count"], 3);
}

#[tokio::test]
async fn subnets_use_an_acl_and_a_routing_table_of_their_vpc() {
    let region = Region::new().await;
    let client = region.client().await;
    let vpc = client.post("vpcs", json!({})).await.ok();
    let acl = json!({"vpc": {"id": vpc["id"]}});
    let acl = client.post("network_acls", acl).await.ok();
    let body = json!({"vpc": {"id": vpc["id"]}, "zone": {"name": "us-south-1"},
        "total_ipv4_address_count": 16, "network_acl": {"id": acl["id"]}});
    let subnet = client.post("subnets", body).await.ok();
    assert_eq!(subnet["network_acl"]["id"], acl["id"]);
    let path = format!("subnets/{}", id(&subnet));
    assert_eq!(client.get(&format!("{path}/network_acl")).await.ok()["id"], acl["id"]);
    let acl_path = format!("network_acls/{}", id(&acl));
    assert_eq!(client.delete(&acl_path).await.refused(), (409, "acl_in_use"));
    let default = json!({"id": vpc["default_network_acl"]["id"]}).to_string();
    let put = axum::http::Method::PUT;
    let replaced = client.call(put.clone(), &format!("{path}/network_acl"), &default).await;
    assert_eq!((replaced.status, &replaced.body["id"]), (201, &vpc["default_network_acl"]["id"]));
    assert_eq!(client.delete(&acl_path).await.status, 204);
    let default = format!("network_acls/{}", id(&vpc["default_network_acl"]));
    assert_eq!(client.delete(&default).await.refused(), (409, "acl_in_use"));
    let other = client.post("vpcs", json!({})).await.ok();
    let foreign = json!({"network_acl": {"id": other["default_network_acl"]["id"]}});
    let seen = client.patch(&path, foreign).await;
    assert_eq!((seen.refused(), seen.target()), ((400, "invalid_value"), "network_acl"));
    let foreign = json!({"routing_table": {"id": other["default_routing_table"]["id"]}});
    let seen = client.patch(&path, foreign).await;
    assert_eq!((seen.refused(), seen.target()), ((400, "bad_field"), "routing_table"));

    let tables = format!("vpcs/{}/routing_tables", id(&vpc));
    let list = client.get(&tables).await.ok();
    let table = &list["routing_tables"][0];
    assert_eq!((&list["total_count"], &table["is_default"]), (&json!(1), &json!(true)));
    assert_eq!(table["subnets"][0]["id"], subnet["id"]);
    let none = client.get(&format!("{tables}?is_default=false")).await.ok();
    assert_eq!(none["total_count"], 0);
    let one = format!("{tables}/{}", id(table));
    let renamed = client.patch(&one, json!({"name": "main"})).await.ok();
    assert_eq!(renamed["name"], "main");
    assert_eq!(client.get(&format!("{one}/routes")).await.ok()["routes"], json!([]));
    let made = client.post(&tables, json!({})).await;
    assert_eq!(made.refused(), (501, "not_implemented"));
    let of_table = client.get("subnets?routing_table.name=main").await.ok();
    assert_eq!(of_table["total_count"], 1);
    let shown = client.get(&format!("{path}/routing_table")).await.ok();
    let table = json!({"crn": shown["crn"]}).to_string();
    let replaced = client.call(put, &format!("{path}/routing_table"), &table).await;
    assert_eq!((replaced.status, &replaced.body["name"]), (201, &json!("main")));
}

/// Before 2025-12-09 the protocol `icmp_tcp_udp` was called `all`.
#[tokio::test]
async fn the_old_name_of_a_protocol_is_kept_for_old_versions() {
    let region = Region::new().await;
    let client = region.client().await;
    let (_, group) = group(&client).await;
    let path = format!("/v1/security_groups/{}/rules?version=2025-12-08&generation=2", id(&group));
    let body = json!({"direction": "inbound", "protocol": "all"}).to_string();
    let request = axum::http::Request::post(path).body(axum::body::Body::from(body)).unwrap();
    let made = client.send(request).await.ok();
    assert_eq!(made["protocol"], "all");
    let rules = client.get(&format!("security_groups/{}/rules", id(&group))).await.ok();
    assert_eq!(rules["rules"][0]["protocol"], "icmp_tcp_udp");
}
