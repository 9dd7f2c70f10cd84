//! What keys do by themselves: rotate by their policy, and purge themselves after ninety days.

use kms::KeyRef;
use meta::{Change, StoreError};
use model::{Event, KmsKey};
use policy::{Action, InternalActor, SystemPermit};

use super::{actions::rotated, customer_key, refused};
use crate::{Control, Error};

const SCHEDULER: SystemPermit = SystemPermit::of(InternalActor::Scheduler);

impl Control {
    /// Rotates and purges the keys that are due, at most `limit`; how many.
    ///
    /// # Errors
    /// When keys or database are away. What was done until then stays.
    pub async fn kms_keys_due(&self, limit: u32) -> Result<usize, Error> {
        let now = self.now();
        let due = self.store().kms_keys_due(SCHEDULER, now, limit).await?;
        for key in &due {
            let done = if key.deleted.is_some() {
                self.kms_purge_due(key).await
            } else {
                self.kms_rotate_due(key).await
            };
            match done {
                // Another was faster; the next look sees what is there.
                Err(Error::Changed { .. }) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(due.len())
    }

    async fn kms_purge_due(&self, key: &KmsKey) -> Result<(), Error> {
        let kept = KeyRef::Customer(customer_key(key));
        self.parts.keys.destroy(&kept).await.map_err(refused)?;
        let change = self.kms_region_change(Action::KmsKeyPurge, key);
        Ok(self.store().kms_key_purge_due(SCHEDULER, &key.id, change).await?)
    }

    async fn kms_rotate_due(&self, key: &KmsKey) -> Result<(), Error> {
        let (now, kept) = (self.now(), customer_key(key));
        let versions = match self.parts.keys.customer_rotate(&kept, key.version, None, now).await {
            Err(kms::KmsError::TooManyVersions { max }) => {
                tracing::warn!(key = %key.id, max, "a key has all its versions and rotates no more");
                kms::KeyVersions::default()
            }
            other => other.map_err(refused)?,
        };
        let next = rotated(key.clone(), &versions, now);
        let change = self.kms_region_change(Action::KmsKeyRotate, &next);
        match self.store().kms_key_save_due(SCHEDULER, &next, change).await {
            Err(StoreError::NotFound { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    fn kms_region_change(&self, action: Action, key: &KmsKey) -> Change {
        let draft = self.kms_draft(action, key, "{}".to_owned());
        let event = Event::by_region(self.event_id(), self.now(), key.account.clone(), draft);
        Change { events: vec![event], usage: Vec::new() }
    }
}
