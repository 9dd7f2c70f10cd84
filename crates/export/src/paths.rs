//! Names of an export's files in the run directory.
//!
//! Ids are hashed to short names, because a unix socket's path may have only 107 bytes.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// Longest path of a unix socket, in bytes (`sun_path` holds 108 with its end).
pub const SOCKET_PATH_MAX: usize = 107;

/// Ends the name of a control socket.
const CONTROL_SUFFIX: &str = "ctl";

/// The files of one export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPaths {
    /// Guests connect here.
    pub socket: PathBuf,
    /// The supervisor answers here.
    pub control: PathBuf,
    /// Locked while a supervisor or an engine of the export lives.
    pub lock: PathBuf,
    /// What supervisor and engine have to say.
    pub log: PathBuf,
}

impl ExportPaths {
    /// Names for the export `id`.
    ///
    /// # Errors
    /// When the run directory's path is too long for sockets.
    pub fn new(run_dir: &Path, id: &str) -> Result<Self, Error> {
        let hash = blake3::hash(id.as_bytes()).to_hex();
        let name = |suffix| run_dir.join(format!("{}.{suffix}", &hash[..16]));
        let paths = Self {
            socket: name("nbd"),
            control: name(CONTROL_SUFFIX),
            lock: name("lock"),
            log: name("log"),
        };
        if paths.socket.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(Error::PathTooLong { path: paths.socket });
        }
        Ok(paths)
    }
}

/// Whether a file of the run directory is the control socket of some export.
pub fn is_control(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == CONTROL_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_may_be_as_long_as_the_limit_and_no_longer() {
        let name = "/0123456789abcdef.nbd".len();
        let dir = "/".to_owned() + &"d".repeat(SOCKET_PATH_MAX - name - 1);
        let long_id = "i".repeat(4096);
        let paths = ExportPaths::new(Path::new(&dir), &long_id).unwrap();
        assert_eq!(paths.socket.as_os_str().len(), SOCKET_PATH_MAX);
        assert!(ExportPaths::new(Path::new(&(dir + "d")), "i").is_err());
        assert!(is_control(&paths.control) && !is_control(&paths.socket));
    }
}
