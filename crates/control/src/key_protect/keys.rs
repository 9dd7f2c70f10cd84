//! Keys: made, found, listed, and what they protect.

use std::cmp::Ordering;

use base::{Crn, KmsKeyId, Timestamp};
use kms::{KeyMaterial, KeyRef, KeyVersions, WrappedKey};
use meta::{KmsKeyFilter, Slice};
use model::{
    DEFAULT_RING, InstancePolicyKind, KmsKey, KmsKeyState, KmsPolicy, KmsRefusal, KmsRegistration,
    KmsSearch, KmsSort, key_protect_crn,
};
use policy::{Action, InternalActor};
use zeroize::Zeroizing;

use super::{KmsPlace, customer_key, kms, refused};
use crate::{Control, Error, RequestContext};

/// Most keys that are searched or sorted, which is done in memory.
const KEYS_SEARCHED_MAX: u32 = 5_000;

/// A key that is wanted.
pub struct KmsKeyCreate {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// A standard key; else a root key.
    pub extractable: bool,
    /// Its material, when it is brought.
    pub payload: Option<Zeroizing<Vec<u8>>>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Whether two are needed to delete it; as the instance says when none.
    pub dual_auth: Option<bool>,
    /// Whether and every how many months it rotates; as the instance says when none.
    pub rotation: Option<(bool, u32)>,
}

/// The bytes of a standard key.
pub type KmsMaterial = Zeroizing<Vec<u8>>;

/// Which keys are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKeyList {
    /// In these states.
    pub states: Vec<KmsKeyState>,
    /// Only standard keys, or only root keys.
    pub extractable: Option<bool>,
    /// Only keys that a search finds.
    pub search: Option<KmsSearch>,
    /// In this order; oldest first when empty.
    pub sort: Vec<KmsSort>,
    /// At most so many, without the first so many.
    pub page: Slice,
}

/// What a key protects, and by which of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsRegistered {
    /// What it is.
    pub registration: KmsRegistration,
    /// The number of the version.
    pub version: u32,
}

impl Control {
    /// Makes a key.
    ///
    /// # Errors
    /// A ring that is not there, a taken alias, a policy of the instance, material of a wrong
    /// length, a limit; when the caller may not.
    pub async fn kms_key_create(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        want: KmsKeyCreate,
    ) -> Result<KmsKey, Error> {
        let scope = self.scope(ctx, Action::KmsKeyCreate).await?;
        let instance = self.store().service_instance(&scope, &at.instance).await?;
        let permit = self.permit_new(ctx, Action::KmsKeyCreate, &instance.group).await?;
        let now = self.now();
        if want.expires_at.is_some_and(|date| date <= now) {
            return Err(Error::Invalid {
                field: "resources[0].expirationDate",
                code: "invalid_value",
                why: "expirationDate must be in the future.".to_owned(),
            });
        }
        let policies = self.store().kms_instance_policies(&scope, &at.instance).await?;
        let imported = want.payload.is_some();
        if policies.iter().any(|policy| !policy.lets_make(want.extractable, imported)) {
            return kms(Err(KmsRefusal::ImportAccess));
        }
        let set = |kind| policies.iter().find(|p| p.kind == kind && p.enabled);
        let dual = want.dual_auth.or_else(|| set(InstancePolicyKind::DualAuthDelete).map(|_| true));
        let months = set(InstancePolicyKind::Rotation).map(|policy| (true, policy.detail));
        let generated = !want.extractable && !imported;
        let by = ctx.caller.principal.to_string();
        let id = base::uuid_of(self.entropy());
        let key = KmsKey {
            id: KmsKeyId::parse(&id).map_err(Error::internal)?,
            account: instance.account,
            instance: instance.id,
            group: instance.group,
            ring: at.ring.clone().unwrap_or_else(|| DEFAULT_RING.to_owned()),
            name: want.name,
            description: want.description,
            extractable: want.extractable,
            imported,
            state: KmsKeyState::Active,
            state_since: now,
            version: 1,
            created_at: now,
            created_by: by.clone(),
            updated_at: now,
            rotated_at: None,
            expires_at: want.expires_at,
            deleted: None,
            dual_auth: dual.map(|value| KmsPolicy { value, by: by.clone(), at: now }),
            deletion_set: None,
            rotation: want.rotation.or(months.filter(|_| generated)).map(|value| KmsPolicy {
                value,
                by,
                at: now,
            }),
            aliases: want.aliases,
            revision: 1,
        };
        if key.rotation.is_some() {
            kms(key.check_rotation_policy())?;
        }
        self.kms_key_keep(ctx, &permit, &key, want.payload).await?;
        Ok(key)
    }

