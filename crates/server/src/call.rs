//! One request, as a handler sees it: checked, with its parts at hand.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base::IdError;
use bytes::Bytes;
use control::{Control, PageKey, RequestContext};
use serde::Serialize;
use serde_json::{Map, Value};
use wire::{
    ApiError, ApiVersion, Collection, ErrorCode, List, PageRequest, PageToken, Place, Query,
    Render, request::Asked,
};

use crate::{
    app::App,
    reply::{Answer, Failure, Reply},
};

/// How often a change is tried: what an ETag does not cover (a status) may change between
/// reading and writing, and then the resource is read and compared again.
pub(crate) const ATTEMPTS_MAX: u32 = 8;

/// One request of a caller whose token, version and generation are good.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) ctx: RequestContext,
    pub(crate) version: ApiVersion,
    pub(crate) base_url: String,
    pub(crate) query: Query,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// The use cases.
    pub(crate) fn control(&self) -> &Control {
        &self.app.control
    }

    /// Where and in which version the request is understood.
    pub(crate) fn asked(&self) -> Asked<'_> {
        let place = Place {
            region: &self.app.config.region,
            account: &self.ctx.caller.account,
            base_url: &self.base_url,
        };
        // A machine whose clock is behind still serves the newest known version.
        let today = ApiVersion::date(&self.app.config.clock.wall().date());
        let today = today.unwrap_or(self.version).max(ApiVersion::newest());
        Asked { place, version: self.version, today }
    }

    /// What the answer is rendered with.
    pub(crate) fn render(&self) -> Render<'_> {
        Render {
            region: &self.app.config.region,
            base_url: &self.base_url,
            version: self.version,
            account: &self.ctx.caller.account,
        }
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Result<Map<String, Value>, ApiError> {
        wire::parse_body(&self.body)
    }

    /// A part of the path.
    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// An id of the path. A malformed one names nothing: 404.
    pub(crate) fn id<Id>(&self, name: &str, kind: &str) -> Result<Id, ApiError>
    where
        Id: TryFrom<String, Error = IdError>,
    {
        let text = self.param(name);
        Id::try_from(text.to_owned()).map_err(|_| wire::error::not_found(kind, text, None))
    }

    /// A page of a list that `control` gave.
    pub(crate) fn page<T: Serialize>(
        &self,
        list: List<'_>,
        page: &PageRequest,
        items: Vec<T>,
        next: Option<&PageKey>,
        total: u64,
    ) -> Answer {
        let next = next.map(|key| PageToken { created_at: key.created_at, id: key.id.clone() });
        self.collection(list, page, items, next.as_ref(), total)
    }

    /// A page of a list.
    pub(crate) fn collection<T: Serialize>(
        &self,
        list: List<'_>,
        page: &PageRequest,
        items: Vec<T>,
        next: Option<&PageToken>,
        total: u64,
    ) -> Answer {
        let render = self.render();
        Reply::ok(&Collection::new(&render, list, &self.query, page, items, next, total))
    }

    /// A list without items: a filter that nothing can match.
    pub(crate) fn nothing(&self, list: List<'_>, page: &PageRequest) -> Answer {
        self.collection(list, page, Vec::<()>::new(), None, 0)
    }

    /// Compares `If-Match` with the ETag of now; `needed` says that an array is replaced.
    pub(crate) fn check_if_match(&self, etag: &str, needed: bool) -> Result<(), ApiError> {
        let header = self.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
        wire::check_if_match(header, etag, needed)
    }
}

/// After [`ATTEMPTS_MAX`] readings of a resource that was changed between reading and writing.
pub(crate) fn changes_too_often() -> Failure {
    let message = "The resource changes too often just now. Try again.";
    ApiError::new(ErrorCode::Conflict, message).into()
}

/// The page that a list of `control` is asked for.
pub(crate) fn page_of(page: &PageRequest) -> control::Page {
    let after = page.after.as_ref();
    control::Page {
        limit: page.limit,
        after: after.map(|t| PageKey { created_at: t.created_at, id: t.id.clone() }),
    }
}
