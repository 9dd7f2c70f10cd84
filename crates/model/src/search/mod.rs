//! Search over the resources of an account: what may be asked, and what fits.
//!
//! Pure: text becomes a [`SearchQuery`] (`parse`), and a query judges a [`Found`] by itself. The
//! store turns the same query into conditions on its indexes; the evaluator here is what those
//! are tested against.
//!
//! Everything is compared without regard to the case of letters, and as a whole: `name:my` does
//! not find `my-image`, `name:my*` does.

mod parse;
mod wildcard;

pub use parse::{
    QUERY_BYTES_MAX, QUERY_DEPTH_MAX, QUERY_TERMS_MAX, SearchError, TERM_WILDCARDS_MAX,
};
pub use wildcard::{Piece, Wildcard};

use base::{Crn, RegionName, ResourceGroupId, Timestamp};

/// The most items of one answer.
pub const SEARCH_LIMIT_MAX: u32 = 1_000;

/// A resource as search shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name in the cloud.
    pub crn: Crn,
    /// Its name.
    pub name: String,
    /// The family of its service: `is`, `resource_controller`.
    pub family: &'static str,
    /// The region, also of what is in a zone.
    pub region: RegionName,
    /// Its resource group.
    pub group: ResourceGroupId,
    /// Region time of its creation.
    pub created_at: Timestamp,
    /// User tags.
    pub user_tags: Vec<String>,
    /// Access tags.
    pub access_tags: Vec<String>,
    /// Service tags.
    pub service_tags: Vec<String>,
}

/// What a term looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchField {
    /// Every field below.
    Any,
    /// `crn`.
    Crn,
    /// `name`.
    Name,
    /// `type`: the type of a CRN, such as `image`.
    Type,
    /// `family`.
    Family,
    /// `region`.
    Region,
    /// `location`: that of the CRN, a zone for what is in one.
    Location,
    /// `service_name`.
    ServiceName,
    /// `service_instance`: nothing of this region has one.
    ServiceInstance,
    /// `resource_id`.
    ResourceId,
    /// `resource_group_id`.
    ResourceGroupId,
    /// `account_id`.
    AccountId,
    /// `tags`.
    Tags,
    /// `access_tags`.
    AccessTags,
    /// `service_tags`.
    ServiceTags,
    /// A field that no resource of this region has: it fits nothing.
    Unknown,
}

impl SearchField {
    /// Every field that resources have.
    pub const ALL: [Self; 14] = [
        Self::Crn,
        Self::Name,
        Self::Type,
        Self::Family,
        Self::Region,
        Self::Location,
        Self::ServiceName,
        Self::ServiceInstance,
        Self::ResourceId,
        Self::ResourceGroupId,
        Self::AccountId,
        Self::Tags,
        Self::AccessTags,
        Self::ServiceTags,
    ];

    /// The field of that name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "crn" => Self::Crn,
            "name" => Self::Name,
            "type" => Self::Type,
            "family" => Self::Family,
            "region" => Self::Region,
            "location" => Self::Location,
            "service_name" => Self::ServiceName,
            "service_instance" => Self::ServiceInstance,
            "resource_id" => Self::ResourceId,
            "resource_group_id" => Self::ResourceGroupId,
            "account_id" => Self::AccountId,
            "tags" | "user_tags" => Self::Tags,
            "access_tags" => Self::AccessTags,
            "service_tags" => Self::ServiceTags,
            _ => Self::Unknown,
        }
    }
}

/// What a term wants of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchTest {
    /// Exactly this, lower-case.
    Is(String),
    /// It fits the pattern.
    Like(Wildcard),
    /// There is one.
    Exists,
}

impl SearchTest {
    /// Whether a value passes.
    #[must_use]
    pub fn passes(&self, value: &str) -> bool {
        match self {
            Self::Is(text) => value.eq_ignore_ascii_case(text),
            Self::Like(pattern) => pattern.matches(value),
            Self::Exists => !value.is_empty(),
        }
    }
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchQuery {
    /// Everything.
    All,
    /// One term.
    Term(SearchField, SearchTest),
    /// All of these.
    And(Vec<Self>),
    /// One of these at least.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}

impl SearchQuery {
    /// The resource of exactly this CRN.
    #[must_use]
    pub fn crn(crn: &Crn) -> Self {
        Self::Term(SearchField::Crn, SearchTest::Is(crn.to_string().to_ascii_lowercase()))
    }

    /// Whether a resource fits.
    #[must_use]
    pub fn matches(&self, found: &Found) -> bool {
        match self {
            Self::All => true,
            Self::Term(field, test) => found.passes(*field, test),
            Self::And(parts) => parts.iter().all(|part| part.matches(found)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(found)),
            Self::Not(part) => !part.matches(found),
        }
    }
}

impl Found {
    fn passes(&self, field: SearchField, test: &SearchTest) -> bool {
        let crn = &self.crn;
        let one = |value: &str| test.passes(value);
        let some = |tags: &[String]| tags.iter().any(|tag| test.passes(tag));
        match field {
            SearchField::Any => SearchField::ALL.iter().any(|field| self.passes(*field, test)),
            SearchField::Crn => one(&crn.to_string()),
            SearchField::Name => one(&self.name),
            SearchField::Type => one(&crn.kind),
            SearchField::Family => one(self.family),
            SearchField::Region => one(self.region.as_str()),
            SearchField::Location => one(&crn.location),
            SearchField::ServiceName => one(&crn.service),
            SearchField::ServiceInstance => one(&crn.instance),
            SearchField::ResourceId => one(&crn.resource),
            SearchField::ResourceGroupId => one(self.group.as_str()),
            SearchField::AccountId => one(crn.account.as_ref().map_or("", |id| id.as_str())),
            SearchField::Tags => some(&self.user_tags),
            SearchField::AccessTags => some(&self.access_tags),
            SearchField::ServiceTags => some(&self.service_tags),
            SearchField::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests;
