//! Network ACLs and their rules.

use base::{AclId, AclRuleId, ResourceGroupId, VpcId};
use meta::{AclPlace, Change, Page, Paged};
use model::{
    Acl, AclCreate, AclRule, AclRuleCreate, AclRuleUpdate, AclRules, AclView, Refusal,
    ResourceName, Traffic, TrafficPatch,
};
use policy::{Action, Permit};

use super::security_group::{impossible, same_protocol};
use crate::{Control, Error, RequestContext};

fn traffic(now: Traffic, patch: TrafficPatch) -> Result<Traffic, Error> {
    now.patched(patch).map_err(|e| impossible(e, ["destination_port_min", "source_port_min"]))
}

fn possible(rule: AclRule) -> Result<AclRule, Error> {
    if rule.is_possible() {
        return Ok(rule);
    }
    let why = "the protocol icmp_tcp_udp can only be allowed";
    Err(Refusal::RuleImpossible { why }.into())
}

impl Control {
    /// Makes an ACL.
    ///
    /// # Errors
    /// A taken name, rules that are none, the limits, an unknown VPC or source ACL.
    pub async fn acl_create(
        &self,
        ctx: &RequestContext,
        want: AclCreate,
    ) -> Result<AclView, Error> {
        let vpc = self.vpc(ctx, &want.vpc).await.map_err(|e| e.named_by("vpc"))?;
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::AclCreate, &group).await?;
        self.permit(ctx, Action::VpcOperate, &vpc.vpc.head).await?;
        let rules = match want.rules {
            AclRules::These(rules) => {
                rules.into_iter().map(|rule| self.acl_rule_new(rule)).collect::<Result<_, _>>()?
            }
            AclRules::Of(id) => {
                let found = self.acl(ctx, &id).await;
                let source = found.map_err(|e| e.named_by("source_network_acl"))?;
                source.acl.rules.into_iter().map(|rule| self.acl_rule_copy(rule)).collect()
            }
        };
        let id = AclId::mint(self.region().id_prefix(), self.entropy());
        let name = self.name_or_made(want.name.as_ref());
        let head = self.head(ctx, id.clone(), group, name, self.now());
        let acl = Acl { head, vpc: want.vpc, rules };
        let change = self.acl_change(ctx, Action::AclCreate, &acl);
        self.store().acl_create(&permit, acl, change).await?;
        self.acl(ctx, &id).await
    }

    fn acl_rule_new(&self, want: AclRuleCreate) -> Result<AclRule, Error> {
        possible(AclRule {
            id: AclRuleId::mint(self.region().id_prefix(), self.entropy()),
            name: self.name_or_made(want.name.as_ref()),
            allow: want.allow,
            inbound: want.inbound,
            source: want.source,
            destination: want.destination,
            traffic: traffic(Traffic::all(want.protocol), want.traffic)?,
            created_at: self.now(),
        })
    }

    fn acl_rule_copy(&self, rule: AclRule) -> AclRule {
        let id = AclRuleId::mint(self.region().id_prefix(), self.entropy());
        AclRule { id, created_at: self.now(), ..rule }
    }

    fn acl_change(&self, ctx: &RequestContext, action: Action, acl: &Acl) -> Change {
        self.change(ctx, action, "network-acl", &acl.head, self.region().as_str())
    }

    async fn acl_changing(
        &self,
        ctx: &RequestContext,
        id: &AclId,
        action: Action,
    ) -> Result<(AclView, Permit, Change), Error> {
        let view = self.acl(ctx, id).await?;
        let permit = self.permit(ctx, action, &view.acl.head).await?;
        let change = self.acl_change(ctx, action, &view.acl);
        Ok((view, permit, change))
    }

    /// An ACL.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn acl(&self, ctx: &RequestContext, id: &AclId) -> Result<AclView, Error> {
        let scope = self.scope(ctx, Action::AclRead).await?;
        Ok(self.store().acl(&scope, id).await?)
    }

    /// The default ACL of a VPC.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn default_acl(&self, ctx: &RequestContext, vpc: &VpcId) -> Result<AclView, Error> {
        let view = self.vpc(ctx, vpc).await?;
        self.acl(ctx, &view.vpc.default_acl).await
    }

    /// ACLs, of one resource group if named.
    ///
    /// # Errors
    /// When the caller may not.
    pub async fn acls(
        &self,
        ctx: &RequestContext,
        group: Option<ResourceGroupId>,
        page: Page,
    ) -> Result<Paged<AclView>, Error> {
        let scope = self.scope(ctx, Action::AclList).await?;
        Ok(self.store().acls(&scope, group.as_ref(), &page).await?)
    }

    /// Renames an ACL; without a name nothing changes.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn acl_rename(
        &self,
        ctx: &RequestContext,
        id: &AclId,
        name: Option<ResourceName>,
    ) -> Result<AclView, Error> {
        let (view, permit, change) = self.acl_changing(ctx, id, Action::AclUpdate).await?;
        let Some(name) = name else { return Ok(view) };
        self.store().acl_rename(&permit, id, name, change).await?;
        self.acl(ctx, id).await
    }

    /// Deletes an ACL.
    ///
    /// # Errors
    /// A VPC's default one, one that subnets use; when there is none, or the caller may not.
    pub async fn acl_delete(&self, ctx: &RequestContext, id: &AclId) -> Result<(), Error> {
        let (_, permit, change) = self.acl_changing(ctx, id, Action::AclDelete).await?;
        Ok(self.store().acl_delete(&permit, id, change).await?)
    }

    /// The ACL with that rule.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn acl_rule(
        &self,
        ctx: &RequestContext,
        id: &AclId,
        rule: &AclRuleId,
    ) -> Result<(AclRule, AclView), Error> {
        let view = self.acl(ctx, id).await?;
        let found = view.acl.rules.iter().find(|r| &r.id == rule).cloned();
        let missing = || Error::NotFound { kind: "rule", id: rule.to_string(), field: None };
        Ok((found.ok_or_else(missing)?, view))
    }

    /// Adds a rule: before another one, or at the end.
    ///
    /// # Errors
    /// A rule that is none, a taken name, the limit, no such rule to go before; when there is no
    /// such ACL, or the caller may not.
    pub async fn acl_rule_create(
        &self,
        ctx: &RequestContext,
        id: &AclId,
        want: AclRuleCreate,
    ) -> Result<(AclRule, AclView), Error> {
        let (view, permit, change) = self.acl_changing(ctx, id, Action::AclUpdate).await?;
        let place = want.before.clone().map_or(AclPlace::Last, AclPlace::Before);
        before_seen(&view, &place)?;
        let rule = self.acl_rule_new(want)?;
        let (made, revision) = (rule.id.clone(), view.acl.head.revision);
        self.store().acl_rule_put(&permit, id, revision, rule, place, change).await?;
        self.acl_rule(ctx, id, &made).await
    }

    /// Changes a rule, and its place.
    ///
    /// # Errors
    /// As [`Self::acl_rule_create`]; another protocol; a change by another meanwhile.
    pub async fn acl_rule_update(
        &self,
        ctx: &RequestContext,
        id: &AclId,
        rule: &AclRuleId,
        want: AclRuleUpdate,
    ) -> Result<(AclRule, AclView), Error> {
        let (mut new, view) = self.acl_rule(ctx, id, rule).await?;
        let (_, permit, change) = self.acl_changing(ctx, id, Action::AclUpdate).await?;
        if want == AclRuleUpdate::default() {
            return Ok((new, view));
        }
        same_protocol(new.traffic.protocol, want.protocol)?;
        new.name = want.name.unwrap_or(new.name);
        new.allow = want.allow.unwrap_or(new.allow);
        new.inbound = want.inbound.unwrap_or(new.inbound);
        new.source = want.source.unwrap_or(new.source);
        new.destination = want.destination.unwrap_or(new.destination);
        new.traffic = traffic(new.traffic, want.traffic)?;
        let place = match want.before {
            None => AclPlace::Keep,
            Some(None) => AclPlace::Last,
            Some(Some(other)) => AclPlace::Before(other),
        };
        before_seen(&view, &place)?;
        let (new, revision) = (possible(new)?, view.acl.head.revision);
        self.store().acl_rule_put(&permit, id, revision, new, place, change).await?;
        self.acl_rule(ctx, id, rule).await
    }

    /// Deletes a rule.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn acl_rule_delete(
        &self,
        ctx: &RequestContext,
        id: &AclId,
        rule: &AclRuleId,
    ) -> Result<(), Error> {
        let (_, permit, change) = self.acl_changing(ctx, id, Action::AclUpdate).await?;
        Ok(self.store().acl_rule_delete(&permit, id, rule, change).await?)
    }
}

/// The rule to go before is one of the ACL.
fn before_seen(view: &AclView, place: &AclPlace) -> Result<(), Error> {
    match place {
        AclPlace::Before(id) if !view.acl.rules.iter().any(|r| &r.id == id) => {
            Err(Error::NotFound { kind: "rule", id: id.to_string(), field: Some("before") })
        }
        AclPlace::Before(_) | AclPlace::Keep | AclPlace::Last => Ok(()),
    }
}
