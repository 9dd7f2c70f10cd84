//! Reads and changes of instances, and their consoles.

use base::{InstanceId, KeyId};
use compute::ConsolePart;
use meta::{InstanceFilter, Page, Paged};
use model::{InstancePatch, InstanceView, Reference, catalog};
use policy::Action;

use crate::{Control, Error, RequestContext};

impl Control {
    /// An instance.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn instance(
        &self,
        ctx: &RequestContext,
        id: &InstanceId,
    ) -> Result<InstanceView, Error> {
        let scope = self.scope(ctx, Action::InstanceRead).await?;
        Ok(self.store().instance(&scope, id).await?)
    }

    /// Instances.
    ///
    /// # Errors
    /// When the caller may not, or the page token is not one.
    pub async fn instances(
        &self,
        ctx: &RequestContext,
        filter: InstanceFilter,
        page: Page,
    ) -> Result<Paged<InstanceView>, Error> {
        let scope = self.scope(ctx, Action::InstanceList).await?;
        Ok(self.store().instances(&scope, &filter, &page).await?)
    }

    /// Changes an instance. `revision` is the one that an `If-Match` was compared with.
    ///
    /// # Errors
    /// A taken name, an unknown profile, a status that forbids it, a change by another since.
    pub async fn instance_update(
        &self,
        ctx: &RequestContext,
        id: &InstanceId,
        revision: Option<u64>,
        patch: InstancePatch,
    ) -> Result<InstanceView, Error> {
        let view = self.instance(ctx, id).await?;
        let head = &view.instance.head;
        let permit = self.permit(ctx, Action::InstanceUpdate, head).await?;
        if patch == InstancePatch::default() {
            return Ok(view);
        }
        if let Some(profile) = &patch.profile
            && catalog::instance_profile(profile).is_none()
        {
            return Err(Error::Invalid {
                field: "profile",
                code: "bad_field",
                why: format!("There is no instance profile {profile}."),
            });
        }
        let zone = view.instance.zone.as_str();
        let change = self.change(ctx, Action::InstanceUpdate, "instance", head, zone);
        let revision = revision.unwrap_or(head.revision);
        self.store().instance_update(&permit, id, revision, patch, change).await?;
        self.instance(ctx, id).await
    }

    /// The SSH keys that an instance was made with, as far as they still exist, each with its
    /// fingerprint.
    ///
    /// # Errors
    /// When there is no such instance, or the caller may not.
    pub async fn instance_initialization(
        &self,
        ctx: &RequestContext,
        id: &InstanceId,
    ) -> Result<Vec<(Reference<KeyId>, String)>, Error> {
        let view = self.instance(ctx, id).await?;
        let mut keys = Vec::new();
        for id in view.instance.keys {
            match self.key(ctx, &id).await {
                Ok((key, _)) => {
                    let name = key.head.name.to_string();
                    keys.push((Reference { id, name, deleted: false }, key.fingerprint));
                }
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(keys)
    }

    /// What the console of an instance wrote, from `offset` on, at most `limit` bytes.
    ///
    /// # Errors
    /// When there is no such instance, or the caller may not.
    pub async fn console_log(
        &self,
        ctx: &RequestContext,
        id: &InstanceId,
        offset: u64,
        limit: usize,
    ) -> Result<ConsolePart, Error> {
        let view = self.instance(ctx, id).await?;
        self.permit(ctx, Action::InstanceConsole, &view.instance.head).await?;
        let part = self.parts.hypervisor.console_log(id, offset, limit).await;
        part.map_err(Error::unavailable)
    }
}
