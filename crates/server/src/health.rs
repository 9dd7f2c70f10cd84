//! `/healthz` and `/metrics`: open, and without anything about accounts.

use crate::{
    answer::OpenCall,
    reply::{Answer, Reply},
};

/// The server answers.
pub(crate) async fn healthz(_: OpenCall) -> Answer {
    Reply::ok(&serde_json::json!({"status": "ok"}))
}

/// What was counted.
pub(crate) async fn metrics(call: OpenCall) -> Answer {
    Ok(Reply::text(call.app.metrics.text()))
}
