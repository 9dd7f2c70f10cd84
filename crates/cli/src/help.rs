//! Help, written from the table; and which command a line means.

use std::fmt::Write;

use crate::{
    Surroundings,
    failure::{Failure, Outcome},
    grammar::nearest,
    table::{self, Arity, Command, Flag, Rule, SPACES, Value},
};

const INDENT: &str = "    ";
/// Where the text of an option begins.
const OPTION_WIDTH: usize = 38;

/// What a line means.
pub(crate) enum Route<'a> {
    /// Only something to print.
    Print(String),
    Run(&'static Command, &'a [String]),
}

/// Finds the command that a line means.
///
/// # Errors
/// A word that is none, with the nearest that is one.
pub(crate) fn route<'a>(
    program: &str,
    words: &'a [String],
    around: &Surroundings,
) -> Outcome<Route<'a>> {
    let Some((first, rest)) = words.split_first() else {
        return Ok(Route::Print(whole(program, around)));
    };
    if matches!(first.as_str(), "help" | "--help" | "-h" | "-help") {
        return explained(program, rest, around);
    }
    if matches!(first.as_str(), "version" | "--version" | "-v") {
        return Ok(Route::Print(format!("{program} {}", env!("CARGO_PKG_VERSION"))));
    }
    if let Some(command) = table::find("", first) {
        return Ok(Route::Run(command, rest));
    }
    if SPACES.iter().any(|(space, _)| space == first) {
        return match rest.split_first() {
            None => Ok(Route::Print(space(program, first))),
            Some((name, _)) if matches!(name.as_str(), "help" | "--help" | "-h") => {
                explained(program, words_of(words), around)
            }
            Some((name, second)) => match table::take(first, rest) {
                Some((command, rest)) => Ok(Route::Run(command, rest)),
                None => {
                    // Of two words, the second may be the wrong one.
                    let begun = format!("{name} ");
                    let two =
                        table::all().any(|one| one.space == first && one.name.starts_with(&begun));
                    let second = second.first().filter(|_| two).map(|second| format!(" {second}"));
                    let words = format!("{first} {name}{}", second.unwrap_or_default());
                    Err(unknown(program, &words, around))
                }
            },
        };
    }
    Err(unknown(program, first, around))
}

/// `is help X` is `help is X`.
fn words_of(words: &[String]) -> &[String] {
    // With a command behind it, the name of the space is all that `help` needs before it.
    if words.len() > 2 { &words[2..] } else { &words[..1] }
}

fn explained<'a>(program: &str, words: &[String], around: &Surroundings) -> Outcome<Route<'a>> {
    match words {
        [] => Ok(Route::Print(whole(program, around))),
        [one] if SPACES.iter().any(|(space, _)| space == one) => {
            Ok(Route::Print(space(program, one)))
        }
        [one] => {
            let found = table::all().find(|command| command.is_called(one));
            found
                .map(|command| Route::Print(of(program, command)))
                .ok_or_else(|| unknown(program, one, around))
        }
        [first, name, ..] => table::take(first, &words[1..])
            .map(|(command, _)| Route::Print(of(program, command)))
            .ok_or_else(|| unknown(program, &format!("{first} {name}"), around)),
    }
}

fn unknown(program: &str, words: &str, around: &Surroundings) -> Failure {
    let (space, name) = words.split_once(' ').unwrap_or(("", words));
    let others = (around.others)();
    let mut known: Vec<&str> =
        table::all().filter(|one| one.space == space).flat_map(Command::names).collect();
    if space.is_empty() {
        known.extend(SPACES.iter().map(|(space, _)| *space));
        known.extend(others.iter().map(|(name, _)| name.as_str()));
    }
    let near = nearest(name, known.into_iter()).map(|near| {
        let near = if space.is_empty() { near.to_owned() } else { format!("{space} {near}") };
        format!("did you mean `{program} {near}`?")
    });
    // Whoever leaves out `is` meant it.
    let inside = SPACES.iter().find(|(space, _)| table::find(space, name).is_some());
    let inside = inside
        .filter(|_| space.is_empty())
        .map(|(space, _)| format!("did you mean `{program} {space} {name}`?"));
    let hint = inside.or(near).unwrap_or_else(|| format!("see what there is: {program} help"));
    Failure::hinted(format!("'{words}' is not a registered command."), hint)
}

/// The help of one command.
pub(crate) fn of(program: &str, command: &'static Command) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "NAME:\n{INDENT}{} - {}\n", command.name, command.summary);
    if !command.aliases.is_empty() {
        let _ = writeln!(text, "ALIASES:\n{INDENT}{}\n", command.aliases.join(", "));
    }
    let _ = writeln!(text, "USAGE:\n{INDENT}{program} {}\n", usage(command));
    text.push_str("OPTIONS:\n");
    for word in command.positionals {
        option(&mut text, word.name, word.help);
    }
    for flag in command.flags().filter(|flag| !flag.hidden) {
        option(&mut text, &spelled(flag), &explanation(flag));
    }
    if !command.notes.is_empty() {
        let _ = writeln!(text, "\n{}", command.notes);
    }
    text
}

