//! What the rules of security groups and of ACLs have in common as columns.

use model::{IpRange, Protocol, Traffic};

use super::value::{Row, Value, binds};
use crate::StoreError;

/// `protocol, port_min, port_max, icmp_type, icmp_code`.
pub(crate) fn traffic_binds(traffic: &Traffic) -> Vec<Value> {
    let ports = traffic.ports;
    binds![
        traffic.protocol.to_string(),
        ports.map(|(min, _)| u32::from(min)),
        ports.map(|(_, max)| u32::from(max)),
        traffic.icmp_type.map(u32::from),
        traffic.icmp_code.map(u32::from),
    ]
}

/// Reads what [`traffic_binds`] gives.
pub(crate) fn traffic(row: &mut Row) -> Result<Traffic, StoreError> {
    Ok(Traffic {
        protocol: row.word(Protocol::parse)?,
        ports: ports(row)?,
        source_ports: None,
        icmp_type: octet(row)?,
        icmp_code: octet(row)?,
    })
}

/// First and last port, or neither.
pub(crate) fn ports(row: &mut Row) -> Result<Option<(u16, u16)>, StoreError> {
    let ends = (row.opt_int()?, row.opt_int()?);
    let (Some(min), Some(max)) = ends else { return Ok(None) };
    let port = |n: i64| u16::try_from(n).map_err(|_| row.damaged("not a port"));
    Ok(Some((port(min)?, port(max)?)))
}

fn octet(row: &mut Row) -> Result<Option<u8>, StoreError> {
    let number = row.opt_int()?;
    let octet = number.map(u8::try_from).transpose();
    octet.map_err(|_| row.damaged("not a type or code of ICMP"))
}

pub(crate) fn range(row: &mut Row) -> Result<IpRange, StoreError> {
    row.word(IpRange::parse)
}
