//! Routing tables: the defaults of VPCs, without routes.

use base::{RoutingTableId, VpcId};
use model::{ResourceName, RoutingTable, RoutingTableView};
use policy::{Action, Permit, Scope};

use super::{
    acl::subnets_by,
    head::{NameSpace, head, not_found},
    list::{Conditions, paged, place},
    outbox, permit,
    session::Session,
    sight,
    value::{Row, Value, binds},
    vpc,
};
use crate::{Change, Page, Paged, StoreError};

const NAMES: NameSpace = NameSpace::new("routing table", "routing_tables", "vpc_id");

const SELECT: &str =
    "SELECT t.id, t.account_id, t.group_id, t.name, t.created_at, t.revision, t.vpc_id,
       t.is_default, g.name
     FROM routing_tables t LEFT JOIN resource_groups g ON g.id = t.group_id";

fn view(row: Row) -> Result<RoutingTableView, StoreError> {
    let mut row = row.of("routing_tables");
    let table = RoutingTable { head: head(&mut row)?, vpc: row.id()?, is_default: row.bool()? };
    Ok(RoutingTableView { table, group_name: row.text()?, subnets: Vec::new() })
}

async fn fill(session: &mut Session, views: &mut [RoutingTableView]) -> Result<(), StoreError> {
    if views.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = views.iter().map(|v| (&v.table.head.id).into()).collect();
    let mut subnets = subnets_by(session, "routing_table_id", ids).await?;
    for view in views {
        view.subnets = subnets.remove(view.table.head.id.as_str()).unwrap_or_default();
    }
    Ok(())
}

pub(crate) async fn get(
    session: &mut Session,
    scope: &Scope,
    vpc: &VpcId,
    id: &RoutingTableId,
) -> Result<RoutingTableView, StoreError> {
    sight::check(session, scope, "vpcs", "vpc", vpc).await?;
    let row = session
        .one(
            format!("{SELECT} WHERE t.id = $1 AND t.vpc_id = $2 AND t.account_id = $3"),
            binds![id, vpc, scope.account()],
        )
        .await?;
    let mut found = [view(row.ok_or_else(|| not_found("routing_table", id))?)?];
    fill(session, &mut found).await?;
    let [view] = found;
    Ok(view)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    vpc: &VpcId,
    is_default: Option<bool>,
    page: &Page,
) -> Result<Paged<RoutingTableView>, StoreError> {
    sight::check(session, scope, "vpcs", "vpc", vpc).await?;
    vpc::check(session, scope.account(), vpc).await?;
    let mut conditions = Conditions::default();
    conditions.and("t.vpc_id = ?", binds![vpc]).and_eq("t.is_default", is_default);
    let total = conditions.count(session, "routing_tables t").await?;
    let rows = conditions.page(session, SELECT, "t", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    let mut views = paged(views, page, total, |view| place(&view.table.head));
    fill(session, &mut views.items).await?;
    Ok(views)
}

pub(crate) async fn rename(
    tx: &mut Session,
    permit: &Permit,
    vpc: &VpcId,
    id: &RoutingTableId,
    name: &ResourceName,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VpcUpdate], vpc.as_str())?;
    vpc::check(tx, permit.account(), vpc).await?;
    NAMES.check(tx, vpc.as_str(), name, Some(id.as_str())).await?;
    let rows = tx
        .run(
            "UPDATE routing_tables SET name = $3, revision = revision + 1
             WHERE id = $1 AND vpc_id = $2",
            binds![id, vpc, name],
        )
        .await?;
    if rows == 0 {
        return Err(not_found("routing_table", id));
    }
    outbox::write(tx, change).await
}
