//! Access groups, policies, roles, authorizations between services.

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    Cli, acts,
    failure::{Failure, Outcome},
    grammar::{Input, json_of, list_of},
    kinds::{ACCESS_GROUP, Column, POLICY, RESOURCE_GROUP, SERVICE_ID, See, Service, USER},
    output,
    request::Query,
};

/// Makes an access group.
pub(crate) fn access_group_create(cli: &mut Cli, input: &Input) -> Outcome {
    let body = cli.body(input)?;
    let query = cli.account_query(&ACCESS_GROUP);
    let made = cli.call(Service::Iam, Method::POST, ACCESS_GROUP.path, &query, Some(&body))?;
    acts::show_one(cli, &ACCESS_GROUP, &made)
}

/// Puts users into an access group.
pub(crate) fn group_user_add(cli: &mut Cli, input: &Input) -> Outcome {
    let mut members = Vec::new();
    for text in input.texts("USER").to_vec() {
        members.push(json!({ "iam_id": user_of(cli, &text)?, "type": "user" }));
    }
    member_add(cli, input, members)
}

/// Puts service IDs into an access group.
pub(crate) fn group_service_id_add(cli: &mut Cli, input: &Input) -> Outcome {
    let mut members = Vec::new();
    for text in input.texts("SERVICE_ID").to_vec() {
        members.push(json!({ "iam_id": service_of(cli, &text, input)?, "type": "service" }));
    }
    member_add(cli, input, members)
}

fn member_add(cli: &mut Cli, input: &Input, members: Vec<Value>) -> Outcome {
    let group = cli.named(&ACCESS_GROUP, "GROUP_NAME", input)?;
    let path = format!("{}/members", ACCESS_GROUP.one_of(None, &group.id));
    let body = json!({ "members": members });
    let made = cli.call(Service::Iam, Method::PUT, &path, &Query::new(), Some(&body))?;
    // The answer says per member whether it worked.
    let each = made["members"].as_array().into_iter().flatten();
    let mut refused =
        each.filter(|one| one["status_code"].as_u64().is_some_and(|code| code >= 300));
    if let Some(one) = refused.next() {
        let why = one.pointer("/errors/0/message").and_then(Value::as_str).unwrap_or("refused");
        let id = one["iam_id"].as_str().unwrap_or_default();
        return Err(Failure::plain(format!("{id} was not added to {}: {why}", group.name)));
    }
    if cli.out.json() { cli.out.print_json(&made) } else { cli.out.ok() }
}

fn service_of(cli: &mut Cli, text: &str, input: &Input) -> Outcome<String> {
    let meant = cli.meant(&SERVICE_ID, text, None, input)?;
    let one = cli.one(&SERVICE_ID, None, &meant.id)?;
    Ok(one["iam_id"].as_str().unwrap_or_default().to_owned())
}

fn user_of(cli: &mut Cli, text: &str) -> Outcome<String> {
    if text.starts_with("IBMid-") {
        return Ok(text.to_owned());
    }
    let (account, _) = cli.who();
    let all = cli.known(&USER, Some(&account), &Query::new())?;
    let found = all.iter().find(|one| one["email"] == text || one["user_id"] == text);
    let found = found.and_then(|one| one["iam_id"].as_str()).map(str::to_owned);
    found.ok_or_else(|| {
        Failure::hinted(
            format!("There is no user '{text}' in the account."),
            format!("to see who is: {} iam users", cli.program),
        )
    })
}

/// Whom a policy is for: the attribute of its subject.
fn subject(cli: &mut Cli, input: &Input) -> Outcome<Value> {
    if input.has("GROUP_NAME") {
        let group = cli.named(&ACCESS_GROUP, "GROUP_NAME", input)?;
        return Ok(json!({ "name": "access_group_id", "value": group.id }));
    }
    let iam_id = match input.text("USER") {
        Some(user) => user_of(cli, user)?,
        None => service_of(cli, input.text("NAME").unwrap_or_default(), input)?,
    };
    Ok(json!({ "name": "iam_id", "value": iam_id }))
}

/// Policies of a group, a service ID or a user.
pub(crate) fn policies(cli: &mut Cli, input: &Input) -> Outcome {
    let subject = subject(cli, input)?;
    let mut query = cli.account_query(&POLICY);
    let text = |field: &str| subject[field].as_str().unwrap_or_default().to_owned();
    query.push((text("name"), text("value")));
    let all = cli.every(&POLICY, None, &query)?;
    acts::show_all(cli, &POLICY, all)
}

/// Makes a policy of access.
pub(crate) fn policy_create(cli: &mut Cli, input: &Input) -> Outcome {
    let subject = subject(cli, input)?;
    let body = match input.text("file") {
        Some(text) => {
            let mut policy = json_of("--file", text)?;
            policy["type"] = json!("access");
            policy["subjects"] = json!([{ "attributes": [subject] }]);
            policy
        }
        None => {
            let resource = resource(cli, input)?;
            let service = input.text("service-name").map(str::to_owned);
            let roles = roles_of(cli, &list_of(input.texts("roles")), service.as_deref())?;
            json!({
                "type": "access",
                "subjects": [{ "attributes": [subject] }],
                "roles": roles,
                "resources": [{ "attributes": resource }],
            })
        }
    };
    post(cli, &body)
}

