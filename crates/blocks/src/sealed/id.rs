//! Names of stored things: stores, records, roots and packs.
//!
//! All are public: none opens anything. Their text form is lower-case hexadecimal.

use std::fmt;

use base::Entropy;

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the expected number of lower-case hexadecimal digits")]
pub struct HexError;

/// Bytes from lower-case hexadecimal text.
fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return Err(HexError);
    }
    let value = |b: u8| match b {
        b'0'..=b'9' => Ok(b - b'0'),
        b'a'..=b'f' => Ok(b - b'a' + 10),
        _ => Err(HexError),
    };
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Ok(out)
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
}

macro_rules! hex_ids {
    ($($(#[$doc:meta])* $name:ident[$len:literal];)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Reads the text form.
            ///
            /// # Errors
            /// When the text is not the right number of lower-case hexadecimal digits.
            pub fn parse(text: &str) -> Result<Self, HexError> {
                from_hex(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }
    )*};
}

hex_ids! {
    /// A chunk store: 16 random bytes, fixed at its creation.
    StoreId[16];
    /// A record: BLAKE3 of its stored bytes.
    RecordId[32];
    /// A sealed tree: the record id of its root node. Public; it opens nothing.
    RootId[32];
    /// A pack: BLAKE3 of all its bytes.
    PackName[32];
}

impl StoreId {
    /// A new random id.
    pub fn mint(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self(bytes)
    }
}

impl RecordId {
    /// The id of stored bytes.
    #[must_use]
    pub fn of(stored: &[u8]) -> Self {
        Self(*blake3::hash(stored).as_bytes())
    }
}

impl RootId {
    /// The root node as a record.
    #[must_use]
    pub const fn record(self) -> RecordId {
        RecordId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = RecordId::of(b"x");
        assert_eq!(RecordId::parse(&id.to_string()), Ok(id));
        for bad in ["", "00", &"g".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
            assert_eq!(RecordId::parse(bad), Err(HexError), "{bad}");
        }
    }
}
