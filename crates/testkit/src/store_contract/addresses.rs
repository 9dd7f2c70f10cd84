//! Addresses: any, a given one, a reserved one; what goes with an instance and what stays.

use std::net::Ipv4Addr;

use meta::{InstanceEnd, ReservedIpFilter, StoreError};
use model::{IpRequest, IpTarget, Refusal, ReservedIp, VniRefusal};
use policy::Action;

use super::{
    FreshStore,
    world::{Net, World, name, page, system},
};
use crate::{not_found, refused};

async fn reserve(w: &World, net: &Net, ip: ReservedIp) -> Result<ReservedIp, StoreError> {
    let subnet = &net.subnet.head.id;
    let permit = w.a.may(Action::SubnetUpdate, subnet);
    let change = w.change(&w.a, "is.subnet.subnet.update", subnet);
    w.store.reserved_ip_create(&permit, ip, change).await
}

/// Any free address is the lowest one; a given one must be in the range and free.
pub async fn reserved_ips_are_allocated(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let subnet = net.subnet.head.id.clone();
    let first = reserve(&w, &net, w.new_ip(&w.a, &subnet, "first")).await.unwrap();
    assert_eq!(first.address, Ipv4Addr::new(10, 240, 0, 4));
    let at = |last: u8, text: &str| {
        let mut ip = w.new_ip(&w.a, &subnet, text);
        ip.address = Ipv4Addr::new(10, 240, 0, last);
        ip
    };
    let sixth = reserve(&w, &net, at(6, "sixth")).await.unwrap();
    assert_eq!(sixth.address.octets()[3], 6);
    for (ip, why) in
        [(at(6, "again"), "it is taken"), (at(255, "broadcast"), "it is kept by the provider")]
    {
        let refusal = reserve(&w, &net, ip).await.unwrap_err();
        let StoreError::Refused(Refusal::AddressUnavailable { why: said, .. }) = refusal else {
            panic!("{refusal}")
        };
        assert_eq!(said, why);
    }
    let mut outside = w.new_ip(&w.a, &subnet, "outside");
    outside.address = Ipv4Addr::new(10, 240, 1, 9);
    let outside = reserve(&w, &net, outside).await;
    refused!(outside, StoreError::Refused(Refusal::AddressUnavailable { .. }));
    let next = reserve(&w, &net, w.new_ip(&w.a, &subnet, "next")).await.unwrap();
    assert_eq!(next.address.octets()[3], 5);
    let seventh = reserve(&w, &net, w.new_ip(&w.a, &subnet, "seventh")).await.unwrap();
    assert_eq!(seventh.address.octets()[3], 7);

    let by = |filter: ReservedIpFilter| {
        let (store, scope, subnet) = (w.store.clone(), w.a.sees(), subnet.clone());
        async move { store.reserved_ips(&scope, &subnet, &filter, &page(50)).await.unwrap() }
    };
    let named = by(ReservedIpFilter { name: Some("sixth".into()), ..Default::default() }).await;
    assert_eq!(named.items[0].ip, sixth);
    let addressed = ReservedIpFilter { address: Some(first.address), ..Default::default() };
    assert_eq!(by(addressed).await.items[0].ip, first);
    let permit = w.a.may(Action::SubnetOperate, &subnet);
    let change = || w.change(&w.a, "is.subnet.subnet.update", &subnet);
    let id = &first.head.id;
    w.store
        .reserved_ip_update(&permit, &subnet, id, Some(name("renamed")), Some(false), change())
        .await
        .unwrap();
    let view = w.store.reserved_ip(&w.a.sees(), &subnet, id).await.unwrap();
    assert!(!view.ip.auto_delete && view.ip.head.name == name("renamed") && view.target.is_none());
    let goes = w.store.reserved_ip_update(&permit, &subnet, id, None, Some(true), change()).await;
    refused!(goes, StoreError::Refused(Refusal::Vni(VniRefusal::AutoDeleteUnbound { .. })));
    w.store.reserved_ip_delete(&permit, &subnet, id, change()).await.unwrap();
    not_found!(w.store.reserved_ip(&w.a.sees(), &subnet, id).await);
}

/// A subnet of eight has three addresses to give, and then none.
pub async fn a_full_subnet_says_so(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let cidr = (Ipv4Addr::new(10, 240, 1, 0), 29);
    let (small, ips) = w.new_subnet(&w.a, &net.vpc, "small", cidr);
    let change = w.change(&w.a, "is.subnet.subnet.create", &small.head.id);
    let permit = w.a.may_make(Action::SubnetCreate);
    w.store.subnet_create(&permit, small.clone(), ips, change).await.unwrap();
    let net = Net { subnet: small.clone(), ..net };
    for n in 0..3 {
        let ip = w.new_ip(&w.a, &small.head.id, &format!("ip-{n}"));
        reserve(&w, &net, ip).await.unwrap();
    }
    let full = reserve(&w, &net, w.new_ip(&w.a, &small.head.id, "ip-3")).await;
    refused!(full, StoreError::Refused(Refusal::SubnetOutOfAddresses { .. }));
    let view = w.store.subnet(&w.a.sees(), &small.head.id).await.unwrap();
    assert_eq!(view.available_addresses, 0);
    let used = w.change(&w.a, "is.subnet.subnet.delete", &small.head.id);
    let permit = w.a.may(Action::SubnetDelete, &small.head.id);
    let used = w.store.subnet_delete(&permit, &small.head.id, used).await;
    refused!(used, StoreError::Refused(Refusal::SubnetNotEmpty { .. }));
}

