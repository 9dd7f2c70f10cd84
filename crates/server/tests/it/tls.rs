//! TLS: handshakes with a certificate of the tests' own.

use std::{sync::Arc, time::Duration};

use ectype_server::{ConnectionLimits, HANDSHAKE_TIME, Tls, TlsError};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::serving::{GET_AND_CLOSE, LONG, Served, rest, send, served_by};

/// For `localhost` and 127.0.0.1, for a hundred years.
const CERTIFICATE: &[u8] = include_bytes!("keys/tls.pem");
const KEY: &[u8] = include_bytes!("keys/tls.key");

async fn served() -> Served {
    let tls = Tls::from_pem(CERTIFICATE, KEY).unwrap();
    served_by(Some(tls), ConnectionLimits::default()).await
}

/// A client that believes the certificate and wants that name in it.
async fn connect(served: &Served, name: &'static str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(served.address).await.unwrap();
    let name = ServerName::try_from(name).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn a_client_that_believes_the_certificate_is_answered() {
    let served = served().await;
    for name in ["localhost", "127.0.0.1"] {
        let mut stream = connect(&served, name).await.unwrap();
        stream.write_all(GET_AND_CLOSE).await.unwrap();
        let mut text = String::new();
        // Whether the end comes with a close_notify is not what this is about.
        let _ = tokio::time::timeout(LONG, stream.read_to_string(&mut text)).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }
    assert!(connect(&served, "other.example").await.is_err());
}

#[tokio::test]
async fn a_client_of_plain_http_is_told() {
    let served = served().await;
    let said = rest(&mut send(served.address, GET_AND_CLOSE).await).await;
    assert!(said.starts_with("HTTP/1.1 400") && said.contains("HTTPS"), "{said}");
}

#[tokio::test]
async fn what_is_no_handshake_ends_and_others_are_served() {
    let served = served().await;
    let mut odd = send(served.address, &[0x16, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]).await;
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(LONG, odd.read_to_end(&mut bytes)).await.unwrap();
    assert!(connect(&served, "localhost").await.is_ok());
    assert!(HANDSHAKE_TIME < Duration::from_secs(30), "a silent client does not stay");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let other = include_bytes!("keys/tls_other.key");
    assert!(matches!(Tls::from_pem(CERTIFICATE, other), Err(TlsError::Refused { .. })));
    assert!(matches!(Tls::from_pem(CERTIFICATE, CERTIFICATE), Err(TlsError::Key { .. })));
    assert!(format!("{:?}", Tls::from_pem(CERTIFICATE, KEY).unwrap()).len() < 16);
}
