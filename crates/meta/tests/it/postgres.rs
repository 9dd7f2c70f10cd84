//! PostgreSQL, a database of its own for each test, copied from one that was brought to the
//! schema.

use std::sync::Arc;

use async_trait::async_trait;
use base::{Clock, Entropy, OsEntropy, SystemClock};
use ectype_meta::{SqlStore, Store};
use testkit::{postgres, store_contract::FreshStore};
use tokio::sync::OnceCell;

struct Postgres {
    server: &'static postgres::Server,
}

#[async_trait]
impl FreshStore for Postgres {
    async fn open(&self, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Arc<dyn Store> {
        static TEMPLATE: OnceCell<()> = OnceCell::const_new();
        let server = self.server;
        TEMPLATE
            .get_or_init(|| async {
                let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(OsEntropy));
                let url = server.template_url();
                SqlStore::open(&url, clock, entropy).await.unwrap().close().await;
            })
            .await;
        Arc::new(SqlStore::open(&server.database().url, clock, entropy).await.unwrap())
    }
}

fn fresh() -> Option<Postgres> {
    postgres::server().map(|server| Postgres { server })
}

testkit::store_contract_tests!(fresh());
