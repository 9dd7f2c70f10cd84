//! What a scope lets a reader see, as conditions of a statement.
//!
//! Invariant: a row that the conditions find is one that `policy::Sight::sees` sees.

use model::{Piece, Wildcard};
use policy::{Part, Parts, Scope, Sight, TextTest};

use super::{
    counter::{self, Counter},
    head::not_found,
    list::Conditions,
    search::like,
    session::Session,
    value::{Binds, Value, binds},
};
use crate::StoreError;

/// The columns by which rows are told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    /// The resource group.
    pub(crate) group: &'static str,
    /// The id of the resource, or of the one that it is a part of.
    pub(crate) id: &'static str,
}

/// The columns of a table that goes by this letter.
macro_rules! columns {
    ($alias:literal) => {
        $crate::sql::sight::Columns {
            group: concat!($alias, ".group_id"),
            id: concat!($alias, ".id"),
        }
    };
}
pub(crate) use columns;

/// A condition and its values; each `?` stands for the next value.
struct Sql {
    text: String,
    values: Binds,
}

impl Sql {
    fn of(text: impl Into<String>, values: Binds) -> Self {
        Self { text: text.into(), values }
    }

    fn joined(parts: Vec<Self>, word: &str, none: &str) -> Self {
        if parts.is_empty() {
            return Self::of(none, Binds::new());
        }
        let (mut texts, mut values) = (Vec::with_capacity(parts.len()), Binds::new());
        for part in parts {
            texts.push(part.text);
            values.extend(part.values);
        }
        Self { text: format!("({})", texts.join(word)), values }
    }
}

const NOTHING: &str = "1 = 0";
const ANYTHING: &str = "1 = 1";

fn one_of(column: &str, values: &[String]) -> Sql {
    match values {
        // An equality leaves the order to the index.
        [one] => Sql::of(format!("{column} = ?"), binds![one]),
        several => {
            let marks = vec!["?"; several.len()].join(", ");
            Sql::of(format!("{column} IN ({marks})"), several.iter().map(Value::from).collect())
        }
    }
}

fn test(column: &str, of: &TextTest) -> Sql {
    match of {
        TextTest::Is(text) => Sql::of(format!("{column} = ?"), binds![&**text]),
        TextTest::Like(pattern) if has_capitals(pattern) => Sql::of(NOTHING, Binds::new()),
        TextTest::Like(pattern) => {
            Sql::of(format!("{column} LIKE ? ESCAPE '!'"), binds![like(pattern)])
        }
        TextTest::AnyOf(tests) => {
            let each = tests.iter().map(|t| test(column, t)).collect();
            Sql::joined(each, " OR ", NOTHING)
        }
        TextTest::Exists(there) => Sql::of(if *there { ANYTHING } else { NOTHING }, Binds::new()),
    }
}

/// Whether a pattern has capital letters: no id, group or tag has any, and `SQLite`'s `LIKE` would not
/// tell them from small ones.
fn has_capitals(pattern: &Wildcard) -> bool {
    pattern.pieces().iter().any(|p| matches!(p, Piece::Char(c) if c.is_ascii_uppercase()))
}

fn tag(scope: &Scope, columns: Columns, of: &TextTest) -> Sql {
    let Sql { text, mut values } = test("t.tag", of);
    values.insert(0, scope.account().into());
    let text = format!(
        "{} IN (SELECT t.resource_id FROM tags t WHERE t.account_id = ? AND t.kind = 'access' AND {text})",
        columns.id
    );
    Sql::of(text, values)
}

fn part(scope: &Scope, columns: Columns, of: &Part) -> Sql {
    let mut all: Vec<Sql> = of.group.iter().map(|t| test(columns.group, t)).collect();
    all.extend(of.ids.iter().map(|t| test(columns.id, t)));
    all.extend(of.tags.iter().map(|t| tag(scope, columns, t)));
    Sql::joined(all, " AND ", ANYTHING)
}

fn parts(scope: &Scope, columns: Columns, of: &Parts) -> Sql {
    let mut any = Vec::new();
    if !of.groups.is_empty() {
        any.push(one_of(columns.group, &of.groups));
    }
    if !of.ids.is_empty() {
        any.push(one_of(columns.id, &of.ids));
    }
    any.extend(of.rest.iter().map(|p| part(scope, columns, p)));
    match any.len() {
        1 => any.remove(0),
        _ => Sql::joined(any, " OR ", NOTHING),
    }
}

impl Conditions {
    /// Adds what the scope lets its reader see; the account is a condition of its own.
    pub(crate) fn and_seen(&mut self, scope: &Scope, columns: Columns) -> &mut Self {
        match scope.sight() {
            Sight::All => self,
            Sight::Some(some) => {
                let Sql { text, values } = parts(scope, columns, some);
                self.and(&text, values)
            }
        }
    }
}

/// The columns of a table of resources that goes by `r`.
pub(crate) fn columns_of(table: &str) -> Columns {
    match table {
        "resource_groups" => Columns { group: "r.id", id: "r.id" },
        // A part of its VPC.
        "routing_tables" => Columns { group: "r.group_id", id: "r.vpc_id" },
        _ => columns!("r"),
    }
}

/// Refuses, as not there, a resource of the account that the scope does not let its reader see.
pub(crate) async fn check(
    session: &mut Session,
    scope: &Scope,
    table: &'static str,
    kind: &'static str,
    id: impl ToString,
) -> Result<(), StoreError> {
    if scope.sight() == &Sight::All {
        return Ok(());
    }
    let id = id.to_string();
    let mut conditions = Conditions::default();
    let columns = columns_of(table);
    conditions
        .and("r.id = ? AND r.account_id = ?", binds![&id, scope.account()])
        .and_seen(scope, columns);
    if conditions.count(session, &format!("{table} r")).await? > 0 {
        return Ok(());
    }
    Err(not_found(kind, id))
}

/// How many rows of a counted type the scope lets its reader see, from counters alone; none when
/// it takes a count.
pub(crate) async fn counted(
    session: &mut Session,
    scope: &Scope,
    of: Counter,
) -> Result<Option<u64>, StoreError> {
    match scope.sight() {
        Sight::All => counter::get(session, scope.account(), of).await.map(Some),
        Sight::Some(parts) if parts.only_groups() => {
            counter::of_groups(session, scope.account(), of, &parts.groups).await.map(Some)
        }
        Sight::Some(_) => Ok(None),
    }
}

/// How many rows of a counted type there are for the reader in all: from counters when nothing else
/// narrows them and that is enough, otherwise by a count of `from`.
pub(crate) async fn total(
    session: &mut Session,
    scope: &Scope,
    of: Counter,
    narrowed: bool,
    (conditions, from): (&Conditions, &str),
) -> Result<u64, StoreError> {
    if !narrowed && let Some(total) = counted(session, scope, of).await? {
        return Ok(total);
    }
    conditions.count(session, from).await
}
