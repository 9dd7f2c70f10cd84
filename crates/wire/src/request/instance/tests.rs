use model::IpRequest;
use serde_json::{Value, json};

use super::*;
use crate::request::testing::{parse, seen};

fn create(change: impl FnOnce(&mut Value)) -> Result<InstancePrototype, ApiError> {
    let mut body = json!({
        "zone": {"name": "us-south-1"},
        "image": {"id": "r006-1"},
        "primary_network_interface": {"subnet": {"id": "0717-1"}},
    });
    change(&mut body);
    parse(body, instance_prototype)
}

fn wrong(change: impl FnOnce(&mut Value)) -> (ErrorCode, String) {
    seen(create(change))
}

fn at(path: &str, code: ErrorCode) -> (ErrorCode, String) {
    (code, path.to_owned())
}

fn nics(instance: &InstancePrototype) -> &[NicPrototype] {
    match &instance.network {
        InstanceNetwork::Interfaces(nics) => nics,
        InstanceNetwork::Attachments(_) => panic!("network attachments"),
    }
}

#[test]
fn image_zone_and_subnet_are_enough() {
    let instance = create(|_| ()).unwrap();
    let image = ImageId::parse("r006-1").unwrap();
    assert_eq!(instance.boot.source, VolumeSource::Image(image, NewVolume::default()));
    assert_eq!(nics(&instance)[0].primary_ip, IpRequest::Any { name: None });
    assert_eq!(instance.profile, None);
    assert!(!instance.metadata_service.enabled);
}

#[test]
fn what_is_needed_is_named() {
    let required = ErrorCode::ValidationRequiredField;
    assert_eq!(wrong(|b| b["zone"] = Value::Null), at("zone", required));
    assert_eq!(wrong(|b| b["image"] = Value::Null), at("image", required));
    let nic = "primary_network_interface";
    assert_eq!(wrong(|b| b[nic] = Value::Null), at(nic, required));
    assert_eq!(wrong(|b| b[nic] = json!({})), at("primary_network_interface.subnet", required));
    let disk = json!({"volume": {"capacity": 100}});
    assert_eq!(
        wrong(|b| b["boot_volume_attachment"] = disk),
        at("boot_volume_attachment.volume.profile", required)
    );
}

#[test]
fn an_instance_boots_from_an_image_or_from_a_volume() {
    let volume = json!({"volume": {"id": "r006-2"}});
    let by_volume = create(|b| {
        b["image"] = Value::Null;
        b["boot_volume_attachment"] = volume.clone();
    });
    let id = VolumeId::parse("r006-2").unwrap();
    assert_eq!(by_volume.unwrap().boot.source, VolumeSource::Existing(id));
    assert_eq!(
        wrong(|b| b["boot_volume_attachment"] = volume),
        at("image", ErrorCode::ValidationOnlyOne)
    );
    let by_snapshot = wrong(|b| {
        b["image"] = Value::Null;
        let volume = json!({"source_snapshot": {"id": "r006-3"}, "profile": {"name": "x"}});
        b["boot_volume_attachment"] = json!({"volume": volume});
    });
    assert_eq!(by_snapshot.0, ErrorCode::NotImplemented);
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    for (field, value) in [
        ("source_template", json!({"id": "0717-1"})),
        ("catalog_offering", json!({"version": {"crn": "x"}})),
        ("enable_secure_boot", json!(true)),
        ("placement_target", json!({"id": "x"})),
    ] {
        assert_eq!(wrong(|b| b[field] = value), at(field, ErrorCode::NotImplemented));
    }
    assert!(create(|b| b["enable_secure_boot"] = json!(false)).is_ok());
    assert!(create(|b| b["cluster_network_attachments"] = json!([])).is_ok());
    let key = json!({"volume": {"profile": {"name": "general-purpose"},
        "encryption_key": {"crn": "crn"}}});
    assert_eq!(
        wrong(|b| b["boot_volume_attachment"] = key),
        at("boot_volume_attachment.volume.encryption_key", ErrorCode::NotImplemented)
    );
}

#[test]
fn user_data_at_its_limit() {
    let data = |len: usize| create(|b| b["user_data"] = json!("a".repeat(len)));
    assert!(data(65_536).is_ok());
    assert_eq!(seen(data(65_537)), at("user_data", ErrorCode::ValidationMaxValue));
}

