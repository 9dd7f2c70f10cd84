//! Settings of `ectype serve`, from four places with one order: command line, environment, TOML
//! file, built-in default.
//!
//! | flag | variable | key in the file | default |
//! |---|---|---|---|
//! | `--data` | `ECTYPE_DATA` | - | `$XDG_DATA_HOME/ectype` |
//! | `--config` | `ECTYPE_CONFIG` | - | `<data>/ectype.toml`, if it is there |
//! | `--listen` | `ECTYPE_LISTEN` | `listen` | `127.0.0.1:7480` |
//! | `--region` | `ECTYPE_REGION` | `region` | `us-south` |
//! | `--compute` | `ECTYPE_COMPUTE` | `compute` | `auto` |
//! | `--guests-on-exit` | `ECTYPE_GUESTS_ON_EXIT` | `guests_on_exit` | `keep` |
//! | `--log` | `ECTYPE_LOG` | `log` | `info` |
//! | `--log-format` | `ECTYPE_LOG_FORMAT` | `log_format` | `text` |
//! | `--virtual-clock` | `ECTYPE_VIRTUAL_CLOCK` | `virtual_clock` | `false` |
//! | `--ready-file` | `ECTYPE_READY_FILE` | `ready_file` | none |
//! | `--tls-cert` | `ECTYPE_TLS_CERT` | `tls_cert` | none |
//! | `--tls-key` | `ECTYPE_TLS_KEY` | `tls_key` | none |
//! | `--tls-self-signed` | `ECTYPE_TLS_SELF_SIGNED` | `tls_self_signed` | `false` |
//! | `--tls-name` | `ECTYPE_TLS_NAME` | `tls_names` | none |
//! | `--insecure-http` | `ECTYPE_INSECURE_HTTP` | `insecure_http` | `false` |
//! | `--public-url` | `ECTYPE_PUBLIC_URL` | `public_url` | none |
//! | `--requests-per-second` | `ECTYPE_REQUESTS_PER_SECOND` | `requests_per_second` | 10000 |
//!
//! What the door is told is in `tls::settings`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use base::RegionName;
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::{
    data_dir::DataDir,
    tls::{DoorArgs, DoorFile, DoorSettings},
};

/// Where a region listens when nothing else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7480";
/// Longest settings file, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// How guests are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComputeChoice {
    /// QEMU where it is installed, else fake.
    Auto,
    /// QEMU, or not at all.
    Qemu,
    /// No guests: the same states without processes.
    Fake,
}

/// What becomes of guests when the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuestsOnExit {
    /// They go on; the next start adopts them.
    Keep,
    /// They are stopped.
    Stop,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Flags of `ectype serve`. Each can also be set by its variable or in a TOML file; the command
/// line wins over the environment, the environment over the file.
#[derive(Args, Debug, Default)]
pub struct ServeArgs {
    /// Data directory; made if it is missing [default: $XDG_DATA_HOME/ectype].
    #[arg(long, env = "ECTYPE_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Settings file [default: <DIR>/ectype.toml, if it is there].
    #[arg(long, env = "ECTYPE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port; port 0 picks a free one. Beyond loopback it needs TLS
    /// [default: 127.0.0.1:7480].
    #[arg(long, env = "ECTYPE_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Name of the region [default: us-south].
    #[arg(long, env = "ECTYPE_REGION", value_name = "NAME")]
    pub region: Option<String>,
    /// How guests are run [default: auto].
    #[arg(long, env = "ECTYPE_COMPUTE", value_name = "KIND")]
    pub compute: Option<ComputeChoice>,
    /// What becomes of guests when the server ends [default: keep].
    #[arg(long, env = "ECTYPE_GUESTS_ON_EXIT", value_name = "WHAT")]
    pub guests_on_exit: Option<GuestsOnExit>,
    /// What is logged: error, warn, info, debug, trace, or a filter such as `info,control=debug`
    /// [default: info].
    #[arg(long, env = "ECTYPE_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How log lines look [default: text].
    #[arg(long, env = "ECTYPE_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// The operator may stop region time and move it forward (`ectype clock`): for tests.
    #[arg(long, env = "ECTYPE_VIRTUAL_CLOCK")]
    pub virtual_clock: bool,
    /// Written once the region answers, with its URL and nothing else.
    #[arg(long, env = "ECTYPE_READY_FILE", value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    #[command(flatten)]
    pub door: DoorArgs,
}

