//! Policies of keys and of instances.

use model::{InstancePolicy, InstancePolicyKind, KmsKey, KmsPolicyWant};
use policy::Action;

use super::KmsPlace;
use crate::{Control, Error, RequestContext};

/// A policy that is wanted of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstancePolicyWant {
    /// Which.
    pub kind: InstancePolicyKind,
    /// Whether it counts.
    pub enabled: bool,
    /// As [`InstancePolicy::detail`].
    pub detail: u32,
}

impl Control {
    /// A key, for its policies.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn kms_policies(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
    ) -> Result<KmsKey, Error> {
        Ok(self.kms_found(ctx, at, name, Action::KmsPolicyRead).await?.0)
    }

    /// Sets policies of a key.
    ///
    /// # Errors
    /// As [`KmsKey::with_policies`] says; when there is none, or the caller may not.
    pub async fn kms_policies_set(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        want: &[KmsPolicyWant],
    ) -> Result<KmsKey, Error> {
        let by = ctx.caller.principal.to_string();
        let how = |key: KmsKey, now| key.with_policies(want, &by, now);
        self.kms_changed(ctx, at, name, Action::KmsPolicyWrite, how).await
    }

    /// Policies of an instance.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn kms_instance_policies(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
    ) -> Result<Vec<InstancePolicy>, Error> {
        let action = Action::KmsInstancePolicyRead;
        let (.., scope) = self.kms_instance_found(ctx, &at.instance, action).await?;
        Ok(self.store().kms_instance_policies(&scope, &at.instance).await?)
    }

    /// Sets policies of an instance. They count for keys that are made from now on.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn kms_instance_policies_set(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        want: &[InstancePolicyWant],
    ) -> Result<(), Error> {
        let action = Action::KmsInstancePolicyWrite;
        let (instance, permit, _) = self.kms_instance_found(ctx, &at.instance, action).await?;
        let (now, by) = (self.now(), ctx.caller.principal.to_string());
        let policies = want.iter().map(|one| InstancePolicy {
            kind: one.kind,
            enabled: one.enabled,
            detail: one.detail,
            created_by: by.clone(),
            created_at: now,
            updated_by: by.clone(),
            updated_at: now,
        });
        let change = self.kms_instance_change(ctx, action, &instance, "kms/instancepolicies");
        let saved = self.store().kms_instance_policies_save(
            &permit,
            &at.instance,
            policies.collect(),
            change,
        );
        Ok(saved.await?)
    }
}
