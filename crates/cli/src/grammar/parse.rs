//! Words become an [`Input`] by the table, and the table's rules hold afterwards.

use super::{choice_of, flag_of, nearest, number_of};
use crate::{
    failure::{Failure, Outcome},
    table::{Arity, Command, Flag, Positional, Rule, Value},
};

/// Most words of a command line.
const WORDS_MAX: usize = 4096;

/// A command with its words.
#[derive(Debug)]
pub(crate) struct Input {
    pub command: &'static Command,
    flags: Vec<(&'static Flag, Vec<String>)>,
    words: Vec<String>,
}

/// What [`Input::nothing`] is of.
static NO_COMMAND: Command = Command::new("", "", "", crate::table::Act::Own(|_, _| Ok(())));

impl Input {
    /// No words at all.
    pub fn nothing() -> Self {
        Self { command: &NO_COMMAND, flags: Vec::new(), words: Vec::new() }
    }

    /// What a flag was given, or a word that is told by its place.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).first().map(String::as_str)
    }

    /// All that a flag was given, or a word that is told by its place.
    pub fn texts(&self, name: &str) -> &[String] {
        if let Some((_, given)) = self.flags.iter().find(|(flag, _)| flag.name == name) {
            return given;
        }
        let found = self.positionals().find(|(word, _)| word.name == name);
        found.map(|(_, given)| given).unwrap_or_default()
    }

    /// Whether a flag or a word is there.
    pub fn has(&self, name: &str) -> bool {
        self.flags.iter().any(|(flag, _)| flag.name == name) || !self.texts(name).is_empty()
    }

    /// Whether a switch is on.
    pub fn on(&self, name: &str) -> bool {
        self.flags.iter().any(|(flag, given)| {
            flag.name == name && !given.iter().any(|text| text.eq_ignore_ascii_case("false"))
        })
    }

    /// The flags that were given.
    pub fn flags(&self) -> impl Iterator<Item = (&'static Flag, &[String])> {
        self.flags.iter().map(|(flag, given)| (*flag, given.as_slice()))
    }

    /// The words in their places.
    pub fn positionals(&self) -> impl Iterator<Item = (&'static Positional, &[String])> {
        let all = self.command.positionals;
        all.iter().enumerate().map(|(at, word)| {
            let from = at.min(self.words.len());
            let to = if matches!(word.arity, Arity::Many | Arity::Rest) {
                self.words.len()
            } else {
                from + 1
            };
            (word, &self.words[from..to.min(self.words.len())])
        })
    }

    /// Whether the answer is to be JSON.
    pub fn json(&self) -> bool {
        self.on("json") || self.has("output")
    }
}

/// Reads the words after the command's name.
///
/// # Errors
/// A flag that is not there (with the nearest), without its value, twice, or against a rule; a
/// word too few or too many.
pub(crate) fn parse(command: &'static Command, words: &[String]) -> Outcome<Input> {
    if words.len() > WORDS_MAX {
        return Err(Failure::usage(format!("more than {WORDS_MAX} words")).of(command));
    }
    let mut input = Input { command, flags: Vec::new(), words: Vec::new() };
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            input.words.extend(rest.by_ref().cloned());
        } else if is_flag(word) {
            take(&mut input, word, &mut rest).map_err(|failure| failure.of(command))?;
        } else {
            input.words.push(word.clone());
        }
    }
    if !input.on("help") {
        check(&input).map_err(|failure| failure.of(command))?;
    }
    Ok(input)
}

