//! `/api/v2/keys/{id}/actions/…`, and the older way to them.

use wire::{
    ApiError, ErrorCode, Fields,
    request::{self},
    response::{self, ACTION_TYPE},
};
use zeroize::Zeroizing;

use super::{body, body_or_none, of_type, place};
use crate::{
    call::Call,
    reply::{Answer, Reply},
};

/// `POST /api/v2/keys/{id}?action=…`.
pub(crate) async fn any(call: Call) -> Answer {
    match call.query.get("action") {
        Some("wrap") => wrap(call).await,
        Some("unwrap") => unwrap(call).await,
        Some("rewrap") => rewrap(call).await,
        Some("rotate") => rotate(call).await,
        Some("disable") => disable(call).await,
        Some("enable") => enable(call).await,
        Some("restore") => super::keys::restore(call).await,
        Some("setKeyForDeletion") => set_for_deletion(call).await,
        Some("unsetKeyForDeletion") => unset_for_deletion(call).await,
        _ => {
            let what = "action must be one of wrap, unwrap, rewrap, rotate, disable, enable, \
                        restore, setKeyForDeletion, unsetKeyForDeletion.";
            Err(ApiError::parameter(ErrorCode::InvalidValue, "action", what).into())
        }
    }
}

pub(crate) async fn wrap(call: Call) -> Answer {
    let at = place(&call)?;
    let body = body_or_none(&call)?;
    let (plaintext, aad) = request::kms_wrap(&Fields::root(&body))?;
    let plaintext = plaintext.map(Zeroizing::new);
    let control = call.control();
    let done = control.kms_wrap(&call.ctx, &at, call.param("id"), plaintext, &aad).await?;
    let plaintext = done.plaintext.as_ref().map(|bytes| bytes.as_slice());
    let body = response::kms_wrapped(&done.key, done.version, &done.ciphertext, plaintext);
    Ok(of_type(Reply::ok(&body)?, ACTION_TYPE))
}

pub(crate) async fn unwrap(call: Call) -> Answer {
    let at = place(&call)?;
    let body = body(&call)?;
    let (ciphertext, aad) = request::kms_unwrap(&Fields::root(&body))?;
    let control = call.control();
    let done = control.kms_unwrap(&call.ctx, &at, call.param("id"), &ciphertext, &aad).await?;
    let (plaintext, again) = (Some(done.plaintext.as_slice()), done.rewrapped.as_ref());
    let body = response::kms_unwrapped(&done.key, done.version, plaintext, again);
    Ok(of_type(Reply::ok(&body)?, ACTION_TYPE))
}

pub(crate) async fn rewrap(call: Call) -> Answer {
    let at = place(&call)?;
    let body = body(&call)?;
    let (ciphertext, aad) = request::kms_unwrap(&Fields::root(&body))?;
    let control = call.control();
    let done = control.kms_rewrap(&call.ctx, &at, call.param("id"), &ciphertext, &aad).await?;
    let body = response::kms_unwrapped(&done.key, done.version, None, done.rewrapped.as_ref());
    Ok(of_type(Reply::ok(&body)?, ACTION_TYPE))
}

pub(crate) async fn rotate(call: Call) -> Answer {
    let at = place(&call)?;
    let body = body_or_none(&call)?;
    let material = request::kms_rotation(&Fields::root(&body))?.map(Zeroizing::new);
    call.control().kms_rotate(&call.ctx, &at, call.param("id"), material).await?;
    Ok(Reply::empty())
}

pub(crate) async fn disable(call: Call) -> Answer {
    call.control().kms_disable(&call.ctx, &place(&call)?, call.param("id")).await?;
    Ok(Reply::empty())
}

pub(crate) async fn enable(call: Call) -> Answer {
    call.control().kms_enable(&call.ctx, &place(&call)?, call.param("id")).await?;
    Ok(Reply::empty())
}

pub(crate) async fn set_for_deletion(call: Call) -> Answer {
    let at = place(&call)?;
    call.control().kms_set_for_deletion(&call.ctx, &at, call.param("id"), true).await?;
    Ok(Reply::empty())
}

pub(crate) async fn unset_for_deletion(call: Call) -> Answer {
    let at = place(&call)?;
    call.control().kms_set_for_deletion(&call.ctx, &at, call.param("id"), false).await?;
    Ok(Reply::empty())
}

pub(crate) async fn sync(call: Call) -> Answer {
    call.control().kms_sync(&call.ctx, &place(&call)?, call.param("id")).await?;
    Ok(Reply::empty())
}
