//! Why a stock image was not built.

use std::{
    io,
    path::{Path, PathBuf},
};

use base::{ByteCount, ErrorKind};

/// Why a stock image was not built.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    /// Programs or files of Debian packages are not there.
    #[error("missing to build the stock image: {missing}; on Debian: apt-get install {packages}")]
    ToolsMissing {
        /// What is missing.
        missing: String,
        /// The packages that have it.
        packages: String,
    },
    /// The image can only be built on amd64.
    #[error("the stock image is built on amd64 only")]
    Architecture,
    /// A size that the image cannot have.
    #[error("the stock image cannot have a disk of {capacity}")]
    Capacity {
        /// What was asked for.
        capacity: ByteCount,
    },
    /// A program failed.
    #[error("`{tool}` failed: {said}")]
    Tool {
        /// Which.
        tool: String,
        /// The last that it said.
        said: String,
    },
    /// The packages have other contents than expected.
    #[error("the Debian packages hold no {what}")]
    Content {
        /// What was looked for.
        what: String,
    },
    /// A file.
    #[error("{what} {}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl StockError {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Capacity { .. } => ErrorKind::Invalid,
            Self::ToolsMissing { .. }
            | Self::Architecture
            | Self::Tool { .. }
            | Self::Content { .. }
            | Self::File { .. } => ErrorKind::Unavailable,
        }
    }
}

/// Says on which file something failed.
pub(super) fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StockError {
    let path = path.to_owned();
    move |source| StockError::File { what, path, source }
}
