//! `ectype bench`: figures of this program on this machine, where it can beside a peer's.
//!
//! It refuses to know whether a figure is good: it says what was measured and whether the goal is
//! met. Its invariant: a peer does the same work on the same bytes in the same run, in turns.
//!
//! Next to read: `figure` for what is said, then the file of a benchmark.

mod api;
mod capture;
mod cli;
mod client;
mod crowd;
mod data;
mod figure;
mod iam;
mod io;
mod peer;
mod provision;
mod rig;
mod server;
mod start;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use figure::Report;

/// What to measure, and how to say it.
#[derive(Args)]
pub struct BenchArgs {
    /// The benchmark; `--list` names them.
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Name the benchmarks and end.
    #[arg(long)]
    list: bool,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// How often each figure is measured.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// GB that are in use on the disk of `capture`.
    #[arg(long, value_name = "GB", default_value = "4", value_parser = size)]
    size: u64,
    /// MiB that change before a capture.
    #[arg(long, value_name = "N", default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..=4096))]
    mib: u64,
    /// How long each load of `io`, `api` and `iam` is measured, in seconds.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// A part alone: of `capture`, of `io` (layer to memory), of `api` (reads, creates), of
    /// `iam` (decide, tokens, list).
    #[arg(long, value_name = "PART", value_parser = ["change", "fuller", "first", "capacity", "mark", "layer", "cached", "cold", "memory", "reads", "creates", "decide", "tokens", "list"])]
    only: Option<String>,
    /// Folder to work in; what is made there is removed [default: the system's temporary one].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What a benchmark is told.
pub struct Job<'a> {
    /// How often to measure.
    pub runs: u32,
    /// Bytes in use on the disk of a capture.
    pub size: u64,
    /// MiB that change before a capture.
    pub mib: u64,
    /// How long a load is measured, in seconds.
    pub seconds: u64,
    /// The part to measure, when not all.
    pub only: Option<&'a str>,
    /// Folder to make its own folder in.
    pub dir: &'a Path,
}

/// A benchmark.
struct Benchmark {
    name: &'static str,
    about: &'static str,
    run: fn(&Job<'_>) -> anyhow::Result<Report>,
}

/// All of them.
const BENCHMARKS: [Benchmark; 7] = [
    Benchmark {
        name: "start",
        about: "from `ectype serve` to its first answer, and the idle server's memory",
        run: start::run,
    },
    Benchmark {
        name: "provision",
        about: "a boot volume of a stock image: row, key and empty write layer",
        run: provision::run,
    },
    Benchmark {
        name: "capture",
        about: "images of 100 GB volumes, changed and new, beside qemu-img convert and cp",
        run: capture::run,
    },
    Benchmark {
        name: "io",
        about: "reads and writes through NBD, beside qemu-nbd, and the memory of idle engines",
        run: io::run,
    },
    Benchmark {
        name: "api",
        about: "pages among 100,000 images, a mix of reads, and 200 images asked for at once",
        run: api::run,
    },
    Benchmark {
        name: "cli",
        about: "what a command of the command line spends before its first request",
        run: cli::run,
    },
    Benchmark {
        name: "iam",
        about: "a decision among 1,000 policies, tokens, and a list that shows one group of 100",
        run: iam::run,
    },
];

/// Bytes of a number of GB.
fn size(text: &str) -> Result<u64, String> {
    let gb: f64 = text.parse().map_err(|_| "a number of GB".to_owned())?;
    if (0.001..=25.0).contains(&gb) {
        Ok((gb * 1e9) as u64)
    } else {
        Err("from 0.001 to 25 GB".to_owned())
    }
}

/// Measures, or lists what can be measured.
pub fn bench(args: &BenchArgs) -> anyhow::Result<()> {
    let Some(name) = args.name.as_deref().filter(|_| !args.list) else {
        for benchmark in BENCHMARKS {
            println!("{:<10} {}", benchmark.name, benchmark.about);
        }
        return Ok(());
    };
    let benchmark = BENCHMARKS.iter().find(|known| known.name == name).with_context(|| {
        let names: Vec<_> = BENCHMARKS.iter().map(|known| known.name).collect();
        format!("there is no benchmark `{name}`: there are {}", names.join(", "))
    })?;
    if cfg!(debug_assertions) {
        eprintln!("ectype: this is a development build; its figures say little");
    }
    let dir = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let job = Job {
        runs: args.runs,
        size: args.size,
        mib: args.mib,
        seconds: args.seconds,
        only: args.only.as_deref(),
        dir: &dir,
    };
    let report = (benchmark.run)(&job)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.table());
    }
    Ok(())
}
