//! Policies, roles of accounts, access groups: what decisions are made of.
//!
//! These belong to an account as a whole, so every call but the region's own takes a permit for
//! the account; there is no part of them to see.

use async_trait::async_trait;
use base::{AccessGroupId, AccessGroupRuleId, AccountId, PolicyId, PrincipalId, RoleId};
use model::{
    AccessGroup, AccessPolicy, CustomRole, GroupMember, GroupRule, MemberKind, PolicyKind,
    PolicyState,
};
use policy::{Permit, SystemPermit};

use crate::{Change, StoreError};

/// What decides for one principal, as one transaction saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRows {
    /// Grows with every write that may change a decision in the account.
    pub generation: u64,
    /// Active access policies of the principal and of its groups.
    pub policies: Vec<AccessPolicy>,
    /// Custom roles of the account.
    pub roles: Vec<CustomRole>,
}

/// Which policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFilter {
    /// For this IAM id.
    pub iam_id: Option<String>,
    /// For this access group.
    pub access_group: Option<String>,
    /// Of this kind.
    pub kind: Option<PolicyKind>,
    /// In this state; active ones when none.
    pub state: Option<PolicyState>,
}

/// A part of a list by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// How many are left out at the beginning.
    pub offset: u32,
    /// At most so many.
    pub limit: u32,
}

/// Which access groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessGroupFilter {
    /// Those with this member.
    pub iam_id: Option<String>,
    /// Those with this in name or description, whatever the case.
    pub search: Option<String>,
    /// From the last to the first by name.
    pub descending: bool,
}

/// What decisions are made of.
///
/// Permits: `XRead`, `XCreate`, `XUpdate`, `XDelete` of [`policy::Action`] for the account.
/// Every write raises the account's generation in its transaction.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// The generation of an account's policies, roles and groups.
    async fn access_generation(
        &self,
        permit: SystemPermit,
        account: &AccountId,
    ) -> Result<u64, StoreError>;

    /// What decides for a principal.
    async fn access_rows(
        &self,
        permit: SystemPermit,
        account: &AccountId,
        principal: &PrincipalId,
    ) -> Result<AccessRows, StoreError>;

    /// The account's own roles by name, for a decision on a policy that gives one.
    async fn access_roles(
        &self,
        permit: SystemPermit,
        account: &AccountId,
    ) -> Result<Vec<CustomRole>, StoreError>;

    /// The access tags of the resource with this id.
    async fn access_tags(
        &self,
        permit: SystemPermit,
        account: &AccountId,
        id: &str,
    ) -> Result<Vec<String>, StoreError>;

    /// Active authorizations of an account: which services may use its resources.
    async fn authorizations(
        &self,
        permit: SystemPermit,
        account: &AccountId,
    ) -> Result<Vec<AccessPolicy>, StoreError>;

    /// Policies of the account, oldest first.
    async fn policies(
        &self,
        permit: &Permit,
        filter: &PolicyFilter,
    ) -> Result<Vec<AccessPolicy>, StoreError>;

    /// A policy of the account, for a decision on what it says.
    async fn policy_any(
        &self,
        permit: SystemPermit,
        account: &AccountId,
        id: &PolicyId,
    ) -> Result<AccessPolicy, StoreError>;

    /// A policy, whatever its state.
    async fn policy(&self, permit: &Permit, id: &PolicyId) -> Result<AccessPolicy, StoreError>;

    /// Adds a policy. Refuses one that says the same as another, one for a group that is not
    /// there, and more than the limit.
    async fn policy_create(
        &self,
        permit: &Permit,
        policy: AccessPolicy,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Writes a policy over the one of the revision before its own: its terms, or its state.
    async fn policy_write(
        &self,
        permit: &Permit,
        policy: AccessPolicy,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Custom roles of the account by name.
    async fn roles(&self, permit: &Permit) -> Result<Vec<CustomRole>, StoreError>;

    /// Adds a role. Refuses a taken name and more than the limit.
    async fn role_create(
        &self,
        permit: &Permit,
        role: CustomRole,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Writes a role over the one of the revision before its own.
    async fn role_write(
        &self,
        permit: &Permit,
        role: CustomRole,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Deletes a role. Refuses one that a policy gives.
    async fn role_delete(
        &self,
        permit: &Permit,
        id: &RoleId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Access groups by name, with the number of those that fit.
    async fn access_groups(
        &self,
        permit: &Permit,
        filter: &AccessGroupFilter,
        slice: Slice,
    ) -> Result<(Vec<AccessGroup>, u64), StoreError>;

    /// An access group.
    async fn access_group(
        &self,
        permit: &Permit,
        id: &AccessGroupId,
    ) -> Result<AccessGroup, StoreError>;

    /// Adds an access group. Refuses a taken name and more than the limit.
    async fn access_group_create(
        &self,
        permit: &Permit,
        group: AccessGroup,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Writes a group over the one of the revision before its own.
    async fn access_group_write(
        &self,
        permit: &Permit,
        group: AccessGroup,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Deletes a group with its rules and policies. Refuses one with members, unless `force`.
    async fn access_group_delete(
        &self,
        permit: &Permit,
        id: &AccessGroupId,
        force: bool,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Members of a group by id, with the number of those that fit.
    async fn members(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        kind: Option<MemberKind>,
        slice: Slice,
    ) -> Result<(Vec<GroupMember>, u64), StoreError>;

    /// Whether a group has this member.
    async fn is_member(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        iam_id: &PrincipalId,
    ) -> Result<bool, StoreError>;

    /// Adds members; who is one already stays one. Says for each whether it is new. Refuses more
    /// than the limit.
    async fn members_add(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        members: Vec<GroupMember>,
        change: Change,
    ) -> Result<Vec<bool>, StoreError>;

    /// Removes members; says for each whether it was one.
    async fn members_remove(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        members: &[PrincipalId],
        change: Change,
    ) -> Result<Vec<bool>, StoreError>;

    /// Rules of a group, oldest first.
    async fn group_rules(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
    ) -> Result<Vec<GroupRule>, StoreError>;

    /// Adds a rule, or writes one over the revision before its own. Refuses more than the limit.
    async fn group_rule_put(
        &self,
        permit: &Permit,
        rule: GroupRule,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Removes a rule.
    async fn group_rule_delete(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        id: &AccessGroupRuleId,
        change: Change,
    ) -> Result<(), StoreError>;
}
