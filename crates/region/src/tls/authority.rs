//! The region's own CA: kept in its data directory, and what it certifies.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base::{Entropy, Timestamp};
use zeroize::Zeroizing;

use super::{
    CA,
    certificate::{Draft, Subject, is_of, is_valid_at, key_generate},
    pem,
};
use crate::data_dir::DataDir;

const DAY: Duration = Duration::from_secs(86_400);
/// Life of the CA.
const CA_DAYS: u32 = 3_650;
/// Life of a server's certificate: some clients take no more than 825 days.
pub const SERVER_DAYS: u32 = 820;
/// Clocks of clients may be behind.
const EARLY_DAYS: u32 = 1;

const CERTIFICATE: &str = "CERTIFICATE";
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// The CA.
pub struct Authority {
    pair: EcdsaKeyPair,
    pem: String,
}

/// A certificate with its key, both PEM.
pub struct Issued {
    pub certificate: String,
    pub key: Zeroizing<String>,
}

/// Opens the CA of a data directory; makes one when there is none, or when it ends before a
/// certificate of today would.
pub fn open_or_make(
    data: &DataDir,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> anyhow::Result<Authority> {
    if let Some(kept) = open(data, now)? {
        return Ok(kept);
    }
    let pair = key_generate().context("make a key")?;
    let der = Draft {
        subject: Subject::Authority,
        public: pair.public_key().as_ref(),
        issuer: &pair,
        serial: serial(entropy),
        not_before: early(now),
        not_after: now.plus(DAY * CA_DAYS),
    };
    let text = pem::write(CERTIFICATE, &der.sign().context("sign")?).to_string();
    let key = pair.to_pkcs8v1().context("write the key")?;
    data.write("tls/ca.key", pem::write(PRIVATE_KEY, key.as_ref()).as_bytes())?;
    data.write(CA, text.as_bytes())?;
    Ok(Authority { pair, pem: text })
}

fn open(data: &DataDir, now: Timestamp) -> anyhow::Result<Option<Authority>> {
    let (key, certificate) = (data.path("tls/ca.key"), data.path(CA));
    if !key.exists() || !certificate.exists() {
        return Ok(None);
    }
    let wrong = || format!("{} cannot be read: remove tls/ to make a new CA", key.display());
    let key = Zeroizing::new(std::fs::read_to_string(&key).with_context(wrong)?);
    let key = pem::read(PRIVATE_KEY, &key).with_context(wrong)?;
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key).with_context(wrong)?;
    let text = std::fs::read_to_string(&certificate).with_context(wrong)?;
    let der = pem::read(CERTIFICATE, &text).with_context(wrong)?;
    let lasts = is_valid_at(&der, now.plus(DAY * SERVER_DAYS));
    // Two files are not written at once: a key of one CA beside the other's certificate.
    let whole = is_of(&der, pair.public_key().as_ref());
    Ok((lasts && whole).then_some(Authority { pair, pem: text }))
}

fn serial(entropy: &dyn Entropy) -> [u8; 16] {
    let mut serial = [0; 16];
    entropy.fill(&mut serial);
    serial
}

fn early(now: Timestamp) -> Timestamp {
    let early = i64::try_from((DAY * EARLY_DAYS).as_micros()).unwrap_or(0);
    Timestamp::from_micros(now.micros().saturating_sub(early))
}

