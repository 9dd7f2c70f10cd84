//! Accounts, principals, API keys, token keys, resource groups.

use async_trait::async_trait;
use base::{AccountId, PrincipalId, ResourceGroupId, Timestamp};
use model::{Account, ApiKey, Principal, ResourceGroup, TokenKey};
use policy::{Permit, Scope, SystemPermit};

use super::{
    SqlStore, api_key, group,
    head::not_found,
    principal,
    retry::{reading, writing},
    session::Session,
    value::{Row, binds},
};
use crate::{Bootstrap, Change, GroupFilter, IdentityStore, SignIn, StoreError};

const ACCOUNT: &str = "SELECT id, name, provider, owner_id, created_at FROM accounts";

fn account(row: &mut Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: row.id()?,
        name: row.text()?,
        provider: row.bool()?,
        owner: row.opt_id()?,
        created_at: row.time()?,
    })
}

fn token_key(row: Row) -> Result<TokenKey, StoreError> {
    let mut row = row.of("token_keys");
    Ok(TokenKey {
        id: row.id()?,
        sealed_private: row.blob()?,
        public_der: row.blob()?,
        created_at: row.time()?,
    })
}

async fn account_insert(tx: &mut Session, account: &Account) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO accounts (id, name, provider, owner_id, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        binds![
            &account.id,
            &account.name,
            account.provider,
            account.owner.as_ref(),
            account.created_at,
        ],
    )
    .await?;
    Ok(())
}

const ACCOUNT_COLUMNS: &str = "a.id, a.name, a.provider, a.owner_id, a.created_at";

/// A principal with its account.
pub(crate) async fn principal_with_account(
    session: &mut Session,
    id: &PrincipalId,
) -> Result<Option<(Principal, Account)>, StoreError> {
    let sql = format!(
        "SELECT {}, {ACCOUNT_COLUMNS} FROM principals p JOIN accounts a ON a.id = p.account_id
         WHERE p.id = $1",
        principal::COLUMNS
    );
    let Some(row) = session.one(sql, binds![id]).await? else { return Ok(None) };
    let mut row = row.of("principals");
    Ok(Some((principal::principal(&mut row)?, account(&mut row)?)))
}

async fn token_key_insert(tx: &mut Session, key: &TokenKey) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO token_keys (id, sealed_private, public_der, created_at)
         VALUES ($1, $2, $3, $4)",
        binds![&key.id, key.sealed_private.as_slice(), key.public_der.as_slice(), key.created_at,],
    )
    .await?;
    Ok(())
}

async fn account_create(
    tx: &mut Session,
    account: &Account,
    owner: &Principal,
    group: &ResourceGroup,
    key: &ApiKey,
) -> Result<(), StoreError> {
    account_insert(tx, account).await?;
    principal::insert(tx, owner).await?;
    group::insert(tx, group).await?;
    api_key::insert(tx, key).await
}

async fn bootstrap(tx: &mut Session, rows: &Bootstrap) -> Result<bool, StoreError> {
    if tx.any("SELECT 1 FROM accounts LIMIT 1", binds![]).await? {
        return Ok(false);
    }
    account_insert(tx, &rows.provider).await?;
    group::insert(tx, &rows.provider_group).await?;
    account_create(tx, &rows.account, &rows.owner, &rows.group, &rows.api_key).await?;
    token_key_insert(tx, &rows.token_key).await?;
    Ok(true)
}

async fn provider(tx: &mut Session) -> Result<(Account, ResourceGroup), StoreError> {
    let row = tx.one(format!("{ACCOUNT} WHERE provider = 1"), binds![]).await?;
    let account = account(&mut row.ok_or_else(|| not_found("account", "provider"))?)?;
    let row = tx
        .one(
            format!("{} WHERE account_id = $1 AND is_default = 1", group::SELECT),
            binds![&account.id],
        )
        .await?;
    let group = group::group(row.ok_or_else(|| not_found("resource_group", "provider"))?)?;
    Ok((account, group))
}

