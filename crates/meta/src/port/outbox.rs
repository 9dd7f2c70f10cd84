//! What is written beside each change.

use async_trait::async_trait;
use base::AccountId;
use model::{Event, UsageChange, UsageRecord};
use policy::SystemPermit;

use crate::StoreError;

/// The event and the usage that go into the transaction of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What happened. Several when a call changes several resources.
    pub events: Vec<Event>,
    /// What begins or ends to be billed.
    pub usage: Vec<UsageChange>,
}

/// Reads of the outbox, and events that belong to no change.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Writes the event of a failed or denied call, in a transaction of its own.
    ///
    /// # Errors
    /// When the database is away; the call that it reports must not fail for that.
    async fn event_append(&self, permit: SystemPermit, event: Event) -> Result<(), StoreError>;

    /// Events of an account, oldest first, at most `limit`, after the sequence number `after`.
    async fn events(
        &self,
        permit: SystemPermit,
        account: &AccountId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Event)>, StoreError>;

    /// Usage records of an account, oldest first.
    async fn usage(
        &self,
        permit: SystemPermit,
        account: &AccountId,
    ) -> Result<Vec<UsageRecord>, StoreError>;
}