/// An interface's address goes with it or stays, as was asked; a reserved one always stays.
pub async fn interface_addresses_go_or_stay(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let subnet = &net.subnet.head.id;
    let kept = reserve(&w, &net, w.new_ip(&w.a, subnet, "kept")).await.unwrap();
    let requests = [
        ("any", IpRequest::Any { name: Some(name("any-ip")) }),
        (
            "given",
            IpRequest::Address {
                address: Ipv4Addr::new(10, 240, 0, 100),
                name: None,
                auto_delete: false,
            },
        ),
        ("bound", IpRequest::Reserved(kept.head.id.clone())),
    ];
    for (text, request) in requests {
        let mut new = w.new_instance(&w.a, &net, text);
        new.nics[0].1 = request;
        let made = w.instance_put(&w.a, new).await;
        let nics = w.store.nics(&w.a.sees(), &made.id).await.unwrap();
        assert_eq!(nics.len(), 1);
        assert_eq!((nics[0].subnet.name.as_str(), nics[0].nic.primary), ("subnet", true));
        assert_eq!(nics[0].security_groups[0].name, "group");
        let id = &nics[0].nic.primary_ip;
        let view = w.store.reserved_ip(&w.a.sees(), subnet, id).await.unwrap();
        assert_eq!(view.ip.address, nics[0].address);
        assert!(matches!(&view.target, Some(IpTarget::Nic((_, of))) if of == &made.id));
        let permit = w.a.may(Action::SubnetUpdate, subnet);
        let change = w.change(&w.a, "is.subnet.subnet.update", subnet);
        let bound = w.store.reserved_ip_delete(&permit, subnet, id, change).await;
        refused!(bound, StoreError::Refused(Refusal::ReservedIpInUse { .. }));
        end(&w, &made).await;
    }
    let all = ReservedIpFilter::default();
    let left = w.store.reserved_ips(&w.a.sees(), subnet, &all, &page(50)).await.unwrap();
    let users: Vec<u8> = left
        .items
        .iter()
        .filter(|v| v.ip.owner == model::IpOwner::User)
        .map(|v| v.ip.address.octets()[3])
        .collect();
    assert_eq!(users, [4, 100]);
    assert!(left.items.iter().all(|v| v.ip.target.is_none()));
}

/// Deletes an instance and its row.
async fn end(w: &World, made: &super::world::Made) {
    let fence = w.claim_of(&made.job).await;
    w.instance_becomes(&made.id, model::InstanceStatus::Stopped).await;
    w.finish(&fence).await;
    let job = w.job(&w.a, "instance-delete", &made.id);
    let id = job.id.clone();
    let change = || w.change(&w.a, "is.instance.instance.delete", &made.id);
    let permit = w.a.may(Action::InstanceDelete, &made.id);
    w.store.instance_delete(&permit, &made.id, job, change()).await.unwrap();
    let fence = w.claim_of(&id).await;
    let volume_job = w.job(&w.a, "volume-delete", &made.volume);
    let jobs = vec![(made.volume.clone(), volume_job)];
    w.store
        .instance_gone(
            system(),
            &fence,
            &made.id,
            InstanceEnd { volumes: jobs, vnis: Vec::new() },
            change(),
        )
        .await
        .unwrap();
    w.finish(&fence).await;
}

/// An interface whose address another has is refused, and nothing of the instance is left.
pub async fn a_taken_address_leaves_nothing_behind(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.instance_put(&w.a, w.new_instance(&w.a, &net, "first")).await;
    let nic = &w.store.nics(&w.a.sees(), &made.id).await.unwrap()[0];
    let events = w.events(&w.a).await;
    for request in [
        IpRequest::Address { address: nic.address, name: None, auto_delete: true },
        IpRequest::Reserved(nic.nic.primary_ip.clone()),
    ] {
        let mut new = w.new_instance(&w.a, &net, "second");
        new.nics[0].1 = request;
        let (id, volume) = (new.instance.head.id.clone(), new.volumes[0].head.id.clone());
        let change = w.change(&w.a, "is.instance.instance.create", &id);
        let permit = w.a.may_make(Action::InstanceCreate);
        let taken = w.store.instance_create(&permit, new, change).await;
        refused!(taken, StoreError::Refused(Refusal::AddressUnavailable { .. }));
        not_found!(w.store.instance(&w.a.sees(), &id).await);
        not_found!(w.store.volume(&w.a.sees(), &volume).await);
    }
    assert_eq!(w.events(&w.a).await, events);
    let listed = w.store.instances(&w.a.sees(), &Default::default(), &page(10)).await.unwrap();
    assert_eq!((listed.total, listed.items.len()), (1, 1));
}
