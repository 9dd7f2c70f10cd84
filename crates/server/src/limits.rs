//! Every limit of the door, by name.

use std::time::Duration;

/// Largest body, in bytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Longest path and query, in bytes.
pub const URI_BYTES_MAX: usize = 8 << 10;
/// Largest sum of header names and values, in bytes.
pub const HEADER_BYTES_MAX: usize = 32 << 10;
/// Largest request head that a connection buffers at all; beyond it hyper answers 431 bare.
pub(crate) const HEAD_BUFFER_BYTES: usize = 64 << 10;
/// Most headers of a request.
pub(crate) const HEADERS_MAX: usize = 100;
/// How long a client may take to send a request head; also ends idle connections.
pub const HEADER_TIME: Duration = Duration::from_secs(30);
/// How long a client may take to send a body.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a client may leave what is written to it unread.
pub const WRITE_TIME: Duration = Duration::from_secs(30);
/// How long a use case may take.
pub const REQUEST_TIME: Duration = Duration::from_secs(60);
/// Most open connections; more wait to be accepted.
pub const CONNECTIONS_MAX: usize = 1_024;
/// How long a stopping server waits for requests that are being answered.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);
/// Bytes of a console log when no limit is asked for.
pub const CONSOLE_BYTES_DEFAULT: usize = 64 << 10;
/// Most bytes of a console log in one answer.
pub const CONSOLE_BYTES_MAX: usize = 1 << 20;
/// Requests a second of one credential, when nothing else is said.
pub const REQUESTS_PER_SECOND_DEFAULT: u32 = 10_000;
/// How many seconds' worth of requests a credential that was quiet may send at once.
pub(crate) const BURST_TIME: Duration = Duration::from_secs(2);
/// Most failed sign-ins of an address at once.
pub const SIGN_IN_FAILURES_MAX: u32 = 30;
/// Time after which an address may fail to sign in once more.
pub const SIGN_IN_FAILURE_TIME: Duration = Duration::from_secs(2);
/// Most askers whose rates are known.
pub(crate) const RATE_ASKERS_MAX: usize = 10_000;
/// How long a console session lasts in which nobody types and the guest says nothing.
pub(crate) const CONSOLE_IDLE: Duration = Duration::from_secs(10 * 60);
/// Longest message of a console session's client, in bytes.
pub const CONSOLE_MESSAGE_MAX: usize = 64 << 10;
/// How long a guest may take to accept a message that was typed.
pub(crate) const CONSOLE_TYPING_TIME: Duration = Duration::from_secs(10);
