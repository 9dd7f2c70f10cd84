//! QEMU where it is missing, and starts that fail.

use std::ffi::OsStr;

use base::{ByteCount, InstanceId};
use ectype_compute::{ComputeError, GuestState, Hypervisor, Qemu, QemuConfig, qemu};

use crate::spec;

fn config(root: &std::path::Path) -> QemuConfig {
    QemuConfig { root: root.join("guests"), vcpus_max: None, memory_max: None }
}

#[tokio::test]
async fn without_qemu_the_error_names_the_package() {
    let root = tempfile::tempdir().unwrap();
    let error = Qemu::with_path(config(root.path()), OsStr::new("/nowhere")).err().unwrap();
    assert!(matches!(error, ComputeError::ToolMissing { package: "qemu-system-x86", .. }));
    assert!(!root.path().join("guests").exists(), "nothing is made");
}

/// A hypervisor whose QEMU is a script.
fn scripted(root: &std::path::Path, script: &str) -> Qemu {
    use std::os::unix::fs::PermissionsExt;
    let bin = root.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let program = bin.join("qemu-system-x86_64");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    Qemu::with_path(config(root), OsStr::new(&path)).unwrap()
}

#[tokio::test]
async fn a_process_that_ends_at_once_is_a_failed_start_with_its_last_words() {
    let root = tempfile::tempdir().unwrap();
    let qemu = scripted(root.path(), "echo 'no such disk' >&2; exit 1");
    let error = qemu.start(spec("0717_a")).await.unwrap_err();
    assert!(error.to_string().contains("no such disk"), "{error}");
    let id = InstanceId::parse("0717_a").unwrap();
    assert_eq!(qemu.state(&id).await.unwrap(), GuestState::Absent);
    assert!(!root.path().join("guests/i-0717_a/seed.img").exists(), "user data stays behind");
    assert!(matches!(qemu.powerdown(&id).await, Err(ComputeError::NotRunning { .. })));
    qemu.power_off(&id).await.unwrap();
}

#[tokio::test]
async fn a_guest_never_sees_the_environment_of_the_server() {
    let root = tempfile::tempdir().unwrap();
    let qemu = scripted(root.path(), "/usr/bin/env >&2; exit 1");
    let said = qemu.start(spec("0717_a")).await.unwrap_err().to_string();
    assert!(!said.contains("CARGO"), "{said}");
}

#[tokio::test]
async fn a_guest_is_capped_to_its_host() {
    let root = tempfile::tempdir().unwrap();
    let limited =
        |memory| QemuConfig { vcpus_max: Some(0), memory_max: Some(memory), ..config(root.path()) };
    let Ok(qemu) = Qemu::new(limited(ByteCount(1))) else {
        eprintln!("skipped: QEMU is not installed (package qemu-system-x86)");
        return;
    };
    assert_eq!(qemu.host_limits().vcpus, 1);
    assert_eq!(qemu.host_limits().memory, qemu::MEMORY_MIN);
    let qemu = Qemu::new(limited(ByteCount::from_gb(3))).unwrap();
    assert_eq!(qemu.host_limits().memory, ByteCount::from_gb(3));
    let free = Qemu::new(config(root.path())).unwrap();
    assert!(free.host_limits().vcpus >= 1 && free.host_limits().memory >= qemu::MEMORY_MIN);
}

#[tokio::test]
async fn nothing_is_adopted_where_nothing_runs() {
    let root = tempfile::tempdir().unwrap();
    let Ok(qemu) = Qemu::new(config(root.path())) else {
        eprintln!("skipped: QEMU is not installed (package qemu-system-x86)");
        return;
    };
    let dir = root.path().join("guests/i-0717_a");
    std::fs::create_dir(&dir).unwrap();
    let stale = std::os::unix::net::UnixListener::bind(dir.join("qmp.sock")).unwrap();
    drop(stale);
    std::fs::write(dir.join("seed.img"), "secret").unwrap();
    assert!(qemu.adopt().await.unwrap().is_empty());
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0, "what is of no use is removed");
}
