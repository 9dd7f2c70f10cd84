//! The decision: a pure function of caller, action and resource.

use base::{AccountId, PrincipalId};

use crate::{Action, Permit, Resource, Scope};

/// A caller whose token was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// IAM id.
    pub principal: PrincipalId,
    /// The account of the token.
    pub account: AccountId,
    /// The caller owns that account.
    pub owner: bool,
}

/// A decision against.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token is not authorized to {action} in this account")]
pub struct Denied {
    /// What was wanted.
    pub action: Action,
}

/// May `caller` do `action` to `resource`?
///
/// # Errors
/// [`Denied`] when not. A resource of another account must have been answered as not found
/// before it comes to this.
pub fn permit(caller: &Caller, action: Action, resource: Resource) -> Result<Permit, Denied> {
    if caller.owner && &caller.account == resource.account() {
        Ok(Permit { action, resource, by: caller.principal.clone() })
    } else {
        Err(Denied { action })
    }
}

/// What may `caller` see when it does `action`?
///
/// # Errors
/// [`Denied`] when nothing at all.
pub fn scope(caller: &Caller, action: Action) -> Result<Scope, Denied> {
    if caller.owner {
        Ok(Scope { account: caller.account.clone(), action })
    } else {
        Err(Denied { action })
    }
}

#[cfg(test)]
mod tests {
    use base::{ResourceGroupId, SeededEntropy};

    use super::*;

    fn caller(owner: bool) -> (Caller, Resource) {
        let entropy = SeededEntropy::new(1);
        let account = AccountId::mint("", &entropy);
        let group = ResourceGroupId::mint("", &entropy);
        let principal = PrincipalId::mint("IBMid-", &entropy);
        (
            Caller { principal, account: account.clone(), owner },
            Resource::One { account, group, id: "r006-1".to_owned() },
        )
    }

    #[test]
    fn an_owner_may_do_everything_in_the_account() {
        let (owner, resource) = caller(true);
        for &action in Action::ALL {
            let permit = permit(&owner, action, resource.clone()).unwrap();
            assert!(permit.covers(action, &owner.account, "r006-1"));
            assert!(!permit.covers(action, &owner.account, "r006-2"));
            assert!(scope(&owner, action).is_ok());
        }
    }

    #[test]
    fn leave_for_the_account_is_not_leave_for_a_resource() {
        let (owner, resource) = caller(true);
        let action = Action::TagCreateAccess;
        let whole = Resource::Account { account: owner.account.clone() };
        let permit_for = |resource| permit(&owner, action, resource).unwrap();
        assert!(permit_for(whole.clone()).covers_account(action));
        assert!(!permit_for(whole.clone()).covers_account(Action::TagDeleteAccess));
        assert!(!permit_for(whole).covers(action, &owner.account, "r006-1"));
        assert!(!permit_for(resource).covers_account(action));
        let other = AccountId::mint("", &SeededEntropy::new(9));
        assert!(permit(&owner, action, Resource::Account { account: other }).is_err());
    }

    #[test]
    fn an_owner_may_do_nothing_in_another_account() {
        let (owner, _) = caller(true);
        let other = AccountId::mint("", &SeededEntropy::new(9));
        let resource = Resource::New {
            account: other,
            group: ResourceGroupId::mint("", &SeededEntropy::new(8)),
        };
        for &action in Action::ALL {
            assert_eq!(permit(&owner, action, resource.clone()), Err(Denied { action }));
        }
    }

    #[test]
    fn one_who_is_not_the_owner_may_do_nothing() {
        let (user, resource) = caller(false);
        for &action in Action::ALL {
            assert!(permit(&user, action, resource.clone()).is_err());
            assert!(scope(&user, action).is_err());
        }
    }
}
