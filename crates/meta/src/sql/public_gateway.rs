//! Public gateways.

use base::{AccountId, PublicGatewayId, ResourceGroupId, ZoneName};
use model::{
    FloatingIpRef, FloatingRefusal, FloatingTarget, PublicGateway, PublicGatewayView, Reference,
    ResourceName, Subnet,
};
use policy::{Action, Permit, Scope};

use super::{
    floating_ip::{self, refused},
    head::{NameSpace, group_check, head, head_binds, not_found},
    list::{Conditions, paged, place},
    outbox, permit,
    session::Session,
    sight::columns,
    tag,
    value::{Row, binds},
    vpc,
};
use crate::{Change, GatewayAddress, Page, Paged, StoreError};

const NAMES: NameSpace = NameSpace::new("public gateway", "public_gateways", "vpc_id");

const SELECT: &str =
    "SELECT p.id, p.account_id, p.group_id, p.name, p.created_at, p.revision, p.vpc_id, p.zone,
       p.owns_floating_ip, g.name, v.name, f.id, f.name, f.address
     FROM public_gateways p LEFT JOIN resource_groups g ON g.id = p.group_id
     LEFT JOIN vpcs v ON v.id = p.vpc_id LEFT JOIN floating_ips f ON f.gateway_id = p.id";

fn view(row: Row) -> Result<PublicGatewayView, StoreError> {
    let mut row = row.of("public_gateways");
    let gateway = PublicGateway {
        head: head(&mut row)?,
        vpc: row.id()?,
        zone: ZoneName::stored(row.text()?),
        owns_floating_ip: row.bool()?,
    };
    let (group_name, vpc) = (row.text()?, row.text()?);
    let ip = Reference { id: row.id()?, name: row.text()?, deleted: false };
    Ok(PublicGatewayView {
        group_name,
        vpc: Reference { id: gateway.vpc.clone(), name: vpc, deleted: false },
        floating_ip: FloatingIpRef { ip, zone: gateway.zone.clone(), address: row.address()? },
        gateway,
    })
}

pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    id: &PublicGatewayId,
) -> Result<PublicGatewayView, StoreError> {
    let row = session
        .one(format!("{SELECT} WHERE p.id = $1 AND p.account_id = $2"), binds![id, account])
        .await?;
    view(row.ok_or_else(|| not_found("public_gateway", id))?)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    group: Option<&ResourceGroupId>,
    page: &Page,
) -> Result<Paged<PublicGatewayView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("p.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns!("p"))
        .and_eq("p.group_id", group);
    let total = conditions.count(session, "public_gateways p").await?;
    let rows = conditions.page(session, SELECT, "p", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(paged(views, page, total, |view| place(&view.gateway.head)))
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    gateway: &PublicGateway,
    address: &GatewayAddress,
    change: &Change,
) -> Result<(), StoreError> {
    let head = &gateway.head;
    permit::covers_new(permit, Action::GatewayCreate, &head.account, &head.group)?;
    group_check(tx, &head.account, &head.group).await?;
    vpc::check(tx, &head.account, &gateway.vpc).await?;
    NAMES.check(tx, gateway.vpc.as_str(), &head.name, None).await?;
    zone_check(tx, gateway).await?;
    let mut values = head_binds(head);
    values.extend(binds![&gateway.vpc, gateway.zone.as_str(), gateway.owns_floating_ip]);
    tx.run(
        "INSERT INTO public_gateways (id, account_id, group_id, name, created_at, revision, vpc_id,
           zone, owns_floating_ip)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values,
    )
    .await?;
    match address {
        GatewayAddress::Existing(id) => bind(tx, gateway, id).await?,
        GatewayAddress::New(ip) => {
            let mut ip = ip.clone();
            ip.target = Some(FloatingTarget::Gateway(head.id.clone()));
            floating_ip::insert(tx, &ip).await?;
        }
    }
    outbox::write(tx, change).await
}

/// The VPC has no gateway in the zone.
async fn zone_check(tx: &mut Session, gateway: &PublicGateway) -> Result<(), StoreError> {
    let row = tx
        .one(
            "SELECT id FROM public_gateways WHERE vpc_id = $1 AND zone = $2",
            binds![&gateway.vpc, gateway.zone.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(()) };
    let (there, zone) = (row.of("public_gateways").id()?, gateway.zone.to_string());
    Err(refused(FloatingRefusal::GatewayExists { gateway: there, zone }))
}

/// Binds a floating IP that is bound to nothing.
async fn bind(
    tx: &mut Session,
    gateway: &PublicGateway,
    id: &base::FloatingIpId,
) -> Result<(), StoreError> {
    let ip = floating_ip::get(tx, &gateway.head.account, id).await?.ip;
    let unfit = |why| {
        let (ip, field) = (id.clone(), Some("floating_ip"));
        Err(refused(FloatingRefusal::InUse { ip, why, field }))
    };
    if ip.target.is_some() {
        return unfit("bound already");
    }
    if ip.zone != gateway.zone {
        return unfit("of another zone than the public gateway");
    }
    tx.run(
        "UPDATE floating_ips SET gateway_id = $2, revision = revision + 1 WHERE id = $1",
        binds![id, &gateway.head.id],
    )
    .await?;
    Ok(())
}

pub(crate) async fn rename(
    tx: &mut Session,
    permit: &Permit,
    id: &PublicGatewayId,
    name: &ResourceName,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::GatewayUpdate], id.as_str())?;
    let gateway = get(tx, permit.account(), id).await?.gateway;
    NAMES.rename(tx, gateway.vpc.as_str(), id.as_str(), name).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &PublicGatewayId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::GatewayDelete], id.as_str())?;
    let view = get(tx, permit.account(), id).await?;
    let used =
        tx.any("SELECT 1 FROM subnets WHERE public_gateway_id = $1 LIMIT 1", binds![id]).await?;
    if used {
        return Err(refused(FloatingRefusal::GatewayInUse { gateway: id.clone() }));
    }
    let ip = &view.floating_ip.ip.id;
    if view.gateway.owns_floating_ip {
        floating_ip::remove(tx, ip).await?;
    } else {
        tx.run(
            "UPDATE floating_ips SET gateway_id = NULL, revision = revision + 1 WHERE id = $1",
            binds![ip],
        )
        .await?;
    }
    tag::forget(tx, id.as_str()).await?;
    tx.run("DELETE FROM public_gateways WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}

/// The subnet's gateway is the account's, and of the subnet's VPC and zone.
pub(crate) async fn fits(tx: &mut Session, subnet: &Subnet) -> Result<(), StoreError> {
    let Some(id) = &subnet.public_gateway else { return Ok(()) };
    let gateway = get(tx, &subnet.head.account, id).await?.gateway;
    if gateway.vpc == subnet.vpc && gateway.zone == subnet.zone {
        return Ok(());
    }
    Err(refused(FloatingRefusal::GatewayElsewhere))
}
