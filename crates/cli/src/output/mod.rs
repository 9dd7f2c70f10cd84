//! What is printed: tables, details, JSON, prompts.
//!
//! Data goes to standard output, talk about failures to standard error. Invariant: no cell is
//! ever wrapped or cut, so that `cut` and `grep` can read it. Next to read: `terminal`.

mod details;
mod see;
mod table;
mod terminal;

pub(crate) use details::details;
pub(crate) use see::{capital, see};
pub(crate) use table::list;
pub(crate) use terminal::Terminal;
