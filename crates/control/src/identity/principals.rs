//! Users, service IDs and trusted profiles of an account.

use base::PrincipalId;
use meta::{Page, Paged, PrincipalFilter};
use model::{HistoryRecord, Principal, PrincipalKind, Refusal};
use policy::{Action, Permit};

use super::api_keys::{MadeApiKey, NewApiKey};
use crate::{Control, Error, RequestContext};

/// A service ID or a trusted profile that is wanted.
#[derive(Clone, Debug, Default)]
pub struct NewPrincipal {
    /// Display name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Mail address: a user's own, or whom to ask about a profile.
    pub email: String,
    /// CRNs that a service ID is bound to.
    pub instance_crns: Vec<String>,
    /// It is locked from the beginning.
    pub locked: bool,
    /// An API key that is made with it.
    pub api_key: Option<NewApiKey>,
}

/// What is changed of a principal.
#[derive(Clone, Debug, Default)]
pub struct PrincipalPatch {
    /// New display name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// New mail address.
    pub email: Option<String>,
    /// New CRNs.
    pub instance_crns: Option<Vec<String>>,
    /// Locked or unlocked.
    pub locked: Option<bool>,
}

/// What may be done to principals of a kind.
struct Actions {
    create: Action,
    read: Action,
    list: Action,
    update: Action,
    delete: Action,
    /// As CRNs and events spell the kind.
    kind: &'static str,
    /// As users call it.
    name: &'static str,
}

const fn actions(kind: PrincipalKind) -> Actions {
    match kind {
        PrincipalKind::User => Actions {
            create: Action::UserCreate,
            read: Action::UserRead,
            list: Action::UserRead,
            update: Action::UserUpdate,
            delete: Action::UserDelete,
            kind: "user",
            name: "user",
        },
        PrincipalKind::ServiceId => Actions {
            create: Action::ServiceIdCreate,
            read: Action::ServiceIdRead,
            list: Action::ServiceIdList,
            update: Action::ServiceIdUpdate,
            delete: Action::ServiceIdDelete,
            kind: "serviceid",
            name: "service ID",
        },
        PrincipalKind::Profile => Actions {
            create: Action::ProfileCreate,
            read: Action::ProfileRead,
            list: Action::ProfileList,
            update: Action::ProfileUpdate,
            delete: Action::ProfileDelete,
            kind: "profile",
            name: "trusted profile",
        },
    }
}

impl Control {
    /// Makes a user, a service ID or a trusted profile, and an API key if one is wanted.
    ///
    /// # Errors
    /// A taken name, a limit; when the caller may not.
    pub async fn principal_create(
        &self,
        ctx: &RequestContext,
        kind: PrincipalKind,
        want: NewPrincipal,
    ) -> Result<(Principal, Option<MadeApiKey>), Error> {
        let of = actions(kind);
        let permit = self.permit_account(ctx, of.create).await?;
        if want.api_key.is_some() {
            self.permit_account(ctx, Action::ApiKeyCreate).await?;
        }
        let id = PrincipalId::mint(kind.iam_prefix(), self.entropy());
        let account = ctx.caller.account.clone();
        let principal = Principal::new(id, account, kind, want.name, self.now());
        let principal = Principal {
            description: want.description,
            email: want.email,
            instance_crns: want.instance_crns,
            locked: want.locked,
            ..principal
        };
        let made = want.api_key.map(|want| self.key_mint(ctx, &principal.id, want));
        let key = made.as_ref().map(|made| made.api_key.clone());
        let plain = principal.plain_id();
        let change = self.identity_change(ctx, of.create, of.kind, plain, &principal.name);
        self.store().principal_create(&permit, principal.clone(), key, change).await?;
        Ok((principal, made))
    }

    /// A principal of the caller's account.
    ///
    /// # Errors
    /// When there is none, the caller may not, or the store is away.
    pub async fn principal(
        &self,
        ctx: &RequestContext,
        kind: PrincipalKind,
        id: &PrincipalId,
    ) -> Result<Principal, Error> {
        let of = actions(kind);
        if PrincipalKind::of(id) != kind {
            return Err(Error::NotFound { kind: of.name, id: id.to_string(), field: None });
        }
        let scope = self.scope_of(ctx, of.read, id).await?;
        self.key_uses_write().await?;
        Ok(self.store().principal_get(&scope, id).await?)
    }

