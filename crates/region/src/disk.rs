//! `ectype disk`: disk files become images, and images disk files, by a running region.
//!
//! The server opens the files, with the rights of its user; paths are made absolute here, where
//! they mean what the operator means.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, Subcommand};
use formats::{Format, OutputFormat};

use crate::{
    cli::JsonArgs,
    data_dir::DataDir,
    operator::{Ask, client},
};

/// Commands about disk files.
#[derive(Subcommand)]
pub enum DiskCommand {
    /// Make a private image of a disk file; prints its id.
    Import(ImportArgs),
    /// Write an image to a new disk file.
    Export(ExportArgs),
}

/// What becomes an image.
#[derive(Args)]
pub struct ImportArgs {
    /// The disk file. One that needs another file (a backing file, a parent) is refused.
    file: PathBuf,
    /// Id of the account that gets the image [default: the region's first account].
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Id of its resource group [default: the account's default group].
    #[arg(long, value_name = "ID")]
    resource_group: Option<String>,
    /// Name of the image.
    #[arg(long)]
    name: String,
    /// Name of its operating system, such as debian-12-amd64.
    #[arg(long, value_name = "NAME")]
    operating_system: String,
    /// Format of the file; its content is never asked [default: by its extension].
    #[arg(long, value_parser = format_of, value_name = "raw|qcow2|vhd")]
    format: Option<Format>,
    #[command(flatten)]
    region: JsonArgs,
}

/// What becomes a file.
#[derive(Args)]
pub struct ExportArgs {
    /// Id of the image.
    image: String,
    /// The file; it must not be there yet.
    file: PathBuf,
    /// Form of the file; qcow2 is compressed, vhd dynamic [default: by its extension].
    #[arg(long, value_parser = form_of, value_name = "raw|qcow2|qcow2-plain|vhd|vhd-fixed")]
    format: Option<OutputFormat>,
    #[command(flatten)]
    region: JsonArgs,
}

/// Reads the name of a format.
pub fn format_of(word: &str) -> Result<Format, String> {
    Format::parse(word).ok_or_else(|| "raw, qcow2 or vhd".to_owned())
}

fn form_of(word: &str) -> Result<OutputFormat, String> {
    let words = OutputFormat::ALL.map(OutputFormat::as_str).join(", ");
    OutputFormat::parse(word).ok_or_else(|| format!("one of {words}"))
}

/// Runs a command.
pub fn run(command: DiskCommand) -> anyhow::Result<()> {
    match command {
        DiskCommand::Import(args) => import(args),
        DiskCommand::Export(args) => export(args),
    }
}

fn import(args: ImportArgs) -> anyhow::Result<()> {
    let data = DataDir::find(args.region.data.data)?;
    let format = args.format.or_else(|| Format::of_name(&args.file));
    let format = format.with_context(|| unnamed(&args.file))?;
    let account = match args.account {
        Some(account) => account,
        None => data.credentials()?.account_id,
    };
    let file = std::fs::canonicalize(&args.file)
        .with_context(|| format!("read {}", args.file.display()))?;
    let ask = Ask::DiskImport {
        account,
        group: args.resource_group,
        name: args.name,
        operating_system: args.operating_system,
        file,
        format: format.as_str().to_owned(),
    };
    let made = told(&data, &ask)?;
    answer(args.region.json, &made, &["id"])
}

fn export(args: ExportArgs) -> anyhow::Result<()> {
    let data = DataDir::find(args.region.data.data)?;
    let format = args.format.or_else(|| OutputFormat::of_name(&args.file));
    let format = format.with_context(|| unnamed(&args.file))?;
    let (folder, name) = (args.file.parent(), args.file.file_name());
    let name = name.with_context(|| format!("{} names no file", args.file.display()))?;
    let folder = folder.filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::fs::canonicalize(folder)
        .with_context(|| format!("read the folder {}", folder.display()))?;
    let ask = Ask::DiskExport {
        image: args.image,
        file: folder.join(name),
        format: format.as_str().to_owned(),
    };
    let made = told(&data, &ask)?;
    answer(args.region.json, &made, &["file"])
}

/// What is said of a file whose extension says no format.
pub fn unnamed(file: &Path) -> String {
    format!("{} does not say its format: add --format", file.display())
}

/// Asks, and shows how far it is where somebody looks.
pub fn told(data: &DataDir, ask: &Ask) -> anyhow::Result<serde_json::Value> {
    let shown = std::io::stderr().is_terminal();
    let mut any = false;
    let answer = client::ask_told(data, ask, &mut |done, total| {
        if shown && total > 0 {
            any = true;
            let percent = u128::from(done) * 100 / u128::from(total);
            eprint!("\r{percent:>3} % of {}", base::ByteCount(total));
            let _ = std::io::stderr().flush();
        }
    });
    if any {
        eprintln!();
    }
    answer
}

fn answer(json: bool, made: &serde_json::Value, plain: &[&str]) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(made)?);
        return Ok(());
    }
    for name in plain {
        println!("{}", made[*name].as_str().unwrap_or_default());
    }
    Ok(())
}
