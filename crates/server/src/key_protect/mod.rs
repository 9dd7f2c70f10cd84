//! Key Protect, below `/api/v2`.
//!
//! Every request names its instance in a header. Bodies are JSON of media types of its own.
//!
//! Next to read: `keys`, then `actions`.

pub(crate) mod actions;
pub(crate) mod keys;
pub(crate) mod others;

use base::{RegionName, ServiceInstanceId};
use control::{KmsPlace, Slice};
use model::KmsKey;
use serde_json::{Map, Value};
use wire::{
    ApiError, ErrorCode,
    request::{self, KEY_TYPE, OffsetPage},
    response,
};

use crate::{
    call::Call,
    reply::{Answer, Reply},
};

const INSTANCE_HEADER: &str = "bluemix-instance";
const RING_HEADER: &str = "x-kms-key-ring";

/// What the headers of a request say.
fn place(call: &Call) -> Result<KmsPlace, ApiError> {
    let header = |name| call.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let needed =
        |message: &str| ApiError::header(ErrorCode::BadRequest, "Bluemix-Instance", message);
    let instance = header(INSTANCE_HEADER).ok_or_else(|| {
        needed("The header Bluemix-Instance is required: the GUID of an instance of Key Protect.")
    })?;
    let instance = ServiceInstanceId::parse(instance)
        .map_err(|_| needed("The header Bluemix-Instance is not the GUID of an instance."))?;
    let ring = match header(RING_HEADER).filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(request::kms_ring(text).map(str::to_owned).ok_or_else(|| {
            let message = "The header X-Kms-Key-Ring is not the name of a key ring.";
            ApiError::header(ErrorCode::InvalidValue, "X-Kms-Key-Ring", message)
        })?),
    };
    Ok(KmsPlace { instance, ring })
}

/// The body as a JSON object; there must be one.
fn body(call: &Call) -> Result<Map<String, Value>, ApiError> {
    if call.body.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::new(ErrorCode::NoBody, "Missing body in request"));
    }
    call.json()
}

/// The body as a JSON object, if there is one.
fn body_or_none(call: &Call) -> Result<Map<String, Value>, ApiError> {
    if call.body.iter().all(u8::is_ascii_whitespace) { Ok(Map::new()) } else { call.json() }
}

/// How much of what was done the caller wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefer {
    Minimal,
    Representation,
    Nothing,
}

fn prefer(call: &Call) -> Prefer {
    let text = call.headers.get("prefer").and_then(|value| value.to_str().ok());
    match text.map(str::trim) {
        Some("return=minimal") => Prefer::Minimal,
        Some("return=representation") => Prefer::Representation,
        _ => Prefer::Nothing,
    }
}

fn of_type(reply: Reply, media: &'static str) -> Reply {
    Reply { content_type: media, ..reply }
}

/// Resources in a media type.
fn listed(media: &'static str, total: Option<u64>, resources: Vec<Value>) -> Answer {
    Ok(of_type(Reply::ok(&response::kms_collection(media, total, resources))?, media))
}

/// A key by itself.
fn shown(call: &Call, key: &KmsKey, payload: Option<&[u8]>) -> Answer {
    let region: &RegionName = &call.app.config.region;
    let now = call.app.control.now();
    listed(KEY_TYPE, None, vec![response::kms_key(key, region, now, payload)])
}

/// 201 with what was made.
fn created(reply: Reply) -> Reply {
    Reply { status: axum::http::StatusCode::CREATED, ..reply }
}

const fn slice(of: OffsetPage) -> Slice {
    Slice { offset: of.offset, limit: of.limit }
}

/// 200 with nothing but the number of keys.
fn total(count: u64) -> Reply {
    Reply { status: axum::http::StatusCode::OK, key_total: Some(count), ..Reply::empty() }
}
