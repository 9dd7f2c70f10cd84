//! Tags: their kinds, their spelling, and what attaching leaves on a resource.
//!
//! Invariant: a [`Tag`] is lower-case, so `Env:Dev` and `env:dev` are one tag everywhere.

use std::fmt;

use crate::{Wildcard, text_enum};

/// Longest tag, in characters; each is one byte.
pub const TAG_LEN_MAX: usize = 128;

text_enum! {
    /// Who a tag is for.
    TagKind {
        /// Anyone who may tag the resource.
        User = "user",
        /// Access management: made by an administrator before it is attached.
        Access = "access",
        /// Services of the provider; users see these and never change them.
        Service = "service",
    }
}

/// A tag: 1 to 128 of `a-z 0-9`, blank and `_ - . :`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<str>);

/// Why a text is not a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// A character or a length that no tag has.
    #[error("a tag has 1 to 128 letters, digits, blanks and _ - . :")]
    Pattern,
    /// An access tag without key or value.
    #[error("an access tag has the form key:value")]
    NotKeyValue,
}

fn fits(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" _-.:".contains(&byte)
}

impl Tag {
    /// Reads a tag; letters become lower-case, blanks around it go.
    ///
    /// # Errors
    /// [`TagError::Pattern`].
    pub fn parse(text: &str) -> Result<Self, TagError> {
        let text = text.trim();
        if text.is_empty() || text.len() > TAG_LEN_MAX || !text.bytes().all(fits) {
            return Err(TagError::Pattern);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// Reads a tag of this kind: an access tag has a key and a value.
    ///
    /// # Errors
    /// As [`Self::parse`], and [`TagError::NotKeyValue`].
    pub fn parse_as(kind: TagKind, text: &str) -> Result<Self, TagError> {
        let tag = Self::parse(text)?;
        match (kind, tag.key()) {
            (TagKind::Access, None) => Err(TagError::NotKeyValue),
            (TagKind::Access | TagKind::User | TagKind::Service, _) => Ok(tag),
        }
    }

    /// The key of a tag of the form `key:value`, when neither part is blank.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        let (key, value) = self.0.split_once(':')?;
        (!key.trim().is_empty() && !value.trim().is_empty()).then_some(key)
    }

    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is detached: a tag, in which `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPattern(Wildcard);

impl TagPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`TagError::Pattern`].
    pub fn parse(text: &str) -> Result<Self, TagError> {
        let text = text.trim();
        if text.is_empty() || text.len() > TAG_LEN_MAX {
            return Err(TagError::Pattern);
        }
        if !text.bytes().all(|byte| fits(byte) || byte == b'*') {
            return Err(TagError::Pattern);
        }
        Ok(Self(Wildcard::of_stars(text)))
    }

    /// Whether `tag` is one of those.
    #[must_use]
    pub fn matches(&self, tag: &Tag) -> bool {
        self.0.matches(tag.as_str())
    }
}

/// What attaching does to the tags that are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagMode {
    /// They stay.
    #[default]
    Add,
    /// They go.
    Replace,
    /// Those with the key of a new `key:value` tag go.
    Update,
}

/// The tags of a resource after `new` ones are attached: those that stay in their order, then
/// the new ones in theirs, each once.
#[must_use]
pub fn tags_attached(have: &[Tag], new: &[Tag], mode: TagMode) -> Vec<Tag> {
    let keys: Vec<&str> = new.iter().filter_map(Tag::key).collect();
    let stays = |tag: &&Tag| match mode {
        TagMode::Add => true,
        TagMode::Replace => new.contains(tag),
        TagMode::Update => {
            new.contains(tag)
                || !tag.as_str().split_once(':').is_some_and(|(k, _)| keys.contains(&k))
        }
    };
    let mut after: Vec<Tag> = have.iter().filter(stays).cloned().collect();
    let mut seen: std::collections::HashSet<&Tag> = have.iter().filter(stays).collect();
    for tag in new {
        if seen.insert(tag) {
            after.push(tag.clone());
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(texts: &[&str]) -> Vec<Tag> {
        texts.iter().map(|text| Tag::parse(text).unwrap()).collect()
    }

    #[test]
    fn tags_are_lower_case() {
        assert_eq!(Tag::parse(" Env:Dev "), Tag::parse("env:dev"));
        assert_eq!(Tag::parse("A b_c-d.9").unwrap().as_str(), "a b_c-d.9");
    }

    #[test]
    fn tags_at_both_sides_of_their_length_and_characters() {
        assert!(Tag::parse("a").is_ok());
        assert!(Tag::parse(&"a".repeat(TAG_LEN_MAX)).is_ok());
        for bad in ["", "  ", &"a".repeat(TAG_LEN_MAX + 1), "a,b", "a/b", "é", "a*", "a\nb"] {
            assert_eq!(Tag::parse(bad), Err(TagError::Pattern), "{bad:?}");
        }
    }

    #[test]
    fn an_access_tag_has_key_and_value() {
        assert!(Tag::parse_as(TagKind::Access, "Project:X").is_ok());
        for bad in ["project", "project:", ":x", ": ", "a: "] {
            let error = Tag::parse_as(TagKind::Access, bad).unwrap_err();
            assert_eq!(error, TagError::NotKeyValue, "{bad:?}");
            assert!(Tag::parse_as(TagKind::User, bad).is_ok(), "{bad:?}");
        }
    }

    #[test]
    fn a_star_detaches_what_it_matches() {
        let pattern = |text: &str| TagPattern::parse(text).unwrap();
        let tag = Tag::parse("env:dev").unwrap();
        for yes in ["*", "ENV:*", "*dev", "e*:*v", "env:dev", "env:dev*"] {
            assert!(pattern(yes).matches(&tag), "{yes}");
        }
        for no in ["env", "dev*", "env:de", "*x*"] {
            assert!(!pattern(no).matches(&tag), "{no}");
        }
        for bad in ["", "env?", &"*".repeat(TAG_LEN_MAX + 1)] {
            assert!(TagPattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn attaching_adds_replaces_or_updates_by_key() {
        let have = tags(&["env:dev", "env:old", "a", "owner:x"]);
        let new = tags(&["b", "env:dev", "env:prod", "b"]);
        let after = |mode| tags_attached(&have, &new, mode);
        assert_eq!(
            after(TagMode::Add),
            tags(&["env:dev", "env:old", "a", "owner:x", "b", "env:prod"])
        );
        assert_eq!(after(TagMode::Replace), tags(&["env:dev", "b", "env:prod"]));
        assert_eq!(after(TagMode::Update), tags(&["env:dev", "a", "owner:x", "b", "env:prod"]));
        assert_eq!(tags_attached(&have, &[], TagMode::Replace), []);
    }
}
