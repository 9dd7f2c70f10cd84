//! Searching and sorting the keys of an instance, which is done in memory.

use base::Timestamp;
use model::KmsKey;

/// Most keys that are searched or sorted.
pub const KEYS_SEARCHED_MAX: u32 = 5_000;

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsSearch {
    /// The words; an id finds its key.
    pub query: String,
    /// The whole name, not a part of it.
    pub exact: bool,
    /// All others.
    pub not: bool,
    /// In names.
    pub names: bool,
    /// In aliases.
    pub aliases: bool,
}

impl KmsSearch {
    fn fits(&self, key: &KmsKey) -> bool {
        let wanted = self.query.to_lowercase();
        let matches = |text: &str| {
            let text = text.to_lowercase();
            if self.exact { text == wanted } else { text.contains(&wanted) }
        };
        let found = (self.names && matches(&key.name))
            || (self.aliases && key.aliases.iter().any(|alias| matches(alias)))
            || key.id.as_str() == wanted;
        found != self.not
    }
}

/// What keys are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the field of a key")]
pub enum KmsSortBy {
    Id,
    Name,
    State,
    Extractable,
    Imported,
    CreationDate,
    LastUpdateDate,
    LastRotateDate,
    DeletionDate,
    ExpirationDate,
}

/// One criterion of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KmsSort {
    /// By what.
    pub by: KmsSortBy,
    /// The largest first.
    pub descending: bool,
}

/// The keys that a search finds, in order.
pub(super) fn found(
    mut keys: Vec<KmsKey>,
    search: Option<&KmsSearch>,
    sort: &[KmsSort],
    now: Timestamp,
) -> Vec<KmsKey> {
    keys.retain(|key| search.is_none_or(|search| search.fits(key)));
    keys.sort_by(|a, b| {
        let each = sort.iter().map(|one| {
            let order = compared(a, b, one.by, now);
            if one.descending { order.reverse() } else { order }
        });
        each.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    keys
}

fn compared(a: &KmsKey, b: &KmsKey, by: KmsSortBy, now: Timestamp) -> std::cmp::Ordering {
    let deleted = |key: &KmsKey| key.deleted.as_ref().map(|(at, _)| *at);
    match by {
        KmsSortBy::Id => a.id.cmp(&b.id),
        KmsSortBy::Name => a.name.cmp(&b.name),
        KmsSortBy::State => a.state_at(now).cmp(&b.state_at(now)),
        KmsSortBy::Extractable => a.extractable.cmp(&b.extractable),
        KmsSortBy::Imported => a.imported.cmp(&b.imported),
        KmsSortBy::CreationDate => a.created_at.cmp(&b.created_at),
        KmsSortBy::LastUpdateDate => a.updated_at.cmp(&b.updated_at),
        KmsSortBy::LastRotateDate => a.rotated_at.cmp(&b.rotated_at),
        KmsSortBy::DeletionDate => deleted(a).cmp(&deleted(b)),
        KmsSortBy::ExpirationDate => a.expires_at.cmp(&b.expires_at),
    }
}
