//! Network interfaces of a guest.
//!
//! ```text
//!  guest            QEMU, one hub per interface                  host
//!  nic-ID  <->  in-ID  <hub>  up-ID  <->  out-ID (user mode)  <->  sockets
//! ```
//!
//! A user-mode network is open or closed to the outside from its making on, and a device keeps its
//! back end for life. The hub between them lets the network behind be replaced while the guest
//! runs and its device stays: connections end, addresses do not change. A closed network's DHCP
//! names no router, so the guest's link goes down and up with the change: a system that then asks
//! again learns the way out.
//!
//! It keeps no record: what QEMU says that it has is what counts, so a repeat after a crash, or by
//! another server, ends what was begun.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::guest::Guest;
use crate::port::{ComputeError, Forward, GuestNic};

/// How long a link is down, so that the guest's system sees it.
const LINK_DOWN: Duration = Duration::from_millis(500);

/// The device that the guest sees.
fn device_id(nic: &str) -> String {
    format!("nic-{nic}")
}

/// The port of the hub at the guest's side.
fn inner(nic: &str) -> String {
    format!("in-{nic}")
}

/// The port of the hub at the network's side.
fn outer(nic: &str) -> String {
    format!("up-{nic}")
}

/// The user-mode network.
fn network(nic: &str) -> String {
    format!("out-{nic}")
}

/// The number of an interface's hub: from its hardware address, which is random.
fn hub(nic: &GuestNic) -> u32 {
    let digits: String = nic.mac.chars().filter(char::is_ascii_hexdigit).collect();
    let low = digits.get(digits.len().saturating_sub(8)..).unwrap_or_default();
    u32::from_str_radix(low, 16).unwrap_or_default() & 0x7fff_ffff
}

/// The settings of the user-mode network: what DHCP gives, and whether there is a way out.
fn network_settings(nic: &GuestNic) -> Vec<(&'static str, String)> {
    let (first, length) = nic.range;
    let at = |offset: u32| Ipv4Addr::from_bits(first.to_bits() | offset).to_string();
    vec![
        ("net", format!("{first}/{length}")),
        ("host", at(1)),
        ("dns", at(2)),
        ("dhcpstart", nic.address.to_string()),
    ]
}

/// The device.
fn device(nic: &GuestNic) -> Value {
    json!({"driver": "virtio-net-pci", "id": device_id(&nic.id), "netdev": inner(&nic.id),
        "mac": nic.mac, "romfile": ""})
}

/// The command line's arguments of an interface.
pub(super) fn arguments(nic: &GuestNic) -> [(&'static str, String); 4] {
    let (id, hub) = (nic.id.as_str(), hub(nic));
    let (inner, outer, network) = (inner(id), outer(id), network(id));
    let restrict = if nic.way_out { "off" } else { "on" };
    let mut user = format!("user,id={network},restrict={restrict},ipv6=off");
    for (name, value) in network_settings(nic) {
        user.push_str(&format!(",{name}={value}"));
    }
    [
        ("-netdev", user),
        ("-netdev", format!("hubport,id={outer},hubid={hub},netdev={network}")),
        ("-netdev", format!("hubport,id={inner},hubid={hub}")),
        ("-device", device(nic).to_string()),
    ]
}

/// What QEMU has of one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Part {
    device: bool,
    inner: bool,
    outer: bool,
    /// The network, and whether it has a way out.
    network: Option<bool>,
}

/// What `info network` tells of, by interface.
fn parts(text: &str) -> BTreeMap<String, Part> {
    let mut all: BTreeMap<String, Part> = BTreeMap::new();
    for line in text.lines() {
        for word in line.trim_start_matches([' ', '\\']).split(": ") {
            let word = word.trim_end();
            if let Some(id) = word.strip_prefix("nic-") {
                all.entry(id.to_owned()).or_default().device = true;
            } else if let Some(id) = word.strip_prefix("in-") {
                all.entry(id.to_owned()).or_default().inner = true;
            } else if let Some(id) = word.strip_prefix("up-") {
                all.entry(id.to_owned()).or_default().outer = true;
            } else if let Some(id) = word.strip_prefix("out-") {
                let open = line.contains("restrict=off");
                all.entry(id.to_owned()).or_default().network = Some(open);
            }
        }
    }
    all
}

/// The forwards that `info usernet` tells of, by network.
fn forwards(text: &str) -> BTreeMap<String, BTreeSet<Forward>> {
    let mut all: BTreeMap<String, BTreeSet<Forward>> = BTreeMap::new();
    let mut of = String::new();
    for line in text.lines() {
        // `Hub 7 (out-ID):` begins what is of one network.
        if let Some(rest) = line.strip_prefix("Hub ") {
            of = rest.split(['(', ')']).nth(1).unwrap_or_default().to_owned();
        } else if let Some(forward) = forward(line) {
            all.entry(of.clone()).or_default().insert(forward);
        }
    }
    all
}

