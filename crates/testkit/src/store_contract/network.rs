//! VPCs, prefixes, subnets and keys.

use std::net::Ipv4Addr;

use meta::{ReservedIpFilter, SecurityGroupFilter, StoreError, SubnetFilter, VpcFilter};
use model::{Refusal, RuleRemote, SubnetPatch};
use policy::Action;

use super::{
    FreshStore,
    world::{World, name, page},
};
use crate::{not_found, refused};

/// A VPC comes with its defaults, and goes with them once it is empty.
pub async fn a_vpc_and_its_defaults(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let (scope, vpc) = (w.a.sees(), &net.vpc.head.id);
    let view = w.store.vpc(&scope, vpc).await.unwrap();
    assert_eq!(view.vpc, net.vpc);
    assert_eq!(view.default_acl.name, "acl");
    assert_eq!(view.default_security_group.name, "group");
    assert_eq!(view.default_routing_table.name, "table");
    assert_eq!(view.group_name, "Default");
    let acl = w.store.acl(&scope, &net.vpc.default_acl).await.unwrap();
    assert_eq!((&acl.acl.vpc, acl.group_name.as_str()), (vpc, "Default"));
    let table = &net.vpc.default_routing_table;
    let table = w.store.routing_table(&scope, vpc, table).await.unwrap();
    assert!(table.table.is_default);
    assert_eq!(table.subnets[0].0.id, net.subnet.head.id);
    let view = w.store.security_group(&scope, &net.security_group).await.unwrap();
    let group = &view.group;
    let rules: Vec<_> = group.rules.iter().map(|r| (r.name.as_str(), r.inbound)).collect();
    assert_eq!(rules, [("in", true), ("out", false)]);
    let RuleRemote::Group(own) = &group.rules[0].remote else { panic!("{group:?}") };
    assert_eq!((&own.id, own.name.as_str()), (&net.security_group, "group"));
    let filter = SecurityGroupFilter { vpc: Some(vpc.clone()), ..Default::default() };
    let groups = w.store.security_groups(&scope, &filter, &page(10)).await.unwrap();
    assert_eq!(groups.items, [view]);

    let delete = || w.a.may(Action::VpcDelete, vpc);
    let change = w.change(&w.a, "is.vpc.vpc.delete", vpc);
    let refusal = w.store.vpc_delete(&delete(), vpc, change.clone()).await;
    refused!(refusal, StoreError::Refused(Refusal::VpcNotEmpty { what: "subnets", .. }));
    let subnet = &net.subnet.head.id;
    let permit = w.a.may(Action::SubnetDelete, subnet);
    let gone = w.change(&w.a, "is.subnet.subnet.delete", subnet);
    w.store.subnet_delete(&permit, subnet, gone).await.unwrap();
    w.store.vpc_delete(&delete(), vpc, change).await.unwrap();
    not_found!(w.store.vpc(&scope, vpc).await);
    not_found!(w.store.acl(&scope, &net.vpc.default_acl).await);
    not_found!(w.store.security_group(&scope, &net.security_group).await);
    not_found!(w.store.routing_table(&scope, vpc, &net.vpc.default_routing_table).await);
}

/// A rename names the revision it saw; a stale one changes nothing.
pub async fn renames_compare_the_revision(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let (vpc, subnet) = (&net.vpc.head.id, &net.subnet.head.id);
    let change = || w.change(&w.a, "is.vpc.vpc.update", vpc);
    let permit = w.a.may(Action::VpcUpdate, vpc);
    w.store.vpc_rename(&permit, vpc, 1, name("renamed"), change()).await.unwrap();
    let stale = w.store.vpc_rename(&permit, vpc, 1, name("again"), change()).await;
    refused!(stale, StoreError::Changed { .. });
    let view = w.store.vpc(&w.a.sees(), vpc).await.unwrap();
    assert_eq!((view.vpc.head.name.as_str(), view.vpc.head.revision), ("renamed", 2));
    let permit = w.a.may(Action::SubnetUpdate, subnet);
    let named = |text| SubnetPatch { name: Some(name(text)), ..SubnetPatch::default() };
    w.store.subnet_update(&permit, subnet, 1, named("other"), change()).await.unwrap();
    let stale = w.store.subnet_update(&permit, subnet, 1, named("again"), change()).await;
    refused!(stale, StoreError::Changed { .. });
    assert_eq!(w.store.subnet(&w.a.sees(), subnet).await.unwrap().subnet.head.name, name("other"));
}

