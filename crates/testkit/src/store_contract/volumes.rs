//! Volumes: rows, filters, updates, deletion.

use base::VolumeId;
use meta::{StoreError, VolumeFilter};
use model::{AllowedUse, Refusal, VolumeEncryption, VolumePatch, VolumeStatus};
use policy::Action;

use super::{
    FreshStore,
    world::{HOST, OS, World, name, page, sealed, system},
};
use crate::{not_found, refused};

/// A volume reads back as it was written, with every byte and every null.
pub async fn a_volume_reads_back(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let mut full = w.new_volume(&w.a, "full");
    full.encryption = VolumeEncryption::UserManaged { key_crn: "crn:key".to_owned() };
    full.storage.base = Some(sealed("root"));
    full.user_tags = vec!["z".to_owned(), "a:b".to_owned()];
    let bare = w.new_data_volume(&w.a, "bare");
    for volume in [full, bare] {
        let id = w.volume_put(&w.a, volume.clone()).await;
        let view = w.store.volume(&w.a.sees(), &id).await.unwrap();
        assert_eq!(view.volume, volume);
        assert_eq!((view.group_name.as_str(), view.attachments.len()), ("Default", 0));
        assert_eq!(view.source_image, None);
        assert_eq!(w.store.volume_any(system(), &id).await.unwrap(), view);
    }
    let of_host = w.store.volumes_of_host(system(), HOST).await.unwrap();
    assert_eq!(of_host.len(), 2);
    assert!(w.store.volumes_of_host(system(), "elsewhere").await.unwrap().is_empty());
    assert_eq!(w.store.roots(system()).await.unwrap(), ["root"]);
}

/// Volumes by each filter of the API.
pub async fn volumes_are_filtered(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    w.instance_put(&w.a, w.new_instance(&w.a, &net, "vm")).await;
    let mut data = w.new_data_volume(&w.a, "data");
    data.user_tags = vec!["env:test".to_owned(), "more".to_owned()];
    data.encryption = VolumeEncryption::UserManaged { key_crn: "crn:key".to_owned() };
    w.volume_put(&w.a, data).await;
    w.volume_put(&w.b, w.new_volume(&w.b, "theirs")).await;
    let none = VolumeFilter::default();
    let names = |filter: VolumeFilter| {
        let (store, scope) = (w.store.clone(), w.a.sees());
        async move {
            let found = store.volumes(&scope, &filter, &page(10)).await.unwrap();
            assert_eq!(found.total, found.items.len() as u64, "{filter:?}");
            let names = found.items.iter().map(|v| v.volume.head.name.to_string());
            names.collect::<Vec<_>>().join(" ")
        }
    };
    let f = || none.clone();
    let cases = [
        (f(), "data vm-boot"),
        (VolumeFilter { name: Some("data".into()), ..f() }, "data"),
        (VolumeFilter { group: Some(w.b.group.clone()), ..f() }, ""),
        (VolumeFilter { zone: Some("us-south-1".into()), ..f() }, "data vm-boot"),
        (VolumeFilter { attached: Some(true), ..f() }, "vm-boot"),
        (VolumeFilter { attached: Some(false), ..f() }, "data"),
        (VolumeFilter { user_managed: Some(true), ..f() }, "data"),
        (VolumeFilter { user_managed: Some(false), ..f() }, "vm-boot"),
        (VolumeFilter { operating_systems: Some(vec![OS.into()]), ..f() }, "vm-boot"),
        (VolumeFilter { operating_systems: Some(Vec::new()), ..f() }, ""),
        (VolumeFilter { has_operating_system: Some(false), ..f() }, "data"),
        (VolumeFilter { tag: Some("env:test".into()), ..f() }, "data vm-boot"),
        (VolumeFilter { tag: Some("more".into()), attached: Some(false), ..f() }, "data"),
        (VolumeFilter { tag: Some("other".into()), ..f() }, ""),
        (VolumeFilter { profiles: Some(vec!["general-purpose".into()]), ..f() }, "data vm-boot"),
        (VolumeFilter { profiles: Some(vec!["sdp".into()]), ..f() }, ""),
    ];
    for (filter, wanted) in cases {
        assert_eq!(names(filter.clone()).await, wanted, "{filter:?}");
    }
}

