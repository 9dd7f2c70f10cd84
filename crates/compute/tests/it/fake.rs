//! The fake's states, under a clock that stands still until it is moved.

use std::{path::Path, sync::Arc, time::Duration};

use base::{ByteCount, InstanceId, ManualClock, Timestamp};
use ectype_compute::{
    ComputeError, DISKS_MAX, Fake, FakeConfig, GuestDisk, GuestEventKind, GuestState, Hypervisor,
    PauseReason, READY_LINE,
};

use crate::spec;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_micros(0)))
}

fn fake(root: &Path, clock: &Arc<ManualClock>, delay: Duration) -> Arc<Fake> {
    let config = FakeConfig { root: root.into(), start_delay: delay, stop_delay: delay };
    Arc::new(Fake::new(config, clock.clone()).unwrap())
}

fn id() -> InstanceId {
    InstanceId::parse("0717_a").unwrap()
}

#[tokio::test]
async fn a_guest_starts_at_once_stops_when_asked_and_starts_again() {
    let root = tempfile::tempdir().unwrap();
    let fake = fake(root.path(), &clock(), Duration::ZERO);
    let mut events = fake.events();
    assert_eq!(fake.state(&id()).await.unwrap(), GuestState::Absent);
    fake.start(spec("0717_a")).await.unwrap();
    assert_eq!(fake.state(&id()).await.unwrap(), GuestState::Running);
    let again = fake.start(spec("0717_a")).await.unwrap_err();
    assert!(matches!(again, ComputeError::AlreadyRunning { .. }));

    fake.powerdown(&id()).await.unwrap();
    assert_eq!(fake.state(&id()).await.unwrap(), GuestState::Absent);
    assert_eq!(events.recv().await.unwrap().kind, GuestEventKind::Stopped { by_guest: true });
    assert!(matches!(fake.powerdown(&id()).await, Err(ComputeError::NotRunning { .. })));

    fake.start(spec("0717_a")).await.unwrap();
    fake.power_off(&id()).await.unwrap();
    fake.power_off(&id()).await.unwrap();
    assert_eq!(events.recv().await.unwrap().kind, GuestEventKind::Stopped { by_guest: false });
    assert!(events.try_recv().is_err(), "one event for each start");
}

#[tokio::test]
async fn starts_and_stops_take_region_time() {
    let root = tempfile::tempdir().unwrap();
    let (clock, delay) = (clock(), Duration::from_secs(60));
    let fake = fake(root.path(), &clock, delay);
    let mut events = fake.events();
    let starting = tokio::spawn({
        let fake = Arc::clone(&fake);
        async move { fake.start(spec("0717_a")).await }
    });
    while fake.state(&id()).await.unwrap() != GuestState::Starting {
        tokio::task::yield_now().await;
    }
    clock.advance(delay);
    starting.await.unwrap().unwrap();

    fake.powerdown(&id()).await.unwrap();
    assert_eq!(fake.state(&id()).await.unwrap(), GuestState::Running);
    clock.advance(delay);
    assert_eq!(events.recv().await.unwrap().kind, GuestEventKind::Stopped { by_guest: true });
    assert_eq!(fake.state(&id()).await.unwrap(), GuestState::Absent);
}

#[tokio::test]
async fn a_guest_outlives_the_server_and_its_log_spans_starts() {
    let root = tempfile::tempdir().unwrap();
    let clock = clock();
    let first = fake(root.path(), &clock, Duration::ZERO);
    first.start(spec("0717_a")).await.unwrap();
    first.start(spec("0717_b")).await.unwrap();
    first.power_off(&InstanceId::parse("0717_b").unwrap()).await.unwrap();
    drop(first);

    let second = fake(root.path(), &clock, Duration::ZERO);
    assert_eq!(second.adopt().await.unwrap(), [id()]);
    assert_eq!(second.state(&id()).await.unwrap(), GuestState::Running);
    second.power_off(&id()).await.unwrap();
    second.start(spec("0717_a")).await.unwrap();
    let log = second.console_log(&id(), 0, usize::MAX).await.unwrap();
    let text = String::from_utf8(log.bytes).unwrap();
    assert_eq!(text.matches(&format!("{READY_LINE}0717_a\n")).count(), 2, "{text}");
    assert_eq!(log.total, u64::try_from(text.len()).unwrap());
}

#[tokio::test]
async fn a_stop_under_way_ends_under_the_next_server() {
    let root = tempfile::tempdir().unwrap();
    let (clock, delay) = (clock(), Duration::from_secs(5));
    let first = fake(root.path(), &clock, delay);
    let (started, ()) = tokio::join!(first.start(spec("0717_a")), async {
        while first.state(&id()).await.unwrap() != GuestState::Starting {
            tokio::task::yield_now().await;
        }
        clock.advance(delay);
    });
    started.unwrap();
    first.powerdown(&id()).await.unwrap();
    drop(first);
    let second = fake(root.path(), &clock, delay);
    let mut events = second.events();
    assert_eq!(second.adopt().await.unwrap(), [id()]);
    clock.advance(delay);
    assert_eq!(events.recv().await.unwrap().kind, GuestEventKind::Stopped { by_guest: true });
}

