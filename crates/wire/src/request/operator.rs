//! What the operator of a region for tests asks: moves of region time, and faults.

use std::time::Duration;

use base::{ImageId, VolumeId};
use model::{ForceStatus, ImageStatus, ImageStatusReason, VolumeStatus};

use crate::{ApiError, ErrorCode, Fields};

/// Furthest move of region time at once, in seconds: 1,000 years.
pub const ADVANCE_SECONDS_MAX: u64 = 31_556_952_000;
/// Most calls that one fault is for.
pub const FAULT_CALLS_MAX: u32 = 10_000;
/// Longest delay of a call, in milliseconds: shorter than what clients wait.
pub const FAULT_DELAY_MS_MAX: u64 = 30_000;
/// Longest `Retry-After`, in seconds.
pub const FAULT_RETRY_AFTER_MAX: u32 = 3_600;

/// `POST /_ectype/v1/clock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockRequest {
    /// Region time stands.
    Freeze,
    /// It runs again.
    Resume,
    /// Forward by so much.
    Advance(Duration),
    /// Forward to the next due event.
    NextDue,
}

/// Reads `POST /_ectype/v1/clock`.
///
/// # Errors
/// What the body names wrongly.
pub fn clock_request(f: &Fields<'_>) -> Result<ClockRequest, ApiError> {
    const ACTIONS: &str = "freeze, resume, advance, advance_to_next_due";
    let action =
        f.choice("action", ACTIONS, |text| ACTIONS.split(", ").find(|action| *action == text))?;
    Ok(match f.required("action", action)? {
        "freeze" => ClockRequest::Freeze,
        "resume" => ClockRequest::Resume,
        "advance" => {
            let seconds = f.number("seconds", 1, ADVANCE_SECONDS_MAX)?;
            ClockRequest::Advance(Duration::from_secs(f.required("seconds", seconds)?))
        }
        _ => ClockRequest::NextDue,
    })
}

/// What becomes of the calls that a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// 429, with `Retry-After` in seconds.
    TooMany(u32),
    /// 500.
    Internal,
    /// 503.
    Unavailable,
    /// Answered later.
    Delay(Duration),
}

/// `POST /_ectype/v1/faults`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultRequest {
    /// The next calls of an operation fail or are delayed.
    Calls {
        /// Its name; none for every operation.
        operation: Option<String>,
        /// What becomes of them.
        fault: CallFault,
        /// How many calls.
        count: u32,
    },
    /// A status is forced.
    Status(ForceStatus),
}

/// Reads `POST /_ectype/v1/faults`.
///
/// # Errors
/// What the body names wrongly.
pub fn fault_request(f: &Fields<'_>) -> Result<FaultRequest, ApiError> {
    const TYPES: &str = "answer, delay, image_status, volume_status";
    let kind = f.choice("type", TYPES, |text| TYPES.split(", ").find(|kind| *kind == text))?;
    match f.required("type", kind)? {
        "answer" => calls(f, answer(f)?),
        "delay" => {
            let ms = f.number("delay_ms", 1, FAULT_DELAY_MS_MAX)?;
            calls(f, CallFault::Delay(Duration::from_millis(f.required("delay_ms", ms)?)))
        }
        "image_status" => image_status(f),
        _ => volume_status(f),
    }
}

fn calls(f: &Fields<'_>, fault: CallFault) -> Result<FaultRequest, ApiError> {
    let operation = f.text_up_to("operation", 128)?;
    let operation = f.required("operation", operation)?;
    Ok(FaultRequest::Calls {
        operation: (operation != "*").then(|| operation.to_owned()),
        fault,
        count: f.small_number("count", 1, FAULT_CALLS_MAX)?.unwrap_or(1),
    })
}

fn answer(f: &Fields<'_>) -> Result<CallFault, ApiError> {
    let status = f.required("status", f.small_number("status", 0, 999)?)?;
    let retry_after = f.small_number("retry_after", 0, FAULT_RETRY_AFTER_MAX)?;
    match status {
        429 => Ok(CallFault::TooMany(retry_after.unwrap_or(1))),
        500 => Ok(CallFault::Internal),
        503 => Ok(CallFault::Unavailable),
        _ => Err(f.error(ErrorCode::ValidationEnum, "status", "must be one of: 429, 500, 503")),
    }
}

fn spelled<T: Copy>(all: &[T], spell: impl Fn(T) -> &'static str) -> String {
    all.iter().map(|one| spell(*one)).collect::<Vec<_>>().join(", ")
}

fn image_status(f: &Fields<'_>) -> Result<FaultRequest, ApiError> {
    let id = f.required("id", f.text("id")?)?;
    let id = ImageId::parse(id)
        .map_err(|_| f.error(ErrorCode::InvalidIdFormat, "id", "is not an id"))?;
    let all = spelled(ImageStatus::ALL, ImageStatus::as_str);
    let status = f.required("status", f.choice("status", &all, ImageStatus::parse)?)?;
    let all = spelled(ImageStatusReason::ALL, ImageStatusReason::as_str);
    let reason = f.choice("status_reason", &all, ImageStatusReason::parse)?;
    let reasons = reason.into_iter().collect();
    Ok(FaultRequest::Status(ForceStatus::Image { id, status, reasons }))
}

