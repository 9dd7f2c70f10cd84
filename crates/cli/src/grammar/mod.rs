//! IBM's grammar of command lines: flags anywhere, single-dash long flags, `--flag=value`,
//! `@file`, inline JSON, commas.
//!
//! clap has another one, so the region's own commands are clap's and these are not. It refuses to
//! know the network: names are turned into ids elsewhere. Next to read: `parse`, then `values`.

mod nearest;
mod parse;
mod values;

pub(crate) use nearest::nearest;
pub(crate) use parse::{Input, parse, spelled};
pub(crate) use values::{bool_of, choice_of, flag_of, json_of, list_of, number_of, read_at};
