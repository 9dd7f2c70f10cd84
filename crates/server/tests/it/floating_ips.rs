//! Floating IPs, by themselves and by what they are bound to; public gateways.

use axum::http::Method;
use serde_json::{Value, json};

use crate::region::{Region, id, running};

#[tokio::test]
async fn a_floating_ip_of_a_zone() {
    let region = Region::new().await;
    let client = region.client().await;
    let zone = json!({"name": "us-south-1"});
    let made = client.post("floating_ips", json!({"zone": zone, "name": "door"})).await;
    assert_eq!(made.status, 201);
    let ip = made.ok();
    assert!(ip["address"].as_str().unwrap().starts_with("127."), "{ip}");
    assert!(ip["crn"].as_str().unwrap().contains(":us-south-1:"), "{ip}");
    assert!(ip.get("target").is_none());
    let again = client.post("floating_ips", json!({"zone": zone, "name": "door"})).await;
    assert_eq!(again.refused(), (400, "validation_unique_failed"));
    let nothing = client.post("floating_ips", json!({})).await;
    assert_eq!(nothing.refused(), (400, "validation_required_field"));
    let unknown = client.post("floating_ips", json!({"target": {"id": "0717-x"}})).await;
    assert_eq!((unknown.refused(), unknown.target()), ((400, "bad_field"), "target"));
    let path = format!("floating_ips/{}", id(&ip));
    assert_eq!(client.get(&path).await.ok(), ip);
    assert_eq!(client.patch(&path, json!({})).await.ok(), ip);
    assert_eq!(client.patch(&path, json!({"name": "gate"})).await.ok()["name"], "gate");
    let unknown = client.patch(&path, json!({"target": {"id": "0717-x"}})).await;
    assert_eq!((unknown.refused(), unknown.target()), ((400, "bad_field"), "target"));
    assert_eq!(client.get("floating_ips?limit=1").await.ok()["total_count"], 1);
    let other = client.get("floating_ips?target.resource_type=public_gateway").await.ok();
    assert_eq!(other["total_count"], 0);
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
    assert_eq!(client.delete(&path).await.refused(), (404, "not_found"));
}

#[tokio::test]
async fn a_floating_ip_is_bound_from_both_sides() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let nic = id(&instance["primary_network_interface"]);
    let by_target = json!({"target": {"id": nic}, "name": "first"});
    let first = client.post("floating_ips", by_target.clone()).await.ok();
    assert_eq!((&first["target"]["id"], &first["zone"]), (&json!(nic), &instance["zone"]));
    let second = client.post("floating_ips", json!({"target": {"id": nic}})).await;
    let expected = ((409, "floating_ip_target_taken"), "target");
    assert_eq!((second.refused(), second.target()), expected);
    let path = format!("instances/{}/network_interfaces/{nic}", id(&instance));
    let shown = client.get(&path).await.ok();
    assert_eq!(shown["floating_ips"][0]["address"], first["address"]);
    let ips = format!("{path}/floating_ips");
    assert_eq!(client.get(&ips).await.ok(), json!({"floating_ips": [first]}));
    let one = format!("{ips}/{}", id(&first));
    assert_eq!(client.get(&one).await.ok(), first);
    let primary = &instance["primary_network_interface"]["primary_ip"];
    assert_eq!(&first["target"]["primary_ip"], primary);
    assert_eq!(first["target"]["resource_type"], "network_interface");
    assert_eq!(client.delete(&one).await.status, 204);
    assert_eq!(client.get(&one).await.refused(), (404, "not_found"));
    assert_eq!(client.delete(&one).await.refused(), (404, "not_found"));
    let put = client.call(Method::PUT, &one, "").await;
    assert_eq!((put.status, &put.body["target"]["id"]), (201, &json!(nic)));
    let free = client.patch(&format!("floating_ips/{}", id(&first)), json!({"target": null})).await;
    assert!(free.ok().get("target").is_none());
    let zone = json!({"zone": {"name": "us-south-2"}});
    let far = client.post("floating_ips", zone).await.ok();
    let put = client.call(Method::PUT, &format!("{ips}/{}", id(&far)), "").await;
    assert_eq!((put.refused(), put.target()), ((400, "invalid_value"), "target"));
    let put = client.call(Method::PUT, &format!("{ips}/r006-x"), "").await;
    assert_eq!(put.refused(), (404, "not_found"));

    let addresses = client.get(&format!("{path}/ips")).await.ok();
    let primary: &Value = &instance["primary_network_interface"]["primary_ip"];
    assert_eq!(addresses["ips"][0]["address"], primary["address"]);
    let address = client.get(&format!("{path}/ips/{}", id(primary))).await.ok();
    assert_eq!(address["target"]["id"], json!(nic));
    let other = client.get(&format!("{path}/ips/0717-x")).await;
    assert_eq!(other.refused(), (404, "not_found"));

    let bound = client.post("floating_ips", json!({"target": {"id": nic}})).await.ok();
    client.delete(&format!("instances/{}", id(&instance))).await;
    region.settle().await;
    let seen = client.get(&format!("floating_ips/{}", id(&bound))).await.ok();
    assert!(seen.get("target").is_none(), "{seen}");
}

