//! What images were made of, and what was made of them.

use base::ImageId;
use model::{Ancestor, Image, ImageLineage, LineageItem, Lineages};
use policy::{Scope, Scopes};

use super::{
    head::not_found,
    image,
    list::Conditions,
    session::Session,
    sight::columns,
    value::{Row, binds},
};
use crate::StoreError;

/// How many steps a line is followed.
const DEPTH_MAX: usize = 64;

/// Writes the row of a new image.
pub(crate) async fn insert(
    tx: &mut Session,
    image: &Image,
    parent: Option<&ImageId>,
) -> Result<(), StoreError> {
    let head = &image.head;
    tx.run(
        "INSERT INTO image_lineage (image_id, account_id, name, created_at, parent_image_id,
           deleted) VALUES ($1, $2, $3, $4, $5, 0)",
        binds![&head.id, &head.account, &head.name, head.created_at, parent],
    )
    .await?;
    Ok(())
}

/// An image goes: its row stays while something is made of it.
pub(crate) async fn gone(tx: &mut Session, image: &Image) -> Result<(), StoreError> {
    let id = &image.head.id;
    tx.run(
        "UPDATE image_lineage SET name = $2, deleted = 1 WHERE image_id = $1",
        binds![id, &image.head.name],
    )
    .await?;
    tx.run(
        "DELETE FROM image_lineage WHERE image_id = $1
           AND NOT EXISTS (SELECT 1 FROM image_lineage c WHERE c.parent_image_id = $1)
           AND NOT EXISTS (SELECT 1 FROM volumes v WHERE v.source_image_id = $1)",
        binds![id],
    )
    .await?;
    Ok(())
}

const ANCESTOR: &str = "SELECT l.image_id, COALESCE(i.name, l.name), l.account_id, l.deleted,
    l.parent_image_id
  FROM image_lineage l LEFT JOIN images i ON i.id = l.image_id WHERE l.image_id = $1";

fn ancestor(row: Row) -> Result<(Ancestor, Option<ImageId>), StoreError> {
    let mut row = row.of("image_lineage");
    let found =
        Ancestor { id: row.id()?, name: row.text()?, account: row.id()?, deleted: row.bool()? };
    Ok((found, row.opt_id()?))
}

/// What of one type the reader sees; nothing without a scope.
async fn items(
    session: &mut Session,
    from: &str,
    mut made_of: Conditions,
    scope: Option<&Scope>,
    limit: u32,
) -> Result<Lineages, StoreError> {
    let Some(scope) = scope else { return Ok(Lineages { items: Vec::new(), total: 0 }) };
    made_of.and("t.account_id = ?", binds![scope.account()]).and_seen(scope, columns!("t"));
    let total = made_of.count(session, from).await?;
    let order = format!("t.created_at DESC, t.id DESC LIMIT {limit}");
    let rows = made_of.all(session, &format!("SELECT t.id, t.name FROM {from}"), &order).await?;
    let read = |row: Row| {
        let mut row = row.of("lineage");
        Ok(LineageItem { id: row.text()?, name: row.text()? })
    };
    let items = rows.into_iter().map(read).collect::<Result<_, StoreError>>()?;
    Ok(Lineages { items, total })
}

fn equal(column: &str, id: &ImageId) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.and_eq(column, Some(id));
    conditions
}

/// The line of an image that the scopes show, and what else they show that is made of it.
pub(crate) async fn read(
    session: &mut Session,
    scopes: &Scopes,
    id: &ImageId,
    limit: u32,
) -> Result<ImageLineage, StoreError> {
    let scope = scopes.of("image").ok_or_else(|| not_found("image", id))?;
    image::shown(session, scope, id).await?;
    let mut next = match session.one(ANCESTOR, binds![id]).await? {
        Some(row) => ancestor(row)?.1,
        None => None,
    };
    let mut ancestors = Vec::new();
    while let Some(parent) = next.take().filter(|_| ancestors.len() < DEPTH_MAX) {
        let Some(row) = session.one(ANCESTOR, binds![&parent]).await? else { break };
        let (found, above) = ancestor(row)?;
        ancestors.push(found);
        next = above;
    }
    let of = equal("t.source_image_id", id);
    let volumes = items(session, "volumes t", of, scopes.of("volume"), limit).await?;
    let of = equal("t.image_id", id);
    let instances = items(session, "instances t", of, scopes.of("instance"), limit).await?;
    let of = equal("l.parent_image_id", id);
    let from = "images t JOIN image_lineage l ON l.image_id = t.id";
    let images = items(session, from, of, Some(scope), limit).await?;
    Ok(ImageLineage { ancestors, images, volumes, instances })
}
