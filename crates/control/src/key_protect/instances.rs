//! Instances of Key Protect, as the resource controller serves them.

use base::{ResourceGroupId, ServiceInstanceId};
use kms::KeyRef;
use meta::{KmsKeyFilter, Slice};
use model::{KmsKeyState, ServiceInstance};
use policy::Action;

use super::customer_key;
use crate::{Control, Error, RequestContext};

/// The type of an instance in events.
const TYPE: &str = "resource-controller/instance";
/// Keys looked at in one go.
const BATCH: u32 = 500;

/// An instance that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceInstanceCreate {
    /// Its name.
    pub name: String,
    /// Its resource group.
    pub group: ResourceGroupId,
}

impl Control {
    /// Makes an instance of Key Protect.
    ///
    /// # Errors
    /// A group that is not there, the limit; when the caller may not.
    pub async fn service_instance_create(
        &self,
        ctx: &RequestContext,
        want: ServiceInstanceCreate,
    ) -> Result<ServiceInstance, Error> {
        let found = self.group_or_default(ctx, Some(&want.group)).await;
        let group = found.map_err(|error| error.named_by("resource_group"))?;
        let permit = self.permit_new(ctx, Action::ResourceInstanceCreate, &group).await?;
        let (now, by) = (self.now(), ctx.caller.principal.to_string());
        let id = base::uuid_of(self.entropy());
        let instance = ServiceInstance {
            id: ServiceInstanceId::parse(&id).map_err(Error::internal)?,
            account: ctx.caller.account.clone(),
            group,
            name: want.name,
            created_by: by,
            created_at: now,
            updated_at: now,
            revision: 1,
        };
        let action = Action::ResourceInstanceCreate;
        let change = self.kms_instance_change(ctx, action, &instance, TYPE);
        self.store().service_instance_create(&permit, instance.clone(), change).await?;
        Ok(instance)
    }

    /// Instances of the caller's account, oldest first.
    ///
    /// # Errors
    /// When the caller may not, or the store is away.
    pub async fn service_instances(
        &self,
        ctx: &RequestContext,
    ) -> Result<Vec<ServiceInstance>, Error> {
        let scope = self.scope(ctx, Action::ResourceInstanceRead).await?;
        let mut all = self.store().service_instances(&scope).await?;
        let seen = |one: &ServiceInstance| {
            scope.sight().sees(Some(one.group.as_str()), one.id.as_str(), &[])
        };
        all.retain(seen);
        Ok(all)
    }

    /// An instance.
    ///
    /// # Errors
    /// When there is none, the caller may not, or the store is away.
    pub async fn service_instance(
        &self,
        ctx: &RequestContext,
        id: &ServiceInstanceId,
    ) -> Result<ServiceInstance, Error> {
        Ok(self.kms_instance_found(ctx, id, Action::ResourceInstanceRead).await?.0)
    }

    /// Renames an instance; without a name nothing changes.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn service_instance_rename(
        &self,
        ctx: &RequestContext,
        id: &ServiceInstanceId,
        name: Option<String>,
    ) -> Result<ServiceInstance, Error> {
        let action = Action::ResourceInstanceUpdate;
        let (mut instance, permit, _) = self.kms_instance_found(ctx, id, action).await?;
        let Some(name) = name else { return Ok(instance) };
        instance.name = name;
        instance.updated_at = self.now();
        instance.revision += 1;
        let change = self.kms_instance_change(ctx, action, &instance, TYPE);
        self.store().service_instance_save(&permit, &instance, change).await?;
        Ok(instance)
    }

    /// Deletes an instance. The material of its deleted keys is destroyed first.
    ///
    /// # Errors
    /// An instance with keys that are not deleted; when there is none, or the caller may not.
    pub async fn service_instance_delete(
        &self,
        ctx: &RequestContext,
        id: &ServiceInstanceId,
    ) -> Result<(), Error> {
        let action = Action::ResourceInstanceDelete;
        let (instance, permit, scope) = self.kms_instance_found(ctx, id, action).await?;
        let living = [KmsKeyState::Active, KmsKeyState::Suspended, KmsKeyState::Deactivated];
        let mut filter = KmsKeyFilter {
            states: living.to_vec(),
            extractable: None,
            ring: None,
            now: self.now(),
        };
        let count = self.store().kms_keys_count(&scope, id, &filter).await?;
        if count > 0 {
            return super::kms(Err(model::KmsRefusal::InstanceNotEmpty { count }));
        }
        filter.states = vec![KmsKeyState::Destroyed];
        for offset in (0..).step_by(BATCH as usize) {
            let page = Slice { limit: BATCH, offset };
            let keys = self.store().kms_keys(&scope, id, &filter, page).await?;
            for key in &keys {
                let key = KeyRef::Customer(customer_key(key));
                self.parts.keys.destroy(&key).await.map_err(super::refused)?;
            }
            if keys.len() < BATCH as usize {
                break;
            }
        }
        let change = self.kms_instance_change(ctx, action, &instance, TYPE);
        Ok(self.store().service_instance_delete(&permit, id, change).await?)
    }
}
