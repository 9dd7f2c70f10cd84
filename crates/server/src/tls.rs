//! TLS: a certificate and its key from PEM, and handshakes that end in bounded time.
//!
//! It refuses to know where certificates come from. One provider does the cryptography of the
//! whole program: aws-lc. A client that speaks plain HTTP to a TLS port is told so in words.

use std::{io, sync::Arc};

use base::ErrorKind;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::limits::HANDSHAKE_TIME;

/// What a client of plain HTTP reads.
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\ncontent-length: 37\r\nconnection: close\r\n\r\n\
    This region speaks HTTPS: use https.\n";

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate in the chain.
    #[error("no certificate in PEM")]
    NoCertificate,
    /// The chain cannot be read.
    #[error("the certificates cannot be read")]
    Certificate {
        /// Why.
        source: pem::Error,
    },
    /// The key cannot be read.
    #[error("the private key cannot be read")]
    Key {
        /// Why.
        source: pem::Error,
    },
    /// The key is not the certificate's, or one of them is of a kind that is not served.
    #[error("the certificate and the private key cannot be used")]
    Refused {
        /// Why.
        source: rustls::Error,
    },
}

impl TlsError {
    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// A certificate with its key, ready to serve. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(..)")
    }
}

impl Tls {
    /// From the chain of a certificate, its own first, and its private key, both PEM.
    ///
    /// # Errors
    /// What cannot be read, or does not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| TlsError::Certificate { source })?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|source| TlsError::Key { source })?;
        let refused = |source| TlsError::Refused { source };
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(refused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// The handshake of a new connection; none when there is nothing to speak to.
    pub(crate) async fn greet(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let greeted = tokio::time::timeout(HANDSHAKE_TIME, self.shake(stream)).await;
        let error = match greeted {
            Ok(Ok(stream)) => return stream,
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        tracing::debug!(%error, "a TLS handshake failed");
        None
    }

    async fn shake(&self, mut stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        let mut first = [0];
        // A handshake begins with 0x16, a request of HTTP with a capital letter.
        if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
            stream.write_all(PLAIN_ANSWER).await?;
            stream.shutdown().await?;
            return Ok(None);
        }
        self.acceptor.accept(stream).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_or_no_key_is_said() {
        assert!(matches!(Tls::from_pem(b"", b""), Err(TlsError::NoCertificate)));
        let cut = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        assert!(matches!(Tls::from_pem(cut, b""), Err(TlsError::Certificate { .. })));
        let odd = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(Tls::from_pem(odd, b"x"), Err(TlsError::Key { .. })));
    }

    #[test]
    fn the_plain_answer_is_as_long_as_it_says() {
        let text = std::str::from_utf8(PLAIN_ANSWER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