/// A VPC and a subnet of one zone.
async fn net(client: &crate::region::Client) -> (Value, Value) {
    let vpc = client.post("vpcs", json!({})).await.ok();
    let body = json!({"vpc": {"id": vpc["id"]}, "zone": {"name": "us-south-1"},
        "total_ipv4_address_count": 16});
    let subnet = client.post("subnets", body).await.ok();
    (vpc, subnet)
}

#[tokio::test]
async fn a_public_gateway_with_a_floating_ip_of_its_own() {
    let region = Region::new().await;
    let client = region.client().await;
    let (vpc, _) = net(&client).await;
    let zone = json!({"name": "us-south-1"});
    let body = json!({"vpc": {"id": vpc["id"]}, "zone": zone, "name": "gate",
        "floating_ip": {"name": "out"}});
    let made = client.post("public_gateways", body.clone()).await;
    assert_eq!(made.status, 201);
    let gateway = made.ok();
    assert_eq!(gateway["floating_ip"]["name"], "out");
    assert_eq!((&gateway["vpc"]["id"], &gateway["status"]), (&vpc["id"], &json!("available")));
    assert!(gateway["crn"].as_str().unwrap().contains(":us-south-1:"), "{gateway}");
    let more = json!({"vpc": {"id": vpc["id"]}, "zone": zone});
    let again = client.post("public_gateways", more).await;
    let expected = ((409, "public_gateway_exists"), "zone");
    assert_eq!((again.refused(), again.target()), expected);
    let path = format!("public_gateways/{}", id(&gateway));
    assert_eq!(client.get(&path).await.ok(), gateway);
    assert_eq!(client.patch(&path, json!({})).await.ok(), gateway);
    assert_eq!(client.patch(&path, json!({"name": "door"})).await.ok()["name"], "door");
    assert_eq!(client.get("public_gateways?limit=1").await.ok()["total_count"], 1);
    let ip = format!("floating_ips/{}", id(&gateway["floating_ip"]));
    let seen = client.get(&ip).await.ok();
    assert_eq!((&seen["target"]["id"], &seen["target"]["crn"]), (&gateway["id"], &gateway["crn"]));
    assert_eq!(client.delete(&ip).await.refused(), (409, "floating_ip_in_use"));
    let unbound = client.patch(&ip, json!({"target": null})).await;
    assert_eq!(unbound.refused(), (409, "floating_ip_in_use"));
    assert_eq!(client.patch(&ip, json!({"name": "way"})).await.ok()["name"], "way");
    let crn = gateway["crn"].as_str().unwrap();
    for (filter, count) in [
        ("target.resource_type=public_gateway".to_owned(), 1),
        ("target.resource_type=network_interface".to_owned(), 0),
        (format!("target.crn={crn}"), 1),
        ("target.crn=crn:v1:x".to_owned(), 0),
        (format!("target.id={}", id(&gateway)), 1),
        ("target.name=door".to_owned(), 1),
        ("target.name=gate".to_owned(), 0),
    ] {
        let found = client.get(&format!("floating_ips?{filter}")).await.ok();
        assert_eq!(found["total_count"], count, "{filter}");
    }
    let vpc_path = format!("vpcs/{}", id(&vpc));
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
    assert_eq!(client.get(&ip).await.refused(), (404, "not_found"));
    assert_eq!(client.get(&vpc_path).await.status, 200);
}

