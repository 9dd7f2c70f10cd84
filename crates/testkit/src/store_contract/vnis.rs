//! Virtual network interfaces, their addresses, and the attachments of instances.

use std::net::Ipv4Addr;

use base::{NicId, ReservedIpId, SubnetId, VniId};
use meta::{
    Change, InstanceEnd, NewNetworkAttachment, NewVni, ReservedIpFilter, StoreError, VniSource,
};
use model::{
    InstanceStatus, IpRequest, IpTarget, Limit, NetworkAttachment, NicPatch, Refusal,
    StateFiltering, Vni, VniPatch, VniRefusal, VniView,
};
use policy::Action;

use super::{
    FreshStore,
    world::{Made, Net, Tenant, World, name, page, system},
};
use crate::{not_found, refused};

impl World {
    /// A virtual network interface of a net, with any address.
    pub fn new_vni(&self, tenant: &Tenant, net: &Net, text: &str) -> NewVni {
        let e = &*self.entropy;
        let vni = Vni {
            head: self.head(tenant, VniId::mint("0717-", e), text),
            zone: self.zone(),
            vpc: net.vpc.head.id.clone(),
            subnet: net.subnet.head.id.clone(),
            primary_ip: ReservedIpId::mint("0717-", e),
            security_groups: vec![net.security_group.clone()],
            allow_ip_spoofing: false,
            auto_delete: false,
            infrastructure_nat: true,
            state_filtering: StateFiltering::Auto,
            mac: "02:00:00:00:00:02".to_owned(),
        };
        NewVni { vni, primary_ip: IpRequest::Any { name: None }, ips: Vec::new() }
    }

    /// Writes one.
    pub async fn vni_put(&self, tenant: &Tenant, new: NewVni) -> VniView {
        let id = new.vni.head.id.clone();
        let permit = tenant.may_make(Action::VniCreate);
        self.store.vni_create(&permit, new, Change::default()).await.unwrap();
        self.store.vni(&tenant.sees(), &id).await.unwrap()
    }

    /// An attachment of an instance.
    pub fn new_network_attachment(
        &self,
        tenant: &Tenant,
        instance: &base::InstanceId,
        text: &str,
        vni: VniSource,
    ) -> NewNetworkAttachment {
        let id = NicId::mint("0717-", &*self.entropy);
        let (head, instance) = (self.head(tenant, id, text), instance.clone());
        let attachment = NetworkAttachment { head, instance, primary: false };
        NewNetworkAttachment { attachment, vni }
    }

    /// A pending instance with a primary attachment.
    async fn attached(&self, net: &Net, text: &str, vni: VniSource) -> Made {
        let mut new = self.new_instance(&self.a, net, text);
        new.nics.clear();
        let id = new.instance.head.id.clone();
        let mut primary = self.new_network_attachment(&self.a, &id, "eth0", vni);
        primary.attachment.primary = true;
        new.network_attachments = vec![primary];
        self.instance_put(&self.a, new).await
    }

    /// Deletes an instance to its end, with what the caller thinks goes with it.
    async fn detached(&self, made: &Made, vnis: Vec<VniId>) -> Result<(), StoreError> {
        let fence = self.claim_of(&made.job).await;
        self.instance_becomes(&made.id, InstanceStatus::Stopped).await;
        self.finish(&fence).await;
        let (job, c) = (self.job(&self.a, "instance-delete", &made.id), Change::default);
        let id = job.id.clone();
        let permit = self.a.may(Action::InstanceDelete, &made.id);
        self.store.instance_delete(&permit, &made.id, job, c()).await.unwrap();
        let fence = self.claim_of(&id).await;
        let volume_job = self.job(&self.a, "volume-delete", &made.volume);
        let wrong = InstanceEnd {
            volumes: vec![(made.volume.clone(), volume_job.clone())],
            vnis: if vnis.is_empty() { vec![VniId::mint("0717-", &*self.entropy)] } else { vec![] },
        };
        if !vnis.is_empty() {
            let other = self.store.instance_gone(system(), &fence, &made.id, wrong, c()).await;
            refused!(other, StoreError::Changed { .. });
        }
        let end = InstanceEnd { volumes: vec![(made.volume.clone(), volume_job)], vnis };
        self.store.instance_gone(system(), &fence, &made.id, end, c()).await?;
        self.finish(&fence).await;
        Ok(())
    }
}

