//! Two callers at once: one wins, and the other hears why.

use std::{collections::HashSet, future::Future};

use jobs::Claim;
use meta::{Change, StoreError};
use model::{ImageStatus, Refusal};
use policy::Action;

use super::{
    FreshStore,
    world::{HOST, World, name, system},
};

/// Runs all of them at once, each a task of its own.
async fn together<T, F>(calls: Vec<F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// Exactly one is done; the others' failures are returned.
fn one_wins<T>(results: Vec<Result<T, StoreError>>) -> Vec<StoreError> {
    let count = results.len();
    let losers: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert_eq!(losers.len(), count - 1, "{losers:?}");
    losers
}

/// Two images of one volume: one is made, the other finds the volume busy.
pub async fn one_capture_of_a_volume_at_once(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let calls = (0..4).map(|n| {
        let image = w.new_image(&w.a, &format!("copy-{n}"));
        let job = w.job(&w.a, "image-capture", &image.head.id);
        let change = w.change(&w.a, "is.image.image.create", n);
        let permit = w.a.may_make(Action::ImageCreate);
        let (store, region, source) = (w.store.clone(), w.region.clone(), made.volume.clone());
        async move { store.image_create(&permit, &region, image, &source, true, job, change).await }
    });
    let events = w.events(&w.a).await;
    for error in one_wins(together(calls.collect()).await) {
        assert!(
            matches!(error, StoreError::Refused(Refusal::SourceVolumeBusy { .. })),
            "{error:?}"
        );
    }
    assert_eq!(w.events(&w.a).await, events + 1);
}

/// Two keys of one name: one is made, the other's name is taken.
pub async fn one_of_a_name_at_once(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let calls = (0..4).map(|n| {
        let mut key = w.new_key(&w.a, &format!("key-{n}"));
        key.head.name = name("same");
        let change = w.change(&w.a, "is.key.key.create", n);
        let (store, permit) = (w.store.clone(), w.a.may_make(Action::KeyCreate));
        async move { store.key_create(&permit, key, change).await }
    });
    for error in one_wins(together(calls.collect()).await) {
        assert!(matches!(error, StoreError::Refused(Refusal::NameTaken { .. })), "{error:?}");
    }
    assert_eq!(w.events(&w.a).await, 1);
}

/// Writers of one revision: one wins, the others were late.
pub async fn one_writer_of_a_revision_at_once(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let key = w.key(&w.a, "one").await.head.id;
    let calls = (0..4).map(|n| {
        let (store, permit) = (w.store.clone(), w.a.may(Action::KeyUpdate, &key));
        let (key, name) = (key.clone(), name(&format!("name-{n}")));
        async move { store.key_rename(&permit, &key, 1, name, Change::default()).await }
    });
    for error in one_wins(together(calls.collect()).await) {
        assert!(matches!(error, StoreError::Changed { .. }), "{error:?}");
    }
    assert_eq!(w.store.key(&w.a.sees(), &key).await.unwrap().0.head.revision, 2);
}

/// Addresses that are asked for at once are all different, and so are events' numbers.
pub async fn addresses_are_given_once(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let subnet = &net.subnet.head.id;
    let calls = (0..8).map(|n| {
        let ip = w.new_ip(&w.a, subnet, &format!("ip-{n}"));
        let change = w.change(&w.a, "is.subnet.subnet.update", n);
        let (store, permit) = (w.store.clone(), w.a.may(Action::SubnetUpdate, subnet));
        async move { store.reserved_ip_create(&permit, ip, change).await.unwrap().address }
    });
    let events = w.events(&w.a).await;
    let given: HashSet<_> = together(calls.collect()).await.into_iter().collect();
    assert_eq!(given.len(), 8);
    assert!(given.iter().all(|a| (4..12).contains(&a.octets()[3])));
    assert_eq!(w.events(&w.a).await, events + 8);
}

/// A job is taken once, an epoch and a number of the sequence are given once.
pub async fn claims_epochs_and_numbers_are_given_once(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    for n in 0..3 {
        let volume = w.volume_put(&w.a, w.new_volume(&w.a, &format!("volume-{n}"))).await;
        let job = w.job(&w.a, "volume-delete", &volume);
        let permit = w.a.may(Action::VolumeDelete, &volume);
        w.store.volume_delete(&permit, &volume, job, Change::default()).await.unwrap();
    }
    let now = w.tick();
    let calls = (0..6).map(|n| {
        let store = w.store.clone();
        async move {
            let owner = format!("worker-{n}");
            let lease_until = now.plus(std::time::Duration::from_secs(30));
            let claim = Claim { owner: &owner, host: HOST, now, lease_until };
            store.claim(claim).await.unwrap().map(|record| record.id)
        }
    });
    let taken: Vec<_> = together(calls.collect()).await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 3);
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 3);
    let volume = w.volume_put(&w.a, w.new_volume(&w.a, "volume")).await;
    let calls = (0..4).map(|_| {
        let (store, volume) = (w.store.clone(), volume.clone());
        async move {
            let epoch = store.volume_epoch_next(system(), &volume).await.unwrap();
            (epoch, store.sequence_next(system()).await.unwrap())
        }
    });
    let (epochs, numbers): (HashSet<_>, HashSet<_>) =
        together(calls.collect()).await.into_iter().unzip();
    assert_eq!((epochs.len(), numbers.len()), (4, 4));
}

/// Invariant 11: a commit and a deletion at once leave a deleting image either way, and the
/// commit says whether it was in time.
pub async fn commit_meets_delete(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let capture = w.capture(&w.a, &made.volume, "copy").await;
    let (store, fence, commit) = (w.store.clone(), capture.fence.clone(), w.commit(&capture));
    let change = w.change(&w.a, "is.image.image.create", &capture.image);
    let commit =
        tokio::spawn(async move { store.image_commit(system(), &fence, commit, change).await });
    let job = w.job(&w.a, "image-delete", &capture.image);
    let permit = w.a.may(Action::ImageDelete, &capture.image);
    w.store.image_delete(&permit, &capture.image, job, Change::default()).await.unwrap();
    let commit = commit.await.unwrap();
    let image = w.store.image_any(system(), &capture.image).await.unwrap().image;
    assert_eq!(image.status, ImageStatus::Deleting);
    match commit {
        Ok(()) => assert!(image.sealed.is_some()),
        Err(StoreError::Changed { kind: "image", .. }) => assert_eq!(image.sealed, None),
        Err(other) => panic!("{other:?}"),
    }
}
