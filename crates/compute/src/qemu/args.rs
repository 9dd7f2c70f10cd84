//! The command line of a guest's QEMU. Pure; no secret is ever in it.

use serde_json::{Value, json};

use super::{
    disk::{blockdev, device},
    launch::{CONSOLE_SOCKET, QMP_SOCKET, SEED_DISK},
    nic,
};
use crate::{
    console::CONSOLE_LOG,
    port::{Accel, GuestDisk, GuestSpec, Started},
};

/// All arguments. QEMU is to be started in the guest's directory.
pub(super) fn arguments(spec: &GuestSpec, started: &Started) -> Vec<String> {
    let mut args = Args(Vec::new());
    // The instance id has no comma, which would end the value.
    args.add("-name", format!("ectype-{}", spec.instance));
    args.flag("-nodefaults").flag("-no-user-config").flag("-S");
    args.add("-display", "none");
    args.add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    // No suspend: a guest that sleeps would be neither running nor stopped.
    args.add("-global", "PIIX4_PM.disable_s3=1").add("-global", "PIIX4_PM.disable_s4=1");
    args.machine(started);
    args.add("-boot", "menu=off,strict=on");
    args.add("-chardev", format!("socket,id=qmp,path={QMP_SOCKET},server=on,wait=off"));
    args.add("-mon", "chardev=qmp,mode=control");
    args.add(
        "-chardev",
        format!(
            "socket,id=console,path={CONSOLE_SOCKET},server=on,wait=off,logfile={CONSOLE_LOG},\
             logappend=on"
        ),
    );
    args.add("-serial", "chardev:console");
    for (n, disk) in spec.disks.iter().enumerate() {
        args.disk(n, disk);
    }
    args.seed();
    // What comes in is forwarded later, by port; nothing goes out unless it was said.
    for nic in &spec.nics {
        for (name, value) in nic::arguments(nic) {
            args.add(name, value);
        }
    }
    args.add("-object", "rng-builtin,id=rng0");
    args.add("-device", "virtio-rng-pci,rng=rng0");
    args.0
}

struct Args(Vec<String>);

impl Args {
    fn flag(&mut self, name: &str) -> &mut Self {
        self.0.push(name.to_owned());
        self
    }

    fn add(&mut self, name: &str, value: impl ToString) -> &mut Self {
        self.0.extend([name.to_owned(), value.to_string()]);
        self
    }

    fn machine(&mut self, started: &Started) {
        self.add("-machine", "pc,usb=off,vmport=off");
        match started.acceleration {
            Accel::Kvm => self.add("-accel", "kvm").add("-cpu", "host"),
            // 5-level page tables make every walk of an emulated guest longer.
            Accel::Tcg | Accel::Unproven | Accel::Absent => {
                self.add("-accel", "tcg,tb-size=256").add("-cpu", "max,la57=off")
            }
        };
        self.add("-smp", started.vcpus);
        self.add("-m", format!("{}M", started.memory.0 >> 20));
    }

    fn disk(&mut self, n: usize, disk: &GuestDisk) {
        let node = format!("disk{n}");
        self.add("-blockdev", blockdev(&node, disk));
        let mut device = device(&node, disk);
        // Without it SeaBIOS may choose any virtio disk.
        if disk.boot {
            device["bootindex"] = Value::from(1);
        }
        self.add("-device", device);
    }

    fn seed(&mut self) {
        self.add(
            "-blockdev",
            json!({"driver": "raw", "node-name": "seed", "read-only": true,
                "file": {"driver": "file", "filename": SEED_DISK, "read-only": true}}),
        );
        self.add(
            "-device",
            json!({"driver": "virtio-blk-pci", "id": "cidata", "drive": "seed",
                "serial": "cidata"}),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use base::{ByteCount, InstanceId};

    use super::*;
    use crate::port::{GuestNic, Seed};

    fn arguments_of(acceleration: Accel) -> String {
        let disk = |id: &str, boot| GuestDisk {
            id: id.into(),
            serial: format!("s{id}"),
            nbd_socket: format!("/run/a,b/{id}.sock").into(),
            boot,
        };
        let spec = GuestSpec {
            instance: InstanceId::parse("0717_x").unwrap(),
            name: "web".into(),
            vcpus: 4,
            memory: ByteCount::from_gb(8),
            disks: vec![disk("d", false), disk("b", true)],
            seed: Seed {
                instance_id: "0717_x".into(),
                hostname: "web".into(),
                user_data: Some("password=hunter2".into()),
                ssh_keys: vec!["ssh-rsa TOPKEY".into()],
            },
            nics: vec![GuestNic {
                id: "0717-n".into(),
                mac: "02:00:00:00:00:01".into(),
                address: Ipv4Addr::new(10, 240, 0, 4),
                range: (Ipv4Addr::new(10, 240, 0, 0), 24),
                way_out: false,
                forwards: Vec::new(),
            }],
        };
        let started = Started { vcpus: 2, memory: ByteCount::from_gb(2), acceleration };
        arguments(&spec, &started).join("\n")
    }

    #[test]
    fn no_secret_is_on_the_command_line() {
        let all = arguments_of(Accel::Tcg);
        assert!(!all.contains("hunter2") && !all.contains("TOPKEY"), "{all}");
    }

    #[test]
    fn only_the_boot_disk_has_a_boot_index() {
        let all = arguments_of(Accel::Tcg);
        let indexed: Vec<_> = all.lines().filter(|line| line.contains("bootindex")).collect();
        assert_eq!(indexed.len(), 1);
        assert!(indexed[0].contains("\"vol-b\"") && indexed[0].contains("\"sb\""), "{indexed:?}");
        assert!(all.contains("strict=on"));
    }

    #[test]
    fn a_disk_waits_for_its_server_and_then_stops_the_guest() {
        let all = arguments_of(Accel::Tcg);
        assert_eq!(all.matches("\"reconnect-delay\":60").count(), 2);
        assert_eq!(all.matches("\"open-timeout\":5").count(), 2);
        assert_eq!(all.matches("\"werror\":\"stop\"").count(), 2);
        assert_eq!(all.matches("\"rerror\":\"stop\"").count(), 2);
    }

    #[test]
    fn a_guest_gets_what_it_was_capped_to() {
        let all = arguments_of(Accel::Kvm);
        assert!(all.contains("-smp\n2\n-m\n2048M"), "{all}");
        assert!(all.contains("-accel\nkvm\n-cpu\nhost"), "{all}");
    }

    #[test]
    fn the_network_is_isolated() {
        assert!(arguments_of(Accel::Tcg).contains("-netdev\nuser,id=out-0717-n,restrict=on"));
    }
}