impl Authority {
    /// Its certificate as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server of these names, with a new key.
    pub fn issue(
        &self,
        names: &[String],
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> anyhow::Result<Issued> {
        let pair = key_generate().context("make a key")?;
        let draft = Draft {
            subject: Subject::Server(names),
            public: pair.public_key().as_ref(),
            issuer: &self.pair,
            serial: serial(entropy),
            not_before: early(now),
            not_after: now.plus(DAY * SERVER_DAYS),
        };
        let der = draft.sign().context("sign")?;
        let key = pair.to_pkcs8v1().context("write the key")?;
        Ok(Issued {
            certificate: pem::write(CERTIFICATE, &der).to_string(),
            key: pem::write(PRIVATE_KEY, key.as_ref()),
        })
    }
}

/// What a server at `listen` is called: loopback, the address it listens on, the host's name, and
/// what the operator adds.
pub fn names(more: &[String], listen: SocketAddr) -> Vec<String> {
    let mut names: Vec<_> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if !listen.ip().is_unspecified() {
        names.push(listen.ip().to_string());
    }
    let uname = rustix::system::uname();
    let host = uname.nodename().to_string_lossy();
    if super::settings::is_name(&host) {
        names.push(host.into_owned());
    }
    names.extend(more.iter().cloned());
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

#[cfg(test)]
mod tests {
    use base::{OsEntropy, SeededEntropy};

    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-24T10:00:00Z").unwrap()
    }

    fn data() -> (tempfile::TempDir, DataDir) {
        let temp = tempfile::tempdir().unwrap();
        let data = DataDir::make(temp.path()).unwrap();
        std::fs::create_dir(data.path("tls")).unwrap();
        (temp, data)
    }

    #[test]
    fn a_ca_is_kept_until_it_would_end_before_its_server() {
        let (_temp, data) = data();
        let first = open_or_make(&data, &OsEntropy, now()).unwrap();
        let again = open_or_make(&data, &OsEntropy, now()).unwrap();
        assert_eq!(first.pem(), again.pem());
        let last = now().plus(DAY * (CA_DAYS - SERVER_DAYS) - Duration::from_secs(1));
        assert_eq!(open_or_make(&data, &OsEntropy, last).unwrap().pem(), first.pem());
        let late = last.plus(Duration::from_secs(1));
        assert_ne!(open_or_make(&data, &OsEntropy, late).unwrap().pem(), first.pem());
    }

    #[test]
    fn a_key_beside_another_cas_certificate_is_not_used_and_a_broken_one_is_named() {
        let (_temp, one) = data();
        let (_temp2, two) = data();
        let first = open_or_make(&one, &OsEntropy, now()).unwrap();
        open_or_make(&two, &OsEntropy, now()).unwrap();
        std::fs::copy(two.path("tls/ca.key"), one.path("tls/ca.key")).unwrap();
        assert_ne!(open_or_make(&one, &OsEntropy, now()).unwrap().pem(), first.pem());
        std::fs::write(one.path("tls/ca.key"), "x").unwrap();
        let error = open_or_make(&one, &OsEntropy, now()).err().unwrap();
        assert!(error.to_string().contains("ca.key"), "{error:#}");
    }

    /// OpenSSL, where it is installed, believes what the CA says, at its strictest.
    #[test]
    fn openssl_accepts_the_chain() {
        let (_temp, data) = data();
        let ca = open_or_make(&data, &OsEntropy, now()).unwrap();
        let names = names(&["region.example".to_owned()], "10.1.2.3:1".parse().unwrap());
        let issued = ca.issue(&names, &SeededEntropy::new(1), now()).unwrap();
        data.write("tls/server.pem", issued.certificate.as_bytes()).unwrap();
        for (flag, name) in [
            ("-verify_hostname", "localhost"),
            ("-verify_hostname", "region.example"),
            ("-verify_ip", "127.0.0.1"),
            ("-verify_ip", "::1"),
            ("-verify_ip", "10.1.2.3"),
        ] {
            let verified = std::process::Command::new("openssl")
                .args(["verify", "-x509_strict", "-attime", "1795600800", "-CAfile"])
                .arg(data.path(CA))
                .args([flag, name])
                .arg(data.path("tls/server.pem"))
                .output();
            let Ok(verified) = verified else {
                eprintln!("skipped: openssl is not installed");
                return;
            };
            let said = String::from_utf8_lossy(&verified.stderr).into_owned();
            assert!(verified.status.success(), "{name}: {said}");
        }
    }
}
