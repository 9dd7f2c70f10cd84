//! Wrapped data keys, and images that are encrypted anew.

use std::collections::BTreeSet;

use base::{ByteCount, JobId};
use jobs::NewJob;
use meta::{Change, Isolated, StoreError, WrapHolder, WrapRow};
use model::ImageStatus;

use super::{
    FreshStore,
    world::{World, sealed, system},
};
use crate::{not_found, refused};

/// Invariant 21, its rows: every data key of an account is listed once, page by page; a wrap takes
/// the place of another only if that is still there; the row's revision stays.
pub async fn data_keys_are_wrapped_anew(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let s = &w.store;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let capture = w.capture(&w.a, &made.volume, "copy").await;
    let data = w.volume_put(&w.a, w.new_volume(&w.a, "data")).await;
    let want: BTreeSet<String> =
        [made.volume.to_string(), capture.image.to_string(), data.to_string()].into();
    let mut found: Vec<WrapRow> = Vec::new();
    loop {
        let after = found.last().map(|row| row.holder.id().to_owned());
        let page = s.wraps(system(), &w.a.account, after.as_deref(), 1).await.unwrap();
        assert!(page.len() <= 1);
        let Some(row) = page.into_iter().next() else { break };
        found.push(row);
    }
    let ids: BTreeSet<String> = found.iter().map(|row| row.holder.id().to_owned()).collect();
    assert_eq!((ids, found.len()), (want, 3));
    assert!(s.wraps(system(), &w.b.account, None, 10).await.unwrap().is_empty());
    let before = s.volume(&w.a.sees(), &data).await.unwrap().volume;
    for row in &found {
        assert!(s.rewrap(system(), None, row, b"anew").await.unwrap());
        assert!(!s.rewrap(system(), None, row, b"again").await.unwrap(), "it says another now");
    }
    let after = s.volume(&w.a.sees(), &data).await.unwrap().volume;
    assert_eq!(after.storage.wrapped_data_key, b"anew");
    assert_eq!(after.head.revision, before.head.revision);
    let image = s.image_any(system(), &capture.image).await.unwrap().image;
    assert_eq!(image.wrapped_data_key, b"anew");
    let gone = WrapRow {
        holder: WrapHolder::Image(base::ImageId::mint("r006-", &*w.entropy)),
        wrapped: Vec::new(),
    };
    assert!(!s.rewrap(system(), None, &gone, b"x").await.unwrap());
    let stale = jobs::Fence { job: JobId::mint("job-", &*w.entropy), epoch: 1 };
    let stale = s.rewrap(system(), Some(&stale), &found[0], b"x").await;
    refused!(stale, StoreError::Changed { kind: "job", .. });
}

/// The root of an image is replaced once, from the one that was read, with one event.
pub async fn an_image_is_encrypted_anew_once(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let s = &w.store;
    let image = w.adoptable("alone");
    let id = image.head.id.clone();
    let from = image.sealed.clone().unwrap().root_id;
    s.image_adopt(system(), image, Change::default()).await.unwrap();
    let job = NewJob {
        id: JobId::mint("job-", &*w.entropy),
        kind: "image_isolate".to_owned(),
        account: Some(w.a.account.clone()),
        subject: id.to_string(),
        host: None,
        asked_by: "x".to_owned(),
        state_json: "{}".to_owned(),
    };
    s.region_job(system(), job.clone()).await.unwrap();
    // One about another image does not stand in its way.
    let other = NewJob { id: JobId::mint("job-", &*w.entropy), subject: "other".to_owned(), ..job };
    assert_eq!(s.region_job(system(), other.clone()).await.unwrap(), other.id);
    let fence = w.claim_of(&other.id).await;
    let events = w.events(&w.a).await;
    let anew = |from: &str, to: &str| {
        let change = w.change(&w.a, "is.image.image.update", &id);
        let isolated = Isolated {
            image: id.clone(),
            from: from.to_owned(),
            sealed: sealed(to),
            stored: ByteCount(77),
        };
        let (store, fence) = (w.store.clone(), fence.clone());
        async move { store.image_isolated(system(), &fence, isolated, change).await }
    };
    refused!(anew("unknown", "next").await, StoreError::Changed { kind: "image", .. });
    anew(&from, "next").await.unwrap();
    anew(&from, "next").await.unwrap();
    assert_eq!(w.events(&w.a).await, events + 1, "a step that runs again writes no second event");
    refused!(anew(&from, "another").await, StoreError::Changed { kind: "image", .. });
    let image = s.image_any(system(), &id).await.unwrap().image;
    assert_eq!((image.status, image.stored), (ImageStatus::Available, Some(ByteCount(77))));
    assert_eq!(image.sealed, Some(sealed("next")));
    assert_eq!(s.roots(system()).await.unwrap(), [sealed("next").root_id]);
    let missing = base::ImageId::mint("r006-", &*w.entropy);
    let isolated = Isolated { image: missing, from, sealed: sealed("next"), stored: ByteCount(1) };
    not_found!(s.image_isolated(system(), &fence, isolated, Change::default()).await);
}
