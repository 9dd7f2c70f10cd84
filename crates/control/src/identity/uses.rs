//! How often API keys sign in: counted in memory and written now and then, so that a sign-in
//! waits for no write.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use base::{ApiKeyId, Timestamp};
use meta::KeyUse;
use model::ApiKey;
use policy::InternalActor;

use crate::{Control, Error};

/// Uses that were not written yet.
#[derive(Default)]
pub(crate) struct Uses {
    counted: Mutex<HashMap<ApiKeyId, KeyUse>>,
}

impl Uses {
    pub(crate) fn count(&self, key: &ApiKey, now: Timestamp) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let one = counted.entry(key.id.clone()).or_insert_with(|| KeyUse {
            api_key: key.id.clone(),
            principal: key.principal.clone(),
            uses: 0,
            last: now,
        });
        one.uses += 1;
        one.last = now;
    }

    fn take(&self) -> Vec<KeyUse> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.drain().map(|(_, one)| one).collect()
    }

    /// What could not be written is written the next time.
    fn put_back(&self, uses: Vec<KeyUse>) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        for one in uses {
            match counted.get_mut(&one.api_key) {
                Some(newer) => newer.uses += one.uses,
                None => drop(counted.insert(one.api_key.clone(), one)),
            }
        }
    }
}

impl Control {
    /// Writes what was counted. What a crash loses is seconds of a count.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn key_uses_write(&self) -> Result<(), Error> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        let permit = Self::system(InternalActor::Identity);
        if let Err(error) = self.store().key_uses(permit, uses.clone()).await {
            self.uses.put_back(uses);
            return Err(error.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, PrincipalId, SeededEntropy};

    use super::*;

    #[test]
    fn uses_add_up_and_survive_a_failed_write() {
        let entropy = SeededEntropy::new(5);
        let at = Timestamp::from_micros;
        let key = ApiKey::new(
            ApiKeyId::mint("ApiKey-", &entropy),
            AccountId::mint("", &entropy),
            PrincipalId::mint("IBMid-", &entropy),
            "k".to_owned(),
            [0; 32],
            at(0),
        );
        let uses = Uses::default();
        uses.count(&key, at(1));
        uses.count(&key, at(2));
        let taken = uses.take();
        assert_eq!((taken[0].uses, taken[0].last), (2, at(2)));
        assert!(uses.take().is_empty());
        uses.count(&key, at(3));
        uses.put_back(taken);
        let taken = uses.take();
        assert_eq!((taken[0].uses, taken[0].last), (3, at(3)));
    }
}
