//! Accounts are apart: what is another's is not there, for reads and for writes; and a permit is
//! good for what it names and nothing else.

use base::SubnetId;
use meta::{
    Change, ImageFilter, InstanceFilter, ReservedIpFilter, SecurityGroupFilter, StoreError,
    SubnetFilter, VniFilter, VolumeFilter, VpcFilter,
};
use model::{
    ActionKind, ImagePatch, InstancePatch, IpRequest, LifecycleChange, SubnetPatch, VolumePatch,
};
use policy::Action;

use super::{
    FreshStore,
    world::{Made, Net, World, name, page},
};
use crate::{not_found, refused};

async fn theirs(w: &World) -> (Net, Made, base::ImageId, base::KeyId) {
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let image = w.image(&w.a, &made.volume, "copy").await;
    (net, made, image, w.key(&w.a, "key").await.head.id)
}

/// Another account's resources are found by no read.
pub async fn reads_stay_in_the_account(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (net, made, image, key) = theirs(&w).await;
    let (action, _) = w.act(&w.a, &made.id, ActionKind::Stop).await.unwrap();
    let (s, b, a) = (&w.store, &w.b.sees(), &w.a.sees());
    let (vpc, subnet) = (&net.vpc.head.id, &net.subnet.head.id);
    let nics = s.nics(a, &made.id).await.unwrap();
    let prefix = s.prefixes(a, vpc, &page(1)).await.unwrap().items[0].0.head.id.clone();
    not_found!(s.image(b, &image).await);
    not_found!(s.volume(b, &made.volume).await);
    not_found!(s.instance(b, &made.id).await);
    not_found!(s.instance_action_get(b, &made.id, &action.id).await);
    not_found!(s.nics(b, &made.id).await);
    not_found!(s.vpc(b, vpc).await);
    not_found!(s.prefix(b, vpc, &prefix).await);
    not_found!(s.prefixes(b, vpc, &page(1)).await);
    not_found!(s.acl(b, &net.vpc.default_acl).await);
    not_found!(s.security_group(b, &net.security_group).await);
    not_found!(s.routing_table(b, vpc, &net.vpc.default_routing_table).await);
    not_found!(s.routing_tables(b, vpc, None, &page(1)).await);
    not_found!(s.subnet_range_free(b, vpc, "us-south-1", 8).await);
    not_found!(s.subnet(b, subnet).await);
    not_found!(s.reserved_ip(b, subnet, &nics[0].nic.primary_ip).await);
    not_found!(s.reserved_ips(b, subnet, &ReservedIpFilter::default(), &page(1)).await);
    not_found!(s.key(b, &key).await);
    not_found!(s.key_by_fingerprint(b, "SHA256:key").await);
    macro_rules! nothing {
        ($list:expr) => {{
            let found = $list.await.unwrap();
            assert_eq!((found.items.len(), found.total), (0, 0), "{}", stringify!($list));
        }};
    }
    nothing!(s.images(b, &ImageFilter::default(), &page(9)));
    nothing!(s.images(b, &ImageFilter { remote: Some(true), ..Default::default() }, &page(9)));
    let owner = Some(w.a.account.clone());
    nothing!(s.images(b, &ImageFilter { owner, ..Default::default() }, &page(9)));
    nothing!(s.volumes(b, &VolumeFilter::default(), &page(9)));
    nothing!(s.instances(b, &InstanceFilter::default(), &page(9)));
    let by_vpc = InstanceFilter { vpc: Some(vpc.clone()), ..Default::default() };
    nothing!(s.instances(b, &by_vpc, &page(9)));
    nothing!(s.vpcs(b, &VpcFilter::default(), &page(9)));
    nothing!(s.subnets(b, &SubnetFilter::default(), &page(9)));
    nothing!(s.security_groups(b, &SecurityGroupFilter::default(), &page(9)));
    let of_a = SecurityGroupFilter { vpc: Some(vpc.clone()), ..Default::default() };
    nothing!(s.security_groups(b, &of_a, &page(9)));
    nothing!(s.acls(b, None, &page(9)));
    nothing!(s.vnis(b, &VniFilter::default(), &page(9)));
    nothing!(s.keys(b, None, &page(9)));
}

