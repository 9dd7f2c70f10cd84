//! The database: one port, one set of statements, two engines.
