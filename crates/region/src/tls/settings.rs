//! What the door is told: its certificate, its public address, its rate.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
};

use clap::Args;

/// Longest name of a server, in bytes.
const NAME_BYTES_MAX: usize = 253;
/// Most names that a certificate of ours is given.
const NAMES_MAX: usize = 32;

/// Flags of `ectype serve` about its door.
#[derive(Args, Debug, Default)]
pub struct DoorArgs {
    /// Serve by TLS with this certificate and its chain, PEM.
    #[arg(long, env = "ECTYPE_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(long, env = "ECTYPE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Serve by TLS with a certificate of the region's own CA, which is made in the data
    /// directory; `ectype env` names its file for clients.
    #[arg(long, env = "ECTYPE_TLS_SELF_SIGNED")]
    pub tls_self_signed: bool,
    /// A further name or address in that certificate; may be given several times.
    #[arg(long, env = "ECTYPE_TLS_NAME", value_name = "NAME", value_delimiter = ',')]
    pub tls_name: Vec<String>,
    /// Listen beyond loopback without TLS: whoever is on the way reads tokens and API keys.
    #[arg(long, env = "ECTYPE_INSECURE_HTTP")]
    pub insecure_http: bool,
    /// Scheme, host and port by which clients reach the region, such as https://region.example:8443
    /// [default: what each client asked for].
    #[arg(long, env = "ECTYPE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Requests a second that one credential may send; more are answered 429. 0 is no limit
    /// [default: 10000].
    #[arg(long, env = "ECTYPE_REQUESTS_PER_SECOND", value_name = "N")]
    pub requests_per_second: Option<u32>,
}

/// The same in the settings file.
#[derive(Debug, Default)]
pub struct DoorFile {
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub tls_self_signed: Option<bool>,
    pub tls_names: Option<Vec<String>>,
    pub insecure_http: Option<bool>,
    pub public_url: Option<String>,
    pub requests_per_second: Option<u32>,
}

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsChoice {
    /// Plain HTTP.
    None,
    /// Files of the operator's.
    Files {
        /// The certificate and its chain.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// The region's own CA.
    SelfSigned {
        /// Further names.
        names: Vec<String>,
    },
}

/// The door of a region.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Its certificate.
    pub tls: TlsChoice,
    /// Plain HTTP beyond loopback was asked for, and is needed.
    pub insecure: bool,
    /// Its address as clients see it.
    pub public_url: Option<String>,
    /// Requests a second of one credential.
    pub requests_per_second: Option<NonZeroU32>,
}

impl DoorSettings {
    /// Joins flags and file.
    ///
    /// # Errors
    /// What excludes each other, and a bind beyond loopback in the clear.
    pub fn read(args: DoorArgs, file: DoorFile, listen: SocketAddr) -> anyhow::Result<Self> {
        let insecure = args.insecure_http || file.insecure_http.unwrap_or(false);
        let public_url = args.public_url.or(file.public_url);
        let rate = args.requests_per_second.or(file.requests_per_second);
        let names = if args.tls_name.is_empty() {
            file.tls_names.unwrap_or_default()
        } else {
            args.tls_name
        };
        let files = (args.tls_cert.or(file.tls_cert), args.tls_key.or(file.tls_key));
        let own = args.tls_self_signed || file.tls_self_signed.unwrap_or(false);
        let tls = match (files, own) {
            ((None, None), false) => TlsChoice::None,
            ((None, None), true) => TlsChoice::SelfSigned { names: checked(names)? },
            ((Some(certificate), Some(key)), false) => TlsChoice::Files { certificate, key },
            ((Some(_), Some(_)), true) => {
                anyhow::bail!("--tls-self-signed and --tls-cert exclude each other")
            }
            _ => anyhow::bail!("--tls-cert and --tls-key go together"),
        };
        let clear = tls == TlsChoice::None && !listen.ip().is_loopback();
        anyhow::ensure!(
            !clear || insecure,
            "--listen {listen}: beyond loopback, tokens would cross the network in the clear. Give \
             --tls-self-signed or --tls-cert and --tls-key, or --insecure-http if whatever is \
             between clients and region is to be trusted"
        );
        if let Some(url) = &public_url {
            anyhow::ensure!(
                is_url(url),
                "--public-url {url}: wanted is scheme, host and port only, such as \
                 https://region.example:8443"
            );
        }
        let default = server::REQUESTS_PER_SECOND_DEFAULT;
        Ok(Self {
            tls,
            insecure: clear,
            public_url,
            requests_per_second: NonZeroU32::new(rate.unwrap_or(default)),
        })
    }

    /// The URL of a server that listens on `local`, as a client on this host reaches it.
    pub fn url(&self, local: SocketAddr) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let scheme = if self.tls == TlsChoice::None { "http" } else { "https" };
        if local.ip().is_unspecified() {
            return format!("{scheme}://localhost:{}", local.port());
        }
        format!("{scheme}://{local}")
    }
}

