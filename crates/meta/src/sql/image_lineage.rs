//! What images were made of, and what was made of them.

use base::{AccountId, ImageId};
use model::{Ancestor, Image, ImageLineage, LineageItem, Lineages};
use policy::Scope;

use super::{
    image,
    session::Session,
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

async fn items(
    session: &mut Session,
    from: &str,
    (id, account): (&ImageId, &AccountId),
    limit: u32,
) -> Result<Lineages, StoreError> {
    let total = session.number(format!("SELECT COUNT(*) FROM {from}"), binds![id, account]).await?;
    let rows = session
        .all(
            format!(
                "SELECT t.id, t.name FROM {from} ORDER BY t.created_at DESC, t.id DESC LIMIT $3"
            ),
            binds![id, account, limit],
        )
        .await?;
    let read = |row: Row| {
        let mut row = row.of("lineage");
        Ok(LineageItem { id: row.text()?, name: row.text()? })
    };
    Ok(Lineages {
        items: rows.into_iter().map(read).collect::<Result<_, StoreError>>()?,
        total: total.unsigned_abs(),
    })
}

/// The line of an image that the scope sees, and what of the account is made of it.
pub(crate) async fn read(
    session: &mut Session,
    scope: &Scope,
    id: &ImageId,
    limit: u32,
) -> Result<ImageLineage, StoreError> {
    let account = scope.account();
    image::seen(session, account, id).await?;
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
    let whose = (id, account);
    let of = "WHERE t.source_image_id = $1 AND t.account_id = $2";
    let volumes = items(session, &format!("volumes t {of}"), whose, limit).await?;
    let of = "WHERE t.image_id = $1 AND t.account_id = $2";
    let instances = items(session, &format!("instances t {of}"), whose, limit).await?;
    let of = "images t JOIN image_lineage l ON l.image_id = t.id
      WHERE l.parent_image_id = $1 AND l.account_id = $2";
    let images = items(session, of, whose, limit).await?;
    Ok(ImageLineage { ancestors, images, volumes, instances })
}
