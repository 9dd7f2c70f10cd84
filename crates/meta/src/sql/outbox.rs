//! Events and usage, in the transaction of the change that they report.

use async_trait::async_trait;
use base::{AccountId, Timestamp};
use model::{Event, Initiator, Metric, Outcome, Severity, Target, UsageChange, UsageRecord};
use policy::SystemPermit;

use super::{
    SqlStore,
    counter::{self, Counter},
    retry::writing,
    session::Session,
    value::{Row, binds},
};
use crate::{Change, OutboxStore, StoreError};

/// Writes everything that goes with a change.
pub(crate) async fn write(tx: &mut Session, change: &Change) -> Result<(), StoreError> {
    for event in &change.events {
        event_insert(tx, event).await?;
    }
    for usage in &change.usage {
        match usage {
            UsageChange::Begin(record) => usage_begin(tx, record).await?,
            UsageChange::End { crn, at } => usage_end(tx, crn, *at).await?,
        }
    }
    Ok(())
}

async fn event_insert(tx: &mut Session, event: &Event) -> Result<(), StoreError> {
    let seq = counter::add(tx, &event.account, Counter::EventSeq, 1).await?;
    let (by, target) = (&event.initiator, &event.target);
    tx.run(
        "INSERT INTO events (account_id, seq, id, at, action, outcome, severity, initiator_id,
           initiator_name, initiator_type_uri, initiator_credential, initiator_address,
           initiator_agent, target_crn, target_name, target_type_uri, target_group_id,
           reason_code, reason, request_id, request_data)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
           $19, $20, $21)",
        binds![
            &event.account,
            seq,
            &event.id,
            event.at,
            &event.action,
            event.outcome.as_str(),
            event.severity.as_str(),
            &by.id,
            &by.name,
            &by.type_uri,
            &by.credential,
            &by.address,
            &by.agent,
            &target.crn,
            &target.name,
            &target.type_uri,
            target.group.as_ref(),
            u32::from(event.reason_code),
            &event.reason,
            &event.request_id,
            &event.request_data,
        ],
    )
    .await?;
    Ok(())
}

async fn usage_begin(tx: &mut Session, record: &UsageRecord) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO usage_records
           (id, account_id, group_id, crn, metric, quantity, from_at, until_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        binds![
            &record.id,
            &record.account,
            &record.group,
            &record.crn,
            record.metric.as_str(),
            record.quantity,
            record.from,
            record.until,
        ],
    )
    .await?;
    Ok(())
}

async fn usage_end(tx: &mut Session, crn: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.run(
        "UPDATE usage_records SET until_at = $2 WHERE crn = $1 AND until_at IS NULL",
        binds![crn, at],
    )
    .await?;
    Ok(())
}

fn event(row: Row) -> Result<(u64, Event), StoreError> {
    let mut row = row.of("events");
    let account = row.id()?;
    let seq = row.count()?;
    let event = Event {
        account,
        id: row.id()?,
        at: row.time()?,
        action: row.text()?,
        outcome: row.word(Outcome::parse)?,
        severity: row.word(Severity::parse)?,
        initiator: Initiator {
            id: row.text()?,
            name: row.text()?,
            type_uri: row.text()?,
            credential: row.text()?,
            address: row.text()?,
            agent: row.text()?,
        },
        target: Target {
            crn: row.text()?,
            name: row.text()?,
            type_uri: row.text()?,
            group: row.opt_id()?,
        },
        reason_code: row.count()?,
        reason: row.text()?,
        request_id: row.text()?,
        request_data: row.text()?,
    };
    Ok((seq, event))
}

fn usage(row: Row) -> Result<UsageRecord, StoreError> {
    let mut row = row.of("usage_records");
    Ok(UsageRecord {
        id: row.id()?,
        account: row.id()?,
        group: row.id()?,
        crn: row.text()?,
        metric: row.word(Metric::parse)?,
        quantity: row.count()?,
        from: row.time()?,
        until: row.opt_time()?,
    })
}

#[async_trait]
impl OutboxStore for SqlStore {
    async fn event_append(&self, _permit: SystemPermit, event: Event) -> Result<(), StoreError> {
        writing!(self, |tx| event_insert(tx, &event))
    }

    async fn events(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Event)>, StoreError> {
        let rows = self
            .engine
            .glance()
            .await?
            .all(
                "SELECT account_id, seq, id, at, action, outcome, severity, initiator_id,
                   initiator_name, initiator_type_uri, initiator_credential, initiator_address,
                   initiator_agent, target_crn, target_name, target_type_uri, target_group_id,
                   reason_code, reason, request_id, request_data
                 FROM events WHERE account_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                binds![account, after, limit],
            )
            .await?;
        rows.into_iter().map(event).collect()
    }

    async fn usage(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
    ) -> Result<Vec<UsageRecord>, StoreError> {
        let rows = self
            .engine
            .glance()
            .await?
            .all(
                "SELECT id, account_id, group_id, crn, metric, quantity, from_at, until_at
                 FROM usage_records WHERE account_id = $1 ORDER BY from_at, id",
                binds![account],
            )
            .await?;
        rows.into_iter().map(usage).collect()
    }
}
