//! Instance templates: what an instance may be created from.

use base::{InstanceTemplateId, ZoneName};

use crate::Head;

/// An instance template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceTemplate {
    /// Id, account, group, name.
    pub head: Head<InstanceTemplateId>,
    /// The zone of instances made from it.
    pub zone: ZoneName,
    /// The prototype as JSON text, without name and resource group: it was read once when the
    /// template was made, and is read again when an instance is. May hold user data.
    pub prototype: String,
}
