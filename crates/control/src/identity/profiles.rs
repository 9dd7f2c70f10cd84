//! What trusted profiles consist of, and who may take one on.

use base::{Entropy, PrincipalId};
use model::{PrincipalKind, ProfilePart, ProfilePartKind};
use policy::{Action, Caller};
use serde::Deserialize;

use crate::{Control, Error, RequestContext};

/// A rule, link or identity that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPart {
    /// What it is.
    pub kind: ProfilePartKind,
    /// Its id, where what it says decides it.
    pub id: Option<String>,
    /// What it says, as JSON text.
    pub body: String,
}

/// Of an identity's body, what decides who it is.
#[derive(Deserialize)]
struct Identity {
    #[serde(rename = "type")]
    kind: String,
    iam_id: String,
    #[serde(default)]
    accounts: Vec<String>,
}

/// Whether one of the identities in `parts` is the caller. Rules and links speak of logins that
/// this region does not have: they let nobody in.
pub(super) fn may_take_on(parts: &[ProfilePart], caller: &Caller) -> bool {
    let identities = parts.iter().filter(|part| part.kind == ProfilePartKind::Identity);
    let mut read = identities.filter_map(|part| serde_json::from_str::<Identity>(&part.body).ok());
    read.any(|identity| {
        let of_account = identity.accounts.is_empty()
            || identity.accounts.iter().any(|id| id == caller.account.as_str());
        let fits = match PrincipalKind::of(&caller.principal) {
            PrincipalKind::User => identity.kind == "user" && of_account,
            PrincipalKind::ServiceId => identity.kind == "serviceid",
            // One profile does not lead to the next.
            PrincipalKind::Profile => false,
        };
        fits && identity.iam_id == caller.principal.as_str()
    })
}

fn part_id(want: &NewPart, entropy: &dyn Entropy) -> String {
    let prefix = match want.kind {
        ProfilePartKind::Rule => "ClaimRule-",
        ProfilePartKind::Link => "link-",
        ProfilePartKind::Identity => "",
    };
    want.id.clone().unwrap_or_else(|| format!("{prefix}{}", base::uuid_of(entropy)))
}

impl Control {
    /// Parts of one kind of a profile of the caller's account, oldest first.
    ///
    /// # Errors
    /// When there is no such profile, or the caller may not.
    pub async fn profile_parts(
        &self,
        ctx: &RequestContext,
        profile: &PrincipalId,
        kind: ProfilePartKind,
    ) -> Result<Vec<ProfilePart>, Error> {
        let scope = self.scope_account(ctx, Action::ProfileRead).await?;
        let mut parts = self.store().profile_parts(&scope, profile).await?;
        parts.retain(|part| part.kind == kind);
        Ok(parts)
    }

