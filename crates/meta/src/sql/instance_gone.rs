//! The end of an instance: what goes with it and what stays.

use base::{InstanceId, Timestamp, VolumeId};
use jobs::{Fence, NewJob};
use model::{InstanceStatus, VolumeStatus};

use super::{
    counter::{self, Counter},
    head::changed,
    instance_view, job, outbox,
    session::Session,
    tag,
    value::binds,
    volume_change,
};
use crate::{Change, StoreError};

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
    volume_jobs: &[(VolumeId, NewJob)],
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
    let addresses: Vec<_> = view.nics.iter().map(|nic| nic.nic.primary_ip.clone()).collect();
    tag::forget(tx, id.as_str()).await?;
    for sql in PARTS {
        tx.run(sql, binds![id]).await?;
    }
    for address in &addresses {
        tx.run("DELETE FROM reserved_ips WHERE id = $1 AND auto_delete = 1", binds![address])
            .await?;
    }
    let mut volumes = Vec::new();
    for attached in view.attachments {
        if attached.attachment.delete_volume_on_instance_delete {
            let volume = attached.attachment.volume;
            let job = volume_jobs.iter().find(|(id, _)| id == &volume).map(|(_, job)| job);
            // The flag was changed since the caller looked: the caller looks again.
            let job = job.ok_or_else(|| changed("volume", &volume))?;
            volume_change::status_write(tx, &volume, VolumeStatus::PendingDeletion).await?;
            job::insert(tx, job, now, now).await?;
            volumes.push(volume);
        }
    }
    counter::add(tx, &view.instance.head.account, Counter::Instances, -1).await?;
    outbox::write(tx, change).await?;
    Ok(volumes)
}
