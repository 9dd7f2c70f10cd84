//! The region's resources, their status tables, its catalogue and its records.
