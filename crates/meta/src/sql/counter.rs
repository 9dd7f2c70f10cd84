//! Counts that are kept beside the rows, and sequence numbers.

use base::AccountId;

use super::{session::Session, value::binds};
use crate::StoreError;

/// What is counted for each account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counter {
    Images,
    Volumes,
    Instances,
    /// The number of the newest event.
    EventSeq,
}

impl Counter {
    const fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Volumes => "volumes",
            Self::Instances => "instances",
            Self::EventSeq => "event_seq",
        }
    }
}

/// Adds to a counter and returns what it then is.
pub(crate) async fn add(
    tx: &mut Session,
    account: &AccountId,
    counter: Counter,
    by: i64,
) -> Result<i64, StoreError> {
    tx.number(
        "INSERT INTO counters (account_id, name, value) VALUES ($1, $2, $3)
         ON CONFLICT (account_id, name) DO UPDATE SET value = counters.value + excluded.value
         RETURNING value",
        binds![account, counter.name(), by],
    )
    .await
}

/// What a counter is; zero before its first row.
pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    counter: Counter,
) -> Result<u64, StoreError> {
    let row = session
        .one(
            "SELECT value FROM counters WHERE account_id = $1 AND name = $2",
            binds![account, counter.name()],
        )
        .await?;
    row.map_or(Ok(0), |row| row.of("counters").count())
}

/// The next number of the region's own sequence.
pub(crate) async fn sequence(tx: &mut Session) -> Result<i64, StoreError> {
    tx.number(
        "INSERT INTO region_counters (name, value) VALUES ('sequence', 1)
         ON CONFLICT (name) DO UPDATE SET value = region_counters.value + 1 RETURNING value",
        binds![],
    )
    .await
}
