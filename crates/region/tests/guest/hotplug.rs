//! A volume comes to a running guest, grows under it and leaves it, all through the API.

use serde_json::{Value, json};

use crate::process::Home;
use crate::{api::until, hear, ready, serve};

/// Tells which disks there are, by serial and size, whenever that changes. Writes to a disk of
/// 10 GB when it comes, and reads that again when it has 20 GB.
const WATCH: &str = "#!/bin/sh
(mkdir -p /tmp/seen
echo watching
while :; do
  for d in /sys/block/vd*; do
    s=$(cat $d/serial 2>/dev/null); n=$(cat $d/size 2>/dev/null)
    [ -n \"$s\" ] && [ -n \"$n\" ] || continue
    [ \"$n\" = \"$(cat /tmp/seen/$s 2>/dev/null)\" ] && continue
    echo $n >/tmp/seen/$s
    if [ $n = 20971520 ]; then
      dd if=/dev/urandom of=/tmp/bytes bs=64k count=16 2>/dev/null
      dd if=/tmp/bytes of=/dev/${d##*/} bs=64k count=16 conv=notrunc,fsync 2>/dev/null || echo FAILED
    fi
    if [ $n = 41943040 ]; then
      dd if=/dev/${d##*/} bs=64k count=16 2>/dev/null | cmp - /tmp/bytes && echo bytes are right
    fi
    echo disk $s has $n sectors
  done
  for f in /tmp/seen/*; do
    s=${f##*/}
    cat /sys/block/vd*/serial 2>/dev/null | grep -q $s || { rm $f; echo disk $s is gone; }
  done
  sleep 0.3
done) &
";

/// Hot plug and live growth: what the API says is what the guest has, and a volume that was
/// detached is served no more.
#[test]
fn a_running_guest_gets_a_volume_that_grows_and_loses_it_again() {
    let Some((cache, _turn)) = ready() else { return };
    let home = Home::new();
    let (server, api) = serve(&home, &cache, &[]);
    let vm = api.boot(&api.subnet(), &api.stock(), WATCH);
    hear(&api, &vm, 0, "watching");
    let volume = api.post(
        "/v1/volumes",
        &json!({"zone": {"name": "us-south-1"}, "profile": {"name": "general-purpose"},
            "capacity": 10}),
    );
    let of_volume = format!("/v1/volumes/{}", volume["id"].as_str().unwrap());
    let all = format!("/v1/instances/{}/volume_attachments", vm.id);
    let made = api.post(&all, &json!({"volume": {"id": volume["id"]}}));
    let attachment = format!("{all}/{}", made["id"].as_str().unwrap());
    let attached = api.wait(&attachment, "attached");
    let serial = attached["device"]["id"].as_str().unwrap();
    hear(&api, &vm, 0, &format!("disk {serial} has 20971520 sectors"));
    assert_eq!(home.engines().len(), 2);

    let (status, grown) = api.call("PATCH", &of_volume, &json!({"capacity": 20}));
    assert_eq!((status, &grown["capacity"]), (200, &json!(20)), "{grown}");
    api.wait(&of_volume, "available");
    let said = hear(&api, &vm, 0, &format!("disk {serial} has 41943040 sectors"));
    assert!(said.contains("bytes are right") && !said.contains("FAILED"), "{said}");

    let (status, body) = api.call("DELETE", &attachment, &Value::Null);
    assert_eq!(status, 204, "{body}");
    until("the attachment to be gone", || {
        (api.call("GET", &attachment, &Value::Null).0 == 404).then_some(())
    });
    hear(&api, &vm, 0, &format!("disk {serial} is gone"));
    assert_eq!(home.engines().len(), 1, "nothing serves it any more");
    assert_eq!(api.get(&of_volume)["attachment_state"], "unattached");

    // The same volume again: a new attachment, and the same bytes.
    let made = api.post(&all, &json!({"volume": {"id": volume["id"]}}));
    let attachment = format!("{all}/{}", made["id"].as_str().unwrap());
    let serial = api.wait(&attachment, "attached")["device"]["id"].clone();
    let said = hear(&api, &vm, 0, &format!("disk {} has 41943040", serial.as_str().unwrap()));
    assert_eq!(said.matches("bytes are right").count(), 2, "{said}");
    assert!(home.run(&["stop"]).status.success());
    assert_eq!(server.wait().0.code(), Some(0));
}