/// Everything of it reads back, changes, is listed, and goes with its own addresses.
pub async fn one_reads_back_and_changes(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let mut new = w.new_vni(&w.a, &net, "front");
    new.primary_ip = IpRequest::AnyKept { name: Some(name("kept")) };
    new.ips = vec![
        IpRequest::Any { name: None },
        IpRequest::Address {
            address: Ipv4Addr::new(10, 240, 0, 99),
            name: Some(name("given")),
            auto_delete: true,
        },
    ];
    let view = w.vni_put(&w.a, new.clone()).await;
    let primary = view.vni.primary_ip.clone();
    assert_eq!(view.vni, Vni { primary_ip: primary.clone(), ..new.vni.clone() });
    let last: Vec<u8> = view.ips.iter().map(|ip| ip.address.octets()[3]).collect();
    assert_eq!(last, [4, 5, 99]);
    assert_eq!(view.ips[0].ip.id, primary);
    assert_eq!((view.vpc.name.as_str(), view.subnet.name.as_str()), ("net", "subnet"));
    assert_eq!(
        (view.group_name.as_str(), view.security_groups[0].name.as_str()),
        ("Default", "group")
    );
    assert!(view.target.is_none());

    let id = &view.vni.head.id;
    let permit = w.a.may(Action::VniUpdate, id);
    let c = Change::default;
    let patch = VniPatch {
        name: Some(name("back")),
        allow_ip_spoofing: Some(true),
        state_filtering: Some(StateFiltering::Disabled),
        ..VniPatch::default()
    };
    w.store.vni_update(&permit, id, 1, patch.clone(), c()).await.unwrap();
    refused!(w.store.vni_update(&permit, id, 1, patch, c()).await, StoreError::Changed { .. });
    let goes = VniPatch { auto_delete: Some(true), ..VniPatch::default() };
    let goes = w.store.vni_update(&permit, id, 2, goes, c()).await;
    refused!(goes, StoreError::Refused(Refusal::Vni(VniRefusal::AutoDeleteUnbound { .. })));
    let without = VniPatch { infrastructure_nat: Some(false), ..VniPatch::default() };
    let without = w.store.vni_update(&permit, id, 2, without, c()).await;
    refused!(without, StoreError::Refused(Refusal::Vni(VniRefusal::Settings { .. })));
    let now = w.store.vni(&w.a.sees(), id).await.unwrap().vni;
    assert_eq!((now.head.name.as_str(), now.allow_ip_spoofing), ("back", true));
    assert_eq!(w.store.vni_any(system(), id).await.unwrap().vni, now);

    let twin = w.new_vni(&w.a, &net, "back");
    let make = w.a.may_make(Action::VniCreate);
    let twin = w.store.vni_create(&make, twin, c()).await;
    refused!(twin, StoreError::Refused(Refusal::NameTaken { .. }));
    not_found!(w.store.vni(&w.b.sees(), id).await);
    w.store.vni_delete(&w.a.may(Action::VniDelete, id), id, c()).await.unwrap();
    not_found!(w.store.vni(&w.a.sees(), id).await);
    let subnet: &SubnetId = &net.subnet.head.id;
    let all = ReservedIpFilter::default();
    let left = w.store.reserved_ips(&w.a.sees(), subnet, &all, &page(50)).await.unwrap();
    let users: Vec<_> = left.items.iter().filter(|v| v.ip.owner == model::IpOwner::User).collect();
    assert_eq!(users.len(), 1);
    assert_eq!((users[0].ip.head.name.as_str(), users[0].target.is_none()), ("kept", true));
}

