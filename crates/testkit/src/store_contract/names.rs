//! Names are unique where they must be, and limits hold at both sides.

use std::net::Ipv4Addr;

use meta::{Change, StoreError};
use model::{AttachmentKind, IpRequest, Limit, Refusal};
use policy::Action;

use super::{
    FreshStore,
    world::{World, name},
};
use crate::refused;

/// A name is taken once for its type in an account, and free in another account.
pub async fn names_are_unique_in_an_account(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    for tenant in [&w.a, &w.b] {
        let net = w.net(tenant).await;
        let made = w.stopped(tenant, &net, "same").await;
        w.image_create(tenant, w.new_image(tenant, "same"), &made.volume).await.unwrap();
        w.key(tenant, "same").await;
        let other = w.stopped(tenant, &net, "other").await;
        let image = w.image_create(tenant, w.new_image(tenant, "same"), &other.volume).await;
        refused!(image, StoreError::Refused(Refusal::NameTaken { kind: "image", .. }));
        let change = Change::default;
        let s = &w.store;
        let key = model::SshKey { fingerprint: "x".into(), ..w.new_key(tenant, "same") };
        let key = s.key_create(&tenant.may_make(Action::KeyCreate), key, change()).await;
        refused!(key, StoreError::Refused(Refusal::NameTaken { kind: "key", .. }));
        let vpc = w.new_vpc(tenant, "net");
        let vpc = s.vpc_create(&tenant.may_make(Action::VpcCreate), vpc, change()).await;
        refused!(vpc, StoreError::Refused(Refusal::NameTaken { kind: "VPC", .. }));
        let volume = w.new_volume(tenant, "same-boot");
        let permit = tenant.may_make(Action::VolumeCreate);
        let volume = s.volume_create(&permit, volume, change()).await;
        refused!(volume, StoreError::Refused(Refusal::NameTaken { kind: "volume", .. }));
        let mut instance = w.new_instance(tenant, &net, "same");
        instance.volumes[0].head.name = name("yet-another");
        let permit = tenant.may_make(Action::InstanceCreate);
        let instance = s.instance_create(&permit, instance, change()).await;
        refused!(instance, StoreError::Refused(Refusal::NameTaken { kind: "instance", .. }));
    }
}

/// A name is taken once in its parent.
pub async fn names_are_unique_in_a_parent(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let (vpc, subnet) = (&net.vpc.head.id, &net.subnet.head.id);
    let change = Change::default;
    let s = &w.store;
    let cidr = (Ipv4Addr::new(10, 240, 1, 0), 24);
    let (twin, ips) = w.new_subnet(&w.a, &net.vpc, "subnet", cidr);
    let twin = s.subnet_create(&w.a.may_make(Action::SubnetCreate), twin, ips, change()).await;
    refused!(twin, StoreError::Refused(Refusal::NameTaken { kind: "subnet", .. }));
    let mut prefix = w.new_prefix(&w.a, vpc, 0);
    prefix.cidr = (Ipv4Addr::new(192, 168, 0, 0), 24);
    let prefix = s.prefix_create(&w.a.may(Action::VpcUpdate, vpc), prefix, change()).await;
    refused!(prefix, StoreError::Refused(Refusal::NameTaken { kind: "address prefix", .. }));
    let ip = w.new_ip(&w.a, subnet, "ibm-0");
    let ip = s.reserved_ip_create(&w.a.may(Action::SubnetUpdate, subnet), ip, change()).await;
    refused!(ip, StoreError::Refused(Refusal::NameTaken { kind: "reserved IP", .. }));

    let permit = w.a.may_make(Action::InstanceCreate);
    let two_nics = |second: &str| {
        let mut new = w.new_instance(&w.a, &net, "vm");
        let mut nic = new.nics[0].0.clone();
        nic.head = w.head(&w.a, base::NicId::mint("0717-", &*w.entropy), second);
        nic.primary = false;
        new.nics.push((nic, IpRequest::Any { name: None }));
        let (store, permit) = (w.store.clone(), permit.clone());
        async move { store.instance_create(&permit, new, Change::default()).await }
    };
    let twins = two_nics("eth0").await;
    refused!(twins, StoreError::Refused(Refusal::NameTaken { kind: "network interface", .. }));
    two_nics("eth1").await.unwrap();
    let mut new = w.new_instance(&w.a, &net, "disks");
    new.volumes.push(w.new_data_volume(&w.a, "data"));
    let mut data = w.new_attachment(&new.instance.head.id, &new.volumes[1].head.id, 1);
    data.name = new.attachments[0].name.clone();
    new.attachments.push(data);
    let twins = s.instance_create(&permit, new, change()).await;
    refused!(twins, StoreError::Refused(Refusal::NameTaken { kind: "volume attachment", .. }));
}

fn over(result: Result<(), StoreError>, limit: Limit) {
    match result {
        Err(StoreError::Refused(Refusal::OverLimit { limit: said })) => assert_eq!(said, limit),
        other => panic!("expected {}, got {other:?}", limit.name),
    }
}

