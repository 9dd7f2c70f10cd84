//! Policies: made, read, replaced, deleted, restored.

use base::PolicyId;
use meta::PolicyFilter;
use model::{AccessPolicy, PolicyKind, PolicyState, PolicyTerms};
use policy::{Action, InternalActor, Permit, Role, ServiceFacts};

use super::{Subject, invalid, refused};
use crate::{Control, Error, RequestContext};

/// What a policy is to say.
#[derive(Clone, Debug)]
pub struct PolicyWrite {
    /// What it is for.
    pub kind: PolicyKind,
    /// Its terms.
    pub terms: PolicyTerms,
}

impl Control {
    /// Policies of the caller's account, oldest first.
    ///
    /// # Errors
    /// When the caller may not, or the store is away.
    pub async fn policies(
        &self,
        ctx: &RequestContext,
        filter: &PolicyFilter,
    ) -> Result<Vec<AccessPolicy>, Error> {
        let permit = self.permit_account(ctx, Action::PolicyRead).await?;
        Ok(self.store().policies(&permit, filter).await?)
    }

    /// A policy, also a deleted one.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn policy(&self, ctx: &RequestContext, id: &PolicyId) -> Result<AccessPolicy, Error> {
        let permit = self.permit_account(ctx, Action::PolicyRead).await?;
        Ok(self.store().policy(&permit, id).await?)
    }

    /// Leave to write a policy of these terms.
    async fn policy_permit(
        &self,
        ctx: &RequestContext,
        action: Action,
        terms: &PolicyTerms,
    ) -> Result<Permit, Error> {
        match self.access(ctx).await?.permit_policy(action, terms, self.now()) {
            Ok(permit) => Ok(permit),
            Err(denied) => Err(self.denied(ctx, denied, None).await),
        }
    }

    /// Refuses what no policy may say, and roles that nobody has.
    async fn policy_check(&self, ctx: &RequestContext, want: &PolicyWrite) -> Result<(), Error> {
        want.terms.check(want.kind, &ctx.caller.account).map_err(refused)?;
        if policy::unknown_role(&want.terms.roles, &[]).is_none() {
            return Ok(());
        }
        let reader = Self::system(InternalActor::Identity);
        let custom = self.store().access_roles(reader, &ctx.caller.account).await?;
        if let Some(role) = policy::unknown_role(&want.terms.roles, &custom) {
            let shown: String = role.chars().take(128).collect();
            return Err(invalid("roles", format!("There is no role {shown}.")));
        }
        Ok(())
    }

    /// Makes a policy. It counts from the next request on.
    ///
    /// # Errors
    /// Terms that cannot be, a policy that is there already, the limit; when the caller may not.
    pub async fn policy_create(
        &self,
        ctx: &RequestContext,
        want: PolicyWrite,
    ) -> Result<AccessPolicy, Error> {
        self.policy_check(ctx, &want).await?;
        let permit = self.policy_permit(ctx, Action::PolicyCreate, &want.terms).await?;
        let id = PolicyId::parse(&base::uuid_of(self.entropy())).map_err(Error::internal)?;
        let (now, by) = (self.now(), ctx.caller.principal.clone());
        let policy = AccessPolicy {
            id,
            account: ctx.caller.account.clone(),
            kind: want.kind,
            terms: want.terms,
            state: PolicyState::Active,
            created_at: now,
            created_by: by.clone(),
            modified_at: now,
            modified_by: by,
            revision: 1,
        };
        let change = self.policy_change(ctx, "iam-am.policy.create", &policy);
        let written = self.store().policy_create(&permit, policy.clone(), change).await;
        written.map_err(|e| Error::from(e).named_by("subject"))?;
        Ok(policy)
    }

    /// A policy that is about to be changed, for one who may change it.
    async fn policy_owned(
        &self,
        ctx: &RequestContext,
        action: Action,
        id: &PolicyId,
    ) -> Result<(AccessPolicy, Permit), Error> {
        // Read by the region's own leave: whether the caller may write it depends on what it says.
        let reader = Self::system(InternalActor::Identity);
        let found = match self.store().policy_any(reader, &ctx.caller.account, id).await {
            Ok(found) => found,
            Err(missing) => {
                // One who may write no policy at all learns nothing of which there are.
                self.permit_account(ctx, action).await?;
                return Err(missing.into());
            }
        };
        let permit = self.policy_permit(ctx, action, &found.terms).await?;
        Ok((found, permit))
    }

    /// Replaces what a policy says; `revision` is the one that the caller read.
    ///
    /// # Errors
    /// As [`Self::policy_create`]; one that was changed meanwhile, or is deleted.
    pub async fn policy_replace(
        &self,
        ctx: &RequestContext,
        id: &PolicyId,
        revision: u64,
        want: PolicyWrite,
    ) -> Result<AccessPolicy, Error> {
        let (found, _) = self.policy_owned(ctx, Action::PolicyUpdate, id).await?;
        self.policy_check(ctx, &want).await?;
        if found.state == PolicyState::Deleted {
            return Err(Error::NotFound { kind: "policy", id: id.to_string(), field: None });
        }
        if found.kind != want.kind {
            return Err(invalid("type", "The type of a policy does not change."));
        }
        let permit = self.policy_permit(ctx, Action::PolicyUpdate, &want.terms).await?;
        let policy = AccessPolicy { terms: want.terms, ..self.written(ctx, found, revision) };
        self.policy_write(ctx, &permit, policy, "iam-am.policy.update").await
    }

    /// Restores a deleted policy; an active one stays as it is.
    ///
    /// # Errors
    /// As [`Self::policy_replace`].
    pub async fn policy_restore(
        &self,
        ctx: &RequestContext,
        id: &PolicyId,
        revision: u64,
    ) -> Result<AccessPolicy, Error> {
        let (found, permit) = self.policy_owned(ctx, Action::PolicyUpdate, id).await?;
        if found.state == PolicyState::Active {
            return Ok(found);
        }
        let policy =
            AccessPolicy { state: PolicyState::Active, ..self.written(ctx, found, revision) };
        self.policy_write(ctx, &permit, policy, "iam-am.policy.update").await
    }

    /// Deletes a policy: it counts no more, and may be restored.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn policy_delete(&self, ctx: &RequestContext, id: &PolicyId) -> Result<(), Error> {
        let (found, permit) = self.policy_owned(ctx, Action::PolicyDelete, id).await?;
        if found.state == PolicyState::Deleted {
            return Err(Error::NotFound { kind: "policy", id: id.to_string(), field: None });
        }
        let revision = found.revision;
        let policy =
            AccessPolicy { state: PolicyState::Deleted, ..self.written(ctx, found, revision) };
        self.policy_write(ctx, &permit, policy, "iam-am.policy.delete").await.map(drop)
    }

    fn written(&self, ctx: &RequestContext, of: AccessPolicy, revision: u64) -> AccessPolicy {
        AccessPolicy {
            revision: revision.saturating_add(1),
            modified_at: self.now(),
            modified_by: ctx.caller.principal.clone(),
            ..of
        }
    }

    async fn policy_write(
        &self,
        ctx: &RequestContext,
        permit: &Permit,
        policy: AccessPolicy,
        event: &'static str,
    ) -> Result<AccessPolicy, Error> {
        let change = self.policy_change(ctx, event, &policy);
        self.store().policy_write(permit, policy.clone(), change).await?;
        Ok(policy)
    }

    fn policy_change(
        &self,
        ctx: &RequestContext,
        action: &'static str,
        policy: &AccessPolicy,
    ) -> meta::Change {
        let (id, kind) = (policy.id.as_str(), policy.kind);
        let about = Subject { service: "iam-access-management", kind: "policy", id, name: id };
        let data = serde_json::json!({ "type": kind.as_str(), "roles": policy.terms.roles });
        self.iam_change(ctx, action, &about, &data)
    }

    /// Whether an authorization of the account `owner`, which owns the target, lets `source` use
    /// `target` with one of `roles`.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn service_authorized(
        &self,
        owner: &base::AccountId,
        source: &ServiceFacts<'_>,
        target: &ServiceFacts<'_>,
        roles: &[Role],
    ) -> Result<bool, Error> {
        let permit = Self::system(InternalActor::Identity);
        let policies = self.store().authorizations(permit, owner).await?;
        Ok(policy::service_authorized(&policies, owner, source, target, roles))
    }
}
