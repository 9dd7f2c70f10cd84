//! Captures: commit, failure, settlement, and the fence that keeps stale workers out.

use std::time::Duration;

use jobs::{Fence, JobStatus};
use meta::{Change, ImageCommit, Rebase, StoreError};
use model::{ActionKind, ImageStatus, ImageStatusReason, InstanceStatus};
use policy::Action;

use super::{
    FreshStore,
    world::{Capture, World, page, sealed, system},
};
use crate::{not_found, refused};

async fn begun(w: &World) -> Capture {
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    w.capture(&w.a, &made.volume, "copy").await
}

/// Invariants 11 and 12: the commit makes the image available once, with one event and one usage
/// record, also when the step runs again.
pub async fn a_commit_counts_once(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let c = begun(&w).await;
    let progress = vec![ImageStatusReason::ImageRequestInProgress];
    w.store.image_reasons_set(system(), &c.fence, &c.image, progress.clone()).await.unwrap();
    let view = w.store.image(&w.a.sees(), &c.image).await.unwrap();
    assert_eq!((view.image.status, view.image.status_reasons), (ImageStatus::Pending, progress));
    let events = w.events(&w.a).await;
    let commit = || {
        let change = w.change_begin(&w.a, "is.image.image.create", "crn:image");
        let (store, commit, fence) = (w.store.clone(), w.commit(&c), c.fence.clone());
        async move { store.image_commit(system(), &fence, commit, change).await }
    };
    commit().await.unwrap();
    commit().await.unwrap();
    let image = w.store.image(&w.a.sees(), &c.image).await.unwrap().image;
    assert_eq!((image.status, image.status_reasons.len()), (ImageStatus::Available, 0));
    assert_eq!(image.sealed, Some(w.commit(&c).sealed));
    assert_eq!(image.logical, Some(w.commit(&c).logical));
    assert_eq!(image.stored, Some(w.commit(&c).stored));
    assert_eq!(w.events(&w.a).await, events + 1);
    let usage = w.store.usage(system(), &w.a.account).await.unwrap();
    assert_eq!(usage.len(), 1);
    assert_eq!((usage[0].crn.as_str(), usage[0].until), ("crn:image", None));
    assert_eq!(w.store.roots(system()).await.unwrap(), [w.commit(&c).sealed.root_id]);
    // Another root under the same image is another capture: refused.
    let mut other = w.commit(&c);
    other.sealed = sealed("another");
    let other = w.store.image_commit(system(), &c.fence, other, Change::default()).await;
    refused!(other, StoreError::Changed { kind: "image", .. });
    let late = w.store.image_reasons_set(system(), &c.fence, &c.image, Vec::new()).await;
    refused!(late, StoreError::Changed { kind: "image", .. });
}

/// Invariant 24: a worker that lost its lease cannot commit, fail, rebase, settle or note.
pub async fn a_stale_worker_changes_nothing(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let c = begun(&w).await;
    w.clock.advance(Duration::from_secs(31));
    let (job, new) = w.claim().await.unwrap();
    assert_eq!((job, new.epoch), (c.fence.job.clone(), c.fence.epoch + 1));
    let events = w.events(&w.a).await;
    let change = || w.change(&w.a, "is.image.image.create", &c.image);
    let unknown = Fence { job: base::JobId::mint("job-", &*w.entropy), epoch: 1 };
    for stale in [&c.fence, &unknown] {
        let s = &w.store;
        let commit = s.image_commit(system(), stale, w.commit(&c), change()).await;
        refused!(commit, StoreError::Changed { kind: "job", .. });
        let failed = s.image_failed(system(), stale, &c.image, Vec::new(), change()).await;
        refused!(failed, StoreError::Changed { kind: "job", .. });
        let reasons = s.image_reasons_set(system(), stale, &c.image, Vec::new()).await;
        refused!(reasons, StoreError::Changed { kind: "job", .. });
        let settled = s.image_settled(system(), stale, &c.volume).await;
        refused!(settled, StoreError::Changed { kind: "job", .. });
        let note = s.job_note(system(), stale, "pack", vec![1]).await;
        refused!(note, StoreError::Changed { kind: "job", .. });
    }
    assert_eq!(w.image_status(&c.image).await, ImageStatus::Pending);
    assert!(w.store.volume(&w.a.sees(), &c.volume).await.unwrap().volume.busy);
    assert_eq!(w.events(&w.a).await, events);
    w.store.image_commit(system(), &new, w.commit(&c), change()).await.unwrap();
    assert_eq!(w.image_status(&c.image).await, ImageStatus::Available);
    // A settled job holds nothing any more either.
    w.finish(&new).await;
    let settled = w.store.image_settled(system(), &new, &c.volume).await;
    refused!(settled, StoreError::Changed { kind: "job", .. });
}

