//! What a reader may see of an account, as conditions that a store can turn into indexed ones.

use base::Timestamp;

use crate::{grant::Grant, text::TextTest};

/// What of an account's rows is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Every row.
    All,
    /// Whatever fits one of these.
    Some(Parts),
}

/// Rows of these groups, rows of these ids, and what fits one of the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Resource groups, each once.
    pub groups: Vec<String>,
    /// Ids, each once.
    pub ids: Vec<String>,
    /// What is neither a plain group nor a plain id.
    pub rest: Vec<Part>,
}

/// Conditions that hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The resource group is such.
    pub group: Option<TextTest>,
    /// The id is all of these.
    pub ids: Vec<TextTest>,
    /// For each of these there is an access tag that passes.
    pub tags: Vec<TextTest>,
}

impl Parts {
    /// Whether rows are told apart by their group alone.
    #[must_use]
    pub fn only_groups(&self) -> bool {
        self.ids.is_empty() && self.rest.is_empty()
    }
}

impl Sight {
    /// Whether a row is seen; `group` none stands for a row of no group. A store's conditions say
    /// the same.
    #[must_use]
    pub fn sees(&self, group: Option<&str>, id: &str, tags: &[String]) -> bool {
        let parts = match self {
            Self::All => return true,
            Self::Some(parts) => parts,
        };
        parts.groups.iter().any(|g| Some(g.as_str()) == group)
            || parts.ids.iter().any(|i| i == id)
            || parts.rest.iter().any(|part| {
                part.group.as_ref().is_none_or(|test| test.passes(group))
                    && part.ids.iter().all(|test| test.passes(Some(id)))
                    && part.tags.iter().all(|test| tags.iter().any(|t| test.passes(Some(t))))
            })
    }
}

/// Puts grants together.
#[derive(Default)]
pub(crate) struct SightBuilder {
    all: bool,
    parts: Parts,
}

impl SightBuilder {
    pub(crate) fn add(&mut self, grant: &Grant, now: Timestamp) {
        if let Some(when) = &grant.when {
            // A rule about each resource cannot judge a list: it gives nothing to lists.
            if when.is_of_the_resource() || !when.holds(now, &|_| None) {
                return;
            }
        }
        let anything = |test: &TextTest| test.is_anything();
        let group = grant.group.as_ref().filter(|test| !anything(test));
        let ids: Vec<&TextTest> = grant.ids.iter().filter(|test| !anything(test)).collect();
        match (group, &ids[..], &grant.tags[..]) {
            (None, [], []) => self.all = true,
            (Some(TextTest::Is(group)), [], []) => self.parts.groups.push(group.to_string()),
            (None, [TextTest::Is(id)], []) => self.parts.ids.push(id.to_string()),
            (group, ids, tags) => self.parts.rest.push(Part {
                group: group.cloned(),
                ids: ids.iter().map(|test| (*test).clone()).collect(),
                tags: tags.to_vec(),
            }),
        }
    }

    pub(crate) fn build(self) -> Option<Sight> {
        if self.all {
            return Some(Sight::All);
        }
        let mut parts = self.parts;
        for list in [&mut parts.groups, &mut parts.ids] {
            list.sort_unstable();
            list.dedup();
        }
        let nothing = parts.groups.is_empty() && parts.ids.is_empty() && parts.rest.is_empty();
        (!nothing).then_some(Sight::Some(parts))
    }
}
