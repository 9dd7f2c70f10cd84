//! Users, service IDs, trusted profiles, API keys and sessions.
//!
//! Whoever may change them has leave for the account as a whole: they are in no resource group.
//! A row is saved whole; its revision must be the next one of what is there.

use async_trait::async_trait;
use base::{AccountId, ApiKeyId, PrincipalId, Timestamp};
use model::{
    Account, ApiKey, HistoryRecord, Principal, PrincipalKind, ProfilePart, ProfilePartKind, Session,
};
use policy::{Permit, Scope, SystemPermit};

use crate::{Change, Page, Paged, StoreError};

/// Which principals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalFilter {
    /// What they are.
    pub kind: PrincipalKind,
    /// Only this name.
    pub name: Option<String>,
    /// Only this mail address.
    pub email: Option<String>,
}

/// Which API keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiKeyFilter {
    /// Only this principal's.
    pub principal: Option<PrincipalId>,
    /// Only those of principals of this kind.
    pub kind: Option<PrincipalKind>,
}

/// How often an API key was used since it was last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub api_key: ApiKeyId,
    /// Whose it is.
    pub principal: PrincipalId,
    /// How often.
    pub uses: u64,
    /// Region time of the last time.
    pub last: Timestamp,
}

/// What became of the refresh of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The session goes on with the new token.
    Yes {
        /// Who signed in.
        principal: Box<Principal>,
        /// Their account.
        account: Account,
    },
    /// There is no such session, or it has ended.
    Ended,
    /// The token was used before: someone else has it, so the session has ended now.
    Replayed,
}

/// Principals, and what they sign in with.
#[async_trait]
pub trait PrincipalStore: Send + Sync {
    /// Adds a principal, and an API key if one comes with it. Refuses a taken name of a profile, a
    /// taken mail address of a user, and more than the limit.
    async fn principal_create(
        &self,
        permit: &Permit,
        principal: Principal,
        api_key: Option<ApiKey>,
        change: Change,
    ) -> Result<(), StoreError>;

    /// A principal of the account.
    async fn principal_get(&self, scope: &Scope, id: &PrincipalId)
    -> Result<Principal, StoreError>;

    /// Principals of one kind, oldest first.
    async fn principals(
        &self,
        scope: &Scope,
        filter: &PrincipalFilter,
        page: &Page,
    ) -> Result<Paged<Principal>, StoreError>;

    /// Writes name, description, mail, lock and CRNs. `record` goes into its history.
    async fn principal_save(
        &self,
        permit: &Permit,
        principal: &Principal,
        record: HistoryRecord,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Deletes a principal with its keys, sessions and parts, its memberships and the policies
    /// for it; not the owner of the account.
    async fn principal_delete(
        &self,
        permit: &Permit,
        id: &PrincipalId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Rules, links and identities of a profile of the account, oldest first.
    async fn profile_parts(
        &self,
        scope: &Scope,
        profile: &PrincipalId,
    ) -> Result<Vec<ProfilePart>, StoreError>;

    /// Adds a part (revision 1), or replaces the one before it.
    async fn profile_part_save(
        &self,
        permit: &Permit,
        profile: &PrincipalId,
        part: ProfilePart,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Replaces every identity of a profile, whose own revision grows to `revision`.
    async fn profile_identities_replace(
        &self,
        permit: &Permit,
        profile: &PrincipalId,
        revision: u64,
        parts: Vec<ProfilePart>,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Deletes a part.
    async fn profile_part_delete(
        &self,
        permit: &Permit,
        profile: &PrincipalId,
        kind: ProfilePartKind,
        id: &str,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Profile of any account with its parts, for whoever wants to take it on: by IAM id.
    async fn profile_any(
        &self,
        permit: SystemPermit,
        id: &PrincipalId,
    ) -> Result<Option<(Principal, Account, Vec<ProfilePart>)>, StoreError>;

    /// IAM id of the profile of that name in an account.
    async fn profile_by_name(
        &self,
        permit: SystemPermit,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<PrincipalId>, StoreError>;

    /// Adds an API key of a principal of the account. Refuses more than the limit, and a key that
    /// another has.
    async fn api_key_create(
        &self,
        permit: &Permit,
        api_key: ApiKey,
        change: Change,
    ) -> Result<(), StoreError>;

    /// An API key of the account.
    async fn api_key(&self, scope: &Scope, id: &ApiKeyId) -> Result<ApiKey, StoreError>;

    /// API keys of the account, oldest first.
    async fn api_keys(
        &self,
        scope: &Scope,
        filter: &ApiKeyFilter,
        page: &Page,
    ) -> Result<Paged<ApiKey>, StoreError>;

    /// Writes everything of a key but its identity, its owner and its use; also a new hash.
    async fn api_key_save(
        &self,
        permit: &Permit,
        api_key: &ApiKey,
        record: HistoryRecord,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Deletes an API key, and ends its sessions.
    async fn api_key_delete(
        &self,
        permit: &Permit,
        id: &ApiKeyId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// History of a key, a service ID or a profile of the account, oldest first.
    async fn identity_history(
        &self,
        scope: &Scope,
        subject: &str,
    ) -> Result<Vec<HistoryRecord>, StoreError>;

    /// Notes uses of keys; keys that are gone are left out.
    async fn key_uses(&self, permit: SystemPermit, uses: Vec<KeyUse>) -> Result<(), StoreError>;

    /// Adds a session, and forgets some that are over at `now`, in wall time.
    async fn session_create(
        &self,
        permit: SystemPermit,
        session: Session,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Exchanges the refresh token of a session, given by the hashes of the used one and of the
    /// next; the session goes on until `expires_at`. Times are wall time.
    async fn session_refresh(
        &self,
        permit: SystemPermit,
        id: &str,
        (used, next): (&[u8; 32], &[u8; 32]),
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Refreshed, StoreError>;

    /// Signs everybody of an account out, or one principal of it: sessions end, tokens from until
    /// `now` (wall time) are nothing. How many principals it were.
    async fn sign_out(
        &self,
        permit: SystemPermit,
        account: &AccountId,
        id: Option<&PrincipalId>,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Deletes every API key of a principal, locked or not, signs it out, and gives it this one.
    async fn api_keys_reset(
        &self,
        permit: SystemPermit,
        id: &PrincipalId,
        api_key: ApiKey,
        now: Timestamp,
        change: Change,
    ) -> Result<(), StoreError>;
}
