//! API keys: made, read, changed, locked, disabled, rotated, deleted.
//!
//! Everybody may do all of this with keys of their own; with others' only who has leave for the
//! account. The text of a key is given back once, to whoever makes it: that of another user's to
//! nobody but the owner, since it is that user.

use base::{ApiKeyId, PrincipalId, Timestamp};
use meta::{ApiKeyFilter, Change, Page, Paged};
use model::{ApiKey, HistoryRecord, PrincipalKind, Refusal, WhenLeaked};
use policy::{Action, Denied, InternalActor, Permit, Scope};
use zeroize::Zeroizing;

use super::bootstrap::{api_key_hash, api_key_mint};
use crate::{Control, Error, RequestContext, iam::Subject};

/// An API key that is wanted.
#[derive(Clone, Debug, Default)]
pub struct NewApiKey {
    /// Display name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The key itself, when the caller chose it.
    pub value: Option<Zeroizing<String>>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What is done when it leaks.
    pub when_leaked: Option<WhenLeaked>,
    /// Whether sessions are managed.
    pub support_sessions: bool,
    /// It is locked from the beginning.
    pub locked: bool,
    /// It is disabled from the beginning.
    pub disabled: bool,
}

/// A key with its text.
pub struct MadeApiKey {
    /// The key.
    pub api_key: ApiKey,
    /// Its text, which is kept nowhere.
    pub value: Zeroizing<String>,
}

/// What is changed of a key.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyPatch {
    /// New display name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New end; none inside takes it away.
    pub expires_at: Option<Option<Timestamp>>,
    /// What is done when it leaks.
    pub when_leaked: Option<WhenLeaked>,
    /// Whether sessions are managed.
    pub support_sessions: Option<bool>,
}

/// A switch of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeySwitch {
    /// Neither changed nor deleted.
    Lock,
    /// Changed and deleted again.
    Unlock,
    /// Does not sign in.
    Disable,
    /// Signs in again.
    Enable,
}

impl Control {
    /// Makes an API key for `of`, a user or a service ID of the caller's account.
    ///
    /// # Errors
    /// When there is no such identity, the caller may not, or a limit is reached.
    pub async fn api_key_create(
        &self,
        ctx: &RequestContext,
        of: &PrincipalId,
        want: NewApiKey,
    ) -> Result<MadeApiKey, Error> {
        let permit = self.key_permit(ctx, Action::ApiKeyCreate, of).await?;
        self.text_check(ctx, Action::ApiKeyCreate, of).await?;
        if PrincipalKind::of(of) == PrincipalKind::Profile {
            return Err(Error::Invalid {
                field: "iam_id",
                code: "bad_field",
                why: "A trusted profile has no API keys. Name a user or a service ID.".to_owned(),
            });
        }
        let made = self.key_mint(ctx, of, want);
        let change = self.key_change(ctx, Action::ApiKeyCreate, &made.api_key);
        self.store().api_key_create(&permit, made.api_key.clone(), change).await?;
        Ok(made)
    }

    pub(super) fn key_mint(
        &self,
        ctx: &RequestContext,
        of: &PrincipalId,
        want: NewApiKey,
    ) -> MadeApiKey {
        let value = want.value.unwrap_or_else(|| api_key_mint(self.entropy()));
        let id = ApiKeyId::mint("ApiKey-", self.entropy());
        let (account, hash) = (ctx.caller.account.clone(), api_key_hash(&value));
        let api_key = ApiKey::new(id, account, of.clone(), want.name, hash, self.now());
        let api_key = ApiKey {
            description: want.description,
            created_by: ctx.caller.principal.clone(),
            locked: want.locked,
            disabled: want.disabled,
            expires_at: want.expires_at,
            when_leaked: want.when_leaked.unwrap_or(WhenLeaked::None),
            support_sessions: want.support_sessions,
            ..api_key
        };
        MadeApiKey { api_key, value }
    }

    /// An API key of the caller's account.
    ///
    /// # Errors
    /// When there is none, the caller may not, or the store is away.
    pub async fn api_key(&self, ctx: &RequestContext, id: &ApiKeyId) -> Result<ApiKey, Error> {
        self.key_uses_write().await?;
        self.key_read(ctx, Action::ApiKeyRead, id).await.map(|(key, _)| key)
    }

