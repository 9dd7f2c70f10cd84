//! Tagging: `/v3/tags`.

use model::{SearchQuery, Tag, TagKind, TagMode, TagPattern};

use super::{
    list::{flag, text},
    search::query_of,
};
use crate::{ApiError, ErrorCode, Fields, Query};

/// Most resources of one call.
pub const TAGGED_RESOURCES_MAX: usize = 100;
/// Most tags of one call.
pub(crate) const TAGS_MAX: usize = 1_000;
/// Most tags of one list, which is also what comes when no limit is asked for: Terraform reads
/// one answer and no more.
pub const TAG_LIST_LIMIT_MAX: u32 = 1_000;
/// Longest CRN that is read, in bytes.
pub(crate) const CRN_BYTES_MAX: usize = 512;

/// Which resources a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagResources {
    /// These, by CRN; not read yet.
    Ids(Vec<String>),
    /// What a search finds.
    Query(SearchQuery),
}

/// `POST /v3/tags/attach`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachTags {
    /// The new tags, each once.
    pub tags: Vec<Tag>,
    /// What becomes of the others.
    pub mode: TagMode,
    /// To what.
    pub to: TagResources,
}

/// `POST /v3/tags/detach`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachTags {
    /// What goes, and how it was written.
    pub patterns: Vec<(String, TagPattern)>,
    /// From what.
    pub from: TagResources,
}

/// `GET /v3/tags`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagList {
    /// The kind.
    pub kind: TagKind,
    /// Only those of this resource.
    pub attached_to: Option<String>,
    /// Only those that some resource has.
    pub attached_only: bool,
    /// From Z to A.
    pub descending: bool,
    /// How many are left out at the beginning.
    pub offset: u32,
    /// How many come.
    pub limit: u32,
    /// Only the classic infrastructure's: there is none here.
    pub nothing: bool,
}

fn wrong_parameter(name: &str, what: &str) -> ApiError {
    ApiError::parameter(ErrorCode::InvalidValue, name, format!("{name} {what}."))
}

/// The kind of tags that a call is about; service tags need the account too.
///
/// # Errors
/// A kind that there is not; service tags without account.
pub fn tag_kind(query: &Query) -> Result<TagKind, ApiError> {
    let kind = match query.get("tag_type") {
        None => TagKind::User,
        Some(text) => TagKind::parse(text).ok_or_else(|| {
            let message = "tag_type must be one of: user, access, service.";
            ApiError::parameter(ErrorCode::ValidationEnum, "tag_type", message)
        })?,
    };
    if kind == TagKind::Service && query.get("account_id").is_none() {
        let message = "account_id is required for service tags.";
        let code = ErrorCode::ValidationRequiredField;
        return Err(ApiError::parameter(code, "account_id", message));
    }
    Ok(kind)
}

/// The account that a call is about, when it says one.
///
/// # Errors
/// One that is too long to be one.
pub fn tag_account(query: &Query) -> Result<Option<String>, ApiError> {
    text(query, "account_id")
}

fn number(query: &Query, name: &str, least: u32, most: u32) -> Result<Option<u32>, ApiError> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let number = text.parse().ok().filter(|n| (least..=most).contains(n));
    number
        .map(Some)
        .ok_or_else(|| wrong_parameter(name, &format!("must be a number of {least} to {most}")))
}

/// Reads `GET /v3/tags`.
///
/// # Errors
/// What the query names wrongly.
pub fn tag_list(query: &Query) -> Result<TagList, ApiError> {
    let descending = match query.get("order_by_name") {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(wrong_parameter("order_by_name", "must be one of: asc, desc")),
    };
    // These ask for more about each tag, and for less time; neither changes which tags come.
    flag(query, "full_data")?;
    number(query, "timeout", 0, u32::MAX)?;
    let attached_to = query.get("attached_to").map(str::to_owned);
    if attached_to.as_ref().is_some_and(|crn| crn.len() > CRN_BYTES_MAX) {
        return Err(wrong_parameter("attached_to", "is not a CRN"));
    }
    Ok(TagList {
        kind: tag_kind(query)?,
        attached_to,
        attached_only: flag(query, "attached_only")?.unwrap_or_default(),
        descending,
        offset: number(query, "offset", 0, i32::MAX.cast_unsigned())?.unwrap_or_default(),
        limit: number(query, "limit", 1, TAG_LIST_LIMIT_MAX)?.unwrap_or(TAG_LIST_LIMIT_MAX),
        nothing: query.list("providers").is_some_and(|p| !p.contains(&"ghost")),
    })
}

/// Reads `POST /v3/tags`: the names of access tags, each once.
///
/// # Errors
/// Another kind than `access`; names that are missing or do not fit.
pub fn create_tags(query: &Query, f: &Fields<'_>) -> Result<Vec<Tag>, ApiError> {
    if query.get("tag_type").is_some_and(|kind| kind != TagKind::Access.as_str()) {
        let message = "Only access tags are created; others come by being attached.";
        return Err(ApiError::parameter(ErrorCode::ValidationEnum, "tag_type", message));
    }
    let texts = f.texts("tag_names", TAGS_MAX)?;
    let texts = f.required("tag_names", texts)?;
    let tags = tags_of(f, TagKind::Access, "tag_names", &texts)?;
    f.required("tag_names", (!tags.is_empty()).then_some(tags))
}

