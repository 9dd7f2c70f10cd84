//! What a row of the table is made of.

use crate::{Cli, failure::Outcome, grammar::Input, kinds::Kind};

/// A command.
#[derive(Debug)]
pub(crate) struct Command {
    /// The word before it, or none.
    pub space: &'static str,
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    pub positionals: &'static [Positional],
    flags: &'static [&'static [Flag]],
    pub rules: &'static [Rule],
    pub act: Act,
    /// Whether it takes `--output JSON`.
    pub json: bool,
    /// Words that are shown below the options.
    pub notes: &'static str,
}

/// A word that is told by its place.
#[derive(Debug)]
pub(crate) struct Positional {
    pub name: &'static str,
    pub value: Value,
    pub put: Put,
    pub arity: Arity,
    pub help: &'static str,
}

/// How often a word may be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    One,
    Optional,
    Many,
    /// As many as there are, or none.
    Rest,
}

/// A word that is told by its name.
#[derive(Debug)]
pub(crate) struct Flag {
    /// Without hyphens.
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub value: Value,
    pub put: Put,
    /// What stands for its value in help.
    pub hint: &'static str,
    pub help: &'static str,
    /// Accepted, and not shown.
    pub hidden: bool,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    /// No value: there or not.
    Switch,
    Text,
    /// `true` or `false`, in any case.
    Bool,
    /// A whole number.
    Number,
    /// One of these, in any case.
    Choice(&'static [&'static str]),
    /// Texts with commas between them.
    List,
    /// JSON, or `@` and a file of it.
    Json,
    /// A text, or `@` and a file of it.
    File,
    /// A name, an id or a CRN.
    Ref(&'static Kind),
    /// Several, with commas between them.
    Refs(&'static Kind),
}

/// Where a value goes in the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Put {
    /// Nowhere: the command reads it.
    Nothing,
    /// A JSON pointer into the body. References become `{"id": ..}` there.
    Body(&'static str),
    /// The body gets null there.
    Null(&'static str),
    Query(&'static str),
}

/// What holds between flags.
#[derive(Debug)]
pub(crate) enum Rule {
    /// One of them, and only one.
    Exactly(&'static [&'static str]),
    /// One of them, or none.
    AtMost(&'static [&'static str]),
    /// One of them, or more.
    AtLeast(&'static [&'static str]),
    /// The first only with the second.
    Needs(&'static str, &'static str),
    /// It must be there.
    Required(&'static str),
}

/// What a command does that no general act covers.
pub(crate) type Own = fn(&mut Cli, &Input) -> Outcome;

/// What a command does.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// All of a kind, with filters that are there unless one of that name is given.
    List(&'static Kind, &'static [(&'static str, &'static str)]),
    Show(&'static Kind),
    Create(&'static Kind),
    Update(&'static Kind),
    Delete(&'static Kind),
    /// A method and a path below one of a kind; what comes back is shown as the second.
    Below(&'static Kind, &'static str, &'static str, Option<&'static Kind>),
    Own(Own),
}

impl std::fmt::Debug for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Act(..)")
    }
}

/// `--output JSON`.
static OUTPUT: &[Flag] = &[
    flag("output", Value::Choice(&["JSON"]), Put::Nothing, "Answer in JSON; JSON is the only one.")
        .hint("JSON"),
    flag("json", Value::Switch, Put::Nothing, "The older way to say --output JSON.").hidden(),
];

/// What every command takes.
static ALWAYS: &[Flag] = &[
    flag("quiet", Value::Switch, Put::Nothing, "Leave out what is said besides the answer.")
        .also(&["q"]),
    flag("help", Value::Switch, Put::Nothing, "Show this help.").also(&["h"]),
];

impl Command {
    pub const fn new(
        space: &'static str,
        name: &'static str,
        summary: &'static str,
        act: Act,
    ) -> Self {
        Self {
            space,
            name,
            aliases: &[],
            summary,
            positionals: &[],
            flags: &[],
            rules: &[],
            act,
            json: true,
            notes: "",
        }
    }

    pub const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub const fn takes(mut self, positionals: &'static [Positional]) -> Self {
        self.positionals = positionals;
        self
    }

    pub const fn flagged(mut self, flags: &'static [&'static [Flag]]) -> Self {
        self.flags = flags;
        self
    }

    pub const fn ruled(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    pub const fn noted(mut self, notes: &'static str) -> Self {
        self.notes = notes;
        self
    }

    /// It has no answer in JSON.
    pub const fn talks(mut self) -> Self {
        self.json = false;
        self
    }

    /// Every flag, what all commands take last.
    pub fn flags(&self) -> impl Iterator<Item = &'static Flag> {
        let output: &'static [Flag] = if self.json { OUTPUT } else { &[] };
        let own: &'static [&'static [Flag]] = self.flags;
        own.iter().flat_map(|part| part.iter()).chain(output).chain(ALWAYS)
    }

    /// The flag of that name.
    pub fn flag(&self, name: &str) -> Option<&'static Flag> {
        self.flags().find(|flag| flag.names().any(|one| one == name))
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    pub fn is_called(&self, name: &str) -> bool {
        self.names().any(|one| one == name)
    }

    /// Its words, without the program.
    pub fn words(&self) -> String {
        if self.space.is_empty() {
            self.name.to_owned()
        } else {
            format!("{} {}", self.space, self.name)
        }
    }
}

/// A flag.
pub(crate) const fn flag(name: &'static str, value: Value, put: Put, help: &'static str) -> Flag {
    Flag { name, aliases: &[], value, put, hint: "", help, hidden: false }
}

impl Flag {
    pub const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    pub const fn is_switch(&self) -> bool {
        matches!(self.value, Value::Switch)
    }
}

/// A word.
pub(crate) const fn word(
    name: &'static str,
    value: Value,
    put: Put,
    help: &'static str,
) -> Positional {
    Positional { name, value, put, arity: Arity::One, help }
}

/// A word that names one of a kind, which the command reads.
pub(crate) const fn refers(
    name: &'static str,
    kind: &'static Kind,
    help: &'static str,
) -> Positional {
    word(name, Value::Ref(kind), Put::Nothing, help)
}

impl Positional {
    pub const fn optional(mut self) -> Self {
        self.arity = Arity::Optional;
        self
    }

    pub const fn rest(mut self) -> Self {
        self.arity = Arity::Rest;
        self
    }

    pub const fn many(mut self) -> Self {
        self.arity = Arity::Many;
        self
    }
}

impl Rule {
    /// The flags that it is about.
    #[cfg(test)]
    pub fn names(&self) -> Vec<&'static str> {
        match self {
            Self::Exactly(names) | Self::AtMost(names) | Self::AtLeast(names) => names.to_vec(),
            Self::Needs(a, b) => vec![a, b],
            Self::Required(name) => vec![name],
        }
    }
}
