//! `POST /v2/resource_groups` and `PATCH /v2/resource_groups/{id}`.

use crate::{ApiError, ErrorCode, Fields};

/// Longest name of a resource group, in characters; each is one byte.
pub(crate) const NAME_LEN_MAX: usize = 40;

/// `POST /v2/resource_groups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPrototype {
    /// Its name.
    pub name: String,
    /// The account, when it is said.
    pub account: Option<String>,
}

/// Reads `POST /v2/resource_groups`.
///
/// # Errors
/// A name that is missing or does not fit.
pub fn group_prototype(f: &Fields<'_>) -> Result<GroupPrototype, ApiError> {
    Ok(GroupPrototype {
        name: f.required("name", name(f)?)?,
        account: f.text("account_id")?.map(str::to_owned),
    })
}

/// `PATCH /v2/resource_groups/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupPatch {
    /// New name.
    pub name: Option<String>,
}

/// Reads `PATCH /v2/resource_groups/{id}`.
///
/// # Errors
/// A name that does not fit; `not_implemented` for a state other than `ACTIVE`.
pub fn group_patch(f: &Fields<'_>) -> Result<GroupPatch, ApiError> {
    f.unserved(&[("state", Some("ACTIVE".into()))])?;
    Ok(GroupPatch { name: f.patched_value("name", name)? })
}

fn name(f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(text) = f.text("name")? else { return Ok(None) };
    let fits = |b: u8| b.is_ascii_alphanumeric() || b" _-.".contains(&b);
    let ok =
        (1..=NAME_LEN_MAX).contains(&text.len()) && text.trim() == text && text.bytes().all(fits);
    if ok {
        return Ok(Some(text.to_owned()));
    }
    let what = "must have 1 to 40 letters, digits, blanks and _ - . with no blank at its ends";
    Err(f.error(ErrorCode::ValidationInvalidName, "name", what))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::testing::{parse, seen};

    #[test]
    fn names_at_both_sides_of_the_rule() {
        let read = |name: &str| parse(json!({"name": name}), |_, f| group_prototype(f));
        for ok in ["a", "Team One_2-3.4", &"a".repeat(NAME_LEN_MAX)] {
            assert_eq!(read(ok).unwrap().name, ok);
        }
        for bad in ["", " a", "a ", "a/b", "é", &"a".repeat(NAME_LEN_MAX + 1)] {
            assert_eq!(seen(read(bad)).0, ErrorCode::ValidationInvalidName, "{bad}");
        }
        let none = seen(parse(json!({}), |_, f| group_prototype(f)));
        assert_eq!(none, (ErrorCode::ValidationRequiredField, "name".to_owned()));
    }

    #[test]
    fn a_group_is_renamed_and_stays_active() {
        let read = |body| parse(body, |_, f| group_patch(f));
        assert_eq!(read(json!({})).unwrap(), GroupPatch::default());
        assert_eq!(read(json!({"state": "ACTIVE"})).unwrap().name, None);
        assert_eq!(seen(read(json!({"state": "SUSPEND"}))).0, ErrorCode::NotImplemented);
        assert_eq!(seen(read(json!({"name": null}))).0, ErrorCode::ValidationFailure);
    }
}
