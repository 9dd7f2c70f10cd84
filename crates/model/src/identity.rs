//! Who acts in an account: users, service IDs and trusted profiles, and the API keys by which
//! they sign in.
//!
//! Times are region time, but for those that end tokens and sessions, which nobody moves.

use base::{AccountId, ApiKeyId, PrincipalId, Timestamp};

use crate::text_enum;

text_enum! {
    /// What a principal is.
    PrincipalKind {
        /// A person.
        User = "user",
        /// A program with API keys of its own.
        ServiceId = "serviceid",
        /// An identity that others take on; it has no API keys.
        Profile = "profile",
    }
}

impl PrincipalKind {
    /// What the IAM ids of this kind begin with.
    #[must_use]
    pub const fn iam_prefix(self) -> &'static str {
        match self {
            Self::User => "IBMid-",
            Self::ServiceId => "iam-ServiceId-",
            Self::Profile => "iam-Profile-",
        }
    }

    /// The kind of an IAM id.
    #[must_use]
    pub fn of(id: &PrincipalId) -> Self {
        let begins = |kind: &&Self| id.as_str().starts_with(kind.iam_prefix());
        Self::ALL.iter().find(begins).copied().unwrap_or(Self::User)
    }
}

/// Someone who can be given access: a user, a service ID or a trusted profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// IAM id, such as `IBMid-…`.
    pub id: PrincipalId,
    /// The account it belongs to.
    pub account: AccountId,
    /// What it is.
    pub kind: PrincipalKind,
    /// A user's given and family name, joined by a blank; else a display name.
    pub name: String,
    /// Mail address; empty when there is none.
    pub email: String,
    /// What it is for.
    pub description: String,
    /// It can be neither changed nor deleted until it is unlocked.
    pub locked: bool,
    /// Region time of its creation.
    pub created_at: Timestamp,
    /// Region time of its last change.
    pub modified_at: Timestamp,
    /// Grows with every change.
    pub revision: u64,
    /// CRNs of the service instances that a service ID is bound to, as they were given.
    pub instance_crns: Vec<String>,
    /// Wall time of the last sign-out of everything: tokens from before it are nothing.
    pub signed_out_at: Option<Timestamp>,
    /// Region time of its last sign-in.
    pub last_used_at: Option<Timestamp>,
    /// How often it signed in.
    pub uses: u64,
}

impl Principal {
    /// A new one, without a word about it.
    #[must_use]
    pub fn new(
        id: PrincipalId,
        account: AccountId,
        kind: PrincipalKind,
        name: String,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            account,
            kind,
            name,
            email: String::new(),
            description: String::new(),
            locked: false,
            created_at: now,
            modified_at: now,
            revision: 1,
            instance_crns: Vec::new(),
            signed_out_at: None,
            last_used_at: None,
            uses: 0,
        }
    }

    /// The id that IBM's API has beside the IAM id: `ServiceId-…`, `Profile-…`.
    #[must_use]
    pub fn plain_id(&self) -> &str {
        let id = self.id.as_str();
        id.strip_prefix("iam-").unwrap_or(id)
    }

    /// What `If-Match` is compared with.
    #[must_use]
    pub fn entity_tag(&self) -> String {
        entity_tag(self.revision, self.id.as_str())
    }
}

text_enum! {
    /// What is done with an API key that was found in public.
    WhenLeaked {
        /// Nothing.
        None = "none",
        /// It is disabled.
        Disable = "disable",
        /// It is deleted.
        Delete = "delete",
    }
}

/// An API key. The key itself is never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its account.
    pub account: AccountId,
    /// Whose it is.
    pub principal: PrincipalId,
    /// Display name; several may have the same.
    pub name: String,
    /// SHA-256 of the key. The keys are random and long, so one hash is enough.
    pub hash: [u8; 32],
    /// Region time of its creation.
    pub created_at: Timestamp,
    /// What it is for.
    pub description: String,
    /// IAM id of who made it.
    pub created_by: PrincipalId,
    /// Region time of its last change.
    pub modified_at: Timestamp,
    /// Grows with every change.
    pub revision: u64,
    /// It can be neither changed nor deleted until it is unlocked.
    pub locked: bool,
    /// It does not sign in.
    pub disabled: bool,
    /// Region time from which on it does not sign in.
    pub expires_at: Option<Timestamp>,
    /// What is done when it leaks. The region looks for no leaks; it is kept as it was given.
    pub when_leaked: WhenLeaked,
    /// Whether sessions are managed; kept as it was given.
    pub support_sessions: bool,
    /// Region time of its last use.
    pub last_used_at: Option<Timestamp>,
    /// How often it was used.
    pub uses: u64,
}

