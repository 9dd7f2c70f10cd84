//! SSH keys: parsed, measured, fingerprinted.

mod parse;
mod use_cases;

use base::ResourceGroupId;
use model::{ResourceName, SshKeyType};

/// A key that a caller wants to keep.
#[derive(Clone, Debug)]
pub struct KeyCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// The kind that the caller says it is.
    pub kind: SshKeyType,
    /// OpenSSH text.
    pub public_key: String,
}
