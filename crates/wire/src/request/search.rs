//! `POST /v3/resources/search`.
//!
//! A cursor holds the query and the fields, because IBM's clients send nothing else with it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{QUERY_BYTES_MAX, SEARCH_LIMIT_MAX, SearchError, SearchQuery};
use serde::{Deserialize, Serialize};

use super::list::text;
use crate::{ApiError, ErrorCode, Fields, PageToken, Query, TargetKind};

/// Items of an answer when no limit is asked for.
pub const SEARCH_LIMIT_DEFAULT: u32 = 10;
/// Most fields that are asked for.
pub(crate) const FIELDS_MAX: usize = 64;
/// Longest cursor, in bytes: the longest query, twice encoded, and the fields.
pub(crate) const CURSOR_BYTES_MAX: usize = 65_536;

/// `POST /v3/resources/search`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// What is looked for.
    pub query: SearchQuery,
    /// Fields of each item; none for the usual ones.
    pub fields: Option<Vec<String>>,
    /// Most items.
    pub limit: u32,
    /// Begin after this place.
    pub after: Option<PageToken>,
    /// Only of this account.
    pub account: Option<String>,
    /// The query as it was written.
    pub text: String,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    q: String,
    f: Option<Vec<String>>,
    at: i64,
    id: String,
}

impl Search {
    /// The cursor for what comes after `place`.
    #[must_use]
    pub fn cursor(&self, place: &PageToken) -> String {
        let cursor = Cursor {
            q: self.text.clone(),
            f: self.fields.clone(),
            at: place.created_at,
            id: place.id.clone(),
        };
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
    }
}

/// Reads a query; `at` is the path of its field.
///
/// # Errors
/// `invalid_query`, or `not_implemented` for what Lucene has and this region does not.
pub(super) fn query_of(text: &str, at: String) -> Result<SearchQuery, ApiError> {
    SearchQuery::parse(text).map_err(|error| match error {
        SearchError::NotServed { what } => {
            ApiError::not_implemented(&format!("A query with {what}")).at(TargetKind::Field, at)
        }
        SearchError::TooLong
        | SearchError::TooManyTerms
        | SearchError::TooDeep
        | SearchError::TooManyWildcards
        | SearchError::Syntax { .. } => {
            let message = format!("{at} cannot be read: {error}.");
            ApiError::field(ErrorCode::InvalidQuery, at, message)
        }
    })
}

/// Reads `POST /v3/resources/search`.
///
/// # Errors
/// What query and body name wrongly; `not_implemented` for an order and for deleted resources.
pub fn search(query: &Query, f: &Fields<'_>) -> Result<Search, ApiError> {
    for name in ["sort", "impersonate_user"] {
        if query.get(name).is_some() {
            let error = ApiError::not_implemented(&format!("The parameter {name}"));
            return Err(error.at(TargetKind::Parameter, name));
        }
    }
    for name in ["is_deleted", "is_reclaimed", "can_tag", "is_project_resource"] {
        // What is only there when these are true is not here, so "any" finds what "false" does.
        if query.get(name).is_some_and(|value| !matches!(value, "false" | "any")) {
            let error = ApiError::not_implemented(&format!("The parameter {name}"));
            return Err(error.at(TargetKind::Parameter, name));
        }
    }
    let limit = match query.get("limit") {
        None => SEARCH_LIMIT_DEFAULT,
        Some(text) => {
            let limit = text.parse().ok().filter(|n| (1..=SEARCH_LIMIT_MAX).contains(n));
            limit.ok_or_else(|| {
                let message = format!("limit must be a number of 1 to {SEARCH_LIMIT_MAX}.");
                ApiError::parameter(ErrorCode::InvalidValue, "limit", message)
            })?
        }
    };
    let account = text(query, "account_id")?;
    if let Some(cursor) = f.text_up_to("search_cursor", CURSOR_BYTES_MAX)? {
        return of_cursor(f, cursor, limit, account);
    }
    let text = f.text_up_to("query", QUERY_BYTES_MAX)?.unwrap_or_default();
    let fields = f.texts("fields", FIELDS_MAX)?;
    Ok(Search {
        query: query_of(text, f.at("query"))?,
        fields: fields.map(|fields| fields.into_iter().map(str::to_owned).collect()),
        limit,
        after: None,
        account,
        text: text.to_owned(),
    })
}

fn of_cursor(
    f: &Fields<'_>,
    text: &str,
    limit: u32,
    account: Option<String>,
) -> Result<Search, ApiError> {
    let wrong = || {
        let what = "is not one that a search gave: begin again without it";
        f.error(ErrorCode::InvalidValue, "search_cursor", what)
    };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    Ok(Search {
        query: SearchQuery::parse(&cursor.q).map_err(|_| wrong())?,
        fields: cursor.f,
        limit,
        after: Some(PageToken { created_at: cursor.at, id: cursor.id }),
        account,
        text: cursor.q,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::testing::{parse, seen};

    fn read(raw: &str, body: Value) -> Result<Search, ApiError> {
        let query = Query::parse(raw, crate::QUERY_BYTES_MAX).unwrap();
        parse(body, |_, f| search(&query, f))
    }

    #[test]
    fn nothing_said_is_everything() {
        let all = read("", json!({})).unwrap();
        assert_eq!((all.query, all.limit), (SearchQuery::All, SEARCH_LIMIT_DEFAULT));
        assert_eq!((all.fields, all.after), (None, None));
    }

    #[test]
    fn a_cursor_brings_query_and_fields_back() {
        let body = json!({"query": "type:image", "fields": ["name"]});
        let first = read("limit=3", body).unwrap();
        let place = PageToken { created_at: 5, id: "r006-1".to_owned() };
        let cursor = first.cursor(&place);
        let next = read("limit=2", json!({"search_cursor": cursor, "query": "("})).unwrap();
        assert_eq!((next.query, next.fields, next.text), (first.query, first.fields, first.text));
        assert_eq!((next.after, next.limit), (Some(place), 2));
        for bad in ["", "x", "e30", "%"] {
            let error = seen(read("", json!({"search_cursor": bad})));
            assert_eq!(error, (ErrorCode::InvalidValue, "search_cursor".to_owned()), "{bad}");
        }
    }

    #[test]
    fn limits_and_queries_at_both_sides() {
        for (raw, ok) in [
            ("limit=1", true),
            ("limit=1000", true),
            ("limit=0", false),
            ("limit=1001", false),
            ("limit=x", false),
            ("sort=name", false),
            ("is_deleted=any", true),
            ("is_deleted=true", false),
        ] {
            assert_eq!(read(raw, json!({})).is_ok(), ok, "{raw}");
        }
        let long = |n: usize| json!({"query": format!("name:{}", "a".repeat(n - 5))});
        assert!(read("", long(QUERY_BYTES_MAX)).is_ok());
        assert_eq!(seen(read("", long(QUERY_BYTES_MAX + 1))).0, ErrorCode::ValidationMaxValue);
        let bad = seen(read("", json!({"query": "name:("})));
        assert_eq!(bad, (ErrorCode::InvalidQuery, "query".to_owned()));
        let range = seen(read("", json!({"query": "creation_date:[a TO b]"})));
        assert_eq!(range, (ErrorCode::NotImplemented, "query".to_owned()));
    }
}
