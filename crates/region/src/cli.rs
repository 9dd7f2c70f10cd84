//! The commands of the operator. Data goes to stdout, talk to stderr.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    admin, bench, catalog, clock, data_dir::DataDir, disk, env, fault, keys, openapi, operator,
    serve, settings::ServeArgs, store,
};

/// Ectype: IBM Cloud VPC's image from volume, as a region of your own.
#[derive(Parser)]
#[command(name = "ectype", version, propagate_version = true, after_help = ::cli::overview())]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run a region.
    Serve(ServeArgs),
    /// End a running region and its guests.
    Stop(DataArgs),
    /// Say whether a region runs, and what is in it.
    Status(JsonArgs),
    /// Print the shell lines that point SDKs, Terraform and scripts at a region.
    Env(JsonArgs),
    /// Print the OpenAPI document of all that a region serves.
    Openapi,
    /// Region time of a region with --virtual-clock: read it, stop it, move it forward.
    Clock {
        #[command(subcommand)]
        command: clock::ClockCommand,
    },
    /// Failures on demand: the next calls of an operation fail or are delayed, an image or volume
    /// has a status that is forced.
    Fault {
        #[command(subcommand)]
        command: fault::FaultCommand,
    },
    /// Stock images.
    Catalog {
        #[command(subcommand)]
        command: catalog::CatalogCommand,
    },
    /// Disk files: one becomes an image, or an image becomes one, by a running region.
    Disk {
        #[command(subcommand)]
        command: disk::DiskCommand,
    },
    /// Accounts of a running region.
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Accounts, users, lost API keys and sign-out, of a running region.
    Admin {
        #[command(subcommand)]
        command: admin::AdminCommand,
    },
    /// Root keys of a running region: their versions, rotation, retirement.
    Keys {
        #[command(subcommand)]
        command: keys::KeysCommand,
    },
    /// Read-only views of images and volumes over NBD, of a running region.
    View {
        #[command(subcommand)]
        command: ViewCommand,
    },
    /// The chunk store: what is in it, whether it is whole, and what nothing needs any more.
    Store {
        #[command(subcommand)]
        command: store::StoreCommand,
    },
    /// Measure this program on this machine, where it can beside a peer.
    Bench(bench::BenchArgs),
    #[command(name = export::supervisor::SUPERVISOR_COMMAND, hide = true)]
    VolumeSupervisor,
    #[command(name = export::engine::ENGINE_COMMAND, hide = true)]
    VolumeEngine,
}

/// Which region.
#[derive(Args)]
pub struct DataArgs {
    /// Data directory of the region [default: $XDG_DATA_HOME/ectype].
    #[arg(long, env = "ECTYPE_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// Which region, and how to answer.
#[derive(Args)]
pub struct JsonArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

/// Commands about accounts.
#[derive(Subcommand)]
pub enum AccountCommand {
    /// Make an account with an owner and an API key; prints both as JSON, once.
    Create {
        /// Display name.
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Commands about views.
#[derive(Subcommand)]
pub enum ViewCommand {
    /// Serve an image, or the volume of a stopped instance; prints its NBD URI.
    Open {
        /// Id of an image or a volume.
        id: String,
        /// The id is a volume's.
        #[arg(long)]
        volume: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// End a view.
    Close {
        /// Id of an image or a volume.
        id: String,
        /// The id is a volume's.
        #[arg(long)]
        volume: bool,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Runs a command other than the hidden ones.
pub fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => serve::serve(args),
        Command::Stop(args) => operator::client::stop(&DataDir::find(args.data)?),
        Command::Status(args) => {
            operator::client::status(&DataDir::find(args.data.data)?, args.json)
        }
        Command::Env(args) => env::print(&DataDir::find(args.data.data)?, args.json),
        Command::Openapi => openapi::print(),
        Command::Bench(args) => bench::bench(&args),
        Command::Clock { command } => clock::run(command),
        Command::Fault { command } => fault::run(command),
        Command::Catalog { command } => catalog::run(command),
        Command::Store { command } => store::run(command),
        Command::Disk { command } => disk::run(command),
        Command::Keys { command } => keys::run(command),
        Command::Admin { command } => admin::run(command),
        Command::Account { command: AccountCommand::Create { name, data } } => {
            operator::client::account_create(&DataDir::find(data.data)?, name)
        }
        Command::View { command } => match command {
            ViewCommand::Open { id, volume, data } => {
                operator::client::view(&DataDir::find(data.data)?, id, volume, true)
            }
            ViewCommand::Close { id, volume, data } => {
                operator::client::view(&DataDir::find(data.data)?, id, volume, false)
            }
        },
        Command::VolumeSupervisor | Command::VolumeEngine => {
            anyhow::bail!("this command is the program's own")
        }
    }
}
