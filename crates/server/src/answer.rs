//! The way of a request, in its fixed order.
//!
//! ```text
//! route -> sizes -> token -> rate -> version, generation -> body -> handler -> headers, log, metrics
//! ```
//!
//! A handler that changes something runs in a task of its own: a client that goes away does not
//! cut it in half. Next to read: `respond` for headers and log lines.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, Uri, request::Parts},
    response::Response,
};
use bytes::Bytes;
use futures::FutureExt;
use http_body_util::{BodyExt, Limited};
use hyper::upgrade::OnUpgrade;
use wire::{
    ApiError, ApiVersion, Dialect, ErrorCode, QUERY_BYTES_MAX, Query, check_generation,
    request::CallFault,
};

use crate::{
    address,
    app::App,
    authentication::authenticate,
    call::Call,
    limits::{BODY_BYTES_MAX, BODY_TIME, HEADER_BYTES_MAX, REQUEST_TIME, URI_BYTES_MAX},
    operations::{Family, Handler, Operation, Served, is_known},
    operator::{ByOperator, OperatorCall},
    rates::Asker,
    reply::{Answer, Failure, Reply, internal},
    request_id,
    respond::{Told, log, respond},
    serve::Peer,
};

/// What a request was routed to.
pub(crate) enum Asked {
    /// A row of the table, with the parts of the path.
    Operation(&'static Operation, Vec<(String, String)>),
    /// A path of the table, with a method it does not have.
    WrongMethod,
    /// No path of the table.
    Unknown,
}

/// A request of IAM or of the server itself: no token, no version.
pub(crate) struct OpenCall {
    pub(crate) app: Arc<App>,
    pub(crate) base_url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) request_id: String,
    pub(crate) peer: Option<Peer>,
}

/// Whom a token turned out to be, for the log.
type Who = Arc<OnceLock<String>>;

/// A request that turns its connection into a stream of its own, with a token in its query.
pub(crate) struct UpgradeCall {
    pub(crate) app: Arc<App>,
    /// What the path names.
    pub(crate) id: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    /// None when the connection cannot be switched.
    pub(crate) upgrade: Option<OnUpgrade>,
}

/// Answers a request.
pub(crate) async fn answer(app: Arc<App>, asked: Asked, request: Request) -> Response {
    let began = app.config.clock.monotonic();
    let (parts, body) = request.into_parts();
    let request_id = request_id::of(&parts.headers, &*app.config.entropy);
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let operation = match &asked {
        Asked::Operation(operation, _) => Some(*operation),
        Asked::WrongMethod | Asked::Unknown => None,
    };
    let (peer, who) = (parts.extensions.get::<Peer>().copied(), Who::default());
    let reply = match faulted(&app, operation, &request_id).await {
        Some(reply) => {
            let _ = read_body(&method, body).await;
            reply
        }
        None => {
            let who = Arc::clone(&who);
            let work = route(Arc::clone(&app), asked, parts, body, request_id.clone(), who);
            match caught(work).await {
                Ok(reply) => reply,
                Err(failure) => of_failure(&failure, Dialect::of_path(&path), &request_id),
            }
        }
    };
    let took = app.config.clock.monotonic().saturating_sub(began);
    app.metrics.observe(operation, reply.status, took);
    let who = who.get().map(String::as_str);
    log(&Told { method: &method, path: &path, operation, peer, who, took }, &reply, &request_id);
    respond(reply, &request_id, app.config.strict_transport)
}

/// A panic is an answer too. Its hook has logged where; the answer only says that it happened.
async fn caught(work: impl Future<Output = Answer>) -> Answer {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(internal().into()))
}

fn of_failure(failure: &Failure, dialect: Dialect, request_id: &str) -> Reply {
    let reply = of_error(&failure.error, dialect, request_id);
    Reply { retry_after: failure.retry_after, ..reply }
}