    /// The material first, then the row: a crash in between leaves a file that nothing names.
    async fn kms_key_keep(
        &self,
        ctx: &RequestContext,
        permit: &policy::Permit,
        key: &KmsKey,
        payload: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<(), Error> {
        let material = if key.extractable {
            KeyMaterial::Standard(payload)
        } else {
            KeyMaterial::Root(payload)
        };
        let kept = customer_key(key);
        self.parts.keys.customer_create(&kept, material, self.now()).await.map_err(refused)?;
        let change = self.kms_change(ctx, Action::KmsKeyCreate, key);
        if let Err(error) = self.store().kms_key_create(permit, key, change).await {
            if let Err(left) = self.parts.keys.destroy(&KeyRef::Customer(kept)).await {
                tracing::error!(error = base::error_chain(&left), "a refused key was not erased");
            }
            return Err(error.into());
        }
        Ok(())
    }

    /// A key, and its bytes when it is a standard key that may be used.
    ///
    /// # Errors
    /// When there is none, the caller may not, or store or keys are away.
    pub async fn kms_key(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
    ) -> Result<(KmsKey, Option<KmsMaterial>), Error> {
        let (key, _) = self.kms_found(ctx, at, name, Action::KmsKeyRead).await?;
        let shown = key.extractable && key.state != KmsKeyState::Destroyed;
        if !shown {
            return Ok((key, None));
        }
        let bytes = self.parts.keys.customer_material(&customer_key(&key)).await;
        Ok((key, Some(bytes.map_err(refused)?)))
    }

    /// A key without its bytes.
    ///
    /// # Errors
    /// As [`Self::kms_key`].
    pub async fn kms_key_metadata(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
    ) -> Result<KmsKey, Error> {
        Ok(self.kms_found(ctx, at, name, Action::KmsKeyMetadata).await?.0)
    }

    /// Keys of an instance.
    ///
    /// # Errors
    /// A search over too many; when there is no such instance or the caller may not.
    pub async fn kms_keys(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        want: &KmsKeyList,
    ) -> Result<Vec<KmsKey>, Error> {
        let action = Action::KmsKeyList;
        let (.., scope) = self.kms_instance_found(ctx, &at.instance, action).await?;
        let filter = self.kms_filter(at, &want.states, want.extractable);
        if want.search.is_none() && want.sort.is_empty() {
            return Ok(self.store().kms_keys(&scope, &at.instance, &filter, want.page).await?);
        }
        let whole = Slice { limit: KEYS_SEARCHED_MAX + 1, offset: 0 };
        let mut keys = self.store().kms_keys(&scope, &at.instance, &filter, whole).await?;
        if keys.len() > KEYS_SEARCHED_MAX as usize {
            let max = u64::from(KEYS_SEARCHED_MAX);
            return kms(Err(KmsRefusal::SearchTooBroad { max }));
        }
        let now = self.now();
        keys.retain(|key| want.search.as_ref().is_none_or(|search| search.fits(key)));
        keys.sort_by(|a, b| {
            let each = want.sort.iter().map(|by| by.compared(a, b, now));
            each.fold(Ordering::Equal, Ordering::then)
        });
        let page = keys.into_iter().skip(want.page.offset as usize);
        Ok(page.take(want.page.limit as usize).collect())
    }

    /// How many keys of an instance are in one of these states, and standard or root keys alone
    /// when `extractable` says so.
    ///
    /// # Errors
    /// When there is no such instance or the caller may not.
    pub async fn kms_keys_count(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        states: &[KmsKeyState],
        extractable: Option<bool>,
    ) -> Result<u64, Error> {
        let action = Action::KmsKeyList;
        let (.., scope) = self.kms_instance_found(ctx, &at.instance, action).await?;
        let filter = self.kms_filter(at, states, extractable);
        Ok(self.store().kms_keys_count(&scope, &at.instance, &filter).await?)
    }

    fn kms_filter(
        &self,
        at: &KmsPlace,
        states: &[KmsKeyState],
        extractable: Option<bool>,
    ) -> KmsKeyFilter {
        KmsKeyFilter {
            states: states.to_vec(),
            extractable,
            ring: at.ring.clone(),
            now: self.now(),
        }
    }

    /// The versions of a root key, newest first.
    ///
    /// # Errors
    /// A standard key; a deleted key, unless `deleted_too`; as [`Self::kms_key`].
    pub async fn kms_versions(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        deleted_too: bool,
    ) -> Result<(KmsKey, KeyVersions), Error> {
        let (key, _) = self.kms_found(ctx, at, name, Action::KmsKeyVersions).await?;
        kms(key.check_root())?;
        if !deleted_too {
            kms(key.check_kept())?;
        }
        let kept = KeyRef::Customer(customer_key(&key));
        let mut versions = self.parts.keys.versions(&kept).await.map_err(refused)?;
        versions.0.reverse();
        Ok((key, versions))
    }

    /// What a key protects, or all keys of the instance; and how much that is in all when it is
    /// `counted`.
    ///
    /// # Errors
    /// When there is no such key or instance, or the caller may not.
    pub async fn kms_registrations(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: Option<&str>,
        page: Slice,
        counted: bool,
    ) -> Result<(Vec<KmsRegistered>, Option<u64>), Error> {
        let action = Action::KmsRegistrationList;
        let crn = match name {
            Some(name) => self.kms_crn(&self.kms_found(ctx, at, name, action).await?.0),
            None => {
                let (instance, ..) = self.kms_instance_found(ctx, &at.instance, action).await?;
                let (account, id) = (&instance.account, &instance.id);
                key_protect_crn(self.region(), account, id, "key", "")
            }
        };
        let (system, crn) = (Self::system(InternalActor::Job), crn.to_string());
        let found = self.store().kms_registrations(system, &crn, page).await?;
        let total = match counted {
            true => Some(self.store().kms_registrations_count(system, &crn).await?),
            false => None,
        };
        let each = found.into_iter().map(|registration| {
            let wrapped = WrappedKey::from_bytes(&registration.wrapped).map_err(Error::internal)?;
            Ok(KmsRegistered { registration, version: wrapped.key_version() })
        });
        Ok((each.collect::<Result<_, Error>>()?, total))
    }

    pub(crate) fn kms_crn(&self, key: &KmsKey) -> Crn {
        key_protect_crn(self.region(), &key.account, &key.instance, "key", key.id.as_str())
    }

    /// How many resources a key protects.
    pub(super) async fn kms_protects(&self, key: &KmsKey) -> Result<u64, Error> {
        let crn = self.kms_crn(key).to_string();
        let system = Self::system(InternalActor::Job);
        Ok(self.store().kms_registrations_count(system, &crn).await?)
    }
}