/// The same in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<SocketAddr>,
    region: Option<String>,
    compute: Option<ComputeChoice>,
    guests_on_exit: Option<GuestsOnExit>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    virtual_clock: Option<bool>,
    ready_file: Option<PathBuf>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_self_signed: Option<bool>,
    tls_names: Option<Vec<String>>,
    insecure_http: Option<bool>,
    public_url: Option<String>,
    requests_per_second: Option<u32>,
}

impl File {
    /// Takes out what is about the door.
    fn door(&mut self) -> DoorFile {
        DoorFile {
            tls_cert: self.tls_cert.take(),
            tls_key: self.tls_key.take(),
            tls_self_signed: self.tls_self_signed,
            tls_names: self.tls_names.take(),
            insecure_http: self.insecure_http,
            public_url: self.public_url.take(),
            requests_per_second: self.requests_per_second,
        }
    }
}

/// What a region runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Data directory.
    pub data: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its name.
    pub region: RegionName,
    /// How guests are run.
    pub compute: ComputeChoice,
    /// What becomes of guests at the end.
    pub guests_on_exit: GuestsOnExit,
    /// What is logged.
    pub log: String,
    /// How.
    pub log_format: LogFormat,
    /// Region time can be moved.
    pub virtual_clock: bool,
    /// Written when it answers.
    pub ready_file: Option<PathBuf>,
    /// Its door.
    pub door: DoorSettings,
}

impl Settings {
    /// Joins the places.
    pub fn read(args: ServeArgs) -> anyhow::Result<Self> {
        let data = match args.data {
            Some(data) => data,
            None => DataDir::default_path()?,
        };
        let mut file = match &args.config {
            Some(path) => read_file(path)?,
            None => {
                let path = data.join("ectype.toml");
                if path.exists() { read_file(&path)? } else { File::default() }
            }
        };
        let listen = args.listen.or(file.listen);
        let listen = listen.map_or_else(|| DEFAULT_LISTEN.parse().map_err(Into::into), Ok);
        let listen: SocketAddr = listen.map_err(|e: anyhow::Error| e)?;
        let door = DoorSettings::read(args.door, file.door(), listen)?;
        let region = args.region.or(file.region);
        let region = RegionName::parse(region.as_deref().unwrap_or("us-south"))?;
        Ok(Self {
            data,
            listen,
            region,
            compute: args.compute.or(file.compute).unwrap_or(ComputeChoice::Auto),
            guests_on_exit: args
                .guests_on_exit
                .or(file.guests_on_exit)
                .unwrap_or(GuestsOnExit::Keep),
            log: args.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
            log_format: args.log_format.or(file.log_format).unwrap_or(LogFormat::Text),
            virtual_clock: args.virtual_clock || file.virtual_clock.unwrap_or(false),
            ready_file: args.ready_file.or(file.ready_file),
            door,
        })
    }
}

fn read_file(path: &Path) -> anyhow::Result<File> {
    let length =
        std::fs::metadata(path).with_context(|| format!("read settings {}", path.display()))?.len();
    anyhow::ensure!(length <= FILE_BYTES_MAX, "settings {} are too long", path.display());
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("read settings {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("read settings {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str, args: ServeArgs) -> anyhow::Result<Settings> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ectype.toml"), text).unwrap();
        Settings::read(ServeArgs { data: Some(dir.path().to_owned()), ..args })
    }

    #[test]
    fn without_anything_the_defaults_hold() {
        let settings = with_file("", ServeArgs::default()).unwrap();
        assert_eq!(settings.listen.to_string(), DEFAULT_LISTEN);
        assert_eq!(settings.region.as_str(), "us-south");
        assert_eq!(settings.compute, ComputeChoice::Auto);
        assert_eq!(settings.guests_on_exit, GuestsOnExit::Keep);
    }

    #[test]
    fn the_file_wins_over_defaults_and_flags_win_over_the_file() {
        let text = "region = \"eu-de\"\ncompute = \"fake\"\nlisten = \"127.0.0.1:0\"";
        let settings = with_file(text, ServeArgs::default()).unwrap();
        assert_eq!(settings.region.as_str(), "eu-de");
        assert_eq!(settings.compute, ComputeChoice::Fake);
        let args = ServeArgs { region: Some("au-syd".to_owned()), ..Default::default() };
        assert_eq!(with_file(text, args).unwrap().region.as_str(), "au-syd");
    }

    #[test]
    fn unknown_keys_and_bad_values_in_the_file_are_refused() {
        for text in [
            "colour = 1",
            "requests_per_second = -1",
            "tls_names = 7",
            "compute = \"xen\"",
            "listen = \"here\"",
            "region = \"A\"",
        ] {
            assert!(with_file(text, ServeArgs::default()).is_err(), "{text}");
        }
    }
}
