//! Upkeep of the chunk store: operations, snapshots, condemned packs, pins, scrubs.

use std::time::Duration;

use base::JobId;
use jobs::{JobStatus, NewJob};
use meta::{Change, HolderKind, Quarantined, ScrubPart};

use super::{
    FreshStore,
    world::{World, system},
};
use crate::not_found;

const NOW: Duration = Duration::ZERO;

fn job(w: &World, kind: &str) -> NewJob {
    NewJob {
        id: JobId::mint("job-", &*w.entropy),
        kind: kind.to_owned(),
        account: None,
        subject: "store".to_owned(),
        host: None,
        asked_by: "operator".to_owned(),
        state_json: "{}".to_owned(),
    }
}

fn packs(names: &[&str]) -> Vec<(String, u64)> {
    names.iter().map(|name| ((*name).to_owned(), 7)).collect()
}

/// Invariant 13, its rows: an operation bounds the collection until its job is settled, or it was
/// ended, or its process is known to be dead.
pub async fn open_operations_bound_the_collection(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let s = &w.store;
    let free = s.gc_snapshot(system()).await.unwrap();
    assert_eq!((free.oldest_open, free.below(), free.enabled), (None, free.epoch, true));
    let new = job(&w, "k");
    let with_job = s.operation_begin(system(), "host-1-a-", Some(&new.id)).await.unwrap();
    let without = s.operation_begin(system(), "host-1-a-", None).await.unwrap();
    assert!(free.epoch < with_job && with_job < without);
    // Before the job's row is there, and while it is open.
    assert_eq!(s.gc_snapshot(system()).await.unwrap().below(), with_job);
    s.region_job(system(), new.clone()).await.unwrap();
    assert_eq!(s.gc_snapshot(system()).await.unwrap().below(), with_job);
    let fence = w.claim_of(&new.id).await;
    assert_eq!(s.operations_forget(system(), "host-1-", "host-1-a-").await.unwrap(), 0);
    let mut progress = s.job(system(), &new.id).await.unwrap().progress;
    progress.status = JobStatus::Succeeded;
    let now = base::Clock::wall(&*w.clock);
    s.save(&fence, &progress, now, now).await.unwrap();
    assert_eq!(s.gc_snapshot(system()).await.unwrap().below(), without);
    let dead = s.operation_begin(system(), "host-1-b-", None).await.unwrap();
    s.operation_end(system(), without).await.unwrap();
    s.operation_end(system(), without).await.unwrap();
    assert_eq!(s.gc_snapshot(system()).await.unwrap().below(), dead);
    assert_eq!(s.operations_forget(system(), "host-1-", "host-1-a-").await.unwrap(), 1);
    assert_eq!(s.gc_snapshot(system()).await.unwrap().oldest_open, None);
}

/// A pack is deleted by a later run than the one that condemned it, after its grace.
pub async fn packs_are_condemned_before_they_are_deleted(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let s = &w.store;
    let day = Duration::from_secs(86_400);
    let condemn = |epoch, names: &'static [&'static str], grace| async move {
        let dead = packs(names);
        let due = s.gc_condemn(system(), None, epoch, &dead, grace).await.unwrap();
        due.into_iter().map(|one| one.pack).collect::<Vec<_>>()
    };
    assert!(condemn(1, &["a", "b"], NOW).await.is_empty());
    assert!(condemn(1, &["a", "b"], NOW).await.is_empty(), "the same run never deletes");
    s.gc_condemn_more(system(), None, 1, &packs(&["b", "c"])).await.unwrap();
    assert!(condemn(2, &["a", "b", "c"], day).await.is_empty());
    w.clock.advance(day);
    assert_eq!(condemn(2, &["a", "c", "d"], day).await, ["a", "c"]);
    let left = s.gc_condemned(system()).await.unwrap();
    let left: Vec<_> = left.iter().map(|one| (one.pack.as_str(), one.epoch, one.bytes)).collect();
    assert_eq!(left, [("a", 1, 7), ("c", 1, 7), ("d", 2, 7)], "b was acquitted");
    s.gc_deleted(system(), None, &["a".to_owned(), "c".to_owned()]).await.unwrap();
    assert_eq!(s.gc_condemned(system()).await.unwrap().len(), 1);
    s.gc_finished(system(), None).await.unwrap();
    assert!(s.store_upkeep(system()).await.unwrap().gc_finished_at.is_some());
}

/// A store that is newer than the database switches the collection off, and numbers go on above.
pub async fn a_newer_store_switches_the_collection_off(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let s = &w.store;
    assert!(!s.sequence_above(system(), 0).await.unwrap());
    let known = s.sequence_next(system()).await.unwrap();
    assert!(!s.sequence_above(system(), known).await.unwrap());
    assert!(s.gc_snapshot(system()).await.unwrap().enabled);
    assert!(s.sequence_above(system(), known + 100).await.unwrap());
    assert!(!s.sequence_above(system(), known + 100).await.unwrap());
    let snapshot = s.gc_snapshot(system()).await.unwrap();
    assert!(snapshot.epoch > known + 100 && !snapshot.enabled);
    s.gc_enable(system(), true).await.unwrap();
    assert!(s.gc_snapshot(system()).await.unwrap().enabled);
}