    /// The API key of that text, if it is the caller's account's.
    ///
    /// # Errors
    /// When there is none, the caller may not, or the store is away.
    pub async fn api_key_by_value(
        &self,
        ctx: &RequestContext,
        value: &str,
    ) -> Result<ApiKey, Error> {
        self.key_uses_write().await?;
        let permit = Self::system(InternalActor::Identity);
        let found = self.store().sign_in(permit, &api_key_hash(value)).await?;
        let found = found.filter(|found| found.account.id == ctx.caller.account);
        let Some(key) = found.map(|found| found.api_key) else {
            self.permit_account(ctx, Action::ApiKeyRead).await?;
            return Err(Error::NotFound { kind: "API key", id: String::new(), field: None });
        };
        self.key_permit(ctx, Action::ApiKeyRead, &key.principal).await?;
        Ok(key)
    }

    /// What was done to a key, oldest first.
    ///
    /// # Errors
    /// As [`Self::api_key`].
    pub async fn api_key_history(
        &self,
        ctx: &RequestContext,
        key: &ApiKey,
    ) -> Result<Vec<HistoryRecord>, Error> {
        let scope = self.scope_of(ctx, Action::ApiKeyRead, &key.principal).await?;
        Ok(self.store().identity_history(&scope, key.id.as_str()).await?)
    }

    /// API keys of the caller's account, oldest first.
    ///
    /// # Errors
    /// When the caller may not, or the store is away.
    pub async fn api_keys(
        &self,
        ctx: &RequestContext,
        filter: &ApiKeyFilter,
        page: &Page,
    ) -> Result<Paged<ApiKey>, Error> {
        self.key_uses_write().await?;
        let scope = match &filter.principal {
            Some(of) => self.scope_of(ctx, Action::ApiKeyList, of).await?,
            None => self.scope_account(ctx, Action::ApiKeyList).await?,
        };
        Ok(self.store().api_keys(&scope, filter, page).await?)
    }

    /// Changes a key. `tag` is the entity tag that the caller saw; none for whatever is there.
    ///
    /// # Errors
    /// When it was changed since, is locked, is not there, or the caller may not.
    pub async fn api_key_update(
        &self,
        ctx: &RequestContext,
        id: &ApiKeyId,
        tag: Option<&str>,
        patch: ApiKeyPatch,
    ) -> Result<ApiKey, Error> {
        let (key, permit) = self.key_read(ctx, Action::ApiKeyUpdate, id).await?;
        if tag.is_some_and(|tag| tag != key.entity_tag()) {
            return Err(Error::Changed { kind: "API key" });
        }
        unlocked(&key)?;
        let next = ApiKey {
            name: patch.name.unwrap_or(key.name),
            description: patch.description.unwrap_or(key.description),
            expires_at: patch.expires_at.unwrap_or(key.expires_at),
            when_leaked: patch.when_leaked.unwrap_or(key.when_leaked),
            support_sessions: patch.support_sessions.unwrap_or(key.support_sessions),
            ..key
        };
        self.key_save(ctx, &permit, next).await
    }

    /// Turns a switch of a key; one that is there already changes nothing.
    ///
    /// # Errors
    /// When it is locked, is not there, or the caller may not.
    pub async fn api_key_switch(
        &self,
        ctx: &RequestContext,
        id: &ApiKeyId,
        switch: ApiKeySwitch,
    ) -> Result<ApiKey, Error> {
        let (key, permit) = self.key_read(ctx, Action::ApiKeyUpdate, id).await?;
        let next = match switch {
            ApiKeySwitch::Lock => ApiKey { locked: true, ..key.clone() },
            ApiKeySwitch::Unlock => ApiKey { locked: false, ..key.clone() },
            ApiKeySwitch::Disable => ApiKey { disabled: true, ..key.clone() },
            ApiKeySwitch::Enable => ApiKey { disabled: false, ..key.clone() },
        };
        if next == key {
            return Ok(key);
        }
        if matches!(switch, ApiKeySwitch::Disable | ApiKeySwitch::Enable) {
            unlocked(&key)?;
        }
        self.key_save(ctx, &permit, next).await
    }

    /// Gives a key another text; the one before is nothing from then on.
    ///
    /// # Errors
    /// When it is locked, is not there, or the caller may not.
    pub async fn api_key_rotate(
        &self,
        ctx: &RequestContext,
        id: &ApiKeyId,
    ) -> Result<MadeApiKey, Error> {
        let (key, permit) = self.key_read(ctx, Action::ApiKeyUpdate, id).await?;
        self.text_check(ctx, Action::ApiKeyUpdate, &key.principal).await?;
        unlocked(&key)?;
        let value = api_key_mint(self.entropy());
        let next = ApiKey { hash: api_key_hash(&value), ..key };
        let api_key = self.key_save(ctx, &permit, next).await?;
        Ok(MadeApiKey { api_key, value })
    }