/// The command with its words and flags, as IBM writes it.
pub(crate) fn usage(command: &'static Command) -> String {
    let mut parts = vec![command.words()];
    for word in command.positionals {
        parts.push(match word.arity {
            Arity::One => word.name.to_owned(),
            Arity::Optional => format!("[{}]", word.name),
            Arity::Rest => format!("[{}...]", word.name),
            Arity::Many => format!("({0}1 {0}2 ...)", word.name),
        });
    }
    let mut told: Vec<&str> = Vec::new();
    for rule in command.rules {
        let (names, open, close) = match rule {
            Rule::Exactly(names) | Rule::AtLeast(names) => (*names, "(", ")"),
            Rule::AtMost(names) => (*names, "[", "]"),
            Rule::Required(name) => (std::slice::from_ref(name), "", ""),
            Rule::Needs(..) => continue,
        };
        let flags: Vec<_> = names.iter().filter(|name| !told.contains(name)).collect();
        let shown: Vec<_> = flags.iter().filter_map(|name| command.flag(name)).map(shape).collect();
        if !shown.is_empty() {
            parts.push(format!("{open}{}{close}", shown.join(" | ")));
        }
        told.extend(names);
    }
    for flag in command.flags().filter(|flag| !flag.hidden && flag.name != "help") {
        if !told.contains(&flag.name) {
            parts.push(format!("[{}]", shape(flag)));
        }
    }
    parts.join(" ")
}

/// `--name VALUE`.
fn shape(flag: &'static Flag) -> String {
    let names: Vec<_> = flag.names().map(hyphened).collect();
    let name = match names.iter().find(|name| !name.starts_with("--")) {
        Some(short) => format!("{short}, --{}", flag.name),
        None => format!("--{}", flag.name),
    };
    match hint(flag) {
        hint if hint.is_empty() => name,
        hint => format!("{name} {hint}"),
    }
}

fn hyphened(name: &str) -> String {
    if name.len() == 1 { format!("-{name}") } else { format!("--{name}") }
}

fn hint(flag: &Flag) -> String {
    if !flag.hint.is_empty() {
        return flag.hint.to_owned();
    }
    match flag.value {
        Value::Switch => String::new(),
        Value::Bool => "true | false".to_owned(),
        Value::Choice(choices) => choices.join(" | "),
        Value::Json => format!("{0}_JSON | @{0}_JSON_FILE", capitals(flag.name)),
        Value::File => format!("DATA | @{}_FILE", capitals(flag.name)),
        _ => capitals(flag.name),
    }
}

fn capitals(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

fn spelled(flag: &Flag) -> String {
    let names: Vec<_> = flag.names().map(hyphened).collect();
    let value = if flag.is_switch() { "" } else { " value" };
    format!("{}{value}", names.join(", "))
}

fn explanation(flag: &Flag) -> String {
    match flag.value {
        Value::Choice(choices) if choices.len() > 1 => {
            format!("{} One of: {}.", flag.help, choices.join(", "))
        }
        Value::List | Value::Refs(_) => format!("{} Commas between several.", flag.help),
        _ => flag.help.to_owned(),
    }
}

fn option(text: &mut String, name: &str, help: &str) {
    let _ = if name.len() < OPTION_WIDTH {
        writeln!(text, "{INDENT}{name:<OPTION_WIDTH$} {help}")
    } else {
        writeln!(text, "{INDENT}{name}\n{INDENT}{:OPTION_WIDTH$} {help}", "")
    };
}

fn commands(text: &mut String, space: &str) {
    for command in table::all().filter(|one| one.space == space) {
        option(text, command.name, command.summary);
    }
}

/// What is under a space.
fn space(program: &str, name: &str) -> String {
    let about = SPACES.iter().find(|(space, _)| *space == name).map_or("", |(_, about)| about);
    let mut text = format!(
        "NAME:\n{INDENT}{program} {name} - {about}\n\nUSAGE:\n{INDENT}{program} {name} COMMAND [ARGUMENTS...] [OPTIONS...]\n\nCOMMANDS:\n"
    );
    commands(&mut text, name);
    let _ = writeln!(text, "\nMore on one of them: {program} {name} COMMAND --help");
    text
}

/// All of it.
fn whole(program: &str, around: &Surroundings) -> String {
    let mut text = format!(
        "NAME:\n{INDENT}{program} - IBM Cloud VPC's image from volume, at a region of your own\n\nUSAGE:\n{INDENT}{program} [NAMESPACE] COMMAND [ARGUMENTS...] [OPTIONS...]\n\nCOMMANDS:\n"
    );
    text.push_str(&overview());
    let others = (around.others)();
    if !others.is_empty() {
        text.push_str("\nFOR WHOEVER RUNS A REGION:\n");
        for (name, about) in &others {
            option(&mut text, name, about);
        }
    }
    let _ = writeln!(text, "\nMore on one of them: {program} help COMMAND");
    text
}

/// The commands of this crate, one a line.
pub(crate) fn overview() -> String {
    let mut text = String::new();
    for (space, about) in SPACES {
        option(&mut text, space, about);
    }
    commands(&mut text, "");
    text
}
