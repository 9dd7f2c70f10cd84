//! `completion`.

use crate::{Cli, complete, failure::Outcome, grammar::Input};

/// Prints a shell's completions.
pub(crate) fn completion(cli: &mut Cli, input: &Input) -> Outcome {
    let shell = input.text("SHELL").unwrap_or_default();
    let shell = crate::grammar::choice_of("SHELL", shell, &["bash", "zsh", "fish", "man"])?;
    let text = match shell {
        "man" => crate::page::manual(&cli.program),
        shell => complete::script(shell, &cli.program),
    };
    cli.out.raw(text.as_bytes())
}
