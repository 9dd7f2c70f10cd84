//! What every answer has: its headers, and one line in the access log.
//!
//! The log line has no body, no query and no header but the id, so no secret: tokens and API keys
//! travel in nothing else.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};

use crate::{operations::Operation, reply::Reply, serve::Peer};

/// Longest path in a log line, in characters.
const PATH_CHARS_MAX: usize = 256;

/// The same on every answer: nothing is cached but what says so, nothing framed, sniffed or run.
const FIXED: [(HeaderName, &str); 8] = [
    (header::CACHE_CONTROL, "no-cache, no-store"),
    (header::PRAGMA, "no-cache"),
    (header::EXPIRES, "0"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
/// A year, as usual.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// What a log line says of a request.
pub(crate) struct Told<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) operation: Option<&'static Operation>,
    pub(crate) peer: Option<Peer>,
    /// IAM id.
    pub(crate) who: Option<&'a str>,
    pub(crate) took: Duration,
}

/// One line for each request.
pub(crate) fn log(told: &Told<'_>, reply: &Reply, request_id: &str) {
    let path = told.path.chars().take(PATH_CHARS_MAX).filter(|c| !c.is_control());
    tracing::info!(
        target: "ectype::access",
        request_id,
        method = %told.method,
        path = path.collect::<String>(),
        operation = told.operation.map_or("none", |o| o.name),
        peer = told.peer.map(|peer| peer.0.ip().to_string()).unwrap_or_default(),
        iam_id = told.who.unwrap_or_default(),
        status = reply.status.as_u16(),
        bytes = reply.body.len(),
        micros = u64::try_from(told.took.as_micros()).unwrap_or(u64::MAX),
    );
}

/// The answer with its headers.
pub(crate) fn respond(reply: Reply, request_id: &str, strict_transport: bool) -> Response {
    let empty = matches!(reply.status, StatusCode::NO_CONTENT | StatusCode::SWITCHING_PROTOCOLS);
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    every(headers, request_id, strict_transport);
    if let Some(cache) = reply.cache {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.remove(header::PRAGMA);
        headers.remove(header::EXPIRES);
    }
    if !empty {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    if let Some(etag) = reply.etag.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
        headers.insert(header::ETAG, etag);
    }
    if let Some(seconds) = reply.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(total) = reply.key_total {
        headers.insert("key-total", HeaderValue::from(total));
    }
    if let Some(accept) = reply.websocket {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if reply.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The headers that do not depend on the answer.
fn every(headers: &mut HeaderMap, request_id: &str, strict_transport: bool) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", id.clone());
        headers.insert("x-correlation-id", id.clone());
        headers.insert("transaction-id", id);
    }
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if strict_transport {
        let value = HeaderValue::from_static(STRICT_TRANSPORT);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_forbids_caching_framing_and_sniffing() {
        let headers = |strict| respond(Reply::empty(), "r-1", strict).headers().clone();
        let seen = headers(false);
        for (name, value) in FIXED {
            assert_eq!(seen[name], value);
        }
        assert_eq!(seen["x-request-id"], "r-1");
        assert!(!seen.contains_key(header::STRICT_TRANSPORT_SECURITY));
        assert_eq!(headers(true)[header::STRICT_TRANSPORT_SECURITY], STRICT_TRANSPORT);
    }
}
