//! `login`, `logout`.

use serde_json::Value;

use super::target;
use crate::{
    Cli,
    failure::{Failure, Outcome},
    grammar::{Input, read_at},
    kinds::{self, Service},
    net::{Address, HttpSettings, IBM_API},
    session::{self, Grant, Group},
};

/// The text of an API key: itself, or `@` and a file of it, as IBM's console writes one too.
pub(crate) fn api_key_of(text: &str) -> Outcome<String> {
    let read = read_at(text)?;
    if text.starts_with('@') {
        let json: Option<Value> = serde_json::from_str(&read).ok();
        let fields = ["/apikey", "/api_key"];
        let found =
            json.as_ref().and_then(|json| fields.iter().find_map(|at| json.pointer(at)?.as_str()));
        return Ok(found.unwrap_or(&read).trim().to_owned());
    }
    Ok(read.trim().to_owned())
}

/// Signs in and remembers who, where and at what.
pub(crate) fn login(cli: &mut Cli, input: &Input) -> Outcome {
    for flag in ["u", "p", "sso"] {
        if input.has(flag) {
            return Err(Failure::hinted(
                "A region takes API keys, not passwords.",
                format!("log in by one: {} login --apikey @FILE", cli.program),
            ));
        }
    }
    let skip_tls = input.on("skip-ssl-validation");
    if skip_tls {
        cli.out.warn("warning: certificates are not checked until the next login.");
    }
    let api = input.text("a").map(Address::parse).transpose()?.map(|found| found.to_string());
    cli.state.api = api.clone().or_else(|| cli.state.api.clone()).filter(|_| !is_stale(cli, &api));
    cli.state.skip_tls = skip_tls;
    if skip_tls {
        cli.http = crate::Http::new(HttpSettings {
            trust: crate::Trust::Anybody,
            patience: std::time::Duration::from_secs(crate::HTTP_TIMEOUT_SECONDS),
            trace: None,
        })?;
    }
    cli.endpoints_forget();
    let iam = cli.endpoints()?.of(Service::Iam)?;
    if api
        .as_ref()
        .is_some_and(|api| iam.host != IBM_API && !api.contains(IBM_API) && *api != iam.to_string())
    {
        cli.out
            .warn(&format!("note: the environment names {iam}, and that is used instead of -a."));
    }
    cli.out.talk(&format!("API endpoint: {}", shown_api(cli)))?;
    let session = by_whatever(cli, input, &iam)?;
    cli.out.ok()?;
    if let Some(account) = input.text("c").filter(|account| *account != session.account) {
        return Err(Failure::hinted(
            format!("The API key is of account {}, not of {account}.", session.account),
            "an API key opens its own account only",
        ));
    }
    let (api, state) = (cli.state.api.clone(), session.clone());
    cli.keep(|kept| {
        kept.api = api;
        kept.skip_tls = skip_tls;
        kept.session = Some(state);
        kept.region = None;
        kept.group = None;
    })?;
    aim(cli, input)?;
    cli.out.talk("")?;
    target::show(cli)
}

/// What runs here has moved: what was typed the last time does not hold.
fn is_stale(cli: &Cli, api: &Option<String>) -> bool {
    let here = cli.state.api.as_ref().is_some_and(|old| old.contains("//127.0.0.1:"));
    let local = cli.local().map(|local| local.url.clone());
    api.is_none() && here && local.is_some() && local != cli.state.api
}

fn shown_api(cli: &Cli) -> String {
    cli.endpoints().and_then(|all| all.of(Service::Vpc)).map_or_else(
        |_| "-".to_owned(),
        |address| {
            if address.host.ends_with(IBM_API) { IBM_API.to_owned() } else { address.to_string() }
        },
    )
}

fn by_whatever(cli: &mut Cli, input: &Input, iam: &Address) -> Outcome<session::Session> {
    if let (Some(token), Some(profile)) = (input.text("cr-token"), input.text("profile")) {
        cli.out.talk("Authenticating...")?;
        let token = read_at(token)?;
        let grant = Grant::ComputeToken(token.trim(), profile);
        return Ok(crate::session_of(iam, session::request(&cli.http, iam, &grant)?, None));
    }
    let key = match input.text("apikey") {
        Some(text) => api_key_of(text)?,
        None => match cli.environment_key(iam) {
            Some(key) => key,
            None => cli.out.ask("API Key>")?,
        },
    };
    if key.is_empty() {
        return Err(Failure::plain("The API key is empty."));
    }
    cli.out.talk("Authenticating...")?;
    cli.sign_in(iam, &key, false)
}

/// Region and resource group that are targeted from now on.
pub(super) fn aim(cli: &mut Cli, input: &Input) -> Outcome {
    if let Some(region) = input.text("r") {
        let known = cli.known(&kinds::REGION, None, &Vec::new());
        // IBM's own regions are not listed before one is targeted.
        if let Ok(known) = known {
            let names = known.iter().filter_map(|one| one["name"].as_str());
            if !names.clone().any(|name| name == region) {
                return Err(Failure::none_of("region", region, names));
            }
        }
        let region = region.to_owned();
        cli.keep(|kept| kept.region = Some(region))?;
        cli.endpoints_forget();
    } else if !input.on("no-region") && !input.on("unset-region") && cli.state.region.is_none() {
        // Where there is one region, it is the one.
        if let Ok(region) = cli.region() {
            cli.keep(|kept| kept.region = Some(region))?;
        }
    }
    if let Some(text) = input.text("g") {
        let all = cli.known(&kinds::RESOURCE_GROUP, None, &Vec::new())?;
        let found = all.iter().find(|one| one["id"] == text || one["name"] == text);
        let names = all.iter().filter_map(|one| one["name"].as_str());
        let found = found.ok_or_else(|| Failure::none_of("resource group", text, names))?;
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        let group = Group { id: text("id"), name: text("name") };
        cli.out.talk(&format!("Targeted resource group {}", group.name))?;
        cli.keep(|kept| kept.group = Some(group))?;
    }
    Ok(())
}

/// Forgets who is signed in, and what was targeted.
pub(crate) fn logout(cli: &mut Cli, _: &Input) -> Outcome {
    cli.out.talk("Logging out...")?;
    cli.keep(|kept| {
        kept.session = None;
        kept.region = None;
        kept.group = None;
        kept.skip_tls = false;
    })?;
    cli.out.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_text_a_file_of_it_or_ibms_json() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let at = format!("@{}", file.display());
        std::fs::write(&file, "abc\n").unwrap();
        assert_eq!(api_key_of(&at).unwrap(), "abc");
        std::fs::write(&file, r#"{"name":"n","apikey":"def"}"#).unwrap();
        assert_eq!(api_key_of(&at).unwrap(), "def");
        assert_eq!(api_key_of("ghi").unwrap(), "ghi");
    }
}
