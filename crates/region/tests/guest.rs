//! The program with real guests: what survives the death of a server, of an engine, and a full
//! disk. Slow: it needs QEMU and the stock image, and says loudly when it is skipped.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

#[path = "it/api.rs"]
mod api;
#[path = "guest/deaths.rs"]
mod deaths;
#[path = "guest/floating.rs"]
mod floating;
#[path = "guest/growth.rs"]
mod growth;
#[path = "guest/hotplug.rs"]
mod hotplug;
#[path = "it/process.rs"]
mod process;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::process::Signal;
use serde_json::{Value, json};

use api::{Api, Vm, until};
use process::{Home, Server, children, kill};

/// One region with guests at a time: they are emulated, and all want the same cores.
static TURN: Mutex<()> = Mutex::new(());

/// The folder of the stock image, and the turn; `None` after saying why.
fn ready() -> Option<(PathBuf, MutexGuard<'static, ()>)> {
    let named = std::env::var_os("ECTYPE_STOCK_CACHE").map(PathBuf::from);
    let image = std::env::var_os("ECTYPE_STOCK_IMAGE").map(PathBuf::from);
    let cache = named.or_else(|| Some(image?.parent()?.to_owned()));
    let turn = || TURN.lock().unwrap_or_else(PoisonError::into_inner);
    match cache {
        Some(cache) if std::fs::read_dir(&cache).is_ok_and(|mut files| files.next().is_some()) => {
            Some((cache, turn()))
        }
        _ => {
            eprintln!("SKIPPED: ECTYPE_STOCK_CACHE names no folder with the stock image");
            None
        }
    }
}

/// Starts a server with real guests.
fn serve(home: &Home, cache: &Path, more: &[&str]) -> (Server, Api) {
    let words = ["serve", "--listen", "127.0.0.1:0", "--compute", "qemu"];
    let mut command = home.command(&[&words[..], more].concat());
    command.env("ECTYPE_STOCK_CACHE", cache);
    let server = home.serve_as(command);
    let api = Api::of(home, &server);
    (server, api)
}

/// Waits until the console says `word`, from `from` on; all that it said since.
fn hear(api: &Api, vm: &Vm, from: u64, word: &str) -> String {
    until(&format!("`{word}` on the console"), || {
        let said = console(api, vm, from);
        let text = said["text"].as_str().unwrap();
        let complete = text.find(word).is_some_and(|at| text[at..].contains('\n'));
        complete.then(|| text.to_owned())
    })
}

fn console(api: &Api, vm: &Vm, from: u64) -> Value {
    let id = &vm.id;
    api.get(&format!("/_ectype/v1/instances/{id}/console_log?offset={from}&limit=1000000"))
}

fn status(api: &Api, vm: &Vm) -> Value {
    api.get(&format!("/v1/instances/{}", vm.id))["status"].clone()
}

/// Writes without end, and says so once a second.
const TICKING: &str = "#!/bin/sh
(n=0; while :; do n=$((n+1)); echo $n >/root/n; sync; echo tick $n; sleep 1; done) &
";

/// A guest outlives the server, killed or ended; the next one adopts it, stops it
/// and captures it.
#[test]
fn a_guest_goes_on_without_its_server_and_the_next_one_adopts_it() {
    let Some((cache, _turn)) = ready() else { return };
    let home = Home::new();
    let (server, api) = serve(&home, &cache, &[]);
    let subnet = api.subnet();
    let vm = api.boot(&subnet, &api.stock(), TICKING);
    hear(&api, &vm, 0, "tick 2");
    let guests = home.guests();
    assert_eq!(guests.len(), 1);

    server.kill();
    let (server, api) = serve(&home, &cache, &["--guests-on-exit", "keep"]);
    assert_eq!(home.guests(), guests, "the same process runs the guest");
    assert_eq!(status(&api, &vm), "running");
    let heard = console(&api, &vm, 0)["total_bytes"].as_u64().unwrap();
    hear(&api, &vm, heard, "tick");

    server.terminate();
    assert_eq!(home.guests(), guests, "keep is what was asked for");
    let (server, api) = serve(&home, &cache, &["--guests-on-exit", "stop"]);
    assert_eq!(status(&api, &vm), "running");
    server.terminate();
    assert_eq!(home.guests(), [] as [u32; 0]);
    assert_eq!(home.supervisors(), [] as [u32; 0]);

    let (server, api) = serve(&home, &cache, &[]);
    assert_eq!(status(&api, &vm), "stopped");
    let image = api.capture(&vm);
    api.wait(&format!("/v1/images/{image}"), "available");
    assert!(home.run(&["stop"]).status.success());
    assert_eq!(server.wait().0.code(), Some(0));
}

/// Writes files with a sum each, then one large one; counts what the kernel calls an error.
const PAYLOAD: &str = "#!/bin/sh
cd /root
echo writing
n=0
while [ ! -f /root/none ] && [ $n -lt 40 ]; do
  n=$((n+1))
  dd if=/dev/urandom of=piece.$n bs=64k count=8 conv=fsync 2>/dev/null || echo FAILED write $n
  echo piece $n
