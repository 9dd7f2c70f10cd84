//! SQLite, a file of its own for each test.

use std::sync::Arc;

use async_trait::async_trait;
use base::{Clock, Entropy};
use ectype_meta::{SqlStore, Store};
use tempfile::TempDir;
use testkit::store_contract::FreshStore;

struct Sqlite {
    dir: TempDir,
}

#[async_trait]
impl FreshStore for Sqlite {
    async fn open(&self, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Arc<dyn Store> {
        let url = format!("sqlite:{}", self.dir.path().join("meta.db").display());
        Arc::new(SqlStore::open_volatile(&url, clock, entropy).await.unwrap())
    }
}

fn fresh() -> Option<Sqlite> {
    Some(Sqlite { dir: tempfile::tempdir().unwrap() })
}

testkit::store_contract_tests!(fresh());