/// The limits of keys and volumes hold for one account alone, at both sides.
pub async fn account_limits(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    for n in 0..Limit::KEYS_MAX.max {
        w.key(&w.a, &format!("key-{n}")).await;
    }
    let permit = w.a.may_make(Action::KeyCreate);
    let more = w.store.key_create(&permit, w.new_key(&w.a, "more"), Change::default()).await;
    over(more, Limit::KEYS_MAX);
    w.key(&w.b, "theirs").await;
    for n in 0..Limit::VOLUMES_MAX.max {
        w.volume_put(&w.a, w.new_data_volume(&w.a, &format!("volume-{n}"))).await;
    }
    let permit = w.a.may_make(Action::VolumeCreate);
    let more = w.new_data_volume(&w.a, "more");
    let more = w.store.volume_create(&permit, more, Change::default()).await;
    over(more, Limit::VOLUMES_MAX);
    w.volume_put(&w.b, w.new_data_volume(&w.b, "theirs")).await;
}

/// The limits of VPCs, prefixes and subnets, at both sides.
pub async fn network_limits(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let change = Change::default;
    let permit = w.a.may_make(Action::VpcCreate);
    for n in 1..Limit::VPCS_MAX.max {
        let vpc = w.new_vpc(&w.a, &format!("vpc-{n}"));
        w.store.vpc_create(&permit, vpc, change()).await.unwrap();
    }
    let more = w.store.vpc_create(&permit, w.new_vpc(&w.a, "more"), change()).await;
    over(more, Limit::VPCS_MAX);
    let vpc = &net.vpc.head.id;
    let put = |n: u64| {
        let mut prefix = w.new_prefix(&w.a, vpc, 0);
        prefix.head.name = name(&format!("more-{n}"));
        prefix.cidr = (Ipv4Addr::new(172, 16, u8::try_from(n).unwrap(), 0), 24);
        prefix.is_default = false;
        let (store, permit) = (w.store.clone(), w.a.may(Action::VpcUpdate, vpc));
        async move { store.prefix_create(&permit, prefix, Change::default()).await }
    };
    for n in 3..Limit::PREFIXES_PER_VPC_MAX.max {
        put(n).await.unwrap();
    }
    over(put(99).await, Limit::PREFIXES_PER_VPC_MAX);
    let put = |n: u64| {
        // The /24 of the world comes first.
        let first = u32::from(Ipv4Addr::new(10, 240, 1, 0)) + u32::try_from(n).unwrap() * 8;
        let cidr = (Ipv4Addr::from(first), 29);
        let (subnet, _) = w.new_subnet(&w.a, &net.vpc, &format!("subnet-{n}"), cidr);
        let (store, permit) = (w.store.clone(), w.a.may_make(Action::SubnetCreate));
        async move { store.subnet_create(&permit, subnet, Vec::new(), Change::default()).await }
    };
    for n in 1..Limit::SUBNETS_PER_VPC_MAX.max {
        put(n).await.unwrap();
    }
    over(put(500).await, Limit::SUBNETS_PER_VPC_MAX);
}

/// The limits of one instance and of an account's vCPUs, at both sides.
pub async fn instance_limits(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let permit = w.a.may_make(Action::InstanceCreate);
    let put = |new: meta::NewInstance| {
        let (store, permit) = (w.store.clone(), permit.clone());
        async move { store.instance_create(&permit, new, Change::default()).await }
    };
    let with_data = |text: &str, count: u32| {
        let mut new = w.new_instance(&w.a, &net, text);
        for n in 1..=count {
            let volume = w.new_data_volume(&w.a, &format!("{text}-{n}"));
            let attachment = w.new_attachment(&new.instance.head.id, &volume.head.id, n);
            assert_eq!(attachment.kind, AttachmentKind::Data);
            new.volumes.push(volume);
            new.attachments.push(attachment);
        }
        new
    };
    let most = u32::try_from(Limit::DATA_VOLUMES_MAX.max).unwrap();
    put(with_data("full", most)).await.unwrap();
    over(put(with_data("over", most + 1)).await, Limit::DATA_VOLUMES_MAX);
    let with_user_data = |text: &str, more: usize| {
        let mut new = w.new_instance(&w.a, &net, text);
        let most = usize::try_from(Limit::USER_DATA_BYTES_MAX.max).unwrap();
        new.instance.user_data = Some("x".repeat(most + more));
        new
    };
    put(with_user_data("long", 0)).await.unwrap();
    over(put(with_user_data("longer", 1)).await, Limit::USER_DATA_BYTES_MAX);
    let mut keys = Vec::new();
    for n in 0..=Limit::KEYS_PER_INSTANCE_MAX.max {
        keys.push(w.key(&w.a, &format!("key-{n}")).await.head.id);
    }
    let mut new = w.new_instance(&w.a, &net, "locked");
    new.instance.keys = keys.clone();
    over(put(new.clone()).await, Limit::KEYS_PER_INSTANCE_MAX);
    new.instance.keys.pop();
    put(new).await.unwrap();
    // Three instances of two vCPUs are there.
    let of = |text: &str, profile: &str| {
        let mut new = w.new_instance(&w.a, &net, text);
        new.instance.profile = profile.to_owned();
        new
    };
    for n in 0..6 {
        put(of(&format!("big-{n}"), "bx2-32x128")).await.unwrap();
    }
    over(put(of("four", "bx2-4x16")).await, Limit::VCPUS_MAX);
    put(of("two", "bx2-2x8")).await.unwrap();
    over(put(of("more", "bx2-2x8")).await, Limit::VCPUS_MAX);
}
