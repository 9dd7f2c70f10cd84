//! Starts that wait for a capture.

use base::InstanceId;
use meta::{Change, StoreError};
use model::{ActionKind, ActionStatus, InstanceStatus, InstanceStatusReason, Refusal};
use policy::Action;

use super::{
    FreshStore,
    world::{Capture, Made, World, system},
};
use crate::{not_found, refused};

async fn begun(w: &World) -> (Made, Capture) {
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let capture = w.capture(&w.a, &made.volume, "copy").await;
    (made, capture)
}

async fn state(w: &World, id: &InstanceId) -> (InstanceStatus, Vec<InstanceStatusReason>) {
    let instance = w.store.instance(&w.a.sees(), id).await.unwrap().instance;
    (instance.status, instance.status_reasons)
}

/// A start during a capture is accepted and waits; the instance stays stopped and says why, until
/// the volume is settled.
pub async fn a_start_waits_for_the_capture(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (made, capture) = begun(&w).await;
    let (start, job) = w.act(&w.a, &made.id, ActionKind::Start).await.unwrap();
    assert_eq!(start.status, ActionStatus::Pending);
    let waits = vec![InstanceStatusReason::StoppedForImageCreation];
    assert_eq!(state(&w, &made.id).await, (InstanceStatus::Stopped, waits.clone()));
    assert_eq!(w.claim().await, None, "the job waits");
    let (second, none) = w.act(&w.a, &made.id, ActionKind::Start).await.unwrap();
    assert_eq!(second.status, ActionStatus::Completed, "one waiting start is enough");
    not_found!(w.store.job(system(), &none).await);
    // The image is made, the volume is not settled yet.
    let commit = w.commit(&capture);
    w.store.image_commit(system(), &capture.fence, commit, Change::default()).await.unwrap();
    assert_eq!(state(&w, &made.id).await, (InstanceStatus::Stopped, waits));
    w.store.image_settled(system(), &capture.fence, &made.volume).await.unwrap();
    assert_eq!(state(&w, &made.id).await, (InstanceStatus::Starting, Vec::new()));
    w.store.image_settled(system(), &capture.fence, &made.volume).await.unwrap();
    w.finish(&capture.fence).await;
    let (next, _) = w.claim().await.expect("the start is due");
    assert_eq!(next, job);
}

/// A stop takes the waiting start back; the capture then frees the volume and starts nothing.
pub async fn a_stop_takes_a_waiting_start_back(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (made, capture) = begun(&w).await;
    let (start, job) = w.act(&w.a, &made.id, ActionKind::Start).await.unwrap();
    let (stop, _) = w.act(&w.a, &made.id, ActionKind::Stop).await.unwrap();
    assert_eq!(stop.status, ActionStatus::Completed);
    let followed = w.store.instance_action_get(&w.a.sees(), &made.id, &start.id).await.unwrap();
    assert_eq!(followed.status, ActionStatus::Failed);
    not_found!(w.store.job(system(), &job).await);
    assert_eq!(state(&w, &made.id).await, (InstanceStatus::Stopped, Vec::new()));
    w.store.image_settled(system(), &capture.fence, &made.volume).await.unwrap();
    assert_eq!(state(&w, &made.id).await.0, InstanceStatus::Stopped);
    w.finish(&capture.fence).await;
    assert_eq!(w.claim().await, None);
}

/// A capture that fails also lets the waiting start go on.
pub async fn a_failed_capture_releases_the_start(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (made, capture) = begun(&w).await;
    w.act(&w.a, &made.id, ActionKind::Start).await.unwrap();
    let (fence, none) = (&capture.fence, Change::default());
    w.store.image_failed(system(), fence, &capture.image, Vec::new(), none).await.unwrap();
    w.store.image_settled(system(), fence, &made.volume).await.unwrap();
    assert_eq!(state(&w, &made.id).await, (InstanceStatus::Starting, Vec::new()));
}

/// An instance whose boot volume is being captured is not deleted, nor its volume.
pub async fn a_captured_instance_is_not_deleted(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (made, capture) = begun(&w).await;
    let delete = || {
        let job = w.job(&w.a, "instance-delete", &made.id);
        let (store, id) = (w.store.clone(), made.id.clone());
        let permit = w.a.may(Action::InstanceDelete, &made.id);
        async move { store.instance_delete(&permit, &id, job, Change::default()).await }
    };
    refused!(delete().await, StoreError::Refused(Refusal::SourceVolumeBusy { .. }));
    w.store.image_settled(system(), &capture.fence, &made.volume).await.unwrap();
    delete().await.unwrap();
}
