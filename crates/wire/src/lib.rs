//! IBM's JSON: requests, responses, error codes, pages and version gates.
//!
//! Pure functions over text and over `model`'s types. It refuses to know HTTP routing, the store
//! and who may do what. Its invariants: every error code of the region is a row of one table
//! ([`ErrorCode`]); an optional field is left out, never `null`; no input makes it panic.
//!
//! Next to read: [`error`] for the table, `request` for what is understood, `response` for what
//! is answered, [`schema`] for all of it as a document says it.

pub mod error;
pub mod iam;
pub mod request;
pub mod response;
pub mod schema;

mod body;
mod etag;
mod identity;
mod page;
mod query;
mod render;
mod version;
#[cfg(test)]
mod watch;

pub use body::{Fields, parse_body};
pub use error::{
    AnyErrorBody, ApiError, Dialect, ErrorBody, ErrorCode, Origin, Target, TargetKind,
};
pub use etag::{check_if_match, etag_of_instance, etag_of_vni, etag_of_volume, etag_of_vpc};
pub use identity::{KeyIdentity, Kind, Named, Place};
pub use page::{
    Collection, List, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, PageRequest, PageToken, Sliced,
};
pub use query::{QUERY_BYTES_MAX, QUERY_PARAMETERS_MAX, Query, encoded};
pub use render::Render;
pub use version::{ApiVersion, NEWEST_VERSION, OLDEST_VERSION, check_generation};
