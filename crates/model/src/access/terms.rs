//! What a policy says, and which sayings are refused.

use base::AccountId;
use serde::{Deserialize, Serialize};

use super::{Condition, PolicyKind};
use crate::text_enum;

/// Most attributes of a subject, of a resource, or tags.
pub const ATTRIBUTES_MAX: usize = 20;
/// Longest value, in characters (IBM: 1 to 1000).
pub const VALUE_LEN_MAX: usize = 1_000;
/// Most values of an `AnyOf` operator.
pub const VALUES_MAX: usize = 10;
/// Most roles of a policy.
pub const POLICY_ROLES_MAX: usize = 20;
/// Most conditions of a rule.
pub const CONDITIONS_MAX: usize = 10;
/// How deep a rule's conditions may be nested: a list of lists.
pub const CONDITION_DEPTH_MAX: usize = 2;
/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 1_000;

text_enum! {
    /// How a value is compared.
    Operator {
        /// The same text; in a resource, `*` alone stands for any.
        StringEquals = "stringEquals",
        /// A pattern with `*` and `?`; `{{*}}` and `{{?}}` stand for themselves.
        StringMatch = "stringMatch",
        /// There is a value, or there is none.
        StringExists = "stringExists",
        /// One of several texts.
        StringEqualsAnyOf = "stringEqualsAnyOf",
        /// One of several patterns.
        StringMatchAnyOf = "stringMatchAnyOf",
        /// Earlier in the day.
        TimeLessThan = "timeLessThan",
        /// Earlier in the day, or then.
        TimeLessThanOrEquals = "timeLessThanOrEquals",
        /// Later in the day.
        TimeGreaterThan = "timeGreaterThan",
        /// Later in the day, or then.
        TimeGreaterThanOrEquals = "timeGreaterThanOrEquals",
        /// An earlier day.
        DateLessThan = "dateLessThan",
        /// An earlier day, or that one.
        DateLessThanOrEquals = "dateLessThanOrEquals",
        /// A later day.
        DateGreaterThan = "dateGreaterThan",
        /// A later day, or that one.
        DateGreaterThanOrEquals = "dateGreaterThanOrEquals",
        /// Before a moment.
        DateTimeLessThan = "dateTimeLessThan",
        /// Before a moment, or then.
        DateTimeLessThanOrEquals = "dateTimeLessThanOrEquals",
        /// After a moment.
        DateTimeGreaterThan = "dateTimeGreaterThan",
        /// After a moment, or then.
        DateTimeGreaterThanOrEquals = "dateTimeGreaterThanOrEquals",
        /// That day of the week.
        DayOfWeekEquals = "dayOfWeekEquals",
        /// One of several days of the week.
        DayOfWeekAnyOf = "dayOfWeekAnyOf",
    }
}

impl Operator {
    /// Whether it compares texts.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::StringEquals
                | Self::StringMatch
                | Self::StringExists
                | Self::StringEqualsAnyOf
                | Self::StringMatchAnyOf
        )
    }
}

/// What an attribute is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// Of `stringExists`.
    Flag(bool),
    /// A text.
    Text(String),
    /// Of the `AnyOf` operators.
    Many(Vec<String>),
}

/// A key, how it is compared, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Such as `serviceName`.
    pub key: String,
    /// How it is compared.
    #[serde(with = "operator_text")]
    pub operator: Operator,
    /// With what.
    pub value: AttributeValue,
}

impl Attribute {
    /// `key` is `value`.
    #[must_use]
    pub fn equals(key: &str, value: &str) -> Self {
        Self {
            key: key.to_owned(),
            operator: Operator::StringEquals,
            value: AttributeValue::Text(value.to_owned()),
        }
    }

    /// The text that the key is to equal, when it is one text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match (&self.value, self.operator) {
            (AttributeValue::Text(text), Operator::StringEquals) => Some(text),
            _ => None,
        }
    }
}

mod operator_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::Operator;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
    pub(super) fn serialize<S: Serializer>(operator: &Operator, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(operator.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Operator, D::Error> {
        let text = String::deserialize(from)?;
        Operator::parse(&text).ok_or_else(|| D::Error::custom("not an operator"))
    }
}

/// What a policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyTerms {
    /// In the words of its maker; empty when nothing was said.
    pub description: String,
    /// For whom.
    pub subject: Vec<Attribute>,
    /// CRNs of roles.
    pub roles: Vec<String>,
    /// On what: all of these hold.
    pub resource: Vec<Attribute>,
    /// On what: all of these access tags are there.
    pub tags: Vec<Attribute>,
    /// The shape of the rule.
    pub pattern: Option<String>,
    /// When, or on what besides.
    pub rule: Option<Condition>,
}

