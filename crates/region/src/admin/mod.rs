//! `ectype admin`: what IBM does outside its API, by the operator of a running region: accounts,
//! their users, new API keys for those who lost theirs, sign-out, and the keys that sign tokens.
//!
//! Its invariant: an API key goes to a terminal or into a file for its owner alone, and never onto
//! a command line or into a pipe.

mod act;

pub use act::act;

use std::{io::IsTerminal, path::PathBuf};

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cli::{DataArgs, JsonArgs},
    data_dir::{self, DataDir, StoredCredentials},
    operator::{Ask, client},
};

/// Where an API key goes.
#[derive(Args)]
pub struct KeyArgs {
    /// Write the credentials into this file, for its owner alone; needed when standard output is
    /// no terminal.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

/// Which account.
#[derive(Args)]
pub struct AccountArgs {
    /// Id of the account [default: the region's first account].
    #[arg(long, value_name = "ID")]
    account: Option<String>,
}

/// Commands of the operator about identity.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Accounts.
    Accounts {
        #[command(subcommand)]
        command: AccountsCommand,
    },
    /// Users of an account.
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Give the owner of an account, or a user of it, one new API key. Every other key, session
    /// and token of theirs ends.
    ResetKey {
        /// IAM id of the user [default: the owner].
        #[arg(long, value_name = "IAM_ID")]
        user: Option<String>,
        #[command(flatten)]
        account: AccountArgs,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Sign out everybody in an account, or one user, service ID or profile of it: sessions and
    /// tokens end at once. API keys sign in again.
    SignOut {
        /// IAM id of the one.
        #[arg(long, value_name = "IAM_ID")]
        user: Option<String>,
        #[command(flatten)]
        account: AccountArgs,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Make a new key that signs tokens. Tokens of the one before live on until their time is
    /// over.
    RotateTokenKey(DataArgs),
}

/// Commands about accounts.
#[derive(Subcommand)]
pub enum AccountsCommand {
    /// Make an account with an owner.
    Create {
        /// Display name.
        name: String,
        /// The owner's mail address.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// List accounts.
    List(JsonArgs),
}

/// Commands about users.
#[derive(Subcommand)]
pub enum UsersCommand {
    /// Add a user. Without a policy it has no access.
    Add {
        /// Mail address.
        email: String,
        /// Given and family name [default: what is before the @].
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        account: AccountArgs,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// List the users of an account.
    List {
        #[command(flatten)]
        account: AccountArgs,
        #[command(flatten)]
        region: JsonArgs,
    },
    /// Remove a user with its API keys; not the owner.
    Remove {
        /// IAM id.
        user: String,
        #[command(flatten)]
        account: AccountArgs,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// What is asked on the socket.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "admin", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminAsk {
    /// A new account.
    AccountCreate {
        /// Display name.
        name: String,
        /// The owner's mail address.
        email: Option<String>,
    },
    /// Every account.
    AccountList,
    /// A new user.
    UserAdd {
        /// The account.
        account: String,
        /// Mail address.
        email: String,
        /// Name.
        name: Option<String>,
    },
    /// Users of an account.
    UserList {
        /// The account.
        account: String,
    },
    /// A user goes.
    UserRemove {
        /// The account.
        account: String,
        /// IAM id.
        user: String,
    },
    /// One new API key.
    KeyReset {
        /// The account.
        account: String,
        /// IAM id; the owner when none.
        user: Option<String>,
    },
    /// Sign-out.
    SignOut {
        /// The account.
        account: String,
        /// IAM id; everybody when none.
        user: Option<String>,
    },
    /// A new key signs tokens.
    TokenKeyRotate,
}

/// Runs a command.
pub fn run(command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::Accounts { command: AccountsCommand::Create { name, email, key } } => {
            let data = DataDir::find(key.data.data)?;
            give(&data, key.out, AdminAsk::AccountCreate { name, email }).map(drop)
        }
        AdminCommand::Accounts { command: AccountsCommand::List(region) } => {
            let data = DataDir::find(region.data.data)?;
            let value = ask(&data, AdminAsk::AccountList)?;
            table(&value, &["account_id", "owner", "name"], region.json)
        }
        AdminCommand::Users { command } => users(command),
        AdminCommand::ResetKey { user, account, key } => {
            let data = DataDir::find(key.data.data)?;
            let account = account_of(&data, account)?;
            let value = give(&data, key.out, AdminAsk::KeyReset { account, user })?;
            keep(&data, &value)
        }
        AdminCommand::SignOut { user, account, data } => {
            let data = DataDir::find(data.data)?;
            let account = account_of(&data, account)?;
            let count = ask(&data, AdminAsk::SignOut { account, user })?;
            eprintln!("ectype: {count} signed out");
            Ok(())
        }
        AdminCommand::RotateTokenKey(data) => {
            let kid = ask(&DataDir::find(data.data)?, AdminAsk::TokenKeyRotate)?;
            println!("{}", kid.as_str().unwrap_or_default());
            Ok(())
        }
    }
}

fn users(command: UsersCommand) -> anyhow::Result<()> {
    match command {
        UsersCommand::Add { email, name, account, key } => {
            let data = DataDir::find(key.data.data)?;
            let account = account_of(&data, account)?;
            give(&data, key.out, AdminAsk::UserAdd { account, email, name }).map(drop)
        }
        UsersCommand::List { account, region } => {
            let data = DataDir::find(region.data.data)?;
            let account = account_of(&data, account)?;
            let value = ask(&data, AdminAsk::UserList { account })?;
            table(&value, &["iam_id", "email", "name"], region.json)
        }
        UsersCommand::Remove { user, account, data } => {
            let data = DataDir::find(data.data)?;
            let account = account_of(&data, account)?;
            ask(&data, AdminAsk::UserRemove { account, user }).map(drop)
        }
    }
}

fn ask(data: &DataDir, command: AdminAsk) -> anyhow::Result<Value> {
    client::ask(data, &Ask::Admin { command })
}

fn account_of(data: &DataDir, account: AccountArgs) -> anyhow::Result<String> {
    match account.account {
        Some(account) => Ok(account),
        None => Ok(data.credentials()?.account_id),
    }
}

/// Asks for credentials and hands them over, once there is somewhere to hand them to.
fn give(data: &DataDir, out: Option<PathBuf>, command: AdminAsk) -> anyhow::Result<Value> {
    let terminal = std::io::stdout().is_terminal();
    anyhow::ensure!(
        out.is_some() || terminal,
        "an API key is shown to a terminal or written into a file: give --out FILE"
    );
    let value = ask(data, command)?;
    if let Some(file) = out {
        data_dir::write_atomic(&file, &serde_json::to_vec_pretty(&value)?)?;
        eprintln!("ectype: the credentials are in {}", file.display());
        return Ok(value);
    }
    for field in ["account_id", "iam_id", "api_key"] {
        println!("{field:<11} {}", value[field].as_str().unwrap_or_default());
    }
    Ok(value)
}

/// `ectype env` goes on working for the region's first owner.
fn keep(data: &DataDir, given: &Value) -> anyhow::Result<()> {
    let Ok(stored) = data.credentials() else { return Ok(()) };
    if given["iam_id"] != stored.iam_id.as_str() {
        return Ok(());
    }
    let api_key = given["api_key"].as_str().unwrap_or_default().to_owned();
    let stored = StoredCredentials { api_key, ..stored };
    data.write("credentials.json", &serde_json::to_vec_pretty(&stored)?)
}

fn table(value: &Value, columns: &[&str], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(value)?);
        return Ok(());
    }
    for row in value.as_array().into_iter().flatten() {
        let cells = columns.iter().map(|column| row[*column].as_str().unwrap_or_default());
        println!("{}", cells.collect::<Vec<_>>().join("  "));
    }
    Ok(())
}
