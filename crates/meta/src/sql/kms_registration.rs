//! What keys protect: the images and volumes that name one.

use base::{AccountId, Crn, RegionName};
use model::KmsRegistration;

use super::{
    session::Session,
    value::{Binds, Row, binds},
};
use crate::{Slice, StoreError};

/// Every CRN from $1 to before $2.
const FROM: &str = "FROM (
    SELECT 'image' AS kind, id, account_id, '' AS zone, encryption_key_crn AS crn, created_at,
      wrapped_data_key FROM images WHERE encryption_key_crn >= $1 AND encryption_key_crn < $2
    UNION ALL
    SELECT 'volume', id, account_id, zone, encryption_key_crn, created_at, wrapped_data_key
      FROM volumes WHERE encryption_key_crn >= $1 AND encryption_key_crn < $2
  ) r";

/// Every CRN that begins with `crn`: `~` comes after all that may follow.
fn within(crn: &str) -> Binds {
    binds![crn, format!("{crn}~")]
}

fn registration(row: Row, region: &RegionName) -> Result<KmsRegistration, StoreError> {
    let mut row = row.of("registrations");
    let (kind, id, account): (String, String, AccountId) = (row.text()?, row.text()?, row.id()?);
    let (zone, crn) = (row.text()?, row.text()?);
    let created_at = row.time()?;
    let wrapped = row.blob()?;
    let key_name = row.opt_text()?.unwrap_or_default();
    let crn = Crn::parse(&crn).map_err(|_| row.damaged("a key's CRN is not one"))?;
    let place = if zone.is_empty() { region.as_str() } else { &zone };
    Ok(KmsRegistration {
        key: crn.resource.try_into().map_err(|_| row.damaged("a key's id is not one"))?,
        key_name,
        resource: Crn::vpc(place, &account, &kind, &id),
        created_at,
        wrapped,
    })
}

pub(crate) async fn list(
    session: &mut Session,
    crn: &str,
    page: Slice,
) -> Result<Vec<KmsRegistration>, StoreError> {
    // The region is in the CRN of the key: registrations are of this region.
    let region = crn.split(':').nth(5).unwrap_or_default();
    let region = RegionName::parse(region).map_err(|_| StoreError::Damaged {
        table: "registrations",
        why: "the CRN has no region".to_owned(),
    })?;
    let rows = session
        .all(
            format!(
                "SELECT r.kind, r.id, r.account_id, r.zone, r.crn, r.created_at,
                   r.wrapped_data_key, k.name {FROM}
                 LEFT JOIN kms_keys k ON k.id = SUBSTR(r.crn, LENGTH(r.crn) - 35)
                 ORDER BY r.crn, r.id LIMIT {} OFFSET {}",
                page.limit, page.offset
            ),
            within(crn),
        )
        .await?;
    rows.into_iter().map(|row| registration(row, &region)).collect()
}

pub(crate) async fn count(session: &mut Session, crn: &str) -> Result<u64, StoreError> {
    let count = session.number(format!("SELECT COUNT(*) {FROM}"), within(crn)).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}
