//! How often a credential may ask, and how often an address may fail to sign in.
//!
//! Each asker has one number: the moment up to which its turns are taken. A turn is free while
//! that moment is less than a burst ahead. The table is bounded; what is over is forgotten.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base::{AccountId, PrincipalId};

use crate::{
    limits::{BURST_TIME, RATE_ASKERS_MAX, SIGN_IN_FAILURE_TIME, SIGN_IN_FAILURES_MAX},
    serve::Peer,
};

/// Whose turns are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// A principal in an account.
    Principal(String),
    /// An address; of IPv6, the network of one customer.
    Address(IpAddr),
}

impl Asker {
    pub(crate) fn of_principal(account: &AccountId, principal: &PrincipalId) -> Self {
        Self::Principal(format!("{account} {principal}"))
    }

    pub(crate) fn of_peer(peer: Peer) -> Self {
        Self::Address(match peer.0.ip().to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & !u128::from(u64::MAX)).into()),
            ip @ IpAddr::V4(_) => ip,
        })
    }
}

/// Turns of one kind.
struct Meter<K> {
    /// Time of one turn.
    turn: Duration,
    /// How far ahead turns may be taken.
    burst: Duration,
    taken_until: Mutex<HashMap<K, Duration>>,
}

impl<K: Eq + Hash + Clone> Meter<K> {
    fn new(turn: Duration, burst: Duration) -> Self {
        Self { turn, burst, taken_until: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<K, Duration>> {
        self.taken_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a turn is free at `now`, without taking it; else how long until one is.
    fn look(&self, asker: &K, now: Duration) -> Result<(), Duration> {
        let until = self.table().get(asker).copied().unwrap_or_default();
        self.wait(until, now)
    }

    fn wait(&self, until: Duration, now: Duration) -> Result<(), Duration> {
        let after = until.max(now) + self.turn;
        match after.saturating_sub(now + self.burst) {
            Duration::ZERO => Ok(()),
            wait => Err(wait),
        }
    }

    /// Takes a turn, if one is free.
    fn take(&self, asker: &K, now: Duration) -> Result<(), Duration> {
        let mut table = self.table();
        let until = table.get(asker).copied().unwrap_or_default();
        self.wait(until, now)?;
        if table.len() >= RATE_ASKERS_MAX {
            table.retain(|_, until| *until > now);
        }
        if table.len() >= RATE_ASKERS_MAX {
            table.clear();
        }
        table.insert(asker.clone(), until.max(now) + self.turn);
        Ok(())
    }
}

/// All meters of the door.
pub(crate) struct Rates {
    requests: Option<Meter<Asker>>,
    sign_in_failures: Meter<Asker>,
}

impl Rates {
    pub(crate) fn new(requests_per_second: Option<NonZeroU32>) -> Self {
        Self {
            requests: requests_per_second
                .map(|rate| Meter::new(Duration::from_secs(1) / rate.get(), BURST_TIME)),
            sign_in_failures: Meter::new(
                SIGN_IN_FAILURE_TIME,
                SIGN_IN_FAILURE_TIME * SIGN_IN_FAILURES_MAX,
            ),
        }
    }

    /// Takes a request's turn; else the seconds to wait.
    pub(crate) fn request(&self, asker: &Asker, now: Duration) -> Result<(), u32> {
        self.requests.as_ref().map_or(Ok(()), |meter| meter.take(asker, now)).map_err(seconds)
    }

    /// Whether the address may try to sign in; else the seconds to wait.
    pub(crate) fn sign_in(&self, asker: &Asker, now: Duration) -> Result<(), u32> {
        self.sign_in_failures.look(asker, now).map_err(seconds)
    }

    /// Notes that a sign-in failed.
    pub(crate) fn sign_in_failed(&self, asker: &Asker, now: Duration) {
        // Attempts at the same moment may go over by a few: those are refused already.
        let _ = self.sign_in_failures.take(asker, now);
    }
}

/// Whole seconds, never none.
fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Asker {
        Asker::of_peer(Peer(text.parse().unwrap()))
    }

    #[test]
    fn a_burst_is_free_and_then_the_rate_holds() {
        let rates = Rates::new(NonZeroU32::new(10));
        let (one, two) = (address("10.0.0.1:1"), address("10.0.0.2:1"));
        let burst = 10 * u32::try_from(BURST_TIME.as_secs()).unwrap();
        let mut now = Duration::from_secs(1_000);
        for at in 0..burst {
            assert_eq!(rates.request(&one, now), Ok(()), "{at}");
        }
        assert_eq!(rates.request(&one, now), Err(1));
        assert_eq!(rates.request(&two, now), Ok(()), "another asker has turns of its own");
        now += Duration::from_millis(100);
        assert_eq!(rates.request(&one, now), Ok(()));
        assert_eq!(rates.request(&one, now), Err(1));
    }

    #[test]
    fn without_a_rate_everything_is_free() {
        let (rates, asker) = (Rates::new(None), address("10.0.0.1:1"));
        assert!((0..100_000).all(|_| rates.request(&asker, Duration::ZERO).is_ok()));
    }

    #[test]
    fn failures_to_sign_in_are_limited_at_their_number() {
        let (rates, asker) = (Rates::new(None), address("10.0.0.1:1"));
        let now = Duration::from_secs(50);
        for at in 0..SIGN_IN_FAILURES_MAX {
            assert_eq!(rates.sign_in(&asker, now), Ok(()), "{at}");
            rates.sign_in_failed(&asker, now);
        }
        let wait = rates.sign_in(&asker, now).unwrap_err();
        assert_eq!(rates.sign_in(&address("10.0.0.2:1"), now), Ok(()));
        assert_eq!(rates.sign_in(&asker, now + Duration::from_secs(wait.into())), Ok(()));
    }

    #[test]
    fn an_address_of_ipv6_counts_with_its_network() {
        assert_eq!(address("[2001:db8::1]:1"), address("[2001:db8::ffff:2]:9"));
        assert_ne!(address("[2001:db8::1]:1"), address("[2001:db8:0:1::1]:1"));
        assert_eq!(address("[::ffff:10.0.0.1]:1"), address("10.0.0.1:2"));
        assert_ne!(address("10.0.0.1:1"), address("10.0.0.2:1"));
    }

    #[test]
    fn the_table_is_bounded() {
        let meter = Meter::new(Duration::from_secs(1), Duration::from_secs(10));
        for asker in 0..RATE_ASKERS_MAX + 10 {
            meter.take(&asker, Duration::from_secs(5)).unwrap();
        }
        assert!(meter.table().len() <= RATE_ASKERS_MAX);
    }
}
