//! `resource tags`, `tag-attach`, `tag-detach`, `search`.

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    Cli,
    failure::{Failure, Outcome},
    grammar::{Input, list_of},
    kinds::{Column, See, Service},
    output,
    request::Query,
};

/// Resources of one answer of a search.
const SEARCH_LIMIT: &str = "100";
/// Most answers of one search.
const SEARCH_PAGES_MAX: usize = 1000;

/// Tags of the account.
pub(crate) fn tags(cli: &mut Cli, input: &Input) -> Outcome {
    let mut query = cli.query(input)?;
    query.push(("limit".to_owned(), "1000".to_owned()));
    if input.on("attached") {
        query.push(("attached_only".to_owned(), "true".to_owned()));
    }
    cli.out.talk("Listing tags...")?;
    let answer = cli.call(Service::Tagging, Method::GET, "/v3/tags", &query, None)?;
    let items = answer["items"].as_array().cloned().unwrap_or_default();
    if cli.out.json() {
        return cli.out.print_json(&answer);
    }
    output::list(&mut cli.out, &[Column("Name", See::At("/name"))], &items, "")
}

/// Tags a resource.
pub(crate) fn tag_attach(cli: &mut Cli, input: &Input) -> Outcome {
    change(cli, input, "attach")
}

/// Takes tags from a resource.
pub(crate) fn tag_detach(cli: &mut Cli, input: &Input) -> Outcome {
    change(cli, input, "detach")
}

fn change(cli: &mut Cli, input: &Input, how: &str) -> Outcome {
    let crn = match input.text("resource-id") {
        Some(crn) => crn.to_owned(),
        None => crn_of(cli, input.text("resource-name").unwrap_or_default())?,
    };
    let names = list_of(input.texts("tag-names"));
    let query = match input.text("tag-type") {
        Some(kind) => vec![("tag_type".to_owned(), kind.to_lowercase())],
        None => Query::new(),
    };
    let body = json!({ "tag_names": names, "resources": [{ "resource_id": crn }] });
    let path = format!("/v3/tags/{how}");
    let answer = cli.call(Service::Tagging, Method::POST, &path, &query, Some(&body))?;
    // The answer says per resource whether it worked.
    let failed =
        answer["results"].as_array().into_iter().flatten().find(|one| one["is_error"] == true);
    if let Some(failed) = failed {
        let why = failed["message"].as_str().unwrap_or("it was refused");
        return Err(Failure::plain(format!("Tags of {crn} were not changed: {why}")));
    }
    if cli.out.json() { cli.out.print_json(&answer) } else { cli.out.ok() }
}

fn crn_of(cli: &mut Cli, name: &str) -> Outcome<String> {
    let quoted = name.replace(['"', '\\'], "");
    let found = every(cli, &format!("name:\"{quoted}\""))?;
    let crns: Vec<&str> = found.iter().filter_map(|one| one["crn"].as_str()).collect();
    match crns.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(Failure::plain(format!("There is no resource with the name '{name}'."))),
        several => Err(Failure::hinted(
            format!(
                "There are {} resources with the name '{name}':\n  {}",
                several.len(),
                several.join("\n  ")
            ),
            "give one of these with --resource-id",
        )),
    }
}

fn every(cli: &mut Cli, text: &str) -> Outcome<Vec<Value>> {
    let query = vec![("limit".to_owned(), SEARCH_LIMIT.to_owned())];
    let mut body = json!({ "query": text, "fields": ["*"] });
    let mut all = Vec::new();
    for _ in 0..SEARCH_PAGES_MAX {
        let answer =
            cli.call(Service::Search, Method::POST, "/v3/resources/search", &query, Some(&body))?;
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        let cursor = answer["search_cursor"].as_str().map(str::to_owned);
        let done = items.is_empty() || cursor.is_none();
        all.extend(items);
        if done {
            return Ok(all);
        }
        body["search_cursor"] = json!(cursor);
    }
    Ok(all)
}

/// Resources that a search finds.
pub(crate) fn search(cli: &mut Cli, input: &Input) -> Outcome {
    let text = input.text("QUERY").unwrap_or_default();
    let all = every(cli, text)?;
    if cli.out.json() {
        return cli.out.print_json(&json!({ "items": all }));
    }
    let columns = [
        Column("Name", See::At("/name")),
        Column("Type", See::At("/type")),
        Column("Region", See::At("/region")),
        Column("CRN", See::At("/crn")),
    ];
    if all.is_empty() {
        return cli.out.talk("No resources were found.");
    }
    output::list(&mut cli.out, &columns, &all, "")
}
