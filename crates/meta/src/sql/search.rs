//! Search: a query becomes conditions on the indexes of each type of resource.
//!
//! What a query says of the type, service, region or account is decided before a statement is
//! made, so a type that cannot fit costs nothing and a CRN is one look-up by primary key. Each
//! remaining type gives its part of the page from the index of its list; the parts are merged.
//!
//! Invariant: what is found is what `model::SearchQuery::matches` says.

use base::{Crn, RegionName};
use model::{Found, Piece, SearchField, SearchQuery, SearchTest, TagKind, Wildcard};
use policy::{Scope, Scopes};

use super::{
    list::Conditions,
    session::Session,
    sight::columns_of,
    source::{Location, SOURCES, Source},
    tag,
    value::{Binds, binds},
};
use crate::{PageKey, StoreError};

/// A part of a query, for one type of resource.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Every row fits, or none.
    Known(bool),
    /// Rows fit by this condition; each `?` stands for the next value.
    Sql(String, Binds),
}

/// What one type's rows are judged by.
struct Compiler<'a> {
    source: &'a Source,
    region: &'a RegionName,
    scope: &'a Scope,
}

impl Compiler<'_> {
    fn query(&self, query: &SearchQuery) -> Part {
        match query {
            SearchQuery::All => Part::Known(true),
            SearchQuery::Term(field, test) => self.term(*field, test),
            SearchQuery::And(parts) => joined(parts.iter().map(|p| self.query(p)), "AND"),
            SearchQuery::Or(parts) => joined(parts.iter().map(|p| self.query(p)), "OR"),
            SearchQuery::Not(part) => match self.query(part) {
                Part::Known(fits) => Part::Known(!fits),
                Part::Sql(sql, values) => Part::Sql(format!("NOT ({sql})"), values),
            },
        }
    }

    fn term(&self, field: SearchField, test: &SearchTest) -> Part {
        let known = |value: &str| Part::Known(test.passes(value));
        match field {
            SearchField::Any => joined(SearchField::ALL.iter().map(|f| self.term(*f, test)), "OR"),
            SearchField::Crn => self.crn(test),
            // Only resource groups have capital letters in their names.
            SearchField::Name if self.source.location == Location::None => {
                column("LOWER(r.name)", test)
            }
            SearchField::Name => column("r.name", test),
            SearchField::Type => known(self.source.kind),
            SearchField::Family => known(self.source.family),
            SearchField::Region => known(self.region.as_str()),
            SearchField::Location => match self.source.location {
                Location::Region => known(self.region.as_str()),
                Location::Zone => column("r.zone", test),
                Location::None => known(""),
            },
            SearchField::ServiceName => known(self.source.service),
            SearchField::ServiceInstance => known(""),
            SearchField::ResourceId => column("r.id", test),
            SearchField::ResourceGroupId => column(&format!("r.{}", self.source.group), test),
            SearchField::AccountId => known(self.scope.account().as_str()),
            SearchField::Tags => self.tag(TagKind::User, test),
            SearchField::AccessTags => self.tag(TagKind::Access, test),
            SearchField::ServiceTags => self.tag(TagKind::Service, test),
            SearchField::Unknown => Part::Known(false),
        }
    }

    fn crn(&self, test: &SearchTest) -> Part {
        let source = self.source;
        match test {
            SearchTest::Exists => Part::Known(true),
            SearchTest::Is(text) => {
                let Ok(crn) = Crn::parse(text) else { return Part::Known(false) };
                let here = match source.location {
                    Location::Region => crn.location == self.region.as_str(),
                    Location::Zone => true,
                    Location::None => crn.location.is_empty(),
                };
                let ours = (crn.service.as_str(), crn.kind.as_str())
                    == (source.service, source.kind)
                    && crn.account.as_ref() == Some(self.scope.account())
                    && crn.instance.is_empty();
                match (here && ours, source.location) {
                    (false, _) => Part::Known(false),
                    (true, Location::Zone) => Part::Sql(
                        "(r.id = ? AND r.zone = ?)".to_owned(),
                        binds![crn.resource, crn.location],
                    ),
                    (true, Location::Region | Location::None) => {
                        Part::Sql("r.id = ?".to_owned(), binds![crn.resource])
                    }
                }
            }
            SearchTest::Like(pattern) => {
                let zonal = source.location == Location::Zone;
                let location = match source.location {
                    Location::Region => self.region.as_str(),
                    Location::Zone | Location::None => "",
                };
                let head = format!("crn:v1:bluemix:public:{}:{location}", source.service);
                let tail = format!(":a/{}::{}:", self.scope.account(), source.kind);
                let zone = if zonal { " || r.zone" } else { "" };
                Part::Sql(
                    format!("(?{zone} || ? || r.id) LIKE ? ESCAPE '!'"),
                    binds![head, tail, like(pattern)],
                )
            }
        }
    }

    fn tag(&self, kind: TagKind, test: &SearchTest) -> Part {
        let mut values = binds![self.scope.account(), kind.as_str()];
        let and = match test {
            SearchTest::Exists => "",
            SearchTest::Is(text) => {
                values.push(text.into());
                " AND t.tag = ?"
            }
            SearchTest::Like(pattern) => {
                values.push(like(pattern).into());
                " AND t.tag LIKE ? ESCAPE '!'"
            }
        };
        Part::Sql(
            format!(
                "r.id IN (SELECT t.resource_id FROM tags t WHERE t.account_id = ? AND t.kind = ?{and})"
            ),
            values,
        )
    }
}

