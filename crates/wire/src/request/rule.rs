//! What rules of security groups and of ACLs have in common.

use base::AclRuleId;
use model::{IpRange, Protocol, TrafficPatch};

use super::Asked;
use crate::{ApiError, ErrorCode, Fields};

pub(crate) const PORT_MIN: u32 = 1;
pub(crate) const PORT_MAX: u32 = 65_535;
/// Largest ICMP type and code.
pub(crate) const ICMP_TYPE_MAX: u32 = 254;
pub(crate) const ICMP_CODE_MAX: u32 = 255;

/// True for `inbound`.
pub(super) fn direction(f: &Fields<'_>) -> Result<Option<bool>, ApiError> {
    f.choice("direction", "inbound, outbound", |text| match text {
        "inbound" => Some(true),
        "outbound" => Some(false),
        _ => None,
    })
}

/// A protocol; `all` in versions before it got its new name.
pub(super) fn protocol(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<Protocol>, ApiError> {
    let old = !asked.version.has_protocol_icmp_tcp_udp();
    let all = if old { "all" } else { "icmp_tcp_udp" };
    let allowed = format!(
        "any, {all}, icmp, tcp, udp, ah, esp, gre, ip_in_ip, l2tp, rsvp, sctp, \
         vrrp, number_N"
    );
    f.choice("protocol", &allowed, |text| match text {
        "all" if old => Some(Protocol::IcmpTcpUdp),
        text => Protocol::parse(text),
    })
}

/// An address or range.
pub(super) fn range(f: &Fields<'_>, field: &str) -> Result<Option<IpRange>, ApiError> {
    let Some(text) = f.text(field)? else { return Ok(None) };
    IpRange::parse(text).map(Some).ok_or_else(|| {
        let what = "is not an IPv4 address, nor a range such as 10.0.0.0/8 without host bits";
        f.error(ErrorCode::InvalidValue, field, what)
    })
}

pub(super) fn ip_version(f: &Fields<'_>) -> Result<(), ApiError> {
    f.choice("ip_version", "ipv4", |text| (text == "ipv4").then_some(())).map(drop)
}

type Change<T> = Option<Option<T>>;

fn port(f: &Fields<'_>, field: &str) -> Result<Change<u16>, ApiError> {
    let read = |f: &Fields<'_>| f.small_number(field, PORT_MIN, PORT_MAX);
    let port = f.patched(field, read)?;
    Ok(port.map(|port| port.and_then(|n| u16::try_from(n).ok())))
}

fn icmp(f: &Fields<'_>, field: &str, max: u32) -> Result<Change<u8>, ApiError> {
    let number = f.patched(field, |f| f.small_number(field, 0, max))?;
    Ok(number.map(|number| number.and_then(|n| u8::try_from(n).ok())))
}

/// Ports, type and code; `ports` are the names of the destination's.
pub(super) fn traffic(f: &Fields<'_>, ports: [&str; 2]) -> Result<TrafficPatch, ApiError> {
    Ok(TrafficPatch {
        port_min: port(f, ports[0])?,
        port_max: port(f, ports[1])?,
        source_port_min: None,
        source_port_max: None,
        icmp_type: icmp(f, "type", ICMP_TYPE_MAX)?,
        icmp_code: icmp(f, "code", ICMP_CODE_MAX)?,
    })
}

/// The same with source ports.
pub(super) fn acl_traffic(f: &Fields<'_>) -> Result<TrafficPatch, ApiError> {
    Ok(TrafficPatch {
        source_port_min: port(f, "source_port_min")?,
        source_port_max: port(f, "source_port_max")?,
        ..traffic(f, ["destination_port_min", "destination_port_max"])?
    })
}

/// The field `before`: another rule of the same ACL.
pub(super) fn before(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<AclRuleId>, ApiError> {
    let Some(f) = f.object("before")? else { return Ok(None) };
    let id: Result<AclRuleId, ApiError> = asked.place.id_below(&f, "network_acls", "rules");
    id.map(Some)
}
