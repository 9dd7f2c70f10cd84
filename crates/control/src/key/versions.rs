//! What the operator does with the provider's root key of an account.

use std::time::Duration;

use base::{AccountId, Crn, ImageId, Timestamp};
use kms::{KeyRef, KmsError, WrappedKey};
use meta::{StoreError, WrapHolder, WrapRow};
use policy::{InternalActor, SystemPermit};
use serde::Serialize;

use crate::{
    Control, StorageError,
    image::manifest,
    storage::{Holder, volume_crn_of},
    store::UpkeepError,
};

/// How long an old version is kept at least, unless the operator says otherwise: requests and
/// captures that began before the rotation have ended by then.
pub const RETIRE_GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Rows looked at in one go.
pub(super) const BATCH: u32 = 100;

/// Leave for what the operator asks.
pub(super) const OPERATOR: SystemPermit = SystemPermit::of(InternalActor::Operator);

/// Why nothing was done to a root key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The keys.
    #[error("keys")]
    Keys(#[from] KmsError),
    /// The database.
    #[error("database")]
    Store(#[from] StoreError),
    /// Images.
    #[error("storage")]
    Storage(#[from] StorageError),
    /// Upkeep.
    #[error("chunk store")]
    Upkeep(#[from] UpkeepError),
    /// A job's state.
    #[error("a job's state does not encode")]
    State,
    /// No data key was ever wrapped for the account.
    #[error("account {account} has no root key yet: it has no image and no volume")]
    Unused {
        /// The account.
        account: AccountId,
    },
    /// Something needs an old version.
    #[error(
        "{count} images and volumes of account {account} are wrapped by an old version, such as \
         {example}: run `ectype keys rotate --account {account}` first"
    )]
    Needed {
        /// The account.
        account: AccountId,
        /// How many.
        count: u64,
        /// One of them.
        example: String,
    },
    /// The rotation is too young.
    #[error("the current version is used since {since} only; old ones are kept until {until}")]
    Young {
        /// Since when the current version wraps.
        since: Timestamp,
        /// When the others may go.
        until: Timestamp,
    },
    /// A capture or an import may still write a recovery manifest.
    #[error("an image is being made: try again when it is there")]
    Busy,
}

impl KeyError {
    /// What callers tell apart.
    #[must_use]
    pub fn kind(&self) -> base::ErrorKind {
        match self {
            Self::Keys(e) => e.kind(),
            Self::Store(e) => e.kind(),
            Self::Storage(e) => e.kind(),
            Self::Upkeep(e) => e.kind(),
            Self::State => base::ErrorKind::Internal,
            Self::Unused { .. } => base::ErrorKind::NotFound,
            Self::Needed { .. } | Self::Young { .. } | Self::Busy => base::ErrorKind::Conflict,
        }
    }
}

/// One version of an account's root key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RootKeyVersion {
    /// Its number.
    pub version: u32,
    /// Since when it wraps, RFC 3339; none for one that was never rotated to.
    pub since: Option<String>,
    /// Whether it wraps now.
    pub current: bool,
    /// Images and volumes whose data key it wraps.
    pub wraps: u64,
}

/// The versions of an account's root key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RootKeyVersions {
    /// The account.
    pub account: String,
    /// Those that still open what they wrapped, oldest first.
    pub versions: Vec<RootKeyVersion>,
}

impl Control {
    /// The versions of the provider's root key of an account, and what each wraps.
    ///
    /// # Errors
    /// When there is no such account; when keys or database are away.
    pub async fn key_versions(&self, account: &AccountId) -> Result<RootKeyVersions, KeyError> {
        self.store().account(OPERATOR, account).await?;
        let versions = self.parts.keys.versions(&KeyRef::Provider(account.clone())).await?;
        let current = versions.current().map(|one| one.version);
        let mut out: Vec<_> = versions
            .0
            .iter()
            .map(|one| RootKeyVersion {
                version: one.version,
                since: one.since.map(|at| at.to_string()),
                current: Some(one.version) == current,
                wraps: 0,
            })
            .collect();
        let mut after = None;
        while let Some(rows) = self.wraps(account, &mut after).await? {
            for row in rows {
                let version = WrappedKey::from_bytes(&row.wrapped)?.key_version();
                if let Some(one) = out.iter_mut().find(|one| one.version == version) {
                    one.wraps += 1;
                }
            }
        }
        Ok(RootKeyVersions { account: account.to_string(), versions: out })
    }

