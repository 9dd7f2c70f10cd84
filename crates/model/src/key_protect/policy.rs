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