/// A condition on a column that is never empty.
fn column(column: &str, test: &SearchTest) -> Part {
    match test {
        SearchTest::Exists => Part::Known(true),
        SearchTest::Is(text) => Part::Sql(format!("{column} = ?"), binds![text]),
        SearchTest::Like(pattern) => {
            Part::Sql(format!("{column} LIKE ? ESCAPE '!'"), binds![like(pattern)])
        }
    }
}

/// A pattern as SQL writes it.
pub(super) fn like(pattern: &Wildcard) -> String {
    let mut text = String::new();
    for piece in pattern.pieces() {
        match piece {
            Piece::Any => text.push('%'),
            Piece::One => text.push('_'),
            Piece::Char(c) => {
                if matches!(c, '%' | '_' | '!') {
                    text.push('!');
                }
                text.push(*c);
            }
        }
    }
    text
}

fn joined(parts: impl Iterator<Item = Part>, word: &str) -> Part {
    // What one part decides alone: a miss under AND, a hit under OR.
    let decides = word == "OR";
    let (mut sqls, mut values) = (Vec::new(), Binds::new());
    for part in parts {
        match part {
            Part::Known(fits) if fits == decides => return Part::Known(decides),
            Part::Known(_) => {}
            Part::Sql(sql, more) => {
                sqls.push(sql);
                values.extend(more);
            }
        }
    }
    if sqls.is_empty() {
        return Part::Known(!decides);
    }
    Part::Sql(format!("({})", sqls.join(&format!(" {word} "))), values)
}

