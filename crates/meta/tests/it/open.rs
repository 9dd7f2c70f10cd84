//! Opening: migrations, newer schemas, damage, file modes.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};

use base::{ErrorKind, OsEntropy, SystemClock};
use ectype_meta::{IdentityStore as _, SqlStore, StoreError};
use policy::{InternalActor, SystemPermit};
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, Row as _, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

async fn open(path: &Path) -> Result<SqlStore, StoreError> {
    let url = format!("sqlite:{}", path.display());
    SqlStore::open(&url, Arc::new(SystemClock::new()), Arc::new(OsEntropy)).await
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap()
}

async fn schema_of(path: &Path) -> Vec<String> {
    let mut db = raw(path).await;
    let rows = db
        .fetch_all("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn migrations_twice_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.db");
    open(&path).await.unwrap().close().await;
    let first = schema_of(&path).await;
    assert!(first.len() > 40);
    open(&path).await.unwrap().close().await;
    assert_eq!(schema_of(&path).await, first);
    let mut db = raw(&path).await;
    let row = db.fetch_one("SELECT COUNT(*), MAX(version) FROM schema_version").await.unwrap();
    assert_eq!(row.get::<i64, _>(0), row.get::<i64, _>(1), "each is recorded once");
}

#[tokio::test]
async fn two_that_open_at_once_both_find_the_schema() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.db");
    let (a, b) = tokio::join!(open(&path), open(&path));
    let permit = SystemPermit::of(InternalActor::Bootstrap);
    assert!(a.unwrap().token_keys(permit).await.unwrap().is_empty());
    assert!(b.unwrap().token_keys(permit).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_database_that_another_process_is_making_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut other = options.connect().await.unwrap();
    // Not in WAL yet: who opens now must switch it, and cannot until this write ends.
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let opened = tokio::spawn(async move { open(&path).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!opened.is_finished(), "it waits, and is not refused");
    other.execute("COMMIT").await.unwrap();
    other.close().await.unwrap();
    let permit = SystemPermit::of(InternalActor::Bootstrap);
    assert!(opened.await.unwrap().unwrap().token_keys(permit).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.db");
    open(&path).await.unwrap().close().await;
    let mut db = raw(&path).await;
    db.execute("INSERT INTO schema_version (version, applied_at) VALUES (99, 0)").await.unwrap();
    db.close().await.unwrap();
    let before = schema_of(&path).await;
    let error = open(&path).await.err().unwrap();
    assert!(matches!(error, StoreError::UnknownSchema { found: 99, .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(schema_of(&path).await, before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.db");
    fs::write(&path, "this is a letter to a friend, and quite a long one at that. ".repeat(100))
        .unwrap();
    let error = open(&path).await.err().unwrap();
    assert_eq!(error.to_string(), "the database cannot be read: the file is not a database");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_damaged_database_is_named_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.db");
    open(&path).await.unwrap().close().await;
    let mut bytes = fs::read(&path).unwrap();
    // The header stays; every page behind it is overwritten.
    bytes[100..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let error = open(&path).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}

#[tokio::test]
async fn the_file_and_its_log_are_their_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.db");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = open(&path).await.unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        seen += 1;
    }
    assert!(seen >= 2, "the file and its log");
    store.close().await;
}

#[tokio::test]
async fn a_url_of_neither_engine_is_refused() {
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(OsEntropy));
    assert!(SqlStore::open("mysql://x/y", clock, entropy).await.is_err());
    let nowhere = open(Path::new("/nonexistent/meta.db")).await.err().unwrap();
    assert_eq!(nowhere.kind(), ErrorKind::Unavailable);
}
