//! `resource group…` and `resource service-instance…`.

use serde_json::{Value, json};

use crate::{
    Cli, acts,
    failure::{Failure, Outcome},
    grammar::Input,
    kinds::{RESOURCE_GROUP, SERVICE_INSTANCE},
    request::{self, Query},
};

fn all(cli: &mut Cli) -> Outcome<Vec<Value>> {
    let (account, _) = cli.who();
    cli.every(&RESOURCE_GROUP, None, &vec![("account_id".to_owned(), account)])
}

/// Resource groups of the account.
pub(crate) fn groups(cli: &mut Cli, input: &Input) -> Outcome {
    let who = acts::by_whom(cli);
    cli.out.talk(&format!("Retrieving resource groups {who}..."))?;
    let mut all = all(cli)?;
    if input.on("default") {
        all.retain(|one| one["default"] == true);
    }
    acts::show_all(cli, &RESOURCE_GROUP, all)
}

/// One resource group, or its id alone.
pub(crate) fn group_show(cli: &mut Cli, input: &Input) -> Outcome {
    let meant = cli.named(&RESOURCE_GROUP, "NAME", input)?;
    if input.on("id") {
        return cli.out.say(&meant.id);
    }
    let one = cli.one(&RESOURCE_GROUP, None, &meant.id)?;
    acts::show_one(cli, &RESOURCE_GROUP, &one)
}

/// Makes a resource group.
pub(crate) fn group_create(cli: &mut Cli, input: &Input) -> Outcome {
    let mut body = cli.body(input)?;
    let (account, _) = cli.who();
    request::set(&mut body, "/account_id", json!(account));
    acts::create_of(cli, input, &RESOURCE_GROUP, body)
}

/// One service instance, by name, GUID or CRN.
pub(crate) fn service_instance(cli: &mut Cli, input: &Input) -> Outcome {
    let text = input.text("NAME").unwrap_or_default().to_owned();
    let all = cli.every(&SERVICE_INSTANCE, None, &Query::new())?;
    let named =
        |one: &&Value| ["name", "guid", "id", "crn"].iter().any(|key| one[*key] == text.as_str());
    let found = all.iter().find(named).ok_or_else(|| {
        Failure::hinted(
            format!("There is no service instance '{text}'."),
            format!("to see what is there: {} resource service-instances", cli.program),
        )
    })?;
    acts::show_one(cli, &SERVICE_INSTANCE, found)
}

/// Makes a service instance.
pub(crate) fn service_instance_create(cli: &mut Cli, input: &Input) -> Outcome {
    let mut body = cli.body(input)?;
    let group = match input.text("g") {
        Some(text) => cli.meant(&RESOURCE_GROUP, text, None, input)?.id,
        None => match &cli.state.group {
            Some(group) => group.id.clone(),
            None => default_group(cli)?,
        },
    };
    request::set(&mut body, "/resource_group", json!(group));
    acts::create_of(cli, input, &SERVICE_INSTANCE, body)
}

fn default_group(cli: &mut Cli) -> Outcome<String> {
    let all = all(cli)?;
    let found = all.iter().find(|one| one["default"] == true).and_then(|one| one["id"].as_str());
    found.map(str::to_owned).ok_or_else(|| Failure::usage("no resource group: give -g"))
}
