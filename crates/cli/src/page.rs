//! The page of commands, for the documents.

use std::fmt::Write;

use crate::{
    help,
    table::{self, SPACES},
};

/// Every command with its usage and options, as Markdown.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Commands\n\nWritten from the program's own table by the test `commands`; do not edit. \
         The guide is `guides/command-line.md`. Called through a link named `ibmcloud` all of it is \
         the same.\n",
    );
    let spaces = SPACES.iter().map(|(space, about)| (*space, *about));
    for (space, about) in
        std::iter::once(("", "Signing in, and what is Ectype's own")).chain(spaces)
    {
        let title = if space.is_empty() { "ectype".to_owned() } else { format!("ectype {space}") };
        let _ = writeln!(text, "\n## {title}\n\n{about}.");
        for command in table::all().filter(|one| one.space == space) {
            let _ = writeln!(text, "\n### {}\n\n{}\n", command.words(), command.summary);
            let _ = writeln!(text, "```text\n{}```", help::of("ectype", command));
        }
    }
    text
}
