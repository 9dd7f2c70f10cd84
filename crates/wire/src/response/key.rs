//! SSH keys.

use model::SshKey;
use serde::Serialize;

use super::Ref;
use crate::{Kind, Render};

/// An SSH key. IBM gives it no `resource_type`.
#[derive(Debug, Serialize)]
pub struct Key<'a> {
    created_at: String,
    crn: String,
    fingerprint: &'a str,
    href: String,
    id: &'a str,
    length: u32,
    name: &'a str,
    public_key: &'a str,
    resource_group: Ref<'a>,
    r#type: &'static str,
}

/// An SSH key, with the name of its resource group.
#[must_use]
pub fn key<'a>(r: &Render<'_>, key: &'a SshKey, group_name: &'a str) -> Key<'a> {
    let id = key.head.id.as_str();
    Key {
        created_at: key.head.created_at.to_string(),
        crn: r.crn(Kind::KEY, id),
        fingerprint: &key.fingerprint,
        href: r.href_of(Kind::KEY, id),
        id,
        length: key.length,
        name: key.head.name.as_str(),
        public_key: &key.public_key,
        resource_group: Ref::group(r, &key.head.group, group_name),
        r#type: key.kind.as_str(),
    }
}
