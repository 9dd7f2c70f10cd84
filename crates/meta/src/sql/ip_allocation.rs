//! Addresses for reserved IPs and network interfaces.
//!
//! Invariant: two transactions never hand out one address, because the row that takes it is
//! unique by (subnet, address) and is written in the transaction that chose it.

use std::net::Ipv4Addr;

use base::{Entropy, ReservedIpId};
use model::{
    Head, IpOwner, IpRequest, Nic, Refusal, ReservedIp, ResourceName, Subnet, generated_name,
};

use super::{
    head::not_found,
    prefix::ends,
    reserved_ip::{self, NAMES},
    session::Session,
    value::binds,
};
use crate::StoreError;

/// The lowest address of the subnet that no row takes.
pub(crate) async fn lowest_free(tx: &mut Session, subnet: &Subnet) -> Result<Ipv4Addr, StoreError> {
    let (first, last) = ends(subnet.cidr);
    let full = || Refusal::SubnetOutOfAddresses { subnet: subnet.head.id.clone() };
    let taken = tx
        .any(
            "SELECT 1 FROM reserved_ips WHERE subnet_id = $1 AND address = $2",
            binds![&subnet.head.id, first],
        )
        .await?;
    if !taken {
        return Ok(Ipv4Addr::from(first));
    }
    // The first taken address whose neighbour is free; index order ends the search there.
    let row = tx
        .one(
            "SELECT r.address + 1 FROM reserved_ips r
             WHERE r.subnet_id = $1 AND NOT EXISTS (SELECT 1 FROM reserved_ips n
               WHERE n.subnet_id = $1 AND n.address = r.address + 1)
             ORDER BY r.address LIMIT 1",
            binds![&subnet.head.id],
        )
        .await?;
    let next: i64 = row.ok_or_else(full)?.of("reserved_ips").int()?;
    match u32::try_from(next) {
        Ok(next) if next <= last => Ok(Ipv4Addr::from(next)),
        _ => Err(full().into()),
    }
}

/// `address`, if it lies in the subnet and no row takes it.
pub(crate) async fn check_free(
    tx: &mut Session,
    subnet: &Subnet,
    address: Ipv4Addr,
) -> Result<Ipv4Addr, StoreError> {
    let (first, last) = ends(subnet.cidr);
    let refuse = |why| {
        Err(Refusal::AddressUnavailable {
            address: address.to_string(),
            subnet: subnet.head.id.clone(),
            why,
        }
        .into())
    };
    if !(first..=last).contains(&u32::from(address)) {
        return refuse("it is not in the subnet's range");
    }
    let owner = tx
        .one(
            "SELECT owner FROM reserved_ips WHERE subnet_id = $1 AND address = $2",
            binds![&subnet.head.id, address],
        )
        .await?;
    match owner {
        None => Ok(address),
        Some(owner) => match owner.of("reserved_ips").word(IpOwner::parse)? {
            IpOwner::Provider => refuse("it is kept by the provider"),
            IpOwner::User => refuse("it is taken"),
        },
    }
}

/// Gives a new interface its primary address and returns the reserved IP's id.
pub(crate) async fn for_nic(
    tx: &mut Session,
    subnet: &Subnet,
    nic: &Nic,
    request: &IpRequest,
    entropy: &dyn Entropy,
) -> Result<ReservedIpId, StoreError> {
    let (address, name, auto_delete) = match request {
        IpRequest::Reserved(id) => return bind_reserved(tx, subnet, nic, id).await,
        IpRequest::Any { name } => (lowest_free(tx, subnet).await?, name, true),
        IpRequest::Address { address, name, auto_delete } => {
            (check_free(tx, subnet, *address).await?, name, *auto_delete)
        }
    };
    let name = match name {
        Some(name) => {
            NAMES.check(tx, subnet.head.id.as_str(), name, None).await?;
            name.clone()
        }
        None => free_name(tx, subnet, entropy).await?,
    };
    let prefix = format!("{}-", subnet.zone.id_number());
    let ip = ReservedIp {
        head: Head {
            id: ReservedIpId::mint(&prefix, entropy),
            account: nic.head.account.clone(),
            group: nic.head.group.clone(),
            name,
            created_at: nic.head.created_at,
            revision: 1,
        },
        subnet: subnet.head.id.clone(),
        address,
        auto_delete,
        owner: IpOwner::User,
        target: Some(nic.head.id.clone()),
    };
    reserved_ip::insert(tx, &ip).await?;
    Ok(ip.head.id)
}

/// A made-up name that is free in the subnet.
async fn free_name(
    tx: &mut Session,
    subnet: &Subnet,
    entropy: &dyn Entropy,
) -> Result<ResourceName, StoreError> {
    loop {
        let name = generated_name(entropy);
        match NAMES.check(tx, subnet.head.id.as_str(), &name, None).await {
            Ok(()) => return Ok(name),
            Err(StoreError::Refused(Refusal::NameTaken { .. })) => {}
            Err(error) => return Err(error),
        }
    }
}

async fn bind_reserved(
    tx: &mut Session,
    subnet: &Subnet,
    nic: &Nic,
    id: &ReservedIpId,
) -> Result<ReservedIpId, StoreError> {
    let ip = reserved_ip::get(tx, &nic.head.account, &subnet.head.id, id).await?.ip;
    let why = match ip.owner {
        IpOwner::Provider => "it is kept by the provider",
        IpOwner::User if ip.target.is_some() => "it is taken",
        IpOwner::User => {
            let rows = tx
                .run(
                    "UPDATE reserved_ips SET target_id = $2, revision = revision + 1
                     WHERE id = $1 AND target_id IS NULL",
                    binds![id, &nic.head.id],
                )
                .await?;
            if rows == 1 {
                return Ok(ip.head.id);
            }
            return Err(not_found("reserved_ip", id));
        }
    };
    Err(Refusal::AddressUnavailable {
        address: ip.address.to_string(),
        subnet: subnet.head.id.clone(),
        why,
    }
    .into())
}
