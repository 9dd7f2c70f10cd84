//! Rows of wrapped data keys.

use async_trait::async_trait;
use base::{AccountId, ZoneName};
use jobs::Fence;
use policy::SystemPermit;

use super::{SqlStore, job, retry::writing, session::Session, value::binds};
use crate::{StoreError, WrapHolder, WrapRow, WrapStore};

async fn wraps(
    session: &mut Session,
    account: &AccountId,
    after: &str,
    limit: u32,
) -> Result<Vec<WrapRow>, StoreError> {
    let rows = session
        .all(
            "SELECT 'image', id, '', wrapped_data_key FROM images
             WHERE account_id = $1 AND id > $2
             UNION ALL SELECT 'volume', id, zone, wrapped_data_key FROM volumes
             WHERE account_id = $1 AND id > $2
             ORDER BY 2 LIMIT $3",
            binds![account, after, limit],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.of("data keys");
            let kind = row.text()?;
            let holder = if kind == "image" {
                let id = row.id()?;
                row.text()?;
                WrapHolder::Image(id)
            } else {
                WrapHolder::Volume(row.id()?, ZoneName::stored(row.text()?))
            };
            Ok(WrapRow { holder, wrapped: row.blob()? })
        })
        .collect()
}

async fn rewrap(
    tx: &mut Session,
    fence: Option<&Fence>,
    row: &WrapRow,
    wrapped: &[u8],
) -> Result<bool, StoreError> {
    if let Some(fence) = fence {
        job::fence(tx, fence).await?;
    }
    let sql = match row.holder {
        WrapHolder::Image(_) => {
            "UPDATE images SET wrapped_data_key = $3 WHERE id = $1 AND wrapped_data_key = $2"
        }
        WrapHolder::Volume(..) => {
            "UPDATE volumes SET wrapped_data_key = $3 WHERE id = $1 AND wrapped_data_key = $2"
        }
    };
    let rows = tx.run(sql, binds![row.holder.id(), row.wrapped.as_slice(), wrapped]).await?;
    Ok(rows == 1)
}

#[async_trait]
impl WrapStore for SqlStore {
    async fn wraps(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<WrapRow>, StoreError> {
        let mut session = self.engine.glance().await?;
        wraps(&mut session, account, after.unwrap_or_default(), limit).await
    }

    async fn rewrap(
        &self,
        _permit: SystemPermit,
        fence: Option<&Fence>,
        row: &WrapRow,
        wrapped: &[u8],
    ) -> Result<bool, StoreError> {
        writing!(self, |tx| rewrap(tx, fence, row, wrapped))
    }
}
