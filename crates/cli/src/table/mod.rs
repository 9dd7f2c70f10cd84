//! The one table of commands. It feeds the parser, the help, the completions and the page of
//! commands.
//!
//! It refuses to know how anything is done: an [`Act`] names it. Invariant: a command is found by
//! its words alone, so no two have the same. Next to read: `is_images`, then `grammar`.

mod flags;
mod iam;
mod is_compute;
mod is_images;
mod is_networks;
mod is_storage;
mod key_protect;
mod ours;
mod platform;
mod resource;
mod shape;

pub(crate) use shape::{
    Act, Arity, Command, Flag, Positional, Put, Rule, Value, flag, refers, word,
};

/// Every command, in the order in which help shows them.
static TABLE: &[&[Command]] = &[
    platform::COMMANDS,
    is_images::COMMANDS,
    is_compute::COMMANDS,
    is_storage::COMMANDS,
    is_networks::COMMANDS,
    resource::COMMANDS,
    iam::COMMANDS,
    key_protect::COMMANDS,
    ours::COMMANDS,
];

/// Words before a command, with what is under them.
pub(crate) const SPACES: &[(&str, &str)] = &[
    ("is", "Virtual Private Cloud: images, instances, volumes, networks"),
    ("resource", "Resource groups, service instances, tags, search"),
    ("iam", "API keys, service IDs, access"),
    ("kp", "Key Protect: root keys"),
];

/// Every command.
pub(crate) fn all() -> impl Iterator<Item = &'static Command> {
    TABLE.iter().flat_map(|part| part.iter())
}

/// The command of that name, or of that other name.
pub(crate) fn find(space: &str, name: &str) -> Option<&'static Command> {
    all().find(|one| one.space == space && one.is_called(name))
}

/// The command that words begin with, of one word or of two as `kp key create`; and what follows.
pub(crate) fn take<'a>(
    space: &str,
    words: &'a [String],
) -> Option<(&'static Command, &'a [String])> {
    let (name, rest) = words.split_first()?;
    if let Some((second, rest)) = rest.split_first()
        && let Some(command) = find(space, &format!("{name} {second}"))
    {
        return Some((command, rest));
    }
    find(space, name).map(|command| (command, rest))
}

/// Whether the word begins something that is here.
pub(crate) fn knows(word: &str) -> bool {
    SPACES.iter().any(|(space, _)| *space == word) || find("", word).is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_commands_or_flags_have_the_same_words() {
        let mut words = BTreeSet::new();
        for command in all() {
            for name in command.names() {
                assert!(words.insert((command.space, name)), "{} {name}", command.space);
            }
            let mut flags = BTreeSet::new();
            for flag in command.flags() {
                for name in flag.names() {
                    assert!(flags.insert(name), "{}: --{name}", command.name);
                }
            }
        }
        assert!(words.len() > 100, "{}", words.len());
    }

    #[test]
    fn rules_name_flags_or_words_that_are_there() {
        for command in all() {
            for rule in command.rules {
                for name in rule.names() {
                    let known = command.flags().any(|flag| flag.name == name)
                        || command.positionals.iter().any(|word| word.name == name);
                    assert!(known, "{}: {name}", command.name);
                }
            }
        }
    }

    #[test]
    fn only_the_last_words_of_a_command_may_be_left_out() {
        for command in all() {
            let optional: Vec<_> =
                command.positionals.iter().map(|one| one.arity != Arity::One).collect();
            assert!(optional.is_sorted(), "{}", command.name);
        }
    }

    #[test]
    fn every_command_and_flag_has_a_line_of_help() {
        for command in all() {
            assert!(command.summary.ends_with('.'), "{}", command.name);
            for flag in command.flags() {
                assert!(flag.help.ends_with('.'), "{} --{}", command.name, flag.name);
            }
        }
    }
}