/// A capture that failed leaves a failed image, whose name and volume can be used again.
pub async fn a_failed_capture(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let c = begun(&w).await;
    let events = w.events(&w.a).await;
    let fail = || {
        let change = w.change(&w.a, "is.image.image.create", &c.image);
        let reasons = vec![ImageStatusReason::ImageDataCorrupted];
        let (store, fence, id) = (w.store.clone(), c.fence.clone(), c.image.clone());
        async move { store.image_failed(system(), &fence, &id, reasons, change).await }
    };
    fail().await.unwrap();
    fail().await.unwrap();
    assert_eq!(w.events(&w.a).await, events + 1, "a step that runs again writes no second event");
    let image = w.store.image(&w.a.sees(), &c.image).await.unwrap().image;
    assert_eq!(image.status, ImageStatus::Failed);
    assert_eq!(image.status_reasons, [ImageStatusReason::ImageDataCorrupted]);
    let commit = w.store.image_commit(system(), &c.fence, w.commit(&c), Change::default()).await;
    refused!(commit, StoreError::Changed { kind: "image", .. });
    w.store.image_settled(system(), &c.fence, &c.volume).await.unwrap();
    w.store.image_settled(system(), &c.fence, &c.volume).await.unwrap();
    w.finish(&c.fence).await;
    let again = w.capture(&w.a, &c.volume, "again").await;
    // The job that is over cannot free the volume under the one that holds it now.
    let record = w.store.job(system(), &c.fence.job).await.unwrap();
    assert_eq!(record.progress.status, JobStatus::Succeeded);
    assert!(w.store.volume(&w.a.sees(), &again.volume).await.unwrap().volume.busy);
}

/// Only the job that holds a volume frees it.
pub async fn a_volume_is_freed_by_its_holder(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let c = begun(&w).await;
    let other = w.volume_put(&w.a, w.new_volume(&w.a, "other")).await;
    let job = w.job(&w.a, "volume-delete", &other);
    let id = job.id.clone();
    let permit = w.a.may(Action::VolumeDelete, &other);
    w.store.volume_delete(&permit, &other, job, Change::default()).await.unwrap();
    let stranger = w.claim_of(&id).await;
    let busy = || async { w.store.volume(&w.a.sees(), &c.volume).await.unwrap().volume.busy };
    w.store.image_settled(system(), &stranger, &c.volume).await.unwrap();
    assert!(busy().await);
    w.store.image_settled(system(), &c.fence, &c.volume).await.unwrap();
    assert!(!busy().await);
    // Also when the volume is gone.
    w.store.volume_gone(system(), &stranger, &other, Change::default()).await.unwrap();
    w.store.image_settled(system(), &stranger, &other).await.unwrap();
}