    /// What was done to it, oldest first.
    ///
    /// # Errors
    /// As [`Self::principal`].
    pub async fn principal_history(
        &self,
        ctx: &RequestContext,
        principal: &Principal,
    ) -> Result<Vec<HistoryRecord>, Error> {
        let scope = self.scope_account(ctx, actions(principal.kind).read).await?;
        Ok(self.store().identity_history(&scope, principal.id.as_str()).await?)
    }

    /// Principals of one kind in the caller's account, oldest first.
    ///
    /// # Errors
    /// When the caller may not, or the store is away.
    pub async fn principals(
        &self,
        ctx: &RequestContext,
        filter: &PrincipalFilter,
        page: &Page,
    ) -> Result<Paged<Principal>, Error> {
        let scope = self.scope_account(ctx, actions(filter.kind).list).await?;
        self.key_uses_write().await?;
        Ok(self.store().principals(&scope, filter, page).await?)
    }

    /// Changes a principal. `tag` is the entity tag that the caller saw; none for whatever is
    /// there. A locked one can only be unlocked.
    ///
    /// # Errors
    /// When it was changed since, is locked, has a taken name; when there is none, or the caller
    /// may not.
    pub async fn principal_update(
        &self,
        ctx: &RequestContext,
        (kind, id): (PrincipalKind, &PrincipalId),
        tag: Option<&str>,
        patch: PrincipalPatch,
    ) -> Result<Principal, Error> {
        let of = actions(kind);
        let now = self.principal(ctx, kind, id).await?;
        let permit = self.permit_account(ctx, of.update).await?;
        if tag.is_some_and(|tag| tag != now.entity_tag()) {
            return Err(Error::Changed { kind: of.name });
        }
        if patch.locked == Some(now.locked) {
            return Ok(now);
        }
        if now.locked && patch.locked.is_none() {
            return Err(Refusal::IdentityLocked { kind: of.name }.into());
        }
        let next = Principal {
            name: patch.name.unwrap_or(now.name),
            description: patch.description.unwrap_or(now.description),
            email: patch.email.unwrap_or(now.email),
            instance_crns: patch.instance_crns.unwrap_or(now.instance_crns),
            locked: patch.locked.unwrap_or(now.locked),
            revision: now.revision + 1,
            modified_at: self.now(),
            ..now
        };
        self.principal_save(ctx, &permit, next, of.update, of.kind).await
    }

    async fn principal_save(
        &self,
        ctx: &RequestContext,
        permit: &Permit,
        next: Principal,
        action: Action,
        kind: &str,
    ) -> Result<Principal, Error> {
        let record = self.record(ctx, action);
        let change = self.identity_change(ctx, action, kind, next.plain_id(), &next.name);
        self.store().principal_save(permit, &next, record, change).await?;
        self.known.forget();
        Ok(next)
    }

    /// Deletes a principal with its API keys, its memberships and the policies for it. Its tokens
    /// are nothing from then on.
    ///
    /// # Errors
    /// When it is locked or owns the account; when there is none, or the caller may not.
    pub async fn principal_delete(
        &self,
        ctx: &RequestContext,
        kind: PrincipalKind,
        id: &PrincipalId,
    ) -> Result<(), Error> {
        let of = actions(kind);
        let now = self.principal(ctx, kind, id).await?;
        let permit = self.permit_account(ctx, of.delete).await?;
        let change = self.identity_change(ctx, of.delete, of.kind, now.plain_id(), &now.name);
        self.store().principal_delete(&permit, id, change).await?;
        self.known.forget();
        Ok(())
    }

    /// The account of the caller, as its owner's id.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn account_owner(&self, ctx: &RequestContext) -> Result<Option<PrincipalId>, Error> {
        let permit = Self::system(policy::InternalActor::Identity);
        Ok(self.store().account(permit, &ctx.caller.account).await?.owner)
    }
}
