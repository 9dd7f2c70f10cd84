//! Whom to believe: the CA of a region of ours, a bundle that is named, or the system's.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use crate::failure::{Failure, Outcome};

/// Where systems keep what they believe.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// Whom to believe.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Whoever the certificates in this file certify.
    File(PathBuf),
    /// Whoever the system believes.
    System,
    /// Anybody: the user asked for it.
    Anybody,
}

impl Trust {
    /// The client's side of TLS.
    ///
    /// # Errors
    /// A file that cannot be read, or that has no certificate.
    pub fn config(&self) -> Outcome<Arc<ClientConfig>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::plain(format!("TLS cannot be used: {error}")))?;
        let config = match self {
            Self::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unchecked(provider)))
                .with_no_client_auth(),
            Self::File(_) | Self::System => {
                builder.with_root_certificates(self.roots()?).with_no_client_auth()
            }
        };
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Outcome<RootCertStore> {
        let file = match self {
            Self::File(file) => file.clone(),
            _ => BUNDLES.iter().map(PathBuf::from).find(|file| file.exists()).ok_or_else(|| {
                Failure::hinted(
                    "This system has no list of certificates to believe.",
                    "name one in SSL_CERT_FILE",
                )
            })?,
        };
        let wrong = |why: String| {
            Failure::plain(format!("cannot read certificates in {}: {why}", file.display()))
        };
        let found: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&file)
            .map_err(|error| wrong(error.to_string()))?
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        let (good, _) = roots.add_parsable_certificates(found);
        if good == 0 {
            return Err(wrong("there is none".to_owned()));
        }
        Ok(roots)
    }
}

/// Believes any certificate; what is signed is still checked.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "nothing").unwrap();
        let error = Trust::File(file.clone()).config().unwrap_err().to_string();
        assert!(error.contains("ca.pem") && error.contains("there is none"), "{error}");
        std::fs::remove_file(file).unwrap();
        assert!(Trust::File(folder.path().join("ca.pem")).config().is_err());
        assert!(Trust::Anybody.config().is_ok());
    }
}
