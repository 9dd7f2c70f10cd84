//! Pages of lists: `limit`, the opaque `start`, and the envelope.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{ApiError, ErrorCode, Query, Render, query::encoded};

/// Items of a page when no limit is asked for.
pub const PAGE_LIMIT_DEFAULT: u32 = 50;
/// Most items of a page.
pub const PAGE_LIMIT_MAX: u32 = 100;

/// Longest page token, in bytes.
const TOKEN_BYTES_MAX: usize = 256;
/// Bytes of the check sum that ties a token to its list.
const CHECK_BYTES: usize = 6;
const FORMAT: u8 = 1;

/// A place in a list: the last item that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken {
    /// Its creation, in microseconds; 0 in lists by name.
    pub created_at: i64,
    /// Its id, or its name in lists by name.
    pub id: String,
}

impl PageToken {
    /// The opaque text of this place in `list`.
    #[must_use]
    pub fn encode(&self, list: &str) -> String {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.created_at.to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        let check = check_sum(list, &bytes);
        bytes.extend_from_slice(&check);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a text that was made for `list`.
    ///
    /// # Errors
    /// `invalid_id_format` for anything else.
    pub fn decode(list: &str, text: &str) -> Result<Self, ApiError> {
        Self::read(list, text).ok_or_else(|| {
            ApiError::parameter(
                ErrorCode::InvalidIdFormat,
                "start",
                "The page token is not valid for this list. Begin again without start.",
            )
        })
    }

    fn read(list: &str, text: &str) -> Option<Self> {
        if text.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (content, check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK_BYTES)?)?;
        if check != check_sum(list, content) {
            return None;
        }
        let (&format, rest) = content.split_first()?;
        let (created_at, id) = rest.split_first_chunk::<8>()?;
        let id = std::str::from_utf8(id).ok().filter(|id| !id.is_empty())?;
        (format == FORMAT)
            .then(|| Self { created_at: i64::from_be_bytes(*created_at), id: id.to_owned() })
    }
}

/// Not a secret: it catches slips and tokens of another list; scopes are checked on every page.
fn check_sum(list: &str, content: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = blake3::Hasher::new_derive_key("ectype page token 1");
    hasher.update(&(list.len() as u64).to_be_bytes());
    hasher.update(list.as_bytes());
    hasher.update(content);
    let mut check = [0; CHECK_BYTES];
    hasher.finalize_xof().fill(&mut check);
    check
}

/// Which part of a list a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Most items.
    pub limit: u32,
    /// Begin after this place.
    pub after: Option<PageToken>,
}

impl PageRequest {
    /// Reads `limit` and `start` for `list`, which is the path of the list below `/v1`.
    ///
    /// # Errors
    /// `validation_min_value`, `validation_max_value`, `invalid_value`, `invalid_id_format`.
    pub fn parse(list: &str, query: &Query) -> Result<Self, ApiError> {
        let limit = match query.get("limit") {
            None => PAGE_LIMIT_DEFAULT,
            Some(text) => limit_of(text)?,
        };
        let after = query.get("start").map(|t| PageToken::decode(list, t)).transpose()?;
        Ok(Self { limit, after })
    }
}

fn limit_of(text: &str) -> Result<u32, ApiError> {
    let refuse = |code| {
        let message = format!("limit must be an integer of 1 to {PAGE_LIMIT_MAX}.");
        Err(ApiError::parameter(code, "limit", message))
    };
    match text.parse::<i64>() {
        Ok(n) if n < 1 => refuse(ErrorCode::ValidationMinValue),
        Ok(n) if n > i64::from(PAGE_LIMIT_MAX) => refuse(ErrorCode::ValidationMaxValue),
        Ok(n) => Ok(u32::try_from(n).unwrap_or(PAGE_LIMIT_DEFAULT)),
        Err(_) => refuse(ErrorCode::InvalidValue),
    }
}

/// A page of a list that is held in memory, by name.
#[derive(Debug)]
pub struct Sliced<'a, T> {
    /// The items.
    pub items: &'a [T],
    /// Where the next page begins; none on the last one.
    pub next: Option<PageToken>,
}

impl PageRequest {
    /// The page of `all`, which is in ascending order of `name`.
    #[must_use]
    pub fn slice<'a, T>(&self, all: &'a [T], name: impl Fn(&T) -> &str) -> Sliced<'a, T> {
        let from = match &self.after {
            None => 0,
            Some(token) => all.partition_point(|item| name(item) <= token.id.as_str()),
        };
        let rest = &all[from..];
        let items = &rest[..rest.len().min(self.limit as usize)];
        let next = items
            .last()
            .filter(|_| items.len() < rest.len())
            .map(|last| PageToken { created_at: 0, id: name(last).to_owned() });
        Sliced { items, next }
    }
}

/// The envelope of a page: `first`, `limit`, `next`, `total_count` and the items under the name
/// of the resource.
#[derive(Debug)]
pub struct Collection<T> {
    name: &'static str,
    items: Vec<T>,
    first: String,
    next: Option<String>,
    limit: u32,
    total: u64,
}

