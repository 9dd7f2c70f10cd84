//! Connections: accepted up to a cap, limited in time and size, and drained at the end.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tower::ServiceExt;

use crate::{
    limits::{
        CONNECTIONS_MAX, DRAIN_TIME, HEAD_BUFFER_BYTES, HEADER_TIME, HEADERS_MAX, WRITE_TIME,
    },
    operator::ByOperator,
    patience::Patient,
    tls::Tls,
};

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Most open connections; more wait to be accepted.
    pub connections_max: usize,
    /// How long a client may take to send a request head; also ends idle connections.
    pub header_time: Duration,
    /// How long a client may leave what is written to it unread.
    pub write_time: Duration,
    /// How long a stopping server waits for requests that are being answered.
    pub drain_time: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            header_time: HEADER_TIME,
            write_time: WRITE_TIME,
            drain_time: DRAIN_TIME,
        }
    }
}

/// Serves `router` on `listener`, by TLS if a certificate is given, until `shutdown` is there;
/// then no connection is accepted, open ones finish the request they are in, and after
/// [`DRAIN_TIME`] the rest is cut.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    serve_within(listener, tls, router, shutdown, ConnectionLimits::default()).await
}

/// As [`serve`], with limits of the caller's.
///
/// # Errors
/// As [`serve`].
pub async fn serve_within(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
    limits: ConnectionLimits,
) -> std::io::Result<()> {
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // INVARIANT: the semaphore is never closed.
        let room = Arc::clone(&room).acquire_owned();
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = async { (room.await, listener.accept().await) } => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            (Ok(permit), Ok((stream, peer))) => {
                let (tls, router, stopped) = (tls.clone(), router.clone(), stopped.clone());
                connections.spawn(async move {
                    let _ = stream.set_nodelay(true);
                    match tls {
                        None => connection(stream, peer, router, stopped, limits).await,
                        Some(tls) => {
                            if let Some(stream) = tls.greet(stream).await {
                                connection(stream, peer, router, stopped, limits).await;
                            }
                        }
                    }
                    drop(permit);
                });
            }
            (_, Err(error)) if is_passing(&error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            (_, Err(error)) => return Err(error),
            (Err(_), Ok(_)) => break,
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain_time, drained).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
    connections.shutdown().await;
    Ok(())
}

/// Errors of one connection, or of a moment without file descriptors.
fn is_passing(error: &std::io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionAborted
            | std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::ConnectionRefused
            | std::io::ErrorKind::Interrupted
            | std::io::ErrorKind::WouldBlock
    ) || matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

/// HTTP as every connection of a region speaks it.
fn http(header_time: Duration) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(HEAD_BUFFER_BYTES)
        .max_headers(HEADERS_MAX);
    http
}

/// Serves one connection of the operator, whose other end was checked by the caller.
pub async fn serve_operator<S>(stream: S, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ByOperator);
        router.clone().oneshot(request.map(Body::new))
    });
    let serving = http(HEADER_TIME).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = serving.await {
        tracing::debug!(%error, "a connection of the operator ended early");
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    mut stopped: watch::Receiver<bool>,
    limits: ConnectionLimits,
) {
    let stream = TokioIo::new(Patient::new(stream, limits.write_time));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request.map(Body::new))
    });
    let serving = http(limits.header_time).serve_connection(stream, service).with_upgrades();
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = async { drop(stopped.wait_for(|stop| *stop).await) } => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
