//! The exceptions: each with a reason, each only ever getting smaller.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

/// `xtask/ratchet.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ratchet {
    /// Files over the hard limit.
    pub file: Vec<LongFile>,
    /// Functions over the hard limit.
    pub function: Vec<LongFunction>,
    /// Third-party crates that are there in two versions.
    pub duplicate: Vec<Duplicate>,
}

/// A file over the hard limit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongFile {
    pub path: String,
    pub lines: usize,
    pub reason: String,
}

/// A function over the hard limit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongFunction {
    pub path: String,
    pub name: String,
    pub lines: usize,
    pub reason: String,
}

/// A crate in two versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    pub name: String,
    pub reason: String,
}

impl Ratchet {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("parse {}", path.display()))
    }

    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let ratchet: Self = toml::from_str(text)?;
        let reasons = ratchet.file.iter().map(|f| (&f.path, &f.reason));
        let reasons = reasons.chain(ratchet.function.iter().map(|f| (&f.name, &f.reason)));
        let mut reasons = reasons.chain(ratchet.duplicate.iter().map(|d| (&d.name, &d.reason)));
        match reasons.find(|(_, reason)| reason.trim().is_empty()) {
            Some((name, _)) => anyhow::bail!("{name} has no reason"),
            None => Ok(ratchet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_needs_a_reason() {
        assert!(Ratchet::parse("").is_ok());
        assert!(Ratchet::parse("[[duplicate]]\nname = \"a\"\nreason = \" \"\n").is_err());
        assert!(Ratchet::parse("[[duplicate]]\nname = \"a\"\n").is_err());
    }
}
