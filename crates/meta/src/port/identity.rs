//! Accounts, principals, API keys, token keys, resource groups.

use async_trait::async_trait;
use base::{AccountId, ResourceGroupId, Timestamp};
use model::{Account, ApiKey, Principal, ResourceGroup, TokenKey};
use policy::{Permit, Scope, SystemPermit};

use crate::{Change, StoreError};

/// What the first start writes.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Owns stock images.
    pub provider: Account,
    /// Group of stock images.
    pub provider_group: ResourceGroup,
    /// The first account.
    pub account: Account,
    /// Its owner.
    pub owner: Principal,
    /// Its default resource group.
    pub group: ResourceGroup,
    /// The owner's API key, by hash.
    pub api_key: ApiKey,
    /// The first key that signs tokens.
    pub token_key: TokenKey,
}

/// Whom an API key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The key.
    pub api_key: ApiKey,
    /// Its principal.
    pub principal: Principal,
    /// The account.
    pub account: Account,
}

/// Which resource groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// Only this name.
    pub name: Option<String>,
    /// Only the default one, or only the others.
    pub default: Option<bool>,
}

/// Identity, and what every account has.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// Writes the first rows, unless there are some. True if it wrote them.
    async fn bootstrap(&self, permit: SystemPermit, rows: Bootstrap) -> Result<bool, StoreError>;

    /// Adds an account with owner, default group and API key.
    async fn account_create(
        &self,
        permit: SystemPermit,
        account: Account,
        owner: Principal,
        group: ResourceGroup,
        api_key: ApiKey,
    ) -> Result<(), StoreError>;

    /// The provider's account with its group.
    async fn provider(&self, permit: SystemPermit) -> Result<(Account, ResourceGroup), StoreError>;

    /// An account.
    async fn account(&self, permit: SystemPermit, id: &AccountId) -> Result<Account, StoreError>;

    /// Every account, oldest first.
    async fn accounts(&self, permit: SystemPermit) -> Result<Vec<Account>, StoreError>;

    /// Whose API key has this hash; none if no key has.
    async fn sign_in(
        &self,
        permit: SystemPermit,
        hash: &[u8; 32],
    ) -> Result<Option<SignIn>, StoreError>;

    /// A principal with its account, for the refresh of a token.
    async fn principal(
        &self,
        permit: SystemPermit,
        id: &base::PrincipalId,
    ) -> Result<Option<(Principal, Account)>, StoreError>;

    /// Keys that sign tokens, newest first.
    async fn token_keys(&self, permit: SystemPermit) -> Result<Vec<TokenKey>, StoreError>;

    /// Adds a key that signs tokens.
    async fn token_key_add(&self, permit: SystemPermit, key: TokenKey) -> Result<(), StoreError>;

    /// A resource group.
    async fn resource_group(
        &self,
        scope: &Scope,
        id: &ResourceGroupId,
    ) -> Result<ResourceGroup, StoreError>;

    /// Resource groups by name; there are few.
    async fn resource_groups(
        &self,
        scope: &Scope,
        filter: &GroupFilter,
    ) -> Result<Vec<ResourceGroup>, StoreError>;

    /// Adds a group that is not the default one. Refuses a taken name (letters of either case are
    /// one) and more than the limit.
    async fn resource_group_create(
        &self,
        permit: &Permit,
        group: ResourceGroup,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Renames a group.
    async fn resource_group_rename(
        &self,
        permit: &Permit,
        id: &ResourceGroupId,
        name: &str,
        now: Timestamp,
        change: Change,
    ) -> Result<ResourceGroup, StoreError>;

    /// Deletes a group. Refuses the default one, and one with anything in it.
    async fn resource_group_delete(
        &self,
        permit: &Permit,
        id: &ResourceGroupId,
        change: Change,
    ) -> Result<(), StoreError>;
}
