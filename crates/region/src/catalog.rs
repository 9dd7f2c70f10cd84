//! `ectype catalog`: the stock image in its shared cache, and the stock images of a region, which
//! are the operator's to add and to retire.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use base::GB;
use clap::Subcommand;
use compute::stock::{self, BuildOptions};
use control::{Control, StockImage};
use formats::Format;
use serde_json::Value;

use crate::{
    cli::JsonArgs,
    data_dir::DataDir,
    disk,
    operator::{Ask, client},
};

/// Commands about the catalogue.
#[derive(Subcommand)]
pub enum CatalogCommand {
    /// Build the bootable stock image into the cache, unless it is there; prints its path.
    Build {
        /// Folder of the cache [default: $XDG_CACHE_HOME/ectype/stock].
        #[arg(long, env = "ECTYPE_STOCK_CACHE", value_name = "DIR")]
        cache: Option<PathBuf>,
    },
    /// Make a stock image of a disk file, of a running region: public and available. Older ones
    /// of its operating system become deprecated. Prints its id.
    Add {
        /// The disk file. One that needs another file is refused.
        file: PathBuf,
        /// Name of the image.
        #[arg(long)]
        name: String,
        /// Name of its operating system, such as debian-12-amd64.
        #[arg(long, value_name = "NAME")]
        operating_system: String,
        /// Format of the file; its content is never asked [default: by its extension].
        #[arg(long, value_parser = disk::format_of, value_name = "raw|qcow2|vhd")]
        format: Option<Format>,
        #[command(flatten)]
        region: JsonArgs,
    },
    /// List the stock images of a running region, newest first.
    List(JsonArgs),
    /// End the support of a stock image, or of all of an operating system: they become
    /// deprecated, or obsolete. Prints the names of those that changed.
    Retire {
        /// Name of the image.
        #[arg(required_unless_present = "operating_system")]
        name: Option<String>,
        /// All of this operating system.
        #[arg(long, value_name = "NAME", conflicts_with = "name")]
        operating_system: Option<String>,
        /// The vendor ended it: no instance can be made of it any more.
        #[arg(long)]
        obsolete: bool,
        #[command(flatten)]
        region: JsonArgs,
    },
}

/// Folder of the shared cache.
fn cache_dir(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(dir) = named {
        return Ok(dir);
    }
    if let Some(base) = std::env::var_os("XDG_CACHE_HOME").filter(|v| !v.is_empty()) {
        return Ok(PathBuf::from(base).join("ectype/stock"));
    }
    let home = std::env::var_os("HOME").filter(|v| !v.is_empty());
    let home = home.context("neither XDG_CACHE_HOME nor HOME is set: give --cache DIR")?;
    Ok(PathBuf::from(home).join(".cache/ectype/stock"))
}

fn image_path(cache: &Path) -> PathBuf {
    cache.join(format!("{}.raw", stock::IMAGE_NAME))
}

/// Runs a command.
pub fn run(command: CatalogCommand) -> anyhow::Result<()> {
    match command {
        CatalogCommand::Build { cache } => {
            let cache = cache_dir(cache)?;
            std::fs::create_dir_all(&cache).with_context(|| format!("make {}", cache.display()))?;
            let options = BuildOptions {
                work: cache.join("work"),
                out: image_path(&cache),
                capacity: stock::CAPACITY,
            };
            let image = stock::build(&options).context("build the stock image")?;
            println!("{}", image.path.display());
            Ok(())
        }
        CatalogCommand::Add { file, name, operating_system, format, region } => {
            let data = DataDir::find(region.data.data)?;
            let format = format.or_else(|| Format::of_name(&file));
            let format = format.with_context(|| disk::unnamed(&file))?;
            let file =
                std::fs::canonicalize(&file).with_context(|| format!("read {}", file.display()))?;
            let format = format.as_str().to_owned();
            let ask = Ask::CatalogAdd { name, operating_system, file, format };
            let made = disk::told(&data, &ask)?;
            show(region.json, &made, "id")
        }
        CatalogCommand::List(region) => {
            let data = DataDir::find(region.data.data)?;
            let all = client::ask_told(&data, &Ask::CatalogList, &mut |_, _| {})?;
            list(region.json, &all)
        }
        CatalogCommand::Retire { name, operating_system, obsolete, region } => {
            let data = DataDir::find(region.data.data)?;
            let system = operating_system.is_some();
            let name = name.or(operating_system).context("name an image or a system")?;
            let ask = Ask::CatalogRetire { name, system, obsolete };
            let changed = client::ask_told(&data, &ask, &mut |_, _| {})?;
            show(region.json, &changed, "name")
        }
    }
}

/// One field of each image, or all of them in JSON.
fn show(json: bool, value: &Value, field: &str) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(value)?);
        return Ok(());
    }
    let one = std::slice::from_ref(value);
    for image in value.as_array().map_or(one, Vec::as_slice) {
        println!("{}", image[field].as_str().unwrap_or_default());
    }
    Ok(())
}

fn list(json: bool, all: &Value) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(all)?);
        return Ok(());
    }
    for image in all.as_array().into_iter().flatten() {
        let text = |name: &str| image[name].as_str().unwrap_or("-").to_owned();
        println!(
            "{:<32} {:<28} {:<12} {:<24} {}",
            text("name"),
            text("operating_system"),
            text("status"),
            text("deprecation_at"),
            text("obsolescence_at")
        );
    }
    Ok(())
}

/// Puts a stock image into a region that has none: the bootable one where guests are real and
/// the cache has it, a small one where they are not.
pub async fn ensure(region: &Control, real_guests: bool, scratch: &Path) -> anyhow::Result<()> {
    region.stock_ends_follow().await.context("date the stock images")?;
    if !real_guests {
        return ensure_small(region, scratch).await;
    }
    let cache = cache_dir(std::env::var_os("ECTYPE_STOCK_CACHE").map(PathBuf::from))?;
    let file = image_path(&cache);
    if !file.exists() {
        tracing::warn!(
            "no stock image in {}: make one with `ectype catalog build`, then start again",
            cache.display()
        );
        return Ok(());
    }
    let stock = StockImage {
        name: stock::IMAGE_NAME.to_owned(),
        operating_system: stock::OS_NAME.to_owned(),
        file,
    };
    if region.stock_add(stock).await.context("add the stock image")? {
        tracing::info!(name = stock::IMAGE_NAME, "stock image added");
    }
    Ok(())
}

/// A disk that no guest boots, for regions without guests: one marked sector of 100 GB.
async fn ensure_small(region: &Control, scratch: &Path) -> anyhow::Result<()> {
    const NAME: &str = "ectype-placeholder-1";
    if region.stock_names().await?.iter().any(|name| name == NAME) {
        return Ok(());
    }
    let file = scratch.join(format!("stock-{}.raw", std::process::id()));
    let disk = File::create(&file).with_context(|| format!("write {}", file.display()))?;
    disk.set_len(100 * GB)?;
    disk.write_all_at(b"ectype: a disk of a region without guests\n", 0)?;
    let stock = StockImage {
        name: NAME.to_owned(),
        operating_system: stock::OS_NAME.to_owned(),
        file: file.clone(),
    };
    let added = region.stock_add(stock).await;
    std::fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
    added.context("add the stock image")?;
    Ok(())
}
