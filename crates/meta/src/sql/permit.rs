//! Checks that the permit that came with a call is for that call.

use base::{AccountId, ResourceGroupId};
use policy::{Action, Permit};

use crate::StoreError;

/// The permit allows one of `actions` on the resource `id`.
pub(crate) fn covers(permit: &Permit, actions: &[Action], id: &str) -> Result<(), StoreError> {
    let fits = actions.iter().any(|action| permit.covers(*action, permit.account(), id));
    if fits { Ok(()) } else { Err(StoreError::PermitMismatch) }
}

/// The permit allows one of `actions` on its account as a whole.
pub(crate) fn covers_account(permit: &Permit, actions: &[Action]) -> Result<(), StoreError> {
    let fits = actions.iter().any(|action| permit.covers_account(*action));
    if fits { Ok(()) } else { Err(StoreError::PermitMismatch) }
}

/// The permit allows `action` on what belongs to this account as a whole.
pub(crate) fn covers_of(
    permit: &Permit,
    action: Action,
    account: &AccountId,
) -> Result<(), StoreError> {
    let fits = permit.covers_account(action) && permit.account() == account;
    if fits { Ok(()) } else { Err(StoreError::PermitMismatch) }
}

/// The permit allows `action` for something new in this account and group.
pub(crate) fn covers_new(
    permit: &Permit,
    action: Action,
    account: &AccountId,
    group: &ResourceGroupId,
) -> Result<(), StoreError> {
    if permit.covers_new(action, account, group) { Ok(()) } else { Err(StoreError::PermitMismatch) }
}
