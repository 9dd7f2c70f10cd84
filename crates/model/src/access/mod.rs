//! Policies, roles of an account and access groups, as records.
//!
//! It refuses to know who may do what: `policy` decides by these records. Its invariant: a
//! [`PolicyTerms`] that [`PolicyTerms::check`] passed has known keys, bounded values and a
//! condition that can be read.
//!
//! Next to read: `terms` for the rules, then `policy`.

mod condition;
mod group;
mod terms;

pub use condition::{
    Condition, DayOffset, DayTime, FIELD_DATE_TIME, FIELD_DAY, FIELD_TIME, RESOURCE_FIELD,
    day_of_week, time_of_day,
};
pub use group::{AccessGroup, ClaimCondition, GroupMember, GroupRule, MemberKind, RULES_MAX_HOURS};
pub use terms::{
    ATTRIBUTES_MAX, Attribute, AttributeValue, CONDITION_DEPTH_MAX, CONDITIONS_MAX, Operator,
    POLICY_ROLES_MAX, PolicyTerms, TermsError, VALUE_LEN_MAX, VALUES_MAX,
};

use base::{AccountId, PolicyId, PrincipalId, RoleId, Timestamp};

use crate::text_enum;

text_enum! {
    /// What a policy is for.
    PolicyKind {
        /// A user, service ID, profile or access group may do something.
        Access = "access",
        /// A service may do something for its users.
        Authorization = "authorization",
    }
}

text_enum! {
    /// Whether a policy counts.
    PolicyState {
        /// It counts.
        Active = "active",
        /// It does not, and may be restored.
        Deleted = "deleted",
    }
}

/// A policy of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its account: that of the resources it speaks of.
    pub account: AccountId,
    /// What it is for.
    pub kind: PolicyKind,
    /// What it says.
    pub terms: PolicyTerms,
    /// Whether it counts.
    pub state: PolicyState,
    /// Region time of its creation.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: PrincipalId,
    /// Region time of its last change.
    pub modified_at: Timestamp,
    /// Who changed it last.
    pub modified_by: PrincipalId,
    /// Counts its writes; its ETag.
    pub revision: u64,
}

/// A role that an account made of the actions of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRole {
    /// Its id.
    pub id: RoleId,
    /// Its account.
    pub account: AccountId,
    /// The name in its CRN: letters and digits, the first a capital.
    pub name: String,
    /// The service whose actions it holds.
    pub service: String,
    /// What users see.
    pub display_name: String,
    /// What it is for; empty when nothing was said.
    pub description: String,
    /// Names of actions.
    pub actions: Vec<String>,
    /// Region time of its creation.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: PrincipalId,
    /// Region time of its last change.
    pub modified_at: Timestamp,
    /// Who changed it last.
    pub modified_by: PrincipalId,
    /// Counts its writes; its ETag.
    pub revision: u64,
}

impl CustomRole {
    /// Its CRN, as policies name it.
    #[must_use]
    pub fn crn(&self) -> String {
        Self::crn_of(&self.account, &self.name)
    }

    /// The CRN of the custom role `name` of `account`.
    #[must_use]
    pub fn crn_of(account: &AccountId, name: &str) -> String {
        format!("crn:v1:bluemix:public:iam-access-management::a/{account}::customRole:{name}")
    }
}
