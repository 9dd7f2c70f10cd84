//! The first start: the provider's account, the first account with its owner and API key.

use base::{AccountId, ApiKeyId, Entropy, PrincipalId, ResourceGroupId, Timestamp};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use meta::Bootstrap;
use model::{Account, ApiKey, Principal, ResourceGroup};
use policy::InternalActor;

use super::{IdentityError, Signer};
use crate::{Control, Parts};

/// What a person needs to sign in. Shown once; the region keeps only a hash of the key.
#[derive(Clone)]
pub struct Credentials {
    /// The account.
    pub account: AccountId,
    /// Its owner.
    pub owner: PrincipalId,
    /// The owner's API key.
    pub api_key: String,
}

/// The hash by which an API key is found. The key has 264 random bits, so one round is enough.
pub(super) fn api_key_hash(api_key: &str) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, api_key.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

fn api_key_mint(entropy: &dyn Entropy) -> String {
    let mut bytes = [0_u8; 33];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A fresh account with owner, default group and API key.
struct NewAccount {
    account: Account,
    owner: Principal,
    group: ResourceGroup,
    api_key: ApiKey,
    credentials: Credentials,
}

fn account_mint(entropy: &dyn Entropy, name: &str, now: Timestamp) -> NewAccount {
    let id = AccountId::mint("", entropy);
    let owner_id = PrincipalId::mint("IBMid-", entropy);
    let text = api_key_mint(entropy);
    NewAccount {
        account: Account {
            id: id.clone(),
            name: name.to_owned(),
            provider: false,
            owner: Some(owner_id.clone()),
            created_at: now,
        },
        owner: Principal {
            id: owner_id.clone(),
            account: id.clone(),
            name: "Account Owner".to_owned(),
            email: format!("owner@{name}.example"),
        },
        group: default_group(entropy, &id, now),
        api_key: ApiKey {
            id: ApiKeyId::mint("ApiKey-", entropy),
            account: id.clone(),
            principal: owner_id.clone(),
            name: "first".to_owned(),
            hash: api_key_hash(&text),
            created_at: now,
        },
        credentials: Credentials { account: id, owner: owner_id, api_key: text },
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

impl Control {
    /// Adds an account with an owner and one API key.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn account_create(&self, name: &str) -> Result<Credentials, IdentityError> {
        let new = account_mint(self.entropy(), name, self.now());
        self.store()
            .account_create(
                Self::system(InternalActor::Operator),
                new.account,
                new.owner,
                new.group,
                new.api_key,
            )
            .await
            .map_err(IdentityError::unavailable)?;
        Ok(new.credentials)
    }
}
