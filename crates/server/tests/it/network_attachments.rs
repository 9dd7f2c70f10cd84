//! Instances with network attachments.

use serde_json::{Value, json};

use crate::region::{Client, Region, id, prototype, running, stock_image, subnet};

/// A prototype of an instance with a new virtual network interface in `subnet`.
fn attached(image: &str, subnet: &str, vni: Value) -> Value {
    let mut body = prototype(image, subnet);
    body["primary_network_interface"] = Value::Null;
    let mut new = json!({"subnet": {"id": subnet}});
    if let Some(more) = vni.as_object() {
        new.as_object_mut().unwrap().extend(more.clone());
    }
    body["primary_network_attachment"] = json!({"name": "eth0", "virtual_network_interface": new});
    body
}

/// A running instance of the stock image with one, in a subnet.
async fn with_attachment(region: &Region, client: &Client, vni: Value) -> (Value, String) {
    let (image, subnet) = (stock_image(client).await, subnet(client).await);
    let made = client.post("instances", attached(&image, &subnet, vni)).await;
    assert_eq!(made.status, 201, "{made:?}");
    region.settle().await;
    let seen = client.get(&format!("instances/{}", id(&made.ok()))).await.ok();
    assert_eq!(seen["status"], "running", "{}", seen["status_reasons"]);
    (seen, subnet)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_made_with_a_new_virtual_network_interface() {
    let (region, client) = Region::with_stock().await;
    let vni = json!({"name": "front", "ips": [{}], "primary_ip": {"address": "10.240.0.8"}});
    let (instance, subnet) = with_attachment(&region, &client, vni).await;
    let path = format!("instances/{}", id(&instance));
    let attachment = &instance["primary_network_attachment"];
    assert_eq!(instance["network_attachments"], json!([attachment]));
    assert_eq!(attachment["name"], "eth0");
    assert_eq!(attachment["resource_type"], "instance_network_attachment");
    assert_eq!(attachment["primary_ip"]["address"], "10.240.0.8");
    assert_eq!(attachment["subnet"]["id"], subnet.as_str());
    let named = &attachment["virtual_network_interface"];
    assert_eq!(
        (&named["name"], &named["resource_type"]),
        (&json!("front"), &json!("virtual_network_interface"))
    );
    let vni = client.get(&format!("virtual_network_interfaces/{}", id(named))).await.ok();
    assert_eq!((&vni["auto_delete"], &vni["crn"]), (&json!(true), &named["crn"]));
    let target = &vni["target"];
    assert_eq!((&target["id"], &target["href"]), (&attachment["id"], &attachment["href"]));
    assert_eq!(target["resource_type"], "instance_network_attachment");
    assert_eq!(vni["resource_group"], instance["resource_group"]);

    // Old clients see a network interface, which they cannot change.
    let nic = &instance["primary_network_interface"];
    assert_eq!((&nic["id"], &nic["name"]), (&attachment["id"], &attachment["name"]));
    assert_eq!(nic["primary_ip"], attachment["primary_ip"]);
    let nic_path = format!("{path}/network_interfaces/{}", id(nic));
    let whole = client.get(&nic_path).await.ok();
    let style = (409, "instance_network_style");
    assert_eq!(client.delete(&nic_path).await.refused(), style);
    let more = json!({"subnet": {"id": subnet}});
    let more = client.post(&format!("{path}/network_interfaces"), more).await;
    assert_eq!(more.refused(), style);
    let ip = client.post("floating_ips", json!({"target": {"id": id(nic)}})).await;
    assert_eq!((ip.refused(), ip.target()), (style, "target"));
    assert_eq!(whole["security_groups"], vni["security_groups"]);
    assert_eq!((&whole["status"], &whole["type"]), (&json!("available"), &json!("primary")));
    let seen = client.patch(&nic_path, json!({"name": "other"})).await;
    assert_eq!(seen.refused(), (409, "instance_network_style"));
    let groups = format!("security_groups/{}/targets/{}", id(&vni["security_groups"][0]), id(nic));
    assert_eq!(client.get(&groups).await.refused(), (404, "not_found"));

    let one = format!("{path}/network_attachments/{}", id(attachment));
    let seen = client.get(&one).await.ok();
    assert_eq!(
        client.get(&format!("{path}/network_attachments")).await.ok(),
        json!({"network_attachments": [seen]})
    );
    for (field, value) in [("lifecycle_state", json!("stable")), ("type", json!("primary"))] {
        assert_eq!(seen[field], value, "{field}");
    }
    assert_eq!(client.patch(&one, json!({"name": "renamed"})).await.ok()["name"], "renamed");
    assert_eq!(client.get(&nic_path).await.ok()["name"], "renamed");
    assert_eq!(client.delete(&one).await.refused(), (409, "invalid_state"));
    let busy = client.delete(&format!("virtual_network_interfaces/{}", id(&vni))).await;
    assert_eq!(busy.refused(), (409, "virtual_network_interface_in_use"));

    // It goes with the instance, and so do its addresses.
    assert_eq!(client.delete(&path).await.status, 204);
    region.settle().await;
    assert_eq!(client.get(&path).await.refused(), (404, "not_found"));
    let gone = client.get(&format!("virtual_network_interfaces/{}", id(&vni))).await;
    assert_eq!(gone.refused(), (404, "not_found"));
    let subnet = client.get(&format!("subnets/{subnet}")).await.ok();
    assert_eq!(subnet["available_ipv4_address_count"], 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_exists_outlives_its_instances() {
    let (region, client) = Region::with_stock().await;
    let (image, here) = (stock_image(&client).await, subnet(&client).await);
    let made = client.post("virtual_network_interfaces", json!({"subnet": {"id": here}}));
    let vni = made.await.ok();
    let path = format!("virtual_network_interfaces/{}", id(&vni));
    let mut body = attached(&image, &here, json!({}));
    body["primary_network_attachment"] = json!({"virtual_network_interface": {"id": vni["id"]}});
    for _ in 0..2 {
        let made = client.post("instances", body.clone()).await;
        assert_eq!(made.status, 201, "{made:?}");
        let instance = format!("instances/{}", id(&made.ok()));
        let taken = client.post("instances", body.clone()).await;
        assert_eq!(taken.refused(), (409, "virtual_network_interface_in_use"));
        region.settle().await;
        let seen = client.get(&instance).await.ok();
        assert_eq!(seen["primary_network_attachment"]["primary_ip"], vni["primary_ip"]);
        // Another group and setting are the attachment's at once.
        let nic =
            format!("{instance}/network_interfaces/{}", id(&seen["primary_network_interface"]));
        let spoofing = !client.get(&nic).await.ok()["allow_ip_spoofing"].as_bool().unwrap();
        client.patch(&path, json!({"allow_ip_spoofing": spoofing})).await.ok();
        assert_eq!(client.get(&nic).await.ok()["allow_ip_spoofing"], spoofing);
        let seen = client
            .patch(
                &path,
                json!({"allow_ip_spoofing": false,
            "enable_infrastructure_nat": false}),
            )
            .await;
        assert_eq!(seen.refused(), (409, "invalid_state"));
        let web = json!({"vpc": {"id": vni["vpc"]["id"]}});
        let web = client.post("security_groups", web).await.ok();
        let target = format!("security_groups/{}/targets/{}", id(&web), id(&vni));
        client.call(axum::http::Method::PUT, &target, "").await.ok();
        let groups = client.get(&nic).await.ok()["security_groups"].clone();
        assert!(groups.as_array().unwrap().iter().any(|group| group["id"] == web["id"]));
        assert_eq!(client.delete(&target).await.status, 204);

        client.delete(&instance).await;
        region.settle().await;
        assert_eq!(client.get(&instance).await.refused(), (404, "not_found"));
        let free = client.get(&path).await.ok();
        assert!(free.get("target").is_none());
        assert_eq!(free["primary_ip"], vni["primary_ip"]);
    }
    assert_eq!(client.delete(&path).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_come_and_go() {
    let (region, client) = Region::with_stock().await;
    let (instance, here) = with_attachment(&region, &client, json!({})).await;
    let path = format!("instances/{}/network_attachments", id(&instance));
    let new = json!({"name": "eth1", "virtual_network_interface": {"subnet": {"id": here}}});
    let made = client.post(&path, new.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.ok();
    assert_eq!((&made["type"], &made["name"]), (&json!("secondary"), &json!("eth1")));
    let taken = client.post(&path, new).await;
    assert_eq!(taken.refused(), (400, "validation_unique_failed"));
    let vni = client.post("virtual_network_interfaces", json!({"subnet": {"id": here}})).await.ok();
    let by_id = json!({"virtual_network_interface": {"id": vni["id"]}});
    let second = client.post(&path, by_id.clone()).await.ok();
    assert_eq!(
        client.post(&path, by_id).await.refused(),
        (409, "virtual_network_interface_in_use")
    );
    let more = json!({"virtual_network_interface": {"subnet": {"id": here}}});
    for _ in 0..2 {
        assert_eq!(client.post(&path, more.clone()).await.status, 201);
    }
    assert_eq!(client.post(&path, more).await.refused(), (400, "over_quota"));
    let seen = client.get(&format!("instances/{}", id(&instance))).await.ok();
    assert_eq!(seen["network_attachments"].as_array().unwrap().len(), 5);
    assert_eq!(seen["network_interfaces"].as_array().unwrap().len(), 5);
    assert_eq!(seen["primary_network_attachment"]["name"], "eth0");

    // What was made with its attachment goes with it; what was there before stays.
    for (attachment, status) in [(&made, 404), (&second, 200)] {
        let one = format!("{path}/{}", id(attachment));
        let attached = id(&attachment["virtual_network_interface"]);
        assert_eq!(client.delete(&one).await.status, 202);
        assert_eq!(client.get(&one).await.refused(), (404, "not_found"));
        assert_eq!(client.delete(&one).await.refused(), (404, "not_found"));
        let attached = client.get(&format!("virtual_network_interfaces/{attached}")).await;
        assert_eq!(attached.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_styles_do_not_mix() {
    let (region, client) = Region::with_stock().await;
    let (image, here) = (stock_image(&client).await, subnet(&client).await);
    let elsewhere = subnet(&client).await;
    let create = async |change: &dyn Fn(&mut Value)| {
        let mut body = attached(&image, &here, json!({}));
        change(&mut body);
        client.post("instances", body).await
    };
    let nic = json!({"subnet": {"id": here}});
    let far = json!({"virtual_network_interface": {"subnet": {"id": elsewhere}}});
    let unknown = json!({"virtual_network_interface": {"id": "0717-x"}});
    let primary = "primary_network_attachment";
    let vni = "primary_network_attachment.virtual_network_interface";
    let cases: [(&str, Value, &str, &str); 5] = [
        (
            "primary_network_interface",
            nic.clone(),
            "validation_only_one",
            "primary_network_interface",
        ),
        ("network_interfaces", json!([nic]), "validation_only_one", "network_interfaces"),
        (
            "network_attachments",
            json!([far]),
            "invalid_value",
            "network_attachments.virtual_network_interface.subnet",
        ),
        (primary, unknown, "bad_field", vni),
        (
            primary,
            json!({"virtual_network_interface": {"subnet": {"id": here},
            "enable_infrastructure_nat": false}}),
            "validation_failure",
            "primary_network_attachment.virtual_network_interface.enable_infrastructure_nat",
        ),
    ];
    for (field, value, code, target) in cases {
        let seen = create(&|body| body[field] = value.clone()).await;
        assert_eq!((seen.refused(), seen.target()), ((400, code), target), "{field}");
    }
    assert_eq!(client.get("virtual_network_interfaces").await.ok()["total_count"], 0);

    let old = running(&region, &client).await;
    assert_eq!((&old["network_attachments"], old.get(primary)), (&json!([]), None));
    let path = format!("instances/{}/network_attachments", id(&old));
    assert_eq!(client.get(&path).await.ok(), json!({"network_attachments": []}));
    let subnet = id(&old["primary_network_interface"]["subnet"]);
    let new = json!({"virtual_network_interface": {"subnet": {"id": subnet}}});
    assert_eq!(client.post(&path, new).await.refused(), (409, "instance_network_style"));
    let nic = format!("{path}/{}", id(&old["primary_network_interface"]));
    assert_eq!(client.get(&nic).await.refused(), (404, "not_found"));
    assert_eq!(client.get("virtual_network_interfaces").await.ok()["total_count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_keeps_its_attachments() {
    let (region, client) = Region::with_stock().await;
    let (image, here) = (stock_image(&client).await, subnet(&client).await);
    let body = attached(&image, &here, json!({"auto_delete": false}));
    let template = client.post("instance/templates", body.clone()).await.ok();
    let primary = "primary_network_attachment";
    assert_eq!(template[primary], body[primary]);
    assert_eq!(client.get("virtual_network_interfaces").await.ok()["total_count"], 0);
    let source = json!({"source_template": {"id": template["id"]}});
    for n in 1..=2 {
        let made = client.post("instances", source.clone()).await;
        assert_eq!(made.status, 201, "{made:?}");
        let vnis = client.get("virtual_network_interfaces").await.ok();
        assert_eq!(vnis["total_count"], n);
    }
    region.settle().await;
    let mut other = source;
    other["primary_network_interface"] = json!({"subnet": {"id": here}});
    let other = client.post("instances", other).await;
    assert_eq!(other.refused(), (400, "validation_only_one"));
    let mut lost = body;
    lost[primary] = json!({"virtual_network_interface": {"id": "0717-x"}});
    let lost = client.post("instance/templates", lost).await;
    assert_eq!(lost.refused(), (400, "bad_field"));
}
