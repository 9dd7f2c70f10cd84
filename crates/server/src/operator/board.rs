//! Faults of calls, in memory: a server that starts has none.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base::Timestamp;
use wire::{
    request::CallFault,
    response::{self, Fault},
};

/// Most faults at the same time.
pub(crate) const FAULTS_MAX: usize = 100;

struct Planned {
    id: u64,
    /// Name of the operation; none for every one.
    operation: Option<&'static str>,
    fault: CallFault,
    remaining: u32,
    since: Timestamp,
}

impl Planned {
    fn render(&self) -> Fault {
        let id = format!("call-{}", self.id);
        response::call_fault(id, self.since, self.operation, self.fault, self.remaining)
    }
}

#[derive(Default)]
struct Plan {
    next_id: u64,
    faults: Vec<Planned>,
}

/// The faults of calls that are still to come.
#[derive(Default)]
pub(crate) struct FaultBoard {
    plan: Mutex<Plan>,
}

impl FaultBoard {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault; none when there are [`FAULTS_MAX`].
    pub(crate) fn add(
        &self,
        operation: Option<&'static str>,
        fault: CallFault,
        count: u32,
        since: Timestamp,
    ) -> Option<Fault> {
        let mut plan = self.plan();
        if plan.faults.len() >= FAULTS_MAX {
            return None;
        }
        plan.next_id += 1;
        let planned = Planned { id: plan.next_id, operation, fault, remaining: count, since };
        let shown = planned.render();
        plan.faults.push(planned);
        Some(shown)
    }

    /// The fault of this call of `operation`, if there is one: the oldest. It counts.
    pub(crate) fn take(&self, operation: &str) -> Option<CallFault> {
        let mut plan = self.plan();
        let fits = |planned: &Planned| planned.operation.is_none_or(|name| name == operation);
        let place = plan.faults.iter().position(fits)?;
        let planned = &mut plan.faults[place];
        planned.remaining -= 1;
        let fault = planned.fault;
        if planned.remaining == 0 {
            plan.faults.remove(place);
        }
        Some(fault)
    }

    /// All of them, newest first.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.plan().faults.iter().rev().map(Planned::render).collect()
    }

    /// Takes one back; false when there is none of that id.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let Some(id) = id.strip_prefix("call-").and_then(|n| n.parse::<u64>().ok()) else {
            return false;
        };
        let mut plan = self.plan();
        let before = plan.faults.len();
        plan.faults.retain(|planned| planned.id != id);
        plan.faults.len() < before
    }

    /// Takes all back.
    pub(crate) fn clear(&self) {
        self.plan().faults.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_for_so_many_calls_of_its_operation() {
        let board = FaultBoard::default();
        let now = Timestamp::from_micros(0);
        board.add(Some("create_image"), CallFault::Internal, 2, now).unwrap();
        board.add(None, CallFault::Unavailable, 1, now).unwrap();
        assert_eq!(board.list().len(), 2);
        assert_eq!(board.take("get_image"), Some(CallFault::Unavailable));
        assert_eq!(board.take("get_image"), None);
        assert_eq!(board.take("create_image"), Some(CallFault::Internal));
        assert_eq!(board.take("create_image"), Some(CallFault::Internal));
        assert_eq!(board.take("create_image"), None);
        assert!(board.list().is_empty());
    }

    #[test]
    fn faults_are_taken_back_and_bounded() {
        let board = FaultBoard::default();
        let add = || board.add(None, CallFault::Internal, 1, Timestamp::from_micros(0));
        for _ in 0..FAULTS_MAX {
            add().unwrap();
        }
        assert!(add().is_none());
        assert!(board.remove("call-1") && !board.remove("call-1"));
        assert!(!board.remove("call-x") && !board.remove("1"));
        assert!(add().is_some());
        board.clear();
        assert_eq!(board.take("any"), None);
    }
}
