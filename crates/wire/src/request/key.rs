//! SSH keys, and the many patches that only rename.

use base::ResourceGroupId;
use model::{ResourceName, SshKeyType};

use super::Asked;
use crate::{ApiError, Fields};

/// Longest public key, in bytes; RSA of 4096 bits takes about 720.
pub(crate) const PUBLIC_KEY_BYTES_MAX: usize = 16_384;

/// `POST /keys`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the default one when none.
    pub group: Option<ResourceGroupId>,
    /// Kind that the request says; RSA when it says none.
    pub kind: SshKeyType,
    /// OpenSSH text.
    pub public_key: String,
}

/// Reads `POST /keys`.
///
/// # Errors
/// What the body names wrongly.
pub fn key_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<KeyPrototype, ApiError> {
    let text = f.text_up_to("public_key", PUBLIC_KEY_BYTES_MAX)?;
    Ok(KeyPrototype {
        public_key: f.required("public_key", text)?.to_owned(),
        name: f.name("name")?,
        kind: f.choice("type", "rsa, ed25519", SshKeyType::parse)?.unwrap_or(SshKeyType::Rsa),
        group: asked.place.group(f)?,
    })
}

/// Reads a patch that can only rename.
///
/// # Errors
/// A name against the pattern, or null.
pub fn rename(f: &Fields<'_>) -> Result<Option<ResourceName>, ApiError> {
    f.patched_value("name", |f| f.name("name"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ErrorCode,
        request::testing::{parse, seen},
    };

    #[test]
    fn a_key_is_rsa_unless_it_says_otherwise() {
        let read = |body| parse(body, key_prototype);
        assert_eq!(read(json!({"public_key": "ssh-rsa x"})).unwrap().kind, SshKeyType::Rsa);
        let ed = json!({"public_key": "ssh-ed25519 x", "type": "ed25519"});
        assert_eq!(read(ed).unwrap().kind, SshKeyType::Ed25519);
        let wrong = seen(read(json!({"public_key": "x", "type": "dsa"})));
        assert_eq!(wrong, (ErrorCode::ValidationEnum, "type".to_owned()));
        let none = seen(read(json!({})));
        assert_eq!(none, (ErrorCode::ValidationRequiredField, "public_key".to_owned()));
    }

    #[test]
    fn a_public_key_at_its_limit() {
        let read = |len: usize| parse(json!({"public_key": "a".repeat(len)}), key_prototype);
        assert!(read(PUBLIC_KEY_BYTES_MAX).is_ok());
        assert_eq!(seen(read(PUBLIC_KEY_BYTES_MAX + 1)).0, ErrorCode::ValidationMaxValue);
    }
}
