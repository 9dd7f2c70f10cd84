//! `allowed_use`: which instances an image or boot volume may be used for.

/// The expressions of an image or boot volume, as IBM's API shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedUse {
    /// API version that the expressions are written for, `YYYY-MM-DD`.
    pub api_version: String,
    /// Expression over a bare metal server.
    pub bare_metal_server: String,
    /// Expression over an instance.
    pub instance: String,
}

impl AllowedUse {
    /// Everything is allowed; `api_version` is the request's.
    #[must_use]
    pub fn anything(api_version: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            bare_metal_server: "true".to_owned(),
            instance: "true".to_owned(),
        }
    }
}
