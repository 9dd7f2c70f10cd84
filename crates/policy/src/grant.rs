//! What one policy gives, read once so that a decision is a few comparisons.
//!
//! Everything that an action alone decides (service, type, region) is decided here; what is left
//! depends on the resource: its group, its id, its access tags, and the time.

use base::{AccountId, Timestamp};
use model::{AccessPolicy, Attribute, CustomRole, PolicyKind, PolicyState, PolicyTerms};

use crate::{
    Action,
    action::{ActionSet, Place},
    role::{Role, RoleSet},
    text::TextTest,
    when::When,
};

/// What stands for the id of a resource that is about to be made.
pub(crate) const NEW_RESOURCE: &str = "NEWRESOURCE";

/// IBM's group of services about identity and access.
const IAM_SERVICES: [&str; 4] =
    ["iam-access-management", "iam-groups", "iam-identity", "user-management"];

/// Services with resources of their own; the others are the platform's.
const RESOURCE_SERVICES: [&str; 3] = ["is", "kms", "cloud-object-storage"];

/// A resource as grants see it.
pub(crate) struct Seen<'a> {
    pub(crate) service: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) group: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) tags: &'a [String],
}

/// What policies tell places apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceKey {
    Service,
    ServiceType,
    ServiceGroup,
    Kind,
    Region,
    /// A key that no resource of the region has.
    Absent,
}

impl PlaceKey {
    fn value<'a>(self, service: &'a str, kind: &'a str, region: &'a str) -> Option<&'a str> {
        let own = RESOURCE_SERVICES.contains(&service);
        match self {
            Self::Service => Some(service),
            Self::ServiceType => Some(if own { "service" } else { "platform_service" }),
            Self::ServiceGroup => IAM_SERVICES.contains(&service).then_some("IAM"),
            Self::Kind => Some(kind).filter(|k| !k.is_empty()),
            Self::Region => Some(region).filter(|_| own),
            Self::Absent => None,
        }
    }
}

/// The type of a VPC resource whose id goes by this key: `imageId` is an `image`'s.
fn kind_of_id(key: &str) -> Option<String> {
    let name = key.strip_suffix("Id").filter(|name| !name.is_empty())?;
    let mut kind = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            kind.push('-');
        }
        kind.push(c.to_ascii_lowercase());
    }
    Some(kind)
}

/// What a policy gives.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// The actions whose place fits.
    pub(crate) actions: ActionSet,
    pub(crate) place: Vec<(PlaceKey, TextTest)>,
    pub(crate) group: Option<TextTest>,
    pub(crate) ids: Vec<TextTest>,
    pub(crate) tags: Vec<TextTest>,
    pub(crate) when: Option<When>,
}

/// What a policy of the region's account is read with.
pub(crate) struct Reader<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a str,
    pub(crate) custom: &'a [CustomRole],
}

impl Reader<'_> {
    /// The actions of these roles, wherever they are given; and the roles that the region knows.
    fn held(&self, roles: &[String]) -> (RoleSet, ActionSet) {
        let mut known = RoleSet::NONE;
        let mut named: Vec<&str> = Vec::new();
        for crn in roles {
            if let Some(role) = Role::parse(crn) {
                known = known.with(role);
            } else if let Some(role) = self.custom.iter().find(|r| &r.crn() == crn) {
                named.extend(role.actions.iter().map(String::as_str));
            }
        }
        let held = ActionSet::of(|a| a.roles().meets(known) || named.contains(&a.as_str()));
        (known, held)
    }

    /// What an access policy gives; nothing when it does not count or cannot be read.
    pub(crate) fn grant(&self, policy: &AccessPolicy) -> Option<(RoleSet, Grant)> {
        let counts = policy.kind == PolicyKind::Access
            && policy.state == PolicyState::Active
            && &policy.account == self.account;
        if !counts {
            return None;
        }
        self.read(&policy.terms)
    }

    fn read(&self, terms: &PolicyTerms) -> Option<(RoleSet, Grant)> {
        let (roles, held) = self.held(&terms.roles);
        let mut grant = Grant {
            actions: held,
            place: Vec::new(),
            group: None,
            ids: Vec::new(),
            tags: terms.tags.iter().map(TextTest::of_tag).collect::<Option<_>>()?,
            when: terms.rule.as_ref().map(When::of),
        };
        for attribute in &terms.resource {
            self.narrow(&mut grant, attribute)?;
        }
        let region = self.region;
        grant.actions = ActionSet::of(|action| held.has(action) && grant.placed(action, region));
        Some((roles, grant))
    }

    /// Narrows by one attribute; none when nothing can fit any more.
    fn narrow(&self, grant: &mut Grant, attribute: &Attribute) -> Option<()> {
        let test = TextTest::of(attribute)?;
        let key = match attribute.key.as_str() {
            "accountId" => return test.passes(Some(self.account.as_str())).then_some(()),
            "serviceName" => PlaceKey::Service,
            "serviceType" => PlaceKey::ServiceType,
            "service_group_id" => PlaceKey::ServiceGroup,
            "resourceType" => PlaceKey::Kind,
            "region" => PlaceKey::Region,
            "resourceGroupId" => {
                grant.group = Some(test);
                return Some(());
            }
            "resource" => {
                grant.ids.push(test);
                return Some(());
            }
            other => match kind_of_id(other) {
                Some(kind) => {
                    if test == TextTest::Exists(false) {
                        return None;
                    }
                    grant.place.push((PlaceKey::Kind, TextTest::Is(kind.into())));
                    grant.ids.push(test);
                    return Some(());
                }
                None => PlaceKey::Absent,
            },
        };
        grant.place.push((key, test));
        Some(())
    }
}

