//! Runs a transaction again when the database asks for it.

use std::time::Duration;

use base::Entropy;

use crate::StoreError;

/// How often a transaction is begun before the caller hears that the database did not answer.
const TRIES_MAX: u32 = 30;
/// The first pause; it doubles up to the longest one.
const PAUSE_FIRST: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// PostgreSQL's codes that mean "again": serialization failure, deadlock, and a unique violation,
/// which is how two transactions that both saw a name as free may end. The next run sees the row
/// and refuses by name.
const POSTGRES_AGAIN: [&str; 3] = ["40001", "40P01", "23505"];
/// SQLite's codes that mean "again": busy and locked.
const SQLITE_AGAIN: [i32; 2] = [5, 6];

/// Counts the tries of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    failed: u32,
}

impl Tries {
    /// Waits if `error` is one that passes, and gives it back otherwise.
    pub(crate) async fn again(
        &mut self,
        error: StoreError,
        entropy: &dyn Entropy,
    ) -> Result<(), StoreError> {
        self.failed += 1;
        if !passes(&error) || self.failed >= TRIES_MAX {
            return Err(error);
        }
        let longest = (PAUSE_FIRST * 2_u32.pow(self.failed.min(10))).min(PAUSE_MAX);
        // Writers that met must not meet again: each waits for a part of the pause of its own.
        let mut part = [0_u8; 1];
        entropy.fill(&mut part);
        tokio::time::sleep(longest * u32::from(part[0]) / 255).await;
        Ok(())
    }
}

fn passes(error: &StoreError) -> bool {
    let StoreError::Unavailable { source } = error else { return false };
    let Some(sqlx::Error::Database(error)) = source.downcast_ref::<sqlx::Error>() else {
        return false;
    };
    let Some(code) = error.code() else { return false };
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        code.parse::<i32>().is_ok_and(|code| SQLITE_AGAIN.contains(&(code & 0xff)))
    } else {
        POSTGRES_AGAIN.contains(&code.as_ref())
    }
}

/// Runs `$body`, a future over the transaction `$tx`, and commits; again when it must.
macro_rules! writing {
    ($store:expr, |$tx:ident| $body:expr) => {{
        let mut tries = $crate::sql::retry::Tries::default();
        loop {
            let tried = async {
                let mut session = $store.engine.write().await?;
                let $tx = &mut session;
                match $body.await {
                    Ok(value) => session.commit().await.map(|()| value),
                    Err(error) => {
                        session.rollback().await;
                        Err(error)
                    }
                }
            }
            .await;
            match tried {
                Ok(value) => break Ok(value),
                Err(error) => {
                    if let Err(error) = tries.again(error, $store.entropy.as_ref()).await {
                        break Err(error);
                    }
                }
            }
        }
    }};
}
pub(crate) use writing;

/// Runs `$body`, a future over the read-only transaction `$tx`: everything is of one moment.
macro_rules! reading {
    ($store:expr, |$tx:ident| $body:expr) => {
        async {
            let mut session = $store.engine.read().await?;
            let $tx = &mut session;
            let value = $body.await?;
            session.commit().await?;
            Ok(value)
        }
        .await
    };
}
pub(crate) use reading;
