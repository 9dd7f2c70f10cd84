//! Who may do what: actions, roles, policies evaluated, permits and scopes.
//!
//! It refuses to know tokens, HTTP and SQL. Its invariant: a [`Permit`], a [`Scope`] and a
//! [`SystemPermit`] have no public constructor, so a store call that demands one cannot be
//! reached without a decision made here.
//!
//! The rules are IBM's: policies only allow, and what one allows no other takes away. An owner is
//! Administrator of everything in the account.
//!
//! Next to read: `access` for the decision, then `meta`, which demands these values.

mod access;
mod action;
mod grant;
mod own;
mod permit;
mod role;
mod service;
mod sight;
mod text;
mod when;

pub use access::{Access, Ask, Caller, Denied, permit, scope};
pub use action::{Action, Place};
pub use own::{permit_operator, permit_own, scope_operator, scope_own};
pub use permit::{InternalActor, Permit, Resource, Scope, Scopes, SystemPermit};
pub use role::{Role, RoleSet, action_fits, unknown_role};
pub use service::{ServiceFacts, service_authorized};
pub use sight::{Part, Parts, Sight};
pub use text::TextTest;
