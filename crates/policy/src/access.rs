//! The decision: what a caller's policies allow, together.
//!
//! Pure: it is made of policies that were read before, and asks nobody. Its invariants: without a
//! policy there is no access; a further policy never takes access away; nothing is allowed in
//! another account.
//!
//! Next to read: `grant` for one policy, `sight` for lists.

use base::{AccountId, PrincipalId, RegionName, Timestamp};
use model::{AccessPolicy, CustomRole, PolicyTerms};

use crate::{
    Action, Permit, Resource, Scope, Scopes,
    grant::{Administered, Grant, NEW_RESOURCE, Reader, Seen},
    sight::{Sight, SightBuilder},
};

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

/// What is asked: may this be done to that?
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// What.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// Service and type of the resource, when the action does not say: that of a tagged one.
    pub place: Option<(&'a str, &'a str)>,
    /// The access tags of the resource; needed when [`Access::asks_tags`] says so.
    pub tags: &'a [String],
}

impl Ask<'_> {
    /// About a resource whose place the action says, and whose tags do not matter.
    #[must_use]
    pub const fn about(action: Action, resource: Resource) -> Self {
        Self { action, resource, place: None, tags: &[] }
    }
}

/// Everything that a caller may do in the account of the token.
#[derive(Clone, Debug)]
pub struct Access {
    principal: PrincipalId,
    account: AccountId,
    region: String,
    grants: Vec<Grant>,
    administered: Vec<Administered>,
}

impl Access {
    /// An owner's: Administrator of everything in the account, with every role of its services.
    #[must_use]
    pub fn of_owner(caller: &Caller) -> Self {
        Self {
            principal: caller.principal.clone(),
            account: caller.account.clone(),
            region: String::new(),
            grants: vec![Grant::everything()],
            administered: vec![Administered::everything()],
        }
    }

    /// What these policies allow: those whose subject the caller is, or a group of the caller's.
    /// Which ones that are is the store's to say.
    #[must_use]
    pub fn of(
        caller: &Caller,
        region: &RegionName,
        policies: &[AccessPolicy],
        custom: &[CustomRole],
    ) -> Self {
        let reader = Reader { account: &caller.account, region: region.as_str(), custom };
        let mut access = Self {
            principal: caller.principal.clone(),
            account: caller.account.clone(),
            region: region.to_string(),
            grants: Vec::with_capacity(policies.len() + 2),
            administered: Vec::new(),
        };
        for policy in policies {
            let Some((roles, grant)) = reader.grant(policy) else { continue };
            access.administered.extend(Administered::of(&policy.terms, roles));
            access.push(grant.carried(roles));
            access.grants.extend(grant.groups(roles));
            access.push(grant);
        }
        access
    }

    /// Adds a grant, unless one without narrowing gives the same already.
    fn push(&mut self, grant: Grant) {
        let same = |g: &Grant| g.is_wide() && g.actions == grant.actions && g.place == grant.place;
        if grant.actions.is_empty() || (grant.is_wide() && self.grants.iter().any(same)) {
            return;
        }
        self.grants.push(grant);
    }

    /// Whether a decision on this action needs the access tags of the resource.
    #[must_use]
    pub fn asks_tags(&self, action: Action) -> bool {
        self.grants.iter().any(|g| !g.tags.is_empty() && g.actions.has(action))
    }

    /// May the caller do it, now?
    ///
    /// # Errors
    /// [`Denied`] when not. A resource of another account must have been answered as not found
    /// before it comes to this.
    pub fn permit(&self, ask: Ask<'_>, now: Timestamp) -> Result<Permit, Denied> {
        let Ask { action, resource, place, tags } = ask;
        if &self.account == resource.account() && self.allows(action, &resource, place, tags, now) {
            Ok(Permit { action, resource, by: self.principal.clone() })
        } else {
            Err(Denied { action })
        }
    }

    fn allows(
        &self,
        action: Action,
        resource: &Resource,
        place: Option<(&str, &str)>,
        tags: &[String],
        now: Timestamp,
    ) -> bool {
        let by_action = || action.place().map(|p| (p.service, p.kind));
        let (service, kind) = place.or_else(by_action).unwrap_or_default();
        let (group, id) = match resource {
            Resource::New { group, .. } => (Some(group.as_str()), Some(NEW_RESOURCE)),
            Resource::One { group, id, .. } => (Some(group.as_str()), Some(id.as_str())),
            Resource::Account { .. } => (None, None),
        };
        let seen = Seen { service, kind, group, id, tags };
        self.grants.iter().any(|grant| grant.allows(action, &seen, &self.region, now))
    }

    /// What may the caller see when it does `action`, now?
    ///
    /// # Errors
    /// [`Denied`] when nothing at all.
    pub fn scope(&self, action: Action, now: Timestamp) -> Result<Scope, Denied> {
        let mut sight = SightBuilder::default();
        for grant in self.grants.iter().filter(|grant| grant.actions.has(action)) {
            sight.add(grant, now);
        }
        match sight.build() {
            Some(sight) => Ok(Scope { account: self.account.clone(), action, sight }),
            None => Err(Denied { action }),
        }
    }

    /// What may the caller see of each type of resource, now?
    #[must_use]
    pub fn scopes(&self, now: Timestamp) -> Scopes {
        let of = |kind: &&'static str| Some((*kind, self.scope(Action::to_see(kind)?, now).ok()?));
        Scopes { each: Action::KINDS.iter().filter_map(of).collect() }
    }

    /// May the caller write a policy of these terms? Those who may write every policy of the
    /// account may; and an Administrator of all that the policy speaks of.
    ///
    /// # Errors
    /// [`Denied`] when not.
    pub fn permit_policy(
        &self,
        action: Action,
        terms: &PolicyTerms,
        now: Timestamp,
    ) -> Result<Permit, Denied> {
        let resource = Resource::Account { account: self.account.clone() };
        if self.administered.iter().any(|what| what.covers(terms)) {
            return Ok(Permit { action, resource, by: self.principal.clone() });
        }
        self.permit(Ask::about(action, resource), now)
    }
}

/// May an owner do `action` to `resource`? For those who have no policies at hand.
///
/// # Errors
/// [`Denied`] when `caller` owns nothing, or the resource is another account's.
pub fn permit(caller: &Caller, action: Action, resource: Resource) -> Result<Permit, Denied> {
    if !caller.owner {
        return Err(Denied { action });
    }
    Access::of_owner(caller).permit(Ask::about(action, resource), Timestamp::default())
}

/// What may an owner see when it does `action`? For those who have no policies at hand.
///
/// # Errors
/// [`Denied`] when `caller` owns nothing.
pub fn scope(caller: &Caller, action: Action) -> Result<Scope, Denied> {
    if !caller.owner {
        return Err(Denied { action });
    }
    Ok(Scope { account: caller.account.clone(), action, sight: Sight::All })
}

#[cfg(test)]
mod tests;
