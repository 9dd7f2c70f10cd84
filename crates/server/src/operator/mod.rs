//! What only the operator may: region time and faults. No token opens it: a request must come
//! through the operator's socket, whose other end was checked (B9).

pub(crate) mod board;
mod clock;
mod faults;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use wire::ApiError;

pub(crate) use clock::{clock_get, clock_move};
pub(crate) use faults::{fault_create, fault_delete, fault_list, faults_delete};

use crate::app::App;

/// Marks a request that came through the operator's socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByOperator;

/// A request of the operator.
pub(crate) struct OperatorCall {
    pub(crate) app: Arc<App>,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl OperatorCall {
    fn json(&self) -> Result<Map<String, Value>, ApiError> {
        wire::parse_body(&self.body)
    }

    fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}
