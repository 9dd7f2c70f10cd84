//! HTTP: the region's door.
//!
//! A request is answered in a fixed order: route, sizes, token, version and generation, body,
//! use case. The crate refuses to know the store, the engine and the rules of the region: it
//! parses by `wire`, asks `control`, and renders by `wire`. Its invariant: every answer, also to
//! a panic, has a request id and IBM's shape, and no log line holds a secret, a body or a query.
//!
//! Next to read: [`operations`] for what is served, `actions` for who may, `answer` for the way
//! of a request, then `vpc::images`.

mod access_management;
mod actions;
mod address;
mod answer;
mod app;
mod authentication;
mod call;
mod config;
mod extensions;
mod health;
mod iam;
mod key_protect;
mod limits;
mod metrics;
pub mod openapi;
pub mod operations;
mod operator;
mod patience;
mod platform;
mod rates;
mod reply;
mod request_id;
mod respond;
mod serve;
mod tls;
mod vpc;

pub use actions::{ACTIONS, Actions, actions_of};
pub use app::router;
pub use axum::Router;
pub use config::ServerConfig;
pub use limits::{
    BODY_BYTES_MAX, CONNECTIONS_MAX, CONSOLE_BYTES_DEFAULT, CONSOLE_BYTES_MAX, CONSOLE_MESSAGE_MAX,
    DRAIN_TIME, HANDSHAKE_TIME, HEADER_BYTES_MAX, HEADER_TIME, REQUEST_TIME,
    REQUESTS_PER_SECOND_DEFAULT, SIGN_IN_FAILURE_TIME, SIGN_IN_FAILURES_MAX, URI_BYTES_MAX,
    WRITE_TIME,
};
pub use serve::{ConnectionLimits, Peer, serve, serve_operator, serve_within};
pub use tls::{Tls, TlsError};
