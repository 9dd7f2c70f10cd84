//! The commands without a server: the data directory is taken, its database and chunk store are
//! opened, its keys are not.

use std::sync::Arc;

use anyhow::Context;
use base::{Clock, OsEntropy, SystemClock};
use blocks::sealed::ChunkStore;
use control::{Upkeep, UpkeepError};
use meta::SqlStore;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    act::{self, Step, errand},
    ask::StoreAsk,
    recover,
    show::Progress,
};
use crate::data_dir::DataDir;

/// Runs a command in this process.
pub fn run(data: &DataDir, ask: &StoreAsk, progress: &mut Progress) -> anyhow::Result<Value> {
    let _held = data.lock()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let (tell, mut told) = watch::channel::<Step>((String::new(), 0, 0));
        let work = work(data, ask, &tell);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                changed = told.changed() => {
                    changed?;
                    let (what, done, total) = told.borrow_and_update().clone();
                    progress.tell(&what, done, total);
                }
            }
        }
    })
}

async fn work(data: &DataDir, ask: &StoreAsk, tell: &watch::Sender<Step>) -> anyhow::Result<Value> {
    if let StoreAsk::Recover { adopt, account, region } = ask {
        return recover::offline(data, *adopt, account.as_deref(), region.as_deref()).await;
    }
    // The keys may be elsewhere: nothing here needs them.
    let rows = std::fs::metadata(data.path("database.sqlite")).map_or(0, |meta| meta.len());
    anyhow::ensure!(
        rows > 0,
        "{} holds no database: it is the roots of everything. Put it back from a backup, or look \
         at `ectype store recover --offline`",
        data.root().display()
    );
    let (upkeep, database) = open(data).await?;
    let done = act_alone(&upkeep, ask, tell).await;
    database.close().await;
    done
}

async fn open(data: &DataDir) -> anyhow::Result<(Upkeep, Arc<SqlStore>)> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let url = format!("sqlite:{}", data.path("database.sqlite").display());
    let database = SqlStore::open(&url, Arc::clone(&clock), Arc::new(OsEntropy))
        .await
        .context("open the database")?;
    let database = Arc::new(database);
    let chunks = ChunkStore::open(&data.path("store")).context("open the chunk store")?;
    Ok((Upkeep::new(database.clone(), Arc::new(chunks), clock), database))
}

async fn act_alone(
    upkeep: &Upkeep,
    ask: &StoreAsk,
    tell: &watch::Sender<Step>,
) -> anyhow::Result<Value> {
    if let Some(value) = act::look(upkeep, ask, tell).await? {
        return Ok(value);
    }
    let done: Result<Value, UpkeepError> = match ask {
        StoreAsk::Gc { options } => {
            let errand = errand(options.bytes_per_second, tell);
            upkeep.gc(options, &errand).await.map(|report| json!(report))
        }
        StoreAsk::Scrub { rate } => {
            upkeep.scrub(&errand(*rate, tell)).await.map(|report| json!(report))
        }
        StoreAsk::Repair { options } => {
            let errand = errand(options.bytes_per_second, tell);
            upkeep.repair_alone(options, &errand).await.map(|report| json!(report))
        }
        _ => anyhow::bail!("it only looks"),
    };
    match ask {
        StoreAsk::Scrub { .. } | StoreAsk::Repair { .. } => act::with_known(upkeep, done?).await,
        _ => Ok(done?),
    }
}
