//! Byte counts with a unit in the type.

use std::fmt;

/// One gigabyte as the VPC API counts it: 2^30 bytes, on the wire and on disk.
pub const GB: u64 = 1 << 30;

/// A number of bytes.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct ByteCount(pub u64);

impl ByteCount {
    /// `n` gigabytes of 2^30 bytes.
    #[must_use]
    pub const fn from_gb(n: u64) -> Self {
        Self(n * GB)
    }

    /// Whole gigabytes, rounded up.
    #[must_use]
    pub const fn gb_ceil(self) -> u64 {
        self.0.div_ceil(GB)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
        let mut unit = 0;
        let mut scale = 1_u64;
        while unit + 1 < UNITS.len() && self.0 / scale >= 1024 {
            scale *= 1024;
            unit += 1;
        }
        if unit == 0 {
            return write!(f, "{} B", self.0);
        }
        let tenths = u128::from(self.0) * 10 / u128::from(scale);
        write!(f, "{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gigabytes_round_up() {
        assert_eq!(ByteCount(1).gb_ceil(), 1);
        assert_eq!(ByteCount(GB).gb_ceil(), 1);
        assert_eq!(ByteCount(GB + 1).gb_ceil(), 2);
    }

    #[test]
    fn counts_print_in_the_largest_unit_that_fits() {
        assert_eq!(ByteCount(1023).to_string(), "1023 B");
        assert_eq!(ByteCount(1536).to_string(), "1.5 KiB");
        assert_eq!(ByteCount::from_gb(100).to_string(), "100.0 GiB");
    }
}
