//! `ssh`: the system's own, with the address and a memory of host keys of its own.

use std::{os::unix::process::CommandExt, process::Command};

use serde_json::Value;

use crate::{
    Cli,
    failure::{Failure, Outcome},
    grammar::Input,
    kinds::{FLOATING_IP, INSTANCE},
    request::Query,
};

/// Where an instance's floating IP may be.
const PLACES: [&str; 2] =
    ["/primary_network_interface/floating_ips/0", "/network_interfaces/0/floating_ips/0"];

/// Becomes `ssh`.
pub(crate) fn ssh(cli: &mut Cli, input: &Input) -> Outcome {
    let meant = cli.named(&INSTANCE, "INSTANCE", input)?;
    let one = cli.one(&INSTANCE, None, &meant.id)?;
    let id = one["id"].as_str().unwrap_or_default().to_owned();
    let address = address_of(cli, &one)?.ok_or_else(|| {
        let program = &cli.program;
        Failure::hinted(
            format!("The instance {} has no floating IP.", meant.name),
            format!(
                "give it one: {program} is floating-ip-reserve {}-ip --in {}; and let port 22 in: \
                 {program} is security-group-rule-add GROUP inbound tcp --port-min 22 --port-max 22",
                meant.name, meant.name
            ),
        )
    })?;
    // Addresses are used again by other guests: keys are kept by instance, apart from the user's.
    let known = cli.folder().join("known_hosts");
    let mut words = vec![
        "-o".to_owned(),
        format!("UserKnownHostsFile={}", known.display()),
        "-o".to_owned(),
        format!("HostKeyAlias={id}"),
        "-o".to_owned(),
        "StrictHostKeyChecking=accept-new".to_owned(),
    ];
    if let Some(file) = input.text("identity") {
        words.extend(["-i".to_owned(), file.to_owned()]);
    }
    words.extend(["-l".to_owned(), input.text("user").unwrap_or("root").to_owned(), address]);
    words.extend(input.texts("COMMAND").iter().cloned());
    if input.on("print") {
        return cli.out.say(&format!("ssh {}", words.join(" ")));
    }
    // Only a failure comes back.
    let error = Command::new("ssh").args(words).exec();
    Err(Failure::hinted(
        format!("ssh cannot be run: {error}"),
        "install an SSH client, such as Debian's openssh-client",
    ))
}

fn address_of(cli: &mut Cli, instance: &Value) -> Outcome<Option<String>> {
    let text = |value: &Value| value["address"].as_str().map(str::to_owned);
    if let Some(found) = PLACES.iter().find_map(|at| instance.pointer(at).and_then(text)) {
        return Ok(Some(found));
    }
    // An interface names its floating IP by itself only: look by target.
    let nics = [
        "/primary_network_interface/id",
        "/primary_network_attachment/virtual_network_interface/id",
    ];
    let nics: Vec<&Value> = nics.iter().filter_map(|at| instance.pointer(at)).collect();
    let all = cli.every(&FLOATING_IP, None, &Query::new())?;
    let found = all
        .iter()
        .find(|one| one.pointer("/target/id").is_some_and(|target| nics.contains(&target)));
    Ok(found.and_then(text))
}