#[tokio::test]
async fn a_full_disk_pauses_until_resumed() {
    let root = tempfile::tempdir().unwrap();
    let fake = fake(root.path(), &clock(), Duration::ZERO);
    fake.start(spec("0717_a")).await.unwrap();
    let mut events = fake.events();
    fake.pause(&id(), true).unwrap();
    let paused = GuestState::Paused { reason: PauseReason::NoSpace };
    assert_eq!(fake.state(&id()).await.unwrap(), paused);
    fake.resume(&id()).await.unwrap();
    fake.resume(&id()).await.unwrap();
    assert_eq!(fake.state(&id()).await.unwrap(), GuestState::Running);
    assert_eq!(events.recv().await.unwrap().kind, GuestEventKind::Paused { no_space: true });
    assert_eq!(events.recv().await.unwrap().kind, GuestEventKind::Resumed);
    fake.reset(&id()).await.unwrap();
    assert_eq!(events.recv().await.unwrap().kind, GuestEventKind::Rebooted);
    fake.crash(&id()).unwrap();
    assert_eq!(events.recv().await.unwrap().kind, GuestEventKind::Stopped { by_guest: false });
}

/// A grown disk is told on the console of a guest that runs, and nowhere else.
#[tokio::test]
async fn a_grown_disk_is_told_to_a_running_guest_only() {
    let root = tempfile::tempdir().unwrap();
    let fake = fake(root.path(), &clock(), Duration::ZERO);
    let (id, size) = (id(), ByteCount::from_gb(120));
    let error = fake.disk_grow(&id, "a", size).await.unwrap_err();
    assert!(matches!(error, ComputeError::NotRunning { .. }), "{error}");
    fake.start(spec("0717_a")).await.unwrap();
    fake.disk_grow(&id, "a", size).await.unwrap();
    let said = fake.console_log(&id, 0, usize::MAX).await.unwrap().bytes;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("disk a has 128849018880 bytes"), "{said}");
}

#[tokio::test]
async fn a_deleted_instance_leaves_no_files() {
    let root = tempfile::tempdir().unwrap();
    let fake = fake(root.path(), &clock(), Duration::ZERO);
    fake.start(spec("0717_a")).await.unwrap();
    assert!(matches!(fake.forget(&id()).await, Err(ComputeError::AlreadyRunning { .. })));
    fake.power_off(&id()).await.unwrap();
    fake.forget(&id()).await.unwrap();
    fake.forget(&id()).await.unwrap();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    assert_eq!(fake.console_log(&id(), 0, 10).await.unwrap().total, 0);
}

#[tokio::test]
async fn a_damaged_record_is_no_guest() {
    let root = tempfile::tempdir().unwrap();
    let clock = clock();
    let first = fake(root.path(), &clock, Duration::ZERO);
    first.start(spec("0717_a")).await.unwrap();
    std::fs::write(root.path().join("i-0717_a/fake.json"), "{").unwrap();
    let second = fake(root.path(), &clock, Duration::ZERO);
    assert!(second.adopt().await.unwrap().is_empty());
    second.start(spec("0717_a")).await.unwrap();
}

fn disk(id: &str) -> GuestDisk {
    GuestDisk {
        id: id.to_owned(),
        serial: id.to_owned(),
        nbd_socket: "/run/v.sock".into(),
        boot: false,
    }
}

#[tokio::test]
async fn a_running_guest_gets_and_loses_disks() {
    let root = tempfile::tempdir().unwrap();
    let clock = clock();
    let fake = fake(root.path(), &clock, Duration::ZERO);
    let early = fake.disk_add(&id(), disk("b")).await.unwrap_err();
    assert!(matches!(early, ComputeError::NotRunning { .. }), "{early}");
    fake.start(spec("0717_a")).await.unwrap();
    let first = fake.disks(&id());
    for _ in 0..2 {
        fake.disk_add(&id(), disk("b")).await.unwrap();
    }
    assert_eq!(fake.disks(&id()).len(), first.len() + 1);
    for n in fake.disks(&id()).len()..DISKS_MAX {
        fake.disk_add(&id(), disk(&format!("d{n}"))).await.unwrap();
    }
    let many = fake.disk_add(&id(), disk("more")).await.unwrap_err();
    assert!(matches!(many, ComputeError::Spec { .. }), "{many}");
    let boots = GuestDisk { boot: true, ..disk("boots") };
    assert!(matches!(fake.disk_add(&id(), boots).await, Err(ComputeError::Spec { .. })));
    for _ in 0..2 {
        fake.disk_remove(&id(), "b").await.unwrap();
    }
    assert!(!fake.disks(&id()).contains(&"b".to_owned()));
}