impl ApiKey {
    /// A new key, made by `principal` for itself.
    #[must_use]
    pub fn new(
        id: ApiKeyId,
        account: AccountId,
        principal: PrincipalId,
        name: String,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            account,
            created_by: principal.clone(),
            principal,
            name,
            hash,
            created_at: now,
            description: String::new(),
            modified_at: now,
            revision: 1,
            locked: false,
            disabled: false,
            expires_at: None,
            when_leaked: WhenLeaked::None,
            support_sessions: false,
            last_used_at: None,
            uses: 0,
        }
    }

    /// Whether it signs in at `now`.
    #[must_use]
    pub fn signs_in(&self, now: Timestamp) -> bool {
        !self.disabled && self.expires_at.is_none_or(|end| now < end)
    }

    /// What `If-Match` is compared with.
    #[must_use]
    pub fn entity_tag(&self) -> String {
        entity_tag(self.revision, self.id.as_str())
    }
}

/// `revision-` and the digits of the id: different for two things, and for two states of one.
#[must_use]
pub fn entity_tag(revision: u64, id: &str) -> String {
    let digits: String = id.rsplit('-').take(5).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{revision}-{digits}")
}

text_enum! {
    /// What a trusted profile consists of.
    ProfilePartKind {
        /// A condition on claims of a federated login or of a compute resource.
        Rule = "rule",
        /// A compute resource.
        Link = "link",
        /// A user, a service ID or a service that may take the profile on.
        Identity = "identity",
    }
}

/// A rule, link or identity of a trusted profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfilePart {
    /// What it is.
    pub kind: ProfilePartKind,
    /// Its id, unique among those of its kind in the profile.
    pub id: String,
    /// What it says, as JSON text.
    pub body: String,
    /// Region time of its creation.
    pub created_at: Timestamp,
    /// Region time of its last change.
    pub modified_at: Timestamp,
    /// Grows with every change.
    pub revision: u64,
}

/// Something that was done to an API key, a service ID or a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRecord {
    /// Region time.
    pub at: Timestamp,
    /// IAM id of who did it.
    pub by: PrincipalId,
    /// Their account.
    pub by_account: AccountId,
    /// Such as `iam-identity.apikey.update`.
    pub action: String,
}

/// A login that can be refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, in every token of it.
    pub id: String,
    /// Who signed in.
    pub principal: PrincipalId,
    /// By which API key.
    pub api_key: ApiKeyId,
    /// SHA-256 of the id of the refresh token that is good now.
    pub refresh_hash: [u8; 32],
    /// Wall time.
    pub created_at: Timestamp,
    /// Wall time from which on it cannot be refreshed.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn an_iam_id_says_what_it_is() {
        let entropy = SeededEntropy::new(1);
        for &kind in PrincipalKind::ALL {
            let id = PrincipalId::mint(kind.iam_prefix(), &entropy);
            assert_eq!(PrincipalKind::of(&id), kind);
        }
    }

    #[test]
    fn entity_tags_tell_things_and_states_apart() {
        let id = "ApiKey-01234567-89ab-4def-8123-456789abcdef";
        assert_eq!(entity_tag(3, id), "3-0123456789ab4def8123456789abcdef");
        assert_ne!(entity_tag(3, id), entity_tag(4, id));
        assert_ne!(entity_tag(3, id), entity_tag(3, &id.replace("0123", "1123")));
    }

    #[test]
    fn a_key_signs_in_until_it_ends_or_is_disabled() {
        let entropy = SeededEntropy::new(2);
        let at = Timestamp::from_micros;
        let mut key = ApiKey::new(
            ApiKeyId::mint("ApiKey-", &entropy),
            AccountId::mint("", &entropy),
            PrincipalId::mint("IBMid-", &entropy),
            "k".to_owned(),
            [0; 32],
            at(5),
        );
        assert!(key.signs_in(at(i64::MAX)));
        key.expires_at = Some(at(10));
        assert!(key.signs_in(at(9)) && !key.signs_in(at(10)));
        key.disabled = true;
        assert!(!key.signs_in(at(9)));
    }
}
