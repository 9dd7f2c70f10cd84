//! Network interfaces of an instance.

use base::{InstanceId, NicId};
use model::{NicView, ResourceName};
use policy::Action;

use crate::{Control, Error, RequestContext};

impl Control {
    /// Interfaces of an instance, the primary one first.
    ///
    /// # Errors
    /// When there is no such instance, or the caller may not.
    pub async fn nics(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
    ) -> Result<Vec<NicView>, Error> {
        Ok(self.instance(ctx, instance).await?.nics)
    }

    /// An interface of an instance.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn nic(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &NicId,
    ) -> Result<NicView, Error> {
        let found = self.nics(ctx, instance).await?.into_iter().find(|n| &n.nic.head.id == id);
        found.ok_or_else(|| Error::NotFound {
            kind: "network interface",
            id: id.to_string(),
            field: None,
        })
    }

    /// Renames an interface.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn nic_rename(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &NicId,
        name: Option<ResourceName>,
    ) -> Result<NicView, Error> {
        let view = self.instance(ctx, instance).await?;
        let nic = self.nic(ctx, instance, id).await?;
        let head = &view.instance.head;
        let permit = self.permit(ctx, Action::InstanceUpdate, head).await?;
        let Some(name) = name else { return Ok(nic) };
        let zone = view.instance.zone.as_str();
        let change = self.change(ctx, Action::InstanceUpdate, "instance", head, zone);
        self.store().nic_rename(&permit, instance, id, name, change).await?;
        self.nic(ctx, instance, id).await
    }
}
