//! What there is to say about an operation besides its path: parameters, body and answers.

use serde_json::Value;

use super::build::{Schema, count, has, href, list as list_of, may, number, object, text, to};
use crate::PAGE_LIMIT_MAX;

/// A parameter of the query.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its value; a comma-separated list is an array.
    pub schema: Value,
    /// Whether it must be there.
    pub required: bool,
}

/// How a request's body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `text/plain`: answers only.
    Text,
    /// One of Key Protect's: JSON, answers only.
    Kms(&'static str),
}

impl Media {
    /// As a `Content-Type` has it, without parameters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Text => "text/plain",
            Self::Kms(media) => media,
        }
    }
}

/// An operation, described.
#[derive(Clone, Debug)]
pub struct Described {
    /// IBM's `operationId`.
    pub name: &'static str,
    /// What it is about, as a heading.
    pub tag: &'static str,
    /// A sentence or two, where the name does not say it all.
    pub about: &'static str,
    /// Parameters of the query, without `version` and `generation`.
    pub query: Vec<Parameter>,
    /// The body of the request, and whether there must be one.
    pub body: Option<(Media, Value, bool)>,
    /// Status and body of the good answers.
    pub answers: Vec<(u16, Option<Value>)>,
    /// How good answers are written.
    pub media: Media,
    /// Statuses of the refusals, besides those of its family.
    pub refusals: Vec<u16>,
    /// The answers carry an `ETag`.
    pub etag: bool,
    /// The request may carry `If-Match`.
    pub if_match: bool,
    /// A component that only this operation needs: its page.
    pub page: Option<(String, Value)>,
}

impl Described {
    fn new(name: &'static str, answers: Vec<(u16, Option<Value>)>) -> Self {
        Self {
            name,
            tag: "",
            about: "",
            query: Vec::new(),
            body: None,
            answers,
            media: Media::Json,
            refusals: Vec::new(),
            etag: false,
            if_match: false,
            page: None,
        }
    }

    /// A sentence or two about it.
    pub(super) const fn about(mut self, text: &'static str) -> Self {
        self.about = text;
        self
    }

    /// With a parameter of the query.
    pub(super) fn by(mut self, name: &'static str, schema: Schema) -> Self {
        self.query.push(Parameter { name, schema: schema.into(), required: false });
        self
    }

    /// With a body of this schema.
    pub(super) fn takes(mut self, body: Schema) -> Self {
        self.body = Some((Media::Json, body.into(), true));
        self.refusals.extend([400, 413]);
        self
    }

    /// With a form of this schema.
    pub(super) fn takes_form(mut self, body: Schema) -> Self {
        self.body = Some((Media::Form, body.into(), true));
        self
    }

    /// Its body may be left out.
    pub(super) fn or_nothing(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body.2 = false;
        }
        self
    }

    /// What it reads has an `ETag`.
    pub(super) const fn tagged(mut self) -> Self {
        self.etag = true;
        self
    }

    /// A change may be bound to what was read.
    pub(super) fn if_match(mut self) -> Self {
        self.if_match = true;
        self.refusals.extend([412, 428]);
        self.tagged()
    }

    /// What is there may stand against it.
    pub(super) fn may_conflict(mut self) -> Self {
        self.refusals.push(409);
        self
    }

    /// The answer is in this media type.
    pub(super) const fn in_media(mut self, media: Media) -> Self {
        self.media = media;
        self
    }

    /// The good answers have no body.
    pub(super) fn empty(mut self) -> Self {
        for answer in &mut self.answers {
            answer.1 = None;
        }
        self
    }

    /// The one good answer.
    pub(super) fn answered(mut self, status: u16, body: Schema) -> Self {
        self.answers = vec![(status, Some(body.into()))];
        self
    }

    /// The answer is text.
    pub(super) const fn in_text(mut self) -> Self {
        self.media = Media::Text;
        self
    }
}

/// Reads something.
pub(super) fn read(name: &'static str, answer: Schema) -> Described {
    Described::new(name, vec![(200, Some(answer.into()))])
}

/// Makes something out of a body.
pub(super) fn create(name: &'static str, body: Schema, answer: Schema) -> Described {
    Described { refusals: vec![409], ..Described::new(name, vec![(201, Some(answer.into()))]) }
        .takes(body)
}

/// Changes something by a body.
pub(super) fn change(name: &'static str, body: Schema, answer: Schema) -> Described {
    Described { refusals: vec![409], ..Described::new(name, vec![(200, Some(answer.into()))]) }
        .takes(body)
}

/// Ends something, or does something to it that is not answered with a body.
pub(super) fn act(name: &'static str) -> Described {
    Described { refusals: vec![409], ..Described::new(name, vec![(204, None)]) }
}

/// Does something to several, and says of each what became of it.
pub(super) fn several(name: &'static str, answer: Schema) -> Described {
    Described::new(name, vec![(207, Some(answer.into()))])
}

/// Begins something that goes on.
pub(super) fn begin(name: &'static str, answer: Option<Schema>) -> Described {
    let answers = vec![(202, answer.map(Into::into))];
    Described { refusals: vec![409], ..Described::new(name, answers) }
}

/// Turns the connection into a WebSocket.
pub(super) fn switch(name: &'static str) -> Described {
    Described { refusals: vec![400, 401, 409], ..Described::new(name, vec![(101, None)]) }
}

/// Reads a page of `items`, which are components named `item`.
pub(super) fn page(name: &'static str, item: &str, items: &'static str) -> Described {
    page_of(name, &format!("{item}Collection"), to(item), items)
}

/// Reads a page of `items` as the component `collection`.
pub(super) fn page_of(
    name: &'static str,
    collection: &str,
    item: Schema,
    items: &'static str,
) -> Described {
    let link = || object([has("href", href())]);
    let schema = object([
        has("first", link().about("The first page.")),
        has(items, list_of(item)),
        has("limit", number(1_u64, PAGE_LIMIT_MAX)),
        may("next", link().about("The page after this one. The last page has none.")),
        has("total_count", count().about("Items over all pages.")),
    ]);
    let start = text().about("Where the page begins: from the link `next` of the page before.");
    let mut described = read(name, to(collection));
    described.page = Some((collection.to_owned(), schema.into()));
    described.refusals.push(400);
    described
        .by("limit", number(1_u64, PAGE_LIMIT_MAX).usually(crate::PAGE_LIMIT_DEFAULT))
        .by("start", start)
}

/// Reads all of `items` at once, which are components named `item`.
pub(super) fn all(
    name: &'static str,
    collection: &str,
    item: &str,
    items: &'static str,
) -> Described {
    let mut described = read(name, to(collection));
    described.page = Some((collection.to_owned(), object([has(items, list_of(to(item)))]).into()));
    described
}