fn forward(line: &str) -> Option<Forward> {
    let mut words = line.split_whitespace();
    let protocol = words.next()?.strip_suffix("[HOST_FORWARD]")?;
    let address: Ipv4Addr = words.nth(1)?.parse().ok()?;
    let port = words.next()?.parse().ok()?;
    Some(Forward { udp: protocol.eq_ignore_ascii_case("udp"), address, port })
}

fn spelled(forward: &Forward) -> String {
    let protocol = if forward.udp { "udp" } else { "tcp" };
    format!("{protocol}:{}:{}", forward.address, forward.port)
}

impl Guest {
    /// Gives the guest these interfaces, ways out and forwards, and no others. The first failure
    /// is told once everything else was done.
    pub(super) async fn network(&self, nics: &[GuestNic]) -> Result<(), ComputeError> {
        let there = parts(&self.monitor("info network").await?);
        let mut told = Ok(());
        for (id, part) in &there {
            if !nics.iter().any(|nic| &nic.id == id) {
                told = told.and(self.nic_remove(id, part).await);
            }
        }
        for nic in nics {
            let part = there.get(&nic.id).cloned().unwrap_or_default();
            told = told.and(self.nic_put(nic, &part).await);
        }
        let now = forwards(&self.monitor("info usernet").await?);
        for nic in nics {
            let now = now.get(&network(&nic.id)).cloned().unwrap_or_default();
            told = told.and(self.forward(nic, &now).await);
        }
        told
    }

    /// Makes what an interface lacks; replaces its network when its way out changed.
    async fn nic_put(&self, nic: &GuestNic, part: &Part) -> Result<(), ComputeError> {
        let (id, hub) = (nic.id.as_str(), hub(nic));
        let (inner, outer, network) = (inner(id), outer(id), network(id));
        let hubport = |id: &str| json!({"type": "hubport", "id": id, "hubid": hub});
        if part.network != Some(nic.way_out) || !part.outer {
            self.link(id, false).await?;
            self.netdev_del(&outer).await?;
            self.netdev_del(&network).await?;
            let mut user = Map::new();
            user.insert("type".into(), "user".into());
            user.insert("id".into(), network.as_str().into());
            user.insert("restrict".into(), (!nic.way_out).into());
            user.insert("ipv6".into(), false.into());
            for (name, value) in network_settings(nic) {
                user.insert(name.into(), value.into());
            }
            self.nic_step(nic, "netdev_add", Value::Object(user)).await?;
            let mut port = hubport(&outer);
            port["netdev"] = network.into();
            self.nic_step(nic, "netdev_add", port).await?;
            tracing::info!(instance = %self.instance, nic = id, way_out = nic.way_out,
                "network of an interface made");
            if part.device {
                sleep(LINK_DOWN).await;
            }
        }
        if !part.inner {
            self.nic_step(nic, "netdev_add", hubport(&inner)).await?;
        }
        if !part.device {
            self.nic_step(nic, "device_add", device(nic)).await?;
            tracing::info!(instance = %self.instance, nic = id, "interface added");
        }
        self.link(id, true).await
    }

    /// Pulls or plugs the cable of a device; refused when there is none yet.
    async fn link(&self, nic: &str, up: bool) -> Result<(), ComputeError> {
        let arguments = json!({"name": device_id(nic), "up": up});
        self.try_with("set_link", arguments).await.map(drop)
    }

    async fn nic_step(
        &self,
        nic: &GuestNic,
        command: &str,
        arguments: Value,
    ) -> Result<(), ComputeError> {
        let done = self.try_with(command, arguments).await?;
        done.map(drop).map_err(|said| ComputeError::NicNotAdded {
            instance: self.instance.clone(),
            nic: nic.id.clone(),
            said,
        })
    }

    /// Asks the guest to let go of an interface; once it did, removes what was behind.
    async fn nic_remove(&self, nic: &str, part: &Part) -> Result<(), ComputeError> {
        if part.device {
            // Refused while an earlier request is on its way.
            let _ = self.try_with("device_del", json!({"id": device_id(nic)})).await?;
            let (instance, nic) = (self.instance.clone(), nic.to_owned());
            return Err(ComputeError::NicHeld { instance, nic });
        }
        for id in [inner(nic), outer(nic), network(nic)] {
            self.netdev_del(&id).await?;
        }
        tracing::info!(instance = %self.instance, nic, "interface removed");
        Ok(())
    }

