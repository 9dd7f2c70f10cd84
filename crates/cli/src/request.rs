//! Calls of a region's APIs, and bodies and queries out of what was typed.

use std::rc::Rc;

use bytes::Bytes;
use hyper::{HeaderMap, Method, header, header::HeaderValue};
use serde_json::{Map, Value, json};
use wire::encoded;

use crate::{
    Cli,
    failure::{Failure, Outcome, Refusal},
    grammar::{Input, choice_of, flag_of, json_of, list_of, number_of, read_at, spelled},
    hints,
    kinds::{Kind, Service},
    net::{Answer, Ask},
    table::{Put, Value as Typed},
};

/// Most pages of one list.
const PAGES_MAX: usize = 10_000;
/// Resources that are asked for at once.
const PAGE_LIMIT: &str = "100";

/// Keys that are asked for at once.
const KEY_PAGE_LIMIT: usize = 200;

/// A query, in order.
pub(crate) type Query = Vec<(String, String)>;

/// Names and their values as a query or form has them.
pub(crate) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter();
    let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl Cli {
    /// Calls, and reads the JSON that comes back; null where there is none.
    ///
    /// # Errors
    /// What the region refuses, or that it is away.
    pub fn call(
        &mut self,
        service: Service,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<&Value>,
    ) -> Outcome<Value> {
        let answer = self.answer(service, method, path, query, body, None)?;
        read(&answer)
    }

    /// The same with the whole answer, and with an `If-Match`.
    pub fn answer(
        &mut self,
        service: Service,
        method: Method,
        path: &str,
        query: &Query,
        body: Option<&Value>,
        if_match: Option<&HeaderValue>,
    ) -> Outcome<Answer> {
        let mut renewed = false;
        loop {
            let token = self.token(renewed)?;
            let mut ask = self.ask_of(service, &method, path, query, body, &token)?;
            if let Some(tag) = if_match {
                ask.headers.insert(header::IF_MATCH, tag.clone());
            }
            let answer = self.http.ask(&ask)?;
            match answer.status {
                200..=299 => return Ok(answer),
                // The token was ended elsewhere: once with another.
                401 if !renewed => renewed = true,
                status => return Err(self.refusal(status, &answer)),
            }
        }
    }

    fn ask_of(
        &self,
        service: Service,
        method: &Method,
        path: &str,
        query: &Query,
        body: Option<&Value>,
        token: &str,
    ) -> Outcome<Ask> {
        let always: &[(&str, &str)] = if service == Service::Vpc && path.starts_with("/v1/") {
            &[("version", wire::NEWEST_VERSION), ("generation", "2")]
        } else {
            &[]
        };
        let named = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query = form(named.chain(always.iter().copied()));
        let glue = if query.is_empty() { "" } else { "?" };
        let mut headers = HeaderMap::new();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Failure::plain("the token cannot be sent"))?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(instance) = self.key_instance.as_ref().filter(|_| service == Service::Keys) {
            let named = HeaderValue::from_str(instance)
                .map_err(|_| Failure::usage(format!("'{instance}' is no service instance")))?;
            headers.insert("bluemix-instance", named);
        }
        let body = match body {
            Some(body) => {
                // IBM's VPC API changes resources by merge patches.
                let patch = service == Service::Vpc && *method == Method::PATCH;
                let kind = if patch { "application/merge-patch+json" } else { "application/json" };
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let address = self.endpoints()?.of(service)?;
        let path = format!("{path}{glue}{query}");
        Ok(Ask { method: method.clone(), address, path, headers, body })
    }

    fn refusal(&self, status: u16, answer: &Answer) -> Failure {
        let header = |name: &str| answer.headers.get(name)?.to_str().ok().map(str::to_owned);
        let trace = header("x-request-id").or_else(|| header("x-correlation-id"));
        let mut refusal = Refusal::read(status, trace, &answer.body);
        refusal.hint = hints::next(&refusal).map(|hint| hint.replace("{program}", &self.program));
        Failure::Api(Box::new(refusal))
    }

    /// One of a kind, by its id.
    pub fn one(&mut self, kind: &Kind, parent: Option<&str>, id: &str) -> Outcome<Value> {
        let path = kind.one_of(parent, id);
        self.call(kind.service, Method::GET, &path, &Query::new(), None)
    }

    /// All of a kind, all pages.
    pub fn every(
        &mut self,
        kind: &Kind,
        parent: Option<&str>,
        query: &Query,
    ) -> Outcome<Vec<Value>> {
        let path = kind.all_of(parent);
        self.pages(kind.service, &path, kind.key, query)
    }

    /// All of a kind to look a name up in: asked for once a command, so never to be shown as
    /// what there is now.
    pub fn known(
        &mut self,
        kind: &Kind,
        parent: Option<&str>,
        query: &Query,
    ) -> Outcome<Rc<[Value]>> {
        let list = (kind.service, kind.all_of(parent), query.clone());
        if let Some(all) = self.lists.get(&list) {
            return Ok(Rc::clone(all));
        }
        let all: Rc<[Value]> = self.every(kind, parent, query)?.into();
        self.lists.insert(list, Rc::clone(&all));
        Ok(all)
    }

    /// All pages of a list.
    pub fn pages(
        &mut self,
        service: Service,
        path: &str,
        key: &str,
        query: &Query,
    ) -> Outcome<Vec<Value>> {
        let mut query = query.clone();
        if service == Service::Vpc {
            query.push(("limit".to_owned(), PAGE_LIMIT.to_owned()));
        }
        let mut all = Vec::new();
        if service == Service::Keys {
            query.push(("limit".to_owned(), KEY_PAGE_LIMIT.to_string()));
        }
        for _ in 0..PAGES_MAX {
            let mut page = self.call(service, Method::GET, path, &query, None)?;
            match page.get_mut(key).map(Value::take) {
                Some(Value::Array(some)) => {
                    let full = some.len() == KEY_PAGE_LIMIT;
                    all.extend(some);
                    if service == Service::Keys && full {
                        // Key Protect counts instead of naming the next page.
                        query.retain(|(known, _)| known != "offset");
                        query.push(("offset".to_owned(), all.len().to_string()));
                        continue;
                    }
                }
                _ => return Ok(all),
            }
            match next_page(&page) {
                Some((name, value)) => {
                    query.retain(|(known, _)| *known != name);
                    query.push((name, value));
                }
                None => return Ok(all),
            }
        }
        Err(Failure::plain(format!("the list at {path} does not end after {PAGES_MAX} pages")))
    }

    /// The body that was typed. Values are judged before any name is looked up.
    pub fn body(&mut self, input: &Input) -> Outcome<Value> {
        let mut body = Value::Object(Map::new());
        let typed = typed(input)?;
        for (put, value) in typed {
            let value = self.settle(input, value)?;
            match (put, value) {
                (Put::Body(at), value) => set(&mut body, at, value),
                (Put::Null(at), _) => set(&mut body, at, Value::Null),
                (Put::Query(_) | Put::Nothing, _) => {}
            }
        }
        Ok(body)
    }

    /// The filters that were typed.
    pub fn query(&mut self, input: &Input) -> Outcome<Query> {
        let mut query = Query::new();
        for (put, value) in typed(input)? {
            let Put::Query(name) = put else { continue };
            let value = match self.settle(input, value)? {
                Value::String(text) => text,
                Value::Object(of) => of.get("id").and_then(Value::as_str).unwrap_or("").to_owned(),
                Value::Array(all) => {
                    all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
                }
                other => other.to_string(),
            };
            query.push((name.to_owned(), value));
        }
        Ok(query)
    }

    /// Names become ids.
    fn settle(&mut self, input: &Input, value: Judged) -> Outcome<Value> {
        match value {
            Judged::Json(mut value) => {
                self.names_within(&mut value)?;
                Ok(value)
            }
            Judged::Plain(value) => Ok(value),
            Judged::Ref(kind, text) => self.identity(kind, &text, input),
            Judged::Refs(kind, texts) => {
                let each = texts.iter().map(|text| self.identity(kind, text, input));
                Ok(Value::Array(each.collect::<Outcome<_>>()?))
            }
        }
    }
}

/// A value whose form is right.
enum Judged {
    Plain(Value),
    Json(Value),
    Ref(&'static Kind, String),
    Refs(&'static Kind, Vec<String>),
}

/// All that was typed for the request, judged.
fn typed(input: &Input) -> Outcome<Vec<(Put, Judged)>> {
    let words = input.positionals().map(|(word, given)| (word.name, word.value, word.put, given));
    let flags = input.flags().map(|(flag, given)| (flag.name, flag.value, flag.put, given));
    let mut all = Vec::new();
    for (name, value, put, given) in words.chain(flags) {
        let wanted = !matches!(put, Put::Nothing);
        if !wanted || (given.is_empty() && !matches!(value, Typed::Switch)) {
            continue;
        }
        if matches!(value, Typed::Switch) && !input.on(name) {
            continue;
        }
        all.push((put, judge(name, value, given)?));
    }
    Ok(all)
}

fn judge(name: &str, value: Typed, given: &[String]) -> Outcome<Judged> {
    let first = given.first().map(String::as_str).unwrap_or_default();
    let name = &spelled(name);
    let texts = |all: Vec<String>| Value::Array(all.into_iter().map(Value::String).collect());
    Ok(match value {
        Typed::Switch => Judged::Plain(Value::Bool(true)),
        Typed::Text => Judged::Plain(json!(first)),
        Typed::File => Judged::Plain(json!(read_at(first)?)),
        Typed::Bool => Judged::Plain(json!(flag_of(name, first)?)),
        Typed::Number => Judged::Plain(json!(number_of(name, first)?)),
        Typed::Choice(choices) => Judged::Plain(json!(choice_of(name, first, choices)?)),
        Typed::List => Judged::Plain(texts(list_of(given))),
        Typed::Json => Judged::Json(json_of(name, first)?),
        Typed::Ref(kind) => Judged::Ref(kind, first.to_owned()),
        Typed::Refs(kind) => Judged::Refs(kind, list_of(given)),
    })
}

/// Sets what a pointer names; objects on the way are made.
pub(crate) fn set(body: &mut Value, pointer: &str, value: Value) {
    let mut at = body;
    for key in pointer.split('/').skip(1) {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(fields) = at else { return };
        at = fields.entry(key).or_insert(Value::Null);
    }
    // A flag for the whole and one for a part of it are both heard.
    match (at, value) {
        (Value::Object(into), Value::Object(more)) => into.extend(more),
        (at, value) => *at = value,
    }
}

/// Reads an answer's JSON.
pub(crate) fn read(answer: &Answer) -> Outcome<Value> {
    if answer.body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| Failure::plain(format!("the answer is not JSON: {error}")))
}

/// The parameter that asks for the next page, of the forms that IBM's services have.
fn next_page(page: &Value) -> Option<(String, String)> {
    let next = page.pointer("/next/href").or_else(|| page.get("next"));
    let next = next.or_else(|| page.get("next_url")).and_then(Value::as_str)?;
    let query = next.split_once('?').map(|(_, query)| query)?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut known = pairs.filter(|(name, _)| matches!(*name, "start" | "pagetoken" | "offset"));
    known.next().map(|(name, value)| (name.to_owned(), decode(value)))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| (byte as char).to_digit(16));
        match byte {
            b'%' => {
                let both = (hex(rest.next()), hex(rest.next()));
                if let (Some(high), Some(low)) = both {
                    bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                }
            }
            b'+' => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_by_its_token_not_by_its_address() {
        for page in [
            json!({"next": {"href": "http://evil/v1/images?limit=1&start=a%2Fb%3D"}}),
            json!({"next_url": "/v2/resource_instances?start=a%2Fb%3D"}),
            json!({"next": "https://h/v1/apikeys?start=a%2Fb%3D&pagesize=1"}),
        ] {
            assert_eq!(next_page(&page), Some(("start".to_owned(), "a/b=".to_owned())), "{page}");
        }
        assert_eq!(next_page(&json!({"next": null})), None);
    }

    #[test]
    fn a_value_goes_where_its_pointer_says() {
        let mut body = json!({});
        set(&mut body, "/volume/profile/name", json!("x"));
        set(&mut body, "/volume/id", json!("y"));
        assert_eq!(body, json!({"volume": {"profile": {"name": "x"}, "id": "y"}}));
        set(&mut body, "/volume", json!({"capacity": 1}));
        assert_eq!(body["volume"]["capacity"], 1);
        assert_eq!(body["volume"]["id"], "y");
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let text = "a b&c=d/ü%+";
        assert_eq!(decode(&encoded(text)), text);
        assert_eq!(encoded("a b"), "a%20b");
    }
}
