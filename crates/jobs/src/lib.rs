//! Durable jobs: steps, undo, and the log they are written to.
