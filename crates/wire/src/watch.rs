//! Which fields and parameters a parser asks for, so that tests can hold the schemas to it.

use std::{cell::RefCell, collections::BTreeSet};

thread_local! {
    static SEEN: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Notes a field by its dotted path, or a parameter by its name.
pub(crate) fn saw(path: &str) {
    SEEN.with_borrow_mut(|seen| seen.insert(without_indices(path)));
}

/// What was asked for since the last call.
pub(crate) fn taken() -> BTreeSet<String> {
    SEEN.with_borrow_mut(std::mem::take)
}

/// `rules[3].name` as `rules[].name`.
fn without_indices(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        inside = (inside && c != ']') || c == '[';
        if !inside || c == '[' {
            out.push(c);
        }
    }
    out
}
