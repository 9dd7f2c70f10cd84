//! A key of Key Protect: its states, and which request each forbids.
//!
//! ```text
//!  active <-> suspended (disable, enable)      expired: deactivated, by itself
//!     any of them --delete--> destroyed --restore--> active
//!                                 +--purge--> gone
//! ```

use std::time::Duration;

use base::{AccountId, KmsKeyId, ResourceGroupId, ServiceInstanceId, Timestamp};

use super::{KmsPolicy, KmsRefusal};

/// How long after being disabled a key may be enabled, and after being deleted restored.
pub const EARLY_WAIT: Duration = Duration::from_secs(30);
/// How long after a rotation a key may be rotated again.
pub const ROTATE_WAIT: Duration = Duration::from_secs(60 * 60);
/// How long after being deleted a key may be purged.
pub const PURGE_WAIT: Duration = Duration::from_secs(4 * 60 * 60);
/// How long after being deleted a key may be restored.
pub const RESTORE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long after being deleted a key purges itself.
pub const PURGE_AT_AGE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long an authorization to delete counts.
pub const SET_FOR_DELETION_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The state of a key, by NIST's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KmsKeyState {
    /// It may be used.
    Active = 1,
    /// It was disabled.
    Suspended = 2,
    /// It is expired.
    Deactivated = 3,
    /// It was deleted, and may be restored or purged.
    Destroyed = 5,
}

impl KmsKeyState {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The state of that number; there is no key of state 0.
    #[must_use]
    pub const fn of(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Active),
            2 => Some(Self::Suspended),
            3 => Some(Self::Deactivated),
            5 => Some(Self::Destroyed),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deactivated => "deactivated",
            Self::Destroyed => "destroyed",
        }
    }
}

/// An authorization to delete a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionSet {
    /// Who gave it.
    pub by: String,
    /// Until when it counts.
    pub until: Timestamp,
}

/// A key of Key Protect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKey {
    /// Its id.
    pub id: KmsKeyId,
    /// Whose it is.
    pub account: AccountId,
    /// Its instance.
    pub instance: ServiceInstanceId,
    /// The resource group of its instance.
    pub group: ResourceGroupId,
    /// Its key ring.
    pub ring: String,
    /// Its name; not unique.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// A standard key, whose material may leave the service.
    pub extractable: bool,
    /// Its material was brought.
    pub imported: bool,
    /// Its state, but for [`KmsKeyState::Deactivated`]: see [`Self::state_at`].
    pub state: KmsKeyState,
    /// When its state was last changed by a request.
    pub state_since: Timestamp,
    /// The number of its current version.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// IAM id of whoever made it.
    pub created_by: String,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// When it was rotated last.
    pub rotated_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When and by whom it was deleted.
    pub deleted: Option<(Timestamp, String)>,
    /// Whether two are needed to delete it.
    pub dual_auth: Option<KmsPolicy<bool>>,
    /// The first of the two.
    pub deletion_set: Option<DeletionSet>,
    /// Every how many months it rotates itself, and whether it does.
    pub rotation: Option<KmsPolicy<(bool, u32)>>,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Counts the writes to its row.
    pub revision: u64,
}

