//! The tags' part of the port, each call one transaction.

use async_trait::async_trait;
use base::{Crn, RegionName};
use model::{Found, SearchQuery, Tag, TagKind, TagMode, TagPattern};
use policy::{Permit, Scope, Scopes};

use super::{
    SqlStore,
    head::not_found,
    retry::{reading, writing},
    search, sight, source,
    tag::{self, On},
};
use crate::{Change, PageKey, StoreError, TagFilter, TagStore, TagTarget};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl TagStore for SqlStore {
    async fn tags(&self, scope: &Scope, filter: &TagFilter) -> Result<(Vec<Tag>, u64)> {
        reading!(self, |tx| tag::list(tx, scope, filter))
    }

    async fn access_tags_create(
        &self,
        permit: &Permit,
        tags: Vec<(Tag, Change)>,
    ) -> Result<Vec<bool>> {
        writing!(self, |tx| tag::access_create(tx, permit, &tags))
    }

    async fn tag_delete(
        &self,
        permit: &Permit,
        kind: TagKind,
        tag: &Tag,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| tag::delete(tx, permit, kind, tag, &change))
    }

    async fn tags_delete_unused(
        &self,
        permit: &Permit,
        kind: TagKind,
        change: Change,
    ) -> Result<Vec<Tag>> {
        writing!(self, |tx| tag::delete_unused(tx, permit, kind, &change))
    }

    async fn tag_target(&self, scope: &Scope, region: &RegionName, crn: &Crn) -> Result<TagTarget> {
        let mut session = self.engine.glance().await?;
        let (source, target) = source::target(&mut session, scope.account(), region, crn).await?;
        let id = crn.resource.as_str();
        match sight::check(&mut session, scope, source.table, "resource", id).await {
            Err(StoreError::NotFound { .. }) => Err(not_found("resource", crn)),
            seen => seen.map(|()| target),
        }
    }

    async fn tags_attach(
        &self,
        permit: &Permit,
        region: &RegionName,
        crn: &Crn,
        kind: TagKind,
        tags: &[Tag],
        mode: TagMode,
        change: Change,
    ) -> Result<()> {
        let on = On { permit, region, crn, kind };
        writing!(self, |tx| on.attach(tx, tags, mode, &change))
    }

    async fn tags_detach(
        &self,
        permit: &Permit,
        region: &RegionName,
        crn: &Crn,
        kind: TagKind,
        patterns: &[TagPattern],
        change: Change,
    ) -> Result<()> {
        let on = On { permit, region, crn, kind };
        writing!(self, |tx| on.detach(tx, patterns, &change))
    }

    async fn search(
        &self,
        scopes: &Scopes,
        region: &RegionName,
        query: &SearchQuery,
        after: Option<&PageKey>,
        limit: u32,
    ) -> Result<(Vec<Found>, Option<PageKey>)> {
        reading!(self, |tx| search::search(tx, scopes, region, query, after, limit))
    }
}
