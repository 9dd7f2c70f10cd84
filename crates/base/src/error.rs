//! What kind of failure it is, for those who decide what to do about it.

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request itself is wrong; the same request fails again.
    Invalid,
    /// The thing is not there, or not for this caller.
    NotFound,
    /// The state of things forbids it now.
    Conflict,
    /// The caller may not.
    Denied,
    /// A named limit is reached.
    Limit,
    /// Something needed is away; trying again may help.
    Unavailable,
    /// Stored data is damaged.
    Corrupt,
    /// A broken promise of our own.
    Internal,
}

/// An error with its causes as one line, for logs and for a job's last error.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
