//! Addresses for reserved IPs and network interfaces.
//!
//! Invariant: two transactions never hand out one address, because the row that takes it is
//! unique by (subnet, address) and is written in the transaction that chose it.

use std::net::Ipv4Addr;

use base::{AccountId, Entropy, ReservedIpId, ResourceGroupId, SubnetId, Timestamp};
use model::{
    Head, IpHolder, IpOwner, IpRequest, Nic, Refusal, ReservedIp, ResourceName, Subnet,
    generated_name,
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

/// Whom an address is given to.
pub(crate) struct Holder {
    pub(crate) account: AccountId,
    /// The group of a reserved IP that is made.
    pub(crate) group: ResourceGroupId,
    pub(crate) created_at: Timestamp,
    pub(crate) holder: IpHolder,
}

/// Gives a new interface its primary address and returns the reserved IP's id.
pub(crate) async fn for_nic(
    tx: &mut Session,
    subnet: &Subnet,
    nic: &Nic,
    request: &IpRequest,
    entropy: &dyn Entropy,
) -> Result<ReservedIpId, StoreError> {
    let holder = Holder {
        account: nic.head.account.clone(),
        group: nic.head.group.clone(),
        created_at: nic.head.created_at,
        holder: IpHolder::Nic(nic.head.id.clone()),
    };
    give(tx, subnet, &holder, request, entropy).await
}

/// Gives an address and returns the reserved IP's id.
pub(crate) async fn give(
    tx: &mut Session,
    subnet: &Subnet,
    to: &Holder,
    request: &IpRequest,
    entropy: &dyn Entropy,
) -> Result<ReservedIpId, StoreError> {
    let (address, name, auto_delete) = match request {
        IpRequest::Reserved(id) => {
            bind(tx, subnet, &to.account, &to.holder, id).await?;
            return Ok(id.clone());
        }
        IpRequest::Any { name } => (lowest_free(tx, subnet).await?, name, true),
        IpRequest::AnyKept { name } => (lowest_free(tx, subnet).await?, name, false),
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
            account: to.account.clone(),
            group: to.group.clone(),
            name,
            created_at: to.created_at,
            revision: 1,
        },
        subnet: subnet.head.id.clone(),
        address,
        auto_delete,
        owner: IpOwner::User,
        target: Some(to.holder.clone()),
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

/// The subnet of an account's reserved IP.
pub(crate) async fn subnet_of(
    session: &mut Session,
    account: &AccountId,
    id: &ReservedIpId,
) -> Result<SubnetId, StoreError> {
    let row = session
        .one(
            "SELECT subnet_id FROM reserved_ips WHERE id = $1 AND account_id = $2",
            binds![id, account],
        )
        .await?;
    row.ok_or_else(|| not_found("reserved_ip", id))?.of("reserved_ips").id()
}

/// Binds a free reserved IP of the subnet.
pub(crate) async fn bind(
    tx: &mut Session,
    subnet: &Subnet,
    account: &AccountId,
    holder: &IpHolder,
    id: &ReservedIpId,
) -> Result<(), StoreError> {
    let ip = reserved_ip::get(tx, account, &subnet.head.id, id).await?.ip;
    let why = match ip.owner {
        IpOwner::Provider => "it is kept by the provider",
        IpOwner::User if ip.target.is_some() => "it is taken",
        IpOwner::User => {
            let rows = tx
                .run(
                    "UPDATE reserved_ips SET target_id = $2, revision = revision + 1
                     WHERE id = $1 AND target_id IS NULL",
                    binds![id, holder.as_str()],
                )
                .await?;
            if rows == 1 {
                return Ok(());
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
