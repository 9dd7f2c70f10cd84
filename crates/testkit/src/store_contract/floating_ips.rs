//! Floating IPs and public gateways.

use base::{FloatingIpId, InstanceId, NicId, PublicGatewayId};
use meta::{
    Change, FloatingIpFilter, FloatingIpPatch, GatewayAddress, InstanceEnd, NicReach, StoreError,
};
use model::{
    FloatingIp, FloatingRefusal, FloatingTarget, FloatingTargetRef, PublicGateway, Refusal,
    SubnetPatch, Vpc, floating_pool,
};
use policy::Action;

use super::{
    FreshStore,
    world::{Tenant, World, name, page, system},
};
use crate::{not_found, refused};

impl World {
    /// A floating IP of the first zone, bound to nothing.
    pub(super) fn new_floating_ip(&self, tenant: &Tenant, text: &str) -> FloatingIp {
        FloatingIp {
            head: self.head(tenant, FloatingIpId::mint("r006-", &*self.entropy), text),
            zone: self.zone(),
            address: std::net::Ipv4Addr::UNSPECIFIED,
            target: None,
        }
    }

    async fn floating_ip_put(&self, tenant: &Tenant, ip: FloatingIp) -> Result<(), StoreError> {
        let change = self.change(tenant, "is.floating-ip.floating-ip.create", &ip.head.id);
        self.store.floating_ip_create(&tenant.may_make(Action::FloatingIpCreate), ip, change).await
    }

    async fn primary_nic(&self, instance: &InstanceId) -> NicId {
        let nics = self.store.nics(&self.a.sees(), instance).await.unwrap();
        nics[0].nic.head.id.clone()
    }

    async fn reach(&self, instance: &InstanceId) -> NicReach {
        self.store.instance_reach(system(), instance).await.unwrap().remove(0)
    }

    /// A public gateway of the first zone.
    pub(super) fn new_gateway(&self, tenant: &Tenant, vpc: &Vpc, text: &str) -> PublicGateway {
        PublicGateway {
            head: self.head(tenant, PublicGatewayId::mint("r006-", &*self.entropy), text),
            vpc: vpc.head.id.clone(),
            zone: self.zone(),
            owns_floating_ip: true,
        }
    }

    async fn gateway_put(
        &self,
        tenant: &Tenant,
        gateway: PublicGateway,
        address: GatewayAddress,
    ) -> Result<(), StoreError> {
        let change =
            self.change(tenant, "is.public-gateway.public-gateway.create", &gateway.head.id);
        let permit = tenant.may_make(Action::GatewayCreate);
        self.store.public_gateway_create(&permit, gateway, address, change).await
    }

    async fn gateway_delete(&self, id: &PublicGatewayId) -> Result<(), StoreError> {
        let change = self.change(&self.a, "is.public-gateway.public-gateway.delete", id);
        let permit = self.a.may(Action::GatewayDelete, id);
        self.store.public_gateway_delete(&permit, id, change).await
    }
}

const fn bound(nic: NicId) -> Option<FloatingTarget> {
    Some(FloatingTarget::Nic(nic))
}

