//! What the parts of `compute` do for their callers, without a real guest.
//! Real guests are in the `guest` test binary.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod cloud_config;
mod fake;
mod qemu;
mod qmp;

use base::{ByteCount, InstanceId};
use ectype_compute::{GuestDisk, GuestNic, GuestSpec, Seed};

/// A specification that any hypervisor takes.
pub fn spec(instance: &str) -> GuestSpec {
    GuestSpec {
        instance: InstanceId::parse(instance).unwrap(),
        name: "web".into(),
        vcpus: 2,
        memory: ByteCount::from_gb(1),
        disks: vec![GuestDisk {
            id: "boot".into(),
            serial: "boot".into(),
            nbd_socket: "/nowhere/volume.sock".into(),
            boot: true,
        }],
        seed: Seed {
            instance_id: instance.into(),
            hostname: "web".into(),
            user_data: None,
            ssh_keys: vec![],
        },
        nics: vec![GuestNic {
            id: "0717-nic".into(),
            mac: "02:00:00:00:00:01".into(),
            address: std::net::Ipv4Addr::new(10, 240, 0, 4),
            range: (std::net::Ipv4Addr::new(10, 240, 0, 0), 24),
            way_out: false,
            forwards: Vec::new(),
        }],
    }
}
