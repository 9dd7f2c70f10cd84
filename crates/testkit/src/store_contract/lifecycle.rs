//! The lifecycle of images: by call, by date, forwards and backwards.

use std::time::Duration;

use base::{Clock as _, ImageId, Timestamp};
use meta::{Change, StoreError};
use model::{AllowedUse, ImagePatch, ImageStatus, LifecycleChange, Refusal};
use policy::Action;

use super::{
    FreshStore,
    world::{World, name, system},
};
use crate::refused;

async fn one_image(w: &World) -> ImageId {
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    w.image(&w.a, &made.volume, "copy").await
}

async fn patch(w: &World, id: &ImageId, patch: ImagePatch) -> Result<ImageStatus, StoreError> {
    let revision = w.store.image(&w.a.sees(), id).await.unwrap().image.head.revision;
    let change = w.change(&w.a, "is.image.image.update", id);
    let (permit, now) = (w.a.may(Action::ImageUpdate, id), w.clock.region());
    let view = w.store.image_update(&permit, id, revision, patch, now, change).await?;
    Ok(view.image.status)
}

fn dates(
    deprecation_at: Option<Option<Timestamp>>,
    obsolescence_at: Option<Option<Timestamp>>,
) -> ImagePatch {
    ImagePatch { deprecation_at, obsolescence_at, ..ImagePatch::default() }
}

/// S22, S28: deprecate, obsolete, and back again by clearing the dates.
pub async fn forwards_and_backwards(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let id = one_image(&w).await;
    let call = |action: Action, what: LifecycleChange| {
        let change = w.change(&w.a, "is.image.image.update", &id);
        let (store, permit, id) = (w.store.clone(), w.a.may(action, &id), id.clone());
        let now = w.tick();
        async move { store.image_lifecycle(&permit, &id, what, now, change).await }
    };
    let events = w.events(&w.a).await;
    call(Action::ImageDeprecate, LifecycleChange::Deprecate).await.unwrap();
    assert_eq!(w.image_status(&id).await, ImageStatus::Deprecated);
    let again = call(Action::ImageDeprecate, LifecycleChange::Deprecate).await;
    refused!(again, StoreError::Refused(Refusal::ImageLifecycle { .. }));
    call(Action::ImageObsolete, LifecycleChange::Obsolete).await.unwrap();
    assert_eq!(w.image_status(&id).await, ImageStatus::Obsolete);
    assert_eq!(w.events(&w.a).await, events + 2, "a refused call leaves no event of a change");
    assert_eq!(patch(&w, &id, dates(None, Some(None))).await.unwrap(), ImageStatus::Deprecated);
    assert_eq!(patch(&w, &id, dates(Some(None), None)).await.unwrap(), ImageStatus::Available);
    call(Action::ImageObsolete, LifecycleChange::Obsolete).await.unwrap();
    let both = patch(&w, &id, dates(Some(None), Some(None))).await;
    assert_eq!(both.unwrap(), ImageStatus::Available);
    let by_dates = LifecycleChange::Dates {
        deprecation_at: Some(Some(w.clock.region().plus(Duration::from_secs(100)))),
        obsolescence_at: None,
    };
    call(Action::ImageUpdate, by_dates).await.unwrap();
    assert!(w.store.image_due_next(system()).await.unwrap().is_some());
}

/// S22: dates that come move the images, once each, with an event each.
pub async fn dates_come_due(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let id = one_image(&w).await;
    assert_eq!(w.store.image_due_next(system()).await.unwrap(), None);
    let start = w.clock.region();
    let (first, last) =
        (start.plus(Duration::from_secs(3_600)), start.plus(Duration::from_secs(7_200)));
    let set = patch(&w, &id, dates(Some(Some(first)), Some(Some(last)))).await;
    assert_eq!(set.unwrap(), ImageStatus::Available);
    assert_eq!(w.store.image_due_next(system()).await.unwrap(), Some(first));
    let events = w.events(&w.a).await;
    let due = |now: Timestamp| {
        let w = &w;
        async move {
            let change =
                |image: &model::Image| w.change(&w.a, "is.image.image.update", &image.head.id);
            w.store.images_due(system(), now, 10, &change).await.unwrap()
        }
    };
    assert!(due(start).await.is_empty());
    let moved = due(first).await;
    assert_eq!((moved.len(), moved[0].image.status), (1, ImageStatus::Deprecated));
    assert!(due(first).await.is_empty(), "moved once");
    assert_eq!(w.image_status(&id).await, ImageStatus::Deprecated);
    assert_eq!(w.store.image_due_next(system()).await.unwrap(), Some(last));
    let moved = due(last.plus(Duration::from_secs(1))).await;
    assert_eq!(moved[0].image.status, ImageStatus::Obsolete);
    assert_eq!(w.store.image_due_next(system()).await.unwrap(), None);
    assert_eq!(w.events(&w.a).await, events + 2);
}