/// Why a policy is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct TermsError {
    /// What it is about, such as `resource.attributes`.
    pub field: &'static str,
    /// A sentence for users.
    pub why: String,
}

impl TermsError {
    pub(super) fn new(field: &'static str, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }
}

/// What a subject of an authorization may be told by.
const SERVICE_KEYS: [&str; 7] = [
    "serviceName",
    "serviceInstance",
    "region",
    "resourceType",
    "resource",
    "accountId",
    "resourceGroupId",
];

/// What a resource may be told by, besides the id of a VPC resource.
const RESOURCE_KEYS: [&str; 14] = [
    "accountId",
    "serviceName",
    "serviceType",
    "service_group_id",
    "serviceInstance",
    "region",
    "resourceType",
    "resource",
    "resourceGroupId",
    "keyRing",
    "namespace",
    "prefix",
    "path",
    "delimiter",
];

/// The ids of VPC resources, as policies name them.
const ID_KEYS: [&str; 26] = [
    "backupPolicyId",
    "bareMetalServerId",
    "dedicatedHostId",
    "endpointGatewayId",
    "floatingIpId",
    "flowLogCollectorId",
    "imageId",
    "instanceGroupId",
    "instanceId",
    "instanceTemplateId",
    "keyId",
    "loadBalancerId",
    "networkAclId",
    "placementGroupId",
    "privatePathServiceGatewayId",
    "publicGatewayId",
    "reservationId",
    "securityGroupId",
    "shareId",
    "snapshotId",
    "subnetId",
    "virtualNetworkInterfaceId",
    "volumeId",
    "vpcId",
    "vpnGatewayId",
    "vpnServerId",
];

/// What of these a resource must name besides its account.
const PLACES: [&str; 4] = ["serviceType", "serviceName", "resourceGroupId", "service_group_id"];

impl PolicyTerms {
    /// The value that the first attribute of `of` named `key` is to equal.
    fn text<'a>(of: &'a [Attribute], key: &str) -> Option<&'a str> {
        of.iter().find(|a| a.key == key).and_then(Attribute::text)
    }

    /// Whom an access policy is for: `iam_id` or `access_group_id`, and its value.
    #[must_use]
    pub fn subject_id(&self) -> Option<(&str, &str)> {
        let [only] = &self.subject[..] else { return None };
        Some((only.key.as_str(), only.text()?))
    }

    /// The value that the resource's `key` is to equal.
    #[must_use]
    pub fn resource_text(&self, key: &str) -> Option<&str> {
        Self::text(&self.resource, key)
    }

    /// The value that the subject's `key` is to equal.
    #[must_use]
    pub fn subject_text(&self, key: &str) -> Option<&str> {
        Self::text(&self.subject, key)
    }

    /// Whether IBM's first form of policies can say all of it.
    #[must_use]
    pub fn fits_v1(&self) -> bool {
        let plain = |a: &Attribute| {
            matches!(a.operator, Operator::StringEquals | Operator::StringMatch)
                && matches!(a.value, AttributeValue::Text(_))
        };
        self.rule.is_none()
            && self.subject.iter().chain(&self.resource).chain(&self.tags).all(plain)
    }

    /// Refuses what no policy of `account` may say. Whether its roles exist is `policy`'s to say.
    ///
    /// # Errors
    /// Unknown keys, operators or patterns; values that are empty, too long or too many; a
    /// subject or a resource that is not complete; a condition that cannot be read.
    pub fn check(&self, kind: PolicyKind, account: &AccountId) -> Result<(), TermsError> {
        if self.description.len() > DESCRIPTION_BYTES_MAX {
            let why = format!("It is longer than {DESCRIPTION_BYTES_MAX} bytes.");
            return Err(TermsError::new("description", why));
        }
        if self.roles.is_empty() || self.roles.len() > POLICY_ROLES_MAX {
            let why = format!("A policy has 1 to {POLICY_ROLES_MAX} roles.");
            return Err(TermsError::new("roles", why));
        }
        self.check_subject(kind)?;
        self.check_resource(account)?;
        self.check_tags()?;
        match (&self.pattern, &self.rule) {
            (None, None) => Ok(()),
            (Some(pattern), Some(rule)) => rule.check(pattern),
            (Some(_), None) => Err(TermsError::new("pattern", "A pattern needs a rule.")),
            (None, Some(_)) => Err(TermsError::new("pattern", "A rule needs a pattern.")),
        }
    }

    fn check_subject(&self, kind: PolicyKind) -> Result<(), TermsError> {
        const FIELD: &str = "subject.attributes";
        let refuse = |why: &str| Err(TermsError::new(FIELD, why));
        check_attributes(FIELD, &self.subject)?;
        match kind {
            PolicyKind::Access => match self.subject_id() {
                Some(("iam_id" | "access_group_id", _)) => Ok(()),
                _ => refuse("An access policy has one subject: an iam_id or an access_group_id."),
            },
            PolicyKind::Authorization => {
                if let Some(a) =
                    self.subject.iter().find(|a| !SERVICE_KEYS.contains(&a.key.as_str()))
                {
                    return refuse(&format!("{} is not known.", shown(&a.key)));
                }
                let has = |key| self.subject.iter().any(|a| a.key == key);
                if !has("serviceName") && !has("resourceGroupId") {
                    return refuse("It must name a serviceName or a resourceGroupId.");
                }
                if has("accountId") { Ok(()) } else { refuse("It must name an accountId.") }
            }
        }
    }

    fn check_resource(&self, account: &AccountId) -> Result<(), TermsError> {
        const FIELD: &str = "resource.attributes";
        let refuse = |why: &str| Err(TermsError::new(FIELD, why));
        check_attributes(FIELD, &self.resource)?;
        for attribute in &self.resource {
            let key = attribute.key.as_str();
            if !RESOURCE_KEYS.contains(&key) && !ID_KEYS.contains(&key) {
                return refuse(&format!("{} is not known.", shown(key)));
            }
        }
        if self.resource_text("accountId") != Some(account.as_str()) {
            return refuse("accountId must be the account of the policy.");
        }
        let placed = self.resource.iter().any(|a| PLACES.contains(&a.key.as_str()))
            || self.resource_text("resourceType") == Some("resource-group");
        if placed {
            return Ok(());
        }
        refuse("It must name a serviceType, serviceName, resourceGroupId or service_group_id.")
    }

    fn check_tags(&self) -> Result<(), TermsError> {
        const FIELD: &str = "resource.tags";
        check_attributes(FIELD, &self.tags)?;
        let plain = |a: &Attribute| {
            matches!(a.operator, Operator::StringEquals | Operator::StringMatch)
                && matches!(a.value, AttributeValue::Text(_))
        };
        if self.tags.iter().all(plain) {
            return Ok(());
        }
        Err(TermsError::new(FIELD, "A tag is compared by stringEquals or stringMatch."))
    }
}

