//! Resource instances, in the shape of IBM's resource controller. This region has none yet.

use serde::Serialize;

/// A page without resources, and the last one.
#[derive(Debug, Default, Serialize)]
pub struct NoResources {
    rows_count: u32,
    /// IBM's clients look for it, and stop at `null`.
    next_url: Option<String>,
    resources: [(); 0],
}

/// A list of resource instances.
#[must_use]
pub fn no_resources() -> NoResources {
    NoResources::default()
}
