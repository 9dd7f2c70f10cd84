//! Whose turn it is with the guest and the exports of an instance.
//!
//! Jobs of one instance may run at once: a volume is attached while a stop by force overtakes a
//! start. What serves volumes, or closes them, holds the turn from reading the rows to the end of
//! its effects; who does not get it comes back later. Rows outlive it, so a crash needs no more.

use std::{collections::HashSet, sync::Arc};

use base::InstanceId;
use parking_lot::Mutex;

/// The turns of this host's instances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<HashSet<InstanceId>>>);

/// A turn; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    of: InstanceId,
    turns: Turns,
}

impl Turns {
    /// The turn with an instance; none while another has it.
    pub(crate) fn take(&self, of: &InstanceId) -> Option<Turn> {
        let free = self.0.lock().insert(of.clone());
        free.then(|| Turn { of: of.clone(), turns: self.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.0.lock().remove(&self.of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_the_turn_with_an_instance() {
        let turns = Turns::default();
        let [a, b] = ["0717_a", "0717_b"].map(|id| InstanceId::parse(id).unwrap());
        let held = turns.take(&a);
        assert!(held.is_some() && turns.take(&a).is_none() && turns.take(&b).is_some());
        drop(held);
        assert!(turns.take(&a).is_some());
    }
}
