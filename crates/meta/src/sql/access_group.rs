//! Rows of access groups, of their members and of their rules.

use base::{AccessGroupId, AccessGroupRuleId, AccountId, PrincipalId};
use model::{
    AccessGroup, ClaimCondition, GroupMember, GroupRule, Limit, MemberKind, Piece, Refusal,
    Wildcard,
};
use policy::{Action, Permit};

use super::{
    head::{NameSpace, limit_check, not_found, written},
    list::Conditions,
    outbox, permit,
    policy_row::{forget, raise},
    search::like,
    session::Session,
    value::{Row, binds},
};
use crate::{AccessGroupFilter, Change, Slice, StoreError};

const NAMES: NameSpace = NameSpace::new("access group", "access_groups", "account_id");

const SELECT: &str = "SELECT g.id, g.account_id, g.name, g.description, g.created_at, g.created_by,
   g.modified_at, g.modified_by, g.revision FROM access_groups g";

const MEMBER: &str = "SELECT m.iam_id, m.kind, m.added_at, m.added_by FROM access_group_members m";

const RULE: &str = "SELECT r.id, r.access_group_id, r.account_id, r.name, r.expiration,
   r.realm_name, r.conditions, r.created_at, r.created_by, r.modified_at, r.modified_by,
   r.revision FROM access_group_rules r";

fn group(row: Row) -> Result<AccessGroup, StoreError> {
    let mut row = row.of("access_groups");
    Ok(AccessGroup {
        id: row.id()?,
        account: row.id()?,
        name: row.text()?,
        description: row.text()?,
        created_at: row.time()?,
        created_by: row.id()?,
        modified_at: row.time()?,
        modified_by: row.id()?,
        revision: row.count()?,
    })
}

fn member(row: Row) -> Result<GroupMember, StoreError> {
    let mut row = row.of("access_group_members");
    Ok(GroupMember {
        iam_id: row.id()?,
        kind: row.word(MemberKind::parse)?,
        added_at: row.time()?,
        added_by: row.id()?,
    })
}

fn rule(row: Row) -> Result<GroupRule, StoreError> {
    let mut row = row.of("access_group_rules");
    let (id, group, account) = (row.id()?, row.id()?, row.id()?);
    let (name, expiration, realm_name) = (row.text()?, row.count()?, row.text()?);
    let conditions = row.text()?;
    let conditions: Vec<ClaimCondition> =
        serde_json::from_str(&conditions).map_err(|error| row.damaged(error.to_string()))?;
    Ok(GroupRule {
        id,
        group,
        account,
        name,
        expiration,
        realm_name,
        conditions,
        created_at: row.time()?,
        created_by: row.id()?,
        modified_at: row.time()?,
        modified_by: row.id()?,
        revision: row.count()?,
    })
}

/// A group of the account, whatever the permit is for.
async fn own(
    session: &mut Session,
    account: &AccountId,
    id: &AccessGroupId,
) -> Result<AccessGroup, StoreError> {
    let row = session
        .one(format!("{SELECT} WHERE g.id = $1 AND g.account_id = $2"), binds![id, account])
        .await?;
    group(row.ok_or_else(|| not_found("access_group", id))?)
}

pub(crate) async fn list(
    session: &mut Session,
    permit: &Permit,
    filter: &AccessGroupFilter,
    slice: Slice,
) -> Result<(Vec<AccessGroup>, u64), StoreError> {
    permit::covers_account(permit, &[Action::AccessGroupList])?;
    let mut conditions = Conditions::default();
    conditions.and("g.account_id = ?", binds![permit.account()]);
    if let Some(iam_id) = &filter.iam_id {
        conditions.and(
            "g.id IN (SELECT m.access_group_id FROM access_group_members m
               WHERE m.account_id = ? AND m.iam_id = ?)",
            binds![permit.account(), iam_id],
        );
    }
    if let Some(text) = &filter.search {
        // Whatever the text has, a star too, stands for itself.
        let chars = text.chars().map(Piece::Char);
        let mut within = Wildcard::default();
        [Piece::Any].into_iter().chain(chars).chain([Piece::Any]).for_each(|p| within.push(p));
        let pattern = like(&within);
        conditions.and(
            "(LOWER(g.name) LIKE ? ESCAPE '!' OR LOWER(g.description) LIKE ? ESCAPE '!')",
            binds![&pattern, &pattern],
        );
    }
    let total = conditions.count(session, "access_groups g").await?;
    let order = if filter.descending { "DESC" } else { "ASC" };
    let order = format!("g.name {order} LIMIT {} OFFSET {}", slice.limit, slice.offset);
    let rows = conditions.all(session, SELECT, &order).await?;
    Ok((rows.into_iter().map(group).collect::<Result<_, _>>()?, total))
}