/// Addresses are bound and unbound; those of another subnet, and the primary one, are refused.
pub async fn its_addresses_come_and_go(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let subnet = &net.subnet.head.id;
    let id = w.vni_put(&w.a, w.new_vni(&w.a, &net, "one")).await.vni.head.id;
    let other = w.vni_put(&w.a, w.new_vni(&w.a, &net, "two")).await.vni;
    let (permit, c) = (w.a.may(Action::VniUpdate, &id), Change::default);
    let of_subnet = w.a.may(Action::SubnetUpdate, subnet);
    let mut made = Vec::new();
    let most = Limit::IPS_PER_VNI_MAX.max;
    for n in 0..most {
        let ip = w.new_ip(&w.a, subnet, &format!("ip-{n}"));
        made.push(w.store.reserved_ip_create(&of_subnet, ip, c()).await.unwrap().head.id);
    }
    for ip in &made[1..] {
        w.store.vni_ip_add(&permit, &id, ip, c()).await.unwrap();
    }
    w.store.vni_ip_add(&permit, &id, &made[1], c()).await.unwrap();
    let over = w.store.vni_ip_add(&permit, &id, &made[0], c()).await;
    refused!(over, StoreError::Refused(Refusal::OverLimit { .. }));
    let more = w.new_ip(&w.a, subnet, "more");
    let more = model::ReservedIp { target: Some(model::IpHolder::Vni(id.clone())), ..more };
    let more = w.store.reserved_ip_create(&of_subnet, more, c()).await;
    refused!(more, StoreError::Refused(Refusal::OverLimit { .. }));
    let view = w.store.reserved_ip(&w.a.sees(), subnet, &made[1]).await.unwrap();
    assert!(matches!(&view.target, Some(IpTarget::Vni(vni)) if vni.vni.id == id));
    let taken = w.a.may(Action::VniUpdate, &other.head.id);
    let taken = w.store.vni_ip_add(&taken, &other.head.id, &made[1], c()).await;
    refused!(taken, StoreError::Refused(Refusal::AddressUnavailable { .. }));

    let primary = w.store.vni(&w.a.sees(), &id).await.unwrap().vni.primary_ip;
    let kept = w.store.vni_ip_remove(&permit, &id, &primary, c()).await;
    refused!(kept, StoreError::Refused(Refusal::ReservedIpInUse { .. }));
    let kept = w.store.reserved_ip_delete(&of_subnet, subnet, &primary, c()).await;
    refused!(kept, StoreError::Refused(Refusal::ReservedIpInUse { .. }));
    w.store.vni_ip_remove(&permit, &id, &made[1], c()).await.unwrap();
    not_found!(w.store.vni_ip_remove(&permit, &id, &made[1], c()).await);
    w.store.reserved_ip_update(&of_subnet, subnet, &made[2], None, Some(true), c()).await.unwrap();
    w.store.vni_ip_remove(&permit, &id, &made[2], c()).await.unwrap();
    not_found!(w.store.reserved_ip(&w.a.sees(), subnet, &made[2]).await);
    w.store.reserved_ip_delete(&of_subnet, subnet, &made[3], c()).await.unwrap();

    let cidr = (Ipv4Addr::new(10, 240, 1, 0), 29);
    let (second, ips) = w.new_subnet(&w.a, &net.vpc, "second", cidr);
    let make = w.a.may_make(Action::SubnetCreate);
    w.store.subnet_create(&make, second.clone(), ips, c()).await.unwrap();
    let second = &second.head.id;
    let far = w.a.may(Action::SubnetUpdate, second);
    let ip = w.new_ip(&w.a, second, "far");
    let bound = model::ReservedIp { target: Some(model::IpHolder::Vni(id.clone())), ..ip.clone() };
    let bound = w.store.reserved_ip_create(&far, bound, c()).await;
    refused!(bound, StoreError::Refused(Refusal::Vni(VniRefusal::OtherSubnet { .. })));
    let ip = w.store.reserved_ip_create(&far, ip, c()).await.unwrap().head.id;
    assert_eq!(&w.store.reserved_ip_subnet(&w.a.sees(), &ip).await.unwrap(), second);
    not_found!(w.store.reserved_ip_subnet(&w.b.sees(), &ip).await);
    let far = w.store.vni_ip_add(&permit, &id, &ip, c()).await;
    refused!(far, StoreError::Refused(Refusal::Vni(VniRefusal::OtherSubnet { .. })));
}

/// An instance has one by an attachment; it goes with the instance or stays.
pub async fn an_instance_is_attached_to_it(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let mut goes = w.new_vni(&w.a, &net, "goes");
    goes.vni.auto_delete = true;
    let going = goes.vni.head.id.clone();
    let first = w.attached(&net, "first", VniSource::New(Box::new(goes))).await;
    let nics = w.store.nics(&w.a.sees(), &first.id).await.unwrap();
    let view = w.store.vni(&w.a.sees(), &going).await.unwrap();
    assert_eq!(nics[0].vni.as_ref().unwrap().vni.id, going);
    assert_eq!((&nics[0].nic.primary_ip, &nics[0].nic.mac), (&view.vni.primary_ip, &view.vni.mac));
    assert_eq!(nics[0].security_groups, view.security_groups);
    let (target, of) = view.target.clone().unwrap();
    assert_eq!(
        (target.id, target.name.as_str(), of),
        (nics[0].nic.head.id.clone(), "eth0", first.id.clone())
    );
    let c = Change::default;
    let used = w.store.vni_delete(&w.a.may(Action::VniDelete, &going), &going, c()).await;
    refused!(used, StoreError::Refused(Refusal::Vni(VniRefusal::InUse { .. })));
    let permit = w.a.may(Action::VniUpdate, &going);
    let spoofing = VniPatch { allow_ip_spoofing: Some(true), ..VniPatch::default() };
    w.store.vni_update(&permit, &going, 1, spoofing, c()).await.unwrap();
    assert!(w.store.nics(&w.a.sees(), &first.id).await.unwrap()[0].nic.allow_ip_spoofing);
    w.detached(&first, vec![going.clone()]).await.unwrap();
    not_found!(w.store.vni(&w.a.sees(), &going).await);

    let stays = w.vni_put(&w.a, w.new_vni(&w.a, &net, "stays")).await.vni;
    let id = stays.head.id.clone();
    let second = w.attached(&net, "second", VniSource::Existing(id.clone())).await;
    let mut third = w.new_instance(&w.a, &net, "third");
    third.nics.clear();
    let instance = third.instance.head.id.clone();
    let taken = VniSource::Existing(id.clone());
    third.network_attachments = vec![w.new_network_attachment(&w.a, &instance, "eth0", taken)];
    let make = w.a.may_make(Action::InstanceCreate);
    let taken = w.store.instance_create(&make, third, c()).await;
    refused!(taken, StoreError::Refused(Refusal::Vni(VniRefusal::InUse { .. })));
    w.detached(&second, Vec::new()).await.unwrap();
    let free = w.store.vni(&w.a.sees(), &id).await.unwrap();
    assert_eq!((free.target, free.ips.len()), (None, 1));
    w.store.vni_delete(&w.a.may(Action::VniDelete, &id), &id, c()).await.unwrap();
}

