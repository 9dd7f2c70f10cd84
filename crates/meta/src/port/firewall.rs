//! Security groups, network ACLs and routing tables.

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

use crate::{Change, Page, Paged, StoreError};

/// Which security groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityGroupFilter {
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only of this VPC.
    pub vpc: Option<VpcId>,
    /// Only of the VPC of this name.
    pub vpc_name: Option<String>,
}

/// Where a rule of an ACL goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AclPlace {
    /// Where it is; a new one goes to the end.
    Keep,
    /// To the end.
    Last,
    /// Right before this other rule.
    Before(AclRuleId),
}

/// Rules of traffic. Each write of a rule names the revision of its group or ACL that the caller
/// saw, and makes a new one.
#[async_trait]
pub trait FirewallStore: Send + Sync {
    /// Writes a security group with its rules. Refuses a taken name, a remote group of another
    /// VPC, and more than the limits.
    async fn security_group_create(
        &self,
        permit: &Permit,
        group: SecurityGroup,
        change: Change,
    ) -> Result<(), StoreError>;
    /// The security group of that id.
    async fn security_group(
        &self,
        scope: &Scope,
        id: &SecurityGroupId,
    ) -> Result<SecurityGroupView, StoreError>;
    /// Security groups.
    async fn security_groups(
        &self,
        scope: &Scope,
        filter: &SecurityGroupFilter,
        page: &Page,
    ) -> Result<Paged<SecurityGroupView>, StoreError>;
    /// Renames a security group.
    async fn security_group_rename(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        name: ResourceName,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a security group that is no default and that nothing uses.
    async fn security_group_delete(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Writes a rule: a new one, or what became of one that is there.
    async fn security_group_rule_put(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        revision: u64,
        rule: SecurityGroupRule,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a rule.
    async fn security_group_rule_delete(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        rule: &SecurityGroupRuleId,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Puts an interface of the same VPC into the group; one that is in it stays.
    async fn security_group_target_add(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        target: &TargetId,
        change: Change,
    ) -> Result<GroupTarget, StoreError>;
    /// Takes an interface out of the group; not out of its last one.
    async fn security_group_target_remove(
        &self,
        permit: &Permit,
        id: &SecurityGroupId,
        target: &TargetId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Writes an ACL with its rules.
    async fn acl_create(&self, permit: &Permit, acl: Acl, change: Change)
    -> Result<(), StoreError>;
    /// The ACL of that id.
    async fn acl(&self, scope: &Scope, id: &AclId) -> Result<AclView, StoreError>;
    /// ACLs, of one resource group if named.
    async fn acls(
        &self,
        scope: &Scope,
        group: Option<&ResourceGroupId>,
        page: &Page,
    ) -> Result<Paged<AclView>, StoreError>;
    /// Renames an ACL.
    async fn acl_rename(
        &self,
        permit: &Permit,
        id: &AclId,
        name: ResourceName,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes an ACL that is no default and that no subnet uses.
    async fn acl_delete(
        &self,
        permit: &Permit,
        id: &AclId,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Writes a rule, new or old, and puts it in its place.
    async fn acl_rule_put(
        &self,
        permit: &Permit,
        id: &AclId,
        revision: u64,
        rule: AclRule,
        place: AclPlace,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a rule.
    async fn acl_rule_delete(
        &self,
        permit: &Permit,
        id: &AclId,
        rule: &AclRuleId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// A routing table of a VPC.
    async fn routing_table(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        id: &RoutingTableId,
    ) -> Result<RoutingTableView, StoreError>;
    /// Routing tables of a VPC.
    async fn routing_tables(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        is_default: Option<bool>,
        page: &Page,
    ) -> Result<Paged<RoutingTableView>, StoreError>;
    /// Renames a routing table.
    async fn routing_table_rename(
        &self,
        permit: &Permit,
        vpc: &VpcId,
        id: &RoutingTableId,
        name: ResourceName,
        change: Change,
    ) -> Result<(), StoreError>;
}
