//! Which specifications can be a guest. Pure; the same for every hypervisor.
//!
//! Next to read: `seed.rs`, which relies on what is checked here.

use crate::port::{
    ComputeError, DISKS_MAX, GuestDisk, GuestNic, GuestSpec, NICS_MAX, SEED_HOSTNAME_MAX,
    SEED_KEYS_MAX, Seed, USER_DATA_MAX,
};

/// Longest path of a unix socket (`sun_path` less its final zero).
pub(crate) const SOCKET_PATH_MAX: usize = 107;
/// Longest SSH public key line in a seed; RSA of 16384 bits fits.
pub(crate) const SSH_KEY_MAX: usize = 4096;
/// Longest id of a disk or an interface, and serial of a disk.
const DISK_NAME_MAX: usize = 64;
/// Prefix lengths of a subnet.
const RANGE_BITS_MIN: u8 = 8;
const RANGE_BITS_MAX: u8 = 29;

/// Refuses what no hypervisor could run.
pub(crate) fn spec(spec: &GuestSpec) -> Result<(), ComputeError> {
    let wrong = |what| Err(ComputeError::Spec { what });
    if spec.vcpus == 0 || spec.memory.0 < 1 << 20 {
        return wrong("a guest needs a CPU and a mebibyte of memory");
    }
    if spec.disks.len() > DISKS_MAX {
        return wrong("too many disks");
    }
    if spec.disks.iter().filter(|disk| disk.boot).count() != 1 {
        return wrong("exactly one disk is to boot from");
    }
    nics(&spec.nics)?;
    for disk in &spec.disks {
        self::disk(disk)?;
    }
    let mut ids: Vec<&str> = spec.disks.iter().map(|disk| disk.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != spec.disks.len() {
        return wrong("two disks have the same id");
    }
    seed(&spec.seed)
}

/// Refuses interfaces that no hypervisor could make.
pub(crate) fn nics(nics: &[GuestNic]) -> Result<(), ComputeError> {
    let wrong = |what| Err(ComputeError::Spec { what });
    if nics.is_empty() || nics.len() > NICS_MAX {
        return wrong("no network interface, or too many");
    }
    for nic in nics {
        if !is_name(&nic.id) {
            return wrong("an interface's id is empty, too long, or has odd characters");
        }
        if !is_mac(&nic.mac) {
            return wrong("the hardware address is not six pairs of hexadecimal digits");
        }
        if !has_room(nic) {
            return wrong("an interface's address is none that its subnet gives to guests");
        }
    }
    let mut ids: Vec<&str> = nics.iter().map(|nic| nic.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != nics.len() {
        return wrong("two interfaces have the same id");
    }
    Ok(())
}

/// The range is one, and the address is in it, beyond those of gateway and name server.
fn has_room(nic: &GuestNic) -> bool {
    let (first, length) = nic.range;
    let hosts = match length {
        RANGE_BITS_MIN..=RANGE_BITS_MAX => u32::MAX >> length,
        _ => return false,
    };
    let offset = nic.address.to_bits().checked_sub(first.to_bits());
    first.to_bits() & hosts == 0 && offset.is_some_and(|at| (3..hosts).contains(&at))
}

/// Refuses what no hypervisor could open as a disk.
pub(crate) fn disk(disk: &GuestDisk) -> Result<(), ComputeError> {
    let wrong = |what| Err(ComputeError::Spec { what });
    if !is_name(&disk.id) || !is_name(&disk.serial) {
        return wrong("a disk's id or serial is empty, too long, or has odd characters");
    }
    if !disk.nbd_socket.is_absolute() {
        return wrong("a disk's socket is not an absolute path");
    }
    if disk.nbd_socket.as_os_str().len() > SOCKET_PATH_MAX {
        return wrong("a disk's socket has a longer path than the system takes (107 bytes)");
    }
    if disk.nbd_socket.to_str().is_none() {
        return wrong("a disk's socket has a path that is not text");
    }
    Ok(())
}

/// Refuses a disk that is added to a guest which runs.
pub(crate) fn added(disk: &GuestDisk) -> Result<(), ComputeError> {
    self::disk(disk)?;
    if disk.boot {
        return Err(ComputeError::Spec { what: "a running guest has its boot disk" });
    }
    Ok(())
}

/// Refuses what no seed disk could hold.
pub(crate) fn seed(seed: &Seed) -> Result<(), ComputeError> {
    let wrong = |what| Err(ComputeError::Spec { what });
    if !is_name(&seed.instance_id) {
        return wrong("the seed's instance id is empty, too long, or has odd characters");
    }
    if seed.hostname.len() > SEED_HOSTNAME_MAX || !is_hostname(&seed.hostname) {
        return wrong("the seed's host name is not a DNS label");
    }
    if seed.user_data.as_ref().is_some_and(|text| text.len() > USER_DATA_MAX) {
        return wrong("the user data is longer than 64 KiB");
    }
    if seed.ssh_keys.len() > SEED_KEYS_MAX {
        return wrong("too many SSH keys");
    }
    if seed.ssh_keys.iter().any(|key| key.len() > SSH_KEY_MAX || key_fields(key).is_none()) {
        return wrong("an SSH key is not a line of type and base64");
    }
    Ok(())
}

/// Type and base64 of an SSH public key, without its comment.
pub(crate) fn key_fields(line: &str) -> Option<(&str, &str)> {
    let mut fields = line.split_ascii_whitespace();
    let (kind, body) = (fields.next()?, fields.next()?);
    let kind_ok = kind.bytes().all(|b| b.is_ascii_alphanumeric() || b"-@.".contains(&b));
    let body_ok = body.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    (kind_ok && body_ok && !line.trim_end().contains(['\n', '\r'])).then_some((kind, body))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= DISK_NAME_MAX
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_hostname(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_mac(text: &str) -> bool {
    let pairs: Vec<&str> = text.split(':').collect();
    pairs.len() == 6
        && pairs.iter().all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, path::PathBuf};

    use base::{ByteCount, InstanceId};

    use super::*;

    fn disk(id: &str, boot: bool) -> GuestDisk {
        GuestDisk { id: id.into(), serial: id.into(), nbd_socket: "/run/v.sock".into(), boot }
    }

    fn good() -> GuestSpec {
        GuestSpec {
            instance: InstanceId::parse("0717_a").unwrap(),
            name: "a".into(),
            vcpus: 2,
            memory: ByteCount::from_gb(1),
            disks: vec![disk("a1", true)],
            seed: Seed {
                instance_id: "0717_a".into(),
                hostname: "a".into(),
                user_data: None,
                ssh_keys: vec!["ssh-ed25519 AAAA me@here".into()],
            },
            nics: vec![nic("n1")],
        }
    }

    fn nic(id: &str) -> GuestNic {
        GuestNic {
            id: id.into(),
            mac: "02:00:00:00:00:0a".into(),
            address: Ipv4Addr::new(10, 0, 0, 4),
            range: (Ipv4Addr::new(10, 0, 0, 0), 29),
            way_out: false,
            forwards: Vec::new(),
        }
    }

    #[test]
    fn a_socket_path_at_the_limit() {
        let mut at = good();
        at.disks[0].nbd_socket = PathBuf::from(format!("/{}", "a".repeat(SOCKET_PATH_MAX - 1)));
        assert!(spec(&at).is_ok());
        at.disks[0].nbd_socket = PathBuf::from(format!("/{}", "a".repeat(SOCKET_PATH_MAX)));
        assert!(spec(&at).is_err());
    }

    #[test]
    fn disks_at_the_limit() {
        let mut at = good();
        at.disks = (0..DISKS_MAX).map(|n| disk(&format!("a{n}"), n == 0)).collect();
        assert!(spec(&at).is_ok());
        at.disks.push(disk("more", false));
        assert!(spec(&at).is_err());
    }

    #[test]
    fn exactly_one_disk_boots_and_no_two_share_an_id() {
        for disks in [
            vec![],
            vec![disk("a", false)],
            vec![disk("a", true), disk("b", true)],
            vec![disk("a", true), disk("a", false)],
        ] {
            assert!(spec(&GuestSpec { disks, ..good() }).is_err());
        }
    }

    #[test]
    fn user_data_at_the_limit() {
        let with = |n: usize| Seed { user_data: Some("a".repeat(n)), ..good().seed };
        assert!(seed(&with(USER_DATA_MAX)).is_ok());
        assert!(seed(&with(USER_DATA_MAX + 1)).is_err());
    }

    #[test]
    fn host_names_at_the_limit() {
        let with = |hostname: String| Seed { hostname, ..good().seed };
        assert!(seed(&with("a".repeat(SEED_HOSTNAME_MAX))).is_ok());
        for bad in ["a".repeat(SEED_HOSTNAME_MAX + 1), String::new(), "a b".into(), "-a".into()] {
            assert!(seed(&with(bad)).is_err());
        }
    }

    #[test]
    fn ssh_keys_at_the_limits() {
        let with = |ssh_keys: Vec<String>| Seed { ssh_keys, ..good().seed };
        let long = |n: usize| format!("ssh-rsa {}", "A".repeat(n - 8));
        assert!(seed(&with(vec!["ssh-ed25519 AAAA".into(); SEED_KEYS_MAX])).is_ok());
        assert!(seed(&with(vec!["ssh-ed25519 AAAA".into(); SEED_KEYS_MAX + 1])).is_err());
        assert!(seed(&with(vec![long(SSH_KEY_MAX)])).is_ok());
        assert!(seed(&with(vec![long(SSH_KEY_MAX + 1)])).is_err());
    }

    #[test]
    fn what_is_no_ssh_key_is_refused() {
        for key in ["", "ssh-rsa", "ssh-rsa A\nssh-rsa B", "ssh-rsa \"A\"", "a'b AAAA"] {
            assert!(key_fields(key).is_none(), "{key:?}");
        }
        assert_eq!(key_fields("ssh-rsa AA== a \"b\""), Some(("ssh-rsa", "AA==")));
    }

    #[test]
    fn what_is_no_hardware_address_is_refused() {
        for mac in ["", "02:00:00:00:00", "02:00:00:00:00:0g", "02:00:00:00:00:00,x=y"] {
            assert!(nics(&[GuestNic { mac: mac.into(), ..nic("a") }]).is_err(), "{mac}");
        }
    }

    #[test]
    fn interfaces_at_the_limit() {
        let many = |n: usize| (0..n).map(|n| nic(&format!("n{n}"))).collect::<Vec<_>>();
        assert!(nics(&many(0)).is_err());
        assert!(nics(&many(NICS_MAX)).is_ok());
        assert!(nics(&many(NICS_MAX + 1)).is_err());
        assert!(nics(&[nic("a"), nic("a")]).is_err());
    }

    #[test]
    fn an_address_is_one_of_its_subnet() {
        let at = |last, length| {
            let (address, range) =
                (Ipv4Addr::new(10, 0, 0, last), (Ipv4Addr::new(10, 0, 0, 0), length));
            nics(&[GuestNic { address, range, ..nic("a") }]).is_ok()
        };
        assert!(at(3, 29) && at(6, 29));
        assert!(!at(2, 29) && !at(7, 29) && !at(8, 29));
        assert!(at(4, RANGE_BITS_MIN) && !at(4, RANGE_BITS_MIN - 1) && !at(4, RANGE_BITS_MAX + 1));
        let odd = GuestNic { range: (Ipv4Addr::new(10, 0, 0, 1), 24), ..nic("a") };
        assert!(nics(&[odd]).is_err());
    }
}
