//! What is done to a key as a whole: rotate, disable, enable, delete, restore, purge.

use kms::KeyRef;
use model::{KmsKey, KmsRefusal};
use policy::Action;
use zeroize::Zeroizing;

use super::{KmsPlace, customer_key, kms, refused};
use crate::{Control, Error, RequestContext};

/// New material for a rotation; random when none.
pub type KmsRotation = Option<Zeroizing<Vec<u8>>>;

impl Control {
    /// Makes a new version of a root key.
    ///
    /// # Errors
    /// As [`KmsKey::check_rotate`] says; when there is none, or the caller may not.
    pub async fn kms_rotate(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        material: KmsRotation,
    ) -> Result<KmsKey, Error> {
        let action = Action::KmsKeyRotate;
        let (key, permit) = self.kms_found(ctx, at, name, action).await?;
        let now = self.now();
        kms(key.check_rotate(material.is_some(), now))?;
        let kept = customer_key(&key);
        let versions = self.parts.keys.customer_rotate(&kept, key.version, material, now).await;
        let next = rotated(key, &versions.map_err(refused)?, now);
        let change = self.kms_change(ctx, action, &next);
        self.store().kms_key_save(&permit, &next, change).await?;
        Ok(next)
    }

    /// Disables a root key.
    ///
    /// # Errors
    /// As [`KmsKey::disabled`] says; when there is none, or the caller may not.
    pub async fn kms_disable(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
    ) -> Result<KmsKey, Error> {
        self.kms_changed(ctx, at, name, Action::KmsKeyDisable, KmsKey::disabled).await
    }

    /// Enables a root key.
    ///
    /// # Errors
    /// As [`KmsKey::enabled`] says; when there is none, or the caller may not.
    pub async fn kms_enable(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
    ) -> Result<KmsKey, Error> {
        self.kms_changed(ctx, at, name, Action::KmsKeyEnable, KmsKey::enabled).await
    }

    /// Deletes a key. Its material stays until it is purged.
    ///
    /// # Errors
    /// A key that protects something, without `force`; as [`KmsKey::deleted`] says; when there is
    /// none, or the caller may not.
    pub async fn kms_delete(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        force: bool,
    ) -> Result<KmsKey, Error> {
        let action = Action::KmsKeyDelete;
        let found = self.kms_found(ctx, at, name, action).await?;
        let by = ctx.caller.principal.to_string();
        kms(found.0.clone().deleted(&by, self.now()))?;
        if !force {
            let count = self.kms_protects(&found.0).await?;
            if count > 0 {
                return kms(Err(KmsRefusal::Protected { count }));
            }
        }
        let how = |key: KmsKey, now| key.deleted(&by, now);
        self.kms_found_changed(ctx, at, name, action, found, how).await
    }

    /// Restores a deleted key.
    ///
    /// # Errors
    /// As [`KmsKey::restored`] says; when there is none, or the caller may not.
    pub async fn kms_restore(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
    ) -> Result<KmsKey, Error> {
        self.kms_changed(ctx, at, name, Action::KmsKeyRestore, KmsKey::restored).await
    }

    /// Destroys a deleted key for good: its material first, then its row.
    ///
    /// # Errors
    /// As [`KmsKey::check_purge`] says; when there is none, or the caller may not.
    pub async fn kms_purge(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
    ) -> Result<KmsKey, Error> {
        let action = Action::KmsKeyPurge;
        let (key, permit) = self.kms_found(ctx, at, name, action).await?;
        kms(key.check_purge(self.now()))?;
        let kept = KeyRef::Customer(customer_key(&key));
        self.parts.keys.destroy(&kept).await.map_err(refused)?;
        let change = self.kms_change(ctx, action, &key);
        self.store().kms_key_purge(&permit, &key.id, change).await?;
        Ok(key)
    }

    /// Sets a key for deletion by another, or takes that back.
    ///
    /// # Errors
    /// As [`KmsKey::set_for_deletion`] says; when there is none, or the caller may not.
    pub async fn kms_set_for_deletion(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        set: bool,
    ) -> Result<KmsKey, Error> {
        let by = ctx.caller.principal.to_string();
        if set {
            let action = Action::KmsKeySetForDeletion;
            self.kms_changed(ctx, at, name, action, |key, now| key.set_for_deletion(&by, now)).await
        } else {
            let action = Action::KmsKeyUnsetForDeletion;
            self.kms_changed(ctx, at, name, action, KmsKey::unset_for_deletion).await
        }
    }

    /// Tells the services of a key's state once more.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn kms_sync(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
    ) -> Result<KmsKey, Error> {
        let (key, _) = self.kms_found(ctx, at, name, Action::KmsKeySync).await?;
        kms(key.check_root())?;
        Ok(key)
    }

    /// Moves a key to another ring.
    ///
    /// # Errors
    /// A ring that is not there; a deleted key; when there is none, or the caller may not.
    pub async fn kms_move(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        ring: &str,
    ) -> Result<KmsKey, Error> {
        let how = |key: KmsKey, now| key.moved(ring, now);
        self.kms_changed(ctx, at, name, Action::KmsKeyUpdate, how).await
    }
}

/// The key after its material has these versions.
pub(super) fn rotated(key: KmsKey, versions: &kms::KeyVersions, now: base::Timestamp) -> KmsKey {
    let version = versions.current().map_or(key.version, |current| current.version);
    key.rotated(version, now)
}