/// Addresses are given from the pool and come back; an interface has one floating IP.
pub async fn floating_ips_are_bound_and_released(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let (store, scope) = (&w.store, w.a.sees());
    let nic = w.primary_nic(&made.id).await;
    let (first, second) = (w.new_floating_ip(&w.a, "one"), w.new_floating_ip(&w.a, "two"));
    let (one, two) = (first.head.id.clone(), second.head.id.clone());
    w.floating_ip_put(&w.a, first).await.unwrap();
    w.floating_ip_put(&w.a, FloatingIp { target: bound(nic.clone()), ..second }).await.unwrap();
    let taken = w.floating_ip_put(&w.a, w.new_floating_ip(&w.a, "one")).await;
    refused!(taken, StoreError::Refused(Refusal::NameTaken { .. }));
    let (pool, _) = floating_pool(scope.account());
    let seen = store.floating_ip(&scope, &one).await.unwrap();
    assert_eq!((seen.ip.address, seen.target), (pool, None));
    assert_eq!(store.floating_ip_at(&scope, pool).await.unwrap().ip, seen.ip);
    let view = &store.nics(&scope, &made.id).await.unwrap()[0];
    assert_eq!(view.floating_ip.as_ref().unwrap().ip.id, two);
    let reach = w.reach(&made.id).await;
    assert_eq!((reach.own, reach.rules.len(), reach.gateway), (view.address, 2, false));
    assert_eq!((reach.nic, reach.range), (nic.clone(), net.subnet.cidr));
    assert!(reach.floating.is_some());
    let seen = store.floating_ip(&scope, &two).await.unwrap().target;
    let Some(FloatingTargetRef::Nic(seen)) = seen else { panic!("{seen:?}") };
    assert_eq!((seen.nic.1, seen.address), (made.id.clone(), view.address));
    let of_nic = FloatingIpFilter { target: Some(nic.to_string()), ..Default::default() };
    assert_eq!(store.floating_ips(&scope, &of_nic, &page(9)).await.unwrap().total, 1);
    let update = |id: &FloatingIpId, target| {
        let permit = w.a.may(Action::FloatingIpUpdate, id);
        let change = w.change(&w.a, "is.floating-ip.floating-ip.update", id);
        let (id, patch) = (id.clone(), FloatingIpPatch { name: None, target: Some(target) });
        async move { store.floating_ip_update(&permit, &id, patch, change).await }
    };
    let second = update(&one, Some(nic.clone())).await;
    refused!(second, StoreError::Refused(Refusal::Floating(FloatingRefusal::Taken { .. })));
    update(&two, None).await.unwrap();
    assert_eq!(w.reach(&made.id).await.floating, None);
    update(&one, Some(nic)).await.unwrap();
    let permit = w.a.may(Action::FloatingIpDelete, &one);
    let change = w.change(&w.a, "is.floating-ip.floating-ip.delete", &one);
    store.floating_ip_delete(&permit, &one, change).await.unwrap();
    not_found!(store.floating_ip(&scope, &one).await);
    let mut elsewhere = w.new_floating_ip(&w.a, "three");
    elsewhere.zone = w.region.zones()[1].clone();
    let three = elsewhere.head.id.clone();
    w.floating_ip_put(&w.a, elsewhere).await.unwrap();
    assert_eq!(store.floating_ip(&scope, &three).await.unwrap().ip.address, pool);
    let nic = w.primary_nic(&made.id).await;
    let foreign = update(&three, Some(nic)).await;
    refused!(foreign, StoreError::Refused(Refusal::Floating(FloatingRefusal::Zone { .. })));
    not_found!(store.floating_ip(&w.b.sees(), &two).await);
    let none = store.floating_ips(&w.b.sees(), &FloatingIpFilter::default(), &page(9)).await;
    assert_eq!(none.unwrap().total, 0);
}

/// An instance that goes leaves its floating IP, unbound; the limit holds at both sides.
pub async fn an_instance_that_goes_frees_its_ip(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let scope = w.a.sees();
    let nic = w.primary_nic(&made.id).await;
    let ip = FloatingIp { target: bound(nic), ..w.new_floating_ip(&w.a, "one") };
    let id = ip.head.id.clone();
    w.floating_ip_put(&w.a, ip).await.unwrap();
    let job = w.job(&w.a, "instance-delete", &made.id);
    let job_id = job.id.clone();
    let change = || w.change(&w.a, "is.instance.instance.delete", &made.id);
    let permit = w.a.may(Action::InstanceDelete, &made.id);
    w.store.instance_delete(&permit, &made.id, job, change()).await.unwrap();
    let fence = w.claim_of(&job_id).await;
    let end = InstanceEnd {
        volumes: vec![(made.volume.clone(), w.job(&w.a, "volume-delete", &made.volume))],
        vnis: Vec::new(),
    };
    w.store.instance_gone(system(), &fence, &made.id, end, change()).await.unwrap();
    let seen = w.store.floating_ip(&scope, &id).await.unwrap();
    assert_eq!((seen.ip.target, seen.ip.head.name), (None, name("one")));
    for n in 1..40 {
        w.floating_ip_put(&w.a, w.new_floating_ip(&w.a, &format!("ip-{n}"))).await.unwrap();
    }
    let over = w.floating_ip_put(&w.a, w.new_floating_ip(&w.a, "over")).await;
    refused!(over, StoreError::Refused(Refusal::OverLimit { .. }));
}

