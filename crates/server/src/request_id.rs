//! The id that ties an answer, its log lines and its events together.

use axum::http::HeaderMap;
use base::Entropy;

/// Longest id that is taken from a client, in bytes.
const ID_BYTES_MAX: usize = 128;

/// The client's `x-request-id` if it is a sane one, else a new one.
pub(crate) fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> String {
    let sent = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    match sent.filter(|id| is_sane(id)) {
        Some(id) => id.to_owned(),
        None => base::uuid_of(entropy),
    }
}

fn is_sane(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn a_sane_id_is_kept_and_any_other_is_replaced() {
        let entropy = SeededEntropy::new(1);
        let ask = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-request-id", id.parse().unwrap());
            of(&headers, &entropy)
        };
        assert_eq!(ask("a-1_b.c"), "a-1_b.c");
        let longest = "a".repeat(128);
        assert_eq!(ask(&longest), longest);
        for bad in ["", "a b", "a/b", "a\"b", &"a".repeat(129)] {
            assert_eq!(ask(bad).len(), 36, "{bad}");
        }
        assert_eq!(of(&HeaderMap::new(), &entropy).len(), 36);
    }
}
