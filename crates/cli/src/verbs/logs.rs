//! `logs`: what a guest wrote to its console.

use std::time::Duration;

use hyper::Method;

use crate::{
    Cli,
    failure::Outcome,
    grammar::Input,
    kinds::{INSTANCE, Service},
    request::Query,
};

/// Bytes that are asked for at once.
const PART_BYTES: &str = "1048576";
/// How often is looked for more.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Prints the log of an instance's console, and what is added with `--follow`.
pub(crate) fn logs(cli: &mut Cli, input: &Input) -> Outcome {
    let meant = cli.named(&INSTANCE, "INSTANCE", input)?;
    let path = format!("/_ectype/v1/instances/{}/console_log", meant.id);
    let mut offset = 0;
    loop {
        let query: Query = vec![
            ("offset".to_owned(), format!("{offset}")),
            ("limit".to_owned(), PART_BYTES.to_owned()),
        ];
        let part = cli.call(Service::Vpc, Method::GET, &path, &query, None)?;
        let text = part["text"].as_str().unwrap_or_default().to_owned();
        cli.out.raw(text.as_bytes())?;
        let next = part["next_offset"].as_u64().unwrap_or(offset);
        let more = next < part["total_bytes"].as_u64().unwrap_or(0);
        if !more && !input.on("follow") {
            return Ok(());
        }
        if !more {
            cli.pause(LOOK_EVERY);
        }
        offset = next;
    }
}
