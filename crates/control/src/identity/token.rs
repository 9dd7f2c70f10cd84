//! Tokens: by API key, by refresh, for a trusted profile; and what a bearer is.
//!
//! Next to read: `claims` for what they say, `known` for who is still there.

use std::time::Duration;

use base::{AccountId, Crn, PrincipalId};
use meta::{Refreshed, SignIn};
use model::{Account, Initiator, Principal, PrincipalKind, Session};
use policy::{Caller, InternalActor};
use serde::de::DeserializeOwned;

use super::{
    IdentityError, PublicKey,
    bootstrap::{api_key_hash, digest},
    claims::{
        AuthnClaim, CheckedClaims, ISSUER, RefreshClaims, SCOPE, access_claims, authn_of,
        ims_number, refresh_claims,
    },
    known::Standing,
    profiles,
};
use crate::Control;

/// Life of an access token; IBM's is at most an hour.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);
/// Life of a refresh token; IBM's is at most 72 hours.
pub const REFRESH_TOKEN_LIFETIME: Duration = Duration::from_secs(72 * 3_600);

const APIKEY_GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";
const ASSUME_GRANT: &str = "urn:ibm:params:oauth:grant-type:assume";
const REFRESH_GRANT: &str = "refresh_token";

/// What a sign-in gives.
#[derive(Clone)]
pub struct TokenSet {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// For the refresh grant; none where there is no session.
    pub refresh_token: Option<String>,
    /// Seconds that the access token lives.
    pub expires_in: u64,
    /// When it ends, in seconds since 1970.
    pub expiration: i64,
    /// Always `ibm openid`.
    pub scope: &'static str,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// IBM's older user number; one for each principal.
    pub ims_user_id: u64,
    /// The session.
    pub session_id: String,
}

/// A checked token.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Who it is.
    pub caller: Caller,
    /// Who it is, for events; without address and agent.
    pub initiator: Initiator,
}

/// How a profile is named by whoever wants to take it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileNamed {
    /// `Profile-…`, or its IAM id.
    Id(String),
    /// Its CRN.
    Crn(String),
    /// Its name, and its account.
    Name {
        /// The name.
        name: String,
        /// The account.
        account: String,
    },
}

impl Control {
    /// The apikey grant, for a client that wants no session.
    ///
    /// # Errors
    /// [`IdentityError::ApiKeyNotFound`], [`IdentityError::ApiKeyRefused`], or when the store is
    /// away.
    pub async fn token_by_api_key(&self, api_key: &str) -> Result<TokenSet, IdentityError> {
        let found = self.sign_in(api_key).await?;
        let session = base::uuid_of(self.entropy());
        let authn = authn_of(&found.principal);
        self.token_set(&found.principal, &found.account, authn, session, APIKEY_GRANT)
    }

    /// The apikey grant with a session, which can be refreshed.
    ///
    /// # Errors
    /// As [`Self::token_by_api_key`].
    pub async fn login_by_api_key(&self, api_key: &str) -> Result<TokenSet, IdentityError> {
        let found = self.sign_in(api_key).await?;
        let now = self.parts.clock.wall();
        let id = base::uuid_of(self.entropy());
        let refresh = refresh_claims(&found.principal, &id, base::uuid_of(self.entropy()), now);
        let session = Session {
            id: id.clone(),
            principal: found.principal.id.clone(),
            api_key: found.api_key.id,
            refresh_hash: digest(refresh.jti.as_bytes()),
            created_at: now,
            expires_at: now.plus(REFRESH_TOKEN_LIFETIME),
        };
        self.store()
            .session_create(Self::system(InternalActor::Identity), session, now)
            .await
            .map_err(IdentityError::unavailable)?;
        let authn = authn_of(&found.principal);
        let set = self.token_set(&found.principal, &found.account, authn, id, APIKEY_GRANT)?;
        Ok(TokenSet { refresh_token: Some(self.signer().sign(&refresh)?), ..set })
    }

