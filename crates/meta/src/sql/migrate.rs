//! Brings a database to the schema that this program knows.
//!
//! Invariant: a migration and the number that records it are one transaction, so a database is
//! never between two schemas.

use base::Timestamp;

use super::{session::Session, value::binds};
use crate::StoreError;

/// Every migration in order; number 1 is first.
const MIGRATIONS: [&str; 11] = [
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_store_gc.sql"),
    include_str!("../../migrations/0003_tags_and_groups.sql"),
    include_str!("../../migrations/0004_firewall.sql"),
    include_str!("../../migrations/0005_faults_and_lineage.sql"),
    include_str!("../../migrations/0006_instance_templates.sql"),
    include_str!("../../migrations/0007_floating_ips.sql"),
    include_str!("../../migrations/0008_identity.sql"),
    include_str!("../../migrations/0009_virtual_network_interfaces.sql"),
    include_str!("../../migrations/0010_access.sql"),
    include_str!("../../migrations/0011_keys.sql"),
];

/// The schema that this program knows.
pub(crate) const SCHEMA: i64 = MIGRATIONS.len() as i64;

const VERSION_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version (
  version INTEGER NOT NULL PRIMARY KEY,
  applied_at INTEGER NOT NULL
) STRICT";

/// The words that differ between the two engines.
fn for_engine(sql: &str, postgres: bool) -> String {
    if !postgres {
        return sql.to_owned();
    }
    sql.replace("INTEGER", "BIGINT")
        .replace("TEXT", "TEXT COLLATE \"C\"")
        .replace("BLOB", "BYTEA")
        .replace(") STRICT", ")")
}

/// Applies what is missing, inside the transaction `tx`. Returns how many were applied.
pub(crate) async fn migrate(tx: &mut Session, now: Timestamp) -> Result<usize, StoreError> {
    let postgres = tx.is_postgres();
    if postgres {
        // Two servers that start at once: the second waits here. The lock ends with the
        // transaction; its number is the word "ectype".
        tx.run("SELECT pg_advisory_xact_lock(111477830283365)", binds![]).await?;
    }
    tx.script(for_engine(VERSION_TABLE, postgres)).await?;
    let found = tx.number("SELECT COALESCE(MAX(version), 0) FROM schema_version", binds![]).await?;
    if !(0..=SCHEMA).contains(&found) {
        return Err(StoreError::UnknownSchema { found, known: SCHEMA });
    }
    let mut applied = 0;
    for (version, sql) in (1_i64..).zip(MIGRATIONS) {
        if version <= found {
            continue;
        }
        tx.script(for_engine(sql, postgres)).await?;
        tx.run(
            "INSERT INTO schema_version (version, applied_at) VALUES ($1, $2)",
            binds![version, now],
        )
        .await?;
        applied += 1;
    }
    Ok(applied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_words_differ_between_the_engines() {
        let sql = "CREATE TABLE t (a TEXT NOT NULL, b INTEGER, c BLOB) STRICT;";
        assert_eq!(for_engine(sql, false), sql);
        assert_eq!(
            for_engine(sql, true),
            "CREATE TABLE t (a TEXT COLLATE \"C\" NOT NULL, b BIGINT, c BYTEA);"
        );
    }
}
