//! What an image was made of, and what was made of it.

use base::{AccountId, ImageId};

/// An image that another one descends from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ancestor {
    /// Its id.
    pub id: ImageId,
    /// Its name, now or when it was deleted.
    pub name: String,
    /// Whose it is: a stock image is the provider's.
    pub account: AccountId,
    /// It is gone.
    pub deleted: bool,
}

/// Something that was made of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineageItem {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Things of one kind that were made of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineages {
    /// The newest of them.
    pub items: Vec<LineageItem>,
    /// How many there are.
    pub total: u64,
}

/// The line of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageLineage {
    /// What it was made of: the nearest first.
    pub ancestors: Vec<Ancestor>,
    /// Images of volumes that were made of it.
    pub images: Lineages,
    /// Volumes that were made of it.
    pub volumes: Lineages,
    /// Instances that were made of it.
    pub instances: Lineages,
}
