//! Key rings and aliases.

use model::{DEFAULT_RING, KmsKey, KmsRing, ServiceInstance};
use policy::Action;

use super::{KmsPlace, kms};
use crate::{Control, Error, RequestContext};

impl Control {
    /// Rings of an instance, the default one first.
    ///
    /// # Errors
    /// When there is no such instance, or the caller may not.
    pub async fn kms_rings(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
    ) -> Result<Vec<KmsRing>, Error> {
        let action = Action::KmsRingList;
        let (instance, _, scope) = self.kms_instance_found(ctx, &at.instance, action).await?;
        let made = self.store().kms_rings(&scope, &at.instance).await?;
        Ok(std::iter::once(default_ring(&instance)).chain(made).collect())
    }

    /// Makes a ring.
    ///
    /// # Errors
    /// A taken name, the limit; when there is no such instance, or the caller may not.
    pub async fn kms_ring_create(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        ring: &str,
    ) -> Result<(), Error> {
        let action = Action::KmsRingCreate;
        let (instance, permit, _) = self.kms_instance_found(ctx, &at.instance, action).await?;
        let ring = KmsRing {
            id: ring.to_owned(),
            created_by: ctx.caller.principal.to_string(),
            created_at: self.now(),
        };
        let change = self.kms_instance_change(ctx, action, &instance, "kms/keyrings");
        Ok(self.store().kms_ring_create(&permit, &at.instance, ring, change).await?)
    }

    /// Deletes a ring; with `force` also one with deleted keys.
    ///
    /// # Errors
    /// A ring with keys, the default one; when it is not there, or the caller may not.
    pub async fn kms_ring_delete(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        ring: &str,
        force: bool,
    ) -> Result<(), Error> {
        let action = Action::KmsRingDelete;
        let (instance, permit, _) = self.kms_instance_found(ctx, &at.instance, action).await?;
        let change = self.kms_instance_change(ctx, action, &instance, "kms/keyrings");
        Ok(self.store().kms_ring_delete(&permit, &at.instance, ring, force, change).await?)
    }

    /// Gives a key an alias.
    ///
    /// # Errors
    /// A taken alias, the limit, a deleted key; when there is none, or the caller may not.
    pub async fn kms_alias_create(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        alias: &str,
    ) -> Result<KmsKey, Error> {
        let action = Action::KmsAliasCreate;
        let (key, permit) = self.kms_found(ctx, at, name, action).await?;
        kms(key.check_kept())?;
        let change = self.kms_change(ctx, action, &key);
        self.store().kms_alias_create(&permit, &key, alias, self.now(), change).await?;
        Ok(key)
    }

    /// Takes an alias from a key.
    ///
    /// # Errors
    /// When it has none of that name, there is no such key, or the caller may not.
    pub async fn kms_alias_delete(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        alias: &str,
    ) -> Result<(), Error> {
        let action = Action::KmsAliasDelete;
        let (key, permit) = self.kms_found(ctx, at, name, action).await?;
        let change = self.kms_change(ctx, action, &key);
        Ok(self.store().kms_alias_delete(&permit, &key, alias, change).await?)
    }
}

fn default_ring(instance: &ServiceInstance) -> KmsRing {
    KmsRing {
        id: DEFAULT_RING.to_owned(),
        created_by: instance.created_by.clone(),
        created_at: instance.created_at,
    }
}
