//! Tags, and the search that reads them.

use async_trait::async_trait;
use base::{Crn, RegionName, ResourceGroupId};
use model::{Found, SearchQuery, Tag, TagKind, TagMode, TagPattern};
use policy::{Permit, Scope, Scopes};

use crate::{Change, PageKey, StoreError};

/// Which tags, and which part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFilter {
    /// Of this kind.
    pub kind: TagKind,
    /// Only those of this resource.
    pub attached_to: Option<String>,
    /// Only those that some resource has.
    pub attached_only: bool,
    /// From Z to A.
    pub descending: bool,
    /// How many are left out at the beginning.
    pub offset: u32,
    /// At most so many.
    pub limit: u32,
}

/// A resource that can be tagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagTarget {
    /// Its CRN.
    pub crn: Crn,
    /// Its name.
    pub name: String,
    /// Its resource group.
    pub group: ResourceGroupId,
}

/// Tags by CRN.
///
/// A resource keeps its tags until it goes. A tag that no resource has stays in the account's
/// list until it is deleted.
#[async_trait]
pub trait TagStore: Send + Sync {
    /// Tags of the account by name, with the number of those that fit.
    async fn tags(&self, scope: &Scope, filter: &TagFilter) -> Result<(Vec<Tag>, u64), StoreError>;

    /// Makes access tags; `change` of each one is written if it is new. Says for each whether it
    /// was. Refuses more than the limit, and then makes none.
    async fn access_tags_create(
        &self,
        permit: &Permit,
        tags: Vec<(Tag, Change)>,
    ) -> Result<Vec<bool>, StoreError>;

    /// Deletes a tag that no resource has.
    async fn tag_delete(
        &self,
        permit: &Permit,
        kind: TagKind,
        tag: &Tag,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Deletes every tag of the kind that no resource has; which they were, by name.
    async fn tags_delete_unused(
        &self,
        permit: &Permit,
        kind: TagKind,
        change: Change,
    ) -> Result<Vec<Tag>, StoreError>;

    /// The resource of that CRN, if it is in this region and the scope shows it: one for its
    /// type.
    async fn tag_target(
        &self,
        scope: &Scope,
        region: &RegionName,
        crn: &Crn,
    ) -> Result<TagTarget, StoreError>;

    /// Attaches tags to a resource. Refuses more than the limit, and access tags that were not
    /// made before.
    #[expect(clippy::too_many_arguments, reason = "one transaction, named in full")]
    async fn tags_attach(
        &self,
        permit: &Permit,
        region: &RegionName,
        crn: &Crn,
        kind: TagKind,
        tags: &[Tag],
        mode: TagMode,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Detaches from a resource whatever fits a pattern.
    async fn tags_detach(
        &self,
        permit: &Permit,
        region: &RegionName,
        crn: &Crn,
        kind: TagKind,
        patterns: &[TagPattern],
        change: Change,
    ) -> Result<(), StoreError>;

    /// Resources that fit, of the types and rows that the scopes show, newest first, at most `limit`; and where the next page
    /// begins, if there is one. Stock images are the provider's and are not among them.
    async fn search(
        &self,
        scopes: &Scopes,
        region: &RegionName,
        query: &SearchQuery,
        after: Option<&PageKey>,
        limit: u32,
    ) -> Result<(Vec<Found>, Option<PageKey>), StoreError>;
}