/// Another account's resources are found by no write; nothing of theirs changes.
pub async fn writes_stay_in_the_account(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (net, made, image, key) = theirs(&w).await;
    let view = w.store.instance(&w.a.sees(), &made.id).await.unwrap();
    let (s, b, c) = (&w.store, &w.b, Change::default);
    let (vpc, subnet) = (&net.vpc.head.id, &net.subnet.head.id);
    let (n, now) = (|| name("mine"), w.tick());
    let (nic, ip) = (&view.nics[0].nic.head.id, &view.nics[0].nic.primary_ip);
    let attachment = &view.attachments[0].attachment.id;
    let prefix = &s.prefixes(&w.a.sees(), vpc, &page(1)).await.unwrap().items[0].0.head.id;
    let job = |kind: &str| w.job(b, kind, &made.id);
    let p = |action, id: &dyn ToString| b.may(action, id.to_string());

    let update = p(Action::ImageUpdate, &image);
    not_found!(s.image_update(&update, &image, 1, ImagePatch::default(), now, c()).await);
    let deprecate = p(Action::ImageDeprecate, &image);
    let what = LifecycleChange::Deprecate;
    not_found!(s.image_lifecycle(&deprecate, &image, what, now, c()).await);
    not_found!(s.image_delete(&p(Action::ImageDelete, &image), &image, job("x"), c()).await);
    not_found!(w.image_create(b, w.new_image(b, "copy"), &made.volume).await);
    let v = &made.volume;
    let patch = VolumePatch::default();
    not_found!(s.volume_update(&p(Action::VolumeUpdate, v), v, 1, patch, job("x"), c()).await);
    not_found!(s.volume_delete(&p(Action::VolumeDelete, v), v, job("x"), c()).await);
    let i = &made.id;
    let patch = InstancePatch::default();
    not_found!(s.instance_update(&p(Action::InstanceUpdate, i), i, 1, patch, c()).await);
    not_found!(s.instance_delete(&p(Action::InstanceDelete, i), i, job("x"), c()).await);
    not_found!(w.act(b, i, ActionKind::Start).await);
    let permit = p(Action::InstanceUpdate, i);
    not_found!(s.attachment_update(&permit, i, attachment, Some(n()), None, c()).await);
    let new =
        meta::NewAttachment { attachment: w.new_attachment(i, v, 1), volume: None, job: job("x") };
    not_found!(s.attachment_create(&permit, new, c()).await);
    not_found!(s.attachment_delete(&permit, i, attachment, job("x"), c()).await);
    not_found!(s.nic_update(&permit, i, nic, model::NicPatch::default(), c()).await);
    not_found!(s.key_rename(&p(Action::KeyUpdate, &key), &key, 1, n(), c()).await);
    not_found!(s.key_delete(&p(Action::KeyDelete, &key), &key, c()).await);
    let permit = p(Action::VpcUpdate, vpc);
    not_found!(s.vpc_rename(&permit, vpc, 1, n(), c()).await);
    not_found!(s.prefix_create(&permit, w.new_prefix(b, vpc, 0), c()).await);
    not_found!(s.prefix_update(&permit, vpc, prefix, Some(n()), None, c()).await);
    not_found!(s.prefix_delete(&permit, vpc, prefix, c()).await);
    not_found!(s.vpc_delete(&p(Action::VpcDelete, vpc), vpc, c()).await);
    let permit = p(Action::SubnetUpdate, subnet);
    let named = SubnetPatch { name: Some(n()), ..SubnetPatch::default() };
    not_found!(s.subnet_update(&permit, subnet, 1, named, c()).await);
    not_found!(s.reserved_ip_create(&permit, w.new_ip(b, subnet, "mine"), c()).await);
    not_found!(s.reserved_ip_update(&permit, subnet, ip, Some(n()), None, c()).await);
    not_found!(s.reserved_ip_delete(&permit, subnet, ip, c()).await);
    not_found!(s.subnet_delete(&p(Action::SubnetDelete, subnet), subnet, c()).await);
    let cidr = (std::net::Ipv4Addr::new(10, 240, 9, 0), 24);
    let (mine, ips) = w.new_subnet(b, &net.vpc, "mine", cidr);
    not_found!(s.subnet_create(&b.may_make(Action::SubnetCreate), mine, ips, c()).await);
    let mut mine = w.new_floating_ip(b, "mine");
    mine.target = Some(model::FloatingTarget::Nic(nic.clone()));
    not_found!(s.floating_ip_create(&b.may_make(Action::FloatingIpCreate), mine, c()).await);
    let address = meta::GatewayAddress::New(w.new_floating_ip(b, "mine"));
    let gateway = w.new_gateway(b, &net.vpc, "mine");
    let permit = b.may_make(Action::GatewayCreate);
    not_found!(s.public_gateway_create(&permit, gateway, address, c()).await);
    assert_eq!(s.instance(&w.a.sees(), &made.id).await.unwrap(), view);
    assert_eq!(w.events(b).await, 0);
}

