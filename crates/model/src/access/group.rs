//! Access groups, their members, and rules by which federated users join.

use base::{AccessGroupId, AccessGroupRuleId, AccountId, PrincipalId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::text_enum;

/// Longest time that a rule lets someone in, in hours.
pub const RULES_MAX_HOURS: u32 = 24;

text_enum! {
    /// What a member is.
    MemberKind {
        /// A user.
        User = "user",
        /// A service ID.
        Service = "service",
        /// A trusted profile.
        Profile = "profile",
    }
}

impl MemberKind {
    /// What an IAM id names.
    #[must_use]
    pub fn of(iam_id: &str) -> Self {
        if iam_id.starts_with("iam-ServiceId-") {
            Self::Service
        } else if iam_id.starts_with("iam-Profile-") {
            Self::Profile
        } else {
            Self::User
        }
    }
}

/// An access group: policies of the group count for each member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessGroup {
    /// Its id.
    pub id: AccessGroupId,
    /// Its account.
    pub account: AccountId,
    /// Its name; unique in the account.
    pub name: String,
    /// What it is for; empty when nothing was said.
    pub description: String,
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

/// A member of an access group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Who it is.
    pub iam_id: PrincipalId,
    /// What it is.
    pub kind: MemberKind,
    /// Region time at which it was added.
    pub added_at: Timestamp,
    /// Who added it.
    pub added_by: PrincipalId,
}

/// What a claim of an identity provider must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCondition {
    /// The claim.
    pub claim: String,
    /// Such as `CONTAINS` or `EQUALS`.
    pub operator: String,
    /// JSON text that it is compared with.
    pub value: String,
}

/// A rule by which users of an identity provider join for a while. The region has no identity
/// provider, so a rule is kept and lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRule {
    /// Its id.
    pub id: AccessGroupRuleId,
    /// Its group.
    pub group: AccessGroupId,
    /// Its account.
    pub account: AccountId,
    /// Its name; empty when none was given.
    pub name: String,
    /// How long a membership lasts, in hours.
    pub expiration: u32,
    /// The identity provider.
    pub realm_name: String,
    /// All of these hold.
    pub conditions: Vec<ClaimCondition>,
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
