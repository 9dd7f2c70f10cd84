//! Supervisors and engines as processes.