/// An update names the revision it saw and what the volume's state allows.
pub async fn volume_updates(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.instance_put(&w.a, w.new_instance(&w.a, &net, "vm")).await;
    let id = w.volume_put(&w.a, w.new_volume(&w.a, "boot")).await;
    let update = |id: &VolumeId, revision, patch: VolumePatch| {
        let change = w.change(&w.a, "is.volume.volume.update", id);
        let job = w.job(&w.a, "volume-grow", id);
        let (store, permit, id) = (w.store.clone(), w.a.may(Action::VolumeUpdate, id), id.clone());
        async move { store.volume_update(&permit, &id, revision, patch, job, change).await }
    };
    let allowed = AllowedUse { instance: "vcpu.count > 1".into(), ..AllowedUse::anything("x") };
    let patch = VolumePatch {
        name: Some(name("renamed")),
        user_tags: Some(vec!["new".to_owned()]),
        allowed_use: Some(allowed.clone()),
        ..VolumePatch::default()
    };
    update(&id, 1, patch.clone()).await.unwrap();
    let view = w.store.volume(&w.a.sees(), &id).await.unwrap();
    assert_eq!(view.volume.head.name, name("renamed"));
    assert_eq!(view.volume.user_tags, ["new"]);
    assert_eq!(view.volume.allowed_use, Some(allowed));
    refused!(update(&id, 1, patch.clone()).await, StoreError::Changed { .. });
    let taken = VolumePatch { name: Some(name("vm-boot")), ..VolumePatch::default() };
    let taken = update(&id, 2, taken).await;
    refused!(taken, StoreError::Refused(Refusal::NameTaken { kind: "volume", .. }));
    let attached = update(&made.volume, 1, VolumePatch { name: None, ..patch.clone() }).await;
    refused!(attached, StoreError::Refused(Refusal::VolumeAttached { .. }));
    let (from, to) = (VolumeStatus::Available, VolumeStatus::Updating);
    w.store.volume_status_set(system(), &id, from, to).await.unwrap();
    let again = w.store.volume_status_set(system(), &id, from, to).await;
    refused!(again, StoreError::Changed { .. });
    let state = update(&id, 3, patch).await;
    refused!(state, StoreError::Refused(Refusal::VolumeState { .. }));
}

/// Only an unattached, idle volume is deleted; its name is free once the row is gone.
pub async fn volume_deletion(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.instance_put(&w.a, w.new_instance(&w.a, &net, "vm")).await;
    let fence = w.claim_of(&made.job).await;
    w.finish(&fence).await;
    let id = w.volume_put(&w.a, w.new_volume(&w.a, "boot")).await;
    let delete = |id: &VolumeId| {
        let job = w.job(&w.a, "volume-delete", id);
        let change = w.change(&w.a, "is.volume.volume.delete", id);
        let (store, permit, id) = (w.store.clone(), w.a.may(Action::VolumeDelete, id), id.clone());
        let job_id = job.id.clone();
        async move { store.volume_delete(&permit, &id, job, change).await.map(|()| job_id) }
    };
    let attached = delete(&made.volume).await;
    refused!(attached, StoreError::Refused(Refusal::VolumeAttached { .. }));
    let job = delete(&id).await.unwrap();
    let status = w.store.volume(&w.a.sees(), &id).await.unwrap().volume.status;
    assert_eq!(status, VolumeStatus::PendingDeletion);
    refused!(delete(&id).await, StoreError::Refused(Refusal::VolumeState { .. }));
    let fence = w.claim_of(&job).await;
    let change = || w.change(&w.a, "is.volume.volume.delete", &id);
    let attached = w.store.volume_gone(system(), &fence, &made.volume, change()).await;
    refused!(attached, StoreError::Changed { .. });
    w.store.volume_gone(system(), &fence, &id, change()).await.unwrap();
    let events = w.events(&w.a).await;
    w.store.volume_gone(system(), &fence, &id, change()).await.unwrap();
    assert_eq!(w.events(&w.a).await, events, "a step that runs again writes no second event");
    not_found!(w.store.volume(&w.a.sees(), &id).await);
    let total = w.store.volumes(&w.a.sees(), &VolumeFilter::default(), &page(1)).await;
    assert_eq!(total.unwrap().total, 1);
    w.volume_put(&w.a, w.new_volume(&w.a, "boot")).await;
}

/// Each opening of a layer gets an epoch above every one before.
pub async fn volume_epochs_only_grow(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let id = w.volume_put(&w.a, w.new_volume(&w.a, "boot")).await;
    for epoch in 1..4 {
        assert_eq!(w.store.volume_epoch_next(system(), &id).await.unwrap(), epoch);
    }
    let nothing = VolumeId::mint("r006-", &*w.entropy);
    not_found!(w.store.volume_epoch_next(system(), &nothing).await);
    let (from, to) = (VolumeStatus::Available, VolumeStatus::Failed);
    not_found!(w.store.volume_status_set(system(), &nothing, from, to).await);
}
