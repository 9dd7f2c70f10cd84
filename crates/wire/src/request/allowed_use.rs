//! `allowed_use` of images and boot volumes.
//!
//! An expression is read here, so that what is stored can be judged when an instance is made.

use model::{AllowedUse, Expression, Over};

use super::Asked;
use crate::{ApiError, ApiVersion, ErrorCode, Fields, OLDEST_VERSION};

/// The parts of an `allowed_use` that a request gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedUsePatch {
    /// Version that the expressions are written for.
    pub api_version: Option<String>,
    /// Expression over a bare metal server.
    pub bare_metal_server: Option<String>,
    /// Expression over an instance.
    pub instance: Option<String>,
}

impl AllowedUsePatch {
    /// The parts laid over `old`.
    #[must_use]
    pub fn onto(self, old: &AllowedUse) -> AllowedUse {
        AllowedUse {
            api_version: self.api_version.unwrap_or_else(|| old.api_version.clone()),
            bare_metal_server: self
                .bare_metal_server
                .unwrap_or_else(|| old.bare_metal_server.clone()),
            instance: self.instance.unwrap_or_else(|| old.instance.clone()),
        }
    }
}

/// Reads the field `allowed_use` of a patch.
pub(super) fn patch(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<Option<AllowedUsePatch>, ApiError> {
    let Some(f) = f.object("allowed_use")? else { return Ok(None) };
    Ok(Some(AllowedUsePatch {
        api_version: api_version(asked, &f)?,
        bare_metal_server: expression(&f, "bare_metal_server", Over::BareMetalServer)?,
        instance: expression(&f, "instance", Over::Instance)?,
    }))
}

/// Reads the field `allowed_use` of a prototype: what is not given gets IBM's defaults.
pub(super) fn whole(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<AllowedUse>, ApiError> {
    let defaults = AllowedUse::anything(&asked.version.to_string());
    Ok(patch(asked, f)?.map(|patch| patch.onto(&defaults)))
}

/// From the first version to today.
fn api_version(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(text) = f.text("api_version")? else { return Ok(None) };
    match ApiVersion::date(text) {
        Some(date) if text >= OLDEST_VERSION && date <= asked.today => Ok(Some(text.to_owned())),
        _ => {
            let what = format!("must be a date from {OLDEST_VERSION} to {}", asked.today);
            Err(f.error(ErrorCode::InvalidValue, "api_version", &what))
        }
    }
}

fn expression(f: &Fields<'_>, field: &str, over: Over) -> Result<Option<String>, ApiError> {
    let Some(text) = f.text(field)? else { return Ok(None) };
    match Expression::parse(text, over) {
        Ok(_) => Ok(Some(text.to_owned())),
        Err(error) => {
            let what = format!("is not an expression: {error}");
            Err(f.error(ErrorCode::AllowedUseExpressionInvalid, field, &what))
        }
    }
}

#[cfg(test)]
mod tests {
    use model::EXPRESSION_BYTES_MAX;
    use serde_json::{Value, json};

    use super::*;
    use crate::request::testing::{parse, seen};

    fn read(body: Value) -> Result<Option<AllowedUse>, ApiError> {
        parse(json!({ "allowed_use": body }), whole)
    }

    #[test]
    fn what_is_not_given_has_ibms_defaults() {
        let read = read(json!({"instance": "vcpu.count > 2"})).unwrap().unwrap();
        assert_eq!(read.api_version, ApiVersion::newest().to_string());
        assert_eq!(
            (read.instance.as_str(), read.bare_metal_server.as_str()),
            ("vcpu.count > 2", "true")
        );
        assert_eq!(parse(json!({}), whole).unwrap(), None);
    }

    #[test]
    fn an_api_version_is_a_date_from_the_first_to_today() {
        let of = |date: &str| read(json!({ "api_version": date }));
        for ok in ["2019-01-01", "2025-12-31", "2026-10-06"] {
            assert_eq!(of(ok).unwrap().unwrap().api_version, ok);
        }
        for bad in ["2018-12-31", "2026-10-07", "2026-02-30", "soon", ""] {
            let at = "allowed_use.api_version".to_owned();
            assert_eq!(seen(of(bad)), (ErrorCode::InvalidValue, at), "{bad}");
        }
    }

    #[test]
    fn an_expression_that_cannot_be_read_is_named() {
        let long = format!("{:>1$}", "true", EXPRESSION_BYTES_MAX + 1);
        for (field, text) in [
            ("instance", "vcpu.count >"),
            ("instance", "vcpu.count"),
            ("instance", ""),
            ("instance", long.as_str()),
            ("bare_metal_server", "vcpu.count > 2"),
        ] {
            let at = format!("allowed_use.{field}");
            let code = ErrorCode::AllowedUseExpressionInvalid;
            assert_eq!(seen(read(json!({ field: text }))), (code, at), "{text}");
        }
        assert_eq!(seen(read(json!({"instance": true}))).0, ErrorCode::ValidationInvalidFieldType);
    }

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let old = AllowedUse::anything("2020-01-01");
        let given = json!({"allowed_use": {"instance": "gpu.count == 0"}});
        let new = parse(given, patch).unwrap().unwrap().onto(&old);
        assert_eq!(new, AllowedUse { instance: "gpu.count == 0".to_owned(), ..old });
    }
}
