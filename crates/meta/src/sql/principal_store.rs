//! The port's calls about principals, each as one transaction.

use async_trait::async_trait;
use base::{AccountId, ApiKeyId, PrincipalId, Timestamp};
use model::{
    Account, ApiKey, HistoryRecord, Principal, ProfilePart, ProfilePartKind, Session as Login,
};
use policy::{Permit, Scope, SystemPermit};

use super::{
    SqlStore, api_key, login, principal, profile,
    retry::{reading, writing},
};
use crate::{
    ApiKeyFilter, Change, KeyUse, Page, Paged, PrincipalFilter, PrincipalStore, Refreshed,
    StoreError,
};

#[async_trait]
impl PrincipalStore for SqlStore {
    async fn principal_create(
        &self,
        permit: &Permit,
        principal: Principal,
        key: Option<ApiKey>,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| principal::create(tx, permit, &principal, key.as_ref(), &change))
    }

    async fn principal_get(
        &self,
        scope: &Scope,
        id: &PrincipalId,
    ) -> Result<Principal, StoreError> {
        principal::get(&mut self.engine.glance().await?, scope.account(), id).await
    }

    async fn principals(
        &self,
        scope: &Scope,
        filter: &PrincipalFilter,
        page: &Page,
    ) -> Result<Paged<Principal>, StoreError> {
        reading!(self, |tx| principal::list(tx, scope, filter, page))
    }

    async fn principal_save(
        &self,
        permit: &Permit,
        principal: &Principal,
        record: HistoryRecord,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| principal::save(tx, permit, principal, &record, &change))
    }

    async fn principal_delete(
        &self,
        permit: &Permit,
        id: &PrincipalId,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| principal::delete(tx, permit, id, &change))
    }

    async fn profile_parts(
        &self,
        scope: &Scope,
        profile: &PrincipalId,
    ) -> Result<Vec<ProfilePart>, StoreError> {
        reading!(self, |tx| profile::parts(tx, scope.account(), profile))
    }

    async fn profile_part_save(
        &self,
        permit: &Permit,
        profile: &PrincipalId,
        part: ProfilePart,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| profile::save(tx, permit, profile, &part, &change))
    }

    async fn profile_identities_replace(
        &self,
        permit: &Permit,
        profile: &PrincipalId,
        revision: u64,
        parts: Vec<ProfilePart>,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| profile::identities_replace(
            tx, permit, profile, revision, &parts, &change
        ))
    }

    async fn profile_part_delete(
        &self,
        permit: &Permit,
        profile: &PrincipalId,
        kind: ProfilePartKind,
        id: &str,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| profile::delete(tx, permit, profile, kind, id, &change))
    }

    async fn profile_any(
        &self,
        _permit: SystemPermit,
        id: &PrincipalId,
    ) -> Result<Option<(Principal, Account, Vec<ProfilePart>)>, StoreError> {
        reading!(self, |tx| profile::any(tx, id))
    }

    async fn profile_by_name(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<PrincipalId>, StoreError> {
        profile::by_name(&mut self.engine.glance().await?, account, name).await
    }

    async fn api_key_create(
        &self,
        permit: &Permit,
        key: ApiKey,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| api_key::create(tx, permit, &key, &change))
    }

    async fn api_key(&self, scope: &Scope, id: &ApiKeyId) -> Result<ApiKey, StoreError> {
        api_key::get(&mut self.engine.glance().await?, scope, id).await
    }

    async fn api_keys(
        &self,
        scope: &Scope,
        filter: &ApiKeyFilter,
        page: &Page,
    ) -> Result<Paged<ApiKey>, StoreError> {
        reading!(self, |tx| api_key::list(tx, scope, filter, page))
    }

    async fn api_key_save(
        &self,
        permit: &Permit,
        key: &ApiKey,
        record: HistoryRecord,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| api_key::save(tx, permit, key, &record, &change))
    }

    async fn api_key_delete(
        &self,
        permit: &Permit,
        id: &ApiKeyId,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| api_key::delete(tx, permit, id, &change))
    }

    async fn identity_history(
        &self,
        scope: &Scope,
        subject: &str,
    ) -> Result<Vec<HistoryRecord>, StoreError> {
        principal::history(&mut self.engine.glance().await?, scope, subject).await
    }

    async fn key_uses(&self, _permit: SystemPermit, uses: Vec<KeyUse>) -> Result<(), StoreError> {
        writing!(self, |tx| api_key::uses(tx, &uses))
    }

    async fn session_create(
        &self,
        _permit: SystemPermit,
        session: Login,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| login::create(tx, &session, now))
    }

    async fn session_refresh(
        &self,
        _permit: SystemPermit,
        id: &str,
        (used, next): (&[u8; 32], &[u8; 32]),
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        let at = login::RefreshAt { now, expires_at, region: self.clock.region() };
        writing!(self, |tx| login::refresh(tx, id, used, next, at))
    }

    async fn sign_out(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
        id: Option<&PrincipalId>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        writing!(self, |tx| login::sign_out(tx, account, id, now))
    }

    async fn api_keys_reset(
        &self,
        _permit: SystemPermit,
        id: &PrincipalId,
        key: ApiKey,
        now: Timestamp,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| login::reset(tx, id, &key, now, &change))
    }
}