/// A hyphen and a letter.
fn is_flag(word: &str) -> bool {
    let name = word.trim_start_matches('-');
    let hyphens = word.len() - name.len();
    (1..=2).contains(&hyphens) && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn take(input: &mut Input, word: &str, rest: &mut std::slice::Iter<'_, String>) -> Outcome {
    let command = input.command;
    let bare = word.trim_start_matches('-');
    let (name, given) = match bare.split_once('=') {
        Some((name, given)) => (name, Some(given.to_owned())),
        None => (bare, None),
    };
    let Some(flag) = command.flag(name) else {
        return several(input, word, bare);
    };
    let value = match (flag.is_switch(), given) {
        (true, Some(text)) => {
            flag_of(&format!("--{name}"), &text)?;
            Some(text)
        }
        (true, None) => None,
        (false, Some(text)) => Some(text),
        (false, None) => Some(next(command, name, rest)?),
    };
    put(input, flag, value)
}

/// The value after a flag. A flag of this command is none: the value was forgotten.
fn next(
    command: &'static Command,
    name: &str,
    rest: &mut std::slice::Iter<'_, String>,
) -> Outcome<String> {
    let missing = || Failure::usage(format!("flag needs a value: --{name}"));
    let word = rest.next().ok_or_else(missing)?;
    let bare = word.trim_start_matches('-');
    let bare = bare.split_once('=').map_or(bare, |(name, _)| name);
    if is_flag(word) && command.flag(bare).is_some() {
        return Err(missing());
    }
    Ok(word.clone())
}

fn put(input: &mut Input, flag: &'static Flag, value: Option<String>) -> Outcome {
    let at = input.flags.iter().position(|(one, _)| one.name == flag.name);
    let at = at.unwrap_or_else(|| {
        input.flags.push((flag, Vec::new()));
        input.flags.len() - 1
    });
    let given = &mut input.flags[at].1;
    let lists = matches!(flag.value, Value::List | Value::Refs(_));
    if let Some(value) = value {
        let again = given.first().is_some_and(|first| *first != value);
        if again && !lists {
            return Err(Failure::usage(format!(
                "--{} was given twice: '{}' and '{value}'",
                flag.name, given[0]
            )));
        }
        given.push(value);
    }
    Ok(())
}

/// `-fq`: switches of one letter in one word; anything else is not known.
fn several(input: &mut Input, word: &str, bare: &str) -> Outcome {
    let command = input.command;
    let letters: Vec<_> = bare.chars().map(|c| command.flag(&c.to_string())).collect();
    let single = !word.starts_with("--") && bare.len() > 1;
    if single && letters.iter().all(|flag| flag.is_some_and(Flag::is_switch)) {
        return letters.into_iter().flatten().try_for_each(|flag| put(input, flag, None));
    }
    let name = bare.split_once('=').map_or(bare, |(name, _)| name);
    let known = command.flags().filter(|flag| !flag.hidden).flat_map(Flag::names);
    let near = nearest(name, known.filter(|name| name.len() > 1));
    let hint = match near {
        Some(near) => Some(format!("did you mean --{near}?")),
        None => gone(command, name).map(str::to_owned),
    };
    Err(Failure::Usage { message: format!("flag is not known: {word}"), hint, command: None })
}

/// Flags that IBM's plug-in had once.
fn gone(command: &Command, name: &str) -> Option<&'static str> {
    (command.name == "images" && name == "owner-type")
        .then_some("--owner-type is gone since 14.0.0: --remote-account-id provider|user|ACCOUNT")
}

fn check(input: &Input) -> Outcome {
    let command = input.command;
    let needed = command.positionals.iter().enumerate();
    for (at, word) in needed.filter(|(_, word)| matches!(word.arity, Arity::One | Arity::Many)) {
        if input.words.len() <= at && !left_out(input, word) {
            return Err(Failure::usage(format!("argument is missing: {}", word.name)));
        }
    }
    let many =
        command.positionals.iter().any(|word| matches!(word.arity, Arity::Many | Arity::Rest));
    if let Some(extra) = input.words.get(command.positionals.len()).filter(|_| !many) {
        return Err(Failure::usage(format!("argument too many: '{extra}'")));
    }
    for (word, given) in input.positionals() {
        judge(word.name, word.value, given)?;
    }
    for (flag, given) in input.flags() {
        judge(flag.name, flag.value, given)?;
    }
    command.rules.iter().try_for_each(|rule| hold(input, rule))
}

/// IBM's plug-in drops the last place of `instance-create` when a flag says it.
fn left_out(input: &Input, word: &Positional) -> bool {
    let said = ["primary-network-interface", "primary-network-attachment", "pnac-vni"];
    word.name == "SUBNET" && said.iter().any(|flag| input.has(flag))
}

