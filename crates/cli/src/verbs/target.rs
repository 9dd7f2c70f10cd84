//! `target`, `api`, `regions`, `config`: what other commands go by.

use serde_json::{Value, json};

use super::login;
use crate::{
    Cli,
    failure::{Failure, Outcome},
    grammar::{Input, flag_of, number_of},
    kinds::{self, Column, See, Service},
    net::Address,
    output,
};

/// Longest patience for an answer, in seconds.
const TIMEOUT_SECONDS_MAX: i64 = 3600;

/// Shows what is targeted, or changes it.
pub(crate) fn target(cli: &mut Cli, input: &Input) -> Outcome {
    if let Some(account) = input.text("c") {
        let (own, _) = cli.who();
        if own != account {
            return Err(Failure::hinted(
                format!("You are signed in to account {own}, not {account}."),
                format!("log in to it: {} login --apikey @FILE", cli.program),
            ));
        }
    }
    if input.on("unset-region") {
        cli.keep(|kept| kept.region = None)?;
    }
    if input.on("unset-resource-group") {
        cli.keep(|kept| kept.group = None)?;
    }
    if input.has("r") || input.has("g") {
        login::aim(cli, input)?;
    }
    show(cli)
}

/// The block of keys and values below `login` and `target`.
pub(super) fn show(cli: &mut Cli) -> Outcome {
    cli.token(false)?;
    let api = cli.endpoints()?.of(Service::Vpc)?.to_string();
    let (account, user) =
        cli.state.session.as_ref().map(|s| (s.account.clone(), s.user.clone())).unwrap_or_default();
    let region = cli.state.region.clone();
    let group = cli.state.group.clone();
    if cli.out.json() {
        let group = group.map(|group| json!({ "guid": group.id, "name": group.name }));
        return cli.out.print_json(&json!({
            "api_endpoint": api,
            "region": region.map(|name| json!({ "name": name })),
            "user": { "user_email": user },
            "account": { "guid": account },
            "resource_group": group,
        }));
    }
    let program = cli.program.clone();
    let rows = [
        ("API endpoint:", api),
        (
            "Region:",
            region
                .unwrap_or_else(|| format!("No region targeted, use '{program} target -r REGION'")),
        ),
        ("User:", user),
        ("Account:", account),
        (
            "Resource group:",
            group.map_or_else(
                || format!("No resource group targeted, use '{program} target -g RESOURCE_GROUP'"),
                |group| group.name,
            ),
        ),
    ];
    for (key, value) in rows {
        let key = cli.out.coloured(&format!("{key:<17}"));
        cli.out.say(&format!("{key} {value}"))?;
    }
    Ok(())
}

/// Shows, sets or forgets the address.
pub(crate) fn api(cli: &mut Cli, input: &Input) -> Outcome {
    if input.on("unset") {
        cli.keep(|kept| kept.api = None)?;
        return cli.out.ok();
    }
    if let Some(text) = input.text("ENDPOINT") {
        let address = Address::parse(text)?.to_string();
        let skip = input.on("skip-ssl-validation");
        cli.out.talk(&format!("Setting API endpoint to {address}..."))?;
        cli.keep(|kept| {
            // A session is good at one address only.
            if kept.api.as_ref() != Some(&address) {
                kept.session = None;
                kept.region = None;
                kept.group = None;
            }
            kept.api = Some(address);
            kept.skip_tls = skip;
        })?;
        cli.endpoints_forget();
        return cli.out.ok();
    }
    let address = cli.endpoints()?.of(Service::Vpc)?;
    cli.out.say(&format!("API endpoint:   {address}"))
}

/// Regions with their display names.
pub(crate) fn regions(cli: &mut Cli, _: &Input) -> Outcome {
    cli.out.talk("Listing regions...")?;
    let mut all = cli.every(&kinds::REGION, None, &Vec::new())?;
    for one in &mut all {
        let name = one["name"].as_str().unwrap_or_default().to_owned();
        one["display_name"] = Value::String(display(&name).to_owned());
    }
    if cli.out.json() {
        return cli.out.print_json(&Value::Array(all));
    }
    let columns =
        [Column("Name", See::At("/name")), Column("Display name", See::At("/display_name"))];
    output::list(&mut cli.out, &columns, &all, "")
}

/// IBM's display name of a region; its name where we know none.
fn display(name: &str) -> &str {
    match name {
        "au-syd" => "Sydney",
        "br-sao" => "Sao Paulo",
        "ca-mon" => "Montreal",
        "ca-tor" => "Toronto",
        "eu-de" => "Frankfurt",
        "eu-es" => "Madrid",
        "eu-gb" => "London",
        "jp-osa" => "Osaka",
        "jp-tok" => "Tokyo",
        "us-east" => "Washington DC",
        "us-south" => "Dallas",
        other => other,
    }
}

/// Changes one setting.
pub(crate) fn config(cli: &mut Cli, input: &Input) -> Outcome {
    if let Some(text) = input.text("http-timeout") {
        let seconds = number_of("--http-timeout", text)?;
        if !(1..=TIMEOUT_SECONDS_MAX).contains(&seconds) {
            let said = format!("--http-timeout takes 1 to {TIMEOUT_SECONDS_MAX} seconds");
            return Err(Failure::usage(said));
        }
        cli.keep(|kept| kept.settings.http_timeout = u64::try_from(seconds).ok())?;
    }
    if let Some(text) = input.text("trace").map(str::to_owned) {
        cli.keep(|kept| kept.settings.trace = Some(text))?;
    }
    if let Some(text) = input.text("color") {
        let on = flag_of("--color", text)?;
        cli.keep(|kept| kept.settings.color = Some(on))?;
    }
    if let Some(text) = input.text("locale").map(str::to_owned) {
        let clear = text.eq_ignore_ascii_case("clear");
        cli.keep(|kept| kept.settings.locale = (!clear).then_some(text))?;
    }
    if let Some(text) = input.text("check-version") {
        let on = flag_of("--check-version", text)?;
        cli.keep(|kept| kept.settings.check_version = Some(on))?;
    }
    cli.out.ok()
}

/// The generation of VPC: there is one.
pub(crate) fn is_target(cli: &mut Cli, input: &Input) -> Outcome {
    if let Some(text) = input.text("gen").filter(|text| *text != "2") {
        return Err(Failure::usage(format!("generation {text} is not served: --gen 2")));
    }
    cli.out.say("Target Generation: 2")
}
