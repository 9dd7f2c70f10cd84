//! What the region does: use cases, jobs and reconcilers.