fn of_error(error: &ApiError, dialect: Dialect, request_id: &str) -> Reply {
    let body = serde_json::to_vec(&error.body_as(dialect, request_id)).unwrap_or_default();
    let status =
        StatusCode::from_u16(error.status_as(dialect)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Reply { status, body: body.into(), ..Reply::empty() }
}

async fn route(
    app: Arc<App>,
    asked: Asked,
    parts: Parts,
    body: Body,
    request_id: String,
    who: Who,
) -> Answer {
    check_sizes(&parts.uri, &parts.headers)?;
    let (operation, params) = match asked {
        Asked::Operation(operation, params) => (operation, params),
        Asked::WrongMethod => return Err(wrong_method(&parts.method).into()),
        Asked::Unknown => return Err(unknown(parts.uri.path()).into()),
    };
    let body = read_body(&parts.method, body).await;
    match operation.served {
        Served::NotYet => {
            Err(ApiError::not_implemented(&format!("The operation {}", operation.name)).into())
        }
        Served::Open(handler) => {
            let peer = parts.extensions.get::<Peer>().copied();
            turn(&app, peer.map(Asker::of_peer))?;
            let base_url = address::base_url(&app.config, &parts.uri, &parts.headers);
            let headers = parts.headers;
            handler(OpenCall { app, base_url, headers, body: body?, request_id, peer }).await
        }
        Served::Upgraded(handler) => {
            let query = Query::parse(parts.uri.query().unwrap_or_default(), QUERY_BYTES_MAX)?;
            let id = params.into_iter().map(|(_, value)| value).next().unwrap_or_default();
            let mut parts = parts;
            let upgrade = parts.extensions.remove::<OnUpgrade>();
            handler(UpgradeCall { app, id, query, headers: parts.headers, upgrade }).await
        }
        Served::ByOperator(handler) => {
            if parts.extensions.get::<ByOperator>().is_none() {
                return Err(not_the_operator().into());
            }
            handler(OperatorCall { app, params, body: body? }).await
        }
        Served::By(family, handler) => {
            let method = parts.method.clone();
            let call = checked(app, family, params, parts, &request_id, &who).await;
            let call = Call { body: body?, ..call? };
            run(&method, handler, call).await
        }
    }
}

fn not_the_operator() -> ApiError {
    let message = "This is the operator's. Ask through operator.sock in the data directory, or \
                   with `ectype clock` and `ectype fault`.";
    ApiError::new(ErrorCode::NotAuthorized, message)
}

/// What a fault makes of a call: nothing, a delay, or its answer.
async fn faulted(app: &App, operation: Option<&Operation>, request_id: &str) -> Option<Reply> {
    let operation = operation.filter(|o| !o.is_operators())?;
    let fault = app.faults.take(operation.name)?;
    tracing::info!(operation = operation.name, ?fault, "a fault was asked for");
    let message = "The operator of this region asked for this failure.";
    let (code, retry_after) = match fault {
        CallFault::Delay(by) => {
            tokio::time::sleep(by).await;
            return None;
        }
        CallFault::TooMany(seconds) => (ErrorCode::RateLimitExceeded, Some(seconds)),
        CallFault::Internal => (ErrorCode::InternalError, None),
        CallFault::Unavailable => (ErrorCode::BackendServiceUnavailable, None),
    };
    let dialect = Dialect::of_path(operation.path);
    let reply = of_error(&ApiError::new(code, message), dialect, request_id);
    Some(Reply { retry_after, ..reply })
}

/// Takes the turn of whoever asks.
fn turn(app: &App, asker: Option<Asker>) -> Result<(), Failure> {
    let Some(asker) = asker else { return Ok(()) };
    let now = app.config.clock.monotonic();
    app.rates.request(&asker, now).map_err(Failure::too_many)
}

/// Token and rate, then version and generation.
async fn checked(
    app: Arc<App>,
    family: Family,
    params: Vec<(String, String)>,
    parts: Parts,
    request_id: &str,
    who: &Who,
) -> Result<Call, Failure> {
    let peer = parts.extensions.get::<Peer>().copied();
    let mut ctx = authenticate(&app.control, &parts.headers, peer, request_id).await?;
    let _ = who.set(ctx.caller.principal.to_string());
    // Calls of the operator's socket have no peer: what tests and tools do there is not limited.
    let asker = peer.map(|_| Asker::of_principal(&ctx.caller.account, &ctx.caller.principal));
    turn(&app, asker)?;
    let query = Query::parse(parts.uri.query().unwrap_or_default(), QUERY_BYTES_MAX)?;
    let version = match family {
        Family::Vpc => {
            let today = app.config.clock.wall().date();
            let version = ApiVersion::parse(query.get("version"), &today)?;
            check_generation(query.get("generation"))?;
            version
        }
        Family::Platform | Family::Extension => ApiVersion::newest(),
    };
    ctx.api_version = version.to_string();
    let base_url = address::base_url(&app.config, &parts.uri, &parts.headers);
    let body = Bytes::new();
    Ok(Call { app, ctx, version, base_url, query, params, headers: parts.headers, body })
}

async fn run(method: &Method, handler: Handler, call: Call) -> Answer {
    let work = async move {
        let limited = tokio::time::timeout(REQUEST_TIME, handler(call)).await;
        limited.unwrap_or_else(|_| Err(timeout().into()))
    };
    if method == Method::GET || method == Method::HEAD {
        return work.await;
    }
    match tokio::spawn(work).await {
        Ok(answer) => answer,
        Err(_) => Err(internal().into()),
    }
}

fn check_sizes(uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
    let length = uri.path().len() + uri.query().map_or(0, str::len);
    if length > URI_BYTES_MAX {
        return Err(ApiError::new(
            ErrorCode::UriTooLong,
            format!("The path and query are longer than {URI_BYTES_MAX} bytes."),
        ));
    }
    let size: usize = headers.iter().map(|(n, v)| n.as_str().len() + v.len()).sum();
    if size > HEADER_BYTES_MAX {
        return Err(ApiError::new(
            ErrorCode::HeadersTooLarge,
            format!("The headers are larger than {HEADER_BYTES_MAX} bytes."),
        ));
    }
    Ok(())
}

/// The body of a request, also of one that is refused: a connection whose bytes were left would be
/// closed, and the client's next request with it.
async fn read_body(method: &Method, body: Body) -> Result<Bytes, ApiError> {
    if method == Method::GET || method == Method::HEAD || method == Method::DELETE {
        return Ok(Bytes::new());
    }
    let read = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIME, read).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(ApiError::new(
            ErrorCode::RequestTooLarge,
            format!("The body is larger than {BODY_BYTES_MAX} bytes."),
        )),
        Ok(Err(_)) => Err(ApiError::new(ErrorCode::BadRequest, "The body could not be read.")),
        Err(_) => Err(timeout()),
    }
}

fn timeout() -> ApiError {
    ApiError::new(ErrorCode::RequestTimeout, "The request took too long.")
}

fn wrong_method(method: &Method) -> ApiError {
    ApiError::new(
        ErrorCode::MethodNotAllowed,
        format!("This path does not have the method {method}."),
    )
}

fn unknown(path: &str) -> ApiError {
    if is_known(path) {
        return ApiError::not_implemented("This path of IBM's API");
    }
    ApiError::new(ErrorCode::InvalidRoute, "Nothing is served at this path.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_internal_error_in_shape() {
        let failure = caught(async { panic!("a broken promise") }).await.unwrap_err();
        let reply = of_failure(&failure, Dialect::Vpc, "trace-1");
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        assert!(text.contains(r#""code":"internal_error""#) && text.contains("trace-1"));
        assert!(!text.contains("broken promise"));
    }
}
