//! Proves that the processor runs guests.
//!
//! A device `/dev/kvm` that opens proves nothing: there are machines where a virtual machine is
//! made and never runs, or is ended for a register it touches. So a guest of a few instructions
//! runs, in the background: it enters protected mode, counts down from [`ROUNDS`] and writes to
//! the exit device. KVM's own instruction emulator, which some broken machines fall back to, is
//! far too slow for that many rounds.

use std::{path::PathBuf, process::Stdio, time::Duration};

use tokio::{process::Command, sync::watch, time::timeout};

use super::Verdict;
use crate::port::Accel;

/// How long the probe may take.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);
/// How often the probe counts down: some ten milliseconds on a processor.
const ROUNDS: u32 = 50_000_000;
/// What the probe writes to the exit device.
const WORD: u8 = 0x2a;
/// QEMU's exit status then.
const EXIT_STATUS: i32 = (WORD as i32) << 1 | 1;
/// Size of the probe's firmware, which ends at 4 GiB.
const ROM_SIZE: usize = 64 << 10;
/// Where QEMU finds the firmware, in the hypervisor's directory.
const ROM_FILE: &str = "probe.rom";

/// Starts to find out; the verdict arrives within a little more than [`PROBE_DEADLINE`].
pub(super) fn start(program: PathBuf, root: PathBuf) -> watch::Receiver<Verdict> {
    let unproven = Verdict { acceleration: Accel::Unproven, version: String::new() };
    let (tell, verdict) = watch::channel(unproven);
    tokio::spawn(async move {
        let (version, proven) = tokio::join!(version(&program), prove(&program, root, "kvm"));
        let acceleration = match proven {
            Ok(()) => Accel::Kvm,
            Err(why) => {
                tracing::warn!(why, "guests are emulated, which is slow: KVM does not work here");
                Accel::Tcg
            }
        };
        tell.send_replace(Verdict { acceleration, version });
    });
    verdict
}

/// Runs the probe.
async fn prove(program: &PathBuf, root: PathBuf, accel: &str) -> Result<(), String> {
    if accel == "kvm" {
        std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/kvm")
            .map_err(|error| format!("/dev/kvm: {error}"))?;
    }
    let file = root.join(ROM_FILE);
    std::fs::write(&file, rom()).map_err(|error| format!("{}: {error}", file.display()))?;
    let cpu = if accel == "kvm" { "host" } else { "max" };
    let mut probe = Command::new(program)
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "16"])
        .args(["-machine", "pc", "-accel", accel, "-cpu", cpu, "-bios", ROM_FILE])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"])
        .current_dir(root)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    match timeout(PROBE_DEADLINE, probe.wait()).await {
        Ok(Ok(status)) if status.code() == Some(EXIT_STATUS) => Ok(()),
        Ok(Ok(status)) => Err(format!("a probe guest ended with {status}")),
        Ok(Err(error)) => Err(format!("a probe guest: {error}")),
        Err(_) => {
            // It is killed; a machine that cannot is broken beyond this.
            let _ = probe.start_kill();
            Err(format!("a probe guest did not run within {} s", PROBE_DEADLINE.as_secs()))
        }
    }
}

/// `7.2.22`, or nothing.
async fn version(program: &PathBuf) -> String {
    let asked = Command::new(program).arg("--version").env_clear().kill_on_drop(true).output();
    let Ok(Ok(output)) = timeout(PROBE_DEADLINE, asked).await else { return String::new() };
    version_in(&String::from_utf8_lossy(&output.stdout))
}

fn version_in(text: &str) -> String {
    let mut words = text.split_whitespace().skip_while(|word| *word != "version");
    words.nth(1).unwrap_or_default().chars().take(32).collect()
}

/// The firmware. The processor starts at its last 16 bytes, in real mode.
fn rom() -> Vec<u8> {
    /// Where the code, the descriptor table's address and the table lie in the firmware.
    const CODE: usize = 0xFF00;
    const TABLE_AT: usize = 0xFF80;
    const TABLE: usize = 0xFF90;
    let [r0, r1, r2, r3] = ROUNDS.to_le_bytes();
    let code = [
        0xFA, // cli
        0x2E, 0x66, 0x0F, 0x01, 0x16, 0x80, 0xFF, // lgdt cs:[TABLE_AT]
        0x0F, 0x20, 0xC0, // mov eax, cr0
        0x0C, 0x01, // or al, 1
        0x0F, 0x22, 0xC0, // mov cr0, eax
        0x66, 0xEA, 0x18, 0xFF, 0xFF, 0xFF, 0x08, 0x00, // jmp 8:0xFFFFFF18
        // Protected mode, 32 bits.
        0xB9, r0, r1, r2, r3,   // mov ecx, ROUNDS
        0x49, // dec ecx
        0x75, 0xFD, // jnz the dec
        0xB0, WORD, // mov al, WORD
        0xE6, 0xF4, // out 0xF4, al
        0xF4, // hlt
        0xEB, 0xFD, // jmp the hlt
    ];
    let mut rom = vec![0xF4; ROM_SIZE];
    let mut put = |at: usize, bytes: &[u8]| rom[at..at + bytes.len()].copy_from_slice(bytes);
    put(CODE, &code);
    // Limit and linear address: the firmware's last 64 KiB lie below 4 GiB.
    put(TABLE_AT, &[0x17, 0x00, 0x90, 0xFF, 0xFF, 0xFF]);
    put(TABLE, &[0; 8]);
    put(TABLE + 8, &[0xFF, 0xFF, 0, 0, 0, 0x9A, 0xCF, 0]); // code, flat
    put(TABLE + 16, &[0xFF, 0xFF, 0, 0, 0, 0x92, 0xCF, 0]); // data, flat
    put(ROM_SIZE - 16, &[0xE9, 0x0D, 0xFF]); // jmp CODE
    rom
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::qemu::{PROGRAM, host};

    #[test]
    fn the_version_is_read() {
        assert_eq!(version_in("QEMU emulator version 7.2.22 (Debian 1:7.2)\nCopy"), "7.2.22");
        assert_eq!(version_in("what"), "");
    }

    #[test]
    fn the_first_jump_meets_the_code() {
        let rom = rom();
        let rel = i16::from_le_bytes([rom[ROM_SIZE - 15], rom[ROM_SIZE - 14]]);
        let target = (ROM_SIZE - 13).wrapping_add_signed(isize::from(rel)) & 0xFFFF;
        assert_eq!(target, 0xFF00);
    }

    #[tokio::test]
    async fn the_probe_runs_where_guests_do() {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let Ok(program) = host::find(OsStr::new(&path), PROGRAM) else {
            eprintln!("skipped: {} is not installed (package {})", PROGRAM.0, PROGRAM.1);
            return;
        };
        let root = tempfile::tempdir().unwrap();
        prove(&program, root.path().to_owned(), "tcg").await.unwrap();
    }
}