/// Images are moved in bounded batches, and both dates at once make it obsolete.
pub async fn due_images_come_in_batches(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let soon = w.clock.region().plus(Duration::from_secs(10_000));
    for n in 0..3 {
        let id = w.image(&w.a, &made.volume, &format!("copy-{n}")).await;
        let later = soon.plus(Duration::from_secs(1));
        patch(&w, &id, dates(Some(Some(soon)), Some(Some(later)))).await.unwrap();
    }
    let now = soon.plus(Duration::from_secs(2));
    let none = |_: &model::Image| Change::default();
    for wanted in [2, 1, 0] {
        let moved = w.store.images_due(system(), now, 2, &none).await.unwrap();
        assert_eq!(moved.len(), wanted);
        assert!(moved.iter().all(|v| v.image.status == ImageStatus::Obsolete));
    }
}

/// A date that came while the image was being made applies when it is done; obsolete wins.
pub async fn dates_that_pass_while_pending(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let capture = w.capture(&w.a, &made.volume, "copy").await;
    let soon = w.clock.region().plus(Duration::from_secs(5));
    let later = soon.plus(Duration::from_secs(5));
    let set = patch(&w, &capture.image, dates(Some(Some(soon)), Some(Some(later)))).await;
    assert_eq!(set.unwrap(), ImageStatus::Pending);
    assert_eq!(w.store.image_due_next(system()).await.unwrap(), None, "it is not made yet");
    w.clock.advance(Duration::from_secs(20));
    let commit = w.commit(&capture);
    w.store.image_commit(system(), &capture.fence, commit, Change::default()).await.unwrap();
    assert_eq!(w.image_status(&capture.image).await, ImageStatus::Obsolete);
}

/// Dates must lie ahead and in order; a patch of nothing changes nothing.
pub async fn updates_are_checked(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let id = one_image(&w).await;
    let now = w.clock.region();
    let past = patch(&w, &id, dates(Some(Some(now)), None)).await;
    refused!(past, StoreError::Refused(Refusal::ImageDates { field: "deprecation_at", .. }));
    let late = Some(Some(now.plus(Duration::from_secs(9))));
    let early = Some(Some(now.plus(Duration::from_secs(8))));
    let order = patch(&w, &id, dates(late, early)).await;
    refused!(order, StoreError::Refused(Refusal::ImageDates { field: "obsolescence_at", .. }));
    let before = w.store.image(&w.a.sees(), &id).await.unwrap();
    patch(&w, &id, ImagePatch::default()).await.unwrap();
    assert_eq!(w.store.image(&w.a.sees(), &id).await.unwrap(), before);
    let allowed = AllowedUse { instance: "vcpu.count > 1".into(), ..AllowedUse::anything("x") };
    let full = ImagePatch {
        name: Some(name("renamed")),
        allowed_use: Some(allowed.clone()),
        ..ImagePatch::default()
    };
    patch(&w, &id, full.clone()).await.unwrap();
    let image = w.store.image(&w.a.sees(), &id).await.unwrap().image;
    assert_eq!((image.head.name, image.allowed_use), (name("renamed"), allowed));
    assert_eq!(image.head.revision, before.image.head.revision + 1);
    let permit = w.a.may(Action::ImageUpdate, &id);
    let stale = before.image.head.revision;
    let stale = w.store.image_update(&permit, &id, stale, full, now, Change::default()).await;
    refused!(stale, StoreError::Changed { .. });
}

/// A deleting image takes no change.
pub async fn a_deleting_image_takes_no_change(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let id = one_image(&w).await;
    let job = w.job(&w.a, "image-delete", &id);
    let permit = w.a.may(Action::ImageDelete, &id);
    w.store.image_delete(&permit, &id, job, Change::default()).await.unwrap();
    let renamed = ImagePatch { name: Some(name("renamed")), ..ImagePatch::default() };
    let update = patch(&w, &id, renamed).await;
    refused!(update, StoreError::Refused(Refusal::ImageState { verb: "changed", .. }));
    let (permit, now) = (w.a.may(Action::ImageDeprecate, &id), w.tick());
    let what = LifecycleChange::Deprecate;
    let call = w.store.image_lifecycle(&permit, &id, what, now, Change::default()).await;
    refused!(call, StoreError::Refused(Refusal::ImageState { .. }));
}
