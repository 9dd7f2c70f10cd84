//! Time comes in from outside.
//!
//! There are two clocks. *Region time* dates what users see (`created_at`, lifecycle dates,
//! events, usage) and a tester may freeze or move it. *Wall* and *monotonic* time run tokens,
//! leases and timeouts, and nobody moves them.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// A moment in UTC, in microseconds since 1970.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Why a text is not a date.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not an RFC 3339 date such as 2026-11-24T10:00:14Z")]
pub struct TimestampError {
    text: String,
}

impl Timestamp {
    /// From microseconds since 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The moment `by` later; saturates at the end of time.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339 with `Z` or an offset, with or without fractions.
    ///
    /// # Errors
    /// When the text is not such a date.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        text.parse::<jiff::Timestamp>()
            .map(|t| Self(t.as_microsecond()))
            .map_err(|_| TimestampError { text: text.chars().take(64).collect() })
    }

    /// `YYYY-MM-DD` of this moment in UTC.
    #[must_use]
    pub fn date(self) -> String {
        self.to_string()[..10].to_owned()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds when there are any: `2025-05-28T10:00:14Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.div_euclid(1_000);
        let Ok(at) = jiff::Timestamp::from_millisecond(millis) else {
            return write!(
                f,
                "{}",
                if self.0 < 0 { "0000-01-01T00:00:00Z" } else { "9999-12-31T23:59:59Z" }
            );
        };
        if millis.rem_euclid(1_000) == 0 { write!(f, "{at:.0}") } else { write!(f, "{at:.3}") }
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// What users see as now. A tester may freeze and move it.
    fn region(&self) -> Timestamp;
    /// The machine's own idea of now, for tokens and leases.
    fn wall(&self) -> Timestamp;
    /// Time since some fixed moment of this process; never goes back.
    fn monotonic(&self) -> Duration;
    /// The clock as one whose region time can be moved, if it is one.
    fn virtual_clock(&self) -> Option<&crate::VirtualClock> {
        None
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// A clock that reads the machine.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn new() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn region(&self) -> Timestamp {
        self.wall()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn wall(&self) -> Timestamp {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::default().plus(since)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until it is told to move; for tests.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicI64,
    start: i64,
}

impl ManualClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { micros: AtomicI64::new(at.micros()), start: at.micros() }
    }

    /// Moves every reading forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.micros.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn region(&self) -> Timestamp {
        self.wall()
    }

    fn wall(&self) -> Timestamp {
        Timestamp(self.micros.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.wall().since(Timestamp(self.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_print_as_ibm_prints_them() {
        let at = Timestamp::parse("2025-05-28T10:00:14Z").unwrap();
        assert_eq!(at.to_string(), "2025-05-28T10:00:14Z");
        assert_eq!(at.plus(Duration::from_millis(5)).to_string(), "2025-05-28T10:00:14.005Z");
        assert_eq!(at.date(), "2025-05-28");
    }

    #[test]
    fn offsets_are_understood() {
        let a = Timestamp::parse("2025-05-28T12:00:14+02:00").unwrap();
        assert_eq!(a, Timestamp::parse("2025-05-28T10:00:14Z").unwrap());
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in ["", "tomorrow", "2025-13-01T00:00:00Z", "2025-05-28", "2025-05-28T10:00:14"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }
}
