//! Forced statuses: one at a time on a resource, told to everybody, and taken back.

use std::time::Duration;

use base::{Clock as _, ImageId};
use meta::{Change, StoreError};
use model::{
    ForceStatus, Forced, ImagePatch, ImageStatus, ImageStatusReason, Limit, Refusal, VolumeStatus,
};
use policy::Action;

use super::{
    FreshStore,
    world::{World, system},
};
use crate::{not_found, refused};

async fn force(w: &World, want: ForceStatus) -> Result<Forced, StoreError> {
    let now = w.tick();
    w.store.status_force(system(), want, now, Change::default()).await
}

async fn restore(w: &World, id: &str) -> Result<(), StoreError> {
    w.store.status_restore(system(), id, w.clock.region(), Change::default()).await
}

fn image(id: &ImageId, status: ImageStatus, reason: Option<ImageStatusReason>) -> ForceStatus {
    ForceStatus::Image { id: id.clone(), status, reasons: reason.into_iter().collect() }
}

/// A forced status is the status until it is taken back; then the dates of the image decide.
pub async fn an_images_status_is_forced_and_restored(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let stock = w.adoptable("mine");
    let id = stock.head.id.clone();
    w.store.image_adopt(system(), stock, Change::default()).await.unwrap();
    let read = async || w.store.image(&w.a.sees(), &id).await.unwrap().image;
    for &status in ImageStatus::ALL {
        let reason = Some(ImageStatusReason::EncryptionKeyDeleted);
        let forced = force(&w, image(&id, status, reason)).await.unwrap();
        assert_eq!((forced.status.as_str(), forced.was.as_str()), (status.as_str(), "available"));
        let seen = read().await;
        assert_eq!((seen.status, seen.status_reasons.len()), (status, 1));
        assert_eq!(w.store.statuses_forced(system()).await.unwrap(), [forced]);
        let again = force(&w, image(&id, ImageStatus::Failed, None)).await;
        refused!(again, StoreError::Refused(Refusal::StatusNotForced { .. }));
        restore(&w, id.as_str()).await.unwrap();
        let seen = read().await;
        assert_eq!((seen.status, seen.status_reasons.len()), (ImageStatus::Available, 0));
    }
    not_found!(restore(&w, id.as_str()).await);

    // A date that comes while the status is forced counts when it is taken back.
    let soon = w.clock.region().plus(Duration::from_secs(5));
    let patch = ImagePatch { deprecation_at: Some(Some(soon)), ..ImagePatch::default() };
    let (permit, now) = (w.a.may(Action::ImageUpdate, &id), w.clock.region());
    let revision = read().await.head.revision;
    w.store.image_update(&permit, &id, revision, patch, now, Change::default()).await.unwrap();
    force(&w, image(&id, ImageStatus::Unusable, None)).await.unwrap();
    w.clock.advance(Duration::from_secs(60));
    restore(&w, id.as_str()).await.unwrap();
    assert_eq!(read().await.status, ImageStatus::Deprecated);

    // What is deleted has no forced status, and a status that was changed since stays.
    force(&w, image(&id, ImageStatus::Failed, None)).await.unwrap();
    super::images::delete_image(&w, &id).await;
    assert!(w.store.statuses_forced(system()).await.unwrap().is_empty());
    not_found!(force(&w, image(&id, ImageStatus::Failed, None)).await);
}

/// Nothing is forced onto what a job works on.
pub async fn work_under_way_is_left_alone(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let capture = w.capture(&w.a, &made.volume, "copy").await;
    let pending = force(&w, image(&capture.image, ImageStatus::Failed, None)).await;
    refused!(pending, StoreError::Refused(Refusal::StatusNotForced { kind: "image", .. }));
    let busy = ForceStatus::Volume { id: made.volume.clone(), status: VolumeStatus::Failed };
    let busy = force(&w, busy).await;
    refused!(busy, StoreError::Refused(Refusal::StatusNotForced { kind: "volume", .. }));
    assert_eq!(w.image_status(&capture.image).await, ImageStatus::Pending);
    assert!(w.store.statuses_forced(system()).await.unwrap().is_empty());
}

/// Volumes likewise; and no more than the limit at the same time.
pub async fn volumes_and_the_limit(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let mut ids = Vec::new();
    for n in 0..=Limit::FORCED_STATUSES_MAX.max {
        let volume = w.new_data_volume(&w.a, &format!("volume-{n}"));
        ids.push(w.volume_put(&w.a, volume).await);
    }
    let unusable = |id: &base::VolumeId| ForceStatus::Volume {
        id: id.clone(),
        status: VolumeStatus::Unusable,
    };
    let (over, within) = ids.split_last().unwrap();
    for id in within {
        force(&w, unusable(id)).await.unwrap();
    }
    let limit = force(&w, unusable(over)).await;
    refused!(limit, StoreError::Refused(Refusal::OverLimit { .. }));
    let status = async |id| w.store.volume(&w.a.sees(), id).await.unwrap().volume.status;
    assert_eq!(status(over).await, VolumeStatus::Available);
    assert_eq!(status(&within[0]).await, VolumeStatus::Unusable);
    restore(&w, within[0].as_str()).await.unwrap();
    assert_eq!(status(&within[0]).await, VolumeStatus::Available);
    force(&w, unusable(over)).await.unwrap();
}
