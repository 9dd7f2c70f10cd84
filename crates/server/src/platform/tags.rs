//! `/v3/tags`.

use control::{TagFilter, TagOn};
use model::{Refusal, Tag};
use wire::{
    Fields,
    request::{self, TagResources},
    response,
};

use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::tag_list(&call.query)?;
    let (offset, limit) = (want.offset, want.limit);
    let account = request::tag_account(&call.query)?;
    if want.nothing || call.is_elsewhere(account.as_deref()) {
        return Reply::ok(&response::tag_names(&[], 0, offset, limit));
    }
    let filter = TagFilter {
        kind: want.kind,
        attached_to: want.attached_to,
        attached_only: want.attached_only,
        descending: want.descending,
        offset,
        limit,
    };
    let (tags, total) = call.control().tags(&call.ctx, &filter).await?;
    Reply::ok(&response::tag_names(&tags, total, offset, limit))
}

pub(crate) async fn create(call: Call) -> Answer {
    own_account(&call)?;
    let body = call.json()?;
    let tags = request::create_tags(&call.query, &Fields::root(&body))?;
    let made = call.control().access_tags_create(&call.ctx, tags).await?;
    Reply::ok(&response::created_tags(&made))
}

pub(crate) async fn delete_unused(call: Call) -> Answer {
    own_account(&call)?;
    let kind = request::tag_kind(&call.query)?;
    let gone = call.control().tags_delete_unused(&call.ctx, kind).await?;
    Reply::ok(&response::deleted_tags(&gone))
}

/// A tag that cannot be deleted is an error of its provider, not of the call.
pub(crate) async fn delete(call: Call) -> Answer {
    use control::Error;

    own_account(&call)?;
    let kind = request::tag_kind(&call.query)?;
    let missing = || Reply::ok(&response::deleted_tag(Some("There is no such tag.")));
    let Ok(tag) = Tag::parse(call.param("tag_name")) else { return missing() };
    match call.control().tag_delete(&call.ctx, kind, &tag).await {
        Ok(()) => Reply::ok(&response::deleted_tag(None)),
        Err(Error::NotFound { .. }) => missing(),
        Err(Error::Refused(refusal @ Refusal::TagInUse { .. })) => {
            Reply::ok(&response::deleted_tag(Some(&refusal.to_string())))
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn attach(call: Call) -> Answer {
    own_account(&call)?;
    let body = call.json()?;
    let want = request::attach_tags(&call.query, &Fields::root(&body))?;
    let kind = request::tag_kind(&call.query)?;
    let on = on(want.to);
    let control = call.control();
    let done = control.tags_attach(&call.ctx, kind, &want.tags, want.mode, on).await?;
    Reply::ok(&response::tag_results(&done))
}

pub(crate) async fn detach(call: Call) -> Answer {
    own_account(&call)?;
    let body = call.json()?;
    let want = request::detach_tags(&Fields::root(&body))?;
    let kind = request::tag_kind(&call.query)?;
    let on = on(want.from);
    let done = call.control().tags_detach(&call.ctx, kind, &want.patterns, on).await?;
    Reply::ok(&response::tag_results(&done))
}

fn on(resources: TagResources) -> TagOn {
    match resources {
        TagResources::Ids(ids) => TagOn::Ids(ids),
        TagResources::Query(query) => TagOn::Query(query),
    }
}

fn own_account(call: &Call) -> Result<(), Failure> {
    let account = request::tag_account(&call.query)?;
    Ok(call.check_account(account.as_deref())?)
}
