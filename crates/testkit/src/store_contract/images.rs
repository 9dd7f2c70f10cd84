//! Images: creation from a volume, lists, updates, deletion.

use base::{ByteCount, ImageId};
use meta::{Change, ImageFilter, InstanceEnd, InstanceFilter, StoreError};
use model::{
    AllowedUse, AttachmentKind, ImageEncryption, ImagePatch, ImageStatus, InstanceStatus, Refusal,
    Visibility, VolumeEncryption, VolumePatch,
};
use policy::Action;

use super::{
    FreshStore,
    world::{OS, World, name, page, sealed, system},
};
use crate::{not_found, refused};

/// S2, S3, S4: an image has its volume's operating system and capacity, and its caller's group.
pub async fn an_image_has_the_facts_of_its_volume(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let mut new = w.new_instance(&w.a, &net, "vm");
    let allowed = AllowedUse { instance: "vcpu.count > 1".into(), ..AllowedUse::anything("x") };
    new.volumes[0].allowed_use = Some(allowed.clone());
    new.volumes[0].capacity = ByteCount::from_gb(250);
    let made = w.instance_put(&w.a, new).await;
    let fence = w.claim_of(&made.job).await;
    w.instance_becomes(&made.id, InstanceStatus::Stopped).await;
    w.finish(&fence).await;
    let image = w.new_image(&w.a, "copy");
    let id = image.head.id.clone();
    let job = w.image_create(&w.a, image.clone(), &made.volume).await.unwrap();
    let view = w.store.image(&w.a.sees(), &id).await.unwrap();
    let found = &view.image;
    assert_eq!(found.head, image.head);
    assert_eq!(view.group_name, "Default");
    assert_eq!((found.status, found.visibility), (ImageStatus::Pending, Visibility::Private));
    assert_eq!(found.status_reasons, image.status_reasons);
    assert_eq!((found.operating_system.as_str(), found.capacity.gb_ceil()), (OS, 250));
    assert_eq!(found.allowed_use, allowed);
    assert_eq!(found.wrapped_data_key, image.wrapped_data_key);
    let source = found.source_volume.as_ref().unwrap();
    assert_eq!((&source.id, source.name.as_str()), (&made.volume, "vm-boot"));
    assert_eq!((&source.zone, source.deleted), (&w.zone(), false));
    assert!(w.store.volume(&w.a.sees(), &made.volume).await.unwrap().volume.busy);
    assert_eq!(w.store.job(system(), &job).await.unwrap().subject, id.to_string());

    // A second creation of the same volume is refused while the first goes on.
    let second = w.image_create(&w.a, w.new_image(&w.a, "second"), &made.volume).await;
    refused!(second, StoreError::Refused(Refusal::SourceVolumeBusy { .. }));
}

/// The caller's own expressions win over the volume's.
pub async fn allowed_use_can_be_given(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let image = w.new_image(&w.a, "copy");
    let (id, own) = (image.head.id.clone(), image.allowed_use.clone());
    let job = w.job(&w.a, "image-capture", &id);
    let permit = w.a.may_make(Action::ImageCreate);
    w.store
        .image_create(&permit, &w.region, image, &made.volume, false, job, Change::default())
        .await
        .unwrap();
    assert_eq!(w.store.image(&w.a.sees(), &id).await.unwrap().image.allowed_use, own);
}