impl Grant {
    /// What an owner has: everything.
    pub(crate) fn everything() -> Self {
        Self {
            actions: ActionSet::of(|_| true),
            place: Vec::new(),
            group: None,
            ids: Vec::new(),
            tags: Vec::new(),
            when: None,
        }
    }

    /// What the role carries wherever it is given: to look around in the account.
    pub(crate) fn carried(&self, roles: RoleSet) -> Self {
        let held = |a: Action| a.is_carried() && a.roles().meets(roles);
        Self { actions: ActionSet::of(held), when: self.when.clone(), ..Self::nothing() }
    }

    /// The groups that whoever has the role there may look at.
    pub(crate) fn groups(&self, roles: RoleSet) -> Option<Self> {
        let looks = Action::ResourceGroupRead.roles().meets(roles);
        if !looks || !self.ids.is_empty() || !self.tags.is_empty() {
            return None;
        }
        let actions = ActionSet::of(|a| a == Action::ResourceGroupRead);
        let (group, when) = (self.group.clone(), self.when.clone());
        Some(Self { actions, group, when, ..Self::nothing() })
    }

    const fn nothing() -> Self {
        Self {
            actions: ActionSet::EMPTY,
            place: Vec::new(),
            group: None,
            ids: Vec::new(),
            tags: Vec::new(),
            when: None,
        }
    }

    /// Whether nothing of a resource narrows it.
    pub(crate) fn is_wide(&self) -> bool {
        self.group.is_none() && self.ids.is_empty() && self.tags.is_empty() && self.when.is_none()
    }

    fn placed(&self, action: Action, region: &str) -> bool {
        match action.place() {
            // Decided when the resource is known.
            None => true,
            Some(Place { service, kind }) => self.fits_place(service, kind, region),
        }
    }

    fn fits_place(&self, service: &str, kind: &str, region: &str) -> bool {
        self.place.iter().all(|(key, test)| test.passes(key.value(service, kind, region)))
    }

    /// Whether it lets `action` be done to `seen`, now.
    pub(crate) fn allows(
        &self,
        action: Action,
        seen: &Seen<'_>,
        region: &str,
        now: Timestamp,
    ) -> bool {
        self.actions.has(action)
            && self.group.as_ref().is_none_or(|test| test.passes(seen.group))
            && self.ids.iter().all(|test| test.passes(seen.id))
            && self.tags.iter().all(|test| seen.tags.iter().any(|tag| test.passes(Some(tag))))
            && (!action.is_of_any_resource() || self.fits_place(seen.service, seen.kind, region))
            && self.when.as_ref().is_none_or(|when| {
                when.holds(now, &|key: &str| match key {
                    "resourceGroupId" => seen.group,
                    "resource" => seen.id,
                    "resourceType" => Some(seen.kind),
                    "serviceName" => Some(seen.service),
                    _ => None,
                })
            })
    }
}

/// What a role of administrators is given on, as the attributes of a policy say it.
#[derive(Clone, Debug)]
pub(crate) struct Administered(Vec<(String, TextTest)>);

impl Administered {
    /// What an owner has: everything.
    pub(crate) const fn everything() -> Self {
        Self(Vec::new())
    }

    /// What a policy lets its subject give to others; none when it is narrowed by tags or time.
    pub(crate) fn of(terms: &PolicyTerms, roles: RoleSet) -> Option<Self> {
        if !roles.has(Role::Administrator) || !terms.tags.is_empty() || terms.rule.is_some() {
            return None;
        }
        let each = terms.resource.iter().map(|a| Some((a.key.clone(), TextTest::of(a)?)));
        each.collect::<Option<_>>().map(Self)
    }

    /// Whether a policy with these terms speaks of nothing else: each attribute that narrows what
    /// is administered is there, and as narrow.
    pub(crate) fn covers(&self, terms: &PolicyTerms) -> bool {
        self.0.iter().all(|(key, test)| {
            let said = terms.resource_text(key).or_else(|| match key.as_str() {
                "serviceType" => {
                    let service = terms.resource_text("serviceName").filter(|s| *s != "*")?;
                    PlaceKey::ServiceType.value(service, "", "")
                }
                _ => None,
            });
            said.is_some_and(|text| text != "*" && test.passes(Some(text)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_goes_by_the_name_of_its_type() {
        assert_eq!(kind_of_id("imageId").as_deref(), Some("image"));
        assert_eq!(kind_of_id("networkAclId").as_deref(), Some("network-acl"));
        assert_eq!(
            kind_of_id("virtualNetworkInterfaceId").as_deref(),
            Some("virtual-network-interface")
        );
        assert_eq!(kind_of_id("Id"), None);
        assert_eq!(kind_of_id("keyRing"), None);
    }
}
