//! The port's calls about Key Protect, each as one transaction.

use async_trait::async_trait;
use base::{KmsKeyId, ServiceInstanceId, Timestamp};
use model::{InstancePolicy, KmsKey, KmsRegistration, KmsRing, ServiceInstance};
use policy::{Action, Permit, Scope, SystemPermit};

use super::{
    SqlStore, kms_instance, kms_key, kms_registration, permit,
    retry::{reading, writing},
};
use crate::{Change, KeyProtectStore, KmsKeyFilter, Slice, StoreError};

#[async_trait]
impl KeyProtectStore for SqlStore {
    async fn service_instance_create(
        &self,
        permit: &Permit,
        instance: ServiceInstance,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_instance::create(tx, permit, &instance, &change))
    }

    async fn service_instances(&self, scope: &Scope) -> Result<Vec<ServiceInstance>, StoreError> {
        kms_instance::all(&mut self.engine.glance().await?, scope.account()).await
    }

    async fn service_instance(
        &self,
        scope: &Scope,
        id: &ServiceInstanceId,
    ) -> Result<ServiceInstance, StoreError> {
        kms_instance::get(&mut self.engine.glance().await?, scope.account(), id).await
    }

    async fn service_instance_save(
        &self,
        permit: &Permit,
        instance: &ServiceInstance,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_instance::save(tx, permit, instance, &change))
    }

    async fn service_instance_delete(
        &self,
        permit: &Permit,
        id: &ServiceInstanceId,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_instance::delete(tx, permit, id, &change))
    }

    async fn kms_key_create(
        &self,
        permit: &Permit,
        key: &KmsKey,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_key::create(tx, permit, key, &change))
    }

    async fn kms_key(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
        name: &str,
    ) -> Result<KmsKey, StoreError> {
        reading!(self, |tx| kms_key::get(tx, scope.account(), instance, name))
    }

    async fn kms_key_any(
        &self,
        _permit: SystemPermit,
        id: &KmsKeyId,
    ) -> Result<KmsKey, StoreError> {
        reading!(self, |tx| kms_key::any(tx, id))
    }

    async fn kms_keys(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
        filter: &KmsKeyFilter,
        page: Slice,
    ) -> Result<Vec<KmsKey>, StoreError> {
        reading!(self, |tx| kms_key::list(tx, scope.account(), instance, filter, page))
    }

    async fn kms_keys_count(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
        filter: &KmsKeyFilter,
    ) -> Result<u64, StoreError> {
        reading!(self, |tx| kms_key::count(tx, scope.account(), instance, filter))
    }

    async fn kms_key_save(
        &self,
        permit: &Permit,
        key: &KmsKey,
        change: Change,
    ) -> Result<(), StoreError> {
        kms_key::covers(permit, key)?;
        writing!(self, |tx| kms_key::save(tx, key, &change))
    }

    async fn kms_key_save_due(
        &self,
        _permit: SystemPermit,
        key: &KmsKey,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_key::save(tx, key, &change))
    }

    async fn kms_key_purge(
        &self,
        permit: &Permit,
        id: &KmsKeyId,
        change: Change,
    ) -> Result<(), StoreError> {
        permit::covers(permit, &[Action::KmsKeyPurge], id.as_str())?;
        writing!(self, |tx| kms_key::purge(tx, id, &change))
    }

    async fn kms_key_purge_due(
        &self,
        _permit: SystemPermit,
        id: &KmsKeyId,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_key::purge(tx, id, &change))
    }

    async fn kms_keys_due(
        &self,
        _permit: SystemPermit,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<KmsKey>, StoreError> {
        kms_key::due_at(&mut self.engine.glance().await?, now, limit).await
    }

    async fn kms_alias_create(
        &self,
        permit: &Permit,
        key: &KmsKey,
        alias: &str,
        at: Timestamp,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_key::alias_create(tx, permit, key, alias, at, &change))
    }

    async fn kms_alias_delete(
        &self,
        permit: &Permit,
        key: &KmsKey,
        alias: &str,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_key::alias_delete(tx, permit, key, alias, &change))
    }

    async fn kms_rings(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
    ) -> Result<Vec<KmsRing>, StoreError> {
        reading!(self, |tx| kms_instance::rings(tx, scope.account(), instance))
    }

    async fn kms_ring_create(
        &self,
        permit: &Permit,
        instance: &ServiceInstanceId,
        ring: KmsRing,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_instance::ring_create(tx, permit, instance, &ring, &change))
    }

    async fn kms_ring_delete(
        &self,
        permit: &Permit,
        instance: &ServiceInstanceId,
        ring: &str,
        force: bool,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_instance::ring_delete(tx, permit, instance, ring, force, &change))
    }

    async fn kms_instance_policies(
        &self,
        scope: &Scope,
        instance: &ServiceInstanceId,
    ) -> Result<Vec<InstancePolicy>, StoreError> {
        reading!(self, |tx| kms_instance::policies(tx, scope.account(), instance))
    }

    async fn kms_instance_policies_save(
        &self,
        permit: &Permit,
        instance: &ServiceInstanceId,
        policies: Vec<InstancePolicy>,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| kms_instance::policies_save(tx, permit, instance, &policies, &change))
    }

    async fn kms_registrations(
        &self,
        _permit: SystemPermit,
        crn: &str,
        page: Slice,
    ) -> Result<Vec<KmsRegistration>, StoreError> {
        kms_registration::list(&mut self.engine.glance().await?, crn, page).await
    }

    async fn kms_registrations_count(
        &self,
        _permit: SystemPermit,
        crn: &str,
    ) -> Result<u64, StoreError> {
        kms_registration::count(&mut self.engine.glance().await?, crn).await
    }
}
