//! Who may do what: actions, permits and scopes.