#[tokio::test]
async fn a_subnet_and_its_public_gateway() {
    let region = Region::new().await;
    let client = region.client().await;
    let (vpc, subnet) = net(&client).await;
    let path = format!("subnets/{}", id(&subnet));
    let of = format!("{path}/public_gateway");
    assert!(subnet.get("public_gateway").is_none());
    assert_eq!(client.get(&of).await.refused(), (404, "not_found"));
    assert_eq!(client.delete(&of).await.refused(), (404, "not_found"));
    let free = json!({"zone": {"name": "us-south-1"}});
    let ip = client.post("floating_ips", free).await.ok();
    let make = |zone: &str, ip: Value| {
        let vpc = id(&vpc);
        client.post(
            "public_gateways",
            json!({"vpc": {"id": vpc}, "zone": {"name": zone}, "floating_ip": ip}),
        )
    };
    let far = make("us-south-2", json!({"id": id(&ip)})).await;
    assert_eq!((far.refused(), far.target()), ((409, "floating_ip_in_use"), "floating_ip"));
    let unknown = make("us-south-1", json!({"address": "127.0.0.9"})).await;
    assert_eq!((unknown.refused(), unknown.target()), ((400, "bad_field"), "floating_ip"));
    let gateway = make("us-south-1", json!({"address": ip["address"]})).await.ok();
    assert_eq!(gateway["floating_ip"]["id"], ip["id"]);
    let far = make("us-south-2", json!({})).await.ok();
    let bound = make("us-south-3", json!({"id": id(&ip)})).await;
    assert_eq!(bound.refused(), (409, "floating_ip_in_use"));

    let put = async |body: Value| client.call(Method::PUT, &of, &body.to_string()).await;
    let wrong = put(json!({"id": id(&far)})).await;
    assert_eq!((wrong.refused(), wrong.target()), ((400, "invalid_value"), "public_gateway"));
    let unknown = put(json!({"id": "r006-x"})).await;
    assert_eq!(unknown.refused(), (400, "bad_field"));
    let set = put(json!({"crn": gateway["crn"]})).await;
    assert_eq!((set.status, &set.body["id"]), (201, &gateway["id"]));
    assert_eq!(client.get(&of).await.ok(), gateway);
    assert_eq!(client.get(&path).await.ok()["public_gateway"]["id"], gateway["id"]);
    let at = format!("public_gateways/{}", id(&gateway));
    assert_eq!(client.delete(&at).await.refused(), (409, "public_gateway_in_use"));
    assert_eq!(client.delete(&of).await.status, 204);
    let patch = |gateway: Value| client.patch(&path, json!({"public_gateway": gateway}));
    assert_eq!(
        patch(json!({"id": id(&gateway)})).await.ok()["public_gateway"]["name"],
        gateway["name"]
    );
    assert!(patch(Value::Null).await.ok().get("public_gateway").is_none());
    let more = json!({"vpc": {"id": id(&vpc)}, "zone": {"name": "us-south-1"},
        "total_ipv4_address_count": 16, "public_gateway": {"id": id(&gateway)}});
    let second = client.post("subnets", more).await.ok();
    assert_eq!(second["public_gateway"]["resource_type"], "public_gateway");
    // A subnet that goes frees its gateway, and a VPC keeps its own.
    assert_eq!(client.delete(&format!("subnets/{}", id(&second))).await.status, 204);
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(
        client.delete(&format!("vpcs/{}", id(&vpc))).await.refused(),
        (409, "vpc_not_empty")
    );
    for one in [&gateway, &far] {
        assert_eq!(client.delete(&format!("public_gateways/{}", id(one))).await.status, 204);
    }
    let seen = client.get(&format!("floating_ips/{}", id(&ip))).await.ok();
    assert!(seen.get("target").is_none(), "{seen}");
    assert_eq!(client.delete(&format!("vpcs/{}", id(&vpc))).await.status, 204);
}

#[tokio::test]
async fn interfaces_come_to_an_instance_and_leave_it() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let primary = &instance["primary_network_interface"];
    let (subnet, all) =
        (id(&primary["subnet"]), format!("instances/{}/network_interfaces", id(&instance)));
    let body = json!({"subnet": {"id": subnet}, "name": "second", "allow_ip_spoofing": true});
    let made = client.post(&all, body.clone()).await;
    assert_eq!(made.status, 201);
    let nic = made.ok();
    assert_eq!((&nic["type"], &nic["status"]), (&json!("secondary"), &json!("available")));
    assert_eq!((&nic["name"], &nic["allow_ip_spoofing"]), (&json!("second"), &json!(true)));
    assert_eq!(nic["security_groups"].as_array().unwrap().len(), 1);
    assert_eq!(client.post(&all, body).await.refused(), (400, "validation_unique_failed"));
    let unknown = client.post(&all, json!({"subnet": {"id": "0717-x"}})).await;
    assert_eq!((unknown.refused(), unknown.target()), ((400, "bad_field"), "subnet"));
    let (_, other) = net(&client).await;
    let other = client.post(&all, json!({"subnet": {"id": id(&other)}})).await;
    assert_eq!((other.refused(), other.target()), ((400, "invalid_value"), "subnet"));
    let unknown = json!({"subnet": {"id": subnet}, "security_groups": [{"id": "r006-x"}]});
    let unknown = client.post(&all, unknown).await;
    assert_eq!((unknown.refused(), unknown.target()), ((400, "bad_field"), "security_groups"));
    let path = format!("{all}/{}", id(&nic));
    let patch = client.patch(&path, json!({"allow_ip_spoofing": false, "name": "more"})).await.ok();
    assert_eq!((&patch["allow_ip_spoofing"], &patch["name"]), (&json!(false), &json!("more")));
    let null = client.patch(&path, json!({"allow_ip_spoofing": null})).await;
    assert_eq!(null.refused(), (400, "validation_failure"));
    assert_eq!(client.patch(&path, json!({})).await.ok(), patch);
    let of = format!("instances/{}", id(&instance));
    let seen = client.get(&of).await.ok();
    assert_eq!(seen["network_interfaces"].as_array().unwrap().len(), 2);
    let ip = client.post("floating_ips", json!({"target": {"id": id(&nic)}})).await.ok();
    let first = client.delete(&format!("{all}/{}", id(primary))).await;
    assert_eq!(first.refused(), (409, "invalid_state"));
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
    assert_eq!(client.delete(&path).await.refused(), (404, "not_found"));
    let free = client.get(&format!("floating_ips/{}", id(&ip))).await.ok();
    assert!(free.get("target").is_none(), "{free}");
    let address = format!("subnets/{subnet}/reserved_ips/{}", id(&nic["primary_ip"]));
    assert_eq!(client.get(&address).await.refused(), (404, "not_found"));
}
