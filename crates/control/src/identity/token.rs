//! Access and refresh tokens: their claims, and what they are good for.

use std::time::Duration;

use base::{AccountId, PrincipalId};
use model::{Account, Initiator, Principal};
use policy::{Caller, InternalActor};
use serde::{Deserialize, Serialize};

use super::{IdentityError, PublicKey};
use crate::Control;

/// Life of an access token; IBM's is at most an hour.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);
/// Life of a refresh token; IBM's is at most 72 hours.
pub const REFRESH_TOKEN_LIFETIME: Duration = Duration::from_secs(72 * 3_600);
/// What every token names as its maker; Terraform looks for this text.
const ISSUER: &str = "https://iam.cloud.ibm.com/identity";
/// Grant type of an API key.
const APIKEY_GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

/// What a sign-in gives.
#[derive(Clone)]
pub struct TokenSet {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// For the refresh grant.
    pub refresh_token: String,
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

#[derive(Serialize, Deserialize)]
struct AccountClaim {
    valid: bool,
    bss: String,
    ims: String,
}

#[derive(Serialize, Deserialize)]
struct AuthnClaim {
    sub: String,
    iam_id: String,
    name: String,
    given_name: String,
    family_name: String,
    email: String,
}

#[derive(Serialize, Deserialize)]
struct AccessClaims {
    iam_id: String,
    id: String,
    realmid: String,
    session_id: String,
    jti: String,
    identifier: String,
    given_name: String,
    family_name: String,
    name: String,
    email: String,
    sub: String,
    authn: AuthnClaim,
    account: AccountClaim,
    iat: i64,
    exp: i64,
    iss: String,
    grant_type: String,
    scope: String,
    client_id: String,
    acr: u8,
    amr: Vec<String>,
    /// Ours: the caller owns the account. A token lives an hour, and so does this.
    owner: bool,
}

#[derive(Serialize, Deserialize)]
struct RefreshClaims {
    /// Keeps the two kinds of tokens apart.
    token_use: String,
    iam_id: String,
    bss: String,
    session_id: String,
    jti: String,
    iat: i64,
    exp: i64,
}

impl Control {
    /// The apikey grant.
    ///
    /// # Errors
    /// [`IdentityError::ApiKeyNotFound`], or when the store is away.
    pub async fn token_by_api_key(&self, api_key: &str) -> Result<TokenSet, IdentityError> {
        let hash = super::bootstrap::api_key_hash(api_key);
        let found = self
            .store()
            .sign_in(Self::system(InternalActor::Identity), &hash)
            .await
            .map_err(IdentityError::unavailable)?
            .ok_or(IdentityError::ApiKeyNotFound)?;
        let session = base::uuid_of(self.entropy());
        self.token_set(&found.principal, &found.account, session)
    }

    /// The refresh grant.
    ///
    /// # Errors
    /// [`IdentityError::RefreshInvalid`], or when the store is away.
    pub async fn token_by_refresh(&self, token: &str) -> Result<TokenSet, IdentityError> {
        let claims: RefreshClaims =
            self.signer.verify(token).map_err(|_| IdentityError::RefreshInvalid)?;
        let now = self.parts.clock.wall().seconds();
        let principal = PrincipalId::parse(&claims.iam_id);
        let (true, true, Ok(principal)) =
            (claims.token_use == "refresh", claims.exp > now, principal)
        else {
            return Err(IdentityError::RefreshInvalid);
        };
        let (principal, account) = self
            .store()
            .principal(Self::system(InternalActor::Identity), &principal)
            .await
            .map_err(IdentityError::unavailable)?
            .filter(|(_, account)| account.id.as_str() == claims.bss)
            .ok_or(IdentityError::RefreshInvalid)?;
        self.token_set(&principal, &account, claims.session_id)
    }

