//! Completions for bash, zsh and fish, written from the table.

use std::fmt::Write;

use crate::table::{self, Command, SPACES};

/// The script of a shell that completes `program`.
pub(crate) fn script(shell: &str, program: &str) -> String {
    match shell {
        "fish" => fish(program),
        "zsh" => format!("autoload -U +X bashcompinit && bashcompinit\n{}", bash(program)),
        _ => bash(program),
    }
}

fn names(space: &str) -> Vec<&'static str> {
    table::all().filter(|one| one.space == space).map(|one| one.name).collect()
}

fn flags(command: &'static Command) -> String {
    let all = command.flags().filter(|flag| !flag.hidden).map(|flag| format!("--{}", flag.name));
    all.collect::<Vec<_>>().join(" ")
}

fn bash(program: &str) -> String {
    let mut first: Vec<_> = SPACES.iter().map(|(space, _)| *space).collect();
    first.extend(names(""));
    let mut text = format!(
        "_{program}() {{\n  local at=${{COMP_WORDS[COMP_CWORD]}} words\n  case \"${{COMP_WORDS[1]}} ${{COMP_WORDS[2]}}\" in\n"
    );
    for command in table::all().filter(|one| !one.space.is_empty()) {
        let _ = writeln!(text, "    \"{}\") words=\"{}\" ;;", command.words(), flags(command));
    }
    for command in table::all().filter(|one| one.space.is_empty()) {
        let _ = writeln!(text, "    \"{} \"*) words=\"{}\" ;;", command.name, flags(command));
    }
    text.push_str("  esac\n");
    let _ = writeln!(text, "  [ \"$COMP_CWORD\" = 1 ] && words=\"{}\"", first.join(" "));
    for (space, _) in SPACES {
        let _ = writeln!(
            text,
            "  [ \"$COMP_CWORD\" = 2 ] && [ \"${{COMP_WORDS[1]}}\" = {space} ] && words=\"{}\"",
            names(space).join(" ")
        );
    }
    let _ = writeln!(
        text,
        "  COMPREPLY=($(compgen -W \"$words\" -- \"$at\"))\n}}\ncomplete -o default -F _{program} {program}"
    );
    text
}

fn fish(program: &str) -> String {
    let mut text = format!("complete -c {program} -f\n");
    let quoted = |text: &str| text.replace('\'', "\\'");
    for (space, about) in SPACES {
        let _ = writeln!(
            text,
            "complete -c {program} -n __fish_use_subcommand -a {space} -d '{}'",
            quoted(about)
        );
    }
    for command in table::all() {
        let when = if command.space.is_empty() {
            "__fish_use_subcommand".to_owned()
        } else {
            let others = names(command.space).join(" ");
            format!(
                "'__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from {others}'",
                command.space
            )
        };
        let _ = writeln!(
            text,
            "complete -c {program} -n {when} -a '{}' -d '{}'",
            command.name,
            quoted(command.summary)
        );
        for flag in command.flags().filter(|flag| !flag.hidden) {
            let needs = if flag.is_switch() { "" } else { " -r" };
            let _ = writeln!(
                text,
                "complete -c {program} -n '__fish_seen_subcommand_from {}' -l {}{needs} -d '{}'",
                command.name,
                flag.name,
                quoted(flag.help)
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_completed_in_every_shell() {
        for shell in ["bash", "zsh", "fish"] {
            let text = script(shell, "ectype");
            for command in table::all() {
                assert!(text.contains(command.name), "{shell} {}", command.name);
            }
            assert!(text.contains("source-volume"), "{shell}");
        }
    }

    /// The shell itself reads what it is given.
    #[test]
    fn bash_can_read_it() {
        use std::{io::Write, process::Stdio};
        let mut shell =
            std::process::Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(script("bash", "ectype").as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success());
    }
}
