//! Where a service answers: scheme, host, port, and a path before its own.

use std::fmt;

use hyper::Uri;

use crate::failure::{Failure, Outcome};

/// What stands at the end of addresses that are given with it.
const ENDINGS: [&str; 4] = ["/v1", "/v2", "/v3", "/identity"];

/// The address of a service, without version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    prefix: String,
}

impl Address {
    /// Reads one as users and variables give it: with and without `/v1`.
    ///
    /// # Errors
    /// When it is not `http://` or `https://` and a host.
    pub fn parse(text: &str) -> Outcome<Self> {
        let wrong = || {
            Failure::hinted(
                format!("'{text}' is not an address of a region"),
                "give one such as http://127.0.0.1:7480",
            )
        };
        let text = text.trim();
        let spelled =
            if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let uri: Uri = spelled.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong());
        }
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let mut prefix = uri.path().trim_end_matches('/');
        for ending in ENDINGS {
            prefix = prefix.strip_suffix(ending).unwrap_or(prefix).trim_end_matches('/');
        }
        let host = uri.host().ok_or_else(wrong)?.to_owned();
        Ok(Self { tls, host, port, prefix: prefix.to_owned() })
    }

    /// The path of a request there.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Host and port, as a `Host` header has them.
    pub fn authority(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The host as it is connected to: IPv6 without brackets.
    pub fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_slashes_at_the_end_make_no_difference() {
        for text in
            ["http://h:7480", "http://h:7480/", "http://h:7480/v1", " http://h:7480/identity/ "]
        {
            assert_eq!(Address::parse(text).unwrap().to_string(), "http://h:7480", "{text}");
        }
        let behind = Address::parse("https://gate/ectype/v1/").unwrap();
        assert_eq!(behind.path("/v1/images"), "/ectype/v1/images");
        assert_eq!(Address::parse("cloud.ibm.com").unwrap().to_string(), "https://cloud.ibm.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "ftp://h", "http://", "http://user@h", "http://h/?a=b", "a b"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_ipv6_address_keeps_its_brackets_in_the_header_only() {
        let address = Address::parse("http://[::1]:7480").unwrap();
        assert_eq!((address.bare_host(), address.authority().as_str()), ("::1", "[::1]:7480"));
    }
}