impl KmsKey {
    /// Its state at a time.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> KmsKeyState {
        match self.state {
            KmsKeyState::Active if self.is_expired(now) => KmsKeyState::Deactivated,
            state => state,
        }
    }

    /// Whether it is past its expiration date.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Is it a root key?
    ///
    /// # Errors
    /// A standard key.
    pub const fn check_root(&self) -> Result<(), KmsRefusal> {
        if self.extractable { Err(KmsRefusal::RootRequired) } else { Ok(()) }
    }

    /// Is it not deleted?
    ///
    /// # Errors
    /// A deleted key.
    pub const fn check_kept(&self) -> Result<(), KmsRefusal> {
        if matches!(self.state, KmsKeyState::Destroyed) { Err(KmsRefusal::Deleted) } else { Ok(()) }
    }

    fn state_is(
        &self,
        now: Timestamp,
        allowed: &[KmsKeyState],
        verb: &'static str,
    ) -> Result<(), KmsRefusal> {
        let state = self.state_at(now);
        match state {
            state if allowed.contains(&state) => Ok(()),
            KmsKeyState::Destroyed => Err(KmsRefusal::Deleted),
            KmsKeyState::Deactivated => Err(KmsRefusal::Expired),
            state => Err(KmsRefusal::State { state: state.name(), verb }),
        }
    }

    /// May it wrap?
    ///
    /// # Errors
    /// A standard key; any state but active.
    pub fn check_wrap(&self, now: Timestamp) -> Result<(), KmsRefusal> {
        self.check_root()?;
        self.state_is(now, &[KmsKeyState::Active], "wrapped with")
    }

    /// May it unwrap and rewrap?
    ///
    /// # Errors
    /// A standard key; a key that is disabled or deleted.
    pub fn check_unwrap(&self, now: Timestamp) -> Result<(), KmsRefusal> {
        self.check_root()?;
        let allowed = [KmsKeyState::Active, KmsKeyState::Deactivated];
        self.state_is(now, &allowed, "unwrapped with")
    }

    /// May it be rotated, by a request that brings material or not?
    ///
    /// # Errors
    /// A standard key; one that is disabled or deleted; a rotation within the hour; material that
    /// is missing or too much.
    pub fn check_rotate(&self, payload: bool, now: Timestamp) -> Result<(), KmsRefusal> {
        self.check_root()?;
        let allowed = [KmsKeyState::Active, KmsKeyState::Deactivated];
        self.state_is(now, &allowed, "rotated")?;
        if self.imported && !payload {
            return Err(KmsRefusal::PayloadRequired);
        }
        if !self.imported && payload {
            return Err(KmsRefusal::PayloadRefused);
        }
        if self.rotated_at.is_some_and(|at| at.plus(ROTATE_WAIT) > now) {
            return Err(KmsRefusal::RotatedLately);
        }
        Ok(())
    }

    fn set(mut self, state: KmsKeyState, now: Timestamp) -> Self {
        (self.state, self.state_since) = (state, now);
        self.touched(now)
    }

    pub(super) const fn touched(mut self, now: Timestamp) -> Self {
        self.updated_at = now;
        self.revision += 1;
        self
    }

    /// The key in another ring.
    ///
    /// # Errors
    /// A deleted key.
    pub fn moved(mut self, ring: &str, now: Timestamp) -> Result<Self, KmsRefusal> {
        self.check_kept()?;
        ring.clone_into(&mut self.ring);
        Ok(self.touched(now))
    }

    /// The key, rotated to its version `version`.
    #[must_use]
    pub fn rotated(self, version: u32, now: Timestamp) -> Self {
        Self { version, rotated_at: Some(now), ..self }.touched(now)
    }

    fn waited(&self, long: Duration, now: Timestamp) -> Result<(), KmsRefusal> {
        let until = self.state_since.plus(long);
        if until > now { Err(KmsRefusal::TooEarly { until }) } else { Ok(()) }
    }

    /// The key, disabled.
    ///
    /// # Errors
    /// Any state but active.
    pub fn disabled(self, now: Timestamp) -> Result<Self, KmsRefusal> {
        self.check_root()?;
        self.state_is(now, &[KmsKeyState::Active], "disabled")?;
        Ok(self.set(KmsKeyState::Suspended, now))
    }

    /// The key, enabled.
    ///
    /// # Errors
    /// Any state but suspended; within [`EARLY_WAIT`].
    pub fn enabled(self, now: Timestamp) -> Result<Self, KmsRefusal> {
        self.check_root()?;
        self.state_is(now, &[KmsKeyState::Suspended], "enabled")?;
        self.waited(EARLY_WAIT, now)?;
        Ok(self.set(KmsKeyState::Active, now))
    }

    /// The key, deleted by `by`.
    ///
    /// # Errors
    /// A deleted key; one with dual authorization that nobody else has set for deletion.
    pub fn deleted(mut self, by: &str, now: Timestamp) -> Result<Self, KmsRefusal> {
        self.check_kept()?;
        if self.needs_two() {
            let set = self.deletion_set.take().filter(|set| set.until > now && set.by != by);
            set.ok_or(KmsRefusal::Authorizations)?;
        }
        self.deletion_set = None;
        self.deleted = Some((now, by.to_owned()));
        Ok(self.set(KmsKeyState::Destroyed, now))
    }

    /// The key, restored.
    ///
    /// # Errors
    /// A key that is not deleted, or for too short or too long; one that is expired.
    pub fn restored(mut self, now: Timestamp) -> Result<Self, KmsRefusal> {
        let Some((deleted, _)) = self.deleted.take() else {
            let state = self.state_at(now).name();
            return Err(KmsRefusal::State { state, verb: "restored" });
        };
        self.check_root()?;
        if deleted.plus(RESTORE_MAX) < now {
            return Err(KmsRefusal::RestoreExpired);
        }
        if self.is_expired(now) {
            return Err(KmsRefusal::Expired);
        }
        self.waited(EARLY_WAIT, now)?;
        Ok(self.set(KmsKeyState::Active, now))
    }

    /// May it be purged?
    ///
    /// # Errors
    /// A key that is not deleted, or not for [`PURGE_WAIT`].
    pub fn check_purge(&self, now: Timestamp) -> Result<(), KmsRefusal> {
        if self.deleted.is_none() {
            let state = self.state_at(now).name();
            return Err(KmsRefusal::State { state, verb: "purged" });
        }
        self.waited(PURGE_WAIT, now)
    }

    /// Whether it is to be purged by itself.
    #[must_use]
    pub fn purges_itself(&self, now: Timestamp) -> bool {
        self.deleted.as_ref().is_some_and(|(at, _)| at.plus(PURGE_AT_AGE) <= now)
    }

    /// Whether two are needed to delete it.
    #[must_use]
    pub fn needs_two(&self) -> bool {
        self.dual_auth.as_ref().is_some_and(|policy| policy.value)
    }

    /// The key, set for deletion by `by`.
    ///
    /// # Errors
    /// A key without the policy; a deleted one.
    pub fn set_for_deletion(mut self, by: &str, now: Timestamp) -> Result<Self, KmsRefusal> {
        self.check_kept()?;
        if !self.needs_two() {
            return Err(KmsRefusal::NotDualAuth);
        }
        let until = now.plus(SET_FOR_DELETION_MAX);
        self.deletion_set = Some(DeletionSet { by: by.to_owned(), until });
        Ok(self.touched(now))
    }

    /// The key, no more set for deletion.
    ///
    /// # Errors
    /// As [`Self::set_for_deletion`].
    pub fn unset_for_deletion(mut self, now: Timestamp) -> Result<Self, KmsRefusal> {
        self.check_kept()?;
        if !self.needs_two() {
            return Err(KmsRefusal::NotDualAuth);
        }
        self.deletion_set = None;
        Ok(self.touched(now))
    }

    /// When it rotates itself next; never when none.
    #[must_use]
    pub fn rotates_at(&self) -> Option<Timestamp> {
        let policy = self.rotation.as_ref()?;
        let (enabled, months) = policy.value;
        let since = self.rotated_at.unwrap_or(self.created_at).max(policy.at);
        let month = Duration::from_secs(30 * 24 * 60 * 60);
        (enabled && !self.extractable && !self.imported && self.state == KmsKeyState::Active)
            .then(|| since.plus(month * months))
    }
}

/// The id of a version of a key: that of the key for the first one, and ids that follow from it
/// for the others.
#[must_use]
pub fn version_id(key: &KmsKeyId, version: u32) -> String {
    let text = key.as_str();
    if version <= 1 || text.len() < 12 || !text.is_char_boundary(text.len() - 12) {
        return text.to_owned();
    }
    let (head, tail) = text.split_at(text.len() - 12);
    let tail = u64::from_str_radix(tail, 16).unwrap_or_default();
    // Odd, so that no two of the 2^48 versions meet.
    let moved = u64::from(version - 1).wrapping_mul(0x9e37_79b9_7f4b);
    format!("{head}{:012x}", tail.wrapping_add(moved) & 0xffff_ffff_ffff)
}
