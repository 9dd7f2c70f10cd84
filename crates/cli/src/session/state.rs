//! What is kept between commands: one file in a folder of its own, both for the user alone. IBM's
//! own state is never touched.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::failure::{Failure, Outcome};

const FILE: &str = "cli.json";
const LOCK: &str = "cli.lock";
const FOLDER: &str = "ectype";

/// A text that is not shown, and is wiped.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    #[cfg(test)]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// All that is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// The address that the user signed in at.
    pub api: Option<String>,
    pub region: Option<String>,
    pub group: Option<Group>,
    pub skip_tls: bool,
    pub session: Option<Session>,
    pub settings: Settings,
}

/// A resource group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub id: String,
    pub name: String,
}

/// What `config` sets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub http_timeout: Option<u64>,
    pub trace: Option<String>,
    pub color: Option<bool>,
    pub locale: Option<String>,
    pub check_version: Option<bool>,
}

/// A signed-in user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Where it was signed in: it is good nowhere else.
    pub iam: String,
    pub token: Secret,
    pub refresh: Option<Secret>,
    /// Seconds since 1970.
    pub expires: i64,
    pub account: String,
    pub user: String,
    pub iam_id: String,
    /// SHA-256 of the API key of the environment by which it was begun without `login`.
    pub key_digest: Option<String>,
}

/// Where it is kept.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

/// The right to change it; ends when dropped.
pub(crate) struct Held(#[expect(dead_code, reason = "the lock lasts as long as the file")] File);

impl Store {
    /// `ECTYPE_CONFIG_HOME`; or `ectype` in the folder that IBM's variables name; or in the user's
    /// folder for settings.
    pub fn find(variables: &impl Fn(&str) -> Option<String>) -> Outcome<Self> {
        let named = |name: &str| variables(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let folder = named("ECTYPE_CONFIG_HOME")
            .or_else(|| named("IBMCLOUD_CONFIG_HOME").map(|home| home.join(FOLDER)))
            .or_else(|| named("IBMCLOUD_HOME").map(|home| home.join(".ectype")))
            .or_else(|| named("XDG_CONFIG_HOME").map(|home| home.join(FOLDER)))
            .or_else(|| named("HOME").map(|home| home.join(".config").join(FOLDER)));
        let folder = folder.ok_or_else(|| {
            Failure::hinted("There is no home directory.", "set ECTYPE_CONFIG_HOME to a folder")
        })?;
        Ok(Self { folder })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is kept; nothing at first.
    pub fn read(&self) -> Outcome<State> {
        let path = self.folder.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(State::default());
            }
            Err(error) => {
                return Err(Failure::plain(format!("cannot read {}: {error}", path.display())));
            }
        };
        serde_json::from_slice(&text).map_err(|error| {
            Failure::hinted(
                format!("{} cannot be read: {error}", path.display()),
                format!("remove it and log in again: rm {}", path.display()),
            )
        })
    }

    /// Keeps other commands of this user from changing it meanwhile.
    pub fn hold(&self) -> Outcome<Held> {
        let cannot = |error: std::io::Error| {
            Failure::plain(format!("cannot use {}: {error}", self.folder.display()))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(cannot)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.folder.join(LOCK))
            .map_err(cannot)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| cannot(error.into()))?;
        Ok(Held(file))
    }

    /// Writes it whole.
    pub fn write(&self, state: &State, _held: &Held) -> Outcome {
        let path = self.folder.join(FILE);
        let draft = self.folder.join(format!(".{FILE}.{}", std::process::id()));
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&draft)?;
            serde_json::to_writer_pretty(&mut file, state)?;
            file.flush()?;
            std::fs::rename(&draft, &path)
        };
        write().map_err(|error| Failure::plain(format!("cannot write {}: {error}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn session() -> Session {
        Session {
            iam: "http://h".into(),
            token: Secret::new("t-secret".into()),
            refresh: None,
            expires: 1,
            account: "a".into(),
            user: "u".into(),
            iam_id: "i".into(),
            key_digest: None,
        }
    }

    #[test]
    fn it_is_kept_in_a_folder_of_its_own_for_the_user_alone() {
        let home = tempfile::tempdir().unwrap();
        let text = home.path().display().to_string();
        let store = Store::find(&|name| (name == "HOME").then(|| text.clone())).unwrap();
        assert!(store.read().unwrap().session.is_none());
        let held = store.hold().unwrap();
        let state = State { session: Some(session()), ..State::default() };
        store.write(&state, &held).unwrap();
        let folder = home.path().join(".config/ectype");
        for (path, want) in [(folder.clone(), 0o700), (folder.join(FILE), 0o600)] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, want);
        }
        assert_eq!(store.read().unwrap().session.unwrap().token.text(), "t-secret");
        assert!(!home.path().join(".bluemix").exists());
    }

    #[test]
    fn ibms_variables_move_it_and_ours_wins() {
        let with = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|n| (*n).to_owned()).collect();
            let found = Store::find(&move |name| {
                names.iter().any(|one| one == name).then(|| format!("/{name}"))
            });
            found.unwrap().folder.display().to_string()
        };
        assert_eq!(with(&["HOME", "IBMCLOUD_HOME"]), "/IBMCLOUD_HOME/.ectype");
        assert_eq!(with(&["HOME", "IBMCLOUD_CONFIG_HOME"]), "/IBMCLOUD_CONFIG_HOME/ectype");
        assert_eq!(with(&["IBMCLOUD_HOME", "ECTYPE_CONFIG_HOME"]), "/ECTYPE_CONFIG_HOME");
        assert!(Store::find(&|_| None).is_err());
    }

    #[test]
    fn a_secret_is_not_shown_and_a_broken_file_says_what_to_do() {
        assert!(!format!("{:?}", session()).contains("t-secret"));
        let home = tempfile::tempdir().unwrap();
        let text = home.path().display().to_string();
        let store = Store::find(&|n| (n == "ECTYPE_CONFIG_HOME").then(|| text.clone())).unwrap();
        std::fs::write(home.path().join(FILE), "{").unwrap();
        let lines = store.read().unwrap_err().lines();
        assert!(lines[1].contains("rm "), "{lines:?}");
    }
}
