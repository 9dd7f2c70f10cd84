//! Shares of the host's cache budget.
//!
//! It refuses to know processes. Its invariants: up to [`SHARES_FULL`] exports the shares add up
//! to no more than the budget; a share changes only when the number of exports passes a power of
//! two, so that starting an export seldom disturbs the others.
//!
//! Next to read: `host`, which grants them.

use std::collections::BTreeSet;

/// Smallest share, in bytes: some chunks and nodes, without which every read would be a decoding.
pub const SHARE_MIN_BYTES: u64 = 4 * 1024 * 1024;

/// So many exports share the default budget before the smallest share makes it larger.
pub const SHARES_FULL: u64 = blocks::sealed::CACHE_BYTES_DEFAULT / SHARE_MIN_BYTES;

/// The exports that share a budget.
#[derive(Debug)]
pub struct Shares {
    budget_bytes: u64,
    sharing: BTreeSet<String>,
}

impl Shares {
    /// A budget that nobody has a share of.
    pub const fn new(budget_bytes: u64) -> Self {
        Self { budget_bytes, sharing: BTreeSet::new() }
    }

    /// What each export has now, in bytes.
    pub fn each(&self) -> u64 {
        let shares = (self.sharing.len() as u64).max(1).next_power_of_two();
        (self.budget_bytes / shares).max(SHARE_MIN_BYTES)
    }

    /// Another export. Gives the others when their share has changed.
    pub fn join(&mut self, id: &str) -> Vec<String> {
        let before = self.each();
        let others = self.sharing.iter().filter(|other| *other != id).cloned().collect();
        self.sharing.insert(id.to_owned());
        if self.each() == before { Vec::new() } else { others }
    }

    /// One export fewer. Gives the others when their share has changed.
    pub fn leave(&mut self, id: &str) -> Vec<String> {
        let before = self.each();
        self.sharing.remove(id);
        if self.each() == before { Vec::new() } else { self.sharing.iter().cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: u64 = blocks::sealed::CACHE_BYTES_DEFAULT;

    /// Invariant 28: the caches of a host's engines stay within its budget.
    #[test]
    fn shares_add_up_to_no_more_than_the_budget() {
        let mut shares = Shares::new(BUDGET);
        for n in 1..=SHARES_FULL {
            shares.join(&format!("v{n}"));
            assert!(shares.each() * n <= BUDGET, "{n}");
            assert!(shares.each() * n * 2 > BUDGET, "{n}: half of it is used at least");
        }
        shares.join("one more");
        assert_eq!(shares.each(), SHARE_MIN_BYTES);
    }

    #[test]
    fn the_others_are_told_only_when_their_share_changes() {
        let mut shares = Shares::new(BUDGET);
        assert!(shares.join("a").is_empty());
        assert_eq!(shares.each(), BUDGET);
        assert_eq!(shares.join("b"), ["a"]);
        assert_eq!(shares.join("c"), ["a", "b"]);
        assert!(shares.join("d").is_empty() && shares.join("d").is_empty());
        assert_eq!(shares.each(), BUDGET / 4);
        assert!(shares.leave("a").is_empty() && shares.leave("nobody").is_empty());
        assert_eq!(shares.leave("b"), ["c", "d"]);
        assert_eq!(shares.each(), BUDGET / 2);
    }
}
