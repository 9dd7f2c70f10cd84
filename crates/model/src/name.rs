//! Names of resources: IBM's pattern, its reserved prefix, and names made up for the nameless.

use std::fmt;

use base::Entropy;

/// Longest name, in characters.
pub const NAME_LEN_MAX: usize = 63;

/// A name that fits `^([a-z]|[a-z][-a-z0-9]*[a-z0-9])$` and is at most 63 characters long.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceName(Box<str>);

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It does not fit the pattern or the length.
    #[error(
        "a name begins with a lower-case letter, holds lower-case letters, digits and hyphens, \
         ends with a letter or digit, and has 1 to 63 characters"
    )]
    Pattern,
    /// It begins with a prefix that the provider keeps for itself.
    #[error("names that begin with `ibm-` are reserved")]
    Reserved,
}

impl ResourceName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`NameError::Pattern`] when it does not fit.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let ok = (1..=NAME_LEN_MAX).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.bytes().all(inner);
        if ok { Ok(Self(text.into())) } else { Err(NameError::Pattern) }
    }

    /// Reads a name for a type whose `ibm-` names are the provider's: images, reserved IPs.
    ///
    /// # Errors
    /// As [`Self::parse`], and [`NameError::Reserved`].
    pub fn parse_unreserved(text: &str) -> Result<Self, NameError> {
        if text.starts_with("ibm-") {
            return Err(NameError::Reserved);
        }
        Self::parse(text)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const WORDS: [&str; 64] = [
    "acorn", "amber", "anchor", "apron", "arbor", "autumn", "badge", "basil", "beacon", "birch",
    "breeze", "bridge", "bronze", "candle", "canyon", "cedar", "chalk", "cinder", "clover",
    "cobalt", "copper", "coral", "cotton", "crater", "delta", "denim", "ember", "fable", "falcon",
    "fern", "flint", "garnet", "ginger", "granite", "harbor", "hazel", "heron", "indigo", "ivory",
    "jasper", "kettle", "lantern", "lemon", "linen", "maple", "marble", "meadow", "nectar",
    "olive", "onyx", "orchid", "pebble", "pepper", "pine", "quartz", "raven", "ribbon", "saddle",
    "saffron", "silver", "thistle", "velvet", "walnut", "willow",
];

/// A made-up name: four words joined by hyphens.
pub fn generated_name(entropy: &dyn Entropy) -> ResourceName {
    let mut picks = [0_u8; 4];
    entropy.fill(&mut picks);
    let words = picks.map(|p| WORDS[usize::from(p) % WORDS.len()]);
    ResourceName(words.join("-").into())
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn names_at_both_ends_of_the_pattern() {
        for ok in ["a", "a1", "my-image", "a--b", &"a".repeat(NAME_LEN_MAX)] {
            assert!(ResourceName::parse(ok).is_ok(), "{ok}");
        }
        for bad in ["", "1a", "-a", "a-", "A", "a_b", "ä", "a b", &"a".repeat(NAME_LEN_MAX + 1)] {
            assert_eq!(ResourceName::parse(bad), Err(NameError::Pattern), "{bad}");
        }
    }

    #[test]
    fn reserved_names_are_refused_where_they_are_reserved() {
        assert_eq!(ResourceName::parse_unreserved("ibm-x"), Err(NameError::Reserved));
        assert!(ResourceName::parse("ibm-x").is_ok());
    }

    #[test]
    fn generated_names_fit_the_pattern() {
        let entropy = SeededEntropy::new(3);
        for _ in 0..100 {
            let name = generated_name(&entropy);
            assert_eq!(ResourceName::parse(name.as_str()), Ok(name));
        }
    }
}
