//! Members of access groups.

use base::{AccessGroupId, PrincipalId};
use meta::{AccessGroupFilter, Slice};
use model::{AccessGroup, GroupMember, Limit, MemberKind};
use policy::Action;

use super::{Subject, invalid};
use crate::{Control, Error, RequestContext};

/// Most members that one call adds or removes.
const MEMBERS_CALL_MAX: usize = 50;
/// Most groups that one call adds a member to.
const GROUPS_CALL_MAX: usize = 50;

impl Control {
    /// Members of an access group by id, with the number of those that fit.
    ///
    /// # Errors
    /// When there is no such group, or the caller may not.
    pub async fn members(
        &self,
        ctx: &RequestContext,
        group: &AccessGroupId,
        kind: Option<MemberKind>,
        slice: Slice,
    ) -> Result<(Vec<GroupMember>, u64), Error> {
        let permit = self.permit_account(ctx, Action::MemberRead).await?;
        Ok(self.store().members(&permit, group, kind, slice).await?)
    }

    /// Whether an access group has this member.
    ///
    /// # Errors
    /// When there is no such group, or the caller may not.
    pub async fn is_member(
        &self,
        ctx: &RequestContext,
        group: &AccessGroupId,
        iam_id: &PrincipalId,
    ) -> Result<bool, Error> {
        let permit = self.permit_account(ctx, Action::MemberRead).await?;
        Ok(self.store().is_member(&permit, group, iam_id).await?)
    }

    /// Adds members, also those that it has; all of them.
    ///
    /// # Errors
    /// Too many at once, the limit; when there is no such group, or the caller may not.
    pub async fn members_add(
        &self,
        ctx: &RequestContext,
        group: &AccessGroupId,
        members: Vec<(PrincipalId, MemberKind)>,
    ) -> Result<Vec<GroupMember>, Error> {
        let permit = self.permit_account(ctx, Action::MemberAdd).await?;
        if !(1..=MEMBERS_CALL_MAX).contains(&members.len()) {
            let why = format!("One call adds 1 to {MEMBERS_CALL_MAX} members.");
            return Err(invalid("members", why));
        }
        let (added_at, by) = (self.now(), &ctx.caller.principal);
        let members: Vec<GroupMember> = members
            .into_iter()
            .map(|(iam_id, kind)| GroupMember { iam_id, kind, added_at, added_by: by.clone() })
            .collect();
        let ids = members.iter().map(|m| &m.iam_id);
        let change = self.members_change(ctx, "iam-groups.member.add", group, ids);
        self.store().members_add(&permit, group, members.clone(), change).await?;
        Ok(members)
    }

    /// Removes members; says for each whether it was one.
    ///
    /// # Errors
    /// Too many at once; when there is no such group, or the caller may not.
    pub async fn members_remove(
        &self,
        ctx: &RequestContext,
        group: &AccessGroupId,
        members: &[PrincipalId],
    ) -> Result<Vec<bool>, Error> {
        let permit = self.permit_account(ctx, Action::MemberRemove).await?;
        if !(1..=MEMBERS_CALL_MAX).contains(&members.len()) {
            let why = format!("One call removes 1 to {MEMBERS_CALL_MAX} members.");
            return Err(invalid("members", why));
        }
        let change = self.members_change(ctx, "iam-groups.member.delete", group, members.iter());
        Ok(self.store().members_remove(&permit, group, members, change).await?)
    }

    /// Adds one to several groups; says of each what became of it.
    ///
    /// # Errors
    /// Too many at once; a caller who may not; a store that is away.
    pub async fn member_add_to(
        &self,
        ctx: &RequestContext,
        member: (PrincipalId, MemberKind),
        groups: Vec<String>,
    ) -> Result<Vec<(String, Result<(), Error>)>, Error> {
        if !(1..=GROUPS_CALL_MAX).contains(&groups.len()) {
            let why = format!("One call adds to 1 to {GROUPS_CALL_MAX} groups.");
            return Err(invalid("groups", why));
        }
        let mut done = Vec::with_capacity(groups.len());
        for text in groups {
            let missing =
                || Error::NotFound { kind: "access_group", id: text.clone(), field: None };
            let added = match AccessGroupId::parse(&text) {
                Ok(id) => self.members_add(ctx, &id, vec![member.clone()]).await.map(drop),
                Err(_) => Err(missing()),
            };
            match added {
                Err(
                    error @ (Error::Denied(_) | Error::Unavailable { .. } | Error::Internal { .. }),
                ) => return Err(error),
                other => done.push((text, other)),
            }
        }
        Ok(done)
    }

    /// Removes one from every group of the account that has it; which those were.
    ///
    /// # Errors
    /// When it is in no group; when the caller may not.
    pub async fn member_remove_from_all(
        &self,
        ctx: &RequestContext,
        iam_id: &PrincipalId,
    ) -> Result<Vec<AccessGroup>, Error> {
        self.permit_account(ctx, Action::MemberRemove).await?;
        let filter =
            AccessGroupFilter { iam_id: Some(iam_id.to_string()), ..AccessGroupFilter::default() };
        let all = u32::try_from(Limit::ACCESS_GROUPS_MAX.max).unwrap_or(u32::MAX);
        let (groups, _) = self.access_groups(ctx, &filter, Slice { offset: 0, limit: all }).await?;
        if groups.is_empty() {
            let id = iam_id.to_string();
            return Err(Error::NotFound { kind: "member", id, field: None });
        }
        for group in &groups {
            self.members_remove(ctx, &group.id, std::slice::from_ref(iam_id)).await?;
        }
        Ok(groups)
    }

    fn members_change<'a>(
        &self,
        ctx: &RequestContext,
        action: &'static str,
        group: &AccessGroupId,
        members: impl Iterator<Item = &'a PrincipalId>,
    ) -> meta::Change {
        let id = group.as_str();
        let about = Subject { service: "iam-groups", kind: "group", id, name: id };
        let members: Vec<&str> = members.map(PrincipalId::as_str).collect();
        self.iam_change(ctx, action, &about, &serde_json::json!({ "members": members }))
    }
}
