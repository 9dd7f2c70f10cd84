//! The address that hrefs begin with.

use axum::http::{HeaderMap, Uri, header};

use crate::ServerConfig;

/// Longest host that is taken from a request, in bytes.
const HOST_BYTES_MAX: usize = 255;

/// Scheme, host and port as the client sees them.
pub(crate) fn base_url(config: &ServerConfig, uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(url) = &config.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let asked = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST).and_then(|host| host.to_str().ok()),
    };
    match asked.filter(|host| is_host(host)) {
        Some(host) => {
            let scheme = config.listener_url.split_once("://").map_or("http", |(s, _)| s);
            format!("{scheme}://{host}")
        }
        None => config.listener_url.clone(),
    }
}

/// A host with or without port: nothing that could end up as another part of a URL.
fn is_host(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b);
    !text.is_empty() && text.len() <= HOST_BYTES_MAX && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_the_listeners_and_a_public_url_wins() {
        let region = base::RegionName::parse("us-south").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "region.example:8443".parse().unwrap());
        let uri = Uri::from_static("/v1/regions");
        for scheme in ["http", "https"] {
            let listener = format!("{scheme}://127.0.0.1:1");
            let mut config = ServerConfig::new(region.clone(), listener);
            let want = format!("{scheme}://region.example:8443");
            assert_eq!(base_url(&config, &uri, &headers), want);
            config.public_url = Some("https://public.example/".to_owned());
            assert_eq!(base_url(&config, &uri, &headers), "https://public.example");
        }
    }

    #[test]
    fn a_host_is_a_host() {
        for good in ["127.0.0.1:9000", "localhost", "[::1]:80", "region.example"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "a/b", "a@b", "a b", "a?x", "é", &"a".repeat(256)] {
            assert!(!is_host(bad), "{bad}");
        }
        assert!(is_host(&"a".repeat(255)));
    }
}
