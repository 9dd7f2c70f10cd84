//! What tests share: contract suites, fault injection, a PostgreSQL to test against.
