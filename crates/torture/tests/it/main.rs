//! Some thousands of crash points and damaged bytes in every run of the tests; any number with
//! `cargo xtask torture`.

extern crate ectype_torture as torture;

use torture::{Attack, Group, attacks, run};

/// Seeds of an ordinary run.
const SEEDS: u64 = 40;

fn of(group: Group) -> Vec<Attack> {
    attacks().into_iter().filter(|attack| attack.group == group).collect()
}

fn nothing_is_lost(group: Group, least: u64) {
    let report = run(&of(group), 0, SEEDS);
    for loss in &report.losses {
        eprintln!(
            "{}\nagain: cargo xtask torture --seeds 1 --first-seed {} --attack {}",
            loss.what, loss.seed, loss.attack
        );
    }
    assert!(report.losses.is_empty(), "{} losses", report.losses.len());
    assert!(report.total(group) >= least, "only {} {}", report.total(group), group.title());
}

/// Invariants 1-3, 5, 6, 9, 12, 19, 25 and 28, by deaths and faults of hosts and stores.
#[test]
fn thousands_of_crash_points_lose_nothing() {
    nothing_is_lost(Group::CrashPoints, 2000);
}

/// Invariant 18: flipped, overwritten, cut, swapped, doubled and padded files and objects.
#[test]
fn thousands_of_damaged_bytes_are_never_read_as_data() {
    nothing_is_lost(Group::DamagedBytes, 1500);
}

/// The same seed tries the same, or a printed seed would be of no use.
#[test]
fn a_seed_repeats() {
    for attack in attacks() {
        let (one, two) = (run(&[attack], 3, 1), run(&[attack], 3, 1));
        assert_eq!(one.tried, two.tried, "{}", attack.name);
    }
}