/// A list: where it is and what its items are called.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    /// Its path below `/v1`, such as `images`. Page tokens are tied to it.
    pub path: &'a str,
    /// Name of the array in the envelope.
    pub items: &'static str,
}

impl<T: Serialize> Collection<T> {
    /// The page of `list` that `page` asked for; `query` is the request's.
    #[must_use]
    pub fn new(
        render: &Render<'_>,
        list: List<'_>,
        query: &Query,
        page: &PageRequest,
        items: Vec<T>,
        next: Option<&PageToken>,
        total: u64,
    ) -> Self {
        let limit = page.limit;
        let first = format!(
            "{}/v1/{}?limit={limit}{}",
            render.base_url,
            list.path,
            query.filters_encoded()
        );
        let next = next.map(|token| format!("{first}&start={}", encoded(&token.encode(list.path))));
        Self { name: list.items, items, first, next, limit, total }
    }
}

#[derive(Serialize)]
struct Link<'a> {
    href: &'a str,
}

impl<T: Serialize> Serialize for Collection<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("first", &Link { href: &self.first })?;
        map.serialize_entry(self.name, &self.items)?;
        map.serialize_entry("limit", &self.limit)?;
        if let Some(next) = &self.next {
            map.serialize_entry("next", &Link { href: next })?;
        }
        map.serialize_entry("total_count", &self.total)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    fn page(raw: &str) -> Result<PageRequest, ErrorCode> {
        let query = Query::parse(raw, 1_000).unwrap();
        PageRequest::parse("images", &query).map_err(|e| e.code)
    }

    #[test]
    fn the_limit_has_two_sides_and_a_default() {
        assert_eq!(page("").unwrap().limit, 50);
        assert_eq!(page("limit=1").unwrap().limit, 1);
        assert_eq!(page("limit=100").unwrap().limit, 100);
        assert_eq!(page("limit=0"), Err(ErrorCode::ValidationMinValue));
        assert_eq!(page("limit=-1"), Err(ErrorCode::ValidationMinValue));
        assert_eq!(page("limit=101"), Err(ErrorCode::ValidationMaxValue));
        assert_eq!(page("limit=many"), Err(ErrorCode::InvalidValue));
    }

    #[test]
    fn a_token_reads_back_in_its_own_list_only() {
        let token = PageToken { created_at: -5, id: "r006-1".to_owned() };
        let text = token.encode("images");
        assert_eq!(PageToken::decode("images", &text), Ok(token));
        assert!(PageToken::decode("volumes", &text).is_err());
    }

    #[test]
    fn a_token_that_was_changed_is_refused() {
        let text = PageToken { created_at: 77, id: "r006-1".to_owned() }.encode("images");
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(changed == text || PageToken::decode("images", &changed).is_err(), "{changed}");
        }
        for garbage in ["", "x", "not a token", "AAAA", &"A".repeat(256), &"A".repeat(257)] {
            assert!(PageToken::decode("images", garbage).is_err(), "{garbage}");
        }
    }

    #[test]
    fn any_text_is_a_token_or_an_error() {
        let entropy = SeededEntropy::new(2);
        for _ in 0..5_000 {
            let len = usize::try_from(entropy.next_u64() % 40).unwrap();
            let bytes: Vec<u8> =
                (0..len).map(|_| u8::try_from(entropy.next_u64() % 256).unwrap()).collect();
            let _ = PageToken::decode("images", &BASE64_URL_SAFE_NO_PAD.encode(&bytes));
            let _ = PageToken::decode("images", &String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn pages_of_a_slice_show_every_item_once() {
        let all = ["a", "b", "c", "d", "e"];
        let mut seen = Vec::new();
        let mut request = PageRequest { limit: 2, after: None };
        loop {
            let page = request.slice(&all, |s| s);
            seen.extend_from_slice(page.items);
            match page.next {
                Some(next) => request.after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_last_page_has_no_next_link() {
        let render = crate::render::for_tests();
        let query = Query::parse("name=a&limit=2&version=2026-10-06", 100).unwrap();
        let page = PageRequest { limit: 2, after: None };
        let next = PageToken { created_at: 1, id: "x".to_owned() };
        let of = |next: Option<&PageToken>| {
            let c = Collection::new(
                &render.render(),
                List { path: "images", items: "images" },
                &query,
                &page,
                vec![1],
                next,
                3,
            );
            serde_json::to_value(c).unwrap()
        };
        let last = of(None);
        assert!(last.get("next").is_none());
        assert_eq!(last["first"]["href"], "http://127.0.0.1:9000/v1/images?limit=2&name=a");
        assert_eq!((&last["total_count"], &last["limit"]), (&3.into(), &2.into()));
        let href = of(Some(&next))["next"]["href"].as_str().unwrap().to_owned();
        let (_, start) = href.split_once("&start=").unwrap();
        assert_eq!(PageToken::decode("images", start), Ok(next));
    }
}
