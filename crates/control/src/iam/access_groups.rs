//! Access groups and their rules.

use base::{AccessGroupId, AccessGroupRuleId};
use meta::{AccessGroupFilter, Slice};
use model::{AccessGroup, ClaimCondition, GroupRule, RULES_MAX_HOURS};
use policy::Action;

use super::{Subject, invalid};
use crate::{Control, Error, RequestContext};

/// Longest name, in characters.
const NAME_LEN_MAX: usize = 100;
/// Longest description, in characters.
const DESCRIPTION_LEN_MAX: usize = 250;
/// Most conditions of a rule.
const RULE_CONDITIONS_MAX: usize = 10;
/// Longest claim, value or realm, in bytes.
const CLAIM_BYTES_MAX: usize = 1_000;

/// What a claim may be compared by.
const CLAIM_OPERATORS: [&str; 6] =
    ["EQUALS", "EQUALS_IGNORE_CASE", "IN", "NOT_EQUALS_IGNORE_CASE", "NOT_EQUALS", "CONTAINS"];

/// What of an access group changes.
#[derive(Clone, Debug, Default)]
pub struct AccessGroupPatch {
    /// New name.
    pub name: Option<String>,
    /// New description.
    pub description: Option<String>,
}

/// What a rule is to be.
#[derive(Clone, Debug)]
pub struct GroupRuleWrite {
    /// Its name; empty when none was given.
    pub name: String,
    /// How long a membership lasts, in hours.
    pub expiration: u32,
    /// The identity provider.
    pub realm_name: String,
    /// All of these hold.
    pub conditions: Vec<ClaimCondition>,
}

impl GroupRuleWrite {
    fn check(&self) -> Result<(), Error> {
        if !(1..=RULES_MAX_HOURS).contains(&self.expiration) {
            return Err(invalid("expiration", format!("It is 1 to {RULES_MAX_HOURS} hours.")));
        }
        if !(1..=CLAIM_BYTES_MAX).contains(&self.realm_name.len()) {
            return Err(invalid("realm_name", format!("It has 1 to {CLAIM_BYTES_MAX} bytes.")));
        }
        if self.name.chars().count() > NAME_LEN_MAX {
            return Err(invalid("name", format!("It has at most {NAME_LEN_MAX} characters.")));
        }
        if !(1..=RULE_CONDITIONS_MAX).contains(&self.conditions.len()) {
            let why = format!("There are 1 to {RULE_CONDITIONS_MAX} conditions.");
            return Err(invalid("conditions", why));
        }
        for condition in &self.conditions {
            if !CLAIM_OPERATORS.contains(&condition.operator.as_str()) {
                let why = format!("An operator is one of: {}.", CLAIM_OPERATORS.join(", "));
                return Err(invalid("conditions.operator", why));
            }
            let bounded = |text: &str| (1..=CLAIM_BYTES_MAX).contains(&text.len());
            if !bounded(&condition.claim) || !bounded(&condition.value) {
                let why = format!("Claims and values have 1 to {CLAIM_BYTES_MAX} bytes.");
                return Err(invalid("conditions", why));
            }
        }
        Ok(())
    }
}

fn check_texts(name: &str, description: &str) -> Result<(), Error> {
    if !(1..=NAME_LEN_MAX).contains(&name.chars().count()) || name.trim() != name {
        return Err(invalid("name", format!("It has 1 to {NAME_LEN_MAX} characters.")));
    }
    if description.chars().count() > DESCRIPTION_LEN_MAX {
        let why = format!("It has at most {DESCRIPTION_LEN_MAX} characters.");
        return Err(invalid("description", why));
    }
    Ok(())
}

impl Control {
    /// Access groups of the caller's account by name, with the number of those that fit.
    ///
    /// # Errors
    /// When the caller may not, or the store is away.
    pub async fn access_groups(
        &self,
        ctx: &RequestContext,
        filter: &AccessGroupFilter,
        slice: Slice,
    ) -> Result<(Vec<AccessGroup>, u64), Error> {
        let permit = self.permit_account(ctx, Action::AccessGroupList).await?;
        Ok(self.store().access_groups(&permit, filter, slice).await?)
    }

