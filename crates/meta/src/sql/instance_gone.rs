//! The end of an instance: what goes with it and what stays.

use base::{InstanceId, Timestamp, VniId, VolumeId};
use jobs::Fence;
use model::{InstanceStatus, InstanceView, VolumeStatus};

use super::{
    counter::{self, Counter},
    head::changed,
    instance_view, job, outbox,
    session::Session,
    tag,
    value::binds,
    vni, volume_change,
};
use crate::{Change, InstanceEnd, StoreError};

/// What hangs on an instance, in an order that leaves no row without its parent.
const PARTS: [&str; 8] = [
    "UPDATE floating_ips SET nic_id = NULL, revision = revision + 1
     WHERE nic_id IN (SELECT id FROM nics WHERE instance_id = $1)",
    "DELETE FROM nic_security_groups WHERE nic_id IN
       (SELECT id FROM nics WHERE instance_id = $1)",
    "UPDATE reserved_ips SET target_id = NULL, revision = revision + 1
     WHERE auto_delete = 0 AND target_id IN (SELECT id FROM nics WHERE instance_id = $1)",
    "DELETE FROM nics WHERE instance_id = $1",
    "DELETE FROM attachments WHERE instance_id = $1",
    "DELETE FROM instance_keys WHERE instance_id = $1",
    "DELETE FROM instance_actions WHERE instance_id = $1",
    "DELETE FROM instances WHERE id = $1",
];

pub(crate) async fn gone(
    tx: &mut Session,
    fence: &Fence,
    id: &InstanceId,
    end: &InstanceEnd,
    now: Timestamp,
    change: &Change,
) -> Result<Vec<VolumeId>, StoreError> {
    job::fence(tx, fence).await?;
    let view = match instance_view::get(tx, None, id).await {
        Ok(view) => view,
        // The step ran before and its end was not written.
        Err(StoreError::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    if view.instance.status != InstanceStatus::Deleting {
        return Err(changed("instance", id));
    }
    let vnis = vnis_going(tx, &view, end).await?;
    // An address of a virtual network interface is the interface's own.
    let own = view.nics.iter().filter(|nic| nic.vni.is_none());
    let addresses: Vec<_> = own.map(|nic| nic.nic.primary_ip.clone()).collect();
    tag::forget(tx, id.as_str()).await?;
    for sql in PARTS {
        tx.run(sql, binds![id]).await?;
    }
    for vni in &vnis {
        vni::remove(tx, vni).await?;
    }
    for address in &addresses {
        tx.run("DELETE FROM reserved_ips WHERE id = $1 AND auto_delete = 1", binds![address])
            .await?;
    }
    let mut volumes = Vec::new();
    for attached in view.attachments {
        if attached.attachment.delete_volume_on_instance_delete {
            let volume = attached.attachment.volume;
            let job = end.volumes.iter().find(|(id, _)| id == &volume).map(|(_, job)| job);
            // The flag was changed since the caller looked: the caller looks again.
            let job = job.ok_or_else(|| changed("volume", &volume))?;
            volume_change::status_write(tx, &volume, VolumeStatus::PendingDeletion).await?;
            job::insert(tx, job, now, now).await?;
            volumes.push(volume);
        }
    }
    let head = &view.instance.head;
    counter::add_in(tx, (&head.account, &head.group), Counter::Instances, -1).await?;
    outbox::write(tx, change).await?;
    Ok(volumes)
}

/// The virtual network interfaces that go with the instance; the caller saw the same ones.
async fn vnis_going(
    tx: &mut Session,
    view: &InstanceView,
    end: &InstanceEnd,
) -> Result<Vec<VniId>, StoreError> {
    let mut going = Vec::new();
    for attached in view.nics.iter().filter_map(|nic| nic.vni.as_ref()) {
        let id = &attached.vni.id;
        let goes = vni::get(tx, None, id).await?.vni.auto_delete;
        if goes != end.vnis.contains(id) {
            return Err(changed("virtual network interface", id));
        }
        if goes {
            going.push(id.clone());
        }
    }
    Ok(going)
}
