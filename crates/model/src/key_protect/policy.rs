//! Policies of a key.

use base::Timestamp;

use super::{InstancePolicyKind, KmsKey, KmsRefusal};

/// A policy of a key, and who set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsPolicy<T> {
    /// What it says.
    pub value: T,
    /// Who set it last.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A policy that is wanted of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KmsPolicyWant {
    /// Whether two are needed to delete it.
    DualAuthDelete(bool),
    /// Whether it rotates, and every how many months; as before when none.
    Rotation(bool, Option<u32>),
}

impl KmsPolicyWant {
    /// The policy of an instance that says the same of new keys.
    #[must_use]
    pub const fn kind(self) -> InstancePolicyKind {
        match self {
            Self::DualAuthDelete(_) => InstancePolicyKind::DualAuthDelete,
            Self::Rotation(..) => InstancePolicyKind::Rotation,
        }
    }
}

impl KmsKey {
    /// The key with these policies, set by `by`.
    ///
    /// # Errors
    /// A deleted key; a rotation that [`Self::check_rotation_policy`] refuses, or of which nobody
    /// ever said the months.
    pub fn with_policies(
        mut self,
        want: &[KmsPolicyWant],
        by: &str,
        now: Timestamp,
    ) -> Result<Self, KmsRefusal> {
        self.check_kept()?;
        for one in want {
            let by = by.to_owned();
            match *one {
                KmsPolicyWant::DualAuthDelete(value) => {
                    self.dual_auth = Some(KmsPolicy { value, by, at: now });
                }
                KmsPolicyWant::Rotation(enabled, months) => {
                    self.check_rotation_policy()?;
                    let before = self.rotation.as_ref().map(|policy| policy.value.1);
                    let months = months
                        .or(before)
                        .ok_or(KmsRefusal::PolicyKind { why: "interval_month is missing" })?;
                    self.rotation = Some(KmsPolicy { value: (enabled, months), by, at: now });
                }
            }
        }
        Ok(self.touched(now))
    }

    /// May it have a rotation policy?
    ///
    /// # Errors
    /// A standard key, and one that was brought.
    pub const fn check_rotation_policy(&self) -> Result<(), KmsRefusal> {
        if self.extractable {
            return Err(KmsRefusal::PolicyKind { why: "this is a standard key" });
        }
        if self.imported {
            return Err(KmsRefusal::PolicyKind { why: "the material of this key was brought" });
        }
        Ok(())
    }
}