fn hold(input: &Input, rule: &Rule) -> Outcome {
    let given = |names: &[&'static str]| -> Vec<&'static str> {
        names.iter().copied().filter(|name| input.has(name)).collect()
    };
    let said =
        |names: &[&str]| names.iter().map(|name| spelled(name)).collect::<Vec<_>>().join(", ");
    let wrong = match rule {
        Rule::Exactly(names) if given(names).is_empty() => {
            format!("one of these is needed: {}", said(names))
        }
        Rule::AtLeast(names) if given(names).is_empty() => {
            format!("at least one of these is needed: {}", said(names))
        }
        Rule::Exactly(names) | Rule::AtMost(names) if given(names).len() > 1 => {
            format!("these exclude each other: {}", said(&given(names)))
        }
        Rule::Needs(one, other) if input.has(one) && !input.has(other) => {
            format!("--{one} needs --{other}")
        }
        Rule::Required(name) if !input.has(name) => format!("flag is missing: --{name}"),
        _ => return Ok(()),
    };
    Err(Failure::usage(wrong))
}

/// A flag with its hyphens; a word, which is in upper case, without.
pub(crate) fn spelled(name: &str) -> String {
    match name.chars().next() {
        Some(first) if first.is_ascii_uppercase() => name.to_owned(),
        _ if name.len() == 1 => format!("-{name}"),
        _ => format!("--{name}"),
    }
}

/// What can be judged without reading or asking anything.
fn judge(name: &str, value: Value, given: &[String]) -> Outcome {
    let name = &spelled(name);
    given.iter().try_for_each(|text| match value {
        Value::Choice(choices) => choice_of(name, text, choices).map(drop),
        Value::Number => number_of(name, text).map(drop),
        Value::Bool => flag_of(name, text).map(drop),
        _ => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::find;

    fn read(line: &str) -> Outcome<Input> {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let (command, rest) = match words[0].as_str() {
            "is" => (find("is", &words[1]).unwrap(), &words[2..]),
            name => (find("", name).unwrap(), &words[1..]),
        };
        parse(command, rest)
    }

    fn refused(line: &str) -> String {
        read(line).unwrap_err().lines().join("|")
    }

    #[test]
    fn flags_stand_anywhere_and_in_every_spelling() {
        for line in [
            "is image-create --source-volume v gold --output JSON",
            "is image-create gold -source-volume=v -output json",
            "is image-create gold --source-volume v -json",
            "is image-create gold --source-volume v --json=True",
        ] {
            let input = read(line).unwrap();
            assert_eq!(input.text("source-volume"), Some("v"), "{line}");
            assert_eq!(input.text("IMAGE_NAME"), Some("gold"), "{line}");
            assert!(input.json(), "{line}");
        }
    }

    #[test]
    fn switches_of_one_letter_go_in_one_word_and_take_false() {
        assert!(read("is image-delete a b -fq").unwrap().on("force"));
        assert!(!read("is image-delete a --force=False").unwrap().on("force"));
        assert!(refused("is image-delete a --force=maybe").contains("true or false"));
        assert_eq!(read("is image-delete a b -f").unwrap().texts("IMAGE").len(), 2);
    }

    #[test]
    fn what_cannot_be_meant_is_said_with_the_nearest_word() {
        for (line, part) in [
            ("is image-create gold --sorce-volume v", "did you mean --source-volume?"),
            ("is image-create gold --source-volume", "needs a value: --source-volume"),
            ("is image-create gold --source-volume --quiet", "needs a value: --source-volume"),
            ("is image-create --source-volume v", "argument is missing: IMAGE_NAME"),
            ("is image-create gold", "one of these is needed: --file, --source-volume"),
            ("is image-create g --source-volume v --file f", "exclude each other"),
            ("is image-create g --source-volume a --source-volume b", "was given twice"),
            ("is image a b", "argument too many: 'b'"),
            ("is images --owner-type user", "--remote-account-id"),
        ] {
            let said = refused(line);
            assert!(said.starts_with("Incorrect Usage.") && said.contains(part), "{line}: {said}");
        }
    }

    #[test]
    fn a_value_may_look_like_a_flag_of_another_command() {
        let input = read("is image-create gold --source-volume -x").unwrap();
        assert_eq!(input.text("source-volume"), Some("-x"));
        assert_eq!(read("is image -- -x").unwrap().text("IMAGE"), Some("-x"));
    }
}
