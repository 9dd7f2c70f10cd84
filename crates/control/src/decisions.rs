//! What callers may do, kept while the account's policies stay as they are.
//!
//! Invariant: a kept decision is used only after the database said that the account's generation
//! is still the one it was made of, so a change of policies, roles or groups counts at once,
//! whichever replica made it.

use std::{collections::HashMap, sync::Arc};

use base::{AccountId, PrincipalId};
use parking_lot::Mutex;
use policy::{Access, InternalActor};

use crate::{Control, Error, RequestContext};

/// Most callers that are kept. All of them go when there are more: they come back one by one.
const KEPT_MAX: usize = 1_000;

/// A caller in an account.
type Who = (AccountId, PrincipalId);

/// What was read for each caller, by the generation of its account.
#[derive(Default)]
pub(crate) struct Decisions {
    kept: Mutex<HashMap<Who, (u64, Arc<Access>)>>,
}

impl Decisions {
    fn get(&self, of: &Who, generation: u64) -> Option<Arc<Access>> {
        let kept = self.kept.lock();
        kept.get(of).filter(|(made_of, _)| *made_of == generation).map(|(_, a)| Arc::clone(a))
    }

    fn put(&self, of: Who, generation: u64, access: Arc<Access>) {
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT_MAX && !kept.contains_key(&of) {
            kept.clear();
        }
        kept.insert(of, (generation, access));
    }
}

impl Control {
    /// Everything that the caller of a request may do.
    pub(crate) async fn access(&self, ctx: &RequestContext) -> Result<Arc<Access>, Error> {
        let caller = &ctx.caller;
        if caller.owner {
            return Ok(Arc::new(Access::of_owner(caller)));
        }
        let permit = Self::system(InternalActor::Identity);
        let generation = self.store().access_generation(permit, &caller.account).await?;
        let of = (caller.account.clone(), caller.principal.clone());
        if let Some(access) = self.decisions.get(&of, generation) {
            return Ok(access);
        }
        let rows = self.store().access_rows(permit, &caller.account, &caller.principal).await?;
        let access = Access::of(caller, self.region(), &rows.policies, &rows.roles);
        let access = Arc::new(access);
        self.decisions.put(of, rows.generation, Arc::clone(&access));
        Ok(access)
    }
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;
    use policy::Caller;

    use super::*;

    #[test]
    fn a_kept_decision_is_of_one_generation_and_their_number_is_bounded() {
        let entropy = SeededEntropy::new(1);
        let decisions = Decisions::default();
        let account = AccountId::mint("", &entropy);
        let mut last = None;
        for _ in 0..=KEPT_MAX {
            let principal = PrincipalId::mint("IBMid-", &entropy);
            let caller =
                Caller { principal: principal.clone(), account: account.clone(), owner: true };
            let of = (account.clone(), principal);
            decisions.put(of.clone(), 7, Arc::new(Access::of_owner(&caller)));
            last = Some(of);
        }
        let last = last.unwrap();
        assert_eq!(decisions.kept.lock().len(), 1);
        assert!(decisions.get(&last, 7).is_some());
        assert!(decisions.get(&last, 8).is_none());
    }
}
