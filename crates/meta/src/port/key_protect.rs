//! Key Protect: instances, keys, aliases, rings, policies, and what keys protect.
//!
//! A key is saved whole; its revision must be the next one of what is there. Registrations are no
//! rows of their own: they are the images and volumes that name a key.

use async_trait::async_trait;
use base::{KmsKeyId, ServiceInstanceId, Timestamp};
use model::{InstancePolicy, KmsKey, KmsKeyState, KmsRegistration, KmsRing, ServiceInstance};
use policy::{Permit, Scope, SystemPermit};

use crate::{Change, Slice, StoreError};

/// Which keys of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKeyFilter {
    /// In one of these states at `now`.
    pub states: Vec<KmsKeyState>,
    /// Only standard keys, or only root keys.
    pub extractable: Option<bool>,
    /// Only keys of this ring.
    pub ring: Option<String>,
    /// Region time, by which keys are expired.
    pub now: Timestamp,
}

/// Key Protect.
#[async_trait]
pub trait KeyProtectStore: Send + Sync {
    /// Adds an instance. Refuses more than the limit.
    async fn service_instance_create(
        &self,
        permit: &Permit,
        instance: ServiceInstance,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Instances of the account, oldest first; all of them, for they are few.
    async fn service_instances(&self, scope: &Scope) -> Result<Vec<ServiceInstance>, StoreError>;
    /// An instance of the account.
    async fn service_instance(
        &self,
        scope: &Scope,
        id: &ServiceInstanceId,
    ) -> Result<ServiceInstance, StoreError>;
    /// Writes name and time of an instance.
    async fn service_instance_save(
        &self,
        permit: &Permit,
        instance: &ServiceInstance,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes an instance and what is left in it; refuses one with keys that are not deleted.
    async fn service_instance_delete(
        &self,
        permit: &Permit,
        id: &ServiceInstanceId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Adds a key with its aliases. Refuses a taken alias, a ring that is not there, and more
    /// than the limit.
    async fn kms_key_create(
        &self,
        permit: &Permit,
        key: &KmsKey,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A key of an instance of the account, by id or alias.
    async fn kms_key(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
        name: &str,
    ) -> Result<KmsKey, StoreError>;
    /// A key of any account, by id.
    async fn kms_key_any(&self, permit: SystemPermit, id: &KmsKeyId) -> Result<KmsKey, StoreError>;
    /// Keys of an instance, oldest first.
    async fn kms_keys(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
        filter: &KmsKeyFilter,
        page: Slice,
    ) -> Result<Vec<KmsKey>, StoreError>;
    /// How many keys of an instance fit.
    async fn kms_keys_count(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
        filter: &KmsKeyFilter,
    ) -> Result<u64, StoreError>;
    /// Writes everything of a key but what it is made of and its aliases. Refuses a ring that is
    /// not there.
    async fn kms_key_save(
        &self,
        permit: &Permit,
        key: &KmsKey,
        change: Change,
    ) -> Result<(), StoreError>;
    /// As [`Self::kms_key_save`], by the region itself.
    async fn kms_key_save_due(
        &self,
        permit: SystemPermit,
        key: &KmsKey,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes the row of a deleted key with its aliases.
    async fn kms_key_purge(
        &self,
        permit: &Permit,
        id: &KmsKeyId,
        change: Change,
    ) -> Result<(), StoreError>;
    /// As [`Self::kms_key_purge`], by the region itself.
    async fn kms_key_purge_due(
        &self,
        permit: SystemPermit,
        id: &KmsKeyId,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Keys that rotate or purge themselves at `now`; at most `limit`.
    async fn kms_keys_due(
        &self,
        permit: SystemPermit,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<KmsKey>, StoreError>;

    /// Gives a key an alias. Refuses a taken one and more than the limit.
    async fn kms_alias_create(
        &self,
        permit: &Permit,
        key: &KmsKey,
        alias: &str,
        at: Timestamp,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Takes an alias from a key.
    async fn kms_alias_delete(
        &self,
        permit: &Permit,
        key: &KmsKey,
        alias: &str,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Rings of an instance that were made, by name; `default` is always there besides.
    async fn kms_rings(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
    ) -> Result<Vec<KmsRing>, StoreError>;
    /// Adds a ring. Refuses a taken name and more than the limit.
    async fn kms_ring_create(
        &self,
        permit: &Permit,
        instance: &ServiceInstanceId,
        ring: KmsRing,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a ring. Refuses one with keys; with `force`, deleted keys go to the default ring.
    async fn kms_ring_delete(
        &self,
        permit: &Permit,
        instance: &ServiceInstanceId,
        ring: &str,
        force: bool,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Policies of an instance.
    async fn kms_instance_policies(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
    ) -> Result<Vec<InstancePolicy>, StoreError>;
    /// Writes policies of an instance, over those of the same kind.
    async fn kms_instance_policies_save(
        &self,
        permit: &Permit,
        instance: &ServiceInstanceId,
        policies: Vec<InstancePolicy>,
        change: Change,
    ) -> Result<(), StoreError>;

    /// What a key protects, or every key of an instance: by CRN of the key, then by id. `crn`
    /// begins every CRN that is looked for.
    async fn kms_registrations(
        &self,
        permit: SystemPermit,
        crn: &str,
        page: Slice,
    ) -> Result<Vec<KmsRegistration>, StoreError>;
    /// How many there are of [`Self::kms_registrations`].
    async fn kms_registrations_count(
        &self,
        permit: SystemPermit,
        crn: &str,
    ) -> Result<u64, StoreError>;
}