/// A VPC has one public gateway in a zone; it takes a floating IP with it, or leaves the one that
/// it was given; subnets of its VPC and zone use it.
pub async fn public_gateways_have_a_floating_ip_and_subnets(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let (store, scope) = (&w.store, w.a.sees());
    let new = w.new_gateway(&w.a, &net.vpc, "gate");
    let gateway = new.head.id.clone();
    let made = || GatewayAddress::New(w.new_floating_ip(&w.a, "out"));
    w.gateway_put(&w.a, new, made()).await.unwrap();
    let second = w.gateway_put(&w.a, w.new_gateway(&w.a, &net.vpc, "more"), made()).await;
    refused!(second, StoreError::Refused(Refusal::Floating(FloatingRefusal::GatewayExists { .. })));
    let view = store.public_gateway(&scope, &gateway).await.unwrap();
    assert_eq!((view.vpc.name.as_str(), view.floating_ip.ip.name.as_str()), ("net", "out"));
    let listed = store.public_gateways(&scope, None, &page(9)).await.unwrap();
    assert_eq!((listed.total, &listed.items[0]), (1, &view));
    not_found!(store.public_gateway(&w.b.sees(), &gateway).await);
    let ip = view.floating_ip.ip.id;
    let seen = store.floating_ip(&scope, &ip).await.unwrap();
    assert_eq!(seen.ip.target, Some(FloatingTarget::Gateway(gateway.clone())));
    for gateways in [true, false] {
        let filter = FloatingIpFilter { gateways: Some(gateways), ..Default::default() };
        let found = store.floating_ips(&scope, &filter, &page(9)).await.unwrap().total;
        assert_eq!(found, u64::from(gateways));
    }
    let permit = w.a.may(Action::FloatingIpDelete, &ip);
    let change = w.change(&w.a, "is.floating-ip.floating-ip.delete", &ip);
    let needed = store.floating_ip_delete(&permit, &ip, change).await;
    refused!(needed, StoreError::Refused(Refusal::Floating(FloatingRefusal::InUse { .. })));

    let vm = w.stopped(&w.a, &net, "vm").await;
    let subnet = &net.subnet.head.id;
    let attach = async |gateway: Option<&PublicGatewayId>, revision| {
        let patch = SubnetPatch { public_gateway: Some(gateway.cloned()), ..Default::default() };
        let change = w.change(&w.a, "is.subnet.subnet.update", subnet);
        let permit = w.a.may(Action::SubnetUpdate, subnet);
        w.store.subnet_update(&permit, subnet, revision, patch, change).await
    };
    assert!(!w.reach(&vm.id).await.gateway);
    attach(Some(&gateway), 1).await.unwrap();
    assert!(w.reach(&vm.id).await.gateway);
    let seen = store.subnet(&scope, subnet).await.unwrap().public_gateway.unwrap();
    assert_eq!((seen.id, seen.name.as_str()), (gateway.clone(), "gate"));
    let used = w.gateway_delete(&gateway).await;
    refused!(used, StoreError::Refused(Refusal::Floating(FloatingRefusal::GatewayInUse { .. })));
    let mut elsewhere = w.new_gateway(&w.a, &net.vpc, "far");
    elsewhere.zone = w.region.zones()[1].clone();
    elsewhere.owns_floating_ip = false;
    let far = elsewhere.head.id.clone();
    let near = GatewayAddress::Existing(ip.clone());
    let taken = w.gateway_put(&w.a, elsewhere.clone(), near).await;
    refused!(taken, StoreError::Refused(Refusal::Floating(FloatingRefusal::InUse { .. })));
    let mut loose = w.new_floating_ip(&w.a, "loose");
    loose.zone = elsewhere.zone.clone();
    let loose_id = loose.head.id.clone();
    w.floating_ip_put(&w.a, loose).await.unwrap();
    let given = GatewayAddress::Existing(loose_id.clone());
    w.gateway_put(&w.a, elsewhere, given).await.unwrap();
    let far_one = attach(Some(&far), 2).await;
    refused!(far_one, StoreError::Refused(Refusal::Floating(FloatingRefusal::GatewayElsewhere)));
    attach(None, 2).await.unwrap();
    w.gateway_delete(&gateway).await.unwrap();
    not_found!(store.floating_ip(&scope, &ip).await);
    w.gateway_delete(&far).await.unwrap();
    assert_eq!(store.floating_ip(&scope, &loose_id).await.unwrap().target, None);
}

/// A permit for another action or another resource is refused before anything.
pub async fn permits_for_floating_ips_must_fit(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let (s, a, c) = (&w.store, &w.a, Change::default);
    macro_rules! mismatch {
        ($call:expr) => {
            refused!($call.await, StoreError::PermitMismatch)
        };
    }
    let create = a.may_make(Action::SubnetCreate);
    let ip = w.new_floating_ip(a, "x");
    let id = ip.head.id.clone();
    let another = a.may(Action::FloatingIpUpdate, "another");
    mismatch!(s.floating_ip_create(&create, ip.clone(), c()));
    mismatch!(s.floating_ip_update(&another, &id, FloatingIpPatch::default(), c()));
    let update = a.may(Action::FloatingIpUpdate, &id);
    mismatch!(s.floating_ip_delete(&update, &id, c()));
    let gateway = w.new_gateway(a, &net.vpc, "x");
    let id = gateway.head.id.clone();
    mismatch!(s.public_gateway_create(&create, gateway, GatewayAddress::New(ip), c()));
    mismatch!(s.public_gateway_rename(&another, &id, name("x"), c()));
    let update = a.may(Action::GatewayUpdate, &id);
    mismatch!(s.public_gateway_delete(&update, &id, c()));
}
