//! TLS of the region's door: certificates of the operator's, or a CA of the region's own.
//!
//! | path in the data directory | what |
//! |---|---|
//! | `tls/ca.pem`, `tls/ca.key` | the region's CA; made once, made anew near its end |
//! | `tls/server.pem`, `tls/server.key` | the certificate of the running server; made at each start |
//! | `tls/bundle.pem` | the system's CAs and the region's, for programs that read one file only |
//!
//! It refuses to know HTTP. Its invariant: a private key is only ever in a file for its owner.
//!
//! Next to read: `settings` for what may be chosen, `certificate` for what is made.

mod authority;
mod certificate;
mod der;
mod pem;
mod settings;

pub use settings::{DoorArgs, DoorFile, DoorSettings, TlsChoice};

use std::{
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

use anyhow::Context;
use base::{Clock, Entropy, OsEntropy, SystemClock};

use crate::data_dir::DataDir;

/// What `ectype env` names when the region has a CA of its own.
pub const CA: &str = "tls/ca.pem";
/// The same together with the system's CAs.
pub const BUNDLE: &str = "tls/bundle.pem";
/// Largest certificate or key file, in bytes.
const PEM_BYTES_MAX: u64 = 1 << 20;
/// Where systems keep the CAs that they trust.
const SYSTEM_CAS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Opens what the settings choose; none for plain HTTP.
///
/// # Errors
/// Files that cannot be read, or do not belong together.
pub fn open(
    choice: &TlsChoice,
    data: &DataDir,
    listen: SocketAddr,
) -> anyhow::Result<Option<server::Tls>> {
    if !matches!(choice, TlsChoice::SelfSigned { .. }) {
        // What is left there is not what this server shows.
        let _ = std::fs::remove_file(data.path(BUNDLE));
    }
    match choice {
        TlsChoice::None => Ok(None),
        TlsChoice::Files { certificate, key } => {
            let doing =
                || format!("--tls-cert {} --tls-key {}", certificate.display(), key.display());
            let chain = read(certificate)?;
            warn_if_open(key);
            let tls = server::Tls::from_pem(&chain, &read(key)?).with_context(doing)?;
            Ok(Some(tls))
        }
        TlsChoice::SelfSigned { names } => self_signed(data, names, listen).map(Some),
    }
}

fn self_signed(data: &DataDir, more: &[String], listen: SocketAddr) -> anyhow::Result<server::Tls> {
    let (entropy, now) = (&OsEntropy as &dyn Entropy, SystemClock::new().wall());
    let folder = data.path("tls");
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("make {}", folder.display()))?;
    let ca = authority::open_or_make(data, entropy, now).context("the region's CA")?;
    let names = authority::names(more, listen);
    let server = ca.issue(&names, entropy, now).context("make the server's certificate")?;
    data.write("tls/server.pem", server.certificate.as_bytes())?;
    data.write("tls/server.key", server.key.as_bytes())?;
    let mut bundle = system_cas();
    bundle.extend_from_slice(ca.pem().as_bytes());
    data.write(BUNDLE, &bundle)?;
    tracing::info!(ca = %data.path(CA).display(), ?names, "TLS by a CA of the region's own");
    let chain = server.certificate.as_bytes();
    server::Tls::from_pem(chain, server.key.as_bytes()).context("use the server's certificate")
}

/// The system's CAs, if it has any.
fn system_cas() -> Vec<u8> {
    let found = SYSTEM_CAS.iter().find_map(|path| std::fs::read(path).ok());
    let mut cas = found.unwrap_or_default();
    if !cas.is_empty() && !cas.ends_with(b"\n") {
        cas.push(b'\n');
    }
    cas
}

fn read(path: &Path) -> anyhow::Result<zeroize::Zeroizing<Vec<u8>>> {
    let doing = || format!("read {}", path.display());
    let length = std::fs::metadata(path).with_context(doing)?.len();
    anyhow::ensure!(length <= PEM_BYTES_MAX, "{} is too long", path.display());
    Ok(std::fs::read(path).with_context(doing)?.into())
}

fn warn_if_open(key: &Path) {
    if std::fs::metadata(key).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0) {
        tracing::warn!("{} is a private key that others may read: chmod 600 it", key.display());
    }
}
