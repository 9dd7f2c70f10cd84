//! A change of a key's row, and of what its material may be used for.

use base::Timestamp;
use kms::KeyUse;
use meta::StoreError;
use model::{KmsKey, KmsRefusal};
use policy::{Action, Permit};

use super::{KmsPlace, customer_key, kms, refused, use_of};
use crate::{Control, Error, RequestContext};

/// How often a change is tried when another request changes the key meanwhile.
const ATTEMPTS_MAX: u32 = 8;

impl Control {
    /// Changes a key as `how` says, and gives it.
    pub(super) async fn kms_changed(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        action: Action,
        how: impl Fn(KmsKey, Timestamp) -> Result<KmsKey, KmsRefusal>,
    ) -> Result<KmsKey, Error> {
        let found = self.kms_found(ctx, at, name, action).await?;
        self.kms_found_changed(ctx, at, name, action, found, how).await
    }

    /// As [`Self::kms_changed`], for a key that was found already.
    pub(super) async fn kms_found_changed(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        action: Action,
        (mut key, mut permit): (KmsKey, Permit),
        how: impl Fn(KmsKey, Timestamp) -> Result<KmsKey, KmsRefusal>,
    ) -> Result<KmsKey, Error> {
        let mut tried = 0;
        loop {
            let next = kms(how(key.clone(), self.now()))?;
            match self.kms_saved(ctx, &permit, action, &key, &next).await {
                Err(Error::Changed { .. }) if tried < ATTEMPTS_MAX => tried += 1,
                other => return other.map(|()| next),
            }
            (key, permit) = self.kms_found(ctx, at, name, action).await?;
        }
    }

    async fn kms_saved(
        &self,
        ctx: &RequestContext,
        permit: &Permit,
        action: Action,
        before: &KmsKey,
        next: &KmsKey,
    ) -> Result<(), Error> {
        let to = use_of(next.state);
        if to != KeyUse::Active {
            self.kms_use(next, to).await?;
        }
        let change = self.kms_change(ctx, action, next);
        let saved = self.store().kms_key_save(permit, next, change).await;
        if saved.is_err() && before.state != next.state {
            self.kms_aligned(next).await;
        }
        saved?;
        if to == KeyUse::Active && use_of(before.state) != to {
            self.kms_use(next, to).await?;
        }
        Ok(())
    }

    pub(super) async fn kms_use(&self, key: &KmsKey, to: KeyUse) -> Result<(), Error> {
        self.parts.keys.customer_use(&customer_key(key), to).await.map_err(refused)
    }

    /// Lets a key be used as its row says, after something went wrong in between.
    pub(super) async fn kms_aligned(&self, key: &KmsKey) {
        let system = Self::system(policy::InternalActor::Job);
        let aligned = match self.store().kms_key_any(system, &key.id).await {
            Ok(key) => self.kms_use(&key, use_of(key.state)).await,
            Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = aligned {
            let error = base::error_chain(&error);
            tracing::error!(key = %key.id, error, "a key is not used as its row says");
        }
    }
}
