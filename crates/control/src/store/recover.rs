//! Images found again in the store by their manifests, when the database is lost or older.
//!
//! The keys of the lost region must be there: a manifest holds an image's data key wrapped for
//! the account that it belonged to. An image that goes to another account gets it wrapped for
//! that one; its bytes are not touched. Its invariants: the collection is off before the first
//! image is looked for, and numbers of operations go on above those in the store; an image whose
//! root cannot be read is never adopted.

use base::{AccountId, ByteCount, Crn, ImageId, RegionName, Timestamp};
use blocks::sealed::{RootId, RootStats};
use meta::StoreError;
use model::{
    AllowedUse, Head, Image, ImageEncryption, ImageStatus, Outcome, Refusal, ResourceName,
    SealedRef, Visibility,
};
use policy::Action;

use super::errand::UPKEEP;
use crate::{
    Control, Error, Storage, StorageError,
    image::manifest::{self, Payload},
    storage::Holder,
};

/// The version of expressions in an adopted image's `allowed_use`, which manifests do not keep.
const API_VERSION: &str = "2024-06-23";

/// What became of an image that a manifest tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundState {
    /// The database has it.
    Known,
    /// It can be adopted.
    Adoptable,
    /// Why it cannot.
    Damaged(String),
}

/// An image that a manifest tells of.
#[derive(Clone, Debug)]
pub struct FoundImage {
    /// Its id.
    pub id: String,
    /// Its name; empty when the manifest cannot be trusted.
    pub name: String,
    /// The account that it belonged to.
    pub account: String,
    /// Whether it is a stock image; none when the manifest does not say.
    pub public: Option<bool>,
    /// Its operating system.
    pub operating_system: String,
    /// Size of its disk.
    pub capacity: ByteCount,
    /// Region time of its creation.
    pub created_at: Timestamp,
    /// What became of it.
    pub state: FoundState,
    said: Option<Payload>,
    stats: Option<RootStats>,
}

/// An image that is a row again.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// Its id.
    pub id: String,
    /// Its name, which may have become another one.
    pub name: String,
    /// Its account.
    pub account: String,
}

impl Storage {
    /// The images that manifests in the store tell of, by id. Reads their roots; changes nothing.
    ///
    /// # Errors
    /// When the key of the manifests is missing, or the store cannot be read.
    pub async fn images_found(&self) -> Result<Vec<FoundImage>, StorageError> {
        let mut out = Vec::new();
        for found in manifest::all(self).await? {
            let stats = match &found.said {
                Ok(said) => self.root_stats(said).await.map_err(|error| error.chain()),
                Err(why) => Err(why.clone()),
            };
            let state = match &stats {
                Ok(_) => FoundState::Adoptable,
                Err(why) => FoundState::Damaged(why.clone()),
            };
            let said = found.said.ok();
            let text = |of: fn(&Payload) -> &String| said.as_ref().map(of).cloned();
            out.push(FoundImage {
                id: found.name,
                name: text(|p| &p.name).unwrap_or_default(),
                account: text(|p| &p.account).unwrap_or_default(),
                public: said.as_ref().and_then(|p| p.public),
                operating_system: text(|p| &p.operating_system).unwrap_or_default(),
                capacity: ByteCount(said.as_ref().map_or(0, |p| p.capacity_bytes)),
                created_at: Timestamp::from_micros(said.as_ref().map_or(0, |p| p.created_at)),
                state,
                stats: stats.ok(),
                said,
            });
        }
        Ok(out)
    }

    async fn root_stats(&self, said: &Payload) -> Result<RootStats, StorageError> {
        let root = RootId::parse(&said.root_id)
            .map_err(|_| StorageError::Record { what: "a manifest's root id is not one" })?;
        let chunks = self.chunks().clone();
        Ok(tokio::task::spawn_blocking(move || chunks.root_stats(root)).await??)
    }
}

