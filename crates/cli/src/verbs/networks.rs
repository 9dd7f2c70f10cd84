//! Networks, where a command is more than one call or a value has several forms.

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    Cli, acts,
    failure::{Failure, Outcome},
    grammar::Input,
    kinds::{
        FLOATING_IP, INSTANCE, Kind, NETWORK_INTERFACE, PUBLIC_GATEWAY, SECURITY_GROUP,
        SECURITY_GROUP_RULE, SUBNET, VPC,
    },
    output,
    request::{self, Query},
};

/// A list below the details, of what is in them.
fn attached(cli: &mut Cli, kind: &'static Kind, field: &str, id: &Value) -> Outcome {
    let id = id.as_str().unwrap_or_default().to_owned();
    let all = cli.every(kind, None, &vec![(field.to_owned(), id)])?;
    cli.out.say("")?;
    let title = cli.out.bold(&output::capital(kind.plural));
    cli.out.say(&title)?;
    output::list(&mut cli.out, kind.columns, &all, "")
}

/// A VPC, with its subnets where that is wanted.
pub(crate) fn vpc_show(cli: &mut Cli, input: &Input) -> Outcome {
    let one = acts::show(cli, input, &VPC)?;
    if input.on("show-attached") && !cli.out.json() {
        attached(cli, &SUBNET, "vpc.id", &one["id"])?;
        attached(cli, &INSTANCE, "vpc.id", &one["id"])?;
    }
    Ok(())
}

/// A subnet, with its instances where that is wanted.
pub(crate) fn subnet_show(cli: &mut Cli, input: &Input) -> Outcome {
    let one = acts::show(cli, input, &SUBNET)?;
    if input.on("show-attached") && !cli.out.json() {
        attached(cli, &INSTANCE, "network_interfaces.subnet.id", &one["id"])?;
    }
    Ok(())
}

/// Makes a subnet. Its zone may stand in the older place.
pub(crate) fn subnet_create(cli: &mut Cli, input: &Input) -> Outcome {
    let two = input
        .command
        .flag("zone")
        .is_some_and(|_| input.flags().any(|(flag, _)| flag.name == "zone") && input.has("ZONE"));
    if two {
        return Err(Failure::usage("the zone was given twice: as ZONE and as --zone"));
    }
    let body = cli.body(input)?;
    acts::create_of(cli, input, &SUBNET, body)
}

/// Gives a subnet a public gateway.
pub(crate) fn gateway_attach(cli: &mut Cli, input: &Input) -> Outcome {
    let subnet = cli.named(&SUBNET, "SUBNET", input)?;
    let gateway = cli.named(&PUBLIC_GATEWAY, "GATEWAY", input)?;
    let path = format!("{}/public_gateway", SUBNET.one_of(None, &subnet.id));
    let body = json!({ "id": gateway.id });
    let made = cli.call(SUBNET.service, Method::PUT, &path, &Query::new(), Some(&body))?;
    acts::show_one(cli, &PUBLIC_GATEWAY, &made)
}

/// Reserves a floating IP, for a zone or for a network interface.
pub(crate) fn floating_ip_reserve(cli: &mut Cli, input: &Input) -> Outcome {
    let mut body = cli.body(input)?;
    if input.has("in") || input.has("nic") {
        let nic = nic_of(cli, input)?;
        request::set(&mut body, "/target/id", json!(nic));
    }
    acts::create_of(cli, input, &FLOATING_IP, body)
}

fn nic_of(cli: &mut Cli, input: &Input) -> Outcome<String> {
    if let Some(text) = input.text("nic").map(str::to_owned) {
        let parent = if input.has("in") { cli.parent_of(&NETWORK_INTERFACE, input)? } else { None };
        if parent.is_none() && !text.contains('-') {
            return Err(Failure::usage(format!(
                "'{text}' is a name: say of which instance with --in"
            )));
        }
        return Ok(cli.meant(&NETWORK_INTERFACE, &text, parent.as_deref(), input)?.id);
    }
    let instance = cli.named(&INSTANCE, "in", input)?;
    let one = cli.one(&INSTANCE, None, &instance.id)?;
    let id = one.pointer("/primary_network_interface/id").and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| {
        Failure::plain(format!("instance {} has no network interface", instance.name))
    })
}

/// Adds a rule; who may is an address, a block or a group.
pub(crate) fn rule_add(cli: &mut Cli, input: &Input) -> Outcome {
    let mut body = cli.body(input)?;
    if let Some(text) = input.text("remote").map(str::to_owned) {
        let remote = match end_of(&text) {
            Some(end) => end,
            None => json!({ "id": cli.meant(&SECURITY_GROUP, &text, None, input)?.id }),
        };
        request::set(&mut body, "/remote", remote);
    }
    if let Some(text) = input.text("local") {
        let local = end_of(text)
            .ok_or_else(|| Failure::usage(format!("--local takes an address, not '{text}'")))?;
        request::set(&mut body, "/local", local);
    }
    acts::create_of(cli, input, &SECURITY_GROUP_RULE, body)
}

/// An address or a block, if it is one.
fn end_of(text: &str) -> Option<Value> {
    if let Some((address, _)) = text.split_once('/') {
        return address.parse::<std::net::IpAddr>().is_ok().then(|| json!({ "cidr_block": text }));
    }
    text.parse::<std::net::IpAddr>().is_ok().then(|| json!({ "address": text }))
}
