//! One connection or transaction of either engine, and the few ways to run a statement on it.
//!
//! It refuses to know any table. sqlx's own engine-neutral driver is not used: it has no mapping
//! for some of SQLite's types and options, and every parameter here is typed anyway.

use std::borrow::Cow;

use sqlx::{
    AssertSqlSafe, Column as _, Postgres, Row as _, SqlSafeStr as _, SqlStr, Sqlite, Transaction,
    TypeInfo as _, ValueRef as _,
    pool::PoolConnection,
    postgres::{PgConnection, PgRow},
    sqlite::{SqliteConnection, SqliteRow},
};

use super::value::{Binds, Row, Value};
use crate::StoreError;

/// A statement: our own text with `$1`, `$2`, … Values never become part of it.
pub(crate) type Sql = Cow<'static, str>;

/// Where statements run.
pub(crate) enum Session {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

enum Raw<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

pub(crate) fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable { source: Box::new(error) }
}

fn text_of(sql: Sql) -> SqlStr {
    match sql {
        Cow::Borrowed(text) => text.into_sql_str(),
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

macro_rules! bound {
    ($sql:expr, $binds:expr) => {{
        let mut query = sqlx::query(text_of($sql));
        for value in $binds {
            query = match value {
                Value::Int(v) => query.bind(v),
                Value::Text(v) => query.bind(v),
                Value::Blob(v) => query.bind(v),
            };
        }
        query
    }};
}

impl Session {
    fn raw(&mut self) -> Raw<'_> {
        match self {
            Self::Sqlite(c) => Raw::Sqlite(c),
            Self::SqliteTx(c) => Raw::Sqlite(c),
            Self::Postgres(c) => Raw::Postgres(c),
            Self::PostgresTx(c) => Raw::Postgres(c),
        }
    }

    /// Every row that a statement gives.
    pub(crate) async fn all(
        &mut self,
        sql: impl Into<Sql>,
        binds: Binds,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into();
        #[cfg(test)]
        super::plan_tests::record(&sql, &binds);
        match self.raw() {
            Raw::Sqlite(c) => {
                let rows = bound!(sql, binds).fetch_all(c).await.map_err(unavailable)?;
                rows.iter().map(sqlite_row).collect()
            }
            Raw::Postgres(c) => {
                let rows = bound!(sql, binds).fetch_all(c).await.map_err(unavailable)?;
                rows.iter().map(postgres_row).collect()
            }
        }
    }

    /// The first row, if there is one. For statements that give at most one.
    pub(crate) async fn one(
        &mut self,
        sql: impl Into<Sql>,
        binds: Binds,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, binds).await?.into_iter().next())
    }

    /// Whether a statement gives a row.
    pub(crate) async fn any(
        &mut self,
        sql: impl Into<Sql>,
        binds: Binds,
    ) -> Result<bool, StoreError> {
        Ok(self.one(sql, binds).await?.is_some())
    }

    /// The single number that a statement gives.
    pub(crate) async fn number(
        &mut self,
        sql: impl Into<Sql>,
        binds: Binds,
    ) -> Result<i64, StoreError> {
        let mut row = self
            .one(sql, binds)
            .await?
            .ok_or(StoreError::Damaged { table: "the database", why: "no number".to_owned() })?;
        row.int()
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) async fn run(
        &mut self,
        sql: impl Into<Sql>,
        binds: Binds,
    ) -> Result<u64, StoreError> {
        match self.raw() {
            Raw::Sqlite(c) => bound!(sql.into(), binds)
                .execute(c)
                .await
                .map(|done| done.rows_affected())
                .map_err(unavailable),
            Raw::Postgres(c) => bound!(sql.into(), binds)
                .execute(c)
                .await
                .map(|done| done.rows_affected())
                .map_err(unavailable),
        }
    }

    /// Runs several statements without parameters: migrations.
    pub(crate) async fn script(&mut self, sql: String) -> Result<(), StoreError> {
        let text = AssertSqlSafe(sql);
        match self.raw() {
            Raw::Sqlite(c) => sqlx::raw_sql(text).execute(c).await.map(drop),
            Raw::Postgres(c) => sqlx::raw_sql(text).execute(c).await.map(drop),
        }
        .map_err(unavailable)
    }

    pub(crate) const fn is_postgres(&self) -> bool {
        match self {
            Self::Sqlite(_) | Self::SqliteTx(_) => false,
            Self::Postgres(_) | Self::PostgresTx(_) => true,
        }
    }

    /// Ends a transaction; nothing to end on a plain connection.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::SqliteTx(tx) => tx.commit().await.map_err(unavailable),
            Self::PostgresTx(tx) => tx.commit().await.map_err(unavailable),
            Self::Sqlite(_) | Self::Postgres(_) => Ok(()),
        }
    }

    /// Takes a transaction back before its connection is used again.
    pub(crate) async fn rollback(self) {
        let ended = match self {
            Self::SqliteTx(tx) => tx.rollback().await,
            Self::PostgresTx(tx) => tx.rollback().await,
            Self::Sqlite(_) | Self::Postgres(_) => Ok(()),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "roll back");
        }
    }
}

fn unknown_type(name: &str) -> StoreError {
    StoreError::Damaged { table: "the database", why: format!("a column of type {name}") }
}

fn sqlite_row(row: &SqliteRow) -> Result<Row, StoreError> {
    let mut cells = Vec::with_capacity(row.len());
    for at in 0..row.len() {
        let raw = row.try_get_raw(at).map_err(unavailable)?;
        let cell = if raw.is_null() {
            Value::Int(None)
        } else {
            match raw.type_info().name() {
                "INTEGER" => Value::Int(row.try_get_unchecked(at).map_err(unavailable)?),
                "TEXT" => Value::Text(row.try_get_unchecked(at).map_err(unavailable)?),
                "BLOB" => Value::Blob(row.try_get_unchecked(at).map_err(unavailable)?),
                other => return Err(unknown_type(other)),
            }
        };
        cells.push(cell);
    }
    Ok(Row::new(cells))
}

fn postgres_row(row: &PgRow) -> Result<Row, StoreError> {
    let mut cells = Vec::with_capacity(row.len());
    for at in 0..row.len() {
        let cell = match row.column(at).type_info().name() {
            "INT8" => Value::Int(row.try_get(at).map_err(unavailable)?),
            "INT4" => {
                Value::Int(row.try_get::<Option<i32>, _>(at).map_err(unavailable)?.map(i64::from))
            }
            "BOOL" => {
                Value::Int(row.try_get::<Option<bool>, _>(at).map_err(unavailable)?.map(i64::from))
            }
            "TEXT" => Value::Text(row.try_get(at).map_err(unavailable)?),
            "BYTEA" => Value::Blob(row.try_get(at).map_err(unavailable)?),
            other => return Err(unknown_type(other)),
        };
        cells.push(cell);
    }
    Ok(Row::new(cells))
}
