//! Figures beside qemu-nbd's, by QEMU's own benchmark; only when `ECTYPE_FIGURES` is set.

use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::time::Duration;

use export::Subject;

use crate::processes::{Site, go, url};
use crate::support::eventually;
use crate::tools::{have, run};
use crate::volumes::volume;

const MIB: usize = 1 << 20;
const SIZE: usize = 512 * MIB;

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Seconds that `count` requests of `size` bytes take, `depth` at a time.
fn bench(url: &str, write: bool, count: usize, size: usize, depth: usize, step: usize) -> f64 {
    let numbers = [count, depth, size, step].map(|n| n.to_string());
    let [count, depth, size, step] = numbers.each_ref().map(String::as_str);
    let mut arguments = vec!["bench", "-f", "raw", "-t", "none"];
    arguments.extend(["-c", count, "-d", depth, "-s", size, "-S", step]);
    if write {
        arguments.push("-w");
    }
    arguments.push(url);
    let text = run("qemu-img", arguments);
    let seconds = text.split("completed in ").nth(1).unwrap();
    seconds.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn figures_beside_qemu_nbd() {
    if std::env::var_os("ECTYPE_FIGURES").is_none() || !have("qemu-nbd") {
        return;
    }
    let site = Site::new();
    let config = site.config("v", Subject::Volume(volume(&site, "v", SIZE, None)));
    let status = site.host.start(&config).await.unwrap().status;
    let resident = |when: &str| {
        for (name, pid) in
            [("supervisor", status.supervisor_pid), ("engine", status.engine_pid.unwrap())]
        {
            let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let lines = text
                .lines()
                .filter(|line| line.starts_with("VmRSS") || line.starts_with("RssAnon"));
            eprintln!("{name} {when}: {}", lines.collect::<Vec<_>>().join(", "));
        }
    };
    resident("idle");
    let socket = status.socket.clone();
    let (raw, theirs) = (site.path("bench.raw"), site.path("theirs"));
    std::fs::File::create(&raw).unwrap().set_len(SIZE as u64).unwrap();
    let _served = Served(
        Command::new("qemu-nbd")
            .args(["-f", "raw", "-t", "-e", "8", "-x", "v", "--discard=unmap", "-k"])
            .args([&theirs, &raw])
            .spawn()
            .unwrap(),
    );
    eventually("qemu-nbd", || UnixStream::connect(&theirs).is_ok());
    let measured = tokio::task::spawn_blocking(move || {
        let mut client = go(&socket, "v");
        for at in (0..SIZE).step_by(32 * MIB) {
            assert_eq!(client.write(0, at as u64, &vec![0x5A; 32 * MIB]), 0);
        }
        drop(client);
        let urls = [url("v", &socket), url("v", &theirs)];
        bench(&urls[1], true, SIZE / MIB, MIB, 4, MIB);
        let kib = 1024;
        // A step that is no divisor of the size jumps about; one like the size goes on in order.
        for (name, write, count, size, depth, step) in [
            ("4 KiB reads, 1 at a time", false, 40_000, 4 * kib, 1, 7_340 * kib),
            ("4 KiB reads, 16 at a time", false, 80_000, 4 * kib, 16, 7_340 * kib),
            ("4 KiB writes, 1 at a time", true, 40_000, 4 * kib, 1, 7_340 * kib),
            ("4 KiB writes, 16 at a time", true, 80_000, 4 * kib, 16, 7_340 * kib),
            ("1 MiB reads, 1 at a time", false, 1_500, MIB, 1, MIB),
            ("1 MiB reads, 4 at a time", false, 1_500, MIB, 4, MIB),
            ("1 MiB writes, 4 at a time", true, 1_000, MIB, 4, MIB),
        ] {
            let best = |url: &String| {
                let runs = (0..3).map(|_| bench(url, write, count, size, depth, step));
                runs.fold(f64::MAX, f64::min)
            };
            let (ours, theirs) = (best(&urls[0]), best(&urls[1]));
            eprintln!("{name}: {ours:.3} s, qemu-nbd raw {theirs:.3} s, {:.2}x", theirs / ours);
        }
    });
    tokio::time::timeout(Duration::from_secs(300), measured).await.unwrap().unwrap();
    resident("after load");
}
