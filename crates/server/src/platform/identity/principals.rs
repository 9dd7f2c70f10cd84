//! What is the same for service IDs and trusted profiles: they are listed, read, changed and
//! deleted alike.

use base::PrincipalId;
use control::{PrincipalFilter, PrincipalPatch};
use model::PrincipalKind;
use wire::{ApiError, Fields, request, response};

use super::{if_match, page, principal_id, principal_patch, wants};
use crate::{
    call::{Call, page_of},
    reply::{Answer, Reply},
};

/// Principals of one kind, as they stand in the API.
#[derive(Clone, Copy)]
pub(super) struct Principals {
    pub(super) kind: PrincipalKind,
    pub(super) path: &'static str,
    /// What the array of a list is called.
    pub(super) items: &'static str,
}

impl Principals {
    /// The one that the path names.
    pub(super) fn id(self, call: &Call) -> Result<PrincipalId, ApiError> {
        principal_id(call, "id", self.kind)
    }

    pub(super) async fn list(self, call: Call) -> Answer {
        let (want, name) = request::named_list(self.items, &call.query)?;
        if call.is_elsewhere(want.account.as_deref()) {
            return page::<()>(&call, self.path, self.items, &want.page, (&[], None));
        }
        let filter = PrincipalFilter { kind: self.kind, name, email: None };
        let found = call.control().principals(&call.ctx, &filter, &page_of(&want.page)).await?;
        let items: Vec<_> = found.items.iter().map(|p| response::identity(p, None, None)).collect();
        page(&call, self.path, self.items, &want.page, (&items, found.next.as_ref()))
    }

    pub(super) async fn get(self, call: Call) -> Answer {
        let id = self.id(&call)?;
        let found = call.control().principal(&call.ctx, self.kind, &id).await?;
        let records = if wants(&call, "include_history") {
            Some(call.control().principal_history(&call.ctx, &found).await?)
        } else {
            None
        };
        let reply = Reply::ok(&response::identity(&found, records.as_deref(), None))?;
        Ok(reply.with_etag(found.entity_tag()))
    }

    pub(super) async fn update(self, call: Call) -> Answer {
        let body = call.json()?;
        let want = request::principal_change(&Fields::root(&body))?;
        let (id, tag) = (self.id(&call)?, if_match(&call)?);
        self.change(&call, &id, tag, principal_patch(want)).await
    }

    /// Changes one; `tag` is the entity tag that the caller saw, none for whatever is there.
    pub(super) async fn change(
        self,
        call: &Call,
        id: &PrincipalId,
        tag: Option<&str>,
        patch: PrincipalPatch,
    ) -> Answer {
        let of = (self.kind, id);
        let found = call.control().principal_update(&call.ctx, of, tag, patch).await?;
        let reply = Reply::ok(&response::identity(&found, None, None))?;
        Ok(reply.with_etag(found.entity_tag()))
    }

    pub(super) async fn delete(self, call: Call) -> Answer {
        let id = self.id(&call)?;
        call.control().principal_delete(&call.ctx, self.kind, &id).await?;
        Ok(Reply::empty())
    }
}
