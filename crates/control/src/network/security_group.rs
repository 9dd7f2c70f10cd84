//! Security groups, their rules, and the interfaces in them.

use base::{SecurityGroupId, SecurityGroupRuleId, TargetId, VpcId};
use meta::{Change, Page, Paged, SecurityGroupFilter};
use model::{
    GroupTarget, IpRange, Protocol, Reference, Refusal, RemoteWanted, ResourceName, RuleRemote,
    SecurityGroup, SecurityGroupCreate, SecurityGroupRule, SecurityGroupRuleCreate,
    SecurityGroupRuleUpdate, SecurityGroupView, Traffic, TrafficError,
};
use policy::{Action, Permit};

use crate::{Control, Error, RequestContext};

/// What a rule's traffic cannot be, as an error about a field.
pub(super) fn impossible(error: TrafficError, ports: [&'static str; 2]) -> Error {
    let field = match error {
        TrafficError::Ports | TrafficError::Range => ports[0],
        TrafficError::SourceRange => ports[1],
        TrafficError::Icmp | TrafficError::Code => "type",
    };
    Error::Invalid { field, code: "validation_failure", why: format!("{field}: {error}.") }
}

/// The protocol of a rule stays what it was.
pub(super) fn same_protocol(now: Protocol, wanted: Option<Protocol>) -> Result<(), Error> {
    if wanted.is_none_or(|wanted| wanted == now) {
        return Ok(());
    }
    let why = "The protocol of a rule cannot change. Make another rule.".to_owned();
    Err(Error::Invalid { field: "protocol", code: "validation_failure", why })
}

fn traffic(now: Traffic, patch: model::TrafficPatch) -> Result<Traffic, Error> {
    now.patched(patch).map_err(|e| impossible(e, ["port_min", "port_min"]))
}

impl Control {
    /// Makes a security group.
    ///
    /// # Errors
    /// A taken name, rules that are none, the limits, an unknown VPC or remote group.
    pub async fn security_group_create(
        &self,
        ctx: &RequestContext,
        want: SecurityGroupCreate,
    ) -> Result<SecurityGroupView, Error> {
        let vpc = self.vpc(ctx, &want.vpc).await.map_err(|e| e.named_by("vpc"))?;
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::SecurityGroupCreate, &group).await?;
        self.permit(ctx, Action::VpcOperate, &vpc.vpc.head).await?;
        let id = SecurityGroupId::mint(self.region().id_prefix(), self.entropy());
        let name = self.name_or_made(want.name.as_ref());
        let rules = want.rules.into_iter().map(|rule| self.sg_rule(rule));
        let group = SecurityGroup {
            head: self.head(ctx, id.clone(), group, name, self.now()),
            vpc: want.vpc,
            rules: rules.collect::<Result<_, _>>()?,
        };
        for rule in &group.rules {
            self.sg_remote_seen(ctx, rule).await?;
        }
        let change = self.sg_change(ctx, Action::SecurityGroupCreate, &group);
        self.store().security_group_create(&permit, group, change).await?;
        self.security_group(ctx, &id).await
    }

    /// The groups that `field` names are of the VPC, and the caller may use them.
    pub(crate) async fn security_groups_usable(
        &self,
        ctx: &RequestContext,
        groups: &[SecurityGroupId],
        vpc: &VpcId,
        field: &'static str,
    ) -> Result<(), Error> {
        for id in groups {
            let view = self.security_group(ctx, id).await.map_err(|e| e.named_by(field))?;
            self.permit(ctx, Action::SecurityGroupOperate, &view.group.head).await?;
            if &view.group.vpc != vpc {
                let (what, field) = ("security group", Some(field));
                return Err(Refusal::OtherVpc { what, field }.into());
            }
        }
        Ok(())
    }

    fn sg_rule(&self, want: SecurityGroupRuleCreate) -> Result<SecurityGroupRule, Error> {
        Ok(SecurityGroupRule {
            id: SecurityGroupRuleId::mint(self.region().id_prefix(), self.entropy()),
            name: self.name_or_made(want.name.as_ref()),
            inbound: want.inbound,
            remote: remote(want.remote.unwrap_or(RemoteWanted::Range(IpRange::EVERYWHERE))),
            local: want.local.unwrap_or(IpRange::EVERYWHERE),
            traffic: traffic(Traffic::all(want.protocol), want.traffic)?,
            created_at: self.now(),
        })
    }

    /// The remote group of a rule is there for this caller.
    async fn sg_remote_seen(
        &self,
        ctx: &RequestContext,
        rule: &SecurityGroupRule,
    ) -> Result<(), Error> {
        if let RuleRemote::Group(remote) = &rule.remote {
            let found = self.security_group(ctx, &remote.id).await;
            found.map_err(|e| e.named_by("remote"))?;
        }
        Ok(())
    }

    fn sg_change(&self, ctx: &RequestContext, action: Action, group: &SecurityGroup) -> Change {
        self.change(ctx, action, "security-group", &group.head, self.region().as_str())
    }

    /// The security group, leave to change it, and the change's record.
    async fn sg_changing(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
        action: Action,
    ) -> Result<(SecurityGroupView, Permit, Change), Error> {
        let view = self.security_group(ctx, id).await?;
        let permit = self.permit(ctx, action, &view.group.head).await?;
        let change = self.sg_change(ctx, action, &view.group);
        Ok((view, permit, change))
    }

    /// A security group.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn security_group(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
    ) -> Result<SecurityGroupView, Error> {
        let scope = self.scope(ctx, Action::SecurityGroupRead).await?;
        Ok(self.store().security_group(&scope, id).await?)
    }

    /// The default security group of a VPC.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn default_security_group(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
    ) -> Result<SecurityGroupView, Error> {
        let view = self.vpc(ctx, vpc).await?;
        self.security_group(ctx, &view.vpc.default_security_group).await
    }

    /// Security groups.
    ///
    /// # Errors
    /// When the caller may not, or there is no such VPC.
    pub async fn security_groups(
        &self,
        ctx: &RequestContext,
        filter: SecurityGroupFilter,
        page: Page,
    ) -> Result<Paged<SecurityGroupView>, Error> {
        let scope = self.scope(ctx, Action::SecurityGroupList).await?;
        Ok(self.store().security_groups(&scope, &filter, &page).await?)
    }

    /// Renames a security group; without a name nothing changes.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn security_group_rename(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
        name: Option<ResourceName>,
    ) -> Result<SecurityGroupView, Error> {
        let (view, permit, change) = self.sg_changing(ctx, id, Action::SecurityGroupUpdate).await?;
        let Some(name) = name else { return Ok(view) };
        self.store().security_group_rename(&permit, id, name, change).await?;
        self.security_group(ctx, id).await
    }

    /// Deletes a security group.
    ///
    /// # Errors
    /// A VPC's default one, one in use; when there is none, or the caller may not.
    pub async fn security_group_delete(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
    ) -> Result<(), Error> {
        let (_, permit, change) = self.sg_changing(ctx, id, Action::SecurityGroupDelete).await?;
        Ok(self.store().security_group_delete(&permit, id, change).await?)
    }

    /// A rule of a security group, and the group.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn security_group_rule(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
        rule: &SecurityGroupRuleId,
    ) -> Result<(SecurityGroupRule, SecurityGroupView), Error> {
        let view = self.security_group(ctx, id).await?;
        let found = view.group.rules.iter().find(|r| &r.id == rule).cloned();
        let missing = || Error::NotFound { kind: "rule", id: rule.to_string(), field: None };
        Ok((found.ok_or_else(missing)?, view))
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// A rule that is none, a taken name, the limit, an unknown remote group; when there is no
    /// such group, or the caller may not.
    pub async fn security_group_rule_create(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
        want: SecurityGroupRuleCreate,
    ) -> Result<(SecurityGroupRule, SecurityGroupView), Error> {
        let (view, permit, change) = self.sg_changing(ctx, id, Action::SecurityGroupUpdate).await?;
        let rule = self.sg_rule(want)?;
        self.sg_remote_seen(ctx, &rule).await?;
        let (made, revision) = (rule.id.clone(), view.group.head.revision);
        self.store().security_group_rule_put(&permit, id, revision, rule, change).await?;
        self.network_changed();
        self.security_group_rule(ctx, id, &made).await
    }

    /// Changes a rule.
    ///
    /// # Errors
    /// As [`Self::security_group_rule_create`]; another protocol; a change by another meanwhile.
    pub async fn security_group_rule_update(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
        rule: &SecurityGroupRuleId,
        want: SecurityGroupRuleUpdate,
    ) -> Result<(SecurityGroupRule, SecurityGroupView), Error> {
        let (mut new, view) = self.security_group_rule(ctx, id, rule).await?;
        let (_, permit, change) = self.sg_changing(ctx, id, Action::SecurityGroupUpdate).await?;
        if want == SecurityGroupRuleUpdate::default() {
            return Ok((new, view));
        }
        same_protocol(new.traffic.protocol, want.protocol)?;
        new.name = want.name.unwrap_or(new.name);
        new.inbound = want.inbound.unwrap_or(new.inbound);
        new.remote = want.remote.map_or(new.remote, remote);
        new.local = want.local.unwrap_or(new.local);
        new.traffic = traffic(new.traffic, want.traffic)?;
        self.sg_remote_seen(ctx, &new).await?;
        let revision = view.group.head.revision;
        self.store().security_group_rule_put(&permit, id, revision, new, change).await?;
        self.network_changed();
        self.security_group_rule(ctx, id, rule).await
    }

    /// Deletes a rule.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn security_group_rule_delete(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
        rule: &SecurityGroupRuleId,
    ) -> Result<(), Error> {
        let (_, permit, change) = self.sg_changing(ctx, id, Action::SecurityGroupUpdate).await?;
        self.store().security_group_rule_delete(&permit, id, rule, change).await?;
        self.network_changed();
        Ok(())
    }

    /// An interface that is in the group.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn security_group_target(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
        target: &TargetId,
    ) -> Result<GroupTarget, Error> {
        let view = self.security_group(ctx, id).await?;
        let found = view.targets.into_iter().find(|there| there.id() == target.as_str());
        found.ok_or_else(|| Error::NotFound { kind: "target", id: target.to_string(), field: None })
    }

    /// Puts an interface into the group.
    ///
    /// # Errors
    /// An interface of another VPC, the limit; when there is none, or the caller may not.
    pub async fn security_group_target_add(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
        target: &TargetId,
    ) -> Result<GroupTarget, Error> {
        let (_, permit, change) = self.sg_changing(ctx, id, Action::SecurityGroupOperate).await?;
        let added = self.store().security_group_target_add(&permit, id, target, change).await?;
        self.network_changed();
        Ok(added)
    }

    /// Takes an interface out of the group.
    ///
    /// # Errors
    /// Its last group; when it is not in it, there is none, or the caller may not.
    pub async fn security_group_target_remove(
        &self,
        ctx: &RequestContext,
        id: &SecurityGroupId,
        target: &TargetId,
    ) -> Result<(), Error> {
        let (_, permit, change) = self.sg_changing(ctx, id, Action::SecurityGroupOperate).await?;
        self.store().security_group_target_remove(&permit, id, target, change).await?;
        self.network_changed();
        Ok(())
    }
}

fn remote(want: RemoteWanted) -> RuleRemote {
    match want {
        RemoteWanted::Range(range) => RuleRemote::Range(range),
        RemoteWanted::Group(id) => {
            RuleRemote::Group(Reference { id, name: String::new(), deleted: false })
        }
    }
}
