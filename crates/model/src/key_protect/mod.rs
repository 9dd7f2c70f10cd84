//! Key Protect: instances, keys, rings and policies.
//!
//! Times are region time. What the material of a key is, the `kms` crate knows. Next to read:
//! `key`, the rules of its states.

mod instance;
mod key;
mod policy;
mod refusal;
mod search;

pub use instance::{
    DEFAULT_RING, InstancePolicy, InstancePolicyKind, KEY_PROTECT_ENDPOINT, KmsRegistration,
    KmsRing, ServiceInstance, key_protect_crn,
};
pub use key::{
    DeletionSet, EARLY_WAIT, KmsKey, KmsKeyState, PURGE_AT_AGE, PURGE_WAIT, RESTORE_MAX,
    ROTATE_WAIT, SET_FOR_DELETION_MAX, version_id,
};
pub use policy::{KmsPolicy, KmsPolicyWant};
pub use refusal::KmsRefusal;
pub use search::{KmsSearch, KmsSort, KmsSortBy};
