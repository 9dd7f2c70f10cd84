//! Refusals and failures, as each service spells them.

use super::{
    Shapes,
    build::{Schema, count, has, list, may, object, text, to, word},
};
use crate::{Dialect, ErrorCode};

/// The component of a dialect's errors.
#[must_use]
pub const fn component(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Vpc => "Errors",
        Dialect::Platform => "PlatformErrors",
        Dialect::ResourceController => "ResourceControllerError",
        Dialect::Identity => "IdentityErrors",
        Dialect::KeyProtect => "KeyProtectErrors",
    }
}

/// The component of IAM's errors.
pub const IAM_COMPONENT: &str = "IAMError";

pub(super) fn shapes(into: &mut Shapes) {
    into.add("ErrorCode", word(ErrorCode::ALL.iter().map(|c| c.as_str())));
    into.add(
        "ErrorTarget",
        object([
            has("name", text().about("A dotted path, or the name of a parameter or header.")),
            has("type", word(["field", "parameter", "header"])),
        ]),
    );
    into.add(
        "Error",
        object([
            has("code", to("ErrorCode")),
            has("message", text()),
            may("more_info", text()),
            may("target", to("ErrorTarget")),
        ]),
    );
    into.add("Errors", errors());
    into.add("PlatformErrors", errors().and([has("status_code", count())]));
    into.add(
        "ResourceControllerError",
        object([
            has("error_code", to("ErrorCode")),
            has("message", text()),
            has("status_code", count()),
            has("transaction_id", text()),
        ]),
    );
    let error = object([
        has("code", to("ErrorCode")),
        has("message", text()),
        has("message_code", text().about("IBM's number of the failure.")),
    ]);
    into.add(
        "IdentityErrors",
        object([
            has("context", object([has("transaction_id", text())])),
            has("errors", list(error).at_least(1).at_most(1)),
            has("status_code", count()),
            has("trace", text()),
        ]),
    );
    let reason = object([
        has("code", text().about("Key Protect's word, or one of the other codes.")),
        has("message", text()),
        has("moreInfo", text()),
        has("status", count()),
        may("target", to("ErrorTarget")),
    ]);
    let resource =
        object([has("errorMsg", text()), has("reasons", list(reason).at_least(1).at_most(1))]);
    let metadata = object([has("collectionTotal", count()), has("collectionType", text())]);
    into.add(
        "KeyProtectErrors",
        object([
            has("metadata", metadata),
            has("resources", list(resource).at_least(1).at_most(1)),
        ]),
    );
    into.add(
        IAM_COMPONENT,
        object([
            has("context", object([has("requestId", text()), has("requestType", text())])),
            has("errorCode", text()),
            has("errorDetails", text()),
            has("errorMessage", text()),
        ]),
    );
}

fn errors() -> Schema {
    object([
        has("errors", list(to("Error")).at_least(1).at_most(1)),
        has("trace", text().about("The request's id, which is in the region's log, too.")),
    ])
}
