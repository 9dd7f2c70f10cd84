//! Instances: made, started, stopped, reinitialized; volumes attached.

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    Cli, acts,
    failure::{Failure, Outcome},
    grammar::Input,
    kinds::{INSTANCE, INSTANCE_ACTION, INSTANCE_INITIALIZATION},
    request::Query,
};

/// Makes an instance. The subnet goes where the network is said.
pub(crate) fn instance_create(cli: &mut Cli, input: &Input) -> Outcome {
    if input.on("interactive") {
        let program = &cli.program;
        return Err(Failure::hinted(
            "not_implemented: an instance is not asked for step by step.",
            format!("give what it is made of: {program} is instance-create --help"),
        ));
    }
    let mut body = cli.body(input)?;
    let attached = body.get("primary_network_attachment").is_some();
    if let Some(fields) = body.as_object_mut()
        && attached
        && let Some(subnet) =
            fields.remove("primary_network_interface").and_then(|nic| nic.get("subnet").cloned())
    {
        let vni = fields["primary_network_attachment"].get("virtual_network_interface").cloned();
        if vni.is_none() {
            fields["primary_network_attachment"]["virtual_network_interface"] =
                json!({ "subnet": subnet });
        }
    }
    acts::create_of(cli, input, &INSTANCE, body)
}

/// Begins an action of an instance.
pub(crate) fn action(cli: &mut Cli, id: &str, kind: &str, force: bool) -> Outcome<Value> {
    let body = if force { json!({"type": kind, "force": true}) } else { json!({ "type": kind }) };
    let path = INSTANCE_ACTION.all_of(Some(id));
    cli.call(INSTANCE.service, Method::POST, &path, &Query::new(), Some(&body))
}

fn act(cli: &mut Cli, input: &Input, kind: &str, doing: &str, ask: bool) -> Outcome {
    let meant = cli.named(&INSTANCE, "INSTANCE", input)?;
    let question = format!("This will {kind} the instance {}. Continue", meant.name);
    if ask && !input.on("force") && !cli.out.confirm(&question)? {
        return Ok(());
    }
    let who = acts::by_whom(cli);
    cli.out.talk(&format!("{doing} instance {} {who}...", meant.name))?;
    let force = input.on("no-wait");
    let made = action(cli, &meant.id, kind, force)?;
    acts::show_one(cli, &INSTANCE_ACTION, &made)
}

/// Starts an instance.
pub(crate) fn instance_start(cli: &mut Cli, input: &Input) -> Outcome {
    act(cli, input, "start", "Starting", false)
}

/// Stops an instance; at once with `--no-wait`.
pub(crate) fn instance_stop(cli: &mut Cli, input: &Input) -> Outcome {
    act(cli, input, "stop", "Stopping", true)
}

/// Reboots an instance; at once with `--no-wait`.
pub(crate) fn instance_reboot(cli: &mut Cli, input: &Input) -> Outcome {
    act(cli, input, "reboot", "Rebooting", true)
}

/// Gives an instance a new boot volume.
pub(crate) fn instance_reinitialize(cli: &mut Cli, input: &Input) -> Outcome {
    let body = cli.body(input)?;
    let meant = cli.named(&INSTANCE, "INSTANCE", input)?;
    let question = format!(
        "This replaces the boot volume of instance {}, and cannot be undone. Continue",
        meant.name
    );
    if !input.on("force") && !cli.out.confirm(&question)? {
        return Ok(());
    }
    let who = acts::by_whom(cli);
    cli.out.talk(&format!("Reinitializing instance {} {who}...", meant.name))?;
    let path = format!("{}/reinitialize", INSTANCE.one_of(None, &meant.id));
    let made = cli.call(INSTANCE.service, Method::POST, &path, &Query::new(), Some(&body))?;
    if made.is_null() { cli.out.ok() } else { acts::show_one(cli, &INSTANCE, &made) }
}

/// What an instance was begun with.
pub(crate) fn instance_initialization(cli: &mut Cli, input: &Input) -> Outcome {
    let meant = cli.named(&INSTANCE, "INSTANCE", input)?;
    let path = INSTANCE_INITIALIZATION.all_of(Some(&meant.id));
    let one = cli.call(INSTANCE.service, Method::GET, &path, &Query::new(), None)?;
    acts::show_one(cli, &INSTANCE_INITIALIZATION, &one)
}
