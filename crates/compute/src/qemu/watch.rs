//! The one task that owns a guest's events. It never waits for a command.
//!
//! ```text
//!  BLOCK_IO_ERROR, STOP -> Paused    RESUME -> Resumed    RESET -> Rebooted
//!  SHUTDOWN notes who asked          end of connection -> process gone -> Stopped
//! ```

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};

use super::{
    Inner, Phase, Slot,
    guest::Guest,
    host::{EXIT_DEADLINE, TRIM_EVERY},
    launch,
};
use crate::{
    console,
    port::{GuestEvent, GuestEventKind, PauseReason},
    qmp::{Event, Events, QmpError},
};

/// What the events so far say.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Why the guest stands still, if it does.
    pub(super) paused: Option<PauseReason>,
    /// How often it was paused.
    pub(super) pauses: u64,
    /// The guest's system switched off by itself.
    by_guest: bool,
    /// A disk failed and the guest is about to pause.
    disk_failed: Option<PauseReason>,
    /// When it was last reset, by QEMU's clock.
    reset_at_us: Option<u64>,
}

/// SeaBIOS answers a reset with one of its own. Resets so close to each other are one.
const SAME_RESET_US: u64 = 2_000_000;

impl Seen {
    /// Takes one event of QEMU and tells what is worth telling.
    fn apply(&mut self, event: &Event) -> Option<GuestEventKind> {
        match event.name.as_str() {
            "BLOCK_IO_ERROR" if event.data["action"] == "stop" => {
                let full = event.data["nospace"] == true;
                // Once one disk was full, that is what has to be mended.
                if self.disk_failed != Some(PauseReason::NoSpace) {
                    let reason = if full { PauseReason::NoSpace } else { PauseReason::DiskError };
                    self.disk_failed = Some(reason);
                }
                None
            }
            "STOP" => {
                let reason = self.disk_failed.take().unwrap_or(PauseReason::Other);
                self.pauses += 1;
                let again = self.paused.replace(reason) == Some(reason);
                let no_space = reason == PauseReason::NoSpace;
                (!again).then_some(GuestEventKind::Paused { no_space })
            }
            "RESUME" => self.paused.take().map(|_| GuestEventKind::Resumed),
            "RESET" => {
                let before = self.reset_at_us.replace(event.at_us);
                let same = before.is_some_and(|at| event.at_us.abs_diff(at) < SAME_RESET_US);
                (!same).then_some(GuestEventKind::Rebooted)
            }
            "SHUTDOWN" => {
                self.by_guest = event.data["reason"] == "guest-shutdown";
                None
            }
            _ => None,
        }
    }
}

/// Watches a guest until it is gone, or until the hypervisor is dropped: then the guest stays.
pub(super) fn spawn(inner: &Arc<Inner>, slot: Arc<Slot>, guest: Arc<Guest>, events: Events) {
    let tell = inner.events.clone();
    let mut dropped = inner.dropped.subscribe();
    tokio::spawn(async move {
        let tell = |kind| {
            // Nobody may be listening.
            let _ = tell.send(GuestEvent { instance: guest.instance.clone(), kind });
        };
        tokio::select! {
            () = follow(&guest, events, tell) => {}
            // An error means that the sender is gone.
            _ = dropped.changed() => return,
        }
        if !guest.process.ended(EXIT_DEADLINE).await {
            tracing::error!(instance = %guest.instance,
                "the guest's process closed its control connection and is killed");
            guest.kill_and_wait().await;
        }
        launch::clean(&guest.dir);
        trim(&guest);
        *slot.phase.lock() = Phase::Absent;
        guest.set_gone();
        let by_guest = guest.seen.lock().by_guest;
        tracing::info!(instance = %guest.instance, by_guest, "guest stopped");
        tell(GuestEventKind::Stopped { by_guest });
    });
}

/// Takes events until the connection ends.
async fn follow(guest: &Guest, mut events: Events, tell: impl Fn(GuestEventKind)) {
    let mut tick = interval(TRIM_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            next = events.recv() => match next {
                Some(Ok(event)) => {
                    tracing::debug!(instance = %guest.instance, event = event.name, "qemu");
                    let kind = guest.seen.lock().apply(&event);
                    kind.into_iter().for_each(&tell);
                }
                Some(Err(QmpError::Closed)) | None => return,
                Some(Err(error)) => {
                    tracing::warn!(instance = %guest.instance,
                        error = &error as &dyn std::error::Error, "control connection");
                    return;
                }
            },
            _ = tick.tick() => trim(guest),
        }
    }
}

fn trim(guest: &Guest) {
    if let Err(error) = console::trim(&guest.dir) {
        tracing::warn!(instance = %guest.instance, error = &error as &dyn std::error::Error,
            "the console log keeps growing");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(name: &str, data: Value) -> Event {
        Event { name: name.into(), data, at_us: 0 }
    }

    #[test]
    fn a_full_disk_pauses_and_a_resume_ends_it() {
        let mut seen = Seen::default();
        let error = event("BLOCK_IO_ERROR", json!({"action": "stop", "nospace": true}));
        assert_eq!(seen.apply(&error), None);
        let stop = event("STOP", Value::Null);
        assert_eq!(seen.apply(&stop), Some(GuestEventKind::Paused { no_space: true }));
        assert_eq!(seen.paused, Some(PauseReason::NoSpace));
        assert_eq!(seen.apply(&event("RESUME", Value::Null)), Some(GuestEventKind::Resumed));
        assert_eq!(seen.paused, None);
    }

    #[test]
    fn a_full_disk_is_not_hidden_by_another_error() {
        let mut seen = Seen::default();
        seen.apply(&event("BLOCK_IO_ERROR", json!({"action": "stop", "nospace": true})));
        seen.apply(&event("BLOCK_IO_ERROR", json!({"action": "stop", "nospace": false})));
        let told = seen.apply(&event("STOP", Value::Null));
        assert_eq!(told, Some(GuestEventKind::Paused { no_space: true }));
    }

    #[test]
    fn an_error_that_the_guest_sees_is_no_pause() {
        let mut seen = Seen::default();
        seen.apply(&event("BLOCK_IO_ERROR", json!({"action": "report", "nospace": true})));
        let told = seen.apply(&event("STOP", Value::Null));
        assert_eq!(told, Some(GuestEventKind::Paused { no_space: false }));
        assert_eq!(seen.paused, Some(PauseReason::Other));
    }

    #[test]
    fn the_first_resume_of_a_start_is_no_event() {
        assert_eq!(Seen::default().apply(&event("RESUME", Value::Null)), None);
    }

    #[test]
    fn who_switched_off_is_told_apart() {
        for (reason, by_guest) in [
            ("guest-shutdown", true),
            ("host-qmp-quit", false),
            ("host-signal", false),
            ("guest-panic", false),
        ] {
            let mut seen = Seen::default();
            seen.apply(&event("SHUTDOWN", json!({"guest": true, "reason": reason})));
            assert_eq!(seen.by_guest, by_guest, "{reason}");
        }
    }

    #[test]
    fn a_reset_is_one_reboot_although_the_firmware_resets_again() {
        let mut seen = Seen::default();
        let mut reset = |at_us| {
            seen.apply(&Event { at_us, ..event("RESET", json!({"reason": "guest-reset"})) })
        };
        assert_eq!(reset(1_000), Some(GuestEventKind::Rebooted));
        assert_eq!(reset(1_000 + SAME_RESET_US - 1), None);
        assert_eq!(reset(1_000 + 2 * SAME_RESET_US), Some(GuestEventKind::Rebooted));
    }
}