/// S13, S14, S15, S16, S17: each rule about the source refuses by its own name, and nothing of
/// the image is written.
pub async fn sources_are_checked_in_the_transaction(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let events = w.events(&w.a).await;
    let try_it = |volume: &base::VolumeId| {
        let image = w.new_image(&w.a, "copy");
        let volume = volume.clone();
        let w = &w;
        async move { w.image_create(&w.a, image, &volume).await }
    };
    let loose = w.volume_put(&w.a, w.new_volume(&w.a, "loose")).await;
    let data = w.volume_put(&w.a, w.new_data_volume(&w.a, "data")).await;
    let mut small = w.new_volume(&w.a, "small");
    small.capacity = ByteCount::from_gb(99);
    let small = w.volume_put(&w.a, small).await;
    let mut far = w.new_volume(&w.a, "far");
    far.zone = base::RegionName::parse("eu-de").unwrap().zones()[0].clone();
    let far = w.volume_put(&w.a, far).await;
    refused!(try_it(&far).await, StoreError::Refused(Refusal::SourceVolumeElsewhere { .. }));
    refused!(try_it(&data).await, StoreError::Refused(Refusal::SourceVolumeNotBoot { .. }));
    refused!(try_it(&small).await, StoreError::Refused(Refusal::SourceVolumeCapacity { .. }));
    refused!(try_it(&loose).await, StoreError::Refused(Refusal::SourceVolumeUnattached { .. }));
    for status in [InstanceStatus::Running, InstanceStatus::Starting, InstanceStatus::Stopping] {
        w.instance_becomes(&made.id, status).await;
        let running = try_it(&made.volume).await;
        refused!(running, StoreError::Refused(Refusal::SourceInstanceNotStopped { .. }));
    }
    w.instance_becomes(&made.id, InstanceStatus::Failed).await;
    let failed = try_it(&made.volume).await;
    refused!(failed, StoreError::Refused(Refusal::SourceInstanceUnavailable { .. }));
    not_found!(try_it(&base::VolumeId::mint("r006-", &*w.entropy)).await);
    let listed = w.store.images(&w.a.sees(), &ImageFilter::default(), &page(10)).await.unwrap();
    assert_eq!((listed.total, listed.items.len()), (0, 0));
    // Four volumes were written meanwhile, each with an event.
    assert_eq!(w.events(&w.a).await, events + 4);
    assert!(!w.store.volume(&w.a.sees(), &made.volume).await.unwrap().volume.busy);
}

/// S10: an image of a customer-keyed volume is never written as the provider's.
pub async fn a_customers_key_is_kept(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let mut new = w.new_instance(&w.a, &net, "vm");
    new.volumes[0].encryption = VolumeEncryption::UserManaged { key_crn: "crn:key".into() };
    let made = w.instance_put(&w.a, new).await;
    let fence = w.claim_of(&made.job).await;
    w.instance_becomes(&made.id, InstanceStatus::Stopped).await;
    w.finish(&fence).await;
    let open = w.image_create(&w.a, w.new_image(&w.a, "open"), &made.volume).await;
    refused!(open, StoreError::Changed { kind: "volume", .. });
    let mut kept = w.new_image(&w.a, "kept");
    kept.encryption = ImageEncryption::UserManaged { key_crn: "crn:key".into() };
    let id = kept.head.id.clone();
    w.image_create(&w.a, kept.clone(), &made.volume).await.unwrap();
    assert_eq!(w.store.image(&w.a.sees(), &id).await.unwrap().image.encryption, kept.encryption);
}

