//! Lists of images: an account's own and, beside them, the provider's public ones.
//!
//! Each part is found by its own index and the two are merged here, so that neither the size of
//! the one nor of the other slows a page down.

use base::AccountId;
use model::{Image, ImageView, Visibility};
use policy::Scope;

use super::{
    counter::Counter,
    image::{SELECT, view},
    list::{Conditions, paged, place},
    session::Session,
    sight::{self, columns},
    value::{Value, binds},
};
use crate::{ImageFilter, Page, Paged, StoreError};

/// What every image of the list must fit.
fn narrow(conditions: &mut Conditions, filter: &ImageFilter) {
    conditions
        .and_eq("i.group_id", filter.group.as_ref())
        .and_eq("i.name", filter.name.as_deref())
        .and_eq("i.account_id", filter.owner.as_ref());
    if let Some(statuses) = &filter.statuses {
        conditions.and_in("i.status", statuses.iter().map(|s| s.as_str().into()).collect());
    }
    if let Some(systems) = &filter.operating_systems {
        conditions.and_in("i.operating_system", systems.iter().map(Value::from).collect());
    }
}

/// The account's own images, unless the filter leaves none of them.
fn own(scope: &Scope, filter: &ImageFilter) -> Option<Conditions> {
    let account = scope.account();
    if filter.remote == Some(true) || filter.owner.as_ref().is_some_and(|o| o != account) {
        return None;
    }
    let mut conditions = Conditions::default();
    conditions.and("i.account_id = ?", binds![account]).and_seen(scope, columns!("i"));
    conditions.and_eq("i.visibility", filter.visibility.map(Visibility::as_str));
    narrow(&mut conditions, filter);
    Some(conditions)
}

/// Public images of others, unless the filter leaves none of them.
fn public(account: &AccountId, filter: &ImageFilter) -> Option<Conditions> {
    if filter.remote == Some(false)
        || filter.owner.as_ref() == Some(account)
        || filter.visibility == Some(Visibility::Private)
    {
        return None;
    }
    let mut conditions = Conditions::default();
    conditions.and("i.visibility = 'public'", binds![]);
    conditions.and("i.account_id <> ?", binds![account]);
    narrow(&mut conditions, filter);
    Some(conditions)
}

/// How many images a reader sees, from counters: every image of the provider is public. None
/// when it takes a count.
async fn total(session: &mut Session, scope: &Scope) -> Result<Option<u64>, StoreError> {
    let Some(own) = sight::counted(session, scope, Counter::Images).await? else {
        return Ok(None);
    };
    let row = session
        .one(
            "SELECT c.value FROM accounts a JOIN counters c ON c.account_id = a.id
             WHERE a.provider = 1 AND c.name = 'images' AND a.id <> $1",
            binds![scope.account()],
        )
        .await?;
    let public: u64 = row.map_or(Ok(0), |row| row.of("counters").count())?;
    Ok(Some(own + public))
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &ImageFilter,
    page: &Page,
) -> Result<Paged<ImageView>, StoreError> {
    let account = scope.account();
    let parts = [own(scope, filter), public(account, filter)];
    let mut counted = None;
    if filter == &ImageFilter::default() {
        counted = total(session, scope).await?;
    }
    let mut count = counted.unwrap_or_default();
    let mut views = Vec::new();
    for part in parts.into_iter().flatten() {
        if counted.is_none() {
            count += part.count(session, "images i").await?;
        }
        for row in part.page(session, SELECT, "i", page).await? {
            views.push(view(row)?);
        }
    }
    let key = |view: &ImageView| place(&view.image.head);
    views.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        (b.created_at, b.id).cmp(&(a.created_at, a.id))
    });
    Ok(paged(views, page, count, key))
}

/// Every stock image, newest first.
pub(crate) async fn stock(session: &mut Session) -> Result<Vec<Image>, StoreError> {
    let mut conditions = Conditions::default();
    conditions.and("i.visibility = 'public'", binds![]);
    let rows = conditions.all(session, SELECT, "i.created_at DESC, i.id DESC").await?;
    rows.into_iter().map(|row| Ok(view(row)?.image)).collect()
}