    /// Deletes a key. Its sessions end; tokens live on until their time is over.
    ///
    /// # Errors
    /// When it is locked, is not there, or the caller may not.
    pub async fn api_key_delete(&self, ctx: &RequestContext, id: &ApiKeyId) -> Result<(), Error> {
        let (key, permit) = self.key_read(ctx, Action::ApiKeyDelete, id).await?;
        let change = self.key_change(ctx, Action::ApiKeyDelete, &key);
        Ok(self.store().api_key_delete(&permit, id, change).await?)
    }

    async fn key_save(
        &self,
        ctx: &RequestContext,
        permit: &Permit,
        next: ApiKey,
    ) -> Result<ApiKey, Error> {
        let next = ApiKey { revision: next.revision + 1, modified_at: self.now(), ..next };
        let record = self.record(ctx, Action::ApiKeyUpdate);
        let change = self.key_change(ctx, Action::ApiKeyUpdate, &next);
        self.store().api_key_save(permit, &next, record, change).await?;
        Ok(next)
    }

    /// A key, and leave to do `action` to it. One of another account is not there. A caller who has
    /// leave for no keys but their own is denied all others, also those that are not there.
    async fn key_read(
        &self,
        ctx: &RequestContext,
        action: Action,
        id: &ApiKeyId,
    ) -> Result<(ApiKey, Permit), Error> {
        let own = policy::scope_own(&ctx.caller, action, &ctx.caller.principal)?;
        let key = match self.store().api_key(&own, id).await {
            Ok(key) => key,
            Err(error) => {
                self.permit_account(ctx, action).await?;
                return Err(error.into());
            }
        };
        let permit = self.key_permit(ctx, action, &key.principal).await?;
        Ok((key, permit))
    }

    async fn key_permit(
        &self,
        ctx: &RequestContext,
        action: Action,
        of: &PrincipalId,
    ) -> Result<Permit, Error> {
        match policy::permit_own(&ctx.caller, action, of, &ctx.caller.account) {
            Ok(permit) => Ok(permit),
            Err(_) => self.permit_account(ctx, action).await,
        }
    }

    /// Whether the caller may hold the text of a key of `of`'s.
    async fn text_check(
        &self,
        ctx: &RequestContext,
        action: Action,
        of: &PrincipalId,
    ) -> Result<(), Error> {
        let another = PrincipalKind::of(of) == PrincipalKind::User && of != &ctx.caller.principal;
        if another && !ctx.caller.owner {
            return Err(self.denied(ctx, Denied { action }, None).await);
        }
        Ok(())
    }

    /// What the caller may see of `of`: of oneself everything.
    pub(super) async fn scope_of(
        &self,
        ctx: &RequestContext,
        action: Action,
        of: &PrincipalId,
    ) -> Result<Scope, Error> {
        match policy::scope_own(&ctx.caller, action, of) {
            Ok(scope) => Ok(scope),
            Err(_) => self.scope_account(ctx, action).await,
        }
    }

    /// What goes into the history of what was changed.
    pub(super) fn record(&self, ctx: &RequestContext, action: Action) -> HistoryRecord {
        HistoryRecord {
            at: self.now(),
            by: ctx.caller.principal.clone(),
            by_account: ctx.caller.account.clone(),
            action: action.as_str().to_owned(),
        }
    }

    fn key_change(&self, ctx: &RequestContext, action: Action, key: &ApiKey) -> Change {
        self.identity_change(ctx, action, "apikey", key.id.as_str(), &key.name)
    }

    /// The change record of something of the identity service.
    pub(super) fn identity_change(
        &self,
        ctx: &RequestContext,
        action: Action,
        kind: &str,
        id: &str,
        name: &str,
    ) -> Change {
        let about = Subject { service: "iam-identity", kind, id, name };
        self.iam_change(ctx, action.as_str(), &about, &serde_json::json!({}))
    }
}

fn unlocked(key: &ApiKey) -> Result<(), Error> {
    if key.locked { Err(Refusal::IdentityLocked { kind: "API key" }.into()) } else { Ok(()) }
}
