//! The serial console of an instance: a token by the API, then a WebSocket.
//!
//! Bytes of the guest go out in binary messages; text and binary messages are typed. The session
//! ends when the guest is off, when another session takes the line, when nobody has typed and
//! nothing was said for [`CONSOLE_IDLE`], or when the guest does not take what was typed.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base::InstanceId;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use control::ConsoleSession;
use futures::{Sink, SinkExt, Stream, StreamExt};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_websockets::{CloseCode, Limits, Message, ServerBuilder, WebSocketStream};
use wire::{ApiError, ErrorCode, Fields, request, response};

use crate::{
    answer::UpgradeCall,
    call::Call,
    limits::{CONSOLE_IDLE, CONSOLE_MESSAGE_MAX, CONSOLE_TYPING_TIME},
    reply::{Answer, Reply},
};

/// Bytes of a guest that are sent in one message.
const SAID_BYTES: usize = 4096;
/// What RFC 6455 joins to a client's key.
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

pub(crate) async fn token_create(call: Call) -> Answer {
    let id: InstanceId = call.id("id", "instance")?;
    let body = call.json()?;
    let want = request::console_access_token(&Fields::root(&body))?;
    let token = call.control().console_token_create(&call.ctx, &id, want.force).await?;
    Reply::ok(&response::console_access_token(&call.render(), id.as_str(), &token_of(&token)))
}

fn token_of(token: &control::ConsoleToken) -> response::ConsoleTokenFacts<'_> {
    response::ConsoleTokenFacts {
        secret: &token.secret,
        created_at: token.created_at,
        expires_at: token.expires_at,
        force: token.force,
    }
}

/// Turns a connection into a session.
pub(crate) async fn open(call: UpgradeCall) -> Answer {
    let no_token = || ApiError::new(ErrorCode::TokenInvalid, "The token opens no console.");
    let accept = accept_of(&call.headers)?;
    let upgrade = call.upgrade.ok_or_else(not_a_handshake)?;
    let id = InstanceId::try_from(call.id).map_err(|_| no_token())?;
    let secret = call.query.get("access_token").unwrap_or_default().to_owned();
    let opened = call.app.control.console_open(&id, &secret).await?;
    tokio::spawn(serve(upgrade, opened.ok_or_else(no_token)?, id));
    Ok(Reply { status: StatusCode::SWITCHING_PROTOCOLS, websocket: Some(accept), ..Reply::empty() })
}

fn not_a_handshake() -> ApiError {
    ApiError::new(ErrorCode::BadRequest, "A console is opened by a WebSocket, version 13.")
}

/// The answer to a client's key; checks that the request is a handshake.
fn accept_of(headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
    let has = |name: header::HeaderName, want: &str| {
        let found = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        found.split(',').any(|part| part.trim().eq_ignore_ascii_case(want))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    let good = has(header::UPGRADE, "websocket")
        && has(header::CONNECTION, "upgrade")
        && has(header::SEC_WEBSOCKET_VERSION, "13")
        && STANDARD.decode(key).is_ok_and(|key| key.len() == 16);
    if !good {
        return Err(not_a_handshake());
    }
    let joined = [key, KEY_SUFFIX].concat();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &joined);
    HeaderValue::from_str(&STANDARD.encode(digest)).map_err(|_| not_a_handshake())
}

async fn serve(upgrade: OnUpgrade, session: ConsoleSession, id: InstanceId) {
    match upgrade.await {
        Ok(connection) => {
            let limits = Limits::default().max_payload_len(Some(CONSOLE_MESSAGE_MAX));
            let socket = ServerBuilder::new().limits(limits).serve(TokioIo::new(connection));
            tracing::info!(instance = %id, "a console session began");
            let why = converse(socket, session).await;
            tracing::info!(instance = %id, why, "a console session ended");
        }
        Err(error) => tracing::debug!(%error, "a console's connection was not switched"),
    }
}

/// Carries bytes both ways until one side ends, and says why it ended. Both ways at once: a guest
/// that takes nothing until somebody reads what it says must not stand still.
async fn converse<S>(socket: WebSocketStream<S>, session: ConsoleSession) -> &'static str
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let ConsoleSession { line, mut claim } = session;
    let (said, typed) = tokio::io::split(line);
    let (mut to_client, from_client) = socket.split();
    let activity = AtomicU64::new(0);
    let (why, tell) = tokio::select! {
        ended = listen(said, &mut to_client, &activity) => ended,
        ended = type_in(from_client, typed, &activity) => ended,
        () = claim.taken_over() => ("another session has taken the console", true),
        () = idle(&activity) => ("nothing was said or typed", true),
    };
    // The line is free before the client is told.
    drop(claim);
    if tell {
        let close = Message::close(Some(CloseCode::NORMAL_CLOSURE), why);
        let _ = timeout(CONSOLE_TYPING_TIME, to_client.send(close)).await;
        let _ = timeout(CONSOLE_TYPING_TIME, to_client.close()).await;
    }
    why
}

/// Sends what the guest says. Why it ended, and whether there is somebody to tell.
async fn listen(
    mut said: impl AsyncRead + Unpin,
    to_client: &mut (impl Sink<Message> + Unpin),
    activity: &AtomicU64,
) -> (&'static str, bool) {
    let mut bytes = [0; SAID_BYTES];
    loop {
        match said.read(&mut bytes).await {
            Ok(0) | Err(_) => return ("the instance is off", true),
            Ok(n) => {
                activity.fetch_add(1, Ordering::Relaxed);
                let message = Message::binary(Bytes::copy_from_slice(&bytes[..n]));
                if to_client.send(message).await.is_err() {
                    return ("the client went away", false);
                }
            }
        }
    }
}

/// Types what the client sends. Why it ended, and whether there is somebody to tell.
async fn type_in(
    mut from_client: impl Stream<Item = Result<Message, tokio_websockets::Error>> + Unpin,
    mut typed: impl AsyncWrite + Unpin,
    activity: &AtomicU64,
) -> (&'static str, bool) {
    loop {
        match from_client.next().await {
            Some(Ok(message)) if message.is_text() || message.is_binary() => {
                activity.fetch_add(1, Ordering::Relaxed);
                let bytes: Bytes = message.into_payload().into();
                let took = timeout(CONSOLE_TYPING_TIME, typed.write_all(&bytes)).await;
                if !matches!(took, Ok(Ok(()))) {
                    return ("the guest does not take what is typed", true);
                }
            }
            Some(Ok(message)) if message.is_close() => return ("the client closed it", false),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return ("the client went away", false),
        }
    }
}

/// Returns when nothing has happened for one to two times [`CONSOLE_IDLE`].
async fn idle(activity: &AtomicU64) {
    loop {
        let before = activity.load(Ordering::Relaxed);
        tokio::time::sleep(CONSOLE_IDLE).await;
        if activity.load(Ordering::Relaxed) == before {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(changes: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let usual = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in usual.iter().chain(changes) {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    /// The example of RFC 6455, section 1.3.
    #[test]
    fn the_key_of_the_standards_example_is_answered_as_it_says() {
        let accept = accept_of(&headers(&[])).unwrap();
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_no_handshake_is_refused() {
        for change in [
            ("connection", "close"),
            ("upgrade", "h2c"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "c2hvcnQ="),
            ("sec-websocket-key", "?"),
        ] {
            let error = accept_of(&headers(&[change])).unwrap_err();
            assert_eq!(error.code, ErrorCode::BadRequest, "{change:?}");
        }
    }
}
