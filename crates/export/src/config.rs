//! What an engine process is told to serve. It travels over a pipe or socket, never on a
//! command line, because it holds keys.
//!
//! INVARIANT: no key of it is ever printed: [`Secret`] has no text form but the wire's.
//!
//! Next to read: `engine`, which acts on it.

use std::{fmt, path::PathBuf};

use blocks::sealed::RootId;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::Error;

/// Longest configuration on the wire, in bytes.
pub const CONFIG_BYTES_MAX: usize = 16 * 1024;

/// Thirty-two secret bytes; hexadecimal on the wire, erased when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes the bytes over.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the cipher that needs them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Zeroizing::new([0_u8; 64]);
        hex_into(&self.0, &mut text);
        serializer.serialize_str(std::str::from_utf8(&*text).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        deserializer.deserialize_str(HexVisitor { out: &mut bytes })?;
        Ok(Self(*bytes))
    }
}

/// A root's public id as hexadecimal digits.
mod root_id {
    use super::{HexVisitor, RootId, hex_into};

    pub fn serialize<S: serde::Serializer>(id: &RootId, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0_u8; 64];
        hex_into(&id.0, &mut text);
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<RootId, D::Error> {
        let mut bytes = [0_u8; 32];
        from.deserialize_str(HexVisitor { out: &mut bytes })?;
        Ok(RootId(bytes))
    }
}

fn hex_into(bytes: &[u8; 32], out: &mut [u8; 64]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Decodes in place, so that no copy of a key is left in freed memory.
struct HexVisitor<'a> {
    out: &'a mut [u8; 32],
}

impl serde::de::Visitor<'_> for HexVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("64 hexadecimal digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        // The text itself stays out of the message: it may be a key.
        let wrong = || E::custom("expected 64 hexadecimal digits");
        if text.len() != 64 {
            return Err(wrong());
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        for (byte, pair) in self.out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (high, low) = (digit(pair[0]), digit(pair[1]));
            *byte = high.zip(low).map(|(h, l)| h << 4 | l).ok_or_else(wrong)?;
        }
        Ok(())
    }
}

/// A sealed tree: its public id and the key that opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedRoot {
    /// Public id of the root record.
    #[serde(with = "root_id")]
    pub root_id: RootId,
    /// Key of the root record.
    pub root_key: Secret,
}

/// A volume: a write layer over a base, or over zeros.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeSubject {
    /// Folder of the layer's files.
    pub layer_dir: PathBuf,
    /// Folder on tmpfs for what must outlive the process but not the machine.
    pub run_dir: PathBuf,
    /// Size of the volume, in bytes.
    pub capacity_bytes: u64,
    /// Generation of the write layer.
    pub generation: u64,
    /// Fencing epoch of the lease under which it is opened.
    pub epoch: u64,
    /// What lies below; none reads as zeros.
    pub base: Option<SealedRoot>,
    /// Data key of the volume.
    pub volume_key: Secret,
    /// Whether the guest may only read.
    pub read_only: bool,
}

/// What is served.
// Not tagged inside: serde would copy the fields, keys too, into a buffer that nobody erases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A volume that a guest may write.
    Volume(VolumeSubject),
    /// A sealed image, read-only.
    Image(SealedRoot),
}

/// Everything that an engine process is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportConfig {
    /// Id of the volume or image: names the export, its sockets and its log.
    pub id: String,
    /// Folder of the chunk store.
    pub store_dir: PathBuf,
    /// Share of the host's cache budget for decoded chunks, in bytes; [`crate::VolumeHost`]
    /// grants it.
    pub cache_bytes: u64,
    /// What is served.
    pub subject: Subject,
}

impl ExportConfig {
    /// Generation of the write layer; zero for an image.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        match &self.subject {
            Subject::Volume(volume) => volume.generation,
            Subject::Image(_) => 0,
        }
    }

    /// What is served, in a form that may be shown and compared: kind, root and right to write.
    #[must_use]
    pub fn identity(&self) -> String {
        match &self.subject {
            Subject::Image(root) => format!("image {}", root.root_id),
            Subject::Volume(volume) => {
                let right = if volume.read_only { "read-only" } else { "writable" };
                match &volume.base {
                    Some(root) => format!("{right} volume over {}", root.root_id),
                    None => format!("{right} volume"),
                }
            }
        }
    }

    /// The wire form, in memory that is erased when dropped.
    ///
    /// # Errors
    /// When it is longer than [`CONFIG_BYTES_MAX`].
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        // Room for the longest, so that the vector never moves and leaves keys behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(CONFIG_BYTES_MAX));
        serde_json::to_writer(Bounded(&mut bytes), self)
            .map_err(|_| Error::Config { what: format!("is over {CONFIG_BYTES_MAX} bytes") })?;
        Ok(bytes)
    }

    /// Reads the wire form.
    ///
    /// # Errors
    /// When it is not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        // Only the place of a fault is told: serde_json's text may quote the input.
        serde_json::from_slice(bytes).map_err(|fault| Error::Config {
            what: format!("does not parse at line {} column {}", fault.line(), fault.column()),
        })
    }
}

/// A writer that refuses to grow its vector.
struct Bounded<'a>(&'a mut Vec<u8>);

impl std::io::Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > CONFIG_BYTES_MAX {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(id: String) -> ExportConfig {
        ExportConfig {
            id,
            store_dir: "/store".into(),
            cache_bytes: 1 << 20,
            subject: Subject::Volume(VolumeSubject {
                layer_dir: "/layer".into(),
                run_dir: "/run".into(),
                capacity_bytes: 1 << 30,
                generation: 3,
                epoch: 9,
                base: Some(SealedRoot {
                    root_id: RootId([1; 32]),
                    root_key: Secret::new([0xAB; 32]),
                }),
                volume_key: Secret::new([0xCD; 32]),
                read_only: false,
            }),
        }
    }

    #[test]
    fn a_configuration_survives_the_wire() {
        let sent = config("vol".into());
        assert_eq!(ExportConfig::decode(&sent.encode().unwrap()).unwrap(), sent);
    }

    #[test]
    fn keys_are_not_printed() {
        let text = format!("{:?}", config("vol".into()));
        assert!(!text.contains("205") && !text.to_lowercase().contains("cdcd"), "{text}");
    }

    #[test]
    fn a_fault_is_told_without_the_input() {
        let mut bytes = config("vol".into()).encode().unwrap().to_vec();
        let at = bytes.windows(4).position(|w| w == b"cdcd").unwrap();
        bytes[at] = b'x';
        let text = ExportConfig::decode(&bytes).unwrap_err().to_string();
        assert!(!text.contains("cdcd"), "{text}");
    }

    #[test]
    fn a_configuration_may_be_as_long_as_the_limit_and_no_longer() {
        let spare = CONFIG_BYTES_MAX - config(String::new()).encode().unwrap().len();
        assert_eq!(config("v".repeat(spare)).encode().unwrap().len(), CONFIG_BYTES_MAX);
        assert!(config("v".repeat(spare + 1)).encode().is_err());
    }
}
