//! Region and zone names, and the prefixes that IBM's ids carry for them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A region such as `us-south`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegionName(String);

/// A zone such as `us-south-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ZoneName(String);

/// Why a text is not a region name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a region name: lower-case letters, digits and hyphens, at most 32")]
pub struct RegionNameError {
    text: String,
}

/// Zones that every region has.
const ZONES: [&str; 3] = ["1", "2", "3"];

impl RegionName {
    /// Reads a region name. Any well-formed name is a region: people name their own.
    ///
    /// # Errors
    /// When it is not lower-case letters, digits and inner hyphens, of at most 32 characters.
    pub fn parse(text: &str) -> Result<Self, RegionNameError> {
        let ok = (1..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(RegionNameError { text: text.chars().take(64).collect() })
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the ids of regional resources begin with: `r006-`.
    ///
    /// The known ones are IBM's; a name that IBM does not have gets `r000-`.
    #[must_use]
    pub fn id_prefix(&self) -> &'static str {
        match self.0.as_str() {
            "us-south" => "r006-",
            "eu-de" => "r010-",
            "us-east" => "r014-",
            "eu-gb" => "r018-",
            "jp-tok" => "r022-",
            "au-syd" => "r026-",
            "jp-osa" => "r034-",
            "ca-tor" => "r038-",
            "br-sao" => "r042-",
            "eu-es" => "r050-",
            _ => "r000-",
        }
    }

    /// The region's zones in order.
    #[must_use]
    pub fn zones(&self) -> Vec<ZoneName> {
        ZONES.iter().map(|n| ZoneName(format!("{}-{n}", self.0))).collect()
    }

    /// The zone of that name, if this region has it.
    #[must_use]
    pub fn zone(&self, name: &str) -> Option<ZoneName> {
        self.zones().into_iter().find(|z| z.0 == name)
    }
}

impl ZoneName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that was stored: it was checked when it came in.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The number that ids of zonal resources begin with: `0717` in `us-south-1`.
    #[must_use]
    pub fn id_number(&self) -> &'static str {
        match self.0.rsplit('-').next() {
            Some("1") => "0717",
            Some("2") => "0727",
            _ => "0737",
        }
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_three_zones_with_a_number_each() {
        let region = RegionName::parse("us-south").unwrap();
        let zones = region.zones();
        assert_eq!(
            zones.iter().map(ZoneName::id_number).collect::<Vec<_>>(),
            ["0717", "0727", "0737"]
        );
        assert_eq!(region.zone("us-south-2"), Some(zones[1].clone()));
        assert_eq!(region.zone("us-east-1"), None);
    }

    #[test]
    fn region_names_have_a_shape() {
        for ok in ["us-south", "home", "lab2"] {
            assert!(RegionName::parse(ok).is_ok(), "{ok}");
        }
        for bad in ["", "US", "-a", "a-", "a/b", &"a".repeat(33)] {
            assert!(RegionName::parse(bad).is_err(), "{bad}");
        }
    }
}
