//! A budget of bytes per second, and a way to stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base::Clock;
use parking_lot::Mutex;

use crate::Error;

/// How late a cancellation may be heard.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Lets through so many bytes a second of monotonic time, and none once it is cancelled. What was
/// not used is not saved up.
pub struct Throttle {
    bytes_per_second: Option<u64>,
    clock: Arc<dyn Clock>,
    cancel: Arc<AtomicBool>,
    free_at: Mutex<Duration>,
}

impl Throttle {
    /// A budget; without a rate only the cancellation counts.
    #[must_use]
    pub fn new(
        bytes_per_second: Option<u64>,
        clock: Arc<dyn Clock>,
        cancel: Arc<AtomicBool>,
    ) -> Self {
        Self { bytes_per_second, clock, cancel, free_at: Mutex::default() }
    }

    /// Waits until `bytes` more fit. Blocks its thread.
    ///
    /// # Errors
    /// `Cancelled`.
    pub fn pace(&self, bytes: u64) -> Result<(), Error> {
        let begin = {
            let mut free_at = self.free_at.lock();
            let begin = (*free_at).max(self.clock.monotonic());
            let rate = self.bytes_per_second.filter(|rate| *rate > 0);
            let takes = rate.map_or(0.0, |rate| bytes as f64 / rate as f64);
            *free_at = begin + Duration::from_secs_f64(takes);
            begin
        };
        loop {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(Error::Cancelled);
            }
            let left = begin.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(LOOK_EVERY));
        }
    }
}

#[cfg(test)]
mod tests {
    use base::{ManualClock, Timestamp};

    use super::*;

    #[test]
    fn bytes_beyond_the_rate_wait_for_the_clock_and_a_cancel_ends_the_wait() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
        let cancel = Arc::new(AtomicBool::new(false));
        let throttle = Arc::new(Throttle::new(Some(1000), clock.clone(), cancel.clone()));
        throttle.pace(2000).unwrap();
        let waits = |throttle: &Arc<Throttle>| {
            let throttle = throttle.clone();
            std::thread::spawn(move || throttle.pace(1000))
        };
        let first = waits(&throttle);
        clock.advance(Duration::from_millis(1999));
        assert!(!first.is_finished());
        clock.advance(Duration::from_millis(1));
        assert!(first.join().unwrap().is_ok());
        let second = waits(&throttle);
        cancel.store(true, Ordering::Relaxed);
        assert!(matches!(second.join().unwrap(), Err(Error::Cancelled)));
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
        let throttle = Throttle::new(None, clock, Arc::default());
        for _ in 0..10 {
            throttle.pace(u64::MAX).unwrap();
        }
    }
}
