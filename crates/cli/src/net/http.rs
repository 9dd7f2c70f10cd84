//! Requests, one after another, over connections that are kept; repeated with growing pauses as
//! IBM's SDKs repeat them.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    io::Write,
    time::Duration,
};

use base::{Clock, SystemClock};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{HeaderMap, Method, Request, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::Runtime,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Address, Trust};
use crate::failure::{Failure, Outcome};

/// Largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How often a request is repeated, as IBM's SDKs do.
const RETRIES_MAX: u32 = 4;
/// The first pause, and the longest.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A stream that HTTP goes over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How a run talks.
#[derive(Debug)]
pub(crate) struct HttpSettings {
    pub trust: Trust,
    /// How long one answer may take.
    pub patience: Duration,
    /// Where requests are noted, without secrets.
    pub trace: Option<Trace>,
}

/// Where requests are noted.
#[derive(Debug)]
pub(crate) enum Trace {
    Stderr,
    File(std::path::PathBuf),
}

/// A request.
#[derive(Clone)]
pub(crate) struct Ask {
    pub method: Method,
    pub address: Address,
    /// With its query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An answer, whole.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer.
enum NoAnswer {
    /// The connection was an old one, and had been closed.
    Stale,
    Failed(Failure),
}

/// The client.
pub(crate) struct Http {
    runtime: Runtime,
    settings: HttpSettings,
    tls: OnceCell<TlsConnector>,
    idle: RefCell<HashMap<Address, SendRequest<Full<Bytes>>>>,
    clock: SystemClock,
}

impl Http {
    pub fn new(settings: HttpSettings) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::plain(format!("cannot begin: {error}")))?;
        let (tls, idle) = (OnceCell::new(), RefCell::default());
        Ok(Self { runtime, settings, tls, idle, clock: SystemClock::new() })
    }

    /// What runs the rest.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Asks until there is an answer that is not "later", or patience ends.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn ask(&self, ask: &Ask) -> Outcome<Answer> {
        let mut pause = PAUSE_FIRST;
        for _ in 0..RETRIES_MAX {
            let answer = self.once(ask)?;
            if !is_later(&ask.method, answer.status) {
                return Ok(answer);
            }
            let told = answer.headers.get(header::RETRY_AFTER);
            let told = told.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let wait = told.map_or(pause, Duration::from_secs).min(PAUSE_MAX);
            self.runtime.block_on(async { tokio::time::sleep(wait).await });
            pause = (pause * 2).min(PAUSE_MAX);
        }
        self.once(ask)
    }

    fn once(&self, ask: &Ask) -> Outcome<Answer> {
        let began = self.clock.monotonic();
        let answer = self.runtime.block_on(async {
            match timeout(self.settings.patience, self.exchange(ask)).await {
                Ok(answer) => answer,
                Err(_) => Err(Failure::hinted(
                    format!(
                        "{} did not answer within {} s.",
                        ask.address,
                        self.settings.patience.as_secs()
                    ),
                    "wait longer with IBMCLOUD_HTTP_TIMEOUT=SECONDS",
                )),
            }
        });
        let took = self.clock.monotonic().saturating_sub(began);
        self.note(ask, answer.as_ref().ok().map(|answer| answer.status), took);
        answer
    }

    /// Notes a request: no header, no body, and of the query only that it is there.
    fn note(&self, ask: &Ask, status: Option<u16>, took: Duration) {
        let Some(trace) = &self.settings.trace else { return };
        let path = ask.path.split('?').next().unwrap_or_default();
        let status = status.map_or("no answer".to_owned(), |status| status.to_string());
        let line =
            format!("{} {}{path} -> {status}, {} ms\n", ask.method, ask.address, took.as_millis());
        // A trace that cannot be written must not fail the command.
        let _ = match trace {
            Trace::Stderr => std::io::stderr().write_all(line.as_bytes()),
            Trace::File(file) => {
                let opened = std::fs::File::options().create(true).append(true).open(file);
                opened.and_then(|mut file| file.write_all(line.as_bytes()))
            }
        };
    }

    async fn exchange(&self, ask: &Ask) -> Outcome<Answer> {
        let kept = self.idle.borrow_mut().remove(&ask.address).filter(|kept| !kept.is_closed());
        if let Some(kept) = kept {
            match self.send(kept, ask, true).await {
                Err(NoAnswer::Stale) => {}
                Err(NoAnswer::Failed(failure)) => return Err(failure),
                Ok(answer) => return Ok(answer),
            }
        }
        let fresh = self.connect(&ask.address).await?;
        match self.send(fresh, ask, false).await {
            Ok(answer) => Ok(answer),
            Err(NoAnswer::Failed(failure)) => Err(failure),
            Err(NoAnswer::Stale) => Err(unreachable(&ask.address, "the connection was closed")),
        }
    }

    async fn send(
        &self,
        mut to: SendRequest<Full<Bytes>>,
        ask: &Ask,
        kept: bool,
    ) -> Result<Answer, NoAnswer> {
        let failed = |error: String| NoAnswer::Failed(unreachable(&ask.address, &error));
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(ask.address.path(&ask.path))
            .header(header::HOST, ask.address.authority())
            .header(header::USER_AGENT, concat!("ectype/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(ask.body.clone()))
            .map_err(|error| failed(error.to_string()))?;
        request.headers_mut().extend(ask.headers.clone());
        to.ready()
            .await
            .map_err(|error| if kept { NoAnswer::Stale } else { failed(said(&error)) })?;
        let answer = match to.send_request(request).await {
            Ok(answer) => answer,
            Err(error) if kept && (error.is_canceled() || error.is_incomplete_message()) => {
                return Err(NoAnswer::Stale);
            }
            Err(error) => return Err(failed(said(&error))),
        };
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| failed(error.to_string()))?.to_bytes();
        self.idle.borrow_mut().insert(ask.address.clone(), to);
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    async fn connect(&self, address: &Address) -> Outcome<SendRequest<Full<Bytes>>> {
        let stream = self.stream(address).await?;
        let made = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (send, connection) = made.map_err(|error| unreachable(address, &said(&error)))?;
        // What goes wrong there is told by the request that waits for it.
        tokio::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(send)
    }

    /// A stream to an address, through TLS where it says so.
    pub async fn stream(&self, address: &Address) -> Outcome<Box<dyn Stream>> {
        let to = (address.bare_host(), address.port);
        let tcp = TcpStream::connect(to).await.map_err(|error| {
            let why = match error.kind() {
                std::io::ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
                _ => error.to_string(),
            };
            unreachable(address, &why)
        })?;
        // A delay for full packets would only cost time.
        let _ = tcp.set_nodelay(true);
        if !address.tls {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::try_from(address.bare_host().to_owned())
            .map_err(|_| unreachable(address, "that is no name of a server"))?;
        let stream = self.connector()?.connect(name, tcp).await.map_err(|error| {
            Failure::hinted(
                format!("Cannot trust {address}: {error}."),
                "name the region's CA in ECTYPE_CA_FILE; `ectype env` prints it",
            )
        })?;
        Ok(Box::new(stream))
    }

    fn connector(&self) -> Outcome<TlsConnector> {
        if let Some(made) = self.tls.get() {
            return Ok(made.clone());
        }
        let made = TlsConnector::from(self.settings.trust.config()?);
        Ok(self.tls.get_or_init(|| made).clone())
    }
}

/// A `POST` that may have done something is not repeated; one that was turned away is.
fn is_later(method: &Method, status: u16) -> bool {
    match status {
        429 | 503 => true,
        500 | 502 | 504 => method != Method::POST,
        _ => false,
    }
}

fn unreachable(address: &Address, why: &str) -> Failure {
    Failure::hinted(
        format!("Cannot reach {address}: {why}."),
        "is the region running? `ectype status` says so; `ectype serve` starts one",
    )
}

/// An error of hyper with its causes.
fn said(error: &hyper::Error) -> String {
    base::error_chain(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_happened_is_not_asked_twice() {
        assert!(is_later(&Method::POST, 429) && is_later(&Method::POST, 503));
        assert!(!is_later(&Method::POST, 500) && is_later(&Method::GET, 500));
        assert!(!is_later(&Method::GET, 501) && !is_later(&Method::GET, 404));
    }
}
