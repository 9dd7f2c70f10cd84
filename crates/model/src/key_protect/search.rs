//! Searching and sorting keys.

use std::cmp::Ordering;

use base::Timestamp;

use super::KmsKey;
use crate::text_enum;

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Whether it finds the key.
    #[must_use]
    pub fn fits(&self, key: &KmsKey) -> bool {
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

text_enum! {
    /// What keys are sorted by.
    #[expect(missing_docs, reason = "each is the field of a key")]
    KmsSortBy {
        Id = "id",
        Name = "name",
        State = "state",
        Extractable = "extractable",
        Imported = "imported",
        CreationDate = "creationDate",
        LastUpdateDate = "lastUpdateDate",
        LastRotateDate = "lastRotateDate",
        DeletionDate = "deletionDate",
        ExpirationDate = "expirationDate",
    }
}

/// One criterion of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KmsSort {
    /// By what.
    pub by: KmsSortBy,
    /// The largest first.
    pub descending: bool,
}

impl KmsSort {
    /// How two keys follow each other at `now`.
    #[must_use]
    pub fn compared(self, a: &KmsKey, b: &KmsKey, now: Timestamp) -> Ordering {
        let deleted = |key: &KmsKey| key.deleted.as_ref().map(|(at, _)| *at);
        let order = match self.by {
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
        };
        if self.descending { order.reverse() } else { order }
    }
}