/// VPCs by name and group.
pub async fn vpcs_are_filtered(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let find = |filter: VpcFilter| {
        let (store, scope) = (w.store.clone(), w.a.sees());
        async move { store.vpcs(&scope, &filter, &page(10)).await.unwrap().items.len() }
    };
    assert_eq!(find(VpcFilter::default()).await, 1);
    assert_eq!(find(VpcFilter { name: Some("net".into()), group: None }).await, 1);
    assert_eq!(find(VpcFilter { name: Some("x".into()), group: None }).await, 0);
    assert_eq!(find(VpcFilter { name: None, group: Some(w.b.group.clone()) }).await, 0);
    let find = |filter: SubnetFilter| {
        let (store, scope) = (w.store.clone(), w.a.sees());
        async move { store.subnets(&scope, &filter, &page(10)).await.unwrap().total }
    };
    assert_eq!(find(SubnetFilter::default()).await, 1);
    let vpc_name = Some("net".to_owned());
    assert_eq!(find(SubnetFilter { vpc_name, ..SubnetFilter::default() }).await, 1);
    let zone = Some("us-south-2".to_owned());
    assert_eq!(find(SubnetFilter { zone, ..SubnetFilter::default() }).await, 0);
    let vpc = Some(net.vpc.head.id.clone());
    assert_eq!(find(SubnetFilter { vpc, ..SubnetFilter::default() }).await, 1);
    let filter = SubnetFilter { vpc: Some(net.vpc.head.id.clone()), ..Default::default() };
    let subnets = w.store.subnets(&w.a.sees(), &filter, &page(10)).await.unwrap().items;
    assert_eq!(subnets.into_iter().map(|s| s.subnet).collect::<Vec<_>>(), [net.subnet]);
}

/// Prefixes of a VPC lie apart; a new default takes the zone over; one with subnets stays.
pub async fn prefixes(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let vpc = &net.vpc.head.id;
    let permit = || w.a.may(Action::VpcUpdate, vpc);
    let change = || w.change(&w.a, "is.vpc.vpc.update", vpc);
    let listed = w.store.prefixes(&w.a.sees(), vpc, &page(10)).await.unwrap();
    assert_eq!(listed.total, 3);
    // Newest first: the prefix of the first zone, which has the subnet, comes last.
    let used: Vec<bool> = listed.items.iter().map(|(_, used)| *used).collect();
    assert_eq!(used, [false, false, true]);
    let (first, _) = listed.items[2].clone();

    let mut new = w.new_prefix(&w.a, vpc, 0);
    new.head.name = name("more");
    let overlap = w.store.prefix_create(&permit(), new.clone(), change()).await;
    refused!(overlap, StoreError::Refused(Refusal::RangeOverlap { .. }));
    new.cidr = (Ipv4Addr::new(192, 168, 0, 0), 24);
    w.store.prefix_create(&permit(), new.clone(), change()).await.unwrap();
    let get = |id| {
        let (store, scope, vpc) = (w.store.clone(), w.a.sees(), vpc.clone());
        async move { store.prefix(&scope, &vpc, &id).await }
    };
    assert!(get(new.head.id.clone()).await.unwrap().0.is_default);
    assert!(!get(first.head.id.clone()).await.unwrap().0.is_default);
    w.store
        .prefix_update(&permit(), vpc, &first.head.id, Some(name("main")), Some(true), change())
        .await
        .unwrap();
    let main = get(first.head.id.clone()).await.unwrap().0;
    assert!(main.is_default && main.head.name == name("main"));
    assert!(!get(new.head.id.clone()).await.unwrap().0.is_default);
    let used = w.store.prefix_delete(&permit(), vpc, &first.head.id, change()).await;
    refused!(used, StoreError::Refused(Refusal::PrefixInUse { .. }));
    w.store.prefix_delete(&permit(), vpc, &new.head.id, change()).await.unwrap();
    not_found!(get(new.head.id).await);
}

