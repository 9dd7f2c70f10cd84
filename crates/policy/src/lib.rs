//! Who may do what: actions, permits and scopes.
//!
//! It refuses to know tokens, HTTP and SQL. Its invariant: a [`Permit`], a [`Scope`] and a
//! [`SystemPermit`] have no public constructor, so a store call that demands one cannot be
//! reached without a decision made here.
//!
//! The one rule now: the owner of an account may do everything in it, and nothing elsewhere.
//!
//! Next to read: `meta`, which demands these values.

mod action;
mod decision;
mod own;
mod permit;

pub use action::Action;
pub use decision::{Caller, Denied, permit, scope};
pub use own::{permit_operator, permit_own, scope_operator, scope_own};
pub use permit::{InternalActor, Permit, Resource, Scope, SystemPermit};