pub(crate) async fn get(
    session: &mut Session,
    permit: &Permit,
    id: &AccessGroupId,
) -> Result<AccessGroup, StoreError> {
    permit::covers_account(
        permit,
        &[Action::AccessGroupRead, Action::AccessGroupUpdate, Action::AccessGroupDelete],
    )?;
    own(session, permit.account(), id).await
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    group: &AccessGroup,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_of(permit, Action::AccessGroupCreate, &group.account)?;
    NAMES.check(tx, group.account.as_str(), &group.name, None).await?;
    let mut have = Conditions::default();
    have.and("account_id = ?", binds![&group.account]);
    limit_check(have.count(tx, "access_groups").await? + 1, Limit::ACCESS_GROUPS_MAX)?;
    tx.run(
        "INSERT INTO access_groups (id, account_id, name, description, created_at, created_by,
           modified_at, modified_by, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        binds![
            &group.id,
            &group.account,
            &group.name,
            &group.description,
            group.created_at,
            &group.created_by,
            group.modified_at,
            &group.modified_by,
            group.revision,
        ],
    )
    .await?;
    outbox::write(tx, change).await
}

pub(crate) async fn write(
    tx: &mut Session,
    permit: &Permit,
    group: &AccessGroup,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_account(permit, &[Action::AccessGroupUpdate])?;
    own(tx, permit.account(), &group.id).await?;
    NAMES.check(tx, group.account.as_str(), &group.name, Some(group.id.as_str())).await?;
    let rows = tx
        .run(
            "UPDATE access_groups SET name = $4, description = $5, modified_at = $6,
               modified_by = $7, revision = revision + 1
             WHERE id = $1 AND account_id = $2 AND revision = $3",
            binds![
                &group.id,
                permit.account(),
                group.revision.saturating_sub(1),
                &group.name,
                &group.description,
                group.modified_at,
                &group.modified_by,
            ],
        )
        .await?;
    written(rows, "access_group", &group.id)?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &AccessGroupId,
    force: bool,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_account(permit, &[Action::AccessGroupDelete])?;
    let group = own(tx, permit.account(), id).await?;
    let members = "SELECT 1 FROM access_group_members WHERE access_group_id = $1 LIMIT 1";
    if !force && tx.any(members, binds![id]).await? {
        return Err(Refusal::AccessGroupNotEmpty { name: group.name }.into());
    }
    for table in ["access_group_members", "access_group_rules"] {
        tx.run(format!("DELETE FROM {table} WHERE access_group_id = $1"), binds![id]).await?;
    }
    forget(tx, permit.account(), "access_group_id", id.as_str()).await?;
    tx.run("DELETE FROM access_groups WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn members(
    session: &mut Session,
    permit: &Permit,
    id: &AccessGroupId,
    kind: Option<MemberKind>,
    slice: Slice,
) -> Result<(Vec<GroupMember>, u64), StoreError> {
    permit::covers_account(permit, &[Action::MemberRead])?;
    own(session, permit.account(), id).await?;
    let mut conditions = Conditions::default();
    conditions
        .and("m.access_group_id = ?", binds![id])
        .and_eq("m.kind", kind.map(MemberKind::as_str));
    let total = conditions.count(session, "access_group_members m").await?;
    let order = format!("m.iam_id LIMIT {} OFFSET {}", slice.limit, slice.offset);
    let rows = conditions.all(session, MEMBER, &order).await?;
    Ok((rows.into_iter().map(member).collect::<Result<_, _>>()?, total))
}

pub(crate) async fn is_member(
    session: &mut Session,
    permit: &Permit,
    id: &AccessGroupId,
    iam_id: &PrincipalId,
) -> Result<bool, StoreError> {
    permit::covers_account(permit, &[Action::MemberRead])?;
    own(session, permit.account(), id).await?;
    session
        .any(
            "SELECT 1 FROM access_group_members WHERE access_group_id = $1 AND iam_id = $2",
            binds![id, iam_id],
        )
        .await
}

pub(crate) async fn members_add(
    tx: &mut Session,
    permit: &Permit,
    id: &AccessGroupId,
    members: &[GroupMember],
    change: &Change,
) -> Result<Vec<bool>, StoreError> {
    permit::covers_account(permit, &[Action::MemberAdd])?;
    own(tx, permit.account(), id).await?;
    let mut made = Vec::with_capacity(members.len());
    for member in members {
        let rows = tx
            .run(
                "INSERT INTO access_group_members (access_group_id, iam_id, account_id, kind,
                   added_at, added_by) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (access_group_id, iam_id) DO NOTHING",
                binds![
                    id,
                    &member.iam_id,
                    permit.account(),
                    member.kind.as_str(),
                    member.added_at,
                    &member.added_by,
                ],
            )
            .await?;
        made.push(rows == 1);
    }
    let mut have = Conditions::default();
    have.and("access_group_id = ?", binds![id]);
    limit_check(have.count(tx, "access_group_members").await?, Limit::ACCESS_GROUP_MEMBERS_MAX)?;
    raise(tx, permit.account()).await?;
    outbox::write(tx, change).await?;
    Ok(made)
}