/// The statement's conditions for one type; none when nothing of it can fit.
fn conditions(
    source: &Source,
    scope: &Scope,
    region: &RegionName,
    query: &SearchQuery,
    after: Option<&PageKey>,
) -> Option<Conditions> {
    let part = Compiler { source, region, scope }.query(query);
    let mut conditions = Conditions::default();
    conditions
        .and("r.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns_of(source.table));
    match part {
        Part::Known(false) => return None,
        Part::Known(true) => {}
        Part::Sql(sql, values) => {
            conditions.and(&sql, values);
        }
    }
    if let Some(key) = after {
        conditions.and("(r.created_at, r.id) < (?, ?)", binds![key.created_at, key.id.as_str()]);
    }
    Some(conditions)
}

/// Resources that fit, newest first.
pub(crate) async fn search(
    session: &mut Session,
    scopes: &Scopes,
    region: &RegionName,
    query: &SearchQuery,
    after: Option<&PageKey>,
    limit: u32,
) -> Result<(Vec<Found>, Option<PageKey>), StoreError> {
    let mut found = Vec::new();
    let order = format!("r.created_at DESC, r.id DESC LIMIT {}", limit.saturating_add(1));
    for source in &SOURCES {
        let Some(scope) = scopes.of(source.kind) else { continue };
        let Some(conditions) = conditions(source, scope, region, query, after) else { continue };
        for row in conditions.all(session, &source.select(), &order).await? {
            let (target, created_at) = source.row(row, region)?;
            found.push(Found {
                crn: target.crn,
                name: target.name,
                family: source.family,
                region: region.clone(),
                group: target.group,
                created_at,
                user_tags: Vec::new(),
                access_tags: Vec::new(),
                service_tags: Vec::new(),
            });
        }
    }
    let place =
        |f: &Found| PageKey { created_at: f.created_at.micros(), id: f.crn.resource.clone() };
    found.sort_by(|a, b| (b.created_at, &b.crn.resource).cmp(&(a.created_at, &a.crn.resource)));
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = if more { found.last().map(place) } else { None };
    tag::fill(session, &mut found).await?;
    Ok((found, next))
}

#[cfg(test)]
mod tests {
    use base::{AccountId, PrincipalId};
    use policy::{Action, Caller};

    use super::*;

    const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

    /// How each type is asked for a query.
    fn asked(text: &str) -> Vec<(&'static str, Part)> {
        let query = SearchQuery::parse(text).unwrap();
        let account = AccountId::parse(ACCOUNT).unwrap();
        let principal = PrincipalId::parse("IBMid-1").unwrap();
        let caller = Caller { principal, account, owner: true };
        let scope = policy::scope(&caller, Action::ResourceSearch).unwrap();
        let region = RegionName::parse("us-south").unwrap();
        let each = SOURCES.iter().map(|source| {
            let compiler = Compiler { source, region: &region, scope: &scope };
            (source.kind, compiler.query(&query))
        });
        each.filter(|(_, part)| part != &Part::Known(false)).collect()
    }

    #[test]
    fn a_crn_is_one_look_up_by_primary_key() {
        let image = format!("crn:\"crn:v1:bluemix:public:is:us-south:a/{ACCOUNT}::image:r006-1\"");
        let part = Part::Sql("r.id = ?".to_owned(), binds!["r006-1"]);
        assert_eq!(asked(&image), [("image", part)]);
        let elsewhere = image.replace("us-south", "eu-de");
        assert_eq!(asked(&elsewhere), []);
        assert_eq!(asked(&image.replace(ACCOUNT, "ff")), []);
        assert_eq!(asked("crn:\"crn:v1:bluemix:public:is\""), []);
        let group = format!(
            "crn:\"crn:v1:bluemix:public:resource-controller::a/{ACCOUNT}::resource-group:g\""
        );
        assert_eq!(asked(&group)[0].0, "resource-group");
    }

    #[test]
    fn types_that_cannot_fit_are_not_asked() {
        assert_eq!(asked("type:image"), [("image", Part::Known(true))]);
        assert_eq!(asked("family:is").len(), SOURCES.len() - 1);
        assert_eq!(asked("NOT family:is").len(), 1);
        assert_eq!(asked("account_id:x"), []);
        assert_eq!(asked("type:image AND name:a OR family:nothing").len(), 1);
        assert_eq!(asked("nothing:x"), []);
    }

    #[test]
    fn patterns_are_escaped() {
        let query = SearchQuery::parse("name:a%b_c!d\\*e*f?").unwrap();
        let SearchQuery::Term(_, SearchTest::Like(pattern)) = query else { panic!() };
        assert_eq!(like(&pattern), "a!%b!_c!!d*e%f_");
    }
}