/// An instance cannot be made of another account's parts.
pub async fn parts_stay_in_the_account(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (net, made, image, key) = theirs(&w).await;
    let own = w.net(&w.b).await;
    let loose = w.volume_put(&w.a, w.new_volume(&w.a, "loose")).await;
    let put = |new: meta::NewInstance| {
        let (store, permit) = (w.store.clone(), w.b.may_make(Action::InstanceCreate));
        async move { store.instance_create(&permit, new, Change::default()).await }
    };
    let new = || w.new_instance(&w.b, &own, "mine");
    not_found!(put(w.new_instance(&w.b, &net, "mine")).await);
    let mut of_image = new();
    of_image.instance.image = Some((image, "copy".to_owned()));
    not_found!(put(of_image).await);
    let mut with_key = new();
    with_key.instance.keys = vec![key];
    not_found!(put(with_key).await);
    for volume in [&loose, &made.volume] {
        let mut with_volume = new();
        with_volume.attachments[0].volume = volume.clone();
        not_found!(put(with_volume).await);
    }
    let mut in_subnet = new();
    in_subnet.nics[0].0.subnet = net.subnet.head.id.clone();
    not_found!(put(in_subnet).await);
    let mut in_group = new();
    in_group.nics[0].0.security_groups = vec![net.security_group.clone()];
    not_found!(put(in_group).await);
    let nics = w.store.nics(&w.a.sees(), &made.id).await.unwrap();
    let mut with_ip = new();
    with_ip.nics[0].1 = IpRequest::Reserved(nics[0].nic.primary_ip.clone());
    not_found!(put(with_ip).await);
    let mut in_no_subnet = new();
    in_no_subnet.nics[0].0.subnet = SubnetId::mint("0717-", &*w.entropy);
    not_found!(put(in_no_subnet).await);
    put(new()).await.unwrap();
    // Nor in another's resource group.
    let mut tenant = w.b.clone();
    tenant.group = w.a.group.clone();
    let volume = w.new_volume(&tenant, "mine");
    let permit = tenant.may_make(Action::VolumeCreate);
    not_found!(w.store.volume_create(&permit, volume, Change::default()).await);
}

