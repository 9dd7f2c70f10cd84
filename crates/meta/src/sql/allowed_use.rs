//! `allowed_use` where an instance is made or changed: judged in the transaction that does it.

use base::{ImageId, VolumeId};
use model::{AllowedUse, AttachmentKind, Instance, InstanceFacts};

use super::{
    image,
    session::Session,
    value::binds,
    volume::{self, allowed_use},
};
use crate::{NewInstance, StoreError};

const BOOT_VOLUME: &str = "boot volume";

/// The boot volume of a new instance, if it is made with it.
pub(crate) fn boots_new(new: &NewInstance) -> bool {
    let boot = new.attachments.iter().find(|a| a.kind == AttachmentKind::Boot);
    boot.is_some_and(|boot| new.volumes.iter().any(|v| v.head.id == boot.volume))
}

/// Refuses a new instance that its image or its boot volume does not allow.
pub(crate) async fn check_new(tx: &mut Session, new: &NewInstance) -> Result<(), StoreError> {
    let instance = &new.instance;
    let facts = InstanceFacts::of(instance);
    if let (true, Some((id, _))) = (boots_new(new), &instance.image) {
        check_image(tx, instance, id).await?;
    }
    for boot in new.attachments.iter().filter(|a| a.kind == AttachmentKind::Boot) {
        let allowed = match new.volumes.iter().find(|v| v.head.id == boot.volume) {
            Some(made) => made.allowed_use.clone(),
            None => {
                let view = volume::get(tx, Some(&instance.head.account), &boot.volume).await?;
                view.volume.allowed_use
            }
        };
        check(allowed.as_ref(), &boot.volume, &facts)?;
    }
    Ok(())
}

/// Refuses an instance that the image of its new boot volume does not allow.
pub(crate) async fn check_image(
    tx: &mut Session,
    instance: &Instance,
    id: &ImageId,
) -> Result<(), StoreError> {
    let view = image::seen(tx, &instance.head.account, id).await?;
    Ok(view.image.allowed_use.check("image", id.as_str(), &InstanceFacts::of(instance))?)
}

/// Refuses an instance, as it is to become, that its boot volume does not allow.
pub(crate) async fn check_changed(tx: &mut Session, instance: &Instance) -> Result<(), StoreError> {
    let rows = tx
        .all(
            "SELECT v.id, v.allowed_use_api_version, v.allowed_use_bare_metal_server,
               v.allowed_use_instance
             FROM attachments a JOIN volumes v ON v.id = a.volume_id
             WHERE a.instance_id = $1 AND a.kind = $2",
            binds![&instance.head.id, AttachmentKind::Boot.as_str()],
        )
        .await?;
    let facts = InstanceFacts::of(instance);
    for row in rows {
        let mut row = row.of("volumes");
        let id: VolumeId = row.id()?;
        check(allowed_use(&mut row)?.as_ref(), &id, &facts)?;
    }
    Ok(())
}

fn check(
    allowed: Option<&AllowedUse>,
    volume: &VolumeId,
    facts: &InstanceFacts<'_>,
) -> Result<(), StoreError> {
    match allowed {
        Some(allowed) => Ok(allowed.check(BOOT_VOLUME, volume.as_str(), facts)?),
        None => Ok(()),
    }
}
