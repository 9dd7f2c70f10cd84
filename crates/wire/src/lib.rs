//! IBM's JSON: requests, responses, error codes, pages and version gates.
