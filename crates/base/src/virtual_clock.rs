//! A clock whose region time can be stopped and moved forward. Wall and monotonic time are the
//! machine's: tokens, leases and timeouts never notice.
//!
//! Its invariant: region time never goes back, and each move is kept before it is seen.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{Clock, Timestamp};

/// The latest region time that a clock can be moved to: 9999-01-01.
pub const REGION_TIME_MAX: Timestamp = Timestamp::from_micros(253_370_764_800_000_000);

/// How region time differs from the machine's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VirtualTime {
    /// How far it is ahead, in microseconds; while it stands, how far it was when it stopped.
    pub ahead_us: u64,
    /// Where it stands; none while it runs.
    pub frozen_at: Option<Timestamp>,
}

impl VirtualTime {
    fn at(&self, machine: Timestamp) -> Timestamp {
        self.frozen_at.unwrap_or_else(|| machine.plus(Duration::from_micros(self.ahead_us)))
    }
}

/// Why a clock was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Beyond [`REGION_TIME_MAX`].
    #[error("region time ends at {REGION_TIME_MAX}")]
    Beyond,
    /// The move could not be kept.
    #[error("the region's time cannot be kept")]
    Keep {
        /// Why.
        source: std::io::Error,
    },
}

/// Keeps a move, durably before it returns.
type Keep = Box<dyn Fn(&VirtualTime) -> std::io::Result<()> + Send + Sync>;

/// See the module.
pub struct VirtualClock {
    machine: Arc<dyn Clock>,
    time: Mutex<VirtualTime>,
    keep: Keep,
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock").field("time", &self.time).finish_non_exhaustive()
    }
}

impl VirtualClock {
    /// A clock that goes on where `time` was kept; `keep` keeps each move.
    pub fn new(
        machine: Arc<dyn Clock>,
        time: VirtualTime,
        keep: impl Fn(&VirtualTime) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { machine, time: Mutex::new(time), keep: Box::new(keep) }
    }

    fn time(&self) -> MutexGuard<'_, VirtualTime> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It stands.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.time().frozen_at.is_some()
    }

    /// Stops it where it is.
    ///
    /// # Errors
    /// [`MoveError::Keep`].
    pub fn freeze(&self) -> Result<(), MoveError> {
        self.change(|time, machine| {
            time.frozen_at = Some(time.at(machine));
            Ok(())
        })
    }

    /// Lets it run on from where it stands, or from the machine's time if that has passed it.
    ///
    /// # Errors
    /// [`MoveError::Keep`].
    pub fn resume(&self) -> Result<(), MoveError> {
        self.change(|time, machine| {
            if let Some(at) = time.frozen_at.take() {
                let ahead = at.since(machine).as_micros();
                time.ahead_us = u64::try_from(ahead).unwrap_or(u64::MAX);
            }
            Ok(())
        })
    }

    /// Moves it forward by this long, whether it stands or runs.
    ///
    /// # Errors
    /// [`MoveError`]; nothing is moved then.
    pub fn advance(&self, by: Duration) -> Result<(), MoveError> {
        self.change(|time, machine| {
            let to = time.at(machine).plus(by);
            move_to(time, machine, to)
        })
    }

    /// Moves it forward to this moment; nothing happens when that has passed.
    ///
    /// # Errors
    /// [`MoveError`]; nothing is moved then.
    pub fn advance_to(&self, to: Timestamp) -> Result<(), MoveError> {
        self.change(
            |time, machine| {
                if to > time.at(machine) { move_to(time, machine, to) } else { Ok(()) }
            },
        )
    }

    fn change(
        &self,
        change: impl FnOnce(&mut VirtualTime, Timestamp) -> Result<(), MoveError>,
    ) -> Result<(), MoveError> {
        let mut time = self.time();
        let mut next = *time;
        change(&mut next, self.machine.region())?;
        if next != *time {
            (self.keep)(&next).map_err(|source| MoveError::Keep { source })?;
            *time = next;
        }
        Ok(())
    }
}

