//! The region's side of `ectype admin`.

use base::{AccountId, PrincipalId};
use control::{Control, Credentials};
use serde_json::{Value, json};

use super::AdminAsk;

/// Longest display name, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// By the region.
pub async fn act(region: &Control, command: AdminAsk) -> anyhow::Result<Value> {
    match command {
        AdminAsk::AccountCreate { name, email } => {
            check_name(&name)?;
            email.as_deref().map(check_email).transpose()?;
            Ok(shown(region.account_create_for(&name, email.as_deref()).await?))
        }
        AdminAsk::AccountList => {
            let accounts = region.accounts().await?;
            let one = |account: &model::Account| {
                json!({
                    "account_id": account.id.as_str(),
                    "name": account.name,
                    "owner": account.owner.as_ref().map(PrincipalId::as_str),
                    "created_at": account.created_at.to_string(),
                })
            };
            Ok(accounts.iter().map(one).collect())
        }
        AdminAsk::UserAdd { account, email, name } => {
            check_email(&email)?;
            let before = email.split('@').next().unwrap_or_default();
            let name = name.unwrap_or_else(|| before.to_owned());
            check_name(&name)?;
            let account = AccountId::parse(&account)?;
            Ok(shown(region.account_user_add(&account, &email, &name).await?))
        }
        AdminAsk::UserList { account } => {
            let users = region.account_users(&AccountId::parse(&account)?).await?;
            let one = |user: &model::Principal| {
                json!({
                    "iam_id": user.id.as_str(),
                    "email": user.email,
                    "name": user.name,
                    "added_at": user.created_at.to_string(),
                })
            };
            Ok(users.iter().map(one).collect())
        }
        AdminAsk::UserRemove { account, user } => {
            let (account, user) = (AccountId::parse(&account)?, PrincipalId::parse(&user)?);
            region.account_user_remove(&account, &user).await?;
            Ok(Value::Null)
        }
        AdminAsk::KeyReset { account, user } => {
            let user = user.as_deref().map(PrincipalId::parse).transpose()?;
            let account = AccountId::parse(&account)?;
            Ok(shown(region.account_key_reset(&account, user.as_ref()).await?))
        }
        AdminAsk::SignOut { account, user } => {
            let user = user.as_deref().map(PrincipalId::parse).transpose()?;
            let account = AccountId::parse(&account)?;
            Ok(json!(region.account_sign_out(&account, user.as_ref()).await?))
        }
        AdminAsk::TokenKeyRotate => Ok(json!(region.token_key_rotate().await?)),
    }
}

fn shown(made: Credentials) -> Value {
    json!({
        "account_id": made.account.as_str(),
        "iam_id": made.owner.as_str(),
        "api_key": made.api_key,
    })
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let fits = !name.trim().is_empty() && name.len() <= NAME_BYTES_MAX;
    let plain = !name.chars().any(char::is_control);
    anyhow::ensure!(fits && plain, "a name has 1 to {NAME_BYTES_MAX} bytes, not only blanks");
    Ok(())
}

fn check_email(email: &str) -> anyhow::Result<()> {
    anyhow::ensure!(wire::request::is_email(email), "{email} is not a mail address");
    Ok(())
}