    /// Removes a back end; refused when it is gone already.
    async fn netdev_del(&self, id: &str) -> Result<(), ComputeError> {
        self.try_with("netdev_del", json!({"id": id})).await.map(drop)
    }

    /// Forwards the ports of an interface and no others.
    async fn forward(&self, nic: &GuestNic, now: &BTreeSet<Forward>) -> Result<(), ComputeError> {
        let network = network(&nic.id);
        let wanted: BTreeSet<Forward> = nic.forwards.iter().copied().collect();
        for old in now.difference(&wanted) {
            self.monitor(&format!("hostfwd_remove {network} {}", spelled(old))).await?;
        }
        let mut refused = None;
        for new in wanted.difference(now) {
            let command = format!("hostfwd_add {network} {}-:{}", spelled(new), new.port);
            // It says nothing when it worked.
            if !self.monitor(&command).await?.trim().is_empty() {
                refused = refused.or(Some(*new));
            }
        }
        match refused {
            None => Ok(()),
            Some(forward) => Err(ComputeError::PortTaken {
                instance: self.instance.clone(),
                port: spelled(&forward),
            }),
        }
    }

    /// Runs a command of QEMU's human monitor; what it says. There are no others for forwards.
    async fn monitor(&self, command: &str) -> Result<String, ComputeError> {
        let arguments = json!({ "command-line": command });
        Ok(match self.try_with("human-monitor-command", arguments).await? {
            Ok(said) => said.as_str().unwrap_or_default().to_owned(),
            Err(refused) => refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 1);

    fn nic() -> GuestNic {
        GuestNic {
            id: "0717-a".into(),
            mac: "02:ff:80:00:00:01".into(),
            address: Ipv4Addr::new(10, 240, 64, 4),
            range: (Ipv4Addr::new(10, 240, 64, 0), 24),
            way_out: false,
            forwards: Vec::new(),
        }
    }

    #[test]
    fn what_qemu_forwards_is_read_from_its_words() {
        let text = "Hub 7 (out-a):\r\n\
            \x20 Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n\
            \x20 TCP[ESTABLISHED]   15      127.64.0.1    22       10.0.2.15    22     0     0\r\n\
            \x20 TCP[HOST_FORWARD]  12      127.64.0.1    22       10.0.2.15    22     0     0\r\n\
            Hub -1 (out-b):\r\n\
            \x20 UDP[HOST_FORWARD]  13      127.64.0.1    53       10.0.2.15    53     0     0\r\n";
        let tcp = Forward { udp: false, address: AT, port: 22 };
        let udp = Forward { udp: true, address: AT, port: 53 };
        let all = forwards(text);
        assert_eq!(all["out-a"], BTreeSet::from([tcp]));
        assert_eq!(all["out-b"], BTreeSet::from([udp]));
        assert!(forwards("").is_empty());
        assert_eq!(
            (spelled(&tcp), spelled(&udp)),
            ("tcp:127.64.0.1:22".into(), "udp:127.64.0.1:53".into())
        );
    }

    #[test]
    fn what_qemu_has_is_read_from_its_words() {
        let text = "hub 7\r\n \\ in-a: nic-a: index=0,type=nic,model=virtio-net-pci\r\n \
            \\ up-a: out-a: index=0,type=user,net=10.0.2.0,restrict=off\r\nhub 8\r\n \\ in-b\r\n\
            out-b: index=0,type=user,net=10.0.3.0,restrict=on\r\n";
        let all = parts(text);
        let whole = Part { device: true, inner: true, outer: true, network: Some(true) };
        let half = Part { device: false, inner: true, outer: false, network: Some(false) };
        assert_eq!((&all["a"], &all["b"], all.len()), (&whole, &half, 2));
    }

    #[test]
    fn a_guest_is_told_the_addresses_of_its_subnet() {
        let [(_, user), ..] = arguments(&nic());
        assert_eq!(
            user,
            "user,id=out-0717-a,restrict=on,ipv6=off,net=10.240.64.0/24,host=10.240.64.1,\
             dns=10.240.64.2,dhcpstart=10.240.64.4"
        );
        let open = arguments(&GuestNic { way_out: true, ..nic() });
        assert!(open[0].1.contains("restrict=off"), "{open:?}");
    }

    #[test]
    fn the_number_of_a_hub_is_positive() {
        assert_eq!(hub(&nic()), 1);
        assert_eq!(hub(&GuestNic { mac: "02:00:7f:ff:ff:ff".into(), ..nic() }), 0x7fff_ffff);
    }
}
