//! HTTP to a region: connections, TLS, patience, addresses.
//!
//! It refuses to know what is asked. Invariant: a token goes only to an address that the user
//! named. Next to read: `http`.

mod address;
mod endpoints;
mod http;
mod tls;

pub(crate) use address::Address;
pub(crate) use endpoints::{Endpoints, IBM_API};
pub(crate) use http::{Answer, Ask, Http, HttpSettings, Trace};
pub(crate) use tls::Trust;
