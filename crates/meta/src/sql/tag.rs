//! Rows of tags.
//!
//! Two tables: `tags` says which resource has which tag, in the order in which they came;
//! `tag_names` says which tags an account has, also those that no resource has now.

use std::collections::HashMap;

use base::{AccountId, Crn, RegionName};
use model::{Found, Limit, Refusal, Tag, TagKind, TagMode, TagPattern, tags_attached};
use policy::{Action, Permit, Scope};

use super::{
    head::{limit_check, not_found},
    list::{Conditions, marks},
    outbox, permit,
    session::Session,
    source,
    value::{Row, Value, binds},
};
use crate::{Change, StoreError, TagFilter};

/// Rows of one statement, below the engines' bounds on parameters.
const BATCH: usize = 100;

fn tag(row: Row) -> Result<Tag, StoreError> {
    let mut row = row.of("tags");
    let text = row.text()?;
    Tag::parse(&text).map_err(|_| row.damaged(format!("`{text}` is not a tag")))
}

/// The tags of one kind of a resource, in their order.
pub(crate) async fn of(
    session: &mut Session,
    crn: &str,
    kind: TagKind,
) -> Result<Vec<Tag>, StoreError> {
    let rows = session
        .all(
            "SELECT tag FROM tags WHERE crn = $1 AND kind = $2 ORDER BY position",
            binds![crn, kind.as_str()],
        )
        .await?;
    rows.into_iter().map(tag).collect()
}

/// Gives each its tags of all kinds.
pub(crate) async fn fill(session: &mut Session, found: &mut [Found]) -> Result<(), StoreError> {
    for part in found.chunks_mut(BATCH) {
        let crns: Vec<String> = part.iter().map(|f| f.crn.to_string()).collect();
        let sql = format!(
            "SELECT crn, kind, tag FROM tags WHERE crn IN ({}) ORDER BY crn, kind, position",
            marks(1, crns.len())
        );
        let rows = session.all(sql, crns.iter().map(Value::from).collect()).await?;
        let mut by_crn: HashMap<String, Vec<(TagKind, String)>> = HashMap::new();
        for row in rows {
            let mut row = row.of("tags");
            let crn = row.text()?;
            by_crn.entry(crn).or_default().push((row.word(TagKind::parse)?, row.text()?));
        }
        for (f, crn) in part.iter_mut().zip(crns) {
            for (kind, tag) in by_crn.remove(&crn).unwrap_or_default() {
                match kind {
                    TagKind::User => f.user_tags.push(tag),
                    TagKind::Access => f.access_tags.push(tag),
                    TagKind::Service => f.service_tags.push(tag),
                }
            }
        }
    }
    Ok(())
}

/// A resource and the kind of its tags that are written.
pub(crate) struct Tagged<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) crn: &'a str,
    pub(crate) id: &'a str,
    pub(crate) kind: TagKind,
}

impl Tagged<'_> {
    /// Makes `after` of the tags that it `have`s. Kept ones keep their places.
    pub(crate) async fn write<'t>(
        &self,
        tx: &mut Session,
        have: &'t [Tag],
        after: &'t [Tag],
    ) -> Result<(), StoreError> {
        let (had, stays): (std::collections::HashSet<&Tag>, std::collections::HashSet<&Tag>) =
            (have.iter().collect(), after.iter().collect());
        let gone: Vec<&Tag> = have.iter().filter(|tag| !stays.contains(tag)).collect();
        for part in gone.chunks(BATCH) {
            let mut values = binds![self.crn, self.kind.as_str()];
            values.extend(part.iter().map(|tag| Value::from(tag.as_str())));
            let sql = format!(
                "DELETE FROM tags WHERE crn = $1 AND kind = $2 AND tag IN ({})",
                marks(3, part.len())
            );
            tx.run(sql, values).await?;
        }
        let new: Vec<&Tag> = after.iter().filter(|tag| !had.contains(tag)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let first = tx
            .number(
                "SELECT COALESCE(MAX(position), -1) + 1 FROM tags WHERE crn = $1 AND kind = $2",
                binds![self.crn, self.kind.as_str()],
            )
            .await?;
        let mut position = first;
        for part in new.chunks(BATCH) {
            names_insert(tx, self.account, self.kind, part).await?;
            self.insert(tx, part, &mut position).await?;
        }
        Ok(())
    }

    async fn insert(
        &self,
        tx: &mut Session,
        tags: &[&Tag],
        position: &mut i64,
    ) -> Result<(), StoreError> {
        let mut values = binds![self.account, self.crn, self.id, self.kind.as_str()];
        let mut rows = Vec::with_capacity(tags.len());
        for tag in tags {
            let at = values.len() + 1;
            rows.push(format!("($1, $2, $3, $4, ${at}, ${})", at + 1));
            values.extend(binds![tag.as_str(), *position]);
            *position += 1;
        }
        let sql = format!(
            "INSERT INTO tags (account_id, crn, resource_id, kind, tag, position) VALUES {}",
            rows.join(", ")
        );
        tx.run(sql, values).await?;
        Ok(())
    }
}

