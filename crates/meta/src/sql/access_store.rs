//! The part of the port about policies, roles and access groups, each call one transaction.

use async_trait::async_trait;
use base::{AccessGroupId, AccessGroupRuleId, AccountId, PolicyId, PrincipalId, RoleId};
use model::{AccessGroup, AccessPolicy, CustomRole, GroupMember, GroupRule, MemberKind, TagKind};
use policy::{Action, Permit, SystemPermit};

use super::{
    SqlStore, access_group,
    counter::{self, Counter},
    permit, policy_row,
    retry::{reading, writing},
    value::binds,
};
use crate::{AccessGroupFilter, AccessRows, AccessStore, Change, PolicyFilter, Slice, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl AccessStore for SqlStore {
    async fn access_generation(&self, _permit: SystemPermit, account: &AccountId) -> Result<u64> {
        counter::get(&mut self.engine.glance().await?, account, Counter::Access).await
    }

    async fn access_rows(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
        principal: &PrincipalId,
    ) -> Result<AccessRows> {
        reading!(self, |tx| policy_row::rows_of(tx, account, principal))
    }

    async fn access_roles(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
    ) -> Result<Vec<CustomRole>> {
        policy_row::roles_of(&mut self.engine.glance().await?, account).await
    }

    async fn access_tags(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
        id: &str,
    ) -> Result<Vec<String>> {
        let rows = self
            .engine
            .glance()
            .await?
            .all(
                "SELECT tag FROM tags WHERE resource_id = $1 AND account_id = $2 AND kind = $3
                 ORDER BY tag",
                binds![id, account, TagKind::Access.as_str()],
            )
            .await?;
        rows.into_iter().map(|row| row.of("tags").text()).collect()
    }

    async fn authorizations(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
    ) -> Result<Vec<AccessPolicy>> {
        policy_row::authorizations(&mut self.engine.glance().await?, account).await
    }

    async fn policies(&self, permit: &Permit, filter: &PolicyFilter) -> Result<Vec<AccessPolicy>> {
        policy_row::list(&mut self.engine.glance().await?, permit, filter).await
    }

    async fn policy_any(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
        id: &PolicyId,
    ) -> Result<AccessPolicy> {
        policy_row::any(&mut self.engine.glance().await?, account, id).await
    }

    async fn policy(&self, permit: &Permit, id: &PolicyId) -> Result<AccessPolicy> {
        permit::covers_account(permit, &[Action::PolicyRead])?;
        policy_row::any(&mut self.engine.glance().await?, permit.account(), id).await
    }

    async fn policy_create(
        &self,
        permit: &Permit,
        policy: AccessPolicy,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| policy_row::create(tx, permit, &policy, &change))
    }

    async fn policy_write(
        &self,
        permit: &Permit,
        policy: AccessPolicy,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| policy_row::write(tx, permit, &policy, &change))
    }

    async fn roles(&self, permit: &Permit) -> Result<Vec<CustomRole>> {
        permit::covers_account(permit, &[Action::RoleRead])?;
        policy_row::roles_of(&mut self.engine.glance().await?, permit.account()).await
    }

    async fn role_create(&self, permit: &Permit, role: CustomRole, change: Change) -> Result<()> {
        writing!(self, |tx| policy_row::role_create(tx, permit, &role, &change))
    }

    async fn role_write(&self, permit: &Permit, role: CustomRole, change: Change) -> Result<()> {
        writing!(self, |tx| policy_row::role_write(tx, permit, &role, &change))
    }

    async fn role_delete(&self, permit: &Permit, id: &RoleId, change: Change) -> Result<()> {
        writing!(self, |tx| policy_row::role_delete(tx, permit, id, &change))
    }

    async fn access_groups(
        &self,
        permit: &Permit,
        filter: &AccessGroupFilter,
        slice: Slice,
    ) -> Result<(Vec<AccessGroup>, u64)> {
        reading!(self, |tx| access_group::list(tx, permit, filter, slice))
    }

    async fn access_group(&self, permit: &Permit, id: &AccessGroupId) -> Result<AccessGroup> {
        access_group::get(&mut self.engine.glance().await?, permit, id).await
    }

    async fn access_group_create(
        &self,
        permit: &Permit,
        group: AccessGroup,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| access_group::create(tx, permit, &group, &change))
    }

    async fn access_group_write(
        &self,
        permit: &Permit,
        group: AccessGroup,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| access_group::write(tx, permit, &group, &change))
    }

    async fn access_group_delete(
        &self,
        permit: &Permit,
        id: &AccessGroupId,
        force: bool,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| access_group::delete(tx, permit, id, force, &change))
    }

    async fn members(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        kind: Option<MemberKind>,
        slice: Slice,
    ) -> Result<(Vec<GroupMember>, u64)> {
        reading!(self, |tx| access_group::members(tx, permit, group, kind, slice))
    }

    async fn is_member(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        iam_id: &PrincipalId,
    ) -> Result<bool> {
        access_group::is_member(&mut self.engine.glance().await?, permit, group, iam_id).await
    }

    async fn members_add(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        members: Vec<GroupMember>,
        change: Change,
    ) -> Result<Vec<bool>> {
        writing!(self, |tx| access_group::members_add(tx, permit, group, &members, &change))
    }

    async fn members_remove(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        members: &[PrincipalId],
        change: Change,
    ) -> Result<Vec<bool>> {
        writing!(self, |tx| access_group::members_remove(tx, permit, group, members, &change))
    }

    async fn group_rules(&self, permit: &Permit, group: &AccessGroupId) -> Result<Vec<GroupRule>> {
        reading!(self, |tx| access_group::rules(tx, permit, group))
    }

    async fn group_rule_put(&self, permit: &Permit, rule: GroupRule, change: Change) -> Result<()> {
        writing!(self, |tx| access_group::rule_put(tx, permit, &rule, &change))
    }

    async fn group_rule_delete(
        &self,
        permit: &Permit,
        group: &AccessGroupId,
        id: &AccessGroupRuleId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| access_group::rule_delete(tx, permit, group, id, &change))
    }
}
