//! Statuses forced onto images and volumes by the operator of a region for tests (B9). They are
//! rows: everything that asks for the status is told the forced one, also after a restart, until
//! it is taken back.

use base::{ImageId, VolumeId};
use meta::Change;
use model::{ForceStatus, Forced, Image, Outcome};
use policy::{Action, InternalActor};

use crate::{Control, Error};

impl Control {
    /// Forces a status onto an image or a volume.
    ///
    /// # Errors
    /// What is not there, is being made, removed or captured, or has a forced status already.
    pub async fn status_force(&self, want: ForceStatus) -> Result<Forced, Error> {
        let change = self.forced_change(&want.target()).await?;
        let permit = Self::system(InternalActor::Operator);
        Ok(self.store().status_force(permit, want, self.now(), change).await?)
    }

    /// Every forced status, newest first.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn statuses_forced(&self) -> Result<Vec<Forced>, Error> {
        Ok(self.store().statuses_forced(Self::system(InternalActor::Operator)).await?)
    }

    /// Takes a forced status back: the status is what it was, and an image's what its dates say.
    ///
    /// # Errors
    /// When none is forced onto that id.
    pub async fn status_restore(&self, id: &str) -> Result<(), Error> {
        let permit = Self::system(InternalActor::Operator);
        let all = self.store().statuses_forced(permit).await?;
        let found = all.into_iter().find(|forced| forced.id == id);
        let found = found.ok_or_else(|| Error::NotFound {
            kind: "fault",
            id: id.to_owned(),
            field: None,
        })?;
        let change = self.forced_change(&(found.kind, found.id)).await?;
        Ok(self.store().status_restore(permit, id, self.now(), change).await?)
    }

    /// The event of a status that changes.
    async fn forced_change(&self, (kind, id): &(&'static str, String)) -> Result<Change, Error> {
        let permit = Self::system(InternalActor::Operator);
        let wrong = |_| Error::NotFound { kind, id: id.clone(), field: Some("id") };
        if *kind == "image" {
            let id = ImageId::parse(id).map_err(wrong)?;
            let view = self.store().image_any(permit, &id).await;
            let image: Image = view.map_err(|e| Error::from(e).named_by("id"))?.image;
            let region = self.region().as_str();
            let action = Action::ImageUpdate.as_str();
            return Ok(self.region_change(
                action,
                Outcome::Success,
                "image",
                &image.head,
                region,
                Vec::new(),
            ));
        }
        let id = VolumeId::parse(id).map_err(wrong)?;
        let view = self.store().volume_any(permit, &id).await;
        let volume = view.map_err(|e| Error::from(e).named_by("id"))?.volume;
        let action = Action::VolumeUpdate.as_str();
        let zone = volume.zone.as_str();
        Ok(self.region_change(action, Outcome::Success, "volume", &volume.head, zone, Vec::new()))
    }
}