    /// A part of a profile.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn profile_part(
        &self,
        ctx: &RequestContext,
        profile: &PrincipalId,
        kind: ProfilePartKind,
        id: &str,
    ) -> Result<ProfilePart, Error> {
        let parts = self.profile_parts(ctx, profile, kind).await?;
        let found = parts.into_iter().find(|part| part.id == id);
        found.ok_or_else(|| Error::NotFound { kind: kind.as_str(), id: id.to_owned(), field: None })
    }

    /// Adds a part to a profile.
    ///
    /// # Errors
    /// A limit; when there is no such profile, or the caller may not.
    pub async fn profile_part_add(
        &self,
        ctx: &RequestContext,
        profile: &PrincipalId,
        want: NewPart,
    ) -> Result<ProfilePart, Error> {
        let permit = self.permit_account(ctx, Action::ProfileUpdate).await?;
        let part = self.part_of(want);
        let change = self.part_change(ctx, profile);
        self.store().profile_part_save(&permit, profile, part.clone(), change).await?;
        Ok(part)
    }

    /// Replaces what a part says.
    ///
    /// # Errors
    /// When it was changed since `tag`; when there is none, or the caller may not.
    pub async fn profile_part_update(
        &self,
        ctx: &RequestContext,
        profile: &PrincipalId,
        tag: Option<&str>,
        want: NewPart,
    ) -> Result<ProfilePart, Error> {
        let permit = self.permit_account(ctx, Action::ProfileUpdate).await?;
        let id = want.id.as_deref().unwrap_or_default();
        let now = self.profile_part(ctx, profile, want.kind, id).await?;
        if tag.is_some_and(|tag| tag != model::entity_tag(now.revision, &now.id)) {
            return Err(Error::Changed { kind: "trusted profile" });
        }
        let next = ProfilePart {
            body: want.body,
            modified_at: self.now(),
            revision: now.revision + 1,
            ..now
        };
        let change = self.part_change(ctx, profile);
        self.store().profile_part_save(&permit, profile, next.clone(), change).await?;
        Ok(next)
    }

    /// Replaces every identity of a profile.
    ///
    /// # Errors
    /// When the profile was changed since `tag`; a limit; when the caller may not.
    pub async fn profile_identities_replace(
        &self,
        ctx: &RequestContext,
        profile: &PrincipalId,
        tag: Option<&str>,
        wants: Vec<NewPart>,
    ) -> Result<(String, Vec<ProfilePart>), Error> {
        let permit = self.permit_account(ctx, Action::ProfileUpdate).await?;
        let mut now = self.principal(ctx, PrincipalKind::Profile, profile).await?;
        if tag.is_some_and(|tag| tag != now.entity_tag()) {
            return Err(Error::Changed { kind: "trusted profile" });
        }
        now.revision += 1;
        let parts: Vec<_> = wants.into_iter().map(|want| self.part_of(want)).collect();
        let change = self.part_change(ctx, profile);
        self.store()
            .profile_identities_replace(&permit, profile, now.revision, parts.clone(), change)
            .await?;
        Ok((now.entity_tag(), parts))
    }

    /// Deletes a part.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn profile_part_delete(
        &self,
        ctx: &RequestContext,
        profile: &PrincipalId,
        kind: ProfilePartKind,
        id: &str,
    ) -> Result<(), Error> {
        let permit = self.permit_account(ctx, Action::ProfileUpdate).await?;
        let change = self.part_change(ctx, profile);
        Ok(self.store().profile_part_delete(&permit, profile, kind, id, change).await?)
    }

    fn part_of(&self, want: NewPart) -> ProfilePart {
        let now = self.now();
        ProfilePart {
            kind: want.kind,
            id: part_id(&want, self.entropy()),
            body: want.body,
            created_at: now,
            modified_at: now,
            revision: 1,
        }
    }

    fn part_change(&self, ctx: &RequestContext, profile: &PrincipalId) -> meta::Change {
        let id = profile.as_str().trim_start_matches("iam-");
        self.identity_change(ctx, Action::ProfileUpdate, "profile", id, "")
    }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, SeededEntropy, Timestamp};

    use super::*;

    fn part(body: serde_json::Value) -> ProfilePart {
        let at = Timestamp::from_micros(0);
        ProfilePart {
            kind: ProfilePartKind::Identity,
            id: "x".to_owned(),
            body: body.to_string(),
            created_at: at,
            modified_at: at,
            revision: 1,
        }
    }

    #[test]
    fn only_who_is_named_takes_a_profile_on() {
        let entropy = SeededEntropy::new(7);
        let caller = |kind: PrincipalKind| Caller {
            principal: PrincipalId::mint(kind.iam_prefix(), &entropy),
            account: AccountId::mint("", &entropy),
            owner: true,
        };
        let user = caller(PrincipalKind::User);
        let named = |kind: &str, who: &Caller, accounts: &[&str]| {
            part(serde_json::json!({
                "type": kind, "iam_id": who.principal.as_str(), "accounts": accounts
            }))
        };
        assert!(!may_take_on(&[], &user));
        assert!(may_take_on(&[named("user", &user, &[])], &user));
        assert!(may_take_on(&[named("user", &user, &[user.account.as_str()])], &user));
        assert!(!may_take_on(&[named("user", &user, &["another"])], &user));
        assert!(!may_take_on(&[named("serviceid", &user, &[])], &user));
        assert!(!may_take_on(&[named("user", &user, &[])], &caller(PrincipalKind::User)));
        let service = caller(PrincipalKind::ServiceId);
        assert!(may_take_on(&[named("serviceid", &service, &[])], &service));
        let profile = caller(PrincipalKind::Profile);
        for kind in ["user", "serviceid", "crn"] {
            assert!(!may_take_on(&[named(kind, &profile, &[])], &profile));
        }
        assert!(!may_take_on(&[part(serde_json::json!({"type": 1}))], &user));
    }
}
