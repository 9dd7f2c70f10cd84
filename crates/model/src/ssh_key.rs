//! SSH keys of an account.

use base::KeyId;

use crate::{Head, text_enum};

text_enum! {
    /// Kind of a public key.
    SshKeyType {
        /// RSA of 2048 or 4096 bits.
        Rsa = "rsa",
        /// Ed25519.
        Ed25519 = "ed25519",
    }
}

/// A public key that new instances accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey {
    /// Id, account, group, name.
    pub head: Head<KeyId>,
    /// Kind.
    pub kind: SshKeyType,
    /// Bits: 2048 or 4096 for RSA, 256 for Ed25519.
    pub length: u32,
    /// `SHA256:…` of the key blob; unique in account and region.
    pub fingerprint: String,
    /// OpenSSH form of two fields: type and base64.
    pub public_key: String,
}