    /// An access group.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn access_group(
        &self,
        ctx: &RequestContext,
        id: &AccessGroupId,
    ) -> Result<AccessGroup, Error> {
        let permit = self.permit_account(ctx, Action::AccessGroupRead).await?;
        Ok(self.store().access_group(&permit, id).await?)
    }

    /// Makes an access group.
    ///
    /// # Errors
    /// A name that does not fit or is taken, the limit; when the caller may not.
    pub async fn access_group_create(
        &self,
        ctx: &RequestContext,
        name: String,
        description: String,
    ) -> Result<AccessGroup, Error> {
        let permit = self.permit_account(ctx, Action::AccessGroupCreate).await?;
        check_texts(&name, &description)?;
        let (now, by) = (self.now(), ctx.caller.principal.clone());
        let group = AccessGroup {
            id: AccessGroupId::mint("AccessGroupId-", self.entropy()),
            account: ctx.caller.account.clone(),
            name,
            description,
            created_at: now,
            created_by: by.clone(),
            modified_at: now,
            modified_by: by,
            revision: 1,
        };
        let change = self.group_of_access_change(ctx, "iam-groups.group.create", &group);
        self.store().access_group_create(&permit, group.clone(), change).await?;
        Ok(group)
    }

    /// Changes name or description; `revision` is the one that the caller read.
    ///
    /// # Errors
    /// As [`Self::access_group_create`]; one that was changed meanwhile.
    pub async fn access_group_update(
        &self,
        ctx: &RequestContext,
        id: &AccessGroupId,
        revision: u64,
        patch: AccessGroupPatch,
    ) -> Result<AccessGroup, Error> {
        let permit = self.permit_account(ctx, Action::AccessGroupUpdate).await?;
        let found = self.store().access_group(&permit, id).await?;
        let group = AccessGroup {
            name: patch.name.unwrap_or_else(|| found.name.clone()),
            description: patch.description.unwrap_or_else(|| found.description.clone()),
            modified_at: self.now(),
            modified_by: ctx.caller.principal.clone(),
            revision: revision.saturating_add(1),
            ..found
        };
        check_texts(&group.name, &group.description)?;
        let change = self.group_of_access_change(ctx, "iam-groups.group.update", &group);
        self.store().access_group_write(&permit, group.clone(), change).await?;
        Ok(group)
    }

    /// Deletes an access group with its rules and policies.
    ///
    /// # Errors
    /// One with members, unless `force`; when there is none, or the caller may not.
    pub async fn access_group_delete(
        &self,
        ctx: &RequestContext,
        id: &AccessGroupId,
        force: bool,
    ) -> Result<(), Error> {
        let permit = self.permit_account(ctx, Action::AccessGroupDelete).await?;
        let group = self.store().access_group(&permit, id).await?;
        let change = self.group_of_access_change(ctx, "iam-groups.group.delete", &group);
        Ok(self.store().access_group_delete(&permit, id, force, change).await?)
    }

    /// Whether the caller may see the settings of access groups.
    ///
    /// # Errors
    /// When the caller may not.
    pub async fn access_group_settings_check(&self, ctx: &RequestContext) -> Result<(), Error> {
        self.permit_account(ctx, Action::AccessGroupRead).await.map(drop)
    }

    fn group_of_access_change(
        &self,
        ctx: &RequestContext,
        action: &'static str,
        group: &AccessGroup,
    ) -> meta::Change {
        let (id, name) = (group.id.as_str(), group.name.as_str());
        let about = Subject { service: "iam-groups", kind: "group", id, name };
        self.iam_change(ctx, action, &about, &serde_json::json!({}))
    }

    /// Rules of an access group, oldest first.
    ///
    /// # Errors
    /// When there is no such group, or the caller may not.
    pub async fn access_group_rules(
        &self,
        ctx: &RequestContext,
        group: &AccessGroupId,
    ) -> Result<Vec<GroupRule>, Error> {
        let permit = self.permit_account(ctx, Action::GroupRuleRead).await?;
        Ok(self.store().group_rules(&permit, group).await?)
    }

    /// A rule of an access group.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn access_group_rule(
        &self,
        ctx: &RequestContext,
        group: &AccessGroupId,
        id: &AccessGroupRuleId,
    ) -> Result<GroupRule, Error> {
        found(self.access_group_rules(ctx, group).await?, id)
    }

    /// Adds a rule to an access group.
    ///
    /// # Errors
    /// What a rule cannot be, the limit; when there is no such group, or the caller may not.
    pub async fn access_group_rule_add(
        &self,
        ctx: &RequestContext,
        group: &AccessGroupId,
        want: GroupRuleWrite,
    ) -> Result<GroupRule, Error> {
        let permit = self.permit_account(ctx, Action::GroupRuleCreate).await?;
        want.check()?;
        let (now, by) = (self.now(), ctx.caller.principal.clone());
        let rule = GroupRule {
            id: AccessGroupRuleId::mint("ClaimRule-", self.entropy()),
            group: group.clone(),
            account: ctx.caller.account.clone(),
            name: want.name,
            expiration: want.expiration,
            realm_name: want.realm_name,
            conditions: want.conditions,
            created_at: now,
            created_by: by.clone(),
            modified_at: now,
            modified_by: by,
            revision: 1,
        };
        let change = self.rule_change(ctx, "iam-groups.rule.create", &rule);
        self.store().group_rule_put(&permit, rule.clone(), change).await?;
        Ok(rule)
    }

    /// Replaces a rule of an access group; `revision` is the one that the caller read.
    ///
    /// # Errors
    /// As [`Self::access_group_rule_add`]; one that was changed meanwhile.
    pub async fn access_group_rule_replace(
        &self,
        ctx: &RequestContext,
        group: &AccessGroupId,
        id: &AccessGroupRuleId,
        revision: u64,
        want: GroupRuleWrite,
    ) -> Result<GroupRule, Error> {
        let permit = self.permit_account(ctx, Action::GroupRuleUpdate).await?;
        want.check()?;
        let old = found(self.store().group_rules(&permit, group).await?, id)?;
        let rule = GroupRule {
            name: want.name,
            expiration: want.expiration,
            realm_name: want.realm_name,
            conditions: want.conditions,
            modified_at: self.now(),
            modified_by: ctx.caller.principal.clone(),
            revision: revision.saturating_add(1).max(2),
            ..old
        };
        let change = self.rule_change(ctx, "iam-groups.rule.update", &rule);
        self.store().group_rule_put(&permit, rule.clone(), change).await?;
        Ok(rule)
    }

    /// Removes a rule of an access group.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn access_group_rule_delete(
        &self,
        ctx: &RequestContext,
        group: &AccessGroupId,
        id: &AccessGroupRuleId,
    ) -> Result<(), Error> {
        let permit = self.permit_account(ctx, Action::GroupRuleDelete).await?;
        let (rule, name) = (id.as_str(), group.as_str());
        let about = Subject { service: "iam-groups", kind: "rule", id: rule, name };
        let change = self.iam_change(ctx, "iam-groups.rule.delete", &about, &serde_json::json!({}));
        Ok(self.store().group_rule_delete(&permit, group, id, change).await?)
    }

    fn rule_change(
        &self,
        ctx: &RequestContext,
        action: &'static str,
        rule: &GroupRule,
    ) -> meta::Change {
        let (id, name) = (rule.id.as_str(), rule.name.as_str());
        let about = Subject { service: "iam-groups", kind: "rule", id, name };
        let data = serde_json::json!({ "access_group_id": rule.group.as_str() });
        self.iam_change(ctx, action, &about, &data)
    }
}

fn found(rules: Vec<GroupRule>, id: &AccessGroupRuleId) -> Result<GroupRule, Error> {
    let rule = rules.into_iter().find(|rule| &rule.id == id);
    rule.ok_or_else(|| Error::NotFound {
        kind: "access_group_rule",
        id: id.to_string(),
        field: None,
    })
}