fn checked(names: Vec<String>) -> anyhow::Result<Vec<String>> {
    anyhow::ensure!(names.len() <= NAMES_MAX, "--tls-name: at most {NAMES_MAX} names");
    for name in &names {
        let good = is_name(name) || name.parse::<IpAddr>().is_ok();
        anyhow::ensure!(good, "--tls-name {name}: neither a name of DNS nor an address");
    }
    Ok(names)
}

/// A name of DNS; its first part may be `*`.
pub fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let rest = text.strip_prefix("*.").unwrap_or(text);
    text.len() <= NAME_BYTES_MAX && rest.split('.').all(part)
}

fn is_url(text: &str) -> bool {
    let text = text.strip_suffix('/').unwrap_or(text);
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fits = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    host.is_some_and(|host| {
        !host.is_empty() && host.len() <= NAME_BYTES_MAX && host.bytes().all(fits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(listen: &str, args: DoorArgs) -> anyhow::Result<DoorSettings> {
        DoorSettings::read(args, DoorFile::default(), listen.parse().unwrap())
    }

    fn own() -> DoorArgs {
        DoorArgs { tls_self_signed: true, ..DoorArgs::default() }
    }

    #[test]
    fn a_bind_beyond_loopback_needs_tls_or_a_word() {
        for address in ["0.0.0.0:7480", "192.168.1.2:7480", "[::]:7480"] {
            assert!(read(address, DoorArgs::default()).is_err(), "{address}");
            assert!(!read(address, own()).unwrap().insecure, "{address}");
            let word = DoorArgs { insecure_http: true, ..DoorArgs::default() };
            assert!(read(address, word).unwrap().insecure, "{address}");
        }
        for address in ["127.0.0.1:7480", "[::1]:7480", "127.1.2.3:0"] {
            let word = DoorArgs { insecure_http: true, ..DoorArgs::default() };
            assert!(!read(address, word).unwrap().insecure, "{address}");
        }
    }

    #[test]
    fn certificate_and_key_go_together_and_alone() {
        let cert = Some(PathBuf::from("c"));
        let key = Some(PathBuf::from("k"));
        let one = DoorArgs { tls_cert: cert.clone(), ..DoorArgs::default() };
        assert!(read("127.0.0.1:1", one).is_err());
        let other = DoorArgs { tls_key: key.clone(), ..DoorArgs::default() };
        assert!(read("127.0.0.1:1", other).is_err());
        let both =
            || DoorArgs { tls_cert: cert.clone(), tls_key: key.clone(), ..DoorArgs::default() };
        assert!(matches!(read("127.0.0.1:1", both()).unwrap().tls, TlsChoice::Files { .. }));
        assert!(read("127.0.0.1:1", DoorArgs { tls_self_signed: true, ..both() }).is_err());
    }

    #[test]
    fn names_and_public_urls_are_checked() {
        for good in ["region.example", "*.region.example", "10.1.2.3", "::1", "a"] {
            let args = DoorArgs { tls_name: vec![good.to_owned()], ..own() };
            assert!(read("127.0.0.1:1", args).is_ok(), "{good}");
        }
        for bad in ["", "a b", "-a", "a..b", "a/b", "a.*", &"a".repeat(64)] {
            let args = DoorArgs { tls_name: vec![bad.to_owned()], ..own() };
            assert!(read("127.0.0.1:1", args).is_err(), "{bad}");
        }
        let url = |url: &str| DoorArgs { public_url: Some(url.to_owned()), ..own() };
        for good in ["https://a.b", "http://a:1/", "https://[::1]:8443"] {
            assert!(read("127.0.0.1:1", url(good)).is_ok(), "{good}");
        }
        for bad in ["a.b", "ftp://a", "https://", "https://a/b", "https://a?b", "https://u@a"] {
            assert!(read("127.0.0.1:1", url(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_url_has_the_scheme_and_a_host_that_can_be_reached() {
        let local = |text: &str| text.parse().unwrap();
        let plain = read("127.0.0.1:0", DoorArgs::default()).unwrap();
        assert_eq!(plain.url(local("127.0.0.1:99")), "http://127.0.0.1:99");
        let tls = read("0.0.0.0:0", own()).unwrap();
        assert_eq!(tls.url(local("0.0.0.0:99")), "https://localhost:99");
        let args = DoorArgs { public_url: Some("https://a.b/".to_owned()), ..own() };
        assert_eq!(read("0.0.0.0:0", args).unwrap().url(local("0.0.0.0:99")), "https://a.b");
    }

    #[test]
    fn no_rate_is_said_by_zero() {
        let rate = |n| {
            let args = DoorArgs { requests_per_second: n, ..DoorArgs::default() };
            read("127.0.0.1:1", args).unwrap().requests_per_second.map(NonZeroU32::get)
        };
        assert_eq!(rate(None), Some(server::REQUESTS_PER_SECOND_DEFAULT));
        assert_eq!((rate(Some(0)), rate(Some(7))), (None, Some(7)));
    }
}