    async fn sign_in(&self, api_key: &str) -> Result<SignIn, IdentityError> {
        let found = self
            .store()
            .sign_in(Self::system(InternalActor::Identity), &api_key_hash(api_key))
            .await
            .map_err(IdentityError::unavailable)?
            .ok_or(IdentityError::ApiKeyNotFound)?;
        let now = self.now();
        if found.api_key.disabled {
            return Err(IdentityError::ApiKeyRefused { why: "disabled" });
        }
        if !found.api_key.signs_in(now) {
            return Err(IdentityError::ApiKeyRefused { why: "expired" });
        }
        self.uses.count(&found.api_key, now);
        Ok(found)
    }

    /// The refresh grant. The token is good once: whoever uses it again ends the session, because
    /// one of the two is a thief.
    ///
    /// # Errors
    /// [`IdentityError::RefreshInvalid`], [`IdentityError::SessionEnded`], or when the store is
    /// away.
    pub async fn token_by_refresh(&self, token: &str) -> Result<TokenSet, IdentityError> {
        let invalid = |_| IdentityError::RefreshInvalid;
        let claims: RefreshClaims = self.verified(token).await.map_err(invalid)?;
        let now = self.parts.clock.wall();
        if claims.token_use != "refresh" || claims.exp <= now.seconds() {
            return Err(IdentityError::RefreshInvalid);
        }
        let jti = base::uuid_of(self.entropy());
        let refreshed = self
            .store()
            .session_refresh(
                Self::system(InternalActor::Identity),
                &claims.session_id,
                (&digest(claims.jti.as_bytes()), &digest(jti.as_bytes())),
                now,
                now.plus(REFRESH_TOKEN_LIFETIME),
            )
            .await
            .map_err(IdentityError::unavailable)?;
        let (principal, account) = match refreshed {
            Refreshed::Yes { principal, account } => (principal, account),
            Refreshed::Ended => return Err(IdentityError::SessionEnded),
            Refreshed::Replayed => {
                tracing::warn!(
                    iam_id = claims.iam_id,
                    session = claims.session_id,
                    "a refresh token was used twice: its session has ended"
                );
                return Err(IdentityError::SessionEnded);
            }
        };
        if principal.id.as_str() != claims.iam_id || account.id.as_str() != claims.bss {
            return Err(IdentityError::RefreshInvalid);
        }
        let refresh = refresh_claims(&principal, &claims.session_id, jti, now);
        let authn = authn_of(&principal);
        let set = self.token_set(&principal, &account, authn, claims.session_id, REFRESH_GRANT)?;
        Ok(TokenSet { refresh_token: Some(self.signer().sign(&refresh)?), ..set })
    }

    /// The assume grant: a token of a trusted profile, for whoever is among its identities.
    ///
    /// # Errors
    /// When the token is not good, [`IdentityError::ProfileRefused`] when there is no such profile
    /// or the caller is not among its identities, or when the store is away.
    pub async fn token_by_assume(
        &self,
        token: &str,
        named: &ProfileNamed,
    ) -> Result<TokenSet, IdentityError> {
        let (claims, caller, _) = self.checked(token).await?;
        let id = self.profile_named(named).await?.ok_or(IdentityError::ProfileRefused)?;
        let (profile, account, parts) = self
            .store()
            .profile_any(Self::system(InternalActor::Identity), &id)
            .await
            .map_err(IdentityError::unavailable)?
            .ok_or(IdentityError::ProfileRefused)?;
        let is_profile = profile.kind == PrincipalKind::Profile;
        if !is_profile || !profiles::may_take_on(&parts, &caller) {
            return Err(IdentityError::ProfileRefused);
        }
        let session = base::uuid_of(self.entropy());
        self.token_set(&profile, &account, claims.authn, session, ASSUME_GRANT)
    }

    async fn profile_named(
        &self,
        named: &ProfileNamed,
    ) -> Result<Option<PrincipalId>, IdentityError> {
        let of_id = |id: &str| {
            let id = id.strip_prefix("iam-").unwrap_or(id);
            PrincipalId::parse(&format!("iam-{id}")).ok()
        };
        match named {
            ProfileNamed::Id(id) => Ok(of_id(id)),
            ProfileNamed::Crn(crn) => Ok(Crn::parse(crn).ok().and_then(|crn| of_id(&crn.resource))),
            ProfileNamed::Name { name, account } => {
                let Ok(account) = AccountId::parse(account) else { return Ok(None) };
                let permit = Self::system(InternalActor::Identity);
                let found = self.store().profile_by_name(permit, &account, name).await;
                found.map_err(IdentityError::unavailable)
            }
        }
    }

