//! Keyset pages: newest first, ties by id, so that a page never moves under inserts and deletes.

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Most items, 1 to 100.
    pub limit: u32,
    /// Begin after this place; none for the first page.
    pub after: Option<PageKey>,
}

/// A place in a list: the last item that was shown. It need not be there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageKey {
    /// Its creation, in microseconds; in the list of reserved IPs, its address as a number.
    pub created_at: i64,
    /// Its id.
    pub id: String,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last one.
    pub next: Option<PageKey>,
    /// Items of all pages.
    pub total: u64,
}
