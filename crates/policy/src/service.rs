//! Service-to-service authorizations: may a service use another one for its users?

use base::AccountId;
use model::{AccessPolicy, Attribute, PolicyKind, PolicyState};

use crate::{Role, text::TextTest};

/// A service that asks, or that is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts<'a> {
    /// Such as `server-protect`.
    pub service: &'a str,
    /// The account it acts in.
    pub account: &'a str,
    /// Its instance, if it has one.
    pub instance: Option<&'a str>,
    /// Its region, if it has one.
    pub region: Option<&'a str>,
    /// Type of the resource, if there is one.
    pub kind: Option<&'a str>,
    /// Id of the resource, if there is one.
    pub resource: Option<&'a str>,
    /// Resource group, if there is one.
    pub group: Option<&'a str>,
}

impl ServiceFacts<'_> {
    fn value(&self, key: &str) -> Option<&str> {
        match key {
            "serviceName" => Some(self.service),
            "accountId" => Some(self.account),
            "serviceInstance" => self.instance,
            "region" => self.region,
            "resourceType" => self.kind,
            "resource" => self.resource,
            "resourceGroupId" => self.group,
            _ => None,
        }
    }

    fn fits(&self, attributes: &[Attribute]) -> bool {
        attributes
            .iter()
            .all(|a| TextTest::of(a).is_some_and(|test| test.passes(self.value(&a.key))))
    }
}

/// Whether one of `policies` of the account `owner`, which owns the target, gives `source` one of
/// `roles` on `target`.
#[must_use]
pub fn service_authorized(
    policies: &[AccessPolicy],
    owner: &AccountId,
    source: &ServiceFacts<'_>,
    target: &ServiceFacts<'_>,
    roles: &[Role],
) -> bool {
    policies.iter().any(|policy| {
        policy.kind == PolicyKind::Authorization
            && policy.state == PolicyState::Active
            && &policy.account == owner
            && source.fits(&policy.terms.subject)
            && target.fits(&policy.terms.resource)
            && policy.terms.tags.is_empty()
            && policy.terms.rule.is_none()
            && policy.terms.roles.iter().filter_map(|r| Role::parse(r)).any(|r| roles.contains(&r))
    })
}

#[cfg(test)]
mod tests {
    use base::{PolicyId, PrincipalId, Timestamp};
    use model::PolicyTerms;

    use super::*;

    const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

    fn grant(role: Role) -> AccessPolicy {
        let by = PrincipalId::parse("IBMid-1").unwrap();
        AccessPolicy {
            id: PolicyId::parse("p").unwrap(),
            account: AccountId::parse(ACCOUNT).unwrap(),
            kind: PolicyKind::Authorization,
            terms: PolicyTerms {
                subject: vec![
                    Attribute::equals("serviceName", "server-protect"),
                    Attribute::equals("accountId", ACCOUNT),
                ],
                roles: vec![role.crn()],
                resource: vec![
                    Attribute::equals("accountId", ACCOUNT),
                    Attribute::equals("serviceName", "kms"),
                ],
                ..PolicyTerms::default()
            },
            state: PolicyState::Active,
            created_at: Timestamp::default(),
            created_by: by.clone(),
            modified_at: Timestamp::default(),
            modified_by: by,
            revision: 1,
        }
    }

    #[test]
    fn a_service_is_let_in_by_an_authorization_alone() {
        let owner = AccountId::parse(ACCOUNT).unwrap();
        let disks =
            ServiceFacts { service: "server-protect", account: ACCOUNT, ..ServiceFacts::default() };
        let keys = ServiceFacts {
            service: "kms",
            account: ACCOUNT,
            instance: Some("i"),
            ..ServiceFacts::default()
        };
        let may = |policies: &[AccessPolicy], source: &ServiceFacts<'_>| {
            service_authorized(policies, &owner, source, &keys, &[Role::Reader])
        };
        assert!(may(&[grant(Role::Reader)], &disks));
        assert!(!may(&[], &disks));
        assert!(!may(&[grant(Role::AuthorizationDelegator)], &disks));
        let images = ServiceFacts { service: "is", ..disks };
        assert!(!may(&[grant(Role::Reader)], &images));
        let foreign = ServiceFacts { account: "ff", ..disks };
        assert!(!may(&[grant(Role::Reader)], &foreign));
        let person = AccessPolicy { kind: PolicyKind::Access, ..grant(Role::Reader) };
        assert!(!may(&[person], &disks));
        let gone = AccessPolicy { state: PolicyState::Deleted, ..grant(Role::Reader) };
        assert!(!may(&[gone], &disks));
        let mut one = grant(Role::Reader);
        one.terms.resource.push(Attribute::equals("serviceInstance", "j"));
        assert!(!may(&[one], &disks));
    }
}
