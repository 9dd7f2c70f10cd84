//! The first start: the provider's account, the first account with its owner and API key.

use base::{AccountId, ApiKeyId, Entropy, PrincipalId, ResourceGroupId, Timestamp};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use meta::Bootstrap;
use model::{Account, ApiKey, Principal, PrincipalKind, ResourceGroup};
use policy::InternalActor;
use zeroize::Zeroizing;

use super::{IdentityError, Signer};
use crate::{Control, Parts};

/// What a user needs to sign in. Shown once; the region keeps only a hash of the key.
#[derive(Clone)]
pub struct Credentials {
    /// The account.
    pub account: AccountId,
    /// Its owner, or another user of it.
    pub owner: PrincipalId,
    /// That one's API key.
    pub api_key: String,
}

/// The hash by which an API key is found, so that nothing is compared byte by byte. The keys that
/// are made here have 264 random bits, so one round is enough.
pub(super) fn api_key_hash(api_key: &str) -> [u8; 32] {
    digest(api_key.as_bytes())
}

/// SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

pub(super) fn api_key_mint(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; 33]);
    entropy.fill(&mut *bytes);
    Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))
}

/// A fresh account with owner, default group and API key.
pub(super) struct NewAccount {
    pub(super) account: Account,
    pub(super) owner: Principal,
    pub(super) group: ResourceGroup,
    pub(super) api_key: ApiKey,
    pub(super) credentials: Credentials,
}

pub(super) fn account_mint(entropy: &dyn Entropy, name: &str, now: Timestamp) -> NewAccount {
    let id = AccountId::mint("", entropy);
    let owner_id = PrincipalId::mint("IBMid-", entropy);
    let text = api_key_mint(entropy);
    let owner = Principal::new(
        owner_id.clone(),
        id.clone(),
        PrincipalKind::User,
        "Account Owner".to_owned(),
        now,
    );
    let api_key = ApiKey::new(
        ApiKeyId::mint("ApiKey-", entropy),
        id.clone(),
        owner_id.clone(),
        "first".to_owned(),
        api_key_hash(&text),
        now,
    );
    NewAccount {
        account: Account {
            id: id.clone(),
            name: name.to_owned(),
            provider: false,
            owner: Some(owner_id.clone()),
            created_at: now,
        },
        owner: Principal { email: format!("owner@{name}.example"), ..owner },
        group: default_group(entropy, &id, now),
        api_key,
        credentials: Credentials { account: id, owner: owner_id, api_key: text.to_string() },
    }
}

fn default_group(entropy: &dyn Entropy, account: &AccountId, now: Timestamp) -> ResourceGroup {
    ResourceGroup {
        id: ResourceGroupId::mint("", entropy),
        account: account.clone(),
        name: "Default".to_owned(),
        default: true,
        created_at: now,
        updated_at: now,
    }
}

/// Writes the first rows into an empty database; the credentials when it did.
pub(crate) async fn bootstrap(parts: &Parts) -> Result<Option<Credentials>, IdentityError> {
    let permit = Control::system(InternalActor::Bootstrap);
    let have = parts.store.token_keys(permit).await.map_err(IdentityError::unavailable)?;
    if !have.is_empty() {
        return Ok(None);
    }
    let (entropy, now) = (&*parts.entropy, parts.clock.region());
    let provider = Account {
        id: AccountId::mint("", entropy),
        name: "provider".to_owned(),
        provider: true,
        owner: None,
        created_at: now,
    };
    let first = account_mint(entropy, "ectype", now);
    let rows = Bootstrap {
        provider_group: default_group(entropy, &provider.id, now),
        provider,
        account: first.account,
        owner: first.owner,
        group: first.group,
        api_key: first.api_key,
        token_key: Signer::key_mint(&*parts.keys, entropy, parts.clock.wall()).await?,
    };
    let wrote = parts.store.bootstrap(permit, rows).await.map_err(IdentityError::unavailable)?;
    Ok(wrote.then_some(first.credentials))
}