done
sha256sum piece.* >sums
sync
echo errors $(dmesg | grep -ci 'i/o error')
echo written all
";
const CHECK: &str = "#!/bin/sh
cd /root && sha256sum -c sums >/tmp/checked 2>&1 && echo CHECKED $(grep -c OK /tmp/checked)
echo check ended
";

/// S5. Invariant 25: an engine that is killed under a writing guest costs it nothing, and what it
/// wrote is right in the instance that boots its image.
#[test]
fn engines_killed_under_a_writing_guest_cost_it_nothing() {
    let Some((cache, _turn)) = ready() else { return };
    let home = Home::new();
    let (server, api) = serve(&home, &cache, &[]);
    let subnet = api.subnet();
    let vm = api.boot(&subnet, &api.stock(), PAYLOAD);
    let mut killed = 0;
    for piece in [3, 9, 15] {
        hear(&api, &vm, 0, &format!("piece {piece}"));
        let engines = home.engines();
        assert_eq!(engines.len(), 1);
        kill(engines[0], Signal::KILL);
        killed += 1;
        let supervisor = home.supervisors()[0];
        until("another engine", || {
            let now = children(supervisor);
            (now.len() == 1 && now != engines).then_some(())
        });
    }
    let said = hear(&api, &vm, 0, "written all");
    assert_eq!(killed, 3);
    assert!(said.contains("errors 0") && !said.contains("FAILED"), "{said}");
    api.stop(&vm);
    let image = api.capture(&vm);
    api.wait(&format!("/v1/images/{image}"), "available");
    let second = api.boot(&subnet, &image, CHECK);
    let said = hear(&api, &second, 0, "check ended");
    assert!(said.contains("CHECKED 40"), "{said}");
    assert!(home.run(&["stop"]).status.success());
    assert_eq!(server.wait().0.code(), Some(0));
}

/// A small file system; gone when dropped.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(at: PathBuf, mib: u32) -> Self {
        std::fs::create_dir_all(&at).unwrap();
        let size = format!("size={mib}M,mode=700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(&at).status();
        assert!(mounted.unwrap().success(), "mount {}", at.display());
        Self(at)
    }

    fn grow(&self, mib: u32) {
        let size = format!("remount,size={mib}M");
        let grown = Command::new("mount").args(["-o", &size]).arg(&self.0).status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Fills what is left of the volumes' disk and more, with a sum of all of it.
const LARGE: &str = "#!/bin/sh
cd /root
echo writing
dd if=/dev/urandom of=large bs=64k count=1024 conv=fsync 2>/dev/null || echo FAILED
sha256sum large >sums
sync
echo errors $(dmesg | grep -ci 'i/o error')
echo written all
";

/// A full disk pauses a writing guest, which goes on unharmed with room; a capture that finds no
/// room waits, leaves the volume as it is, and ends well with room.
#[test]
fn a_full_disk_harms_neither_guest_nor_capture() {
    let Some((cache, _turn)) = ready() else { return };
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can mount a small disk");
        return;
    }
    let home = Home::new();
    std::fs::create_dir(home.data()).unwrap();
    let volumes = Tmpfs::mount(home.data().join("volumes"), 48);
    let store = Tmpfs::mount(home.data().join("store"), 64);
    let (server, api) = serve(&home, &cache, &[]);
    let vm = api.boot(&api.subnet(), &api.stock(), LARGE);
    hear(&api, &vm, 0, "writing");
    until("the guest to be paused", || {
        let instance = api.get(&format!("/v1/instances/{}", vm.id));
        (instance["status_reasons"] != json!([])).then_some(())
    });
    assert_eq!(status(&api, &vm), "running");
    let text = console(&api, &vm, 0)["text"].as_str().unwrap().to_owned();
    assert!(!text.contains("written all") && !text.contains("FAILED"), "{text}");
    volumes.grow(200);
    let said = hear(&api, &vm, 0, "written all");
    assert!(said.contains("errors 0") && !said.contains("FAILED"), "{said}");
    api.stop(&vm);

    let image = api.capture(&vm);
    until("the capture to find no room", || home.log().contains("no_space").then_some(()));
    let path = format!("/v1/images/{image}");
    assert_eq!(api.get(&path)["status"], "pending");
    let (code, body) = api.call("POST", "/v1/images", &json!({"source_volume": {"id": vm.volume}}));
    assert_eq!(code, 409, "the volume is still the capture's: {body}");
    store.grow(400);
    api.wait(&path, "available");
    let open = |words: &[&str]| home.said(&[&["view", "open"], words].concat());
    let (of_image, of_volume) = (open(&[&image]), open(&[&vm.volume, "--volume"]));
    let compared = Command::new("qemu-img")
        .args(["compare", "-f", "raw", "-F", "raw", of_image.trim(), of_volume.trim()])
        .output()
        .unwrap();
    assert!(compared.status.success(), "{}", String::from_utf8_lossy(&compared.stdout));
    assert!(home.run(&["stop"]).status.success());
    assert_eq!(server.wait().0.code(), Some(0));
}
