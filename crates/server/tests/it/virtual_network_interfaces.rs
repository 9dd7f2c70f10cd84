//! Virtual network interfaces on their own: settings, addresses, groups, deletion.

use serde_json::{Value, json};

use crate::region::{Client, Region, id, subnet};

/// A virtual network interface in a subnet.
async fn vni(client: &Client, subnet: &str, more: Value) -> Value {
    let mut body = json!({"subnet": {"id": subnet}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = client.post("virtual_network_interfaces", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.header("etag").starts_with("W/"));
    made.ok()
}

#[tokio::test]
async fn one_is_made_read_changed_listed_and_deleted() {
    let region = Region::new().await;
    let client = region.client().await;
    let subnet = subnet(&client).await;
    let made = vni(&client, &subnet, json!({"name": "front"})).await;
    let path = format!("virtual_network_interfaces/{}", id(&made));
    assert!(id(&made).starts_with("0717-"), "{made}");
    let crn = made["crn"].as_str().unwrap();
    assert!(crn.contains(":is:us-south-1:a/"), "{crn}");
    assert!(crn.contains("::virtual-network-interface:0717-"), "{crn}");
    assert!(made["href"].as_str().unwrap().ends_with(&path));
    for (field, value) in [
        ("allow_ip_spoofing", json!(false)),
        ("auto_delete", json!(false)),
        ("enable_infrastructure_nat", json!(true)),
        ("lifecycle_state", json!("stable")),
        ("name", json!("front")),
        ("protocol_state_filtering_mode", json!("auto")),
        ("resource_type", json!("virtual_network_interface")),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert_eq!(made["ips"], json!([made["primary_ip"]]));
    assert!(made.get("target").is_none());
    let vpc = client.get(&format!("vpcs/{}", id(&made["vpc"]))).await.ok();
    let group = &vpc["default_security_group"];
    assert_eq!(made["security_groups"][0]["id"], group["id"]);
    assert_eq!(client.get(&path).await.ok(), made);

    let changes = json!({"name": "back", "allow_ip_spoofing": true,
        "protocol_state_filtering_mode": "disabled"});
    let seen = client.patch(&path, changes.clone()).await;
    let etag = seen.header("etag").to_owned();
    let changed = seen.ok();
    for (field, value) in changes.as_object().unwrap() {
        assert_eq!(&changed[field], value, "{field}");
    }
    assert_eq!(client.patch(&path, json!({})).await.header("etag"), etag);
    let list = client.get("virtual_network_interfaces").await.ok();
    assert_eq!(
        (&list["total_count"], &list["virtual_network_interfaces"][0]),
        (&json!(1), &changed)
    );
    let other = "virtual_network_interfaces?resource_group.id=0123";
    assert_eq!(client.get(other).await.ok()["total_count"], 0);

    let ip = format!("subnets/{subnet}/reserved_ips/{}", id(&made["primary_ip"]));
    let target = client.get(&ip).await.ok()["target"].clone();
    for field in ["crn", "href", "id", "resource_type"] {
        assert_eq!(target[field], changed[field], "{field}");
    }
    assert_eq!(client.delete(&ip).await.refused(), (409, "reserved_ip_in_use"));
    let gone = client.delete(&path).await;
    assert_eq!((gone.status, &gone.body["lifecycle_state"]), (202, &json!("deleting")));
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
    assert_eq!(client.delete(&path).await.refused(), (404, "not_found"));
    // Its address went with it.
    assert_eq!(client.get(&ip).await.refused(), (404, "not_found"));
}

#[tokio::test]
async fn a_change_is_compared_with_the_etag() {
    let region = Region::new().await;
    let client = region.client().await;
    let made = vni(&client, &subnet(&client).await, json!({})).await;
    let path = format!("virtual_network_interfaces/{}", id(&made));
    let first = client.get(&path).await.header("etag").to_owned();
    let body = json!({"name": "second"}).to_string();
    let patch = |tag: String| {
        let (client, path, body) = (client.clone(), path.clone(), body.clone());
        async move {
            let headers = [("if-match", tag.as_str())];
            client.call_with(axum::http::Method::PATCH, &path, &body, &headers).await
        }
    };
    assert_eq!(patch(first.clone()).await.status, 200);
    assert_eq!(patch(first.clone()).await.refused(), (412, "precondition_failed"));
    let headers = [("if-match", first.as_str())];
    let old = client.call_with(axum::http::Method::DELETE, &path, "", &headers).await;
    assert_eq!(old.refused(), (412, "precondition_failed"));
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let region = Region::new().await;
    let client = region.client().await;
    let (here, elsewhere) = (subnet(&client).await, subnet(&client).await);
    let there = client.get(&format!("subnets/{elsewhere}")).await.ok();
    let vpc = client.get(&format!("vpcs/{}", id(&there["vpc"]))).await.ok();
    let foreign = json!([{"id": vpc["default_security_group"]["id"]}]);
    let unknown = "0717-00000000-0000-4000-8000-000000000000";
    let reserved = client.post(&format!("subnets/{here}/reserved_ips"), json!({})).await.ok();
    vni(&client, &here, json!({"name": "taken", "primary_ip": {"id": reserved["id"]}})).await;
    let cases = [
        ("name", json!("taken"), 400, "validation_unique_failed", "name"),
        ("name", json!("ibm-mine"), 400, "validation_invalid_name", "name"),
        ("auto_delete", json!(true), 400, "validation_failure", "auto_delete"),
        ("subnet", json!({"id": unknown}), 400, "bad_field", "subnet"),
        ("subnet", Value::Null, 400, "validation_required_field", "subnet"),
        ("security_groups", foreign, 400, "invalid_value", "security_groups"),
        ("security_groups", json!([{"id": unknown}]), 400, "bad_field", "security_groups"),
        ("primary_ip", json!({"id": unknown}), 400, "bad_field", "primary_ip"),
        ("primary_ip", json!({"id": reserved["id"]}), 400, "address_unavailable", "address"),
        ("primary_ip", json!({"address": "10.1.1.1"}), 400, "address_unavailable", "address"),
        ("ips", json!([{}, {}, {}, {}, {}, {}, {}, {}]), 400, "over_quota", ""),
        ("resource_group", json!({"id": "0123"}), 400, "bad_field", "resource_group.id"),
    ];
    for (field, value, status, code, target) in cases {
        let mut body = json!({"subnet": {"id": here}});
        body[field] = value.clone();
        let seen = client.post("virtual_network_interfaces", body).await;
        assert_eq!((seen.refused(), seen.target()), ((status, code), target), "{field} {value}");
    }
    let both = json!({"subnet": {"id": here}, "allow_ip_spoofing": true,
        "enable_infrastructure_nat": false});
    let seen = client.post("virtual_network_interfaces", both).await;
    assert_eq!((seen.refused(), seen.target()), ((400, "validation_failure"), "allow_ip_spoofing"));
    let list = client.get("virtual_network_interfaces").await.ok();
    assert_eq!(list["total_count"], 1);
    let free = client.get(&format!("subnets/{here}")).await.ok();
    assert_eq!(free["available_ipv4_address_count"], 10);
}

#[tokio::test]
async fn addresses_come_and_go() {
    let region = Region::new().await;
    let client = region.client().await;
    let here = subnet(&client).await;
    let ips_of = format!("subnets/{here}/reserved_ips");
    let kept = client.post(&ips_of, json!({"name": "kept"})).await.ok();
    let more = json!({"ips": [{"name": "zulu"}, {"address": "10.240.0.9", "name": "alpha"},
        {"id": kept["id"]}]});
    let made = vni(&client, &here, more).await;
    assert_eq!(made["ips"].as_array().unwrap().len(), 4);
    assert_eq!(made["ips"][0], made["primary_ip"]);
    let path = format!("virtual_network_interfaces/{}/ips", id(&made));
    let names = async |query: &str| -> Vec<String> {
        let list = client.get(&format!("{path}?{query}")).await.ok();
        let ips = list["ips"].as_array().unwrap().clone();
        ips.iter().map(|ip| ip["name"].as_str().unwrap().to_owned()).collect()
    };
    let by_name = names("sort=name").await;
    assert!(by_name.is_sorted() && by_name.len() == 4, "{by_name:?}");
    let mut reversed = names("sort=-name").await;
    reversed.reverse();
    assert_eq!(reversed, by_name);
    assert_eq!(names("sort=-address").await[0], "alpha");
    let wrong = client.get(&format!("{path}?sort=created_at")).await;
    assert_eq!(wrong.refused(), (400, "validation_enum"));
    // Pages, in both orders.
    for sort in ["name", "-name", "address", "-address"] {
        let all = names(&format!("sort={sort}")).await;
        let mut seen = Vec::new();
        let mut next = format!("{path}?sort={sort}&limit=3");
        loop {
            let page = client.get(&next).await.ok();
            assert_eq!(page["total_count"], 4);
            let ips = page["ips"].as_array().unwrap();
            seen.extend(ips.iter().map(|ip| ip["name"].as_str().unwrap().to_owned()));
            let Some(href) = page["next"]["href"].as_str() else { break };
            next = href.split("/v1/").nth(1).unwrap().to_owned();
        }
        assert_eq!(seen, all, "{sort}");
    }

    let primary = format!("{path}/{}", id(&made["primary_ip"]));
    assert_eq!(client.get(&primary).await.ok(), made["primary_ip"]);
    assert_eq!(client.delete(&primary).await.refused(), (409, "reserved_ip_in_use"));
    let one = format!("{path}/{}", id(&kept));
    assert_eq!(client.delete(&one).await.status, 204);
    assert_eq!(client.get(&one).await.refused(), (404, "not_found"));
    assert_eq!(client.delete(&one).await.refused(), (404, "not_found"));
    let free = client.get(&format!("{ips_of}/{}", id(&kept))).await.ok();
    assert!(free.get("target").is_none());
    let put = axum::http::Method::PUT;
    let added = client.call(put.clone(), &one, "").await.ok();
    assert_eq!((&added["id"], &added["address"]), (&kept["id"], &kept["address"]));
    assert_eq!(client.call(put.clone(), &one, "").await.status, 200);

    // One that goes with its target is deleted when it is unbound.
    let zulu = made["ips"].as_array().unwrap().iter().find(|ip| ip["name"] == "zulu").unwrap();
    assert_eq!(client.delete(&format!("{path}/{}", id(zulu))).await.status, 204);
    let gone = client.get(&format!("{ips_of}/{}", id(zulu))).await;
    assert_eq!(gone.refused(), (404, "not_found"));

    let other = vni(&client, &here, json!({})).await;
    let taken = format!("virtual_network_interfaces/{}/ips/{}", id(&other), id(&kept));
    assert_eq!(client.call(put.clone(), &taken, "").await.refused(), (400, "address_unavailable"));
    let elsewhere = subnet(&client).await;
    let far = client.post(&format!("subnets/{elsewhere}/reserved_ips"), json!({})).await.ok();
    let far = format!("virtual_network_interfaces/{}/ips/{}", id(&other), id(&far));
    assert_eq!(client.call(put, &far, "").await.refused(), (400, "validation_failure"));
    // What is kept stays when the interface goes.
    client.delete(&format!("virtual_network_interfaces/{}", id(&made))).await.ok();
    let free = client.get(&format!("{ips_of}/{}", id(&kept))).await.ok();
    assert!(free.get("target").is_none());
}

#[tokio::test]
async fn a_reserved_ip_is_bound_when_it_is_made() {
    let region = Region::new().await;
    let client = region.client().await;
    let here = subnet(&client).await;
    let made = vni(&client, &here, json!({})).await;
    let path = format!("subnets/{here}/reserved_ips");
    let target = json!({"id": made["id"]});
    let bound = client.post(&path, json!({"target": target, "auto_delete": true})).await.ok();
    assert_eq!(bound["target"]["id"], made["id"]);
    let unbound = client.post(&path, json!({"auto_delete": true})).await;
    assert_eq!((unbound.refused(), unbound.target()), ((400, "validation_failure"), "auto_delete"));
    let free = client.post(&path, json!({"name": "free"})).await.ok();
    let patch = json!({"auto_delete": true});
    let unbound = client.patch(&format!("{path}/{}", id(&free)), patch.clone()).await;
    assert_eq!(unbound.refused(), (400, "validation_failure"));
    let one = format!("{path}/{}", id(&bound));
    assert_eq!(client.patch(&one, json!({"auto_delete": false})).await.ok()["auto_delete"], false);
    assert_eq!(client.patch(&one, patch).await.ok()["auto_delete"], true);
    let unknown = "0717-00000000-0000-4000-8000-000000000000";
    let bad = client.post(&path, json!({"target": {"id": unknown}})).await;
    assert_eq!((bad.refused(), bad.target()), ((400, "bad_field"), "target"));
    let far = format!("subnets/{}/reserved_ips", subnet(&client).await);
    let far = client.post(&far, json!({"target": target})).await;
    assert_eq!(far.refused(), (400, "validation_failure"));

    let count = async |query: &str| {
        client.get(&format!("{path}?{query}")).await.ok()["total_count"].clone()
    };
    let (made_id, name) = (id(&made), made["name"].as_str().unwrap());
    assert_eq!(count(&format!("target.id={made_id}")).await, 2);
    assert_eq!(count(&format!("target.crn={}", made["crn"].as_str().unwrap())).await, 2);
    assert_eq!(count(&format!("target.name={name}")).await, 2);
    assert_eq!(count("target.resource_type=virtual_network_interface").await, 2);
    for nothing in [
        "target.id=0717-x",
        "target.name=x",
        "target.resource_type=load_balancer",
        "target.resource_type=network_interface",
    ] {
        assert_eq!(count(nothing).await, 0, "{nothing}");
    }
    // A secondary address may be deleted while it is bound.
    assert_eq!(client.delete(&one).await.status, 204);
    let left = client.get(&format!("virtual_network_interfaces/{made_id}")).await.ok();
    assert_eq!(left["ips"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn reserved_ips_are_listed_in_any_order() {
    let region = Region::new().await;
    let client = region.client().await;
    let here = subnet(&client).await;
    let path = format!("subnets/{here}/reserved_ips");
    for name in ["mike", "alpha", "zulu"] {
        region.clock.advance(std::time::Duration::from_secs(1));
        client.post(&path, json!({"name": name})).await.ok();
    }
    for (sort, field) in [
        ("address", "address"),
        ("-address", "address"),
        ("name", "name"),
        ("-name", "name"),
        ("created_at", "created_at"),
        ("-created_at", "created_at"),
    ] {
        let mut seen: Vec<String> = Vec::new();
        let mut next = format!("{path}?sort={sort}&limit=3");
        loop {
            let page = client.get(&next).await.ok();
            assert_eq!(page["total_count"], 8, "{sort}");
            let ips = page["reserved_ips"].as_array().unwrap();
            seen.extend(ips.iter().map(|ip| ip[field].as_str().unwrap().to_owned()));
            let Some(href) = page["next"]["href"].as_str() else { break };
            next = href.split("/v1/").nth(1).unwrap().to_owned();
        }
        assert_eq!(seen.len(), 8, "{sort}");
        if sort.starts_with('-') {
            seen.reverse();
        }
        if field == "address" {
            let address = |text: &String| text.parse::<std::net::Ipv4Addr>().unwrap();
            assert!(seen.is_sorted_by_key(address), "{sort}: {seen:?}");
        } else {
            assert!(seen.is_sorted(), "{sort}: {seen:?}");
        }
    }
    for wrong in ["size", "-", "--name"] {
        let seen = client.get(&format!("{path}?sort={wrong}")).await;
        assert_eq!(seen.refused(), (400, "validation_enum"), "{wrong}");
    }
}

#[tokio::test]
async fn it_is_in_security_groups() {
    let region = Region::new().await;
    let client = region.client().await;
    let here = subnet(&client).await;
    let made = vni(&client, &here, json!({})).await;
    let web = json!({"name": "web", "vpc": {"id": made["vpc"]["id"]}});
    let web = client.post("security_groups", web).await.ok();
    let target = |group: &Value| format!("security_groups/{}/targets/{}", id(group), id(&made));
    let put = axum::http::Method::PUT;
    let added = client.call(put.clone(), &target(&web), "").await.ok();
    for field in ["crn", "href", "id", "name", "primary_ip", "resource_type", "subnet"] {
        assert_eq!(added[field], made[field], "{field}");
    }
    assert_eq!(client.call(put, &target(&web), "").await.status, 200);
    assert_eq!(client.get(&target(&web)).await.ok(), added);
    let group = client.get(&format!("security_groups/{}", id(&web))).await.ok();
    assert_eq!(group["targets"], json!([added]));
    let used = client.delete(&format!("security_groups/{}", id(&web))).await;
    assert_eq!(used.refused(), (409, "security_group_in_use"));
    let default = &made["security_groups"][0];
    assert_eq!(client.delete(&target(default)).await.status, 204);
    let last = client.delete(&target(&web)).await;
    assert_eq!(last.refused(), (409, "security_group_target_last"));
    let left = client.get(&format!("virtual_network_interfaces/{}", id(&made))).await.ok();
    assert_eq!(left["security_groups"].as_array().unwrap().len(), 1);
    assert_eq!(left["security_groups"][0]["id"], web["id"]);
}

#[tokio::test]
async fn another_account_sees_nothing_of_it() {
    let region = Region::new().await;
    let client = region.client().await;
    let here = subnet(&client).await;
    let made = vni(&client, &here, json!({})).await;
    let other = region.control.account_create("other").await.unwrap();
    let other = region.sign_in(&other.api_key).await;
    let path = format!("virtual_network_interfaces/{}", id(&made));
    assert_eq!(other.get(&path).await.refused(), (404, "not_found"));
    assert_eq!(other.patch(&path, json!({"name": "x"})).await.refused(), (404, "not_found"));
    assert_eq!(other.delete(&path).await.refused(), (404, "not_found"));
    assert_eq!(other.get("virtual_network_interfaces").await.ok()["total_count"], 0);
    let floating = client.get(&format!("{path}/floating_ips")).await;
    assert_eq!(floating.refused(), (501, "not_implemented"));
}
