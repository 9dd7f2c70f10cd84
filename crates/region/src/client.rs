//! The way from the program's words to the command line of IBM's grammar, and what that may know
//! of a region that runs here.

use std::{path::PathBuf, process::ExitCode};

use ::cli::{Local, Surroundings};
use clap::{CommandFactory, Subcommand};

use crate::{
    cli::{Cli, Command},
    data_dir::DataDir,
    tls,
};

/// Another name of this program: the one that IBM's command line has.
const LINKS: [&str; 2] = ["ibmcloud", "ic"];
/// Runs the command, if it is one of the command line's; others are clap's.
pub fn run() -> Option<ExitCode> {
    let mut words = std::env::args_os();
    let called = words.next().map(PathBuf::from).unwrap_or_default();
    let called = called.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let linked = LINKS.contains(&called.as_str());
    // A word that is not text is none of ours; the operator's commands take any path.
    let words: Vec<String> =
        words.map(std::ffi::OsString::into_string).collect::<Result<_, _>>().ok()?;
    let first = words.first().map(String::as_str).unwrap_or_default();
    // Serving, and the processes of volumes, begin without writing any help.
    if Command::has_subcommand(first) {
        return None;
    }
    // clap's own words are about the whole program, unless we are IBM's command line.
    let claps = first.is_empty() || first.starts_with('-') || first == "help";
    let about_one = first == "help" && words.get(1).is_some_and(|word| ::cli::knows(word));
    if claps && !linked && !about_one {
        return None;
    }
    let program = if linked { called.as_str() } else { "ectype" };
    Some(::cli::run(program, &words, &Surroundings { local, data, others }))
}

/// The operator's commands, each with what it does.
fn others() -> Vec<(String, String)> {
    let command = Cli::command();
    let shown = command.get_subcommands().filter(|one| !one.is_hide_set());
    shown
        .map(|one| {
            let about = one.get_about().map(ToString::to_string).unwrap_or_default();
            (one.get_name().to_owned(), about)
        })
        .collect()
}

fn data_dir() -> Option<DataDir> {
    let named = std::env::var_os("ECTYPE_DATA").filter(|text| !text.is_empty()).map(PathBuf::from);
    DataDir::find(named).ok()
}

fn data() -> Option<PathBuf> {
    data_dir().map(|data| data.root().to_owned())
}

/// The region that runs on the data directory of this user.
fn local() -> Option<Local> {
    let data = data_dir()?;
    let (url, credentials) = (data.endpoint().ok()?, data.credentials().ok()?);
    let ca = Some(data.path(tls::CA)).filter(|ca| url.starts_with("https://") && ca.exists());
    Some(Local { url, api_key: credentials.api_key, region: credentials.region, ca })
}
