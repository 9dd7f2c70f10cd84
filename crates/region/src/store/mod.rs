//! `ectype store`: the chunk store's upkeep for the operator.
//!
//! Each command speaks to the running region, or with `--offline` takes the data directory for
//! itself. Its invariant: without `--adopt` and `--disk` no command opens a customer's key;
//! offline, nothing but `recover` opens any. Exit codes: 0 done, 1 damage found or not done, 2 usage.
//!
//! Next to read: `ask` for what is asked, `act` for what is done, `offline`, `show`.

mod act;
mod ask;
mod offline;
mod recover;
mod show;
mod talk;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use control::{GcOptions, RepairDisk, RepairOptions};
use formats::Format;

pub use self::{ask::StoreAsk, talk::serve};
use crate::{cli::DataArgs, data_dir::DataDir};

/// Mebibytes in bytes.
const MIB: u64 = 1 << 20;

/// Which store, and how to answer.
#[derive(Args)]
pub struct StoreArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
    /// Work without a server: take the data directory for this command.
    #[arg(long)]
    offline: bool,
}

/// Commands about the chunk store.
#[derive(Subcommand)]
pub enum StoreCommand {
    /// Say what is in the store, what nothing needs, and when it was last checked.
    Stats {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Read every byte and walk every image; names each bad record and the images it hurts.
    Verify {
        #[command(flatten)]
        store: StoreArgs,
        /// Read at most so many MiB a second.
        #[arg(long, value_name = "MIB")]
        rate: Option<u64>,
    },
    /// Read every byte in the background and remember what is bad; goes on where it was cut off.
    Scrub {
        #[command(flatten)]
        store: StoreArgs,
        /// Read at most so many MiB a second.
        #[arg(long, value_name = "MIB")]
        rate: Option<u64>,
    },
    /// Make whole what scrubs and verifications found damaged, and what is missing: from the store
    /// itself, and from other copies of its packs.
    Repair {
        #[command(flatten)]
        store: StoreArgs,
        /// A backup of the data directory or of its store, or a folder with files that are packs.
        /// May be given several times; the first one that has a record gives it.
        #[arg(long, value_name = "DIR")]
        from: Vec<PathBuf>,
        /// An image whose chunks may be made again of a disk file that it was exported to.
        #[arg(long, value_name = "ID", requires = "disk", conflicts_with = "offline")]
        image: Option<String>,
        /// That disk file.
        #[arg(long, value_name = "FILE", requires = "image")]
        disk: Option<PathBuf>,
        /// Its format [default: by its extension].
        #[arg(long, value_name = "raw|qcow2|vhd", requires = "disk")]
        format: Option<String>,
        /// Read and write at most so many MiB a second.
        #[arg(long, value_name = "MIB")]
        rate: Option<u64>,
    },
    /// Delete what no image, volume or view needs: a pack found dead by two runs, after its grace.
    Gc {
        #[command(flatten)]
        store: StoreArgs,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
        /// How long a dead pack waits for its deletion. 0 is for a store that nobody reads now.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        grace_hours: u64,
        /// After a recovery: every image that must stay is listed again, so what no listed image,
        /// volume or view needs may be deleted from now on. Switches the collection on; collects
        /// nothing by itself.
        #[arg(long, conflicts_with = "dry_run")]
        confirm_roots: bool,
    },
    /// Copy what is needed out of packs that are mostly not; ids and keys stay.
    Repack {
        #[command(flatten)]
        store: StoreArgs,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
        /// Packs of which less than this is needed. 100 leaves no unneeded byte.
        #[arg(
            long,
            value_name = "PERCENT",
            default_value_t = control::REPACK_BELOW_PERCENT,
            value_parser = clap::value_parser!(u64).range(1..=100)
        )]
        below: u64,
    },
    /// Make the index anew from the packs, and compare it with a scan of every byte.
    RebuildIndex {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// List the images that manifests in the store tell of, and what the database has of them.
    Recover {
        #[command(flatten)]
        store: StoreArgs,
        /// Write those that the database does not have as rows again. With the database lost,
        /// makes a new one. Switches the collection off until `gc --confirm-roots`.
        #[arg(long)]
        adopt: bool,
        /// Account of images whose own account is not there: an id, or `first`.
        #[arg(long, value_name = "ACCOUNT", requires = "adopt")]
        account: Option<String>,
        /// The lost region's name, if credentials.json does not tell it.
        #[arg(long, value_name = "REGION", requires = "adopt")]
        region: Option<String>,
    },
}

fn rate(mib: Option<u64>) -> Option<u64> {
    mib.map(|mib| mib.saturating_mul(MIB))
}

/// The path as it means here: the server is elsewhere.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::fs::canonicalize(path).with_context(|| format!("read {}", path.display()))
}

fn repair_disk(image: String, file: &Path, format: Option<String>) -> anyhow::Result<RepairDisk> {
    let named = || Format::of_name(file).map(|format| format.as_str().to_owned());
    let format = format.or_else(named);
    let format = format
        .with_context(|| format!("{} does not say its format: add --format", file.display()))?;
    Ok(RepairDisk { image, file: absolute(file)?, format })
}

/// Runs a command.
pub fn run(command: StoreCommand) -> anyhow::Result<()> {
    let (store, ask) = match command {
        StoreCommand::Stats { store } => (store, StoreAsk::Stats),
        StoreCommand::Verify { store, rate: mib } => (store, StoreAsk::Verify { rate: rate(mib) }),
        StoreCommand::Scrub { store, rate: mib } => (store, StoreAsk::Scrub { rate: rate(mib) }),
        StoreCommand::Repair { store, from, image, disk, format, rate: mib } => {
            let mut options =
                RepairOptions { bytes_per_second: rate(mib), ..RepairOptions::default() };
            for dir in from {
                options.from.push(absolute(&dir)?);
            }
            if let (Some(image), Some(file)) = (image, disk) {
                options.disk = Some(repair_disk(image, &file, format)?);
            }
            (store, StoreAsk::Repair { options })
        }
        StoreCommand::Gc { store, dry_run, grace_hours, confirm_roots } => {
            let grace_seconds = grace_hours.saturating_mul(3600);
            let options = GcOptions { grace_seconds, ..GcOptions::default() };
            let ask = match (confirm_roots, dry_run) {
                (true, _) => StoreAsk::ConfirmRoots,
                (false, true) => StoreAsk::Plan { options },
                (false, false) => StoreAsk::Gc { options },
            };
            (store, ask)
        }
        StoreCommand::Repack { store, dry_run, below } => {
            let options =
                GcOptions { sweep: false, repack_below_percent: below, ..GcOptions::default() };
            let ask = if dry_run { StoreAsk::Plan { options } } else { StoreAsk::Gc { options } };
            (store, ask)
        }
        StoreCommand::RebuildIndex { store } => (store, StoreAsk::RebuildIndex),
        StoreCommand::Recover { store, adopt, account, region } => {
            (store, StoreAsk::Recover { adopt, account, region })
        }
    };
    let data = DataDir::find(store.data.data)?;
    let mut told = show::Progress::new();
    let value = if store.offline {
        offline::run(&data, &ask, &mut told)
    } else {
        talk::ask(&data, &ask, &mut told)
    };
    drop(told);
    let value = value?;
    if store.json {
        println!("{}", serde_json::to_string_pretty(&value)?);
    } else {
        show::show(&ask, &value);
    }
    let first = data.credentials().ok().filter(|_| !store.offline);
    let first = first.map_or(recover::FIRST.to_owned(), |known| known.account_id);
    show::verdict(&ask, &value, &first)
}
