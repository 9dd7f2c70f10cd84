//! A disk of a live guest: found by its attachment, shown at its new size.
//!
//! QEMU learns the size of an NBD disk when it connects. A volume that has grown ends its
//! connections, but QEMU notices that only when it next sends something, and refuses to grow the
//! disk until then. So one read is made on the disk, which connects again; then the disk can be
//! resized and the guest is told.
//!
//! It refuses to grow a volume: that was done before. Its invariant: it never makes a disk smaller
//! and never larger than its server says; QEMU itself refuses both.

use std::time::Duration;

use base::ByteCount;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    guest::Guest,
    host::{OPEN_TIMEOUT_S, RECONNECT_DELAY_S},
};
use crate::port::{ComputeError, GuestDisk};

/// How often growing is tried while the disk's server is on its way back.
const GROW_TRIES: u32 = 50;
/// Between two of them.
const GROW_PAUSE: Duration = Duration::from_millis(200);

/// The id of a disk's device.
pub(super) fn device_id(disk: &str) -> String {
    format!("vol-{disk}")
}

/// The node that reads a disk from its server.
pub(super) fn blockdev(node: &str, disk: &GuestDisk) -> Value {
    json!({"driver": "nbd", "node-name": node, "export": "", "discard": "unmap",
        "server": {"type": "unix", "path": disk.nbd_socket},
        "reconnect-delay": RECONNECT_DELAY_S, "open-timeout": OPEN_TIMEOUT_S})
}

/// The device that the guest sees.
pub(super) fn device(node: &str, disk: &GuestDisk) -> Value {
    json!({"driver": "virtio-blk-pci", "id": device_id(&disk.id), "drive": node,
        "serial": disk.serial, "werror": "stop", "rerror": "stop"})
}

/// The node behind a disk, and its size in bytes, out of `query-block`.
pub(super) fn node_of(blocks: &Value, disk: &str) -> Option<(String, u64)> {
    let id = device_id(disk);
    let entry = blocks.as_array()?.iter().find(|entry| {
        // Such as `/machine/peripheral/vol-ID/virtio-backend`.
        entry["qdev"].as_str().is_some_and(|path| path.split('/').any(|part| part == id))
    })?;
    let inserted = &entry["inserted"];
    let size = inserted["image"]["virtual-size"].as_u64()?;
    Some((inserted["node-name"].as_str()?.to_owned(), size))
}

impl Guest {
    /// Shows the guest the new size of a disk.
    pub(super) async fn disk_grow(
        &self,
        disk: &str,
        capacity: ByteCount,
    ) -> Result<(), ComputeError> {
        let mut said = String::new();
        for attempt in 0..GROW_TRIES {
            if attempt > 0 {
                sleep(GROW_PAUSE).await;
            }
            let blocks = self.ask("query-block").await?;
            let (node, size) = node_of(&blocks, disk).ok_or_else(|| ComputeError::NoSuchDisk {
                instance: self.instance.clone(),
                disk: disk.to_owned(),
            })?;
            if size >= capacity.0 {
                return Ok(());
            }
            // What it reads is of no interest, nor whether it could.
            let read = json!({"command-line": format!("qemu-io {node} \"read 0 512\"")});
            let _ = self.try_with("human-monitor-command", read).await?;
            let resize = json!({"node-name": node, "size": capacity.0});
            match self.try_with("block_resize", resize).await? {
                Ok(_) => {
                    tracing::info!(instance = %self.instance, disk, %capacity, "disk grown");
                    return Ok(());
                }
                Err(refusal) => said = refusal,
            }
        }
        let (instance, disk) = (self.instance.clone(), disk.to_owned());
        Err(ComputeError::DiskNotGrown { instance, disk, said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_found_by_its_whole_id() {
        let entry = |id: &str, node: &str| {
            json!({"device": "", "qdev": format!("/machine/peripheral/{id}/virtio-backend"),
                "inserted": {"node-name": node, "image": {"virtual-size": 7}}})
        };
        let blocks = json!([entry("cidata", "seed"), entry("vol-ab", "disk1"),
            entry("vol-a", "disk0"), {"device": "floppy0"}]);
        assert_eq!(node_of(&blocks, "a"), Some(("disk0".to_owned(), 7)));
        assert_eq!(node_of(&blocks, "ab"), Some(("disk1".to_owned(), 7)));
        assert_eq!(node_of(&blocks, "b"), None);
        assert_eq!(node_of(&Value::Null, "a"), None);
    }
}
