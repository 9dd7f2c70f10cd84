//! Jobs as rows: claims, leases, progress, notes.

use std::time::Duration;

use base::{Clock as _, JobId, Timestamp};
use jobs::{Claim, Failure, Fence, JobLogError, JobStatus, Phase};
use meta::Change;
use policy::Action;

use super::{
    FreshStore,
    world::{HOST, World, system},
};
use crate::{not_found, refused};

/// Queues a job by deleting a new volume.
async fn queue(w: &World, text: &str, host: Option<&str>) -> JobId {
    let volume = w.volume_put(&w.a, w.new_volume(&w.a, text)).await;
    let mut job = w.job(&w.a, "volume-delete", &volume);
    job.host = host.map(str::to_owned);
    let id = job.id.clone();
    let permit = w.a.may(Action::VolumeDelete, &volume);
    w.store.volume_delete(&permit, &volume, job, Change::default()).await.unwrap();
    id
}

async fn claim(w: &World, host: &str, now: Timestamp) -> Option<(JobId, Fence)> {
    let lease_until = now.plus(Duration::from_secs(30));
    let claim = Claim { owner: "w", host, now, lease_until };
    let record = w.store.claim(claim).await.unwrap()?;
    assert_eq!(record.lease_owner.as_deref(), Some("w"));
    assert_eq!((record.lease_until, record.progress.status), (lease_until, JobStatus::Running));
    let fence = Fence { job: record.id.clone(), epoch: record.epoch };
    Some((record.id, fence))
}

/// The oldest due job is taken, on its own host, and again only when its lease has ended.
pub async fn claims_are_exclusive(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let bound = queue(&w, "bound", Some(HOST)).await;
    let free = queue(&w, "free", None).await;
    let now = w.clock.wall();
    let early = now.plus(Duration::ZERO);
    assert_eq!(claim(&w, "elsewhere", early).await.unwrap().0, free);
    assert_eq!(claim(&w, "elsewhere", early).await, None, "jobs of other hosts are not for it");
    let (job, first) = claim(&w, HOST, now).await.unwrap();
    assert_eq!((job, first.epoch), (bound.clone(), 1));
    assert_eq!(claim(&w, HOST, now.plus(Duration::from_secs(29))).await, None);
    let end = now.plus(Duration::from_secs(30));
    let (job, second) = claim(&w, HOST, end).await.unwrap();
    assert_eq!((job, second.epoch), (bound, 2));
    let renewed = w.store.renew(&first, end).await;
    refused!(renewed, JobLogError::Stale { epoch: 1, .. });
    assert!(!w.store.renew(&second, end).await.unwrap().cancel_asked);
}

/// Progress is written as a whole, under the epoch of the claim.
pub async fn progress_is_fenced(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let id = queue(&w, "vol", None).await;
    let now = w.clock.wall();
    let (_, fence) = claim(&w, HOST, now).await.unwrap();
    let mut progress = w.store.job(system(), &id).await.unwrap().progress;
    progress.phase = Phase::Undoing;
    progress.step = Some("copy".to_owned());
    progress.attempts = 3;
    progress.state_json = "{\"a\":\"é\"}".to_owned();
    progress.failure = Some(Failure { code: "x".to_owned(), message: "y".to_owned() });
    progress.last_error = Some("z".to_owned());
    let stale = Fence { epoch: fence.epoch + 1, ..fence.clone() };
    let refusal = w.store.save(&stale, &progress, now, now).await;
    refused!(refusal, JobLogError::Stale { .. });
    w.store.save(&fence, &progress, now, now.plus(Duration::from_secs(9))).await.unwrap();
    let record = w.store.job(system(), &id).await.unwrap();
    assert_eq!(record.progress, progress);
    assert_eq!(record.lease_until, now.plus(Duration::from_secs(9)));
    assert_eq!(record.account, Some(w.a.account.clone()));
    progress.status = JobStatus::Queued;
    progress.not_before = now.plus(Duration::from_secs(60));
    progress.failure = None;
    w.store.save(&fence, &progress, now, now).await.unwrap();
    assert_eq!(claim(&w, HOST, now.plus(Duration::from_secs(59))).await, None, "put off");
    let (_, fence) = claim(&w, HOST, now.plus(Duration::from_secs(60))).await.unwrap();
    progress.status = JobStatus::Failed;
    w.store.save(&fence, &progress, now, now).await.unwrap();
    assert_eq!(claim(&w, HOST, Timestamp::from_micros(i64::MAX)).await, None, "settled");
    refused!(w.store.save(&fence, &progress, now, now).await, JobLogError::Stale { .. });
}

/// Jobs are found by id, by subject and kind, and while they are open.
pub async fn jobs_are_found(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let first = queue(&w, "one", None).await;
    w.tick();
    let second = queue(&w, "two", None).await;
    let record = w.store.job(system(), &first).await.unwrap();
    assert_eq!(record.progress.state_json, "{}");
    assert_eq!((record.epoch, record.cancel_asked, record.lease_owner), (0, false, None));
    let found = w.store.job_of(system(), &record.subject, "volume-delete").await.unwrap();
    assert_eq!(found.unwrap().id, first);
    assert!(w.store.job_of(system(), &record.subject, "other").await.unwrap().is_none());
    assert!(w.store.job_of(system(), "nothing", "volume-delete").await.unwrap().is_none());
    not_found!(w.store.job(system(), &JobId::mint("job-", &*w.entropy)).await);
    let open = w.store.jobs_open(system(), 10).await.unwrap();
    assert_eq!(open.iter().map(|j| &j.id).collect::<Vec<_>>(), [&first, &second]);
    assert_eq!(w.store.jobs_open(system(), 1).await.unwrap().len(), 1);
    let fence = w.claim_of(&first).await;
    w.finish(&fence).await;
    assert_eq!(w.store.jobs_open(system(), 10).await.unwrap()[0].id, second);
}

/// A note replaces the one of its key and keeps every byte.
pub async fn notes_are_kept_by_key(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let id = queue(&w, "vol", None).await;
    let fence = w.claim_of(&id).await;
    for (key, value) in [("b", vec![]), ("a", vec![0, 255, 10]), ("b", (0..=255).collect())] {
        w.store.job_note(system(), &fence, key, value).await.unwrap();
    }
    let notes = w.store.job_notes(system(), &id).await.unwrap();
    let wanted: Vec<u8> = (0..=255).collect();
    assert_eq!(notes, [("a".to_owned(), vec![0, 255, 10]), ("b".to_owned(), wanted)]);
    w.finish(&fence).await;
    assert!(w.store.job_notes(system(), &id).await.unwrap().is_empty(), "it is settled");
    let none = w.store.job_notes(system(), &JobId::mint("job-", &*w.entropy)).await.unwrap();
    assert!(none.is_empty());
}

/// The region's sequence gives no number twice.
pub async fn the_sequence_only_grows(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let mut last = w.store.sequence_next(system()).await.unwrap();
    for _ in 0..3 {
        let next = w.store.sequence_next(system()).await.unwrap();
        assert_eq!(next, last + 1);
        last = next;
    }
}
