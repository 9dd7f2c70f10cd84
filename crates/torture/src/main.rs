//! `torture`: attacks by seed, from the command line. `cargo xtask torture` builds and starts it.

use std::process::ExitCode;

use base::{Clock, SystemClock};
use clap::Parser;
use ectype_torture::{Group, Report, attacks, run};

/// Losses that are printed in full.
const LOSSES_SHOWN: usize = 10;
/// Seeds between two signs of life.
const SEEDS_PER_LINE: u64 = 100;

#[derive(Parser)]
#[command(name = "torture", about = "Crashes, faults and damage against the block engine")]
struct Options {
    /// How many seeds; each is about 80 crash points and 40 damaged bytes.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first_seed: u64,
    /// Only this attack; may be given several times.
    #[arg(long)]
    attack: Vec<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut chosen = attacks();
    if !options.attack.is_empty() {
        chosen.retain(|one| options.attack.iter().any(|name| name == one.name));
    }
    if chosen.is_empty() {
        let names: Vec<_> = attacks().iter().map(|one| one.name).collect();
        eprintln!("there is no such attack; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let clock = SystemClock::new();
    let began = clock.monotonic();
    let mut whole = Report::default();
    let end = options.first_seed.saturating_add(options.seeds);
    let mut seed = options.first_seed;
    while seed < end {
        let count = SEEDS_PER_LINE.min(end - seed);
        add(&mut whole, run(&chosen, seed, count));
        seed += count;
        println!("seeds {}..{seed}: {} losses", options.first_seed, whole.losses.len());
    }
    show(&whole);
    let seconds = (clock.monotonic() - began).as_secs();
    let total = |group| whole.total(group);
    println!(
        "seeds {}..{end}: {} crash points, {} damaged bytes, {} losses, {seconds} s",
        options.first_seed,
        total(Group::CrashPoints),
        total(Group::DamagedBytes),
        whole.losses.len()
    );
    if whole.losses.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn add(whole: &mut Report, part: Report) {
    for (group, tally) in part.tried {
        let sum = whole.tried.entry(group).or_default();
        for (kind, count) in tally.kinds() {
            sum.add(kind, count);
        }
    }
    whole.losses.extend(part.losses);
}

fn show(report: &Report) {
    for (group, tally) in &report.tried {
        println!("{}", group.title());
        for (kind, count) in tally.kinds() {
            println!("  {kind:<32} {count:>9}");
        }
    }
    for loss in report.losses.iter().take(LOSSES_SHOWN) {
        println!("LOST by {} with seed {}: {}", loss.attack, loss.seed, loss.what);
        println!(
            "  again: cargo xtask torture --seeds 1 --first-seed {} --attack {}",
            loss.seed, loss.attack
        );
    }
}
