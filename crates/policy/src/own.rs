//! What everybody may do with what is their own, whatever else they may: their API keys and, for
//! users, their own entry in the account. And what the operator may, who stands above accounts.

use base::{AccountId, PrincipalId};

use crate::{Action, Caller, Denied, Permit, Resource, Scope, Sight, SystemPermit};

/// May `caller` do `action` to something of `of`'s, because both are one?
///
/// # Errors
/// [`Denied`] when they are not, or when the action is not one of those.
pub fn permit_own(
    caller: &Caller,
    action: Action,
    of: &PrincipalId,
    account: &AccountId,
) -> Result<Permit, Denied> {
    if !is_own(caller, action, of) || account != &caller.account {
        return Err(Denied { action });
    }
    let resource = Resource::Account { account: caller.account.clone() };
    Ok(Permit { action, resource, by: caller.principal.clone() })
}

/// May `caller` see what is `of`'s, because both are one? The scope is the account's; whoever
/// reads by it must ask for `of`'s things only.
///
/// # Errors
/// As [`permit_own`].
pub fn scope_own(caller: &Caller, action: Action, of: &PrincipalId) -> Result<Scope, Denied> {
    if !is_own(caller, action, of) {
        return Err(Denied { action });
    }
    Ok(Scope { account: caller.account.clone(), action, sight: Sight::All })
}

/// Leave for the operator, who stands above accounts, to do `action` in an account.
#[must_use]
pub fn permit_operator(_permit: SystemPermit, action: Action, account: &AccountId) -> Permit {
    let by = PrincipalId::operator();
    Permit { action, resource: Resource::Account { account: account.clone() }, by }
}

/// What the operator sees of an account.
#[must_use]
pub fn scope_operator(_permit: SystemPermit, action: Action, account: &AccountId) -> Scope {
    Scope { account: account.clone(), action, sight: Sight::All }
}

fn is_own(caller: &Caller, action: Action, of: &PrincipalId) -> bool {
    let covered = matches!(
        action,
        Action::ApiKeyCreate
            | Action::ApiKeyRead
            | Action::ApiKeyList
            | Action::ApiKeyUpdate
            | Action::ApiKeyDelete
            | Action::UserRead
            | Action::ServiceIdRead
            | Action::ProfileRead
    );
    covered && &caller.principal == of
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn own_keys_are_ones_own_and_nothing_else_is() {
        let entropy = SeededEntropy::new(3);
        let account = AccountId::mint("", &entropy);
        let mint = || PrincipalId::mint("IBMid-", &entropy);
        let (me, other) = (mint(), mint());
        let caller = Caller { principal: me.clone(), account: account.clone(), owner: false };
        let made = permit_own(&caller, Action::ApiKeyCreate, &me, &account).unwrap();
        assert!(made.covers_account(Action::ApiKeyCreate));
        assert!(permit_own(&caller, Action::ApiKeyCreate, &other, &account).is_err());
        let elsewhere = AccountId::mint("", &entropy);
        assert!(permit_own(&caller, Action::ApiKeyCreate, &me, &elsewhere).is_err());
        assert!(scope_own(&caller, Action::ApiKeyList, &me).is_ok());
        for action in [Action::ServiceIdCreate, Action::UserDelete, Action::ImageCreate] {
            assert!(permit_own(&caller, action, &me, &account).is_err(), "{action}");
        }
    }
}