/// A pinned root is a root; one that nothing holds cannot be pinned.
pub async fn pins_keep_roots(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let s = &w.store;
    let stock = w.new_stock("stock", super::world::OS);
    let root = stock.sealed.clone().unwrap().root_id;
    w.stock_put(stock).await;
    s.pin(system(), "view-1", &root).await.unwrap();
    s.pin(system(), "view-1", &root).await.unwrap();
    assert_eq!(s.pins(system()).await.unwrap(), [("view-1".to_owned(), root.clone())]);
    let holders = s.root_holders(system(), &root).await.unwrap();
    let kinds: Vec<_> = holders.iter().map(|holder| holder.kind).collect();
    assert_eq!(kinds, [HolderKind::Image, HolderKind::View]);
    assert_eq!(holders[0].account, w.provider.account.as_str());
    assert_eq!(s.gc_snapshot(system()).await.unwrap().roots, [root]);
    not_found!(s.pin(system(), "view-2", "unknown").await);
    s.unpin(system(), "view-1").await.unwrap();
    s.unpin(system(), "view-1").await.unwrap();
    assert!(s.pins(system()).await.unwrap().is_empty());
}

/// A job of the region is queued once while one of its kind is open; a stale one changes nothing.
pub async fn a_region_job_is_queued_once(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let s = &w.store;
    let first = s.region_job(system(), job(&w, "gc")).await.unwrap();
    assert_eq!(s.region_job(system(), job(&w, "gc")).await.unwrap(), first);
    assert_ne!(s.region_job(system(), job(&w, "scrub")).await.unwrap(), first);
    let mut fence = w.claim_of(&first).await;
    s.gc_condemn(system(), Some(&fence), 1, &packs(&["a"]), NOW).await.unwrap();
    fence.epoch += 1;
    let stale = [
        s.gc_condemn(system(), Some(&fence), 1, &[], NOW).await.map(drop),
        s.gc_condemn_more(system(), Some(&fence), 1, &packs(&["b"])).await,
        s.gc_deleted(system(), Some(&fence), &["a".to_owned()]).await,
        s.gc_finished(system(), Some(&fence)).await,
        s.scrub_part(system(), Some(&fence), &ScrubPart::default()).await,
    ];
    assert!(stale.iter().all(Result::is_err));
    assert_eq!(s.gc_condemned(system()).await.unwrap().len(), 1);
}

/// A scrub goes on where it was; what it finds replaces what was known of the same packs.
pub async fn scrubs_go_on_and_remember(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let s = &w.store;
    let found = |pack: &str, record: Option<&str>| Quarantined {
        pack: pack.to_owned(),
        record: record.map(str::to_owned),
        why: "bad".to_owned(),
        found_at: base::Clock::wall(&*w.clock),
    };
    let part = |seen: &[&str], findings, cursor: Option<&str>| ScrubPart {
        seen: seen.iter().map(|pack| (*pack).to_owned()).collect(),
        findings,
        cursor: cursor.map(str::to_owned),
    };
    let begun = base::Clock::wall(&*w.clock);
    let first = part(&["a", "b"], vec![found("a", Some("x")), found("b", None)], Some("b"));
    s.scrub_part(system(), None, &first).await.unwrap();
    let known = s.quarantined(system()).await.unwrap();
    assert_eq!(known, [found("a", Some("x")), found("b", None)]);
    w.clock.advance(Duration::from_secs(60));
    s.scrub_part(system(), None, &part(&["c"], Vec::new(), None)).await.unwrap();
    let upkeep = s.store_upkeep(system()).await.unwrap();
    assert_eq!((upkeep.scrub_begun_at, upkeep.scrub_cursor), (Some(begun), None));
    assert_eq!(upkeep.scrub_finished_at, Some(base::Clock::wall(&*w.clock)));
    // The next one finds less, and keeps the date of what it finds again.
    s.scrub_part(system(), None, &part(&["a", "b"], vec![found("b", None)], None)).await.unwrap();
    let known = s.quarantined(system()).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].pack.as_str(), known[0].found_at), ("b", begun));
    s.gc_deleted(system(), None, &["b".to_owned()]).await.unwrap();
    assert!(s.quarantined(system()).await.unwrap().is_empty());
}

/// An image that was found by its manifest counts and is listed like any other.
pub async fn images_are_adopted(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let mut image = w.new_image(&w.a, "found");
    image.status = model::ImageStatus::Available;
    image.sealed = w.new_stock("x", super::world::OS).sealed;
    image.source_volume = None;
    let id = image.head.id.clone();
    w.store.image_adopt(system(), image.clone(), Change::default()).await.unwrap();
    assert_eq!(w.store.image(&w.a.sees(), &id).await.unwrap().image.sealed, image.sealed);
    assert_eq!(w.store.roots(system()).await.unwrap().len(), 1);
    image.head.id = base::ImageId::mint("r006-", &*w.entropy);
    assert!(w.store.image_adopt(system(), image, Change::default()).await.is_err(), "same name");
}
