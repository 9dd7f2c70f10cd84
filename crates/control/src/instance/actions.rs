//! Start, stop, reboot, delete: what is asked, and the jobs that do it.

use base::{InstanceActionId, InstanceId, JobId};
use jobs::NewJob;
use model::{ActionKind, ActionStatus, Instance, InstanceAction, UsageChange};
use policy::{Action, Permit};

use super::{delete_job, reboot_job, start_job, stop_job};
use crate::{Control, Error, RequestContext, storage::volume_crn};

/// An action that a caller asks of an instance.
#[derive(Clone, Copy, Debug)]
pub struct ActionCreate {
    /// What.
    pub kind: ActionKind,
    /// At once, without asking the guest.
    pub force: bool,
}

impl Control {
    /// Asks an action of an instance; a job does it.
    ///
    /// # Errors
    /// A status that forbids it; when there is no such instance, or the caller may not.
    pub async fn instance_action(
        &self,
        ctx: &RequestContext,
        id: &InstanceId,
        want: ActionCreate,
    ) -> Result<InstanceAction, Error> {
        let view = self.instance(ctx, id).await?;
        let head = &view.instance.head;
        // IBM asks for both (its known deviation): an Operator cannot stop an instance.
        self.permit(ctx, Action::InstanceUpdate, head).await?;
        let permit = self.permit(ctx, Action::InstanceOperate, head).await?;
        let prefix = format!("{}-", view.instance.zone.id_number());
        let action = InstanceAction {
            id: InstanceActionId::mint(&prefix, self.entropy()),
            instance: id.clone(),
            kind: want.kind,
            force: want.force,
            status: ActionStatus::Pending,
            created_at: self.now(),
            started_at: None,
            completed_at: None,
        };
        let (kind, state) = match want.kind {
            ActionKind::Start => (start_job::KIND, start_job::State::for_action(&action)),
            ActionKind::Stop => (stop_job::KIND, stop_job::State::for_action(&action)),
            ActionKind::Reboot => (reboot_job::KIND, stop_job::State::for_action(&action)),
        };
        let job = self.instance_job(&view.instance, &permit, ctx, kind, state);
        let zone = view.instance.zone.as_str();
        let mut change = self.change(ctx, Action::InstanceUpdate, "instance", head, zone);
        for event in &mut change.events {
            event.action = format!("is.instance.instance.{}", want.kind);
        }
        let written = self.store().instance_action(&permit, action, job, change).await?;
        self.jobs_queued.notify_one();
        Ok(written)
    }

    fn instance_job(
        &self,
        instance: &Instance,
        permit: &Permit,
        ctx: &RequestContext,
        kind: &str,
        state_json: String,
    ) -> NewJob {
        self.job_of_instance(instance, kind, state_json, ctx.asked_by(permit))
    }

    /// A job about an instance.
    pub(super) fn job_of_instance(
        &self,
        instance: &Instance,
        kind: &str,
        state_json: String,
        asked_by: String,
    ) -> NewJob {
        NewJob {
            id: JobId::mint("", self.entropy()),
            kind: kind.to_owned(),
            account: Some(instance.head.account.clone()),
            subject: instance.head.id.to_string(),
            host: Some(instance.host.clone()),
            asked_by,
            state_json,
        }
    }

    /// An action of an instance.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn instance_action_get(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &InstanceActionId,
    ) -> Result<InstanceAction, Error> {
        let scope = self.scope(ctx, Action::InstanceRead).await?;
        Ok(self.store().instance_action_get(&scope, instance, id).await?)
    }

    /// Deletes an instance, its interfaces, and the volumes that go with it.
    ///
    /// # Errors
    /// A status that forbids it; when there is no such instance, or the caller may not.
    pub async fn instance_delete(
        &self,
        ctx: &RequestContext,
        id: &InstanceId,
    ) -> Result<(), Error> {
        let view = self.instance(ctx, id).await?;
        let head = &view.instance.head;
        let permit = self.permit(ctx, Action::InstanceDelete, head).await?;
        let state = "{}".to_owned();
        let job = self.instance_job(&view.instance, &permit, ctx, delete_job::KIND, state);
        let zone = view.instance.zone.as_str();
        let mut usage = vec![self.instance_usage_end(&view.instance)];
        let going: Vec<_> = view
            .attachments
            .iter()
            .filter(|a| a.attachment.delete_volume_on_instance_delete)
            .map(|a| a.volume.id.clone())
            .collect();
        for volume in &going {
            let volume = self.volume(ctx, volume).await?;
            let crn = volume_crn(&volume.volume).to_string();
            usage.push(UsageChange::End { crn, at: self.now() });
        }
        let change = self.change_with(ctx, Action::InstanceDelete, "instance", head, zone, usage);
        self.store().instance_delete(&permit, id, job, change).await?;
        self.jobs_queued.notify_one();
        Ok(())
    }
}
