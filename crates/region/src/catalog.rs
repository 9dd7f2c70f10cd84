//! `ectype catalog`: the stock image in its shared cache, and stock images of a region.

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

/// Commands about the catalogue.
#[derive(Subcommand)]
pub enum CatalogCommand {
    /// Build the bootable stock image into the cache, unless it is there; prints its path.
    Build {
        /// Folder of the cache [default: $XDG_CACHE_HOME/ectype/stock].
        #[arg(long, env = "ECTYPE_STOCK_CACHE", value_name = "DIR")]
        cache: Option<PathBuf>,
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
    }
}

/// Puts a stock image into a region that has none: the bootable one where guests are real and
/// the cache has it, a small one where they are not.
pub async fn ensure(region: &Control, real_guests: bool, scratch: &Path) -> anyhow::Result<()> {
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