/// A key as an error shows it: never much of it.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(64).filter(|c| !c.is_control()).collect()
}

fn check_attributes(field: &'static str, of: &[Attribute]) -> Result<(), TermsError> {
    if of.len() > ATTRIBUTES_MAX {
        return Err(TermsError::new(field, format!("There are more than {ATTRIBUTES_MAX}.")));
    }
    for (at, attribute) in of.iter().enumerate() {
        if of[..at].iter().any(|before| before.key == attribute.key) && field != "resource.tags" {
            let why = format!("{} is there twice.", shown(&attribute.key));
            return Err(TermsError::new(field, why));
        }
        if !attribute.operator.is_text() {
            let why = format!("{} is an operator of rules.", attribute.operator);
            return Err(TermsError::new(field, why));
        }
        check_value(field, attribute)?;
    }
    Ok(())
}

/// The value fits the operator and the bounds.
pub(super) fn check_value(field: &'static str, of: &Attribute) -> Result<(), TermsError> {
    let refuse = |why: String| Err(TermsError::new(field, format!("{}: {why}", shown(&of.key))));
    if of.key.is_empty() || of.key.chars().count() > VALUE_LEN_MAX {
        return refuse(format!("A key has 1 to {VALUE_LEN_MAX} characters."));
    }
    let many = matches!(
        of.operator,
        Operator::StringEqualsAnyOf | Operator::StringMatchAnyOf | Operator::DayOfWeekAnyOf
    );
    let texts = match &of.value {
        AttributeValue::Flag(_) if of.operator == Operator::StringExists => return Ok(()),
        AttributeValue::Text(text) if !many && of.operator != Operator::StringExists => {
            std::slice::from_ref(text)
        }
        AttributeValue::Many(texts) if many => texts,
        _ => return refuse(format!("The value does not fit {}.", of.operator)),
    };
    if texts.is_empty() || texts.len() > VALUES_MAX {
        return refuse(format!("There are 1 to {VALUES_MAX} values."));
    }
    let fits = |text: &String| (1..=VALUE_LEN_MAX).contains(&text.chars().count());
    if texts.iter().all(fits) {
        return Ok(());
    }
    refuse(format!("A value has 1 to {VALUE_LEN_MAX} characters."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

    fn account() -> AccountId {
        AccountId::parse(ACCOUNT).unwrap()
    }

    fn terms() -> PolicyTerms {
        PolicyTerms {
            subject: vec![Attribute::equals("iam_id", "IBMid-1")],
            roles: vec!["crn:v1:bluemix:public:iam::::role:Viewer".to_owned()],
            resource: vec![
                Attribute::equals("accountId", ACCOUNT),
                Attribute::equals("serviceName", "is"),
            ],
            ..PolicyTerms::default()
        }
    }

    fn refused(change: impl FnOnce(&mut PolicyTerms)) -> &'static str {
        let mut terms = terms();
        change(&mut terms);
        terms.check(PolicyKind::Access, &account()).unwrap_err().field
    }

    #[test]
    fn a_policy_names_one_subject_its_account_and_a_place() {
        assert_eq!(terms().check(PolicyKind::Access, &account()), Ok(()));
        assert_eq!(refused(|t| t.subject.clear()), "subject.attributes");
        let second = Attribute::equals("access_group_id", "g");
        assert_eq!(refused(|t| t.subject.push(second)), "subject.attributes");
        assert_eq!(refused(|t| t.subject[0].key = "name".into()), "subject.attributes");
        assert_eq!(refused(|t| t.roles.clear()), "roles");
        let role = terms().roles[0].clone();
        assert_eq!(refused(|t| t.roles = vec![role; POLICY_ROLES_MAX + 1]), "roles");
        assert_eq!(refused(|t| drop(t.resource.remove(0))), "resource.attributes");
        assert_eq!(refused(|t| drop(t.resource.remove(1))), "resource.attributes");
        let elsewhere = Attribute::equals("accountId", "ff");
        assert_eq!(refused(|t| t.resource[0] = elsewhere), "resource.attributes");
        assert_eq!(refused(|t| t.resource[1].key = "colour".into()), "resource.attributes");
        assert_eq!(refused(|t| t.description = "x".repeat(1_001)), "description");
    }

    #[test]
    fn values_at_both_sides_of_their_bounds() {
        let mut named = terms();
        named.resource.push(Attribute::equals("imageId", &"é".repeat(VALUE_LEN_MAX)));
        assert_eq!(named.check(PolicyKind::Access, &account()), Ok(()));
        for bad in ["", &"a".repeat(VALUE_LEN_MAX + 1)] {
            let bad = Attribute::equals("imageId", bad);
            assert_eq!(refused(|t| t.resource.push(bad)), "resource.attributes");
        }
        let any = |count: usize| Attribute {
            key: "imageId".to_owned(),
            operator: Operator::StringEqualsAnyOf,
            value: AttributeValue::Many(vec!["x".to_owned(); count]),
        };
        named.resource[2] = any(VALUES_MAX);
        assert_eq!(named.check(PolicyKind::Access, &account()), Ok(()));
        assert!(!named.fits_v1());
        for count in [0, VALUES_MAX + 1] {
            assert_eq!(refused(|t| t.resource.push(any(count))), "resource.attributes");
        }
        let odd = Attribute { operator: Operator::StringExists, ..any(1) };
        assert_eq!(refused(|t| t.resource.push(odd)), "resource.attributes");
        let timed =
            Attribute { operator: Operator::TimeLessThan, ..Attribute::equals("region", "x") };
        assert_eq!(refused(|t| t.resource.push(timed)), "resource.attributes");
    }

    #[test]
    fn an_authorization_names_a_service_and_its_account() {
        let mut grant = terms();
        grant.subject = vec![
            Attribute::equals("serviceName", "server-protect"),
            Attribute::equals("accountId", ACCOUNT),
        ];
        assert_eq!(grant.check(PolicyKind::Authorization, &account()), Ok(()));
        assert!(grant.check(PolicyKind::Access, &account()).is_err());
        grant.subject.remove(1);
        assert!(grant.check(PolicyKind::Authorization, &account()).is_err());
        grant.subject = vec![Attribute::equals("accountId", ACCOUNT)];
        assert!(grant.check(PolicyKind::Authorization, &account()).is_err());
    }

    #[test]
    fn a_rule_and_a_pattern_come_together() {
        assert_eq!(refused(|t| t.pattern = Some("time-based-conditions:once".into())), "pattern");
        let rule = Condition::All(Vec::new());
        assert_eq!(refused(|t| t.rule = Some(rule)), "pattern");
    }
}