    /// Checks an access token, and that whoever holds it is still there and signed in.
    ///
    /// # Errors
    /// [`IdentityError::TokenInvalid`] and [`IdentityError::TokenExpired`], or when the store is
    /// away.
    pub async fn authenticate(&self, bearer: &str) -> Result<Authenticated, IdentityError> {
        let (claims, caller, standing) = self.checked(bearer).await?;
        let person = PrincipalKind::of(&caller.principal) == PrincipalKind::User;
        let initiator = Initiator {
            id: claims.iam_id,
            name: standing.shown.clone(),
            type_uri: format!(
                "service/security/account/{}",
                if person { "user" } else { "serviceid" }
            ),
            credential: "token".to_owned(),
            address: String::new(),
            agent: String::new(),
        };
        Ok(Authenticated { caller, initiator })
    }

    async fn checked(
        &self,
        bearer: &str,
    ) -> Result<(CheckedClaims, Caller, std::sync::Arc<Standing>), IdentityError> {
        let claims: CheckedClaims =
            self.verified(bearer).await.map_err(|_| IdentityError::TokenInvalid)?;
        if claims.iss != ISSUER {
            return Err(IdentityError::TokenInvalid);
        }
        if claims.exp <= self.parts.clock.wall().seconds() {
            return Err(IdentityError::TokenExpired);
        }
        let invalid = |_| IdentityError::TokenInvalid;
        let account = AccountId::parse(&claims.account.bss).map_err(invalid)?;
        let principal = PrincipalId::parse(&claims.iam_id).map_err(invalid)?;
        let standing = self.signed_in(&principal, claims.iat_us).await?;
        if claims.authn.iam_id != claims.iam_id {
            // Of a profile's token: whoever took it on.
            let by = PrincipalId::parse(&claims.authn.iam_id).map_err(invalid)?;
            self.signed_in(&by, claims.iat_us).await?;
        }
        if standing.account != account {
            return Err(IdentityError::TokenInvalid);
        }
        let caller = Caller { principal, account, owner: standing.owner };
        Ok((claims, caller, standing))
    }

    /// Who `id` is, if it was not signed out since `iat_us`.
    async fn signed_in(
        &self,
        id: &PrincipalId,
        iat_us: i64,
    ) -> Result<std::sync::Arc<Standing>, IdentityError> {
        let standing = self.standing(id).await?;
        if standing.signed_out_at.is_some_and(|at| iat_us <= at.micros()) {
            return Err(IdentityError::TokenInvalid);
        }
        Ok(standing)
    }

    /// The claims of a token that one of the region's keys signed.
    async fn verified<C: DeserializeOwned>(&self, token: &str) -> Result<C, IdentityError> {
        match self.signer().verify(token) {
            Ok(claims) => Ok(claims),
            Err(_) => {
                // Another server of the region may have a newer key.
                self.signer_read_again(token).await?;
                self.signer().verify(token).map_err(|_| IdentityError::TokenInvalid)
            }
        }
    }

    /// The public halves of the keys that sign tokens.
    #[must_use]
    pub fn token_public_keys(&self) -> Vec<PublicKey> {
        self.signer().public_keys()
    }

    fn token_set(
        &self,
        principal: &Principal,
        account: &Account,
        authn: AuthnClaim,
        session_id: String,
        grant_type: &'static str,
    ) -> Result<TokenSet, IdentityError> {
        let now = self.parts.clock.wall();
        let made = (self.entropy(), now);
        let access = access_claims(principal, account, authn, &session_id, grant_type, made);
        Ok(TokenSet {
            access_token: self.signer().sign(&access)?,
            refresh_token: None,
            expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
            expiration: now.plus(ACCESS_TOKEN_LIFETIME).seconds(),
            scope: SCOPE,
            token_type: "Bearer",
            ims_user_id: ims_number(&principal.id),
            session_id,
        })
    }
}
