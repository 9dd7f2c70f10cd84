//! `console`: bytes between a terminal and the serial line of a guest.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use hyper::{Method, Uri};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::json;
use tokio::{io::AsyncReadExt, time::timeout};
use tokio_websockets::{ClientBuilder, Message};

use crate::{
    Cli,
    failure::{Failure, Outcome},
    grammar::Input,
    kinds::{INSTANCE, Service},
    net::Address,
    request::Query,
};

/// Ctrl-].
const ESCAPE: u8 = 0x1d;
/// Bytes that are typed at once.
const TYPED_BYTES: usize = 4096;
/// How long the guest may be silent once nothing is typed any more.
const SILENCE: Duration = Duration::from_secs(2);

/// The terminal as it was; so again when this is dropped.
struct Raw(Termios);

impl Raw {
    fn begin() -> Option<Self> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Now, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nothing more can be done where it fails.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Opens a session and carries bytes until one side ends.
pub(crate) fn console(cli: &mut Cli, input: &Input) -> Outcome {
    let meant = cli.named(&INSTANCE, "INSTANCE", input)?;
    let kind = if input.on("vnc") { "vnc" } else { "serial" };
    let path = format!("{}/console_access_token", INSTANCE.one_of(None, &meant.id));
    let body = json!({ "console_type": kind, "force": input.on("force") });
    let made = cli.call(Service::Vpc, Method::POST, &path, &Query::new(), Some(&body))?;
    let href = made["href"].as_str().unwrap_or_default();
    // The address is the one that we speak to: a region behind a proxy may call itself otherwise.
    let at = href.find("/v1/").map(|at| &href[at..]);
    let at = at.ok_or_else(|| Failure::plain("the region names no console"))?;
    let address = cli.endpoints()?.of(Service::Vpc)?;
    let uri = uri_of(&address, at)?;
    cli.out.warn(&format!("Connected to the console of {}. Ctrl-] ends the session.", meant.name));
    let raw = Raw::begin();
    let ended = cli.http.runtime().block_on(converse(&cli.http, &address, uri));
    drop(raw);
    let why = ended?;
    cli.out.warn(&format!("\nThe session has ended: {why}."));
    Ok(())
}

fn uri_of(address: &Address, at: &str) -> Outcome<Uri> {
    let scheme = if address.tls { "wss" } else { "ws" };
    let text = format!("{scheme}://{}{}", address.authority(), address.path(at));
    text.parse().map_err(|_| Failure::plain("the console has no address"))
}

async fn converse(http: &crate::Http, address: &Address, uri: Uri) -> Outcome<String> {
    let failed = |error: tokio_websockets::Error| Failure::plain(format!("The console: {error}"));
    let stream = http.stream(address).await?;
    let (socket, _) = ClientBuilder::from_uri(uri).connect_on(stream).await.map_err(failed)?;
    let (mut to_guest, mut from_guest) = socket.split();
    let mut stdin = tokio::io::stdin();
    let mut typed = vec![0; TYPED_BYTES];
    let mut typing = true;
    loop {
        tokio::select! {
            read = stdin.read(&mut typed), if typing => {
                let count = read.unwrap_or(0);
                let bytes = &typed[..count];
                let escape = bytes.iter().position(|byte| *byte == ESCAPE);
                if escape.is_some() {
                    return Ok("you left".to_owned());
                }
                typing = count > 0;
                if typing {
                    let message = Message::binary(bytes.to_vec());
                    to_guest.send(message).await.map_err(failed)?;
                }
            }
            said = next(&mut from_guest, typing) => match said {
                Some(Ok(message)) if message.is_close() => {
                    let why = message.as_close().map(|(_, why)| why.to_owned());
                    return Ok(why.filter(|why| !why.is_empty()).unwrap_or("the guest is off".into()));
                }
                Some(Ok(message)) => {
                    let mut out = std::io::stdout();
                    let payload = message.into_payload();
                    out.write_all(&payload).and_then(|()| out.flush()).map_err(|_| Failure::Pipe)?;
                }
                Some(Err(error)) => return Err(failed(error)),
                None => return Ok("nothing more is typed or said".to_owned()),
            },
        }
    }
}

/// The next message; none when the other side has ended, or is silent while nothing is typed.
async fn next<S>(from: &mut S, typing: bool) -> Option<Result<Message, tokio_websockets::Error>>
where
    S: futures::Stream<Item = Result<Message, tokio_websockets::Error>> + Unpin,
{
    if typing { from.next().await } else { timeout(SILENCE, from.next()).await.ok().flatten() }
}
