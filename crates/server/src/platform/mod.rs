//! Handlers of IBM's platform services.

pub(crate) mod identity;
pub(crate) mod resource_groups;
pub(crate) mod resource_instances;
pub(crate) mod search;
pub(crate) mod tags;