fn move_to(time: &mut VirtualTime, machine: Timestamp, to: Timestamp) -> Result<(), MoveError> {
    if to > REGION_TIME_MAX {
        return Err(MoveError::Beyond);
    }
    match &mut time.frozen_at {
        Some(at) => *at = to,
        None => {
            let ahead = to.since(machine).as_micros();
            time.ahead_us = u64::try_from(ahead).unwrap_or(u64::MAX);
        }
    }
    Ok(())
}

impl Clock for VirtualClock {
    fn region(&self) -> Timestamp {
        self.time().at(self.machine.region())
    }

    fn wall(&self) -> Timestamp {
        self.machine.wall()
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic()
    }

    fn virtual_clock(&self) -> Option<&VirtualClock> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ManualClock;

    const START: i64 = 1_795_000_000_000_000;

    fn clock() -> (Arc<ManualClock>, VirtualClock, Arc<Mutex<VirtualTime>>) {
        let machine = Arc::new(ManualClock::at(Timestamp::from_micros(START)));
        let kept = Arc::new(Mutex::new(VirtualTime::default()));
        let keeper = Arc::clone(&kept);
        let keep = move |time: &VirtualTime| {
            *keeper.lock().unwrap() = *time;
            Ok(())
        };
        let clock = VirtualClock::new(machine.clone(), VirtualTime::default(), keep);
        (machine, clock, kept)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(START + seconds * 1_000_000)
    }

    #[test]
    fn it_stands_moves_and_runs_on_while_the_machine_does_not_notice() {
        let (machine, clock, kept) = clock();
        let pass = |seconds| machine.advance(Duration::from_secs(seconds));
        pass(10);
        assert_eq!((clock.region(), clock.wall()), (at(10), at(10)));
        clock.advance(Duration::from_secs(100)).unwrap();
        assert_eq!((clock.region(), clock.wall()), (at(110), at(10)));
        clock.freeze().unwrap();
        pass(5);
        assert_eq!((clock.region(), clock.wall()), (at(110), at(15)));
        clock.advance(Duration::from_secs(20)).unwrap();
        assert!(clock.is_frozen());
        assert_eq!(clock.region(), at(130));
        clock.resume().unwrap();
        pass(5);
        assert_eq!((clock.region(), clock.wall()), (at(135), at(20)));
        clock.advance_to(at(200)).unwrap();
        clock.advance_to(at(100)).unwrap();
        assert_eq!(clock.region(), at(200), "it never goes back");
        let later = VirtualClock::new(machine.clone(), *kept.lock().unwrap(), |_| Ok(()));
        assert_eq!(later.region(), at(200), "it goes on where it was kept");
        assert_eq!(clock.monotonic(), machine.monotonic());
    }

    #[test]
    fn a_clock_that_stood_long_is_overtaken_and_not_set_back() {
        let (machine, clock, _) = clock();
        clock.freeze().unwrap();
        machine.advance(Duration::from_secs(60));
        assert_eq!(clock.region(), at(0));
        clock.resume().unwrap();
        assert_eq!(clock.region(), at(60));
    }

    #[test]
    fn the_end_of_time_at_both_sides() {
        let (_, clock, _) = clock();
        clock.freeze().unwrap();
        let rest = REGION_TIME_MAX.since(clock.region());
        assert!(matches!(clock.advance(rest + Duration::from_micros(1)), Err(MoveError::Beyond)));
        assert_eq!(clock.region(), at(0));
        clock.advance(rest).unwrap();
        assert_eq!(clock.region(), REGION_TIME_MAX);
        assert_eq!(REGION_TIME_MAX.to_string(), "9999-01-01T00:00:00Z");
        assert!(matches!(clock.advance(Duration::MAX), Err(MoveError::Beyond)));
    }

    #[test]
    fn a_move_that_cannot_be_kept_is_not_made() {
        let machine = Arc::new(ManualClock::at(at(0)));
        let full = |_: &VirtualTime| Err(std::io::Error::other("full"));
        let clock = VirtualClock::new(machine, VirtualTime::default(), full);
        assert!(matches!(clock.advance(Duration::from_secs(1)), Err(MoveError::Keep { .. })));
        assert!(matches!(clock.freeze(), Err(MoveError::Keep { .. })));
        assert_eq!((clock.region(), clock.is_frozen()), (at(0), false));
    }
}
