//! Rules, links and identities of trusted profiles.

use base::{AccountId, PrincipalId};
use model::{Account, Limit, Principal, ProfilePart, ProfilePartKind};
use policy::{Action, Permit};

use super::{
    head::{changed, limit_check, not_found},
    identity,
    list::Conditions,
    outbox, permit, principal,
    session::Session,
    value::{Row, binds},
};
use crate::{Change, StoreError};

fn part(row: Row) -> Result<ProfilePart, StoreError> {
    let mut row = row.of("profile_parts");
    Ok(ProfilePart {
        kind: row.word(ProfilePartKind::parse)?,
        id: row.text()?,
        body: row.text()?,
        created_at: row.time()?,
        modified_at: row.time()?,
        revision: row.count()?,
    })
}

async fn all(session: &mut Session, profile: &PrincipalId) -> Result<Vec<ProfilePart>, StoreError> {
    let rows = session
        .all(
            "SELECT kind, id, body, created_at, modified_at, revision FROM profile_parts
             WHERE profile_id = $1 ORDER BY created_at, id",
            binds![profile],
        )
        .await?;
    rows.into_iter().map(part).collect()
}

pub(crate) async fn parts(
    session: &mut Session,
    account: &AccountId,
    profile: &PrincipalId,
) -> Result<Vec<ProfilePart>, StoreError> {
    principal::get(session, account, profile).await?;
    all(session, profile).await
}

pub(crate) async fn any(
    session: &mut Session,
    profile: &PrincipalId,
) -> Result<Option<(Principal, Account, Vec<ProfilePart>)>, StoreError> {
    match identity::principal_with_account(session, profile).await? {
        Some((found, account)) => Ok(Some((found, account, all(session, profile).await?))),
        None => Ok(None),
    }
}

/// The profile, if the permit is for changing it.
async fn own(
    tx: &mut Session,
    permit: &Permit,
    profile: &PrincipalId,
) -> Result<Principal, StoreError> {
    let found = principal::get(tx, permit.account(), profile).await?;
    permit::covers_of(permit, Action::ProfileUpdate, &found.account)?;
    Ok(found)
}

pub(crate) async fn save(
    tx: &mut Session,
    permit: &Permit,
    profile: &PrincipalId,
    part: &ProfilePart,
    change: &Change,
) -> Result<(), StoreError> {
    own(tx, permit, profile).await?;
    if part.revision == 1 {
        put(tx, profile, part).await?;
    } else {
        let rows = tx
            .run(
                "UPDATE profile_parts SET body = $4, modified_at = $5, revision = $6
                 WHERE profile_id = $1 AND kind = $2 AND id = $3 AND revision = $6 - 1",
                binds![
                    profile,
                    part.kind.as_str(),
                    part.id.as_str(),
                    part.body.as_str(),
                    part.modified_at,
                    part.revision,
                ],
            )
            .await?;
        if rows != 1 {
            return Err(changed("profile", profile));
        }
    }
    outbox::write(tx, change).await
}

/// Adds a part; one of the same id is replaced, which only identities have.
async fn put(
    tx: &mut Session,
    profile: &PrincipalId,
    part: &ProfilePart,
) -> Result<(), StoreError> {
    tx.run(
        "DELETE FROM profile_parts WHERE profile_id = $1 AND kind = $2 AND id = $3",
        binds![profile, part.kind.as_str(), part.id.as_str()],
    )
    .await?;
    let mut have = Conditions::default();
    have.and("profile_id = ?", binds![profile]).and("kind = ?", binds![part.kind.as_str()]);
    limit_check(have.count(tx, "profile_parts").await? + 1, Limit::PROFILE_PARTS_MAX)?;
    tx.run(
        "INSERT INTO profile_parts (profile_id, kind, id, body, created_at, modified_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        binds![
            profile,
            part.kind.as_str(),
            part.id.as_str(),
            part.body.as_str(),
            part.created_at,
            part.modified_at,
            part.revision,
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn identities_replace(
    tx: &mut Session,
    permit: &Permit,
    profile: &PrincipalId,
    revision: u64,
    parts: &[ProfilePart],
    change: &Change,
) -> Result<(), StoreError> {
    own(tx, permit, profile).await?;
    let rows = tx
        .run(
            "UPDATE principals SET revision = $2 WHERE id = $1 AND revision = $2 - 1",
            binds![profile, revision],
        )
        .await?;
    if rows != 1 {
        return Err(changed("profile", profile));
    }
    let kind = ProfilePartKind::Identity.as_str();
    tx.run("DELETE FROM profile_parts WHERE profile_id = $1 AND kind = $2", binds![profile, kind])
        .await?;
    for part in parts {
        put(tx, profile, part).await?;
    }
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    profile: &PrincipalId,
    kind: ProfilePartKind,
    id: &str,
    change: &Change,
) -> Result<(), StoreError> {
    own(tx, permit, profile).await?;
    let rows = tx
        .run(
            "DELETE FROM profile_parts WHERE profile_id = $1 AND kind = $2 AND id = $3",
            binds![profile, kind.as_str(), id],
        )
        .await?;
    if rows != 1 {
        return Err(not_found(kind.as_str(), id));
    }
    outbox::write(tx, change).await
}

pub(crate) async fn by_name(
    session: &mut Session,
    account: &AccountId,
    name: &str,
) -> Result<Option<PrincipalId>, StoreError> {
    let row = session
        .one(
            "SELECT id FROM principals WHERE account_id = $1 AND kind = 'profile' AND name = $2",
            binds![account, name],
        )
        .await?;
    row.map(|row| row.of("principals").id()).transpose()
}
