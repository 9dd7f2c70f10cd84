//! The runner and its matrix, with a toy job.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

extern crate ectype_jobs as jobs;

mod runner;
mod toy;
mod toy_matrix;