fn volume_status(f: &Fields<'_>) -> Result<FaultRequest, ApiError> {
    let id = f.required("id", f.text("id")?)?;
    let id = VolumeId::parse(id)
        .map_err(|_| f.error(ErrorCode::InvalidIdFormat, "id", "is not an id"))?;
    let all = spelled(VolumeStatus::ALL, VolumeStatus::as_str);
    let status = f.required("status", f.choice("status", &all, VolumeStatus::parse)?)?;
    Ok(FaultRequest::Status(ForceStatus::Volume { id, status }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::testing::{parse, seen};

    fn fault(body: Value) -> Result<FaultRequest, ApiError> {
        parse(body, |_, f| fault_request(f))
    }

    #[test]
    fn moves_of_the_clock_at_both_sides_of_their_bounds() {
        let read = |body| parse(body, |_, f| clock_request(f));
        assert_eq!(read(json!({"action": "freeze"})).unwrap(), ClockRequest::Freeze);
        assert_eq!(read(json!({"action": "resume"})).unwrap(), ClockRequest::Resume);
        assert_eq!(read(json!({"action": "advance_to_next_due"})).unwrap(), ClockRequest::NextDue);
        let advance = |seconds: u64| read(json!({"action": "advance", "seconds": seconds}));
        for ok in [1, ADVANCE_SECONDS_MAX] {
            assert_eq!(advance(ok).unwrap(), ClockRequest::Advance(Duration::from_secs(ok)));
        }
        assert_eq!(seen(advance(0)).0, ErrorCode::ValidationMinValue);
        assert_eq!(seen(advance(ADVANCE_SECONDS_MAX + 1)).0, ErrorCode::ValidationMaxValue);
        let missing = read(json!({"action": "advance"}));
        assert_eq!(seen(missing), (ErrorCode::ValidationRequiredField, "seconds".to_owned()));
        let unknown = read(json!({"action": "stop"}));
        assert_eq!(seen(unknown), (ErrorCode::ValidationEnum, "action".to_owned()));
    }

    #[test]
    fn faults_of_calls_at_both_sides_of_their_bounds() {
        let with = |body: Value| {
            let mut all = json!({"type": "answer", "operation": "create_image", "status": 429});
            for (name, value) in body.as_object().unwrap() {
                all[name] = value.clone();
            }
            fault(all)
        };
        let calls = |fault, count| FaultRequest::Calls {
            operation: Some("create_image".to_owned()),
            fault,
            count,
        };
        assert_eq!(with(json!({})).unwrap(), calls(CallFault::TooMany(1), 1));
        let most = json!({"count": FAULT_CALLS_MAX, "retry_after": FAULT_RETRY_AFTER_MAX});
        let most = with(most).unwrap();
        assert_eq!(most, calls(CallFault::TooMany(FAULT_RETRY_AFTER_MAX), FAULT_CALLS_MAX));
        assert_eq!(with(json!({"status": 500})).unwrap(), calls(CallFault::Internal, 1));
        assert_eq!(with(json!({"status": 503})).unwrap(), calls(CallFault::Unavailable, 1));
        let delay = with(json!({"type": "delay", "delay_ms": FAULT_DELAY_MS_MAX})).unwrap();
        let longest = Duration::from_millis(FAULT_DELAY_MS_MAX);
        assert_eq!(delay, calls(CallFault::Delay(longest), 1));
        let any = with(json!({"operation": "*"})).unwrap();
        assert!(matches!(any, FaultRequest::Calls { operation: None, .. }));
        for (body, code) in [
            (json!({"count": 0}), ErrorCode::ValidationMinValue),
            (json!({"count": FAULT_CALLS_MAX + 1}), ErrorCode::ValidationMaxValue),
            (json!({"retry_after": FAULT_RETRY_AFTER_MAX + 1}), ErrorCode::ValidationMaxValue),
            (json!({"status": 404}), ErrorCode::ValidationEnum),
            (json!({"type": "delay"}), ErrorCode::ValidationRequiredField),
            (
                json!({"type": "delay", "delay_ms": FAULT_DELAY_MS_MAX + 1}),
                ErrorCode::ValidationMaxValue,
            ),
            (json!({"type": "other"}), ErrorCode::ValidationEnum),
            (json!({"operation": null}), ErrorCode::ValidationRequiredField),
        ] {
            assert_eq!(seen(with(body.clone())).0, code, "{body}");
        }
    }

    #[test]
    fn a_status_is_forced_with_words_of_ibms() {
        let forced = fault(json!({"type": "image_status", "id": "r006-1", "status": "unusable",
            "status_reason": "encryption_key_deleted"}));
        let FaultRequest::Status(ForceStatus::Image { status, reasons, .. }) = forced.unwrap()
        else {
            panic!("not of an image")
        };
        assert_eq!(status, ImageStatus::Unusable);
        assert_eq!(reasons, [ImageStatusReason::EncryptionKeyDeleted]);
        for (body, code, at) in [
            (json!({"id": "r006-1", "status": "gone"}), ErrorCode::ValidationEnum, "status"),
            (json!({"id": "a/b", "status": "failed"}), ErrorCode::InvalidIdFormat, "id"),
            (json!({"status": "failed"}), ErrorCode::ValidationRequiredField, "id"),
        ] {
            for kind in ["image_status", "volume_status"] {
                let mut body = body.clone();
                body["type"] = json!(kind);
                assert_eq!(seen(fault(body)), (code, at.to_owned()));
            }
        }
    }
}