/// A permit for another action, another resource or another account is refused before anything.
pub async fn permits_must_fit(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (net, made, image, key) = theirs(&w).await;
    let (s, c) = (&w.store, Change::default);
    let (a, now) = (&w.a, w.tick());
    macro_rules! mismatch {
        ($call:expr) => {
            refused!($call.await, StoreError::PermitMismatch)
        };
    }
    let create = a.may_make(Action::ImageCreate);
    let wrong_new = a.may_make(Action::ImageRead);
    let other = w.b.may_make(Action::ImageCreate);
    let job = || w.job(a, "x", "x");
    for permit in [wrong_new, other] {
        let image = w.new_image(a, "x");
        mismatch!(s.image_create(&permit, &w.region, image, &made.volume, true, job(), c()));
    }
    let read = a.may(Action::ImageRead, &image);
    let patch = ImagePatch::default;
    mismatch!(s.image_update(&read, &image, 1, patch(), now, c()));
    mismatch!(s.image_update(&create, &image, 1, patch(), now, c()));
    let another = a.may(Action::ImageUpdate, "another");
    mismatch!(s.image_update(&another, &image, 1, patch(), now, c()));
    let update = a.may(Action::ImageUpdate, &image);
    mismatch!(s.image_lifecycle(&update, &image, LifecycleChange::Deprecate, now, c()));
    mismatch!(s.image_lifecycle(&update, &image, LifecycleChange::Obsolete, now, c()));
    mismatch!(s.image_delete(&update, &image, job(), c()));
    let v = &made.volume;
    mismatch!(s.volume_create(&create, w.new_volume(a, "x"), c()));
    mismatch!(s.volume_update(&update, v, 1, VolumePatch::default(), job(), c()));
    mismatch!(s.volume_delete(&update, v, job(), c()));
    let i = &made.id;
    mismatch!(s.instance_create(&create, w.new_instance(a, &net, "x"), c()));
    mismatch!(s.instance_update(&update, i, 1, InstancePatch::default(), c()));
    mismatch!(s.instance_delete(&update, i, job(), c()));
    let action = w.new_action(i, ActionKind::Start);
    mismatch!(s.instance_action(&a.may(Action::InstanceUpdate, i), action, job(), c()));
    let view = s.instance(&a.sees(), i).await.unwrap();
    let attachment = &view.attachments[0].attachment.id;
    mismatch!(s.attachment_update(&update, i, attachment, None, None, c()));
    let new = w.new_attachment(i, v, 1);
    let new = meta::NewAttachment { attachment: new, volume: None, job: job() };
    mismatch!(s.attachment_create(&update, new, c()));
    mismatch!(s.attachment_delete(&update, i, attachment, job(), c()));
    let nic = &view.nics[0].nic.head.id;
    mismatch!(s.nic_update(&update, i, nic, model::NicPatch::default(), c()));
    mismatch!(s.key_create(&create, w.new_key(a, "x"), c()));
    mismatch!(s.key_rename(&update, &key, 1, name("x"), c()));
    mismatch!(s.key_delete(&update, &key, c()));
    let (vpc, subnet) = (&net.vpc.head.id, &net.subnet.head.id);
    mismatch!(s.vpc_create(&create, w.new_vpc(a, "x"), c()));
    mismatch!(s.vpc_rename(&update, vpc, 1, name("x"), c()));
    mismatch!(s.vpc_delete(&update, vpc, c()));
    mismatch!(s.prefix_create(&update, w.new_prefix(a, vpc, 0), c()));
    let p = &w.new_prefix(a, vpc, 0).head.id;
    mismatch!(s.prefix_update(&update, vpc, p, None, None, c()));
    mismatch!(s.prefix_delete(&update, vpc, p, c()));
    let cidr = (std::net::Ipv4Addr::new(10, 240, 9, 0), 24);
    let (more, ips) = w.new_subnet(a, &net.vpc, "x", cidr);
    mismatch!(s.subnet_create(&create, more, ips, c()));
    mismatch!(s.subnet_update(&update, subnet, 1, SubnetPatch::default(), c()));
    mismatch!(s.subnet_delete(&update, subnet, c()));
    let ip = w.new_ip(a, subnet, "x");
    let id = ip.head.id.clone();
    mismatch!(s.reserved_ip_create(&update, ip, c()));
    mismatch!(s.reserved_ip_update(&update, subnet, &id, None, None, c()));
    mismatch!(s.reserved_ip_delete(&update, subnet, &id, c()));
}