async fn names_insert(
    tx: &mut Session,
    account: &AccountId,
    kind: TagKind,
    tags: &[&Tag],
) -> Result<(), StoreError> {
    let mut values = binds![account, kind.as_str()];
    let mut rows = Vec::with_capacity(tags.len());
    for tag in tags {
        rows.push(format!("($1, $2, ${})", values.len() + 1));
        values.push(tag.as_str().into());
    }
    let sql = format!(
        "INSERT INTO tag_names (account_id, kind, tag) VALUES {}
         ON CONFLICT (account_id, kind, tag) DO NOTHING",
        rows.join(", ")
    );
    tx.run(sql, values).await?;
    Ok(())
}

/// Removes the tags of a resource that goes.
pub(crate) async fn forget(tx: &mut Session, id: &str) -> Result<(), StoreError> {
    tx.run("DELETE FROM tags WHERE resource_id = $1", binds![id]).await?;
    Ok(())
}

fn attach_action(kind: TagKind) -> Result<Action, StoreError> {
    match kind {
        TagKind::User => Ok(Action::TagAttachUser),
        TagKind::Access => Ok(Action::TagAttachAccess),
        TagKind::Service => Err(Refusal::ServiceTags.into()),
    }
}

fn detach_action(kind: TagKind) -> Result<Action, StoreError> {
    match kind {
        TagKind::User => Ok(Action::TagDetachUser),
        TagKind::Access => Ok(Action::TagDetachAccess),
        TagKind::Service => Err(Refusal::ServiceTags.into()),
    }
}

fn delete_action(kind: TagKind) -> Result<Action, StoreError> {
    match kind {
        TagKind::User => Ok(Action::TagDeleteUser),
        TagKind::Access => Ok(Action::TagDeleteAccess),
        TagKind::Service => Err(Refusal::ServiceTags.into()),
    }
}

const fn limit_of(kind: TagKind) -> Limit {
    match kind {
        TagKind::User => Limit::USER_TAGS_MAX,
        TagKind::Access => Limit::ACCESS_TAGS_MAX,
        TagKind::Service => Limit::SERVICE_TAGS_MAX,
    }
}

/// Which resource a call is about.
#[derive(Clone, Copy)]
pub(crate) struct On<'a> {
    pub(crate) permit: &'a Permit,
    pub(crate) region: &'a RegionName,
    pub(crate) crn: &'a Crn,
    pub(crate) kind: TagKind,
}

impl On<'_> {
    /// Replaces the tags by what `change` makes of them.
    async fn change(
        self,
        tx: &mut Session,
        action: Action,
        after: impl FnOnce(&[Tag]) -> Vec<Tag>,
    ) -> Result<(), StoreError> {
        permit::covers(self.permit, &[action], &self.crn.resource)?;
        let account = self.permit.account();
        let (source, target) = source::target(tx, account, self.region, self.crn).await?;
        let crn = target.crn.to_string();
        let have = of(tx, &crn, self.kind).await?;
        let after = after(&have);
        if after.len() > have.len() {
            limit_check(after.len() as u64, limit_of(self.kind))?;
        }
        if after == have {
            return Ok(());
        }
        if source.table == "volumes" && self.kind == TagKind::User {
            // They are a field of the volume, so whoever read it before has an old one.
            tx.run(
                "UPDATE volumes SET revision = revision + 1 WHERE id = $1",
                binds![&self.crn.resource],
            )
            .await?;
        }
        let id = &self.crn.resource;
        Tagged { account, crn: &crn, id, kind: self.kind }.write(tx, &have, &after).await
    }

    pub(crate) async fn attach(
        self,
        tx: &mut Session,
        tags: &[Tag],
        mode: TagMode,
        change: &Change,
    ) -> Result<(), StoreError> {
        if self.kind == TagKind::Access {
            for tag in tags {
                if !name_is_there(tx, self.permit.account(), self.kind, tag).await? {
                    return Err(Refusal::AccessTagUnknown { tag: tag.to_string() }.into());
                }
            }
        }
        let action = attach_action(self.kind)?;
        self.change(tx, action, |have| tags_attached(have, tags, mode)).await?;
        outbox::write(tx, change).await
    }

    pub(crate) async fn detach(
        self,
        tx: &mut Session,
        patterns: &[TagPattern],
        change: &Change,
    ) -> Result<(), StoreError> {
        let goes = |tag: &&Tag| !patterns.iter().any(|pattern| pattern.matches(tag));
        let action = detach_action(self.kind)?;
        self.change(tx, action, |have| have.iter().filter(goes).cloned().collect()).await?;
        outbox::write(tx, change).await
    }
}