/// S11: an image stays when its volume goes, and keeps the volume's last name; a volume and an
/// instance keep the name of an image that goes.
pub async fn names_outlive_what_they_name(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let id = w.image(&w.a, &made.volume, "copy").await;
    let mut new = w.new_instance(&w.a, &net, "child");
    new.instance.image = Some((id.clone(), "copy".to_owned()));
    new.volumes[0].source_image = new.instance.image.clone();
    new.volumes[0].storage.base = Some(sealed("shared"));
    let child = w.instance_put(&w.a, new).await;

    let rename = VolumePatch { name: Some(name("renamed")), ..VolumePatch::default() };
    let revision = w.store.volume(&w.a.sees(), &made.volume).await.unwrap();
    let revision = revision.volume.head.revision;
    let permit = w.a.may(Action::VolumeUpdate, &made.volume);
    let (job, none) = (w.job(&w.a, "volume-grow", &made.volume), Change::default());
    let update = w.store.volume_update(&permit, &made.volume, revision, rename, job, none);
    update.await.unwrap();
    let source =
        || async { w.store.image(&w.a.sees(), &id).await.unwrap().image.source_volume.unwrap() };
    assert_eq!((source().await.name.as_str(), source().await.deleted), ("renamed", false));
    delete_instance(&w, &made).await;
    assert_eq!((source().await.name.as_str(), source().await.deleted), ("renamed", true));

    let image = |view: Option<(model::Reference<ImageId>, base::AccountId)>| {
        let (image, account) = view.unwrap();
        assert_eq!(account, w.a.account);
        (image.name, image.deleted)
    };
    let patch = ImagePatch { name: Some(name("final")), ..ImagePatch::default() };
    let revision = w.store.image(&w.a.sees(), &id).await.unwrap().image.head.revision;
    let (permit, now) = (w.a.may(Action::ImageUpdate, &id), w.tick());
    w.store.image_update(&permit, &id, revision, patch, now, Change::default()).await.unwrap();
    let volume = w.store.volume(&w.a.sees(), &child.volume).await.unwrap();
    assert_eq!(image(volume.source_image), ("final".to_owned(), false));
    delete_image(&w, &id).await;
    let volume = w.store.volume(&w.a.sees(), &child.volume).await.unwrap();
    assert_eq!(image(volume.source_image), ("final".to_owned(), true));
    let instance = w.store.instance(&w.a.sees(), &child.id).await.unwrap();
    assert_eq!(image(instance.image), ("final".to_owned(), true));
    // The volume still needs the bytes of the image that is gone.
    assert_eq!(w.store.roots(system()).await.unwrap(), ["shared"]);
}

/// Deletes a stopped instance, its row and its boot volume's.
async fn delete_instance(w: &World, made: &super::world::Made) {
    let job = w.job(&w.a, "instance-delete", &made.id);
    let id = job.id.clone();
    let permit = w.a.may(Action::InstanceDelete, &made.id);
    w.store.instance_delete(&permit, &made.id, job, Change::default()).await.unwrap();
    let fence = w.claim_of(&id).await;
    let volume_job = w.job(&w.a, "volume-delete", &made.volume);
    let volume_job_id = volume_job.id.clone();
    let jobs = vec![(made.volume.clone(), volume_job)];
    w.store
        .instance_gone(
            system(),
            &fence,
            &made.id,
            InstanceEnd { volumes: jobs, vnis: Vec::new() },
            Change::default(),
        )
        .await
        .unwrap();
    w.finish(&fence).await;
    let fence = w.claim_of(&volume_job_id).await;
    w.store.volume_gone(system(), &fence, &made.volume, Change::default()).await.unwrap();
    w.finish(&fence).await;
}

/// Deletes an image and its row.
pub(super) async fn delete_image(w: &World, id: &ImageId) {
    let job = w.job(&w.a, "image-delete", id);
    let job_id = job.id.clone();
    let permit = w.a.may(Action::ImageDelete, id);
    w.store.image_delete(&permit, id, job, Change::default()).await.unwrap();
    let fence = w.claim_of(&job_id).await;
    w.store.image_gone(system(), &fence, id, Change::default()).await.unwrap();
    w.finish(&fence).await;
}

