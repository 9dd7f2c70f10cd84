//! `allowed_use` of images and boot volumes.
//!
//! An expression other than `true` is refused: accepting one without checking it when an instance
//! is made would promise a protection that is not there.

use model::AllowedUse;

use super::Asked;
use crate::{ApiError, ApiVersion, ErrorCode, Fields, NEWEST_VERSION, OLDEST_VERSION, TargetKind};

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
        bare_metal_server: expression(&f, "bare_metal_server")?,
        instance: expression(&f, "instance")?,
    }))
}

/// Reads the field `allowed_use` of a prototype: what is not given gets IBM's defaults.
pub(super) fn whole(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<AllowedUse>, ApiError> {
    let defaults = AllowedUse::anything(&asked.version.to_string());
    Ok(patch(asked, f)?.map(|patch| patch.onto(&defaults)))
}

fn api_version(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(text) = f.text("api_version")? else { return Ok(None) };
    let newest = asked.version.to_string().max(NEWEST_VERSION.to_owned());
    if ApiVersion::date(text).is_none() || text < OLDEST_VERSION || text > newest.as_str() {
        let what = format!("must be a date from {OLDEST_VERSION} to {newest}");
        return Err(f.error(ErrorCode::InvalidValue, "api_version", &what));
    }
    Ok(Some(text.to_owned()))
}

fn expression(f: &Fields<'_>, field: &str) -> Result<Option<String>, ApiError> {
    match f.text(field)? {
        None => Ok(None),
        Some(text) if text.trim() == "true" => Ok(Some("true".to_owned())),
        Some(_) => {
            let path = f.at(field);
            let what = format!("{path} with an expression other than true");
            Err(ApiError::not_implemented(&what).at(TargetKind::Field, path))
        }
    }
}
