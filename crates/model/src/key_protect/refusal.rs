//! The rules of Key Protect, by name.

/// A rule that refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KmsRefusal {
    /// A standard key where a root key is needed.
    #[error("Requested action can only be completed with a root key")]
    RootRequired,
    /// The state of the key forbids it.
    #[error("Key is not in a valid state: it is {state}, so it cannot be {verb}")]
    State {
        /// `active`, `suspended`, `deactivated`, `destroyed`.
        state: &'static str,
        /// `wrapped with`, `rotated`, …
        verb: &'static str,
    },
    /// The key was deleted.
    #[error("Key has already been deleted: Please delete references to this key")]
    Deleted,
    /// The key is past its expiration date.
    #[error("The action could not be performed on the key because the key is expired")]
    Expired,
    /// A change that must wait.
    #[error("The key was updated recently: Please wait and try again, at {until}")]
    TooEarly {
        /// When it may be tried again.
        until: base::Timestamp,
    },
    /// A rotation within an hour of the last one.
    #[error(
        "This root key has been rotated within the last hour: Only one 'rotate' action per hour \
         is permitted"
    )]
    RotatedLately,
    /// An imported key is rotated with new material.
    #[error(
        "This root key was created with user-supplied key material: Key material is required to \
         perform a 'rotate' action"
    )]
    PayloadRequired,
    /// A generated key is rotated without.
    #[error("This root key was generated here: It is rotated without key material")]
    PayloadRefused,
    /// More than thirty days after the deletion.
    #[error("Key restoration has expired")]
    RestoreExpired,
    /// Something is encrypted with the key.
    #[error(
        "Key is protecting one or more cloud resources: {count} are registered with it; delete \
         with force=true"
    )]
    Protected {
        /// How many.
        count: u64,
    },
    /// Nobody else has set the key for deletion.
    #[error(
        "Number of authorizations required to delete is not met: another user sets the key for \
         deletion first"
    )]
    Authorizations,
    /// Only keys with the policy are set for deletion.
    #[error("The key is not dual auth enabled and cannot be set for deletion")]
    NotDualAuth,
    /// Bytes that this key never made, or that were changed.
    #[error("The provided ciphertext is invalid or corrupted")]
    Ciphertext,
    /// A policy of the instance forbids it.
    #[error("KeyCreateImportAccess instance policy does not allow this action")]
    ImportAccess,
    /// An alias that another key of the instance has.
    #[error("The alias {alias} is taken by a key of this instance")]
    AliasTaken {
        /// The alias.
        alias: String,
    },
    /// A ring that is there already.
    #[error("There is a key ring {ring} in this instance already")]
    RingTaken {
        /// The ring.
        ring: String,
    },
    /// A ring with keys in it.
    #[error("The key ring {ring} is not empty: it has {count} keys")]
    RingNotEmpty {
        /// The ring.
        ring: String,
        /// How many keys.
        count: u64,
    },
    /// Rotation policies are for root keys that were generated here.
    #[error("A rotation policy is for generated root keys only: {why}")]
    PolicyKind {
        /// Why this key has none.
        why: &'static str,
    },
    /// An instance with keys that were not deleted.
    #[error("The instance has {count} keys that are not deleted: Delete them first")]
    InstanceNotEmpty {
        /// How many.
        count: u64,
    },
    /// A search over more keys than are searched.
    #[error(
        "More than {max} keys would be searched: narrow them by state, extractable or key ring"
    )]
    SearchTooBroad {
        /// How many are searched.
        max: u64,
    },
}
