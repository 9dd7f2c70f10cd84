//! The general acts of the table: list, show, create, update, delete, and calls below one.
//!
//! It refuses to know particular kinds. Invariant: what a command prints under `--output JSON` is
//! the region's own JSON and nothing else.

use hyper::{Method, header};
use serde_json::{Value, json};

use crate::{
    Cli,
    failure::{Failure, Outcome},
    grammar::Input,
    kinds::{Kind, REGION, Service},
    output::{self, capital},
    request::{self, Query},
    resolve::Meant,
    table::{Act, Arity},
};

/// Does what the table says.
pub(crate) fn act(cli: &mut Cli, input: &Input) -> Outcome {
    match input.command.act {
        Act::List(kind, defaults) => list(cli, input, kind, defaults),
        Act::Show(kind) => show(cli, input, kind).map(drop),
        Act::Create(kind) => create(cli, input, kind),
        Act::Update(kind) => update(cli, input, kind),
        Act::Delete(kind) => delete(cli, input, kind),
        Act::Below(kind, method, path, shown) => below(cli, input, kind, (method, path), shown),
        Act::Own(own) => own(cli, input),
    }
}

fn list(cli: &mut Cli, input: &Input, kind: &'static Kind, defaults: &[(&str, &str)]) -> Outcome {
    let mut query = cli.query(input)?;
    for (name, value) in defaults {
        if !query.iter().any(|(known, _)| known == name) {
            query.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    // The word for no filter.
    query.retain(|(_, value)| !value.eq_ignore_ascii_case("all"));
    let scope = group_filter(cli, input, kind, &mut query)?;
    let parent = cli.parent_of(kind, input)?;
    query.extend(cli.account_query(kind));
    let of_region = kind.service == Service::Vpc && !std::ptr::eq(kind, &raw const REGION);
    // Only the line below wants to know it.
    let region = if of_region && cli.out.talks() {
        let glue = if scope.is_empty() { "in" } else { "and" };
        cli.region().map(|region| format!(" {glue} region {region}")).unwrap_or_default()
    } else {
        String::new()
    };
    let who = by_whom(cli);
    cli.out.talk(&format!("Listing {}{scope}{region} {who}...", kind.plural))?;
    let mut all = cli.every(kind, parent.as_deref(), &query)?;
    if let Some(group) = aimed(cli, input, kind) {
        all.retain(|one| {
            one["visibility"] == "public" || one.pointer("/resource_group/id") == Some(&group)
        });
    }
    show_all(cli, kind, all)
}

/// The targeted group, where a list of it has what is everybody's too.
fn aimed(cli: &Cli, input: &Input, kind: &Kind) -> Option<Value> {
    let named = ["resource-group-id", "resource-group-name", "all-resource-groups"];
    let group = cli.state.group.as_ref().filter(|_| kind.shared);
    group.filter(|_| !named.iter().any(|flag| input.has(flag))).map(|group| json!(group.id))
}

/// Prints resources as the user wants them.
pub(crate) fn show_all(cli: &mut Cli, kind: &Kind, all: Vec<Value>) -> Outcome {
    if cli.out.json() {
        return cli.out.print_json(&Value::Array(all));
    }
    if all.is_empty() {
        return cli.out.talk(&format!("No {} were found.", kind.plural));
    }
    let (account, _) = cli.who();
    output::list(&mut cli.out, kind.columns, &all, &account)
}

/// Restricts a list to a resource group, and says how.
fn group_filter(cli: &mut Cli, input: &Input, kind: &Kind, query: &mut Query) -> Outcome<String> {
    if !kind.grouped {
        return Ok(String::new());
    }
    if input.on("all-resource-groups") {
        return Ok(" in all resource groups".to_owned());
    }
    match group(cli, input)? {
        Some(group) => {
            if aimed(cli, input, kind).is_none() {
                query.push(("resource_group.id".to_owned(), group.id));
            }
            Ok(format!(" in resource group {}", group.name))
        }
        None => Ok(" in all resource groups".to_owned()),
    }
}

/// The resource group that flags name, or that is targeted.
pub(crate) fn group(cli: &mut Cli, input: &Input) -> Outcome<Option<Meant>> {
    let named = input.text("resource-group-id").or_else(|| input.text("resource-group-name"));
    match named {
        Some(text) => cli.meant(&crate::kinds::RESOURCE_GROUP, text, None, input).map(Some),
        None => Ok(cli
            .state
            .group
            .as_ref()
            .map(|group| Meant { id: group.id.clone(), name: group.name.clone() })),
    }
}

/// Shows one of a kind, and gives it.
pub(crate) fn show(cli: &mut Cli, input: &Input, kind: &'static Kind) -> Outcome<Value> {
    let parent = cli.parent_of(kind, input)?;
    let word = about(input, kind)?;
    let meant = cli.meant(kind, &word, parent.as_deref(), input)?;
    let who = by_whom(cli);
    cli.out.talk(&format!("Getting {} {} {who}...", kind.noun, meant.name))?;
    let one = cli.one(kind, parent.as_deref(), &meant.id)?;
    show_one(cli, kind, &one)?;
    Ok(one)
}

/// Prints one resource as the user wants it.
pub(crate) fn show_one(cli: &mut Cli, kind: &Kind, one: &Value) -> Outcome {
    if cli.out.json() {
        return cli.out.print_json(one);
    }
    let (account, _) = cli.who();
    output::details(&mut cli.out, kind.details, one, &account)
}

fn create(cli: &mut Cli, input: &Input, kind: &'static Kind) -> Outcome {
    let body = cli.body(input)?;
    create_of(cli, input, kind, body)
}

/// Makes one of a kind of a body.
pub(crate) fn create_of(
    cli: &mut Cli,
    input: &Input,
    kind: &'static Kind,
    mut body: Value,
) -> Outcome {
    let parent = cli.parent_of(kind, input)?;
    let mut scope = String::new();
    if kind.grouped
        && let Some(group) = group(cli, input)?
    {
        request::set(&mut body, "/resource_group/id", json!(group.id));
        scope = format!(" in resource group {}", group.name);
    }
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    let who = by_whom(cli);
    cli.out.talk(&format!("Creating {} {name}{scope} {who}...", kind.noun))?;
    let path = kind.all_of(parent.as_deref());
    let made = cli.call(kind.service, Method::POST, &path, &Query::new(), Some(&body))?;
    show_one(cli, kind, &made)
}

fn update(cli: &mut Cli, input: &Input, kind: &'static Kind) -> Outcome {
    let body = cli.body(input)?;
    let parent = cli.parent_of(kind, input)?;
    let word = about(input, kind)?;
    let meant = cli.meant(kind, &word, parent.as_deref(), input)?;
    let who = by_whom(cli);
    cli.out.talk(&format!("Updating {} {} {who}...", kind.noun, meant.name))?;
    let path = kind.one_of(parent.as_deref(), &meant.id);
    let query = Query::new();
    // An array is replaced whole: the region wants to know of which state.
    let whole = body.as_object().is_some_and(|fields| fields.values().any(Value::is_array));
    let tag = if whole || kind.service == Service::Iam {
        let before = cli.answer(kind.service, Method::GET, &path, &query, None, None)?;
        before.headers.get(header::ETAG).cloned()
    } else {
        None
    };
    // What IAM's identity service keeps is replaced, what others keep is changed.
    let whole = kind.service == Service::Iam && kind.path.starts_with("/v1/");
    let method = if whole { Method::PUT } else { Method::PATCH };
    let answer = cli.answer(kind.service, method, &path, &query, Some(&body), tag.as_ref())?;
    let one = request::read(&answer)?;
    show_one(cli, kind, &one)
}

fn delete(cli: &mut Cli, input: &Input, kind: &'static Kind) -> Outcome {
    let parent = cli.parent_of(kind, input)?;
    let last = input.command.positionals.last();
    let words = last.map(|word| input.texts(word.name).to_vec()).unwrap_or_default();
    let mut all = Vec::new();
    for word in &words {
        all.push(cli.meant(kind, word, parent.as_deref(), input)?);
    }
    let names: Vec<_> = all.iter().map(|one| one.name.as_str()).collect();
    if !input.on("force") && !agreed(cli, kind, &names)? {
        return Ok(());
    }
    let query = cli.query(input)?;
    let who = by_whom(cli);
    let (mut deleted, mut failed) = (Vec::new(), None);
    for one in &all {
        cli.out.talk(&format!("Deleting {} {} {who}...", kind.noun, one.name))?;
        let path = kind.one_of(parent.as_deref(), &one.id);
        if let Err(failure) = cli.call(kind.service, Method::DELETE, &path, &query, None) {
            // The last failure is the command's; the others are told as they come.
            for line in failed.replace(failure).iter().flat_map(Failure::lines) {
                cli.out.warn(&line);
            }
            continue;
        }
        cli.out.ok()?;
        let said = if kind.slow_end { "is being deleted" } else { "is deleted" };
        cli.out.talk(&format!("{} {} {said}.", capital(kind.noun), one.name))?;
        deleted.push(json!({ "id": one.id, "name": one.name }));
    }
    if cli.out.json() && !deleted.is_empty() {
        cli.out.print_json(&Value::Array(deleted))?;
    }
    failed.map_or(Ok(()), Err)
}

fn agreed(cli: &mut Cli, kind: &Kind, names: &[&str]) -> Outcome<bool> {
    let (noun, them) = match names {
        [_] => (kind.noun, "it"),
        _ => (kind.plural, "them"),
    };
    cli.out.confirm(&format!(
        "This deletes the {noun} {} and cannot be undone: nothing brings {them} back. Continue",
        names.join(", ")
    ))
}

fn below(
    cli: &mut Cli,
    input: &Input,
    kind: &'static Kind,
    (method, path): (&str, &str),
    shown: Option<&'static Kind>,
) -> Outcome {
    let body = cli.body(input)?;
    let parent = cli.parent_of(kind, input)?;
    let word = about(input, kind)?;
    let meant = cli.meant(kind, &word, parent.as_deref(), input)?;
    let method =
        Method::from_bytes(method.as_bytes()).map_err(|_| Failure::plain("no such method"))?;
    let who = by_whom(cli);
    cli.out.talk(&format!(
        "{} {} {who}...",
        capital(input.command.summary.trim_end_matches('.')),
        meant.name
    ))?;
    let path = format!("{}{path}", kind.one_of(parent.as_deref(), &meant.id));
    let empty = body.as_object().is_none_or(serde_json::Map::is_empty);
    let body = if empty { None } else { Some(&body) };
    let answer = cli.call(kind.service, method, &path, &Query::new(), body)?;
    match (shown, answer) {
        (_, Value::Null) => cli.out.ok(),
        (Some(shown), answer) => show_one(cli, shown, &answer),
        (None, answer) => show_one(cli, kind, &answer),
    }
}

/// The word that names what a command is about: that of its kind, which stands last.
fn about(input: &Input, kind: &Kind) -> Outcome<String> {
    let last = input.command.positionals.iter().rev().find(|word| {
        matches!(word.arity, Arity::One | Arity::Many)
            && matches!(word.value, crate::table::Value::Ref(of) if std::ptr::eq(of, kind))
    });
    let text = last.and_then(|word| input.text(word.name));
    text.map(str::to_owned).ok_or_else(|| Failure::usage(format!("no {} is named", kind.noun)))
}

/// `under account A as user U`.
pub(crate) fn by_whom(cli: &mut Cli) -> String {
    let _ = cli.token(false);
    let session = cli.state.session.as_ref();
    session.map_or_else(String::new, |session| {
        format!("under account {} as user {}", session.account, session.user)
    })
}
