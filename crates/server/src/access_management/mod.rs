//! IAM access: policies, roles, access groups. A token is needed; `version` is not.
//!
//! Next to read: `policies`.

use axum::http::header;
use wire::{ApiError, ErrorCode, TargetKind};

use crate::{call::Call, reply::Failure};

pub(crate) mod groups;
pub(crate) mod members;
pub(crate) mod policies;
pub(crate) mod roles;
pub(crate) mod rules;

/// The ETag of a record: its revision and whose it is.
fn etag(revision: u64, id: &str) -> String {
    format!("{revision}-{}", id.replace('-', "").to_ascii_lowercase())
}

impl Call {
    /// Refuses a call about another account than the caller's, whether or not there is one.
    fn iam_account(&self, account: &str) -> Result<(), Failure> {
        if account == self.ctx.caller.account.as_str() {
            return Ok(());
        }
        let message = "The token is not authorized in that account.";
        let error = ApiError::new(ErrorCode::NotAuthorized, message);
        Err(error.at(TargetKind::Parameter, "account_id").into())
    }

    /// The revision that a change is of: `If-Match` must be the ETag of now.
    fn iam_if_match(&self, revision: u64, id: &str) -> Result<u64, Failure> {
        if !self.headers.contains_key(header::IF_MATCH) {
            let message = "Send the ETag that you read as If-Match.";
            return Err(
                ApiError::header(ErrorCode::PreconditionRequired, "If-Match", message).into()
            );
        }
        self.check_if_match(&etag(revision, id), true)?;
        Ok(revision)
    }

    /// The address of this very list.
    fn own_url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}
