//! Floating IPs: `ssh` into a guest, as its security groups allow it. Public gateways: its way out.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::{api::until, console, hear, process::Home, ready, serve};

/// Says on the console, whenever it changes: whether the server is reached, by the gateway's
/// address; the guest's own address; how many network devices there are.
const WATCH: &str = "#!/bin/sh
(was=
while :; do
  to=$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p')
  timeout 3 wget -q -O /dev/null http://$to:PORT/healthz 2>/dev/null && out=open || out=closed
  own=$(ip -4 addr show eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p')
  now=\"out=$out own=$own nics=$(ls /sys/class/net | grep -c eth)\"
  [ \"$now\" = \"$was\" ] || echo \"seen $now.\"
  was=$now
  sleep 0.5
done) &
";

/// `ssh` to the floating IP of a guest, or why there is no answer.
fn ssh(address: &str, key: &Path, command: &str) -> std::process::Output {
    Command::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"])
        .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10", "-i"])
        .arg(key)
        .arg(format!("root@{address}"))
        .arg(command)
        .output()
        .unwrap()
}

/// `ssh` to the floating IP of a guest works exactly while its security groups let port 22 in, and
/// goes on to work after the server was killed and another one adopted the guest.
#[test]
fn ssh_to_a_floating_ip_is_what_the_security_groups_allow() {
    let Some((cache, _turn)) = ready() else { return };
    let home = Home::new();
    let (server, api) = serve(&home, &cache, &[]);
    let key = home.path("key");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.is_ok_and(|status| status.success()), "ssh-keygen makes a key");
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let made = api.post("/v1/keys", &json!({"public_key": public, "type": "ed25519"}));
    let vm = api.boot_with(&api.subnet(), &api.stock(), "#!/bin/sh\n", &[made["id"].clone()]);
    let shown = api.get(&format!("/v1/instances/{}", vm.id));
    let nic = &shown["primary_network_interface"]["id"];
    let ip = api.post("/v1/floating_ips", &json!({"target": {"id": nic}}));
    let address = ip["address"].as_str().unwrap();
    hear(&api, &vm, 0, "ectype-guest ready");

    // The default group lets nobody in.
    let port = || std::net::TcpStream::connect((address, 22)).is_ok();
    assert!(!port(), "port 22 is closed");
    let vpc = api.get(&format!("/v1/vpcs/{}", shown["vpc"]["id"].as_str().unwrap()));
    let rules = format!(
        "/v1/security_groups/{}/rules",
        vpc["default_security_group"]["id"].as_str().unwrap()
    );
    let rule = json!({"direction": "inbound", "protocol": "tcp", "port_min": 22, "port_max": 22});
    let rule = api.post(&rules, &rule);
    let login = || {
        let done = ssh(address, &key, "echo in as $(id -un)");
        String::from_utf8_lossy(&done.stdout).contains("in as root").then_some(())
    };
    until("ssh to the floating IP", login);

    server.kill();
    let (server, api) = serve(&home, &cache, &[]);
    until("ssh after another server came", login);
    let one = format!("{rules}/{}", rule["id"].as_str().unwrap());
    assert_eq!(api.call("DELETE", &one, &Value::Null).0, 204);
    until("port 22 to close", || (!port()).then_some(()));
    assert!(home.run(&["stop"]).status.success());
    assert_eq!(server.wait().0.code(), Some(0));
}

/// A guest has the address that the API shows, and reaches what is outside exactly while its
/// subnet has a public gateway, which may come and go while it runs, as may another interface.
#[test]
fn a_public_gateway_is_the_way_out_of_a_running_guest() {
    let Some((cache, _turn)) = ready() else { return };
    let home = Home::new();
    let (server, api) = serve(&home, &cache, &[]);
    let subnet = api.subnet();
    let port = server.url().rsplit_once(':').unwrap().1.to_owned();
    let vm = api.boot(&subnet, &api.stock(), &WATCH.replace("PORT", &port));
    let shown = api.get(&format!("/v1/instances/{}", vm.id));
    let own = shown["primary_network_interface"]["primary_ip"]["address"].as_str().unwrap();
    hear(&api, &vm, 0, &format!("seen out=closed own={own} nics=1."));
    let from = || console(&api, &vm, 0)["total_bytes"].as_u64().unwrap();

    let vpc = &shown["vpc"]["id"];
    let gateway = json!({"vpc": {"id": vpc}, "zone": {"name": "us-south-1"}});
    let gateway = api.post("/v1/public_gateways", &gateway);
    let of = format!("/v1/subnets/{subnet}/public_gateway");
    let at = from();
    assert_eq!(api.call("PUT", &of, &json!({"id": gateway["id"]})).0, 201);
    hear(&api, &vm, at, &format!("seen out=open own={own} nics=1."));
    let at = from();
    assert_eq!(api.call("DELETE", &of, &Value::Null).0, 204);
    hear(&api, &vm, at, &format!("seen out=closed own={own} nics=1."));

    let all = format!("/v1/instances/{}/network_interfaces", vm.id);
    let at = from();
    let nic = api.post(&all, &json!({"subnet": {"id": subnet}}));
    hear(&api, &vm, at, &format!("seen out=closed own={own} nics=2."));
    let at = from();
    let one = format!("{all}/{}", nic["id"].as_str().unwrap());
    assert_eq!(api.call("DELETE", &one, &Value::Null).0, 204);
    hear(&api, &vm, at, &format!("seen out=closed own={own} nics=1."));
    assert!(home.run(&["stop"]).status.success());
    assert_eq!(server.wait().0.code(), Some(0));
}
