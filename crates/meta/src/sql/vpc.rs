//! VPCs.

use base::{AccountId, VpcId};
use model::{Limit, Reference, Refusal, ResourceName, Vpc, VpcView};
use policy::{Action, Permit, Scope};

use super::{
    head::{NameSpace, group_check, head, head_binds, limit_check, not_found, written},
    list::{Conditions, paged, place},
    outbox, permit, prefix,
    session::Session,
    sight::{self, columns},
    tag,
    value::{Row, binds},
    vpc_parts,
};
use crate::{Change, NewVpc, Page, Paged, StoreError, VpcFilter};

const NAMES: NameSpace = NameSpace::new("VPC", "vpcs", "account_id");

const SELECT: &str =
    "SELECT v.id, v.account_id, v.group_id, v.name, v.created_at, v.revision, v.default_acl_id,
       v.default_security_group_id, v.default_routing_table_id, g.name, a.name, s.name, t.name
     FROM vpcs v LEFT JOIN resource_groups g ON g.id = v.group_id
     LEFT JOIN acls a ON a.id = v.default_acl_id
     LEFT JOIN security_groups s ON s.id = v.default_security_group_id
     LEFT JOIN routing_tables t ON t.id = v.default_routing_table_id";

fn view(row: Row) -> Result<VpcView, StoreError> {
    let mut row = row.of("vpcs");
    let vpc = Vpc {
        head: head(&mut row)?,
        default_acl: row.id()?,
        default_security_group: row.id()?,
        default_routing_table: row.id()?,
    };
    let group_name = row.text()?;
    let (acl, security_group, routing_table) = (row.text()?, row.text()?, row.text()?);
    Ok(VpcView {
        group_name,
        default_acl: Reference { id: vpc.default_acl.clone(), name: acl, deleted: false },
        default_security_group: Reference {
            id: vpc.default_security_group.clone(),
            name: security_group,
            deleted: false,
        },
        default_routing_table: Reference {
            id: vpc.default_routing_table.clone(),
            name: routing_table,
            deleted: false,
        },
        vpc,
    })
}

/// Refuses a VPC that is not the account's.
pub(crate) async fn check(
    tx: &mut Session,
    account: &AccountId,
    id: &VpcId,
) -> Result<(), StoreError> {
    let there =
        tx.any("SELECT 1 FROM vpcs WHERE id = $1 AND account_id = $2", binds![id, account]).await?;
    if there { Ok(()) } else { Err(not_found("vpc", id)) }
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    new: &NewVpc,
    change: &Change,
) -> Result<(), StoreError> {
    let vpc = &new.vpc;
    let account = &vpc.head.account;
    permit::covers_new(permit, Action::VpcCreate, account, &vpc.head.group)?;
    group_check(tx, account, &vpc.head.group).await?;
    NAMES.check(tx, account.as_str(), &vpc.head.name, None).await?;
    let mut own = Conditions::default();
    own.and("account_id = ?", binds![account]);
    limit_check(own.count(tx, "vpcs").await? + 1, Limit::VPCS_MAX)?;
    let mut values = head_binds(&vpc.head);
    values.extend(binds![
        &vpc.default_acl,
        &vpc.default_security_group,
        &vpc.default_routing_table,
    ]);
    tx.run(
        "INSERT INTO vpcs (id, account_id, group_id, name, created_at, revision, default_acl_id,
           default_security_group_id, default_routing_table_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values,
    )
    .await?;
    vpc_parts::insert(tx, new).await?;
    for prefix in &new.prefixes {
        prefix::insert(tx, prefix).await?;
    }
    outbox::write(tx, change).await
}

pub(crate) async fn get(
    session: &mut Session,
    scope: &Scope,
    id: &VpcId,
) -> Result<VpcView, StoreError> {
    sight::check(session, scope, "vpcs", "vpc", id).await?;
    let row = session
        .one(format!("{SELECT} WHERE v.id = $1 AND v.account_id = $2"), binds![id, scope.account()])
        .await?;
    view(row.ok_or_else(|| not_found("vpc", id))?)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &VpcFilter,
    page: &Page,
) -> Result<Paged<VpcView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("v.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns!("v"))
        .and_eq("v.group_id", filter.group.as_ref())
        .and_eq("v.name", filter.name.as_deref());
    let total = conditions.count(session, "vpcs v").await?;
    let rows = conditions.page(session, SELECT, "v", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(paged(views, page, total, |view| place(&view.vpc.head)))
}

pub(crate) async fn rename(
    tx: &mut Session,
    permit: &Permit,
    id: &VpcId,
    revision: u64,
    name: &ResourceName,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VpcUpdate], id.as_str())?;
    check(tx, permit.account(), id).await?;
    NAMES.check(tx, permit.account().as_str(), name, Some(id.as_str())).await?;
    let rows = tx
        .run(
            "UPDATE vpcs SET name = $3, revision = revision + 1 WHERE id = $1 AND revision = $2",
            binds![id, revision, name],
        )
        .await?;
    written(rows, "vpc", id)?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &VpcId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VpcDelete], id.as_str())?;
    check(tx, permit.account(), id).await?;
    for (what, sql) in [
        ("instances", "SELECT 1 FROM instances WHERE vpc_id = $1 LIMIT 1"),
        ("subnets", "SELECT 1 FROM subnets WHERE vpc_id = $1 LIMIT 1"),
        ("public gateways", "SELECT 1 FROM public_gateways WHERE vpc_id = $1 LIMIT 1"),
    ] {
        if tx.any(sql, binds![id]).await? {
            return Err(Refusal::VpcNotEmpty { vpc: id.clone(), what }.into());
        }
    }
    tx.run("DELETE FROM address_prefixes WHERE vpc_id = $1", binds![id]).await?;
    vpc_parts::delete(tx, id).await?;
    tag::forget(tx, id.as_str()).await?;
    tx.run("DELETE FROM vpcs WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}
