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

/// All of it as a manual page.
pub(crate) fn manual(program: &str) -> String {
    let plain = |text: &str| {
        // A point or an apostrophe at the beginning would be an order to the typesetter.
        let escaped = text.replace('\\', "\\e").replace('-', "\\-");
        escaped.lines().map(|line| format!("\\&{line}\n")).collect::<String>()
    };
    let mut text = format!(
        ".TH {} 1 \"\" \"ectype {}\"\n.SH NAME\n{program} \\- IBM Cloud VPC's image from volume, at a \
         region of your own\n.SH COMMANDS\n",
        program.to_uppercase(),
        env!("CARGO_PKG_VERSION")
    );
    for command in table::all() {
        let _ = writeln!(text, ".SS {program} {}\n.nf", command.words().replace('-', "\\-"));
        text.push_str(&plain(&help::of(program, command)));
        text.push_str(".fi\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_every_command_and_gives_no_orders_by_accident() {
        let text = manual("ectype");
        for command in table::all() {
            assert!(text.contains(&command.name.replace('-', "\\-")), "{}", command.name);
        }
        let orders = [".TH", ".SH", ".SS", ".nf", ".fi"];
        for line in text.lines().filter(|line| line.starts_with(['.', '\''])) {
            assert!(orders.iter().any(|order| line.starts_with(order)), "{line}");
        }
    }
}