#[async_trait]
impl IdentityStore for SqlStore {
    async fn bootstrap(&self, _permit: SystemPermit, rows: Bootstrap) -> Result<bool, StoreError> {
        writing!(self, |tx| bootstrap(tx, &rows))
    }

    async fn account_create(
        &self,
        _permit: SystemPermit,
        account: Account,
        owner: Principal,
        group: ResourceGroup,
        api_key: ApiKey,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| account_create(tx, &account, &owner, &group, &api_key))
    }

    async fn provider(
        &self,
        _permit: SystemPermit,
    ) -> Result<(Account, ResourceGroup), StoreError> {
        reading!(self, |tx| provider(tx))
    }

    async fn account(&self, _permit: SystemPermit, id: &AccountId) -> Result<Account, StoreError> {
        let mut session = self.engine.glance().await?;
        let row = session.one(format!("{ACCOUNT} WHERE id = $1"), binds![id]).await?;
        account(&mut row.ok_or_else(|| not_found("account", id))?.of("accounts"))
    }

    async fn accounts(&self, _permit: SystemPermit) -> Result<Vec<Account>, StoreError> {
        let mut session = self.engine.glance().await?;
        let rows = session.all(format!("{ACCOUNT} ORDER BY created_at, id"), binds![]).await?;
        rows.into_iter().map(|row| account(&mut row.of("accounts"))).collect()
    }

    async fn sign_in(
        &self,
        _permit: SystemPermit,
        hash: &[u8; 32],
    ) -> Result<Option<SignIn>, StoreError> {
        let mut session = self.engine.glance().await?;
        let row = session
            .one(
                format!(
                    "SELECT {}, {}, {ACCOUNT_COLUMNS}
                     FROM api_keys k JOIN principals p ON p.id = k.principal_id
                     JOIN accounts a ON a.id = k.account_id WHERE k.hash = $1",
                    api_key::COLUMNS,
                    principal::COLUMNS
                ),
                binds![hash.as_slice()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut row = row.of("api_keys");
        Ok(Some(SignIn {
            api_key: api_key::api_key(&mut row)?,
            principal: principal::principal(&mut row)?,
            account: account(&mut row)?,
        }))
    }

    async fn principal(
        &self,
        _permit: SystemPermit,
        id: &PrincipalId,
    ) -> Result<Option<(Principal, Account)>, StoreError> {
        principal_with_account(&mut self.engine.glance().await?, id).await
    }

    async fn token_keys(&self, _permit: SystemPermit) -> Result<Vec<TokenKey>, StoreError> {
        let mut session = self.engine.glance().await?;
        let rows = session
            .all(
                "SELECT id, sealed_private, public_der, created_at FROM token_keys
                 ORDER BY created_at DESC, id DESC",
                binds![],
            )
            .await?;
        rows.into_iter().map(token_key).collect()
    }

    async fn token_key_add(&self, _permit: SystemPermit, key: TokenKey) -> Result<(), StoreError> {
        writing!(self, |tx| token_key_insert(tx, &key))
    }

    async fn resource_group(
        &self,
        scope: &Scope,
        id: &ResourceGroupId,
    ) -> Result<ResourceGroup, StoreError> {
        group::get(&mut self.engine.glance().await?, scope, id).await
    }

    async fn resource_groups(
        &self,
        scope: &Scope,
        filter: &GroupFilter,
    ) -> Result<Vec<ResourceGroup>, StoreError> {
        group::list(&mut self.engine.glance().await?, scope, filter).await
    }

    async fn resource_group_create(
        &self,
        permit: &Permit,
        group: ResourceGroup,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| group::create(tx, permit, &group, &change))
    }

    async fn resource_group_rename(
        &self,
        permit: &Permit,
        id: &ResourceGroupId,
        name: &str,
        now: Timestamp,
        change: Change,
    ) -> Result<ResourceGroup, StoreError> {
        writing!(self, |tx| group::rename(tx, permit, id, name, now, &change))
    }

    async fn resource_group_delete(
        &self,
        permit: &Permit,
        id: &ResourceGroupId,
        change: Change,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| group::delete(tx, permit, id, &change))
    }
}
