//! Servers that are killed under a capture, at random moments.

use std::{process::Command, time::Duration};

use base::SeededEntropy;

use crate::{hear, ready, serve};

/// Servers killed under one capture; `ECTYPE_KILLS` for more.
const KILLS: u64 = 4;
/// Longest time that a server lives under a capture, in milliseconds.
const LIFE_MAX: u64 = 400;

/// Random bytes: a capture has to store them all.
const FILL: &str = "#!/bin/sh
cd /root
dd if=/dev/urandom of=large bs=64k count=512 conv=fsync 2>/dev/null || echo FAILED
sync
echo written all
";

/// Invariants 7, 11 and 12: a server killed at any moment of a capture, again and again, ends in
/// one image that is available and has the volume's bytes.
#[test]
fn servers_killed_under_a_capture_make_one_right_image() {
    let Some((cache, _turn)) = ready() else { return };
    let from = |name: &str, otherwise| {
        std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
    };
    let (kills, seed) = (from("ECTYPE_KILLS", KILLS), from("ECTYPE_SEED", 11));
    let random = SeededEntropy::new(seed);
    let home = crate::Home::new();
    let (server, api) = serve(&home, &cache, &[]);
    let vm = api.boot(&api.subnet(), &api.stock(), FILL);
    let said = hear(&api, &vm, 0, "written all");
    assert!(!said.contains("FAILED"), "{said}");
    api.stop(&vm);
    let before = api.get("/v1/images?visibility=private")["images"].as_array().unwrap().len();

    let image = api.capture(&vm);
    let path = format!("/v1/images/{image}");
    let (mut server, mut api, mut killed) = (server, api, 0);
    while killed < kills && api.get(&path)["status"] == "pending" {
        std::thread::sleep(Duration::from_millis(random.next_u64() % LIFE_MAX));
        server.kill();
        killed += 1;
        (server, api) = serve(&home, &cache, &[]);
    }
    println!("{killed} servers killed under one capture, seed {seed}");
    assert!(killed > 0, "the capture was over before anything could happen");
    api.wait(&path, "available");
    let images = api.get("/v1/images?visibility=private")["images"].as_array().unwrap().len();
    assert_eq!(images, before + 1, "seed {seed}");

    let open = |words: &[&str]| home.said(&[&["view", "open"], words].concat());
    let (of_image, of_volume) = (open(&[&image]), open(&[&vm.volume, "--volume"]));
    let compared = Command::new("qemu-img")
        .args(["compare", "-f", "raw", "-F", "raw", of_image.trim(), of_volume.trim()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&compared.stdout);
    assert!(compared.status.success(), "seed {seed}: {said}");
    let verified = home.run(&["store", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    assert!(home.run(&["stop"]).status.success());
    assert_eq!(server.wait().0.code(), Some(0));
}
