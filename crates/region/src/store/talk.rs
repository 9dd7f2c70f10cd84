//! Both ends of a question about the store: lines of progress, then one answer.

use std::io::{BufRead, BufReader as StdReader, Read};

use anyhow::Context;
use control::Control;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::watch,
};

use super::{
    act::{self, Step},
    ask::{StoreAsk, StoreLine},
    show::Progress,
};
use crate::{
    data_dir::DataDir,
    operator::{Ask, client},
};

/// Longest answer, in bytes: reports name a bounded number of things.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// Answers on the region's end. Work that nobody waits for any more ends; jobs go on.
pub async fn serve(
    stream: &mut (impl AsyncWrite + Unpin),
    region: &Control,
    ask: &StoreAsk,
) -> anyhow::Result<()> {
    let (tell, mut told) = watch::channel::<Step>((String::new(), 0, 0));
    let work = act::act(region, ask, &tell);
    tokio::pin!(work);
    let last = loop {
        tokio::select! {
            done = &mut work => break match done {
                Ok(value) => StoreLine::Done { value },
                Err(error) => StoreLine::Refused { why: format!("{error:#}") },
            },
            changed = told.changed() => {
                changed?;
                let (what, done, total) = told.borrow_and_update().clone();
                line(stream, &StoreLine::Progress { what, done, total }).await?;
                // More often is of no use to anybody.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    };
    line(stream, &last).await
}

async fn line(stream: &mut (impl AsyncWrite + Unpin), line: &StoreLine) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(stream.write_all(&bytes).await?)
}

/// Asks a running region.
pub fn ask(
    data: &DataDir,
    ask: &StoreAsk,
    progress: &mut Progress,
) -> anyhow::Result<serde_json::Value> {
    let mut stream = client::connect(data).context(
        "with --offline the command works without one, where no server uses the directory",
    )?;
    client::send(&mut stream, &Ask::Store { command: ask.clone() })?;
    let mut lines = StdReader::new(stream.take(ANSWER_BYTES_MAX));
    loop {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        match serde_json::from_str(&line).context("the server ended before it answered")? {
            StoreLine::Progress { what, done, total } => progress.tell(&what, done, total),
            StoreLine::Done { value } => return Ok(value),
            StoreLine::Refused { why } => anyhow::bail!(why),
        }
    }
}