/// Deleting a pending image asks its capture to cancel; the capture then cannot commit, and both
/// end without a trace.
pub async fn deleting_a_pending_image_cancels(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let c = begun(&w).await;
    let job = w.job(&w.a, "image-delete", &c.image);
    let delete = job.id.clone();
    let permit = w.a.may(Action::ImageDelete, &c.image);
    w.store.image_delete(&permit, &c.image, job, Change::default()).await.unwrap();
    assert_eq!(w.image_status(&c.image).await, ImageStatus::Deleting);
    assert!(w.store.job(system(), &c.fence.job).await.unwrap().cancel_asked);
    assert!(!w.store.job(system(), &delete).await.unwrap().cancel_asked);
    let again = w.job(&w.a, "image-delete", &c.image);
    let again = w.store.image_delete(&permit, &c.image, again, Change::default()).await;
    refused!(again, StoreError::Refused(model::Refusal::ImageState { verb: "deleted", .. }));
    let commit = w.store.image_commit(system(), &c.fence, w.commit(&c), Change::default()).await;
    refused!(commit, StoreError::Changed { kind: "image", .. });
    let events = w.events(&w.a).await;
    let change = || w.change(&w.a, "is.image.image.delete", &c.image);
    w.store.image_failed(system(), &c.fence, &c.image, Vec::new(), change()).await.unwrap();
    assert_eq!(w.image_status(&c.image).await, ImageStatus::Deleting);
    w.store.image_settled(system(), &c.fence, &c.volume).await.unwrap();
    w.finish(&c.fence).await;
    let fence = w.claim_of(&delete).await;
    w.store.image_gone(system(), &fence, &c.image, change()).await.unwrap();
    w.store.image_gone(system(), &fence, &c.image, change()).await.unwrap();
    assert_eq!(w.events(&w.a).await, events + 1, "a step that runs again writes no second event");
    not_found!(w.store.image_any(system(), &c.image).await);
    let listed = w.store.images(&w.a.sees(), &Default::default(), &page(1)).await.unwrap();
    assert_eq!(listed.total, 0);
    w.capture(&w.a, &c.volume, "copy").await;
}

/// Only a deleting image's row is removed; its root is needed until it is deleting.
pub async fn only_a_deleting_image_goes(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let c = begun(&w).await;
    let change = Change::default;
    let early = w.store.image_gone(system(), &c.fence, &c.image, change()).await;
    refused!(early, StoreError::Changed { kind: "image", .. });
    w.store.image_commit(system(), &c.fence, w.commit(&c), change()).await.unwrap();
    assert_eq!(w.store.roots(system()).await.unwrap().len(), 1);
    let job = w.job(&w.a, "image-delete", &c.image);
    let permit = w.a.may(Action::ImageDelete, &c.image);
    w.store.image_delete(&permit, &c.image, job, change()).await.unwrap();
    assert!(w.store.roots(system()).await.unwrap().is_empty());
    let failed = w.store.image_failed(system(), &c.fence, &c.image, Vec::new(), change()).await;
    failed.unwrap();
    assert_eq!(w.image_status(&c.image).await, ImageStatus::Deleting);
}

/// Invariant 9: a commit that rebases moves image and volume in one transaction, frees the volume
/// and releases a start that waits; when the volume is not where it should be, neither moves.
pub async fn a_commit_can_rebase(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let c = begun(&w).await;
    let view = w.store.volume(&w.a.sees(), &c.volume).await.unwrap();
    let instance = view.attachments[0].attachment.instance.clone();
    w.act(&w.a, &instance, ActionKind::Start).await.unwrap();
    let commit = |generation| {
        let base = sealed("root-for-the-volume");
        let rebase = Some(Rebase { volume: c.volume.clone(), generation, base });
        let commit = ImageCommit { rebase, ..w.commit(&c) };
        let change = w.change(&w.a, "is.image.image.create", &c.image);
        let (store, fence) = (w.store.clone(), c.fence.clone());
        async move { store.image_commit(system(), &fence, commit, change).await }
    };
    refused!(commit(7).await, StoreError::Changed { kind: "volume", .. });
    assert_eq!(w.image_status(&c.image).await, ImageStatus::Pending);
    commit(1).await.unwrap();
    commit(1).await.unwrap();
    let volume = w.store.volume(&w.a.sees(), &c.volume).await.unwrap().volume;
    assert_eq!((volume.busy, volume.storage.generation), (false, 1));
    assert_eq!(volume.storage.base, Some(sealed("root-for-the-volume")));
    assert_eq!(w.image_status(&c.image).await, ImageStatus::Available);
    let instance = w.store.instance(&w.a.sees(), &instance).await.unwrap().instance;
    assert_eq!((instance.status, instance.status_reasons), (InstanceStatus::Starting, Vec::new()));
}