fn tags_of(
    f: &Fields<'_>,
    kind: TagKind,
    field: &str,
    texts: &[&str],
) -> Result<Vec<Tag>, ApiError> {
    let mut seen = std::collections::HashSet::new();
    let mut tags = Vec::with_capacity(texts.len());
    for text in texts {
        let tag = Tag::parse_as(kind, text).map_err(|error| {
            f.error(ErrorCode::ValidationFailure, field, &format!("is not valid: {error}"))
        })?;
        if seen.insert(tag.clone()) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

/// `tag_name` or `tag_names`; none when neither is there.
fn names<'a>(f: &Fields<'a>) -> Result<Option<(&'static str, Vec<&'a str>)>, ApiError> {
    match (f.text("tag_name")?, f.texts("tag_names", TAGS_MAX)?) {
        (Some(name), None) => Ok(Some(("tag_name", vec![name]))),
        (None, names) => Ok(names.map(|names| ("tag_names", names))),
        (Some(name), Some(mut names)) => {
            names.push(name);
            Ok(Some(("tag_names", names)))
        }
    }
}

fn resources(f: &Fields<'_>) -> Result<TagResources, ApiError> {
    let query = match f.object("query")? {
        None => None,
        Some(object) => {
            let text = object.text_up_to("query_string", model::QUERY_BYTES_MAX)?;
            let text = object.required("query_string", text)?;
            Some(query_of(text, object.at("query_string"))?)
        }
    };
    match (f.objects("resources", TAGGED_RESOURCES_MAX)?, query) {
        (Some(_), Some(_)) => Err(f.error(
            ErrorCode::ValidationOnlyOne,
            "query",
            "excludes resources: say one of both",
        )),
        (None, Some(query)) => Ok(TagResources::Query(query)),
        (Some(each), None) if !each.is_empty() => {
            let ids = each.iter().map(|resource| {
                let id = resource.text_up_to("resource_id", CRN_BYTES_MAX)?;
                Ok(resource.required("resource_id", id)?.to_owned())
            });
            Ok(TagResources::Ids(ids.collect::<Result<_, ApiError>>()?))
        }
        (_, None) => {
            Err(f.error(ErrorCode::ValidationRequiredField, "resources", "or query is required"))
        }
    }
}

/// Reads `POST /v3/tags/attach`. No tag at all is fine where it replaces those that are there.
///
/// # Errors
/// What query and body name wrongly.
pub fn attach_tags(query: &Query, f: &Fields<'_>) -> Result<AttachTags, ApiError> {
    let kind = tag_kind(query)?;
    let mode = match (flag(query, "replace")?, flag(query, "update")?) {
        (Some(true), Some(true)) => {
            let message = "replace and update exclude each other.";
            return Err(ApiError::parameter(ErrorCode::ValidationOnlyOne, "update", message));
        }
        (Some(true), _) => TagMode::Replace,
        (_, Some(true)) => TagMode::Update,
        _ => TagMode::Add,
    };
    let tags = match names(f)? {
        Some((field, texts)) => tags_of(f, kind, field, &texts)?,
        None => Vec::new(),
    };
    if tags.is_empty() && mode != TagMode::Replace {
        return Err(f.error(ErrorCode::ValidationRequiredField, "tag_names", "is required"));
    }
    Ok(AttachTags { tags, mode, to: resources(f)? })
}

/// Reads `POST /v3/tags/detach`.
///
/// # Errors
/// What the body names wrongly.
pub fn detach_tags(f: &Fields<'_>) -> Result<DetachTags, ApiError> {
    let (field, texts) = f.required("tag_names", names(f)?)?;
    let patterns = texts.iter().map(|text| {
        let pattern = TagPattern::parse(text).map_err(|error| {
            f.error(ErrorCode::ValidationFailure, field, &format!("is not valid: {error}"))
        })?;
        Ok(((*text).to_owned(), pattern))
    });
    let patterns: Vec<_> = patterns.collect::<Result<_, ApiError>>()?;
    let patterns = f.required(field, (!patterns.is_empty()).then_some(patterns))?;
    Ok(DetachTags { patterns, from: resources(f)? })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        QUERY_BYTES_MAX,
        request::testing::{parse, seen},
    };

    fn query(text: &str) -> Query {
        Query::parse(text, QUERY_BYTES_MAX).unwrap()
    }

    fn attach(text: &str, body: Value) -> Result<AttachTags, ApiError> {
        parse(body, |_, f| attach_tags(&query(text), f))
    }

    fn on() -> Value {
        json!([{"resource_id": "crn:x", "resource_type": ""}])
    }

    #[test]
    fn tags_come_by_one_name_or_by_many() {
        let body = json!({"tag_names": ["Env:Dev", "env:dev", "b"], "resources": on()});
        let read = attach("", body).unwrap();
        assert_eq!(read.tags, [Tag::parse("env:dev").unwrap(), Tag::parse("b").unwrap()]);
        assert_eq!(read.mode, TagMode::Add);
        assert_eq!(read.to, TagResources::Ids(vec!["crn:x".to_owned()]));
        let one = attach("update=true", json!({"tag_name": "a", "resources": on()})).unwrap();
        assert_eq!((one.tags.len(), one.mode), (1, TagMode::Update));
        let none = attach("replace=true", json!({"tag_names": [], "resources": on()})).unwrap();
        assert_eq!((none.tags.len(), none.mode), (0, TagMode::Replace));
        let found = json!({"tag_name": "a", "query": {"query_string": "type:image"}});
        assert!(matches!(attach("", found).unwrap().to, TagResources::Query(_)));
    }

    #[test]
    fn each_wrong_part_is_named() {
        let one = json!({"tag_name": "a", "resources": on()});
        let at = |text: &str, body: Value| seen(attach(text, body));
        let is = |code, name: &str| (code, name.to_owned());
        assert_eq!(at("tag_type=x", one.clone()), is(ErrorCode::ValidationEnum, "tag_type"));
        let service = at("tag_type=service", one.clone());
        assert_eq!(service, is(ErrorCode::ValidationRequiredField, "account_id"));
        let both = at("replace=true&update=true", one.clone());
        assert_eq!(both, is(ErrorCode::ValidationOnlyOne, "update"));
        let access = at("tag_type=access", one);
        assert_eq!(access, is(ErrorCode::ValidationFailure, "tag_name"));
        for (body, code, name) in [
            (json!({"resources": on()}), ErrorCode::ValidationRequiredField, "tag_names"),
            (json!({"tag_name": "a"}), ErrorCode::ValidationRequiredField, "resources"),
            (
                json!({"tag_name": "a", "resources": []}),
                ErrorCode::ValidationRequiredField,
                "resources",
            ),
            (
                json!({"tag_name": "a", "resources": [{}]}),
                ErrorCode::ValidationRequiredField,
                "resources[0].resource_id",
            ),
            (
                json!({"tag_name": "a/b", "resources": on()}),
                ErrorCode::ValidationFailure,
                "tag_name",
            ),
            (
                json!({"tag_name": "a", "query": {"query_string": "("}}),
                ErrorCode::InvalidQuery,
                "query.query_string",
            ),
            (
                json!({"tag_name": "a", "resources": on(), "query": {"query_string": "a"}}),
                ErrorCode::ValidationOnlyOne,
                "query",
            ),
        ] {
            assert_eq!(at("", body.clone()), is(code, name), "{body}");
        }
    }

    #[test]
    fn calls_at_both_sides_of_their_limits() {
        let body = |tags: usize, resources: usize| {
            let resources: Vec<_> = (0..resources).map(|_| json!({"resource_id": "c"})).collect();
            json!({"tag_names": vec!["a"; tags], "resources": resources})
        };
        assert!(attach("", body(TAGS_MAX, TAGGED_RESOURCES_MAX)).is_ok());
        for over in [body(TAGS_MAX + 1, 1), body(1, TAGGED_RESOURCES_MAX + 1)] {
            assert_eq!(seen(attach("", over)).0, ErrorCode::ValidationMaxValue);
        }
        for (text, ok) in [
            ("limit=1", true),
            ("limit=1000", true),
            ("limit=0", false),
            ("limit=1001", false),
            ("limit=x", false),
            ("offset=0", true),
            ("offset=-1", false),
            ("order_by_name=x", false),
        ] {
            assert_eq!(tag_list(&query(text)).is_ok(), ok, "{text}");
        }
    }

    #[test]
    fn stars_are_for_detaching() {
        let body = json!({"tag_names": ["*", "env:*"], "resources": on()});
        assert_eq!(parse(body.clone(), |_, f| detach_tags(f)).unwrap().patterns.len(), 2);
        assert_eq!(seen(attach("", body)).0, ErrorCode::ValidationFailure);
        let none = json!({"tag_names": [], "resources": on()});
        let none = seen(parse(none, |_, f| detach_tags(f)));
        assert_eq!(none, (ErrorCode::ValidationRequiredField, "tag_names".to_owned()));
    }

    #[test]
    fn only_access_tags_are_created() {
        let create = |text: &str, body| parse(body, |_, f| create_tags(&query(text), f));
        let body = json!({"tag_names": ["A:B", "a:b"]});
        assert_eq!(create("tag_type=access", body.clone()).unwrap().len(), 1);
        assert_eq!(create("", body.clone()).unwrap().len(), 1);
        assert_eq!(seen(create("tag_type=user", body)).0, ErrorCode::ValidationEnum);
        for bad in [json!({}), json!({"tag_names": []})] {
            assert_eq!(seen(create("", bad)).0, ErrorCode::ValidationRequiredField);
        }
        assert_eq!(seen(create("", json!({"tag_names": ["a"]}))).0, ErrorCode::ValidationFailure);
    }
}
