//! The claims of tokens, as IBM's clients read them: for a user, a service ID and a trusted
//! profile.

use base::{Entropy, PrincipalId, Timestamp};
use model::{Account, Principal, PrincipalKind};
use serde::{Deserialize, Serialize};

use super::token::{ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_LIFETIME};

/// What every token names as its maker; Terraform looks for this text.
pub(super) const ISSUER: &str = "https://iam.cloud.ibm.com/identity";
/// What is granted, whatever was asked for.
pub(super) const SCOPE: &str = "ibm openid";

#[derive(Serialize, Deserialize)]
pub(super) struct AccountClaim {
    pub(super) valid: bool,
    pub(super) bss: String,
    pub(super) ims: String,
}

/// Who really signed in: of a profile's token, whoever took the profile on.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct AuthnClaim {
    pub(super) sub: String,
    pub(super) iam_id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
}

#[derive(Serialize)]
pub(super) struct AccessClaims {
    iam_id: String,
    id: String,
    realmid: &'static str,
    session_id: String,
    jti: String,
    identifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_type: Option<&'static str>,
    authn: AuthnClaim,
    account: AccountClaim,
    iat: i64,
    exp: i64,
    iss: &'static str,
    grant_type: &'static str,
    scope: &'static str,
    client_id: &'static str,
    acr: u8,
    amr: [&'static str; 1],
    /// Ours: `iat` in microseconds. A sign-out ends what was made before it, in the same second
    /// too.
    iat_us: i64,
}

/// The claims of an access token that are looked at.
#[derive(Deserialize)]
pub(super) struct CheckedClaims {
    pub(super) iam_id: String,
    pub(super) account: AccountClaim,
    pub(super) authn: AuthnClaim,
    pub(super) exp: i64,
    pub(super) iss: String,
    pub(super) iat_us: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RefreshClaims {
    /// Keeps the two kinds of tokens apart.
    pub(super) token_use: String,
    pub(super) iam_id: String,
    pub(super) bss: String,
    pub(super) session_id: String,
    pub(super) jti: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
}

/// A refresh token of `principal`'s session.
pub(super) fn refresh_claims(
    principal: &Principal,
    session_id: &str,
    jti: String,
    now: Timestamp,
) -> RefreshClaims {
    RefreshClaims {
        token_use: "refresh".to_owned(),
        iam_id: principal.id.to_string(),
        bss: principal.account.to_string(),
        session_id: session_id.to_owned(),
        jti,
        iat: now.seconds(),
        exp: now.plus(REFRESH_TOKEN_LIFETIME).seconds(),
    }
}

/// Who signs in: the parts of a person's name, or what a program is called.
pub(super) fn authn_of(principal: &Principal) -> AuthnClaim {
    let person = principal.kind == PrincipalKind::User;
    let (given, family) = principal.name.split_once(' ').unwrap_or((&principal.name, ""));
    let of_person = |text: &str| person.then(|| text.to_owned());
    AuthnClaim {
        sub: if person { principal.email.clone() } else { principal.plain_id().to_owned() },
        iam_id: principal.id.to_string(),
        name: principal.name.clone(),
        given_name: of_person(given),
        family_name: of_person(family),
        email: of_person(&principal.email),
    }
}

/// An access token of `principal`; `authn` is who really signed in.
pub(super) fn access_claims(
    principal: &Principal,
    account: &Account,
    authn: AuthnClaim,
    session_id: &str,
    grant_type: &'static str,
    (entropy, now): (&dyn Entropy, Timestamp),
) -> AccessClaims {
    let own = authn_of(principal);
    let iam_id = principal.id.to_string();
    let person = principal.kind == PrincipalKind::User;
    let identifier = iam_id.strip_prefix("IBMid-").unwrap_or(principal.plain_id()).to_owned();
    AccessClaims {
        id: iam_id.clone(),
        realmid: if person { "IBMid" } else { "iam" },
        session_id: session_id.to_owned(),
        jti: base::uuid_of(entropy),
        identifier,
        given_name: own.given_name,
        family_name: own.family_name,
        name: own.name,
        email: own.email,
        sub: own.sub,
        sub_type: match principal.kind {
            PrincipalKind::User => None,
            PrincipalKind::ServiceId => Some("ServiceId"),
            PrincipalKind::Profile => Some("Profile"),
        },
        authn,
        account: AccountClaim {
            valid: true,
            bss: account.id.to_string(),
            ims: ims_number(&principal.id).to_string(),
        },
        iam_id,
        iat: now.seconds(),
        exp: now.plus(ACCESS_TOKEN_LIFETIME).seconds(),
        iss: ISSUER,
        grant_type,
        scope: SCOPE,
        client_id: "default",
        acr: 1,
        amr: ["pwd"],
        iat_us: now.micros(),
    }
}

/// A stable number for a principal, in the range of IBM's.
pub(super) fn ims_number(id: &PrincipalId) -> u64 {
    let fold = |n: u64, b: u8| (n * 31 + u64::from(b)) % 90_000_000;
    10_000_000 + id.as_str().bytes().fold(7, fold)
}

#[cfg(test)]
mod tests {
    use base::{AccountId, SeededEntropy};
    use serde_json::Value;

    use super::*;

    fn claims_of(kind: PrincipalKind) -> Value {
        let entropy = SeededEntropy::new(6);
        let now = Timestamp::from_micros(5_000_000);
        let id = PrincipalId::mint(kind.iam_prefix(), &entropy);
        let account = Account {
            id: AccountId::mint("", &entropy),
            name: "a".to_owned(),
            provider: false,
            owner: None,
            created_at: now,
        };
        let who = Principal::new(id, account.id.clone(), kind, "Jane Doe".to_owned(), now);
        let who = Principal { email: "jane@example.com".to_owned(), ..who };
        let authn = authn_of(&who);
        let claims = access_claims(&who, &account, authn, "s", "g", (&entropy, now));
        serde_json::to_value(claims).unwrap()
    }

    #[test]
    fn a_person_has_names_and_mail() {
        let claims = claims_of(PrincipalKind::User);
        assert_eq!(claims["realmid"], "IBMid");
        assert_eq!(
            (&claims["given_name"], &claims["family_name"]),
            (&"Jane".into(), &"Doe".into())
        );
        assert_eq!(claims["sub"], "jane@example.com");
        assert!(claims.get("sub_type").is_none());
        assert_eq!(claims["iam_id"], format!("IBMid-{}", claims["identifier"].as_str().unwrap()));
    }

    #[test]
    fn service_ids_and_profiles_are_their_own_subject() {
        for (kind, word) in
            [(PrincipalKind::ServiceId, "ServiceId"), (PrincipalKind::Profile, "Profile")]
        {
            let claims = claims_of(kind);
            assert_eq!(claims["realmid"], "iam");
            assert_eq!(claims["sub_type"], word);
            assert!(claims["sub"].as_str().unwrap().starts_with(&format!("{word}-")));
            assert_eq!(claims["sub"], claims["identifier"]);
            assert_eq!(claims["iam_id"], format!("iam-{}", claims["sub"].as_str().unwrap()));
            assert!(claims.get("email").is_none() && claims.get("given_name").is_none());
            assert_eq!(claims["id"], claims["iam_id"]);
        }
    }
}