/// S7, S24: lists show an account's own images and public ones, by each filter of the API.
pub async fn images_are_filtered(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    w.stock_put(w.new_stock("stock", "rocky-linux-9-amd64")).await;
    let old = w.image(&w.a, &made.volume, "old").await;
    w.image(&w.a, &made.volume, "new").await;
    let permit = w.a.may(Action::ImageObsolete, &old);
    let (obsolete, now) = (model::LifecycleChange::Obsolete, w.tick());
    w.store.image_lifecycle(&permit, &old, obsolete, now, Change::default()).await.unwrap();
    let names = |scope: policy::Scope, filter: ImageFilter| {
        let store = w.store.clone();
        async move {
            let found = store.images(&scope, &filter, &page(10)).await.unwrap();
            assert_eq!(found.total, found.items.len() as u64, "{filter:?}");
            let names = found.items.iter().map(|v| v.image.head.name.to_string());
            names.collect::<Vec<_>>().join(" ")
        }
    };
    let f = ImageFilter::default;
    let status = |statuses: &[ImageStatus]| ImageFilter {
        statuses: Some(statuses.to_vec()),
        ..ImageFilter::default()
    };
    let systems = |names: &[&str]| ImageFilter {
        operating_systems: Some(names.iter().map(|n| (*n).to_owned()).collect()),
        ..ImageFilter::default()
    };
    let provider = Some(w.provider.account.clone());
    let cases = [
        (f(), "new old stock"),
        (status(&[ImageStatus::Obsolete]), "old"),
        (status(&[ImageStatus::Obsolete, ImageStatus::Available]), "new old stock"),
        (status(&[]), ""),
        (ImageFilter { name: Some("new".into()), ..f() }, "new"),
        (ImageFilter { group: Some(w.a.group.clone()), ..f() }, "new old"),
        (ImageFilter { visibility: Some(Visibility::Private), ..f() }, "new old"),
        (ImageFilter { visibility: Some(Visibility::Public), ..f() }, "stock"),
        (ImageFilter { remote: Some(true), ..f() }, "stock"),
        (ImageFilter { remote: Some(false), ..f() }, "new old"),
        (ImageFilter { owner: provider, ..f() }, "stock"),
        (ImageFilter { owner: Some(w.a.account.clone()), ..f() }, "new old"),
        (ImageFilter { owner: Some(w.b.account.clone()), ..f() }, ""),
        (systems(&[OS]), "new old"),
        (systems(&[OS, "rocky-linux-9-amd64"]), "new old stock"),
        (systems(&[]), ""),
    ];
    for (filter, wanted) in cases {
        assert_eq!(names(w.a.sees(), filter.clone()).await, wanted, "{filter:?}");
    }
    assert_eq!(names(w.b.sees(), f()).await, "stock");
    assert_eq!(names(w.provider.sees(), f()).await, "stock");
    let stock = w.store.images_stock(system()).await.unwrap();
    assert_eq!(stock.iter().map(|i| i.head.name.as_str()).collect::<Vec<_>>(), ["stock"]);
}

/// S25: a new stock image makes the older one of its operating system deprecated.
pub async fn a_new_stock_image_deprecates_the_older(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (first, other) = (w.new_stock("first", OS), w.new_stock("other", "rocky-linux-9-amd64"));
    let second = w.new_stock("second", OS);
    for image in [&first, &other, &second] {
        w.stock_put(image.clone()).await;
    }
    let older = w.store.image(&w.a.sees(), &first.head.id).await.unwrap().image;
    assert_eq!(older.status, ImageStatus::Deprecated);
    assert_eq!(older.deprecation_at, Some(second.head.created_at));
    for image in [other, second] {
        let found = w.store.image(&w.b.sees(), &image.head.id).await.unwrap().image;
        assert_eq!(found, image);
    }
}

