//! Accounts, token keys and resource groups. Who acts in an account is in `identity`.

use base::{AccountId, PrincipalId, ResourceGroupId, Timestamp, TokenKeyId};

/// An account: the boundary that nothing crosses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its display name.
    pub name: String,
    /// The provider's account owns stock images and has no users.
    pub provider: bool,
    /// Who owns it; an owner may do everything in it. The provider's account has none.
    pub owner: Option<PrincipalId>,
    /// Region time of its creation.
    pub created_at: Timestamp,
}

/// A key pair that signs tokens; the private half is wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    /// Its `kid`.
    pub id: TokenKeyId,
    /// PKCS#8 of the private key, sealed by the region's master key.
    pub sealed_private: Vec<u8>,
    /// DER of the public key (PKCS#1).
    pub public_der: Vec<u8>,
    /// Wall time of its creation; the newest signs.
    pub created_at: Timestamp,
}

/// A resource group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceGroup {
    /// Its id.
    pub id: ResourceGroupId,
    /// Its account.
    pub account: AccountId,
    /// Its name, such as `Default`; not bound to the pattern of VPC names.
    pub name: String,
    /// Every account has exactly one default group.
    pub default: bool,
    /// Region time of its creation.
    pub created_at: Timestamp,
    /// Region time of its last change.
    pub updated_at: Timestamp,
}
