//! Third-party crates: how many, and none twice without a reason.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;

use super::{Findings, ratchet::Ratchet};

/// Most crates that the lock file may hold, ours included.
const CRATES_MAX: usize = 300;

pub fn check(metadata: &Metadata, ratchet: &Ratchet) -> Findings {
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in &metadata.packages {
        versions.entry(&package.name).or_default().insert(package.version.to_string());
    }
    let twice: BTreeMap<&str, String> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| {
            (*name, versions.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        })
        .collect();
    let count = metadata.packages.len();
    let mut found = Findings { wrong: against(&twice, ratchet), ..Findings::default() };
    if count > CRATES_MAX {
        found.wrong.push(format!("{count} crates in the lock file, at most {CRATES_MAX}"));
    }
    found.seen = format!("{count} of {CRATES_MAX} crates, {} in two versions", twice.len());
    found
}

fn against(twice: &BTreeMap<&str, String>, ratchet: &Ratchet) -> Vec<String> {
    let allowed = |name: &str| ratchet.duplicate.iter().any(|d| d.name == name);
    let mut wrong: Vec<String> = twice
        .iter()
        .filter(|(name, _)| !allowed(name))
        .map(|(name, versions)| format!("{name} is there as {versions}"))
        .collect();
    for entry in &ratchet.duplicate {
        if !twice.contains_key(entry.name.as_str()) {
            let name = &entry.name;
            wrong.push(format!("{name} is there once only: take it out of xtask/ratchet.toml"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_need_an_entry_and_entries_a_duplicate() {
        let twice = BTreeMap::from([("a", "1, 2".to_owned()), ("b", "1, 2".to_owned())]);
        let ratchet = Ratchet::parse(
            "[[duplicate]]\nname = \"a\"\nreason = \"x\"\n[[duplicate]]\nname = \"c\"\nreason = \"x\"\n",
        )
        .unwrap();
        let wrong = against(&twice, &ratchet);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("b is there as"));
        assert!(wrong[1].starts_with("c is there once"));
    }
}
