//! The key of the codes in recovery manifests: made once, kept beside the store, sealed by the
//! region's master key.

use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use zeroize::Zeroizing;

use super::{Storage, StorageError};

/// What the sealed key is bound to.
const PURPOSE: &str = "manifest-key";

impl Storage {
    /// The key, if there is one.
    pub(crate) async fn manifest_secret_kept(&self) -> Result<Option<[u8; 32]>, StorageError> {
        let kept = self.config.store_dir.with_file_name("manifest.key").exists();
        if kept { self.manifest_secret().await.map(Some) } else { Ok(None) }
    }

    /// The key; made on first use.
    pub(crate) async fn manifest_secret(&self) -> Result<[u8; 32], StorageError> {
        let path = self.config.store_dir.with_file_name("manifest.key");
        let sealed = match std::fs::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut secret = Zeroizing::new([0_u8; 32]);
                self.entropy.fill(&mut *secret);
                let sealed = self.keys.seal_secret(PURPOSE, &*secret).await?;
                write_new(&path, &sealed).map_err(|source| io("write", &path, source))?;
                // Another may have been first: what lies there counts.
                std::fs::read(&path).map_err(|source| io("read", &path, source))?
            }
            Err(source) => return Err(io("read", &path, source)),
        };
        let secret = self.keys.open_secret(PURPOSE, &sealed).await?;
        secret
            .as_slice()
            .try_into()
            .map_err(|_| StorageError::Record { what: "the manifest key has not 32 bytes" })
    }
}

fn io(doing: &'static str, path: &Path, source: std::io::Error) -> StorageError {
    StorageError::Blocks(blocks::Error::Io { doing, name: path.display().to_string(), source })
}

/// Puts the file there whole and durable, unless there is one.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::fs::remove_file(&draft)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}
