//! Handlers of IBM's platform services.

pub(crate) mod resource_groups;
