//! Tagging, in the shapes of IBM's global tagging.

use model::Tag;
use serde::Serialize;

/// A list of tags.
#[derive(Debug, Serialize)]
pub struct TagNames<'a> {
    total_count: u64,
    offset: u32,
    limit: u32,
    items: Vec<Name<'a>>,
}

#[derive(Debug, Serialize)]
struct Name<'a> {
    name: &'a str,
}

/// A list of tags.
#[must_use]
pub fn tag_names(tags: &[Tag], total_count: u64, offset: u32, limit: u32) -> TagNames<'_> {
    let items = tags.iter().map(|tag| Name { name: tag.as_str() }).collect();
    TagNames { total_count, offset, limit, items }
}

/// One result for each thing of a call.
#[derive(Debug, Serialize)]
pub struct Results<T> {
    results: Vec<T>,
}

/// What became of a resource.
#[derive(Debug, Serialize)]
pub struct TagResult<'a> {
    resource_id: &'a str,
    is_error: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// What became of each resource: why not, where it went wrong.
#[must_use]
pub fn tag_results(results: &[(String, Option<String>)]) -> Results<TagResult<'_>> {
    let each = results.iter().map(|(resource_id, error)| TagResult {
        resource_id,
        is_error: error.is_some(),
        message: error.as_deref(),
    });
    Results { results: each.collect() }
}

/// What became of a tag that was to be made.
#[derive(Debug, Serialize)]
pub struct CreatedTag<'a> {
    tag_name: &'a str,
    is_error: bool,
}

/// What became of each tag: whether it is new.
#[must_use]
pub fn created_tags(tags: &[(Tag, bool)]) -> Results<CreatedTag<'_>> {
    let each = tags.iter().map(|(tag, new)| CreatedTag { tag_name: tag.as_str(), is_error: !new });
    Results { results: each.collect() }
}

/// What became of a tag that was to be deleted, at its provider.
#[derive(Debug, Serialize)]
pub struct DeletedTag<'a> {
    provider: &'static str,
    is_error: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// What became of a tag that was to be deleted: why not, where it was not.
#[must_use]
pub fn deleted_tag(error: Option<&str>) -> Results<DeletedTag<'_>> {
    let one = DeletedTag { provider: "ghost", is_error: error.is_some(), message: error };
    Results { results: vec![one] }
}

/// The unused tags that were deleted.
#[derive(Debug, Serialize)]
pub struct DeletedTags<'a> {
    total_count: usize,
    errors: bool,
    items: Vec<CreatedTag<'a>>,
}

/// The unused tags that were deleted.
#[must_use]
pub fn deleted_tags(tags: &[Tag]) -> DeletedTags<'_> {
    let items = tags.iter().map(|tag| CreatedTag { tag_name: tag.as_str(), is_error: false });
    DeletedTags { total_count: tags.len(), errors: false, items: items.collect() }
}
