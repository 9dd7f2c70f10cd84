//! The instances' part of the port, each call one transaction.

use async_trait::async_trait;
use base::{InstanceActionId, InstanceId, Timestamp, VolumeId};
use jobs::{Fence, NewJob};
use model::{
    ActionStatus, Instance, InstanceAction, InstancePatch, InstanceStatus, InstanceStatusReason,
    InstanceView, LifecycleState,
};
use policy::{Permit, Scope, SystemPermit};

use super::{
    SqlStore, instance, instance_action, instance_create, instance_gone, instance_view,
    reinitialize,
    retry::{reading, writing},
    sight,
};
use crate::{
    Change, InstanceEnd, InstanceFilter, InstanceStore, NewBoot, NewInstance, Page, Paged,
    StoreError,
};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl InstanceStore for SqlStore {
    async fn instance_create(
        &self,
        permit: &Permit,
        new: NewInstance,
        change: Change,
    ) -> Result<()> {
        let (now, entropy) = (self.clock.wall(), self.entropy.as_ref());
        writing!(self, |tx| instance_create::create(tx, permit, &new, now, entropy, &change))
    }

    async fn instance(&self, scope: &Scope, id: &InstanceId) -> Result<InstanceView> {
        reading!(self, |tx| async {
            sight::check(tx, scope, "instances", "instance", id).await?;
            instance_view::get(tx, Some(scope.account()), id).await
        })
    }

    async fn instances(
        &self,
        scope: &Scope,
        filter: &InstanceFilter,
        page: &Page,
    ) -> Result<Paged<InstanceView>> {
        reading!(self, |tx| instance_view::list(tx, scope, filter, page))
    }

    async fn instance_update(
        &self,
        permit: &Permit,
        id: &InstanceId,
        revision: u64,
        patch: InstancePatch,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| instance::update(tx, permit, id, revision, &patch, &change))
    }

    async fn instance_delete(
        &self,
        permit: &Permit,
        id: &InstanceId,
        job: NewJob,
        change: Change,
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| instance::delete(tx, permit, id, &job, now, &change))
    }

    async fn instance_reinitialize(
        &self,
        permit: &Permit,
        id: &InstanceId,
        new: NewBoot,
        change: Change,
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| reinitialize::run(tx, permit, id, &new, now, &change))
    }

    async fn instance_action(
        &self,
        permit: &Permit,
        action: InstanceAction,
        job: NewJob,
        change: Change,
    ) -> Result<InstanceAction> {
        let now = self.clock.wall();
        writing!(self, |tx| instance_action::take(tx, permit, &action, &job, now, &change))
    }

    async fn instance_action_get(
        &self,
        scope: &Scope,
        instance: &InstanceId,
        id: &InstanceActionId,
    ) -> Result<InstanceAction> {
        let mut session = self.engine.glance().await?;
        sight::check(&mut session, scope, "instances", "instance", instance).await?;
        instance_action::get(&mut session, scope.account(), instance, id).await
    }

    async fn action_status_set(
        &self,
        _permit: SystemPermit,
        id: &InstanceActionId,
        status: ActionStatus,
        at: Timestamp,
    ) -> Result<()> {
        writing!(self, |tx| instance_action::status_set(tx, id, status, at))
    }

    async fn instance_any(&self, _permit: SystemPermit, id: &InstanceId) -> Result<InstanceView> {
        reading!(self, |tx| instance_view::get(tx, None, id))
    }

    async fn instance_ssh_keys(
        &self,
        _permit: SystemPermit,
        id: &InstanceId,
    ) -> Result<Vec<String>> {
        instance_view::ssh_keys(&mut self.engine.glance().await?, id).await
    }

    async fn instances_of_host(&self, _permit: SystemPermit, host: &str) -> Result<Vec<Instance>> {
        reading!(self, |tx| instance_view::of_host(tx, host))
    }

    async fn instance_status_set(
        &self,
        _permit: SystemPermit,
        id: &InstanceId,
        from: &[InstanceStatus],
        to: InstanceStatus,
        reasons: Vec<InstanceStatusReason>,
        lifecycle: LifecycleState,
        change: Change,
    ) -> Result<()> {
        let to = instance::NextStatus { status: to, reasons, lifecycle };
        let now = (self.clock.wall(), self.clock.region());
        writing!(self, |tx| instance::status_set(tx, id, from, &to, now, &change))
    }

    async fn instance_gone(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        id: &InstanceId,
        end: InstanceEnd,
        change: Change,
    ) -> Result<Vec<VolumeId>> {
        let now = self.clock.wall();
        writing!(self, |tx| { instance_gone::gone(tx, fence, id, &end, now, &change) })
    }
}
