//! `ectype keys`: the root keys that the region itself keeps, one for each account.

use std::time::Duration;

use base::AccountId;
use clap::{Args, Subcommand};
use control::Control;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    cli::JsonArgs,
    data_dir::DataDir,
    operator::{Ask, client},
};

/// How often a rotation is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whose key.
#[derive(Args)]
pub struct KeyArgs {
    /// Id of the account [default: the region's first account].
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[command(flatten)]
    region: JsonArgs,
}

/// Commands about root keys.
#[derive(Subcommand)]
pub enum KeysCommand {
    /// List the versions of an account's root key, and how many images and volumes each wraps.
    List(KeyArgs),
    /// Make a new version, and wrap the data keys of all images and volumes by it. No image and
    /// no volume is read or written; the old version goes on opening what it wrapped.
    Rotate(KeyArgs),
    /// Destroy the versions before the current one. Backups of the database from before the
    /// rotation open no more.
    Retire {
        #[command(flatten)]
        key: KeyArgs,
        /// How long ago the rotation must be.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        grace_hours: u64,
    },
}

/// What is asked on the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "keys", rename_all = "snake_case", deny_unknown_fields)]
pub enum KeysAsk {
    /// The versions.
    List,
    /// A new version.
    Rotate,
    /// Destroy old ones.
    Retire {
        /// How long ago the rotation must be.
        grace_hours: u64,
    },
}

/// Runs a command.
pub fn run(command: KeysCommand) -> anyhow::Result<()> {
    let (key, command) = match command {
        KeysCommand::List(key) => (key, KeysAsk::List),
        KeysCommand::Rotate(key) => (key, KeysAsk::Rotate),
        KeysCommand::Retire { key, grace_hours } => (key, KeysAsk::Retire { grace_hours }),
    };
    let data = DataDir::find(key.region.data.data)?;
    let account = match key.account {
        Some(account) => account,
        None => data.credentials()?.account_id,
    };
    let value = client::ask(&data, &Ask::Keys { account, command })?;
    if key.region.json {
        println!("{}", serde_json::to_string_pretty(&value)?);
        return Ok(());
    }
    println!("account   {}", value["account"].as_str().unwrap_or_default());
    for one in value["versions"].as_array().into_iter().flatten() {
        println!(
            "version   {} {} {} since {}",
            one["version"],
            if one["current"] == true { "wraps" } else { "opens" },
            one["wraps"],
            one["since"].as_str().unwrap_or("the beginning"),
        );
    }
    Ok(())
}

/// By the region.
pub async fn act(region: &Control, account: &str, command: KeysAsk) -> anyhow::Result<Value> {
    let account = AccountId::parse(account)?;
    let versions = match command {
        KeysAsk::List => region.key_versions(&account).await?,
        KeysAsk::Retire { grace_hours } => {
            let grace = Duration::from_secs(grace_hours.saturating_mul(3600));
            region.key_retire(&account, grace).await?
        }
        KeysAsk::Rotate => {
            let id = region.key_rotate(&account).await?;
            loop {
                let job = region.key_job(&id).await?;
                match job.succeeded {
                    Some(true) => break,
                    Some(false) => {
                        anyhow::bail!(job.error.unwrap_or_else(|| "it failed".to_owned()))
                    }
                    None => tokio::time::sleep(LOOK_EVERY).await,
                }
            }
            region.key_versions(&account).await?
        }
    };
    Ok(json!(versions))
}
