//! Opens a database of either engine and begins its transactions.

use std::{
    fs,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    str::FromStr as _,
    time::Duration,
};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
    },
};

use super::session::{Session, unavailable};
use crate::StoreError;

/// Connections that read from SQLite beside the one that writes.
const SQLITE_READERS_MAX: u32 = 4;
/// Connections to PostgreSQL of one process.
const POSTGRES_CONNECTIONS_MAX: u32 = 16;
/// How long a writer waits for another process's write.
const SQLITE_BUSY: Duration = Duration::from_secs(5);
/// The pause before a connection that found the file busy is tried again, until
/// [`SQLITE_BUSY`] is over.
const SQLITE_BUSY_PAUSE: Duration = Duration::from_millis(20);
/// How long a call waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(10);

/// Whether a commit reaches the disk before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    Full,
    /// For tests, whose database may be lost.
    None,
}

/// The two engines.
pub(crate) enum Engine {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

impl Engine {
    /// Opens `sqlite:PATH` or `postgres://…`.
    pub(crate) async fn open(url: &str, durability: Durability) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
            sqlite(Path::new(path), durability).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            postgres(url).await
        } else {
            Err(StoreError::DatabaseDamaged {
                why: "its URL begins with neither sqlite: nor postgres://".to_owned(),
            })
        }
    }

    /// Begins a transaction that writes.
    pub(crate) async fn write(&self) -> Result<Session, StoreError> {
        match self {
            Self::Sqlite { writer, .. } => {
                writer.begin_with("BEGIN IMMEDIATE").await.map(Session::SqliteTx)
            }
            Self::Postgres(pool) => {
                pool.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE").await.map(Session::PostgresTx)
            }
        }
        .map_err(unavailable)
    }

    /// Begins a transaction that only reads, at one moment.
    pub(crate) async fn read(&self) -> Result<Session, StoreError> {
        match self {
            Self::Sqlite { readers, .. } => {
                readers.begin_with("BEGIN DEFERRED").await.map(Session::SqliteTx)
            }
            Self::Postgres(pool) => pool
                .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .await
                .map(Session::PostgresTx),
        }
        .map_err(unavailable)
    }

    /// A connection for one statement that reads.
    pub(crate) async fn glance(&self) -> Result<Session, StoreError> {
        match self {
            Self::Sqlite { readers, .. } => readers.acquire().await.map(Session::Sqlite),
            Self::Postgres(pool) => pool.acquire().await.map(Session::Postgres),
        }
        .map_err(unavailable)
    }

    /// Closes every connection; SQLite folds its log into the file.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// The file and what SQLite lays beside it are readable by their owner alone. SQLite gives its
/// log the mode of the file, so the file is made first.
fn private_file(path: &Path) -> std::io::Result<()> {
    fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    let mut mode = fs::metadata(path)?.permissions();
    if mode.mode() & 0o077 != 0 {
        mode.set_mode(0o600);
        fs::set_permissions(path, mode)?;
    }
    Ok(())
}

async fn sqlite(path: &Path, durability: Durability) -> Result<Engine, StoreError> {
    private_file(path).map_err(|error| StoreError::Unavailable { source: Box::new(error) })?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::None => SqliteSynchronous::Off,
        })
        .foreign_keys(true)
        .busy_timeout(SQLITE_BUSY)
        .disable_statement_logging();
    let pool = |max| {
        SqlitePoolOptions::new()
            .max_connections(max)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .max_lifetime(None)
            .idle_timeout(None)
    };
    // The first connection also switches the file to WAL, before any reader comes.
    let writer = first_connection(|| pool(1).connect_with(options.clone())).await?;
    let readers = pool(SQLITE_READERS_MAX).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Engine::Sqlite { writer, readers })
}

/// Connects until the file is free.
///
/// SQLite's own waiting does not reach the switch to WAL: a connection that has read the header
/// and finds another one about to write it is refused at once, because both would wait for each
/// other.
async fn first_connection<F: Future<Output = Result<SqlitePool, sqlx::Error>>>(
    connect: impl Fn() -> F,
) -> Result<SqlitePool, StoreError> {
    let mut waited = Duration::ZERO;
    loop {
        match connect().await {
            Err(error) if sqlite_code(&error) == Some(SQLITE_BUSY_CODE) && waited < SQLITE_BUSY => {
                tokio::time::sleep(SQLITE_BUSY_PAUSE).await;
                waited += SQLITE_BUSY_PAUSE;
            }
            other => return other.map_err(|error| damaged_database(unavailable(error))),
        }
    }
}

async fn postgres(url: &str) -> Result<Engine, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(unavailable)?
        .application_name("ectype")
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE)
        .connect_with(options)
        .await
        .map_err(unavailable)?;
    Ok(Engine::Postgres(pool))
}

/// SQLite's code for a file that another connection holds.
const SQLITE_BUSY_CODE: i32 = 5;
/// SQLite's codes for a file that is not, or no longer, a database of its own.
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_NOTADB: i32 = 26;

/// SQLite's primary code, the low byte of what it says.
fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let sqlx::Error::Database(error) = error else { return None };
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    error.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}

/// Tells damage of an SQLite file apart from everything else.
pub(crate) fn damaged_database(error: StoreError) -> StoreError {
    let StoreError::Unavailable { source } = &error else { return error };
    match source.downcast_ref::<sqlx::Error>().and_then(sqlite_code) {
        Some(SQLITE_NOTADB) => {
            StoreError::DatabaseDamaged { why: "the file is not a database".to_owned() }
        }
        Some(SQLITE_CORRUPT) => {
            StoreError::DatabaseDamaged { why: "the database file is damaged".to_owned() }
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_commit_reaches_the_disk_and_readers_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("meta.db").display());
        let engine = Engine::open(&url, Durability::Full).await.unwrap();
        let mut writer = engine.write().await.unwrap();
        for (pragma, wanted) in [("synchronous", 2), ("foreign_keys", 1)] {
            let found = writer.number(format!("PRAGMA {pragma}"), Vec::new()).await.unwrap();
            assert_eq!(found, wanted, "{pragma}");
        }
        let mode = writer.one("PRAGMA journal_mode", Vec::new()).await.unwrap().unwrap().text();
        assert_eq!(mode.unwrap(), "wal");
        writer.rollback().await;
        let mut reader = engine.glance().await.unwrap();
        assert!(reader.run("CREATE TABLE t (a INTEGER)", Vec::new()).await.is_err());
    }
}
