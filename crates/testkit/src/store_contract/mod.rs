//! The contract of `meta::Store`: what every implementation must do.
//!
//! Each function is one test. It gets a [`FreshStore`], opens one empty store from it and speaks
//! through the port alone. [`crate::store_contract_tests!`] lists them all and makes a test of
//! each.

use std::sync::Arc;

use async_trait::async_trait;
use base::{Clock, Entropy};
use meta::Store;

pub mod access;
pub mod accounts;
pub mod addresses;
pub mod allowed_use;
pub mod attachments;
pub mod captures;
pub mod faults;
pub mod firewall;
pub mod floating_ips;
pub mod groups;
pub mod identity;
pub mod images;
pub mod instances;
pub mod interfaces;
pub mod job_rows;
pub mod key_protect;
pub mod lifecycle;
pub mod lineage;
mod list;
pub mod names;
pub mod network;
pub mod outbox;
pub mod pages;
pub mod principals;
pub mod races;
pub mod search;
pub mod starts;
pub mod store_gc;
pub mod tags;
pub mod vnis;
pub mod volumes;
pub mod world;
mod world_images;
mod world_instances;
mod world_network;
pub mod wraps;

/// Opens stores of one implementation, each without a row.
#[async_trait]
pub trait FreshStore: Send + Sync {
    /// An empty store.
    async fn open(&self, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Arc<dyn Store>;
}