    /// Checks an access token.
    ///
    /// # Errors
    /// [`IdentityError::TokenInvalid`] and [`IdentityError::TokenExpired`].
    pub async fn authenticate(&self, bearer: &str) -> Result<Authenticated, IdentityError> {
        let claims: AccessClaims =
            self.signer.verify(bearer).map_err(|_| IdentityError::TokenInvalid)?;
        if claims.iss != ISSUER {
            return Err(IdentityError::TokenInvalid);
        }
        if claims.exp <= self.parts.clock.wall().seconds() {
            return Err(IdentityError::TokenExpired);
        }
        let account =
            AccountId::parse(&claims.account.bss).map_err(|_| IdentityError::TokenInvalid)?;
        let principal =
            PrincipalId::parse(&claims.iam_id).map_err(|_| IdentityError::TokenInvalid)?;
        let initiator = Initiator {
            id: claims.iam_id,
            name: claims.email,
            type_uri: "service/security/account/user".to_owned(),
            credential: "token".to_owned(),
            address: String::new(),
            agent: String::new(),
        };
        Ok(Authenticated { caller: Caller { principal, account, owner: claims.owner }, initiator })
    }

    /// The public halves of the keys that sign tokens.
    #[must_use]
    pub fn token_public_keys(&self) -> Vec<PublicKey> {
        self.signer.public_keys()
    }

    fn token_set(
        &self,
        principal: &Principal,
        account: &Account,
        session_id: String,
    ) -> Result<TokenSet, IdentityError> {
        let now = self.parts.clock.wall();
        let expires_in = ACCESS_TOKEN_LIFETIME.as_secs();
        let expiration = now.plus(ACCESS_TOKEN_LIFETIME).seconds();
        let access = self.access_claims(principal, account, &session_id);
        let refresh = RefreshClaims {
            token_use: "refresh".to_owned(),
            iam_id: principal.id.to_string(),
            bss: account.id.to_string(),
            session_id: session_id.clone(),
            jti: base::uuid_of(self.entropy()),
            iat: now.seconds(),
            exp: now.plus(REFRESH_TOKEN_LIFETIME).seconds(),
        };
        Ok(TokenSet {
            access_token: self.signer.sign(&access)?,
            refresh_token: self.signer.sign(&refresh)?,
            expires_in,
            expiration,
            scope: "ibm openid",
            token_type: "Bearer",
            ims_user_id: ims_number(&principal.id),
            session_id,
        })
    }

    fn access_claims(
        &self,
        principal: &Principal,
        account: &Account,
        session_id: &str,
    ) -> AccessClaims {
        let now = self.parts.clock.wall();
        let iam_id = principal.id.to_string();
        let identifier = iam_id.strip_prefix("IBMid-").unwrap_or(&iam_id).to_owned();
        let (given, family) = principal.name.split_once(' ').unwrap_or((&principal.name, ""));
        AccessClaims {
            id: iam_id.clone(),
            realmid: "IBMid".to_owned(),
            session_id: session_id.to_owned(),
            jti: base::uuid_of(self.entropy()),
            identifier,
            given_name: given.to_owned(),
            family_name: family.to_owned(),
            name: principal.name.clone(),
            email: principal.email.clone(),
            sub: principal.email.clone(),
            authn: AuthnClaim {
                sub: principal.email.clone(),
                iam_id: iam_id.clone(),
                name: principal.name.clone(),
                given_name: given.to_owned(),
                family_name: family.to_owned(),
                email: principal.email.clone(),
            },
            account: AccountClaim {
                valid: true,
                bss: account.id.to_string(),
                ims: ims_number(&principal.id).to_string(),
            },
            iam_id,
            iat: now.seconds(),
            exp: now.plus(ACCESS_TOKEN_LIFETIME).seconds(),
            iss: ISSUER.to_owned(),
            grant_type: APIKEY_GRANT.to_owned(),
            scope: "ibm openid".to_owned(),
            client_id: "default".to_owned(),
            acr: 1,
            amr: vec!["pwd".to_owned()],
            owner: account.owner.as_ref() == Some(&principal.id),
        }
    }
}

/// A stable number for a principal, in the range of IBM's.
fn ims_number(id: &PrincipalId) -> u64 {
    let fold = |n: u64, b: u8| (n * 31 + u64::from(b)) % 90_000_000;
    10_000_000 + id.as_str().bytes().fold(7, fold)
}
