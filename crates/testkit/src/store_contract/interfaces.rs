//! Network interfaces that come to an instance and leave it.

use base::{NicId, ReservedIpId};
use meta::{Change, StoreError};
use model::{
    FloatingIp, FloatingTarget, IpRequest, Nic, NicPatch, Refusal, VniRefusal,
    catalog::instance_profile,
};
use policy::Action;

use super::{
    FreshStore,
    world::{Made, Net, World, name},
};
use crate::{not_found, refused};

impl World {
    fn new_nic(&self, net: &Net, vm: &Made, text: &str) -> Nic {
        Nic {
            head: self.head(&self.a, NicId::mint("0717-", &*self.entropy), text),
            instance: vm.id.clone(),
            subnet: net.subnet.head.id.clone(),
            primary_ip: ReservedIpId::mint("0717-", &*self.entropy),
            security_groups: vec![net.security_group.clone()],
            allow_ip_spoofing: false,
            primary: false,
            mac: "02:00:00:00:00:02".to_owned(),
        }
    }

    async fn nic_put(&self, nic: Nic) -> Result<(), StoreError> {
        let permit = self.a.may(Action::InstanceUpdate, &nic.instance);
        let any = IpRequest::Any { name: None };
        self.store.nic_create(&permit, nic, any, Change::default()).await
    }

    async fn nic_drop(&self, vm: &Made, id: &NicId) -> Result<(), StoreError> {
        let permit = self.a.may(Action::InstanceUpdate, &vm.id);
        self.store.nic_delete(&permit, &vm.id, id, Change::default()).await
    }
}

/// An interface comes with an address, changes, and leaves with it; its floating IP stays.
pub async fn interfaces_come_and_go(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let vm = w.stopped(&w.a, &net, "vm").await;
    let (store, scope) = (&w.store, w.a.sees());
    let new = w.new_nic(&net, &vm, "second");
    let id = new.head.id.clone();
    w.nic_put(new).await.unwrap();
    let taken = w.nic_put(w.new_nic(&net, &vm, "second")).await;
    refused!(taken, StoreError::Refused(Refusal::NameTaken { .. }));
    let nics = store.nics(&scope, &vm.id).await.unwrap();
    let names: Vec<_> = nics.iter().map(|n| (n.nic.head.name.as_str(), n.nic.primary)).collect();
    assert_eq!((names.len(), names[1]), (2, ("second", false)));
    let address = nics[1].nic.primary_ip.clone();
    let mut ip = w.new_floating_ip(&w.a, "ip");
    ip.target = Some(FloatingTarget::Nic(id.clone()));
    let FloatingIp { head, .. } = ip.clone();
    let change = w.change(&w.a, "is.floating-ip.floating-ip.create", &head.id);
    let permit = w.a.may_make(Action::FloatingIpCreate);
    store.floating_ip_create(&permit, ip, change).await.unwrap();

    let permit = w.a.may(Action::InstanceUpdate, &vm.id);
    let patch = NicPatch { name: Some(name("other")), allow_ip_spoofing: Some(true) };
    store.nic_update(&permit, &vm.id, &id, patch, Change::default()).await.unwrap();
    let nics = store.nics(&scope, &vm.id).await.unwrap();
    assert_eq!(nics[1].nic.head.name, name("other"));
    assert!(nics[1].nic.allow_ip_spoofing && !nics[0].nic.allow_ip_spoofing);

    let primary = w.nic_drop(&vm, &nics[0].nic.head.id).await;
    refused!(primary, StoreError::Refused(Refusal::Vni(VniRefusal::PrimaryInterface)));
    w.nic_drop(&vm, &id).await.unwrap();
    not_found!(w.nic_drop(&vm, &id).await);
    not_found!(store.reserved_ip(&scope, &net.subnet.head.id, &address).await);
    assert_eq!(store.floating_ip(&scope, &head.id).await.unwrap().target, None);
    assert_eq!(store.nics(&scope, &vm.id).await.unwrap().len(), 1);
}

/// A profile's number of interfaces, at both sides.
pub async fn interfaces_at_the_profiles_limit(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let vm = w.stopped(&w.a, &net, "vm").await;
    let profile = w.store.instance(&w.a.sees(), &vm.id).await.unwrap().instance.profile;
    let max = instance_profile(&profile).unwrap().nics_max;
    for n in 1..max {
        w.nic_put(w.new_nic(&net, &vm, &format!("nic-{n}"))).await.unwrap();
    }
    let over = w.nic_put(w.new_nic(&net, &vm, "over")).await;
    refused!(over, StoreError::Refused(Refusal::Vni(VniRefusal::Devices { .. })));
    let mut foreign = w.new_nic(&net, &vm, "foreign");
    foreign.head.account = w.b.account.clone();
    let permit = w.b.may(Action::InstanceUpdate, &vm.id);
    let any = IpRequest::Any { name: None };
    not_found!(w.store.nic_create(&permit, foreign, any, Change::default()).await);
}
