//! Disks that come to, and leave, a live guest.
//!
//! QEMU has a node for each disk, which speaks with the disk's server, and a device on it, which
//! the guest sees. Adding makes both; removing asks the guest to let the device go, waits until it
//! did, and removes the node, so that nothing holds the server's socket any more.
//!
//! It keeps no record: what QEMU says that it has is what counts, so a repeat after a crash ends
//! what was begun.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{
    disk::{blockdev, device, device_id, node_of},
    guest::Guest,
};
use crate::port::{ComputeError, GuestDisk};

/// How often it is looked whether a guest let go of a disk.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Looks before the caller is told to come back: ten seconds.
const LOOKS_MAX: u32 = 100;
/// Looks between two requests: one is lost while the guest's system is not up.
const LOOKS_PER_REQUEST: u32 = 30;
/// Longest part of a disk's id in the name of its node; QEMU takes 31 characters.
const NODE_TAIL: usize = 24;

/// The node of a disk that was added to a live guest.
fn node(disk: &str) -> String {
    let from = disk.len().saturating_sub(NODE_TAIL);
    format!("hot-{}", disk.get(from..).unwrap_or(disk))
}

impl Guest {
    /// Gives the guest a disk, unless it has it.
    pub(super) async fn disk_add(&self, disk: &GuestDisk) -> Result<(), ComputeError> {
        let blocks = self.ask("query-block").await?;
        if node_of(&blocks, &disk.id).is_some() {
            return Ok(());
        }
        let not_added = |said| ComputeError::DiskNotAdded {
            instance: self.instance.clone(),
            disk: disk.id.clone(),
            said,
        };
        let node = node(&disk.id);
        // What a try that was cut off left may speak with a server that is gone.
        let _ = self.try_with("blockdev-del", json!({"node-name": node})).await?;
        self.try_with("blockdev-add", blockdev(&node, disk)).await?.map_err(not_added)?;
        match self.try_with("device_add", device(&node, disk)).await? {
            Ok(_) => {
                tracing::info!(instance = %self.instance, disk = disk.id, "disk added");
                Ok(())
            }
            Err(said) => {
                let _ = self.try_with("blockdev-del", json!({"node-name": node})).await?;
                Err(not_added(said))
            }
        }
    }

    /// Takes a disk from the guest, if it has it.
    pub(super) async fn disk_remove(&self, disk: &str) -> Result<(), ComputeError> {
        let mut behind = node(disk);
        for look in 0..LOOKS_MAX {
            let blocks = self.ask("query-block").await?;
            let Some((node, _)) = node_of(&blocks, disk) else {
                // Refused when the node is gone already.
                let _ = self.try_with("blockdev-del", json!({"node-name": behind})).await?;
                tracing::info!(instance = %self.instance, disk, "disk removed");
                return Ok(());
            };
            behind = node;
            if look % LOOKS_PER_REQUEST == 0 {
                // Refused while an earlier request is on its way.
                let _ = self.try_with("device_del", json!({"id": device_id(disk)})).await?;
            }
            sleep(LOOK_EVERY).await;
        }
        let (instance, disk) = (self.instance.clone(), disk.to_owned());
        Err(ComputeError::DiskHeld { instance, disk })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_name_is_short_and_its_own() {
        let a = "0717-6d353a0f-aeb1-4ae1-832e-1110d10981bb";
        let b = "0717-6d353a0f-aeb1-4ae1-832e-1110d10981bc";
        assert_eq!(node(a), "hot-1-4ae1-832e-1110d10981bb");
        assert!(node(a).len() <= 31 && node(a) != node(b));
        assert_eq!(node("a"), "hot-a");
    }
}
