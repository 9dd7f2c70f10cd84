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