pub(crate) async fn members_remove(
    tx: &mut Session,
    permit: &Permit,
    id: &AccessGroupId,
    members: &[PrincipalId],
    change: &Change,
) -> Result<Vec<bool>, StoreError> {
    permit::covers_account(permit, &[Action::MemberRemove])?;
    own(tx, permit.account(), id).await?;
    let mut gone = Vec::with_capacity(members.len());
    for iam_id in members {
        let rows = tx
            .run(
                "DELETE FROM access_group_members WHERE access_group_id = $1 AND iam_id = $2",
                binds![id, iam_id],
            )
            .await?;
        gone.push(rows == 1);
    }
    raise(tx, permit.account()).await?;
    outbox::write(tx, change).await?;
    Ok(gone)
}

/// Memberships and policies of a principal that goes.
pub(crate) async fn principal_forget(
    tx: &mut Session,
    account: &AccountId,
    principal: &PrincipalId,
) -> Result<(), StoreError> {
    tx.run(
        "DELETE FROM access_group_members WHERE account_id = $1 AND iam_id = $2",
        binds![account, principal],
    )
    .await?;
    forget(tx, account, "iam_id", principal.as_str()).await
}

pub(crate) async fn rules(
    session: &mut Session,
    permit: &Permit,
    id: &AccessGroupId,
) -> Result<Vec<GroupRule>, StoreError> {
    permit::covers_account(permit, &[Action::GroupRuleRead, Action::GroupRuleUpdate])?;
    own(session, permit.account(), id).await?;
    let rows = session
        .all(format!("{RULE} WHERE r.access_group_id = $1 ORDER BY r.created_at, r.id"), binds![id])
        .await?;
    rows.into_iter().map(rule).collect()
}

pub(crate) async fn rule_put(
    tx: &mut Session,
    permit: &Permit,
    rule: &GroupRule,
    change: &Change,
) -> Result<(), StoreError> {
    let new = rule.revision == 1;
    permit::covers_account(
        permit,
        &[if new { Action::GroupRuleCreate } else { Action::GroupRuleUpdate }],
    )?;
    let account = permit.account();
    own(tx, account, &rule.group).await?;
    let conditions = serde_json::to_string(&rule.conditions).map_err(|error| {
        StoreError::Damaged { table: "access_group_rules", why: error.to_string() }
    })?;
    let mut values = binds![
        &rule.id,
        &rule.group,
        &rule.name,
        rule.expiration,
        &rule.realm_name,
        conditions,
        rule.modified_at,
        &rule.modified_by,
    ];
    if new {
        let mut have = Conditions::default();
        have.and("access_group_id = ?", binds![&rule.group]);
        let count = have.count(tx, "access_group_rules").await?;
        limit_check(count + 1, Limit::ACCESS_GROUP_RULES_MAX)?;
        values.extend(binds![account, rule.created_at, &rule.created_by]);
        tx.run(
            "INSERT INTO access_group_rules (id, access_group_id, name, expiration, realm_name,
               conditions, modified_at, modified_by, account_id, created_at, created_by, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1)",
            values,
        )
        .await?;
    } else {
        values.push(rule.revision.saturating_sub(1).into());
        let rows = tx
            .run(
                "UPDATE access_group_rules SET name = $3, expiration = $4, realm_name = $5,
                   conditions = $6, modified_at = $7, modified_by = $8, revision = revision + 1
                 WHERE id = $1 AND access_group_id = $2 AND revision = $9",
                values,
            )
            .await?;
        written(rows, "access_group_rule", &rule.id)?;
    }
    outbox::write(tx, change).await
}

pub(crate) async fn rule_delete(
    tx: &mut Session,
    permit: &Permit,
    id: &AccessGroupId,
    rule: &AccessGroupRuleId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_account(permit, &[Action::GroupRuleDelete])?;
    own(tx, permit.account(), id).await?;
    let rows = tx
        .run(
            "DELETE FROM access_group_rules WHERE id = $1 AND access_group_id = $2",
            binds![rule, id],
        )
        .await?;
    if rows == 0 {
        return Err(not_found("access_group_rule", rule));
    }
    outbox::write(tx, change).await
}