async fn name_is_there(
    tx: &mut Session,
    account: &AccountId,
    kind: TagKind,
    tag: &Tag,
) -> Result<bool, StoreError> {
    tx.any(
        "SELECT 1 FROM tag_names WHERE account_id = $1 AND kind = $2 AND tag = $3",
        binds![account, kind.as_str(), tag.as_str()],
    )
    .await
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &TagFilter,
) -> Result<(Vec<Tag>, u64), StoreError> {
    let mut conditions = Conditions::default();
    let kind = filter.kind.as_str();
    conditions.and("n.account_id = ? AND n.kind = ?", binds![scope.account(), kind]);
    let from = match &filter.attached_to {
        Some(crn) => {
            conditions.and("n.crn = ?", binds![crn]);
            "tags n"
        }
        None => "tag_names n",
    };
    if filter.attached_only && filter.attached_to.is_none() {
        conditions.and(
            "EXISTS (SELECT 1 FROM tags t WHERE t.account_id = n.account_id AND t.kind = n.kind
               AND t.tag = n.tag)",
            binds![],
        );
    }
    let total = conditions.count(session, from).await?;
    let order = if filter.descending { "DESC" } else { "ASC" };
    let order = format!("n.tag {order} LIMIT {} OFFSET {}", filter.limit, filter.offset);
    let rows = conditions.all(session, &format!("SELECT n.tag FROM {from}"), &order).await?;
    Ok((rows.into_iter().map(tag).collect::<Result<_, _>>()?, total))
}

pub(crate) async fn access_create(
    tx: &mut Session,
    permit: &Permit,
    tags: &[(Tag, Change)],
) -> Result<Vec<bool>, StoreError> {
    permit::covers_account(permit, &[Action::TagCreateAccess])?;
    let account = permit.account();
    let mut made = Vec::with_capacity(tags.len());
    for (tag, change) in tags {
        let new = !name_is_there(tx, account, TagKind::Access, tag).await?;
        if new {
            names_insert(tx, account, TagKind::Access, &[tag]).await?;
            outbox::write(tx, change).await?;
        }
        made.push(new);
    }
    let mut own = Conditions::default();
    own.and("account_id = ? AND kind = ?", binds![account, TagKind::Access.as_str()]);
    if made.contains(&true) {
        limit_check(own.count(tx, "tag_names").await?, Limit::ACCESS_TAGS_MAX)?;
    }
    Ok(made)
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    kind: TagKind,
    tag: &Tag,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_account(permit, &[delete_action(kind)?])?;
    let values = || binds![permit.account(), kind.as_str(), tag.as_str()];
    let used = "SELECT 1 FROM tags WHERE account_id = $1 AND kind = $2 AND tag = $3 LIMIT 1";
    if tx.any(used, values()).await? {
        return Err(Refusal::TagInUse { tag: tag.to_string() }.into());
    }
    let rows = tx
        .run("DELETE FROM tag_names WHERE account_id = $1 AND kind = $2 AND tag = $3", values())
        .await?;
    if rows == 0 {
        return Err(not_found("tag", tag));
    }
    outbox::write(tx, change).await
}

pub(crate) async fn delete_unused(
    tx: &mut Session,
    permit: &Permit,
    kind: TagKind,
    change: &Change,
) -> Result<Vec<Tag>, StoreError> {
    permit::covers_account(permit, &[delete_action(kind)?])?;
    let rows = tx
        .all(
            "DELETE FROM tag_names WHERE account_id = $1 AND kind = $2 AND NOT EXISTS
               (SELECT 1 FROM tags t WHERE t.account_id = tag_names.account_id
                  AND t.kind = tag_names.kind AND t.tag = tag_names.tag)
             RETURNING tag",
            binds![permit.account(), kind.as_str()],
        )
        .await?;
    let mut gone = rows.into_iter().map(tag).collect::<Result<Vec<_>, _>>()?;
    gone.sort();
    outbox::write(tx, change).await?;
    Ok(gone)
}
