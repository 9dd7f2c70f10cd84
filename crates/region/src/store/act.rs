//! What is done: by a running region, or by upkeep alone.

use std::{sync::Arc, time::Duration};

use base::JobId;
use control::{Control, Errand, Upkeep};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{ask::StoreAsk, recover};

/// What is done now, how much of it, and of how much.
pub type Step = (String, u64, u64);

/// How often a job is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Work whose steps go to `tell`.
pub fn errand(rate: Option<u64>, tell: &watch::Sender<Step>) -> Errand {
    let tell = tell.clone();
    Errand {
        tell: Arc::new(move |what, done| {
            tell.send_replace((what.to_owned(), done.done, done.total));
        }),
        ..Errand::quiet(rate)
    }
}

/// What only looks: alike with and without a server. None for everything else.
pub async fn look(
    upkeep: &Upkeep,
    ask: &StoreAsk,
    tell: &watch::Sender<Step>,
) -> anyhow::Result<Option<Value>> {
    let value = match ask {
        StoreAsk::Stats => json!(upkeep.stats(&errand(None, tell)).await?),
        StoreAsk::Verify { rate } => json!(upkeep.verify(&errand(*rate, tell)).await?),
        StoreAsk::Plan { options } => {
            json!(upkeep.gc_plan(options, &errand(options.bytes_per_second, tell)).await?)
        }
        StoreAsk::RebuildIndex => json!(upkeep.rebuild_index(&errand(None, tell)).await?),
        StoreAsk::ConfirmRoots => {
            upkeep.roots_confirm().await?;
            json!({ "gc_enabled": true })
        }
        StoreAsk::Scrub { .. }
        | StoreAsk::Gc { .. }
        | StoreAsk::Repair { .. }
        | StoreAsk::Recover { .. } => return Ok(None),
    };
    Ok(Some(value))
}

/// By a running region: collections, scrubs and repairs are its jobs.
pub async fn act(
    region: &Control,
    ask: &StoreAsk,
    tell: &watch::Sender<Step>,
) -> anyhow::Result<Value> {
    if let Some(value) = look(&region.upkeep(), ask, tell).await? {
        return Ok(value);
    }
    match ask {
        StoreAsk::Gc { options } => job(region, region.store_gc(options).await?, tell).await,
        StoreAsk::Repair { options } => {
            let report = job(region, region.store_repair(options).await?, tell).await?;
            with_known(&region.upkeep(), report).await
        }
        StoreAsk::Scrub { rate } => {
            let report = job(region, region.store_scrub(*rate).await?, tell).await?;
            with_known(&region.upkeep(), report).await
        }
        StoreAsk::Recover { adopt, account, .. } => {
            recover::in_region(region, *adopt, account.as_deref()).await
        }
        _ => anyhow::bail!("it only looks"),
    }
}

/// A report with all damage that is known.
pub async fn with_known(upkeep: &Upkeep, mut report: Value) -> anyhow::Result<Value> {
    report["damage"] = json!(upkeep.known_damage().await?);
    Ok(report)
}

async fn job(region: &Control, id: JobId, tell: &watch::Sender<Step>) -> anyhow::Result<Value> {
    loop {
        let job = region.store_job(&id).await?;
        match job.succeeded {
            Some(true) => return Ok(job.report),
            Some(false) => anyhow::bail!(job.error.unwrap_or_else(|| "it failed".to_owned())),
            None => {}
        }
        if let Some((what, done, total)) = job.progress {
            tell.send_replace((what.to_owned(), done, total));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