/// Attachments are added and removed, up to the profile's number, and never mixed with interfaces.
pub async fn attachments_come_and_go(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let new = |text: &str, goes: bool| {
        let mut new = w.new_vni(&w.a, &net, text);
        new.vni.auto_delete = goes;
        VniSource::New(Box::new(new))
    };
    let made = w.attached(&net, "vm", new("first", true)).await;
    let (permit, c) = (w.a.may(Action::InstanceUpdate, &made.id), Change::default);
    let mut ids = Vec::new();
    for n in 1..5 {
        let text = format!("eth{n}");
        let vni = new(&text, n == 1);
        let attachment = w.new_network_attachment(&w.a, &made.id, &text, vni);
        ids.push(attachment.attachment.head.id.clone());
        w.store.network_attachment_create(&permit, attachment, c()).await.unwrap();
    }
    let more = w.new_network_attachment(&w.a, &made.id, "eth5", new("eth5", false));
    let more = w.store.network_attachment_create(&permit, more, c()).await;
    refused!(more, StoreError::Refused(Refusal::Vni(VniRefusal::Devices { max: 5, .. })));
    let (s, i) = (&w.store, &made.id);
    let renamed = s.network_attachment_rename(&permit, i, &ids[0], name("eth2"), c()).await;
    refused!(renamed, StoreError::Refused(Refusal::NameTaken { .. }));
    s.network_attachment_rename(&permit, i, &ids[0], name("new"), c()).await.unwrap();
    let patch = NicPatch { name: Some(name("nic")), ..NicPatch::default() };
    let as_nic = s.nic_update(&permit, i, &ids[0], patch, c()).await;
    refused!(as_nic, StoreError::Refused(Refusal::Vni(VniRefusal::Style { .. })));
    let nics = s.nics(&w.a.sees(), i).await.unwrap();
    let names: Vec<_> = nics.iter().map(|n| n.nic.head.name.as_str()).collect();
    assert_eq!(names, ["eth0", "new", "eth2", "eth3", "eth4"]);
    let primary = &nics[0].nic.head.id;
    let primary = s.network_attachment_delete(&permit, i, primary, true, c()).await;
    refused!(primary, StoreError::Refused(Refusal::Vni(VniRefusal::Primary)));
    let other = s.network_attachment_delete(&permit, i, &ids[0], false, c()).await;
    refused!(other, StoreError::Changed { .. });
    let vni = |n: usize| nics[n].vni.clone().unwrap().vni.id;
    s.network_attachment_delete(&permit, i, &ids[0], true, c()).await.unwrap();
    not_found!(s.vni(&w.a.sees(), &vni(1)).await);
    s.network_attachment_delete(&permit, i, &ids[1], false, c()).await.unwrap();
    assert!(s.vni(&w.a.sees(), &vni(2)).await.unwrap().target.is_none());
    not_found!(s.network_attachment_delete(&permit, i, &ids[1], false, c()).await);

    let old = w.instance_put(&w.a, w.new_instance(&w.a, &net, "old")).await;
    let permit = w.a.may(Action::InstanceUpdate, &old.id);
    let free = VniSource::Existing(vni(2));
    let mixed = w.new_network_attachment(&w.a, &old.id, "eth1", free);
    let mixed = s.network_attachment_create(&permit, mixed, c()).await;
    refused!(mixed, StoreError::Refused(Refusal::Vni(VniRefusal::Style { .. })));
    let nic = &s.nics(&w.a.sees(), &old.id).await.unwrap()[0].nic.head.id;
    not_found!(s.network_attachment_rename(&permit, &old.id, nic, name("x"), c()).await);
}
