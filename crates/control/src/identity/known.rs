//! What is known of those who hold tokens: whether they are still there, who they are, whether
//! they were signed out. Read from the database at most every other second for each.
//!
//! Its invariant: a change that this process makes is seen by the very next request; one of
//! another process within [`FRESH`].

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use base::{AccountId, PrincipalId, Timestamp};
use model::{Account, Principal};
use policy::InternalActor;

use super::IdentityError;
use crate::Control;

/// How long a reading counts.
const FRESH: Duration = Duration::from_secs(2);
/// Most readings that are kept.
const KNOWN_MAX: usize = 10_000;

/// Someone who may hold a token.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) account: AccountId,
    /// Owns the account.
    pub(crate) owner: bool,
    /// Tokens made until then are nothing; wall time.
    pub(crate) signed_out_at: Option<Timestamp>,
    /// Mail address, or display name.
    pub(crate) shown: String,
}

impl Standing {
    fn of(principal: &Principal, account: &Account) -> Self {
        let shown = if principal.email.is_empty() { &principal.name } else { &principal.email };
        Self {
            account: account.id.clone(),
            owner: account.owner.as_ref() == Some(&principal.id),
            signed_out_at: principal.signed_out_at,
            shown: shown.clone(),
        }
    }
}

type Readings = HashMap<PrincipalId, (Arc<Standing>, Duration)>;

/// The readings.
#[derive(Default)]
pub(crate) struct Known {
    readings: RwLock<Readings>,
}

impl Known {
    fn get(&self, id: &PrincipalId, now: Duration) -> Option<Arc<Standing>> {
        let readings = self.readings.read().unwrap_or_else(PoisonError::into_inner);
        let (standing, read_at) = readings.get(id)?;
        (now.saturating_sub(*read_at) < FRESH).then(|| Arc::clone(standing))
    }

    fn put(&self, id: PrincipalId, standing: Arc<Standing>, now: Duration) {
        let mut readings = self.readings.write().unwrap_or_else(PoisonError::into_inner);
        if readings.len() >= KNOWN_MAX {
            readings.retain(|_, (_, read_at)| now.saturating_sub(*read_at) < FRESH);
        }
        if readings.len() >= KNOWN_MAX {
            readings.clear();
        }
        readings.insert(id, (standing, now));
    }

    /// After any change of a principal or an account.
    pub(crate) fn forget(&self) {
        self.readings.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Control {
    /// Who `id` is now; an error when nobody is.
    pub(crate) async fn standing(&self, id: &PrincipalId) -> Result<Arc<Standing>, IdentityError> {
        let now = self.parts.clock.monotonic();
        if let Some(standing) = self.known.get(id, now) {
            return Ok(standing);
        }
        let found = self
            .store()
            .principal(Self::system(InternalActor::Identity), id)
            .await
            .map_err(IdentityError::unavailable)?;
        let (principal, account) = found.ok_or(IdentityError::TokenInvalid)?;
        let standing = Arc::new(Standing::of(&principal, &account));
        self.known.put(id.clone(), Arc::clone(&standing), now);
        Ok(standing)
    }
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn a_reading_counts_for_its_time_and_the_table_is_bounded() {
        let entropy = SeededEntropy::new(4);
        let standing = Arc::new(Standing {
            account: AccountId::mint("", &entropy),
            owner: false,
            signed_out_at: None,
            shown: String::new(),
        });
        let known = Known::default();
        let id = PrincipalId::mint("IBMid-", &entropy);
        let at = Duration::from_secs(9);
        known.put(id.clone(), Arc::clone(&standing), at);
        assert!(known.get(&id, at + FRESH - Duration::from_millis(1)).is_some());
        assert!(known.get(&id, at + FRESH).is_none());
        known.forget();
        assert!(known.get(&id, at).is_none());
        for _ in 0..=KNOWN_MAX {
            known.put(PrincipalId::mint("IBMid-", &entropy), Arc::clone(&standing), at);
        }
        assert!(known.readings.read().unwrap().len() <= KNOWN_MAX);
    }
}
