//! Query strings and forms: `a=1&b=two%20words`.

use std::borrow::Cow;

use crate::{ApiError, ErrorCode};

/// Longest query string, in bytes.
pub const QUERY_BYTES_MAX: usize = 8_192;
/// Most parameters of a query or form.
pub const QUERY_PARAMETERS_MAX: usize = 64;

/// The parameters of a query or form, decoded. Of parameters with one name, the first counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a query string or a form.
    ///
    /// # Errors
    /// `bad_request` when it is too long, has too many parameters, or is not UTF-8.
    pub fn parse(raw: &str, bytes_max: usize) -> Result<Self, ApiError> {
        if raw.len() > bytes_max {
            return Err(ApiError::new(
                ErrorCode::BadRequest,
                format!("The parameters are longer than {bytes_max} bytes."),
            ));
        }
        let mut pairs = Vec::new();
        for part in raw.split('&').filter(|p| !p.is_empty()) {
            if pairs.len() == QUERY_PARAMETERS_MAX {
                return Err(ApiError::new(
                    ErrorCode::BadRequest,
                    format!("There are more than {QUERY_PARAMETERS_MAX} parameters."),
                ));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                return Err(ApiError::new(
                    ErrorCode::BadRequest,
                    "The parameters are not percent-encoded UTF-8.",
                ));
            };
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The value of `name`; an empty one counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        #[cfg(test)]
        crate::watch::saw(name);
        let found = self.pairs.iter().find(|(n, _)| n == name);
        found.map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// The values of a comma-separated `name`.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.get(name)?.split(',').map(str::trim).filter(|v| !v.is_empty()).collect())
    }

    /// The integer `name` of `min` to `max`.
    ///
    /// # Errors
    /// `invalid_value` when it is none, or out of its bounds.
    pub fn number(&self, name: &str, min: u32, max: u32) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|n| (min..=max).contains(n));
        number.map(Some).ok_or_else(|| {
            let message = format!("{name} must be an integer of {min} to {max}.");
            ApiError::parameter(ErrorCode::InvalidValue, name, message)
        })
    }

    /// Whether any of `names` was given.
    #[must_use]
    pub fn any_of(&self, names: &[&str]) -> bool {
        names.iter().any(|n| self.get(n).is_some())
    }

    /// Those parameters that choose items, encoded for a link: all but `limit`, `start`,
    /// `version` and `generation`.
    #[must_use]
    pub fn filters_encoded(&self) -> String {
        self.filters_encoded_without(&[])
    }

    /// As [`Self::filters_encoded`], without `others` too.
    #[must_use]
    pub fn filters_encoded_without(&self, others: &[&str]) -> String {
        let not: Vec<&str> =
            ["limit", "start", "version", "generation"].iter().chain(others).copied().collect();
        self.encoded_without(&not)
    }

    /// All parameters but these, encoded for a link, each after an `&`.
    #[must_use]
    pub fn encoded_without(&self, names: &[&str]) -> String {
        let chooses = |name: &str| !names.contains(&name);
        let mut out = String::new();
        for (name, value) in self.pairs.iter().filter(|(n, v)| chooses(n) && !v.is_empty()) {
            out.push('&');
            out.push_str(&encoded(name));
            out.push('=');
            out.push_str(&encoded(value));
        }
        out
    }
}

/// Percent-decoding with `+` for a blank; none when the result is not UTF-8 or an escape is cut.
fn decoded(text: &str) -> Option<String> {
    if !text.contains(['%', '+']) {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

/// Percent-encoding of everything but unreserved characters.
#[must_use]
pub fn encoded(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    fn query(raw: &str) -> Query {
        Query::parse(raw, QUERY_BYTES_MAX).unwrap()
    }

    #[test]
    fn parameters_are_decoded() {
        let q = query("name=a%20b+c&status=a,b%2Cc&empty=&flag");
        assert_eq!(q.get("name"), Some("a b c"));
        assert_eq!(q.list("status"), Some(vec!["a", "b", "c"]));
        assert_eq!((q.get("empty"), q.get("flag"), q.get("none")), (None, None, None));
    }

    #[test]
    fn numbers_at_both_sides_of_their_bounds() {
        let read = |raw| query(raw).number("n", 2, 5);
        assert_eq!((read("n=2").unwrap(), read("n=5").unwrap()), (Some(2), Some(5)));
        assert_eq!((read("").unwrap(), read("n=").unwrap()), (None, None));
        for bad in ["n=1", "n=6", "n=-1", "n=x", "n=4294967298"] {
            let refused = read(bad).unwrap_err();
            assert_eq!(refused.code, ErrorCode::InvalidValue, "{bad}");
            assert_eq!(refused.message, "n must be an integer of 2 to 5.");
        }
    }

    #[test]
    fn filters_go_into_links_and_the_rest_does_not() {
        let q =
            query("version=2026-10-06&generation=2&limit=5&start=x&name=a%26b&visibility=private");
        assert_eq!(q.filters_encoded(), "&name=a%26b&visibility=private");
    }

    #[test]
    fn queries_at_the_limits() {
        assert!(Query::parse(&"a".repeat(10), 10).is_ok());
        assert!(Query::parse(&"a".repeat(11), 10).is_err());
        let many = |n| vec!["a=1"; n].join("&");
        assert!(Query::parse(&many(QUERY_PARAMETERS_MAX), QUERY_BYTES_MAX).is_ok());
        assert!(Query::parse(&many(QUERY_PARAMETERS_MAX + 1), QUERY_BYTES_MAX).is_err());
    }

    #[test]
    fn broken_escapes_are_refused() {
        for bad in ["a=%", "a=%2", "a=%zz", "a=%ff", "%=1"] {
            assert!(Query::parse(bad, 100).is_err(), "{bad}");
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_what_is_encoded_reads_back() {
        let entropy = SeededEntropy::new(11);
        for _ in 0..2_000 {
            let len = entropy.next_u64() % 24;
            let text: String = (0..len)
                .map(|_| {
                    char::from_u32(u32::try_from(entropy.next_u64() % 0x250).unwrap())
                        .unwrap_or('%')
                })
                .collect();
            let _ = Query::parse(&text, 64);
            assert_eq!(decoded(&encoded(&text)), Some(text));
        }
    }
}