impl Control {
    /// As [`Storage::images_found`], and which of them the database has.
    ///
    /// # Errors
    /// As there; when the database is away.
    pub async fn images_found(&self) -> Result<Vec<FoundImage>, Error> {
        let mut found = self.parts.storage.images_found().await.map_err(Error::unavailable)?;
        for image in &mut found {
            let Ok(id) = ImageId::parse(&image.id) else { continue };
            match self.store().image_any(UPKEEP, &id).await {
                Ok(_) => image.state = FoundState::Known,
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    /// Makes the database ready for what it does not know: the collection is off until the
    /// operator confirms the roots, and operations are numbered above those in the store.
    ///
    /// # Errors
    /// When store or database are away.
    pub async fn recovery_begin(&self) -> Result<(), Error> {
        self.store().gc_enable(UPKEEP, false).await?;
        self.upkeep().sequence_check().await.map_err(Error::unavailable)?;
        Ok(())
    }

    /// Writes a found image as a row: for the account that it belonged to if that is there, else
    /// for `account`; a stock image for the provider. Call [`Self::recovery_begin`] before.
    ///
    /// # Errors
    /// An image that is not adoptable; when its account is not there and none is given; when its
    /// keys do not open it.
    pub async fn image_adopt(
        &self,
        found: &FoundImage,
        account: Option<&AccountId>,
    ) -> Result<Adopted, Error> {
        let refuse = |why: String| Error::Invalid { field: "image", code: "invalid_state", why };
        let (FoundState::Adoptable, Some(said), Some(stats)) =
            (&found.state, &found.said, found.stats)
        else {
            return Err(refuse(format!("Image {} cannot be adopted.", found.id)));
        };
        let id = ImageId::parse(&said.image).map_err(|e| refuse(e.to_string()))?;
        if id.as_str() != found.id {
            return Err(refuse(format!("The manifest {} is of another image.", found.id)));
        }
        let before = AccountId::parse(&said.account).map_err(|e| refuse(e.to_string()))?;
        let (owner, group) = self.adopter(said, &before, account).await?;
        let (wrapped_data_key, sealed) =
            self.rewrapped(&id, said, &before, &owner).await.map_err(Error::unavailable)?;
        let name = ResourceName::parse(&said.name).map_err(|e| refuse(e.to_string()))?;
        let public = said.public.unwrap_or(false);
        let mut image = Image {
            head: Head {
                id,
                account: owner,
                group,
                name,
                created_at: found.created_at,
                revision: 1,
            },
            visibility: if public { Visibility::Public } else { Visibility::Private },
            status: ImageStatus::Available,
            status_reasons: Vec::new(),
            operating_system: said.operating_system.clone(),
            source_volume: None,
            encryption: ImageEncryption::None,
            deprecation_at: None,
            obsolescence_at: None,
            capacity: found.capacity,
            logical: Some(ByteCount(stats.logical_bytes)),
            stored: Some(ByteCount(stats.stored_bytes)),
            allowed_use: AllowedUse::anything(API_VERSION),
            sealed: Some(sealed.clone()),
            wrapped_data_key,
        };
        self.adopt_named(&mut image).await?;
        // The manifest follows: it would be read again if this database were lost too.
        manifest::put(self, &image, &sealed).await.map_err(Error::unavailable)?;
        Ok(Adopted {
            id: image.head.id.to_string(),
            name: image.head.name.to_string(),
            account: image.head.account.to_string(),
        })
    }

    /// Writes the row; under a name that tells its id when its own is taken.
    async fn adopt_named(&self, image: &mut Image) -> Result<(), Error> {
        match self.adopt_row(image).await {
            Err(StoreError::Refused(Refusal::NameTaken { .. })) => {
                let digits: String = image.head.id.as_str().chars().rev().take(8).collect();
                let digits: String = digits.chars().rev().filter(|c| *c != '-').collect();
                let short: String = image.head.name.as_str().chars().take(50).collect();
                let name = format!("{}-{digits}", short.trim_end_matches('-'));
                image.head.name = ResourceName::parse(&name).map_err(Error::internal)?;
                Ok(self.adopt_row(image).await?)
            }
            other => Ok(other?),
        }
    }

    async fn adopt_row(&self, image: &Image) -> Result<(), StoreError> {
        let usage = match (image.visibility, image.logical) {
            (Visibility::Private, Some(logical)) => vec![self.image_usage(image, logical)],
            _ => Vec::new(),
        };
        let change = self.region_change(
            Action::ImageCreate.as_str(),
            Outcome::Success,
            "image",
            &image.head,
            self.region().as_str(),
            usage,
        );
        self.store().image_adopt(UPKEEP, image.clone(), change).await
    }

    async fn adopter(
        &self,
        said: &Payload,
        before: &AccountId,
        given: Option<&AccountId>,
    ) -> Result<(AccountId, base::ResourceGroupId), Error> {
        if said.public == Some(true) {
            let (provider, group) = self.store().provider(UPKEEP).await?;
            return Ok((provider.id, group.id));
        }
        let owner = match self.store().account(UPKEEP, before).await {
            Ok(account) => account.id,
            Err(StoreError::NotFound { .. }) => {
                let given = given.ok_or_else(|| Error::Invalid {
                    field: "account",
                    code: "not_found",
                    why: format!("Account {before} is not in this region: name another one."),
                })?;
                self.store().account(UPKEEP, given).await?.id
            }
            Err(error) => return Err(error.into()),
        };
        let group = self.store().default_group(UPKEEP, &owner).await?;
        Ok((owner, group))
    }

    /// The image's keys for its owner: as they are, or wrapped anew for another account.
    async fn rewrapped(
        &self,
        id: &ImageId,
        said: &Payload,
        before: &AccountId,
        owner: &AccountId,
    ) -> Result<(Vec<u8>, SealedRef), StorageError> {
        let made_in = said.region.as_deref().unwrap_or(self.region().as_str());
        let made_in = RegionName::parse(made_in)
            .map_err(|_| StorageError::Record { what: "a manifest's region is not one" })?;
        let crn =
            |region: &RegionName, account| Crn::vpc(region.as_str(), account, "image", id.as_str());
        let (old, new) = (crn(&made_in, before), crn(self.region(), owner));
        let sealed = SealedRef {
            root_id: said.root_id.clone(),
            sealed_root_key: said.sealed_root_key.clone(),
        };
        let from = Holder { crn: &old, wrapped: &said.wrapped_data_key };
        let storage = &self.parts.storage;
        // Also the proof that the keys are the right ones.
        let root = storage.root_open(from, &sealed).await?;
        if old == new {
            return Ok((said.wrapped_data_key.clone(), sealed));
        }
        let wrapped = storage.data_key_mint(&new, owner).await?;
        let to = Holder { crn: &new, wrapped: &wrapped };
        let sealed = storage.root_seal(to, root.0, &root.1).await?;
        Ok((wrapped, sealed))
    }
}