    /// The next rows with data keys of an account; none at the end.
    pub(super) async fn wraps(
        &self,
        account: &AccountId,
        after: &mut Option<String>,
    ) -> Result<Option<Vec<WrapRow>>, StoreError> {
        let rows = self.store().wraps(OPERATOR, account, after.as_deref(), BATCH).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        *after = Some(last.holder.id().to_owned());
        Ok(Some(rows))
    }

    /// Destroys the versions of an account's root key before the current one.
    ///
    /// Backups of the database from before the rotation hold wraps that open no more then.
    ///
    /// # Errors
    /// `Needed` while an image, volume or manifest is wrapped by an old version; `Young` within
    /// `grace` of the rotation; `Busy`; when keys, store or database are away.
    pub async fn key_retire(
        &self,
        account: &AccountId,
        grace: Duration,
    ) -> Result<RootKeyVersions, KeyError> {
        self.store().account(OPERATOR, account).await?;
        let key = KeyRef::Provider(account.clone());
        let versions = self.parts.keys.versions(&key).await?;
        let current =
            versions.current().ok_or_else(|| KeyError::Unused { account: account.clone() })?;
        if let Some(since) = current.since {
            let until = since.plus(grace);
            if until > self.parts.clock.wall() {
                return Err(KeyError::Young { since, until });
            }
        }
        if self.store().gc_snapshot(OPERATOR).await?.oldest_open.is_some() {
            return Err(KeyError::Busy);
        }
        let (mut count, mut example) = (0, String::new());
        let mut after = None;
        while let Some(rows) = self.wraps(account, &mut after).await? {
            for row in rows {
                if self.is_old(&row, current.version).await? {
                    count += 1;
                    row.holder.id().clone_into(&mut example);
                }
            }
        }
        if count > 0 {
            return Err(KeyError::Needed { account: account.clone(), count, example });
        }
        self.parts.keys.retire(&key, current.version).await?;
        tracing::info!(%account, current = current.version, "old root key versions are destroyed");
        self.key_versions(account).await
    }

    /// Whether a row, or the manifest of its image, is wrapped by another version.
    async fn is_old(&self, row: &WrapRow, current: u32) -> Result<bool, KeyError> {
        if WrappedKey::from_bytes(&row.wrapped)?.key_version() != current {
            return Ok(true);
        }
        let WrapHolder::Image(id) = &row.holder else { return Ok(false) };
        let said = manifest::said(self, id).await?;
        Ok(said.is_some_and(|said| said.wrapped_data_key != row.wrapped))
    }

    /// Wraps a row's data key by the current version, and lets its image's manifest follow. True
    /// when something was written. Harmless to repeat.
    pub(super) async fn rewrap(
        &self,
        account: &AccountId,
        row: &WrapRow,
        current: u32,
        fence: &jobs::Fence,
    ) -> Result<bool, KeyError> {
        let mut written = false;
        if WrappedKey::from_bytes(&row.wrapped)?.key_version() != current {
            let crn = self.holder_crn(account, &row.holder);
            let holder = Holder { crn: &crn, wrapped: &row.wrapped };
            let to = KeyRef::Provider(account.clone());
            let anew = self.parts.storage.data_key_rewrap(holder, &to).await?;
            // Another one was faster, or the row is gone: nothing is lost either way.
            written = self.store().rewrap(super::job::JOB_PERMIT, Some(fence), row, &anew).await?;
        }
        match &row.holder {
            WrapHolder::Image(id) => Ok(manifest::follow(self, id).await? || written),
            WrapHolder::Volume(..) => Ok(written),
        }
    }

    fn holder_crn(&self, account: &AccountId, holder: &WrapHolder) -> Crn {
        match holder {
            WrapHolder::Image(id) => self.image_crn_of(account, id),
            WrapHolder::Volume(id, zone) => volume_crn_of(zone, account, id),
        }
    }

    pub(crate) fn image_crn_of(&self, account: &AccountId, id: &ImageId) -> Crn {
        Crn::vpc(self.region().as_str(), account, "image", id.as_str())
    }
}
