//! The firewall's part of the port, each call one transaction.

use async_trait::async_trait;
use base::{
    AclId, AclRuleId, ResourceGroupId, RoutingTableId, SecurityGroupId, SecurityGroupRuleId,
    TargetId, VpcId,
};
use model::{
    Acl, AclRule, AclView, GroupTarget, ResourceName, RoutingTableView, SecurityGroup,
    SecurityGroupRule, SecurityGroupView,
};
use policy::{Permit, Scope};

use super::{
    SqlStore, acl, group_target,
    retry::{reading, writing},
    routing_table, security_group, security_group_rule, sight,
};
use crate::{AclPlace, Change, FirewallStore, Page, Paged, SecurityGroupFilter, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl FirewallStore for SqlStore {
    async fn security_group_create(
        &self,
        permit: &Permit,
        group: SecurityGroup,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| security_group::create(tx, permit, &group, &change))
    }

    async fn security_group(
        &self,
        scope: &Scope,
        id: &SecurityGroupId,
    ) -> Result<SecurityGroupView> {
        reading!(self, |tx| async {
            sight::check(tx, scope, "security_groups", "security_group", id).await?;
            security_group::get(tx, scope.account(), id).await
        })
    }

    async fn security_groups(
        &self,
        scope: &Scope,
        filter: &SecurityGroupFilter,
        page: &Page,
    ) -> Result<Paged<SecurityGroupView>> {
        reading!(self, |tx| security_group::list(tx, scope, filter, page))
    }

    async fn security_group_rename(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        name: ResourceName,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| security_group::rename(tx, permit, id, &name, &change))
    }

    async fn security_group_delete(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| security_group::delete(tx, permit, id, &change))
    }

    async fn security_group_rule_put(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        revision: u64,
        rule: SecurityGroupRule,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| security_group_rule::put(tx, permit, id, revision, &rule, &change))
    }

    async fn security_group_rule_delete(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        rule: &SecurityGroupRuleId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| security_group_rule::delete(tx, permit, id, rule, &change))
    }

    async fn security_group_target_add(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        target: &TargetId,
        change: Change,
    ) -> Result<GroupTarget> {
        writing!(self, |tx| group_target::add(tx, permit, id, target, &change))
    }

    async fn security_group_target_remove(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        target: &TargetId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| group_target::remove(tx, permit, id, target, &change))
    }

    async fn acl_create(&self, permit: &Permit, new: Acl, change: Change) -> Result<()> {
        writing!(self, |tx| acl::create(tx, permit, &new, &change))
    }

    async fn acl(&self, scope: &Scope, id: &AclId) -> Result<AclView> {
        reading!(self, |tx| async {
            sight::check(tx, scope, "acls", "network_acl", id).await?;
            acl::get(tx, scope.account(), id).await
        })
    }

    async fn acls(
        &self,
        scope: &Scope,
        group: Option<&ResourceGroupId>,
        page: &Page,
    ) -> Result<Paged<AclView>> {
        reading!(self, |tx| acl::list(tx, scope, group, page))
    }

    async fn acl_rename(
        &self,
        permit: &Permit,
        id: &AclId,
        name: ResourceName,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| acl::rename(tx, permit, id, &name, &change))
    }

    async fn acl_delete(&self, permit: &Permit, id: &AclId, change: Change) -> Result<()> {
        writing!(self, |tx| acl::delete(tx, permit, id, &change))
    }

    async fn acl_rule_put(
        &self,
        permit: &Permit,
        id: &AclId,
        revision: u64,
        rule: AclRule,
        place: AclPlace,
        change: Change,
    ) -> Result<()> {
        let put = (&rule, &place);
        writing!(self, |tx| acl::rule_put(tx, permit, id, revision, put, &change))
    }

    async fn acl_rule_delete(
        &self,
        permit: &Permit,
        id: &AclId,
        rule: &AclRuleId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| acl::rule_delete(tx, permit, id, rule, &change))
    }

    async fn routing_table(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        id: &RoutingTableId,
    ) -> Result<RoutingTableView> {
        reading!(self, |tx| routing_table::get(tx, scope, vpc, id))
    }

    async fn routing_tables(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        is_default: Option<bool>,
        page: &Page,
    ) -> Result<Paged<RoutingTableView>> {
        reading!(self, |tx| routing_table::list(tx, scope, vpc, is_default, page))
    }

    async fn routing_table_rename(
        &self,
        permit: &Permit,
        vpc: &VpcId,
        id: &RoutingTableId,
        name: ResourceName,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| routing_table::rename(tx, permit, vpc, id, &name, &change))
    }
}