#[test]
fn keys_at_their_limit() {
    let keys = |n: usize| create(|b| b["keys"] = json!(vec![json!({"id": "r006-9"}); n]));
    assert_eq!(keys(100).unwrap().keys.len(), 100);
    assert_eq!(seen(keys(101)), at("keys", ErrorCode::ValidationMaxValue));
    assert_eq!(
        wrong(|b| b["keys"] = json!([{"id": "r006-9"}, {}])),
        at("keys[1].id", ErrorCode::ValidationRequiredField)
    );
}

#[test]
fn metadata_hops_at_their_limits() {
    let hops = |n: i64| create(|b| b["metadata_service"] = json!({"response_hop_limit": n}));
    assert_eq!(hops(1).unwrap().metadata_service.response_hop_limit, 1);
    assert_eq!(hops(64).unwrap().metadata_service.response_hop_limit, 64);
    assert_eq!(seen(hops(0)).0, ErrorCode::ValidationMinValue);
    assert_eq!(seen(hops(65)).0, ErrorCode::ValidationMaxValue);
}

#[test]
fn data_volumes_are_new_or_exist() {
    let of = |volume: Value| create(|b| b["volume_attachments"] = json!([{"volume": volume}]));
    assert!(of(json!({"id": "r006-5"})).unwrap().data[0].volume.is_ok());
    let new = json!({"capacity": 20, "profile": {"name": "5iops-tier"}});
    let made = of(new).unwrap().data.remove(0).volume.unwrap_err();
    assert_eq!(made.capacity, Some(ByteCount::from_gb(20)));
    let missing = seen(of(json!({"profile": {"name": "5iops-tier"}})));
    assert_eq!(
        missing,
        at("volume_attachments[0].volume.capacity", ErrorCode::VolumeCapacityMissing)
    );
}

#[test]
fn an_instance_has_interfaces_or_attachments() {
    let nic = || json!({"subnet": {"id": "0717-1"}});
    let attachment = || json!({"virtual_network_interface": nic()});
    let (primary, others) = ("primary_network_interface", "network_interfaces");
    let attached = |body: &mut Value| {
        body[primary] = Value::Null;
        body["primary_network_attachment"] = attachment();
        body["network_attachments"] = json!([attachment()]);
    };
    match create(attached).unwrap().network {
        InstanceNetwork::Attachments(all) => assert_eq!(all.len(), 2),
        InstanceNetwork::Interfaces(_) => panic!("network interfaces"),
    }
    let only_one = ErrorCode::ValidationOnlyOne;
    let both = wrong(|b| b["primary_network_attachment"] = attachment());
    assert_eq!(both, at(primary, only_one));
    let both = wrong(|b| b["network_attachments"] = json!([attachment()]));
    assert_eq!(both, at(primary, only_one));
    let both = wrong(|b| {
        attached(b);
        b[others] = json!([nic()]);
    });
    assert_eq!(both, at(others, only_one));
    let none = wrong(|b| {
        b[primary] = Value::Null;
        b["network_attachments"] = json!([attachment()]);
    });
    assert_eq!(none, at("primary_network_attachment", ErrorCode::ValidationRequiredField));
    let none = wrong(|b| {
        b[primary] = Value::Null;
        b["primary_network_attachment"] = json!({});
    });
    let field = "primary_network_attachment.virtual_network_interface";
    assert_eq!(none, at(field, ErrorCode::ValidationRequiredField));
}

#[test]
fn addresses_are_asked_for_in_three_ways() {
    let ip = |value: Value| {
        create(|b| b["primary_network_interface"]["primary_ip"] = value)
            .map(|i| nics(&i)[0].primary_ip.clone())
    };
    let address = std::net::Ipv4Addr::new(10, 240, 0, 9);
    assert_eq!(
        ip(json!({"address": "10.240.0.9", "auto_delete": false})).unwrap(),
        IpRequest::Address { address, name: None, auto_delete: false }
    );
    let reserved = base::ReservedIpId::parse("0717-7").unwrap();
    assert_eq!(ip(json!({"id": "0717-7"})).unwrap(), IpRequest::Reserved(reserved.clone()));
    let href = "http://127.0.0.1:9000/v1/subnets/0717-1/reserved_ips/0717-7";
    assert_eq!(ip(json!({"href": href})).unwrap(), IpRequest::Reserved(reserved));
    let path = "primary_network_interface.primary_ip.address";
    assert_eq!(seen(ip(json!({"address": "10.0.0"}))), at(path, ErrorCode::InvalidValue));
}
