//! The store over SQLite and PostgreSQL: one set of statements for both.
//!
//! The portable profile: `$n` parameters, 64-bit integers (times in microseconds), text ids,
//! byte-order collation, `RETURNING`, `ON CONFLICT`, row-value keysets; no JSON or time functions
//! and no sequences. Rules are decided by `model` on rows that were read in the same transaction.
//!
//! | meets | SQLite | PostgreSQL |
//! |---|---|---|
//! | two writers | the second waits for `BEGIN IMMEDIATE` | serializable; the loser is run again |
//! | writer and reader | the reader sees the moment it began | the same |
//!
//! Next to read: `session`, then `image_create`.

mod access_group;
mod access_store;
mod acl;
mod allowed_use;
mod api_key;
mod attach;
mod attachment;
mod connect;
mod counter;
mod fault;
mod firewall_store;
mod floating_ip;
mod floating_store;
mod group;
mod group_target;
mod head;
mod identity;
mod image;
mod image_capture;
mod image_lifecycle;
mod image_lineage;
mod image_list;
mod image_place;
mod image_store;
mod instance;
mod instance_action;
mod instance_create;
mod instance_gone;
mod instance_store;
mod instance_template;
mod instance_view;
mod ip_allocation;
mod job;
mod job_log;
mod kms_instance;
mod kms_key;
mod kms_registration;
mod kms_store;
mod list;
mod login;
mod migrate;
mod network_attachment;
mod network_store;
mod nic;
mod nic_change;
mod outbox;
mod permit;
#[cfg(test)]
mod plan_tests;
mod policy_row;
mod prefix;
mod principal;
mod principal_store;
mod profile;
mod public_gateway;
mod reach;
mod reinitialize;
mod reserved_ip;
mod retry;
mod routing_table;
mod rule;
mod search;
mod security_group;
mod security_group_rule;
mod session;
mod sight;
mod source;
mod ssh_key;
mod store_gc;
mod store_scrub;
mod subnet;
mod tag;
mod tag_store;
mod value;
mod vni;
mod vni_store;
mod volume;
mod volume_change;
mod volume_store;
mod vpc;
mod vpc_parts;
mod wrap_store;

use std::sync::Arc;

use base::{Clock, Entropy};
use connect::{Durability, Engine};
use retry::writing;

use crate::StoreError;

/// The store.
pub struct SqlStore {
    engine: Engine,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl SqlStore {
    /// Opens a database and brings it to the schema of this program: `sqlite:PATH` (the file is
    /// made if it is missing, mode 0600, in a directory that exists) or `postgres://…`.
    ///
    /// `clock` dates jobs by wall time; `entropy` makes ids and names of reserved IPs that are
    /// made with network interfaces.
    ///
    /// # Errors
    /// [`StoreError::DatabaseDamaged`] when the file is no database, [`StoreError::UnknownSchema`]
    /// when a newer program wrote it, [`StoreError::Unavailable`] when it cannot be reached.
    pub async fn open(
        url: &str,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        Self::open_with(url, clock, entropy, Durability::Full).await
    }

    /// As [`Self::open`], but a commit does not wait for the disk: for tests, whose database may
    /// be lost.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_volatile(
        url: &str,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        Self::open_with(url, clock, entropy, Durability::None).await
    }

    async fn open_with(
        url: &str,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let engine = Engine::open(url, durability).await?;
        let store = Self { engine, clock, entropy };
        let now = store.clock.wall();
        let applied =
            writing!(store, |tx| migrate::migrate(tx, now)).map_err(connect::damaged_database)?;
        if applied > 0 {
            tracing::info!(applied, schema = migrate::SCHEMA, "database schema brought up to date");
        }
        Ok(store)
    }

    /// Lets every connection go; SQLite folds its log into the file. Calls after it fail.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}
