//! The values that a store demands before it writes or reads.

use base::{AccountId, PrincipalId, ResourceGroupId};

use crate::{Action, sight::Sight};

/// What an action is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Something that is about to be made in a resource group (IBM: `NEWRESOURCE`).
    New {
        /// Its account.
        account: AccountId,
        /// Its group.
        group: ResourceGroupId,
    },
    /// Something that exists.
    One {
        /// Its account.
        account: AccountId,
        /// Its group.
        group: ResourceGroupId,
        /// Its id.
        id: String,
    },
    /// What belongs to the account as a whole and to no group: its groups and its tags.
    Account {
        /// The account.
        account: AccountId,
    },
}

impl Resource {
    /// The account it is in.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        match self {
            Self::New { account, .. } | Self::One { account, .. } | Self::Account { account } => {
                account
            }
        }
    }
}

/// A decision that one action on one resource is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    pub(crate) action: Action,
    pub(crate) resource: Resource,
    pub(crate) by: PrincipalId,
}

impl Permit {
    /// The action.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        self.resource.account()
    }

    /// The resource.
    #[must_use]
    pub const fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Who was allowed.
    #[must_use]
    pub const fn by(&self) -> &PrincipalId {
        &self.by
    }

    /// Whether it allows `action` on the existing resource `id` of `account`.
    #[must_use]
    pub fn covers(&self, action: Action, account: &AccountId, id: &str) -> bool {
        self.action == action
            && matches!(&self.resource, Resource::One { account: a, id: i, .. } if a == account && i == id)
    }

    /// Whether it allows `action` on what belongs to the account as a whole.
    #[must_use]
    pub fn covers_account(&self, action: Action) -> bool {
        self.action == action && matches!(&self.resource, Resource::Account { .. })
    }

    /// Whether it allows `action` for something new in `account` and `group`.
    #[must_use]
    pub fn covers_new(&self, action: Action, account: &AccountId, group: &ResourceGroupId) -> bool {
        self.action == action
            && matches!(&self.resource, Resource::New { account: a, group: g } if a == account && g == group)
    }
}

/// What a reader may see: predicates that a store turns into indexed conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub(crate) account: AccountId,
    pub(crate) action: Action,
    pub(crate) sight: Sight,
}

impl Scope {
    /// Rows of this account; public rows of the provider's account come beside them where a
    /// type has such rows.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// What the reader does.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Which of those rows.
    #[must_use]
    pub const fn sight(&self) -> &Sight {
        &self.sight
    }
}

/// What a reader may see of each type of resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes {
    pub(crate) each: Vec<(&'static str, Scope)>,
}

impl Scopes {
    /// What is seen of the type `kind`, such as `image`; none when nothing is.
    #[must_use]
    pub fn of(&self, kind: &str) -> Option<&Scope> {
        self.each.iter().find(|(k, _)| *k == kind).map(|(_, scope)| scope)
    }
}

/// Who acts inside the region without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InternalActor {
    /// First start: the provider's account, the first account, keys.
    Bootstrap,
    /// A durable job, for the one who asked for it.
    Job,
    /// The reconciler that follows guests and host.
    Reconciler,
    /// The scheduler of due lifecycle dates.
    Scheduler,
    /// Sign-in: reads API keys and token keys.
    Identity,
    /// The operator's commands.
    Operator,
}

/// Leave for an internal actor, across accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemPermit {
    actor: InternalActor,
}

impl SystemPermit {
    /// For `actor`. Only `control` and the program's own wiring call this; the layer check keeps
    /// it from `server`.
    #[must_use]
    pub const fn of(actor: InternalActor) -> Self {
        Self { actor }
    }

    /// Who acts.
    #[must_use]
    pub const fn actor(self) -> InternalActor {
        self.actor
    }
}
