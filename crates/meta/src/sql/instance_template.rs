//! Rows of instance templates.

use async_trait::async_trait;
use base::{InstanceTemplateId, ZoneName};
use model::{InstanceTemplate, Limit, ResourceName};
use policy::{Action, Permit, Scope};

use super::{
    SqlStore,
    head::{NameSpace, group_check, head, head_binds, limit_check, not_found, written},
    list::{Conditions, paged, place},
    outbox, permit,
    retry::{reading, writing},
    session::Session,
    sight::{self, columns},
    tag,
    value::{Row, binds},
};
use crate::{Change, InstanceTemplateStore, Page, Paged, StoreError};

const NAMES: NameSpace = NameSpace::new("instance template", "instance_templates", "account_id");

const SELECT: &str =
    "SELECT t.id, t.account_id, t.group_id, t.name, t.created_at, t.revision, t.zone, t.prototype,
       g.name
     FROM instance_templates t LEFT JOIN resource_groups g ON g.id = t.group_id";

type Found = (InstanceTemplate, String);

fn template(row: Row) -> Result<Found, StoreError> {
    let mut row = row.of("instance_templates");
    let head = head(&mut row)?;
    let zone = ZoneName::stored(row.text()?);
    let template = InstanceTemplate { head, zone, prototype: row.text()? };
    Ok((template, row.text()?))
}

async fn create(
    tx: &mut Session,
    permit: &Permit,
    template: &InstanceTemplate,
    change: &Change,
) -> Result<(), StoreError> {
    let head = &template.head;
    permit::covers_new(permit, Action::TemplateCreate, &head.account, &head.group)?;
    group_check(tx, &head.account, &head.group).await?;
    NAMES.check(tx, head.account.as_str(), &head.name, None).await?;
    let mut own = Conditions::default();
    own.and("account_id = ?", binds![&head.account]);
    let count = own.count(tx, "instance_templates").await?;
    limit_check(count.saturating_add(1), Limit::INSTANCE_TEMPLATES_MAX)?;
    let mut values = head_binds(head);
    values.extend(binds![template.zone.as_str(), &template.prototype]);
    tx.run(
        "INSERT INTO instance_templates (id, account_id, group_id, name, created_at, revision,
           zone, prototype)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values,
    )
    .await?;
    outbox::write(tx, change).await
}

async fn get(
    session: &mut Session,
    scope: &Scope,
    id: &InstanceTemplateId,
) -> Result<Found, StoreError> {
    sight::check(session, scope, "instance_templates", "instance_template", id).await?;
    let row = session
        .one(format!("{SELECT} WHERE t.id = $1 AND t.account_id = $2"), binds![id, scope.account()])
        .await?;
    template(row.ok_or_else(|| not_found("instance_template", id))?)
}

async fn list(
    session: &mut Session,
    scope: &Scope,
    page: &Page,
) -> Result<Paged<Found>, StoreError> {
    let mut conditions = Conditions::default();
    conditions.and("t.account_id = ?", binds![scope.account()]).and_seen(scope, columns!("t"));
    let total = conditions.count(session, "instance_templates t").await?;
    let rows = conditions.page(session, SELECT, "t", page).await?;
    let found = rows.into_iter().map(template).collect::<Result<Vec<_>, _>>()?;
    Ok(paged(found, page, total, |(template, _)| place(&template.head)))
}

async fn own(tx: &mut Session, permit: &Permit, id: &InstanceTemplateId) -> Result<(), StoreError> {
    let there = tx
        .any(
            "SELECT 1 FROM instance_templates WHERE id = $1 AND account_id = $2",
            binds![id, permit.account()],
        )
        .await?;
    if there { Ok(()) } else { Err(not_found("instance_template", id)) }
}

async fn rename(
    tx: &mut Session,
    permit: &Permit,
    id: &InstanceTemplateId,
    revision: u64,
    name: &ResourceName,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::TemplateUpdate], id.as_str())?;
    own(tx, permit, id).await?;
    NAMES.check(tx, permit.account().as_str(), name, Some(id.as_str())).await?;
    let rows = tx
        .run(
            "UPDATE instance_templates SET name = $3, revision = revision + 1
             WHERE id = $1 AND revision = $2",
            binds![id, revision, name],
        )
        .await?;
    written(rows, "instance template", id)?;
    outbox::write(tx, change).await
}

async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &InstanceTemplateId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::TemplateDelete], id.as_str())?;
    own(tx, permit, id).await?;
    tag::forget(tx, id.as_str()).await?;
    tx.run("DELETE FROM instance_templates WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}

#[async_trait]
impl InstanceTemplateStore for SqlStore {
    async fn instance_template_create(
        &self,
        permit: &Permit,
        template: InstanceTemplate,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| create(tx, permit, &template, &change))
    }

    async fn instance_template(
        &self,
        scope: &Scope,
        id: &InstanceTemplateId,
    ) -> Result<Found, StoreError> {
        get(&mut self.engine.glance().await?, scope, id).await
    }

    async fn instance_templates(
        &self,
        scope: &Scope,
        page: &Page,
    ) -> Result<Paged<Found>, StoreError> {
        reading!(self, |tx| list(tx, scope, page))
    }

    async fn instance_template_rename(
        &self,
        permit: &Permit,
        id: &InstanceTemplateId,
        revision: u64,
        name: ResourceName,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| rename(tx, permit, id, revision, &name, &change))
    }

    async fn instance_template_delete(
        &self,
        permit: &Permit,
        id: &InstanceTemplateId,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| delete(tx, permit, id, &change))
    }
}
