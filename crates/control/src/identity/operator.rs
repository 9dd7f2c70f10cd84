//! What the region's operator does about identity, above accounts: IBM does this outside its API.
//!
//! Secrets go back to the caller and nowhere else.

use base::{AccountId, ApiKeyId, Crn, PrincipalId};
use meta::{Change, Page, PrincipalFilter};
use model::{Account, ApiKey, Event, EventDraft, Outcome, Principal, PrincipalKind, Target};
use policy::{Action, InternalActor, SystemPermit};
use zeroize::Zeroizing;

use super::bootstrap::{Credentials, account_mint, api_key_hash, api_key_mint};
use crate::{Control, Error};

/// Users that are read at a time.
const PAGE: u32 = 100;

const OPERATOR: SystemPermit = SystemPermit::of(InternalActor::Operator);

impl Control {
    /// Adds an account with an owner and one API key.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn account_create(&self, name: &str) -> Result<Credentials, Error> {
        self.account_create_for(name, None).await
    }

    /// As [`Self::account_create`], with the owner's mail address.
    ///
    /// # Errors
    /// As [`Self::account_create`].
    pub async fn account_create_for(
        &self,
        name: &str,
        email: Option<&str>,
    ) -> Result<Credentials, Error> {
        let mut new = account_mint(self.entropy(), name, self.now());
        if let Some(email) = email {
            new.owner.email = email.to_owned();
        }
        self.store()
            .account_create(OPERATOR, new.account, new.owner, new.group, new.api_key)
            .await?;
        Ok(new.credentials)
    }

    /// Every account but the provider's, oldest first.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        let mut accounts = self.store().accounts(OPERATOR).await?;
        accounts.retain(|account| !account.provider);
        Ok(accounts)
    }

    /// Users of an account, oldest first.
    ///
    /// # Errors
    /// When there is no such account, or the store is away.
    pub async fn account_users(&self, account: &AccountId) -> Result<Vec<Principal>, Error> {
        self.store().account(OPERATOR, account).await?;
        let scope = policy::scope_operator(OPERATOR, Action::UserRead, account);
        let filter = PrincipalFilter { kind: PrincipalKind::User, name: None, email: None };
        let (mut users, mut after) = (Vec::new(), None);
        loop {
            let page = Page { limit: PAGE, after };
            let found = self.store().principals(&scope, &filter, &page).await?;
            users.extend(found.items);
            match found.next {
                Some(next) => after = Some(next),
                None => return Ok(users),
            }
        }
    }

    /// Adds a user with an API key to an account.
    ///
    /// # Errors
    /// A taken mail address; when there is no such account.
    pub async fn account_user_add(
        &self,
        account: &AccountId,
        email: &str,
        name: &str,
    ) -> Result<Credentials, Error> {
        self.store().account(OPERATOR, account).await?;
        let id = PrincipalId::mint(PrincipalKind::User.iam_prefix(), self.entropy());
        let now = self.now();
        let (kind, name) = (PrincipalKind::User, name.to_owned());
        let user = Principal::new(id.clone(), account.clone(), kind, name, now);
        let user = Principal { email: email.to_owned(), ..user };
        let (key, value) = self.operators_key(account, &id);
        let permit = policy::permit_operator(OPERATOR, Action::UserCreate, account);
        let change = self.operators_change(Action::UserCreate, &user);
        self.store().principal_create(&permit, user, Some(key), change).await?;
        Ok(Credentials { account: account.clone(), owner: id, api_key: value.to_string() })
    }

    /// Takes a user out of an account; not its owner.
    ///
    /// # Errors
    /// When there is no such user, or it owns the account.
    pub async fn account_user_remove(
        &self,
        account: &AccountId,
        id: &PrincipalId,
    ) -> Result<(), Error> {
        let user = self.operators_user(account, id).await?;
        let permit = policy::permit_operator(OPERATOR, Action::UserDelete, account);
        let change = self.operators_change(Action::UserDelete, &user);
        self.store().principal_delete(&permit, id, change).await?;
        self.known.forget();
        Ok(())
    }

    /// Gives a user, or the owner when none is named, one new API key; all others are nothing
    /// from then on, and so are sessions and tokens.
    ///
    /// # Errors
    /// When there is no such account or user.
    pub async fn account_key_reset(
        &self,
        account: &AccountId,
        user: Option<&PrincipalId>,
    ) -> Result<Credentials, Error> {
        let found = self.store().account(OPERATOR, account).await?;
        let owner = || Error::NotFound { kind: "owner", id: account.to_string(), field: None };
        let id = user.cloned().or(found.owner).ok_or_else(owner)?;
        let user = self.operators_user(account, &id).await?;
        let (key, value) = self.operators_key(account, &id);
        let change = self.operators_change(Action::ApiKeyCreate, &user);
        let wall = self.parts.clock.wall();
        self.store().api_keys_reset(OPERATOR, &id, key, wall, change).await?;
        self.known.forget();
        Ok(Credentials { account: account.clone(), owner: id, api_key: value.to_string() })
    }

    /// Signs out everybody in an account, or one principal of it: sessions and tokens are nothing
    /// from then on. API keys sign in again.
    ///
    /// # Errors
    /// When there is no such account or principal.
    pub async fn account_sign_out(
        &self,
        account: &AccountId,
        id: Option<&PrincipalId>,
    ) -> Result<u64, Error> {
        self.store().account(OPERATOR, account).await?;
        let wall = self.parts.clock.wall();
        let count = self.store().sign_out(OPERATOR, account, id, wall).await?;
        self.known.forget();
        Ok(count)
    }

    async fn operators_user(
        &self,
        account: &AccountId,
        id: &PrincipalId,
    ) -> Result<Principal, Error> {
        let scope = policy::scope_operator(OPERATOR, Action::UserRead, account);
        let user = self.store().principal_get(&scope, id).await?;
        if user.kind != PrincipalKind::User {
            return Err(Error::NotFound { kind: "user", id: id.to_string(), field: None });
        }
        Ok(user)
    }

    fn operators_key(&self, account: &AccountId, of: &PrincipalId) -> (ApiKey, Zeroizing<String>) {
        let value = api_key_mint(self.entropy());
        let id = ApiKeyId::mint("ApiKey-", self.entropy());
        let (name, hash) = ("by the operator".to_owned(), api_key_hash(&value));
        (ApiKey::new(id, account.clone(), of.clone(), name, hash, self.now()), value)
    }

    fn operators_change(&self, action: Action, user: &Principal) -> Change {
        let crn = Crn {
            service: "iam-identity".to_owned(),
            location: String::new(),
            account: Some(user.account.clone()),
            instance: String::new(),
            kind: "user".to_owned(),
            resource: user.id.to_string(),
        };
        let draft = EventDraft {
            action: action.as_str(),
            outcome: Outcome::Success,
            target: Target {
                crn: crn.to_string(),
                name: user.email.clone(),
                type_uri: "iam-identity/user".to_owned(),
                group: None,
            },
            request_data: "{}".to_owned(),
        };
        let event = Event::by_region(self.event_id(), self.now(), user.account.clone(), draft);
        Change { events: vec![event], usage: Vec::new() }
    }
}
