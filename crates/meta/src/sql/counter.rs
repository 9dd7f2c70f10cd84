//! Counts that are kept beside the rows, and sequence numbers.

use base::{AccountId, ResourceGroupId};

use super::{list::marks, session::Session, value::binds};
use crate::StoreError;

/// What is counted for each account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counter {
    Images,
    Volumes,
    Instances,
    /// The number of the newest event.
    EventSeq,
    /// Grows with every write that may change who may do what.
    Access,
}

impl Counter {
    const fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Volumes => "volumes",
            Self::Instances => "instances",
            Self::EventSeq => "event_seq",
            Self::Access => "access",
        }
    }

    /// The name of the part that one resource group has.
    fn of_group(self, group: &str) -> String {
        format!("{}/{group}", self.name())
    }
}

/// Adds to a counter and returns what it then is.
pub(crate) async fn add(
    tx: &mut Session,
    account: &AccountId,
    counter: Counter,
    by: i64,
) -> Result<i64, StoreError> {
    add_to(tx, account, counter.name(), by).await
}

async fn add_to(
    tx: &mut Session,
    account: &AccountId,
    name: &str,
    by: i64,
) -> Result<i64, StoreError> {
    tx.number(
        "INSERT INTO counters (account_id, name, value) VALUES ($1, $2, $3)
         ON CONFLICT (account_id, name) DO UPDATE SET value = counters.value + excluded.value
         RETURNING value",
        binds![account, name, by],
    )
    .await
}

/// Counts a resource of a group, in the account and in the group; how many the account then has.
pub(crate) async fn add_in(
    tx: &mut Session,
    (account, group): (&AccountId, &ResourceGroupId),
    counter: Counter,
    by: i64,
) -> Result<i64, StoreError> {
    add_to(tx, account, &counter.of_group(group.as_str()), by).await?;
    add(tx, account, counter, by).await
}

/// What the counters of these groups are together.
pub(crate) async fn of_groups(
    session: &mut Session,
    account: &AccountId,
    counter: Counter,
    groups: &[String],
) -> Result<u64, StoreError> {
    let mut values = binds![account];
    values.extend(groups.iter().map(|group| counter.of_group(group).into()));
    let sql = format!(
        "SELECT value FROM counters WHERE account_id = $1 AND name IN ({})",
        marks(2, groups.len())
    );
    let mut sum = 0;
    for row in session.all(sql, values).await? {
        sum += row.of("counters").count::<u64>()?;
    }
    Ok(sum)
}

/// Removes the counters of a group that goes.
pub(crate) async fn forget_group(
    tx: &mut Session,
    account: &AccountId,
    group: &ResourceGroupId,
) -> Result<(), StoreError> {
    for counter in [Counter::Images, Counter::Volumes, Counter::Instances] {
        tx.run(
            "DELETE FROM counters WHERE account_id = $1 AND name = $2",
            binds![account, counter.of_group(group.as_str())],
        )
        .await?;
    }
    Ok(())
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