fn post(cli: &mut Cli, body: &Value) -> Outcome {
    let made = cli.call(Service::Iam, Method::POST, POLICY.path, &Query::new(), Some(body))?;
    acts::show_one(cli, &POLICY, &made)
}

/// What a policy is about, as attributes.
fn resource(cli: &mut Cli, input: &Input) -> Outcome<Vec<Value>> {
    let (account, _) = cli.who();
    let mut all = vec![json!({ "name": "accountId", "value": account })];
    let flags = [
        ("service-name", "serviceName"),
        ("service-instance", "serviceInstance"),
        ("region", "region"),
        ("resource-type", "resourceType"),
        ("resource", "resource"),
        ("resource-group-id", "resourceGroupId"),
    ];
    for (flag, name) in flags {
        if let Some(value) = input.text(flag) {
            all.push(json!({ "name": name, "value": value }));
        }
    }
    if let Some(group) = input.text("resource-group-name").map(str::to_owned) {
        let group = cli.meant(&RESOURCE_GROUP, &group, None, input)?;
        all.push(json!({ "name": "resourceGroupId", "value": group.id }));
    }
    for pair in list_of(input.texts("attributes")) {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--attributes takes NAME=VALUE, not '{pair}'"))
        })?;
        all.push(json!({ "name": name, "value": value }));
    }
    Ok(all)
}

/// Roles that there are: of the platform, of a service, and the account's own.
fn known_roles(cli: &mut Cli, service: Option<&str>) -> Outcome<Vec<Value>> {
    let (account, _) = cli.who();
    let mut query = vec![("account_id".to_owned(), account)];
    query.extend(service.map(|name| ("service_name".to_owned(), name.to_owned())));
    let answer = cli.call(Service::Iam, Method::GET, "/v2/roles", &query, None)?;
    let parts = ["system_roles", "service_roles", "custom_roles"];
    let each = parts.iter().filter_map(|part| answer[*part].as_array());
    Ok(each.flatten().cloned().collect())
}

fn roles_of(cli: &mut Cli, names: &[String], service: Option<&str>) -> Outcome<Vec<Value>> {
    let known = known_roles(cli, service)?;
    let mut roles = Vec::new();
    for name in names {
        let called = |one: &&Value| {
            let fields = ["display_name", "name", "crn"];
            let texts = fields.iter().filter_map(|field| one[*field].as_str());
            texts.into_iter().any(|text| text.eq_ignore_ascii_case(name))
        };
        let found = known.iter().find(called).and_then(|one| one["crn"].as_str());
        let found = found.ok_or_else(|| {
            let all = known.iter().filter_map(|one| one["display_name"].as_str());
            Failure::none_of("role", name, all)
        })?;
        roles.push(json!({ "role_id": found }));
    }
    Ok(roles)
}

/// Lists roles.
pub(crate) fn roles(cli: &mut Cli, input: &Input) -> Outcome {
    let all = known_roles(cli, input.text("service"))?;
    if cli.out.json() {
        return cli.out.print_json(&Value::Array(all));
    }
    let columns = [
        Column("Display name", See::At("/display_name")),
        Column("Description", See::At("/description")),
        Column("CRN", See::At("/crn")),
    ];
    output::list(&mut cli.out, &columns, &all, "")
}

/// Lists authorizations between services.
pub(crate) fn authorizations(cli: &mut Cli, _: &Input) -> Outcome {
    let mut query = cli.account_query(&POLICY);
    query.push(("type".to_owned(), "authorization".to_owned()));
    let all = cli.every(&POLICY, None, &query)?;
    acts::show_all(cli, &POLICY, all)
}

/// Lets a service use another.
pub(crate) fn authorization_create(cli: &mut Cli, input: &Input) -> Outcome {
    let (account, _) = cli.who();
    let end = |side: &str, service: &str| {
        let mut all = vec![
            json!({ "name": "accountId", "value": account }),
            json!({ "name": "serviceName", "value": input.text(service).unwrap_or_default() }),
        ];
        let more = [("resource-type", "resourceType"), ("service-instance-id", "serviceInstance")];
        for (flag, name) in more {
            if let Some(value) = input.text(&format!("{side}-{flag}")) {
                all.push(json!({ "name": name, "value": value }));
            }
        }
        all
    };
    let (source, target) = (end("source", "SOURCE_SERVICE"), end("target", "TARGET_SERVICE"));
    let service = input.text("TARGET_SERVICE").unwrap_or_default().to_owned();
    let roles = roles_of(cli, &list_of(input.texts("ROLES")), Some(&service))?;
    post(
        cli,
        &json!({
            "type": "authorization",
            "subjects": [{ "attributes": source }],
            "roles": roles,
            "resources": [{ "attributes": target }],
        }),
    )
}