/// A subnet lies in a prefix of its zone and apart from every other.
pub async fn subnets_lie_in_prefixes(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let permit = w.a.may_make(Action::SubnetCreate);
    let put = |cidr: (Ipv4Addr, u8), text: &'static str| {
        let (subnet, ips) = w.new_subnet(&w.a, &net.vpc, text, cidr);
        let change = w.change(&w.a, "is.subnet.subnet.create", text);
        let (store, permit) = (w.store.clone(), permit.clone());
        async move { store.subnet_create(&permit, subnet, ips, change).await }
    };
    let outside = put((Ipv4Addr::new(10, 250, 0, 0), 24), "outside").await;
    refused!(outside, StoreError::Refused(Refusal::NotInAddressPrefix { .. }));
    let elsewhere = put((Ipv4Addr::new(10, 240, 64, 0), 24), "elsewhere").await;
    refused!(elsewhere, StoreError::Refused(Refusal::NotInAddressPrefix { .. }));
    let inside = put((Ipv4Addr::new(10, 240, 0, 128), 25), "inside").await;
    refused!(inside, StoreError::Refused(Refusal::RangeOverlap { .. }));
    let around = put((Ipv4Addr::new(10, 240, 0, 0), 20), "around").await;
    refused!(around, StoreError::Refused(Refusal::RangeOverlap { .. }));
    put((Ipv4Addr::new(10, 240, 1, 0), 24), "beside").await.unwrap();

    let free = |count| {
        let (store, scope, vpc) = (w.store.clone(), w.a.sees(), net.vpc.head.id.clone());
        async move { store.subnet_range_free(&scope, &vpc, "us-south-1", count).await }
    };
    assert_eq!(free(256).await.unwrap(), (Ipv4Addr::new(10, 240, 2, 0), 24));
    assert_eq!(free(8192).await.unwrap(), (Ipv4Addr::new(10, 240, 32, 0), 19));
    refused!(free(16_384).await, StoreError::Refused(Refusal::NoSpaceForSubnet { .. }));
    let zone = w.store.subnet_range_free(&w.a.sees(), &net.vpc.head.id, "us-south-9", 8).await;
    refused!(zone, StoreError::Refused(Refusal::NoDefaultAddressPrefix { .. }));
}

/// A new subnet has the provider's five addresses; they cannot be changed.
pub async fn provider_addresses(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let subnet = &net.subnet.head.id;
    let view = w.store.subnet(&w.a.sees(), subnet).await.unwrap();
    assert_eq!(view.available_addresses, 251);
    assert_eq!((view.vpc.name.as_str(), view.acl.name.as_str()), ("net", "acl"));
    let all = ReservedIpFilter::default();
    let ips = w.store.reserved_ips(&w.a.sees(), subnet, &all, &page(10)).await.unwrap();
    let last: Vec<u8> = ips.items.iter().map(|v| v.ip.address.octets()[3]).collect();
    assert_eq!(last, [0, 1, 2, 3, 255]);
    let id = &ips.items[0].ip.head.id;
    let permit = w.a.may(Action::SubnetUpdate, subnet);
    let change = || w.change(&w.a, "is.subnet.subnet.update", subnet);
    let update =
        w.store.reserved_ip_update(&permit, subnet, id, Some(name("x")), None, change()).await;
    refused!(update, StoreError::Refused(Refusal::ReservedIpInUse { .. }));
    let delete = w.store.reserved_ip_delete(&permit, subnet, id, change()).await;
    refused!(delete, StoreError::Refused(Refusal::ReservedIpInUse { .. }));
}

/// Keys: by id, by fingerprint, renamed, deleted; the same content is not kept twice.
pub async fn ssh_keys(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let key = w.key(&w.a, "one").await;
    let id = &key.head.id;
    assert_eq!(w.store.key(&w.a.sees(), id).await.unwrap(), (key.clone(), "Default".into()));
    assert_eq!(w.store.key_by_fingerprint(&w.a.sees(), "SHA256:one").await.unwrap(), key);
    not_found!(w.store.key_by_fingerprint(&w.a.sees(), "SHA256:two").await);
    let mut same = w.new_key(&w.a, "two");
    same.fingerprint = key.fingerprint.clone();
    let change = || w.change(&w.a, "is.key.key.update", id);
    let made = w.a.may_make(Action::KeyCreate);
    let taken = w.store.key_create(&made, same.clone(), change()).await;
    refused!(taken, StoreError::Refused(Refusal::KeyContentExists { .. }));
    // Another account may have the same key.
    let theirs = model::SshKey { fingerprint: key.fingerprint.clone(), ..w.new_key(&w.b, "one") };
    w.store.key_create(&w.b.may_make(Action::KeyCreate), theirs, change()).await.unwrap();
    let permit = w.a.may(Action::KeyUpdate, id);
    w.store.key_rename(&permit, id, 1, name("uno"), change()).await.unwrap();
    let stale = w.store.key_rename(&permit, id, 1, name("eins"), change()).await;
    refused!(stale, StoreError::Changed { .. });
    let named = w.store.keys(&w.a.sees(), Some("uno"), &page(10)).await.unwrap();
    assert_eq!((named.total, named.items[0].0.head.id.clone()), (1, id.clone()));
    assert_eq!(w.store.keys(&w.a.sees(), Some("one"), &page(10)).await.unwrap().total, 0);
    w.store.key_delete(&w.a.may(Action::KeyDelete, id), id, change()).await.unwrap();
    not_found!(w.store.key(&w.a.sees(), id).await);
}
