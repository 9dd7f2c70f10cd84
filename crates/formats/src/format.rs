//! Which formats there are, and the words for them.

use std::path::Path;

/// The format of a disk file that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The disk's bytes and nothing else.
    Raw,
    /// QEMU's, versions 2 and 3.
    Qcow2,
    /// Microsoft's, fixed and dynamic.
    Vhd,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Qcow2, Self::Vhd];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhd => "vhd",
        }
    }

    /// The format of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// What a file's name says; the content is never asked.
    #[must_use]
    pub fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "raw" | "img" => Some(Self::Raw),
            "qcow2" => Some(Self::Qcow2),
            "vhd" | "vpc" => Some(Self::Vhd),
            _ => None,
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The form of a disk file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// Sparse.
    Raw,
    /// Version 3, compressed with zstd.
    Qcow2,
    /// Version 3, not compressed.
    Qcow2Plain,
    /// Dynamic.
    Vhd,
    /// Fixed; sparse where the file system can.
    VhdFixed,
}

impl OutputFormat {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Raw, Self::Qcow2, Self::Qcow2Plain, Self::Vhd, Self::VhdFixed];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Qcow2Plain => "qcow2-plain",
            Self::Vhd => "vhd",
            Self::VhdFixed => "vhd-fixed",
        }
    }

    /// The form of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// What a file's name says.
    #[must_use]
    pub fn of_name(path: &Path) -> Option<Self> {
        Some(match Format::of_name(path)? {
            Format::Raw => Self::Raw,
            Format::Qcow2 => Self::Qcow2,
            Format::Vhd => Self::Vhd,
        })
    }

    /// How a file of this form is read.
    #[must_use]
    pub const fn format(self) -> Format {
        match self {
            Self::Raw => Format::Raw,
            Self::Qcow2 | Self::Qcow2Plain => Format::Qcow2,
            Self::Vhd | Self::VhdFixed => Format::Vhd,
        }
    }
}

impl std::fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_word_and_by_extension() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Some(format));
        }
        for form in OutputFormat::ALL {
            assert_eq!(OutputFormat::parse(form.as_str()), Some(form));
            assert!(Format::ALL.contains(&form.format()));
        }
        assert_eq!(Format::of_name(Path::new("a/disk.QCOW2")), Some(Format::Qcow2));
        assert_eq!(Format::of_name(Path::new("disk.img")), Some(Format::Raw));
        assert_eq!(OutputFormat::of_name(Path::new("disk.vhd")), Some(OutputFormat::Vhd));
        for unknown in ["disk", "disk.vmdk", "qcow2", ""] {
            assert_eq!(Format::of_name(Path::new(unknown)), None, "{unknown}");
        }
    }
}
