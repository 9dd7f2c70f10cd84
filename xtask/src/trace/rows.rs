//! The requirements and invariants, as data.

use std::{collections::BTreeSet, fmt};

use serde::Deserialize;

/// What a test can name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// `S17`, `B3`.
    Requirement(char, u32),
    /// An invariant of the engine.
    Invariant(u32),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requirement(letter, number) => write!(f, "{letter}{number}"),
            Self::Invariant(number) => write!(f, "invariant {number}"),
        }
    }
}

impl Subject {
    /// Reads `S17` or `B3`, in either case.
    pub fn requirement(text: &str) -> Option<Self> {
        let letter = text.chars().next()?.to_ascii_uppercase();
        let number = text.get(1..).filter(|n| n.bytes().all(|b| b.is_ascii_digit()))?;
        let number = number.parse().ok()?;
        matches!(letter, 'S' | 'B').then_some(Self::Requirement(letter, number))
    }
}

/// `docs/requirements.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    pub requirement: Vec<Requirement>,
    #[serde(default)]
    pub invariant: Vec<Invariant>,
}

/// A numbered requirement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    pub id: String,
    pub text: String,
    /// Which part is served, when not all of it is.
    pub part: Option<String>,
}

/// An invariant of the engine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invariant {
    pub id: u32,
    pub text: String,
}

impl Requirement {
    /// What a test names it by.
    pub fn subject(&self) -> Option<Subject> {
        Subject::requirement(&self.id)
    }
}

impl Rows {
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let rows: Self = toml::from_str(text)?;
        let mut seen = BTreeSet::new();
        for row in &rows.requirement {
            let Some(subject) = row.subject() else { anyhow::bail!("{} is no id", row.id) };
            anyhow::ensure!(seen.insert(subject), "{} is there twice", row.id);
        }
        for row in &rows.invariant {
            let subject = Subject::Invariant(row.id);
            anyhow::ensure!(seen.insert(subject), "invariant {} is there twice", row.id);
        }
        Ok(rows)
    }

    /// Whether there is such a row.
    pub fn has(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Invariant(number) => self.invariant.iter().any(|row| row.id == *number),
            other => self.requirement.iter().any(|row| row.subject().as_ref() == Some(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_either_case() {
        assert_eq!(Subject::requirement("S17"), Some(Subject::Requirement('S', 17)));
        assert_eq!(Subject::requirement("b3"), Some(Subject::Requirement('B', 3)));
        for bad in ["", "S", "X1", "S1a", "17", "S 1"] {
            assert_eq!(Subject::requirement(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_row_is_there_once() {
        let row = "[[requirement]]\nid = \"S1\"\ntext = \"x\"\n";
        assert!(Rows::parse(row).is_ok());
        assert!(Rows::parse(&format!("{row}{row}")).is_err());
    }
}