/// S26, S27: an instance is made of a deprecated image, and not of an obsolete, pending or
/// unknown one.
pub async fn only_provisionable_images_make_instances(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let id = w.image(&w.a, &made.volume, "copy").await;
    let make = |text: &str, id: &ImageId| {
        let mut new = w.new_instance(&w.a, &net, text);
        new.instance.image = Some((id.clone(), "copy".to_owned()));
        let change = w.change(&w.a, "is.instance.instance.create", text);
        let (store, permit) = (w.store.clone(), w.a.may_make(Action::InstanceCreate));
        async move { store.instance_create(&permit, new, change).await }
    };
    let lifecycle = |action: Action, what: model::LifecycleChange| {
        let (store, permit, id) = (w.store.clone(), w.a.may(action, &id), id.clone());
        let now = w.tick();
        async move { store.image_lifecycle(&permit, &id, what, now, Change::default()).await }
    };
    make("of-available", &id).await.unwrap();
    lifecycle(Action::ImageDeprecate, model::LifecycleChange::Deprecate).await.unwrap();
    make("of-deprecated", &id).await.unwrap();
    lifecycle(Action::ImageObsolete, model::LifecycleChange::Obsolete).await.unwrap();
    let refusal = make("of-obsolete", &id).await.unwrap_err();
    assert!(refusal.to_string().contains("status obsolete"), "{refusal}");
    let pending = w.new_image(&w.a, "pending");
    w.image_create(&w.a, pending.clone(), &made.volume).await.unwrap();
    let early = make("of-pending", &pending.head.id).await;
    refused!(early, StoreError::Refused(Refusal::ImageNotProvisionable { .. }));
    not_found!(make("of-nothing", &ImageId::mint("r006-", &*w.entropy)).await);
    let listed = w.store.instances(&w.a.sees(), &InstanceFilter::default(), &page(10)).await;
    assert_eq!(listed.unwrap().total, 3);
}

/// A stock image can be neither changed nor deleted by those who see it, nor by its owner.
pub async fn stock_images_are_the_providers(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let stock = w.new_stock("stock", OS);
    let id = &stock.head.id;
    w.stock_put(stock.clone()).await;
    for tenant in [&w.a, &w.provider] {
        let (now, change) = (w.tick(), Change::default);
        let patch = ImagePatch { name: Some(name("mine")), ..ImagePatch::default() };
        let permit = tenant.may(Action::ImageUpdate, id);
        let update = w.store.image_update(&permit, id, 1, patch, now, change()).await;
        refused!(update, StoreError::Refused(Refusal::ImagePublic { .. }));
        let permit = tenant.may(Action::ImageDeprecate, id);
        let deprecate = model::LifecycleChange::Deprecate;
        let deprecate = w.store.image_lifecycle(&permit, id, deprecate, now, change()).await;
        refused!(deprecate, StoreError::Refused(Refusal::ImagePublic { .. }));
        let job = w.job(tenant, "image-delete", id);
        let permit = tenant.may(Action::ImageDelete, id);
        let delete = w.store.image_delete(&permit, id, job, change()).await;
        refused!(delete, StoreError::Refused(Refusal::ImagePublic { .. }));
    }
    assert_eq!(w.image_status(id).await, ImageStatus::Available);
}

/// An image that is not captured finds its group, and hears early what its row would be refused.
pub async fn an_image_without_a_volume_has_a_place(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let image = w.adoptable("mine");
    let place = async |tenant: &super::world::Tenant, group, text| {
        w.store.image_place(system(), &tenant.account, group, &name(text)).await
    };
    assert_eq!(place(&w.a, None, "mine").await.unwrap(), w.a.group);
    assert_eq!(place(&w.a, Some(&w.a.group), "mine").await.unwrap(), w.a.group);
    not_found!(place(&w.a, Some(&w.b.group), "mine").await);
    not_found!(place(&w.provider, None, "mine").await);
    w.store.image_adopt(system(), image, Change::default()).await.unwrap();
    refused!(place(&w.a, None, "mine").await, StoreError::Refused(Refusal::NameTaken { .. }));
    // Names are an account's own.
    assert_eq!(place(&w.b, None, "mine").await.unwrap(), w.b.group);
}

/// An attached data volume is no source either.
pub async fn an_attached_data_volume_is_no_source(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let mut new = w.new_instance(&w.a, &net, "vm");
    new.volumes.push(w.new_volume(&w.a, "second-boot"));
    let mut second = w.new_attachment(&new.instance.head.id, &new.volumes[1].head.id, 1);
    second.kind = AttachmentKind::Data;
    new.attachments.push(second.clone());
    w.instance_put(&w.a, new).await;
    let refusal = w.image_create(&w.a, w.new_image(&w.a, "copy"), &second.volume).await;
    refused!(refusal, StoreError::Refused(Refusal::SourceVolumeNotBoot { .. }));
}
