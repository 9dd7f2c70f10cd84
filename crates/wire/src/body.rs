//! Reading of request bodies, with errors that name the field by its dotted path.
//!
//! Unknown fields are ignored: older samples and newer clients send some. Fields that IBM's API
//! has and this region does not serve are refused by name ([`Fields::unserved`]), so nothing
//! that was asked for is silently dropped. A `null` counts as absent, except where
//! [`Fields::patched`] reads a merge patch.

use base::Timestamp;
use model::{NameError, ResourceName};
use serde_json::{Map, Value};

use crate::{ApiError, ErrorCode};

/// Longest text of a field that has no limit of its own, in bytes.
const TEXT_BYTES_MAX: usize = 4_096;

/// Reads a body as a JSON object, whatever its content type.
///
/// # Errors
/// `bad_request` when it is empty, no JSON, or no object.
pub fn parse_body(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::new(ErrorCode::BadRequest, "A JSON object is required as the body."));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(ApiError::new(
            ErrorCode::BadRequest,
            format!("The body must be a JSON object, not {}.", type_of(&other)),
        )),
        Err(error) => Err(ApiError::new(
            ErrorCode::BadRequest,
            format!("The body is not JSON: line {}, column {}.", error.line(), error.column()),
        )),
    }
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A JSON object of a body, with the path that leads to it.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// The body itself.
    #[must_use]
    pub const fn root(map: &'a Map<String, Value>) -> Self {
        Self { map, path: String::new() }
    }

    /// Dotted path of a field.
    #[must_use]
    pub fn at(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// Dotted path of the object itself.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of a field; none when it is absent or null.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.read(field).filter(|v| !v.is_null())
    }

    fn read(&self, field: &str) -> Option<&'a Value> {
        #[cfg(test)]
        crate::watch::saw(&self.at(field));
        self.map.get(field)
    }

    /// Whether a field is there and not null.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.map.get(field).is_some_and(|v| !v.is_null())
    }

    /// A field of a merge patch: absent, null, or read by `read`.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn patched<T>(
        &self,
        field: &str,
        read: impl FnOnce(&Self) -> Result<Option<T>, ApiError>,
    ) -> Result<Option<Option<T>>, ApiError> {
        match self.read(field) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(_) => Ok(Some(read(self)?)),
        }
    }

    /// A field of a merge patch that cannot be cleared.
    ///
    /// # Errors
    /// `validation_failure` when it is null; those of `read`.
    pub fn patched_value<T>(
        &self,
        field: &str,
        read: impl FnOnce(&Self) -> Result<Option<T>, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        match self.patched(field, read)? {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(self.error(
                ErrorCode::ValidationFailure,
                field,
                "cannot be null: leave it out to keep it as it is",
            )),
        }
    }

    /// An error about a field; `what` follows the field's path.
    #[must_use]
    pub fn error(&self, code: ErrorCode, field: &str, what: &str) -> ApiError {
        let path = self.at(field);
        let message = format!("{path} {what}.");
        ApiError::field(code, path, message)
    }

    /// The value, or the error that the field is missing.
    ///
    /// # Errors
    /// `validation_required_field`.
    pub fn required<T>(&self, field: &str, value: Option<T>) -> Result<T, ApiError> {
        value.ok_or_else(|| self.error(ErrorCode::ValidationRequiredField, field, "is required"))
    }

    /// As [`Self::text`], of a field that must be there.
    ///
    /// # Errors
    /// As [`Self::text`] and [`Self::required`].
    pub fn required_text(&self, field: &str) -> Result<&'a str, ApiError> {
        self.required(field, self.text(field)?)
    }

    /// A text, at most 4 KiB.
    ///
    /// # Errors
    /// `validation_invalid_field_type`, `validation_max_value`.
    pub fn text(&self, field: &str) -> Result<Option<&'a str>, ApiError> {
        self.text_up_to(field, TEXT_BYTES_MAX)
    }

    /// A text of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// `validation_invalid_field_type`, `validation_max_value`.
    pub fn text_up_to(&self, field: &str, bytes_max: usize) -> Result<Option<&'a str>, ApiError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= bytes_max => Ok(Some(text)),
            Some(Value::String(_)) => Err(self.error(
                ErrorCode::ValidationMaxValue,
                field,
                &format!("is longer than {bytes_max} bytes"),
            )),
            Some(other) => Err(self.wrong_type(field, "a string", other)),
        }
    }

    /// A boolean.
    ///
    /// # Errors
    /// `validation_invalid_field_type`.
    pub fn flag(&self, field: &str) -> Result<Option<bool>, ApiError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong_type(field, "a boolean", other)),
        }
    }

    /// An integer of `min` to `max`.
    ///
    /// # Errors
    /// `validation_invalid_field_type`, `validation_min_value`, `validation_max_value`.
    pub fn number(&self, field: &str, min: u64, max: u64) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let too_small = || {
            let what = format!("must be at least {min}");
            Err(self.error(ErrorCode::ValidationMinValue, field, &what))
        };
        let too_large = || {
            let what = format!("must be at most {max}");
            Err(self.error(ErrorCode::ValidationMaxValue, field, &what))
        };
        match value.as_u64() {
            Some(n) if n < min => too_small(),
            Some(n) if n > max => too_large(),
            Some(n) => Ok(Some(n)),
            None if value.as_i64().is_some() => too_small(),
            None => Err(self.wrong_type(field, "an integer", value)),
        }
    }

    /// An integer of `min` to `max` that fits 32 bits.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub fn small_number(&self, field: &str, min: u32, max: u32) -> Result<Option<u32>, ApiError> {
        let number = self.number(field, u64::from(min), u64::from(max))?;
        Ok(number.and_then(|n| u32::try_from(n).ok()))
    }

    /// An object.
    ///
    /// # Errors
    /// `validation_invalid_field_type`.
    pub fn object(&self, field: &str) -> Result<Option<Self>, ApiError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields { map, path: self.at(field) })),
            Some(other) => Err(self.wrong_type(field, "an object", other)),
        }
    }

    /// An array of at most `max` items.
    fn array(&self, field: &str, max: usize) -> Result<Option<&'a Vec<Value>>, ApiError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Array(items)) if items.len() <= max => Ok(Some(items)),
            Some(Value::Array(_)) => Err(self.error(
                ErrorCode::ValidationMaxValue,
                field,
                &format!("has more than {max} items"),
            )),
            Some(other) => Err(self.wrong_type(field, "an array", other)),
        }
    }

    /// An array of at most `max` objects.
    ///
    /// # Errors
    /// `validation_invalid_field_type`, `validation_max_value`.
    pub fn objects(&self, field: &str, max: usize) -> Result<Option<Vec<Self>>, ApiError> {
        let Some(items) = self.array(field, max)? else { return Ok(None) };
        let each = items.iter().enumerate().map(|(at, item)| {
            let name = format!("{field}[{at}]");
            match item {
                Value::Object(map) => Ok(Fields { map, path: self.at(&name) }),
                other => Err(self.wrong_type(&name, "an object", other)),
            }
        });
        each.collect::<Result<_, _>>().map(Some)
    }

    /// An array of at most `max` texts.
    ///
    /// # Errors
    /// `validation_invalid_field_type`, `validation_max_value`.
    pub fn texts(&self, field: &str, max: usize) -> Result<Option<Vec<&'a str>>, ApiError> {
        let Some(items) = self.array(field, max)? else { return Ok(None) };
        let each = items.iter().enumerate().map(|(at, item)| match item {
            Value::String(text) => Ok(text.as_str()),
            other => Err(self.wrong_type(&format!("{field}[{at}]"), "a string", other)),
        });
        each.collect::<Result<_, _>>().map(Some)
    }

    /// A name that fits the pattern.
    ///
    /// # Errors
    /// `validation_invalid_field_type`, `validation_invalid_name`.
    pub fn name(&self, field: &str) -> Result<Option<ResourceName>, ApiError> {
        self.name_by(field, ResourceName::parse)
    }

    /// A name of a type whose `ibm-` names are the provider's.
    ///
    /// # Errors
    /// As [`Self::name`].
    pub fn name_unreserved(&self, field: &str) -> Result<Option<ResourceName>, ApiError> {
        self.name_by(field, ResourceName::parse_unreserved)
    }

    fn name_by(
        &self,
        field: &str,
        parse: fn(&str) -> Result<ResourceName, NameError>,
    ) -> Result<Option<ResourceName>, ApiError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        parse(text).map(Some).map_err(|error| {
            self.error(ErrorCode::ValidationInvalidName, field, &format!("is not valid: {error}"))
        })
    }

    /// A date of RFC 3339.
    ///
    /// # Errors
    /// `validation_invalid_field_type`, `invalid_value`.
    pub fn date(&self, field: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        Timestamp::parse(text).map(Some).map_err(|_| {
            let what = "is not an RFC 3339 date such as 2026-11-24T10:00:14Z";
            self.error(ErrorCode::InvalidValue, field, what)
        })
    }

    /// One of a few values.
    ///
    /// # Errors
    /// `validation_invalid_field_type`, `validation_enum`.
    pub fn choice<T>(
        &self,
        field: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| {
            self.error(ErrorCode::ValidationEnum, field, &format!("must be one of: {allowed}"))
        })
    }

    /// Refuses fields that IBM's API has and this region does not serve. A field passes when it
    /// is absent, null, an empty array, or has the value that means the default.
    ///
    /// # Errors
    /// `not_implemented`.
    pub fn unserved(&self, fields: &[(&str, Option<Value>)]) -> Result<(), ApiError> {
        for (field, default) in fields {
            let Some(value) = self.map.get(*field).filter(|v| !v.is_null()) else { continue };
            let harmless =
                default.as_ref() == Some(value) || value.as_array().is_some_and(Vec::is_empty);
            if !harmless {
                let path = self.at(field);
                let error = ApiError::not_implemented(&path);
                return Err(error.at(crate::TargetKind::Field, path));
            }
        }
        Ok(())
    }

    fn wrong_type(&self, field: &str, wanted: &str, found: &Value) -> ApiError {
        self.error(
            ErrorCode::ValidationInvalidFieldType,
            field,
            &format!("must be {wanted}, not {}", type_of(found)),
        )
    }
}

#[cfg(test)]
mod tests;
