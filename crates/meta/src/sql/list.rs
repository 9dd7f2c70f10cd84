//! Lists: conditions, keyset pages, totals.
//!
//! Invariant: a page is found by an index on its order and costs what it holds, whatever the
//! size of the table.

use model::Head;

use super::{
    session::Session,
    value::{Binds, Row, Value},
};
use crate::{Page, PageKey, Paged, StoreError};

/// Most items of a page.
const PAGE_MAX: u32 = 100;

/// Conditions joined by AND, with their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    sql: String,
    binds: Binds,
}

impl Conditions {
    /// Adds a condition; each `?` in it stands for the next of `values`.
    pub(crate) fn and(&mut self, condition: &str, values: Binds) -> &mut Self {
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        let mut values = values.into_iter();
        for part in condition.split_inclusive('?') {
            match part.strip_suffix('?') {
                Some(text) => {
                    self.sql.push_str(text);
                    self.binds.extend(values.next());
                    self.sql.push_str(&format!("${}", self.binds.len()));
                }
                None => self.sql.push_str(part),
            }
        }
        self
    }

    /// Adds "the column is one of these"; none of them finds nothing.
    pub(crate) fn and_in(&mut self, column: &str, values: Binds) -> &mut Self {
        if values.is_empty() {
            return self.and("1 = 0", Vec::new());
        }
        let marks = vec!["?"; values.len()].join(", ");
        self.and(&format!("{column} IN ({marks})"), values)
    }

    /// Adds an equality when there is a value.
    pub(crate) fn and_eq<T: Into<Value>>(&mut self, column: &str, value: Option<T>) -> &mut Self {
        if let Some(value) = value {
            self.and(&format!("{column} = ?"), vec![value.into()]);
        }
        self
    }

    /// Everything that fits, in `order`.
    pub(crate) async fn all(
        self,
        session: &mut Session,
        select: &str,
        order: &str,
    ) -> Result<Vec<Row>, StoreError> {
        session.all(format!("{select}{} ORDER BY {order}", self.sql), self.binds).await
    }

    /// How many rows fit.
    pub(crate) async fn count(&self, session: &mut Session, from: &str) -> Result<u64, StoreError> {
        let count = session
            .number(format!("SELECT COUNT(*) FROM {from}{}", self.sql), self.binds.clone())
            .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// A page of what fits, and one row more to see whether there is a next one; newest first.
    pub(crate) async fn page(
        mut self,
        session: &mut Session,
        select: &str,
        alias: &str,
        page: &Page,
    ) -> Result<Vec<Row>, StoreError> {
        if let Some(key) = &page.after {
            self.and(
                &format!("({alias}.created_at, {alias}.id) < (?, ?)"),
                vec![key.created_at.into(), key.id.as_str().into()],
            );
        }
        let order = format!(
            "{alias}.created_at DESC, {alias}.id DESC LIMIT {}",
            limit(page).saturating_add(1)
        );
        self.all(session, select, &order).await
    }
}

/// The page's limit within its bounds.
pub(crate) fn limit(page: &Page) -> u32 {
    page.limit.clamp(1, PAGE_MAX)
}

/// A page of items that were read with one more than its limit.
pub(crate) fn paged<T>(
    mut items: Vec<T>,
    page: &Page,
    total: u64,
    key: impl Fn(&T) -> PageKey,
) -> Paged<T> {
    let limit = limit(page) as usize;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(key) } else { None };
    Paged { items, next, total }
}

/// The place of a resource in its list.
pub(crate) fn place<Id: ToString>(head: &Head<Id>) -> PageKey {
    PageKey { created_at: head.created_at.micros(), id: head.id.to_string() }
}

/// `$start, $start+1, …`: as many as `count`.
pub(crate) fn marks(start: usize, count: usize) -> String {
    (start..start + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::value::binds;

    #[test]
    fn conditions_number_their_values() {
        let mut conditions = Conditions::default();
        conditions
            .and("a = ?", binds![1_i64])
            .and_in("b", binds!["x", "y"])
            .and_eq("c", Some("z"))
            .and_eq("d", None::<&str>)
            .and("(e OR f)", binds![]);
        assert_eq!(conditions.sql, " WHERE a = $1 AND b IN ($2, $3) AND c = $4 AND (e OR f)");
        assert_eq!(conditions.binds.len(), 4);
    }

    #[test]
    fn one_of_none_finds_nothing() {
        let mut conditions = Conditions::default();
        conditions.and_in("b", binds![]);
        assert_eq!(conditions.sql, " WHERE 1 = 0");
    }

    #[test]
    fn page_limits_at_both_sides() {
        let page = |limit| Page { limit, after: None };
        assert_eq!(limit(&page(0)), 1);
        assert_eq!(limit(&page(1)), 1);
        assert_eq!(limit(&page(100)), 100);
        assert_eq!(limit(&page(101)), 100);
    }
}
