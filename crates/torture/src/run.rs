//! Runs attacks over seeds, counts what was tried, and keeps what was lost.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{crash, damage, puts};

/// What an attack does to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Something stops or fails in the middle.
    CrashPoints,
    /// Stored bytes are not what they were.
    DamagedBytes,
}

impl Group {
    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::CrashPoints => "crash points",
            Self::DamagedBytes => "damaged bytes",
        }
    }
}

/// How often each kind of thing was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// One more of a kind.
    pub fn count(&mut self, kind: impl Into<String>) {
        self.add(kind, 1);
    }

    /// So many more of a kind.
    pub fn add(&mut self, kind: impl Into<String>, count: u64) {
        *self.0.entry(kind.into()).or_default() += count;
    }

    /// The kinds, in order.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(kind, count)| (kind.as_str(), *count))
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// One way to attack the engine: a pure function of the seed that panics at a loss.
#[derive(Clone, Copy)]
pub struct Attack {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub group: Group,
    work: fn(u64, &mut Tally),
}

/// Every attack there is.
#[must_use]
pub fn attacks() -> Vec<Attack> {
    let crash = |name, work| Attack { name, group: Group::CrashPoints, work };
    let damage = |name, work| Attack { name, group: Group::DamagedBytes, work };
    vec![
        crash("host-crash", crash::host_crashes),
        crash("process-death", crash::process_deaths),
        crash("failed-sync", crash::failed_syncs),
        crash("full-disk", crash::full_disks),
        crash("read-only-disk", crash::read_only_disks),
        crash("failed-write", crash::failed_writes),
        crash("rebase", crash::rebases),
        crash("creation", crash::creations),
        crash("put", puts::puts),
        crash("get", puts::gets),
        damage("layer", damage::layers),
        damage("store", damage::stores),
    ]
}

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The attack that found it.
    pub attack: &'static str,
    /// The seed with which it finds it again.
    pub seed: u64,
    /// What was seen.
    pub what: String,
}

/// What a run tried and found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By group, then by kind.
    pub tried: BTreeMap<Group, Tally>,
    /// Empty when all is well.
    pub losses: Vec<Loss>,
}

impl Report {
    /// How much of a group was tried.
    #[must_use]
    pub fn total(&self, group: Group) -> u64 {
        self.tried.get(&group).map_or(0, Tally::total)
    }
}

/// Runs attacks over `seeds` seeds from `first` on.
pub fn run(attacks: &[Attack], first: u64, seeds: u64) -> Report {
    let mut report = Report::default();
    for seed in first..first.saturating_add(seeds) {
        for attack in attacks {
            let tally = report.tried.entry(attack.group).or_default();
            let result = catch_unwind(AssertUnwindSafe(|| (attack.work)(seed, tally)));
            if let Err(payload) = result {
                let what = payload
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                    .unwrap_or_else(|| "a panic without words".to_owned());
                report.losses.push(Loss { attack: attack.name, seed, what });
            }
        }
    }
    report
}
