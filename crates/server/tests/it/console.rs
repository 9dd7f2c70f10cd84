//! The serial console over a WebSocket, on real connections.

use std::{net::SocketAddr, time::Duration};

use control::CONSOLE_TOKENS_MAX;
use ectype_server::CONSOLE_MESSAGE_MAX;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::region::{Client, Region, id, running, stopped};

/// Everything takes less, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// A server for `region` that lives as long as the test.
async fn served(region: &Region) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = region.router.clone();
    tokio::spawn(ectype_server::serve(listener, None, router, std::future::pending()));
    address
}

/// The other end of a session, as RFC 6455 says.
struct Session(TcpStream);

impl Session {
    /// Asks for a session; the answer's head comes with it.
    async fn ask(address: SocketAddr, path: &str) -> (Self, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            tokio::time::timeout(LONG, stream.read_exact(&mut byte)).await.unwrap().unwrap();
            answer.push(byte[0]);
        }
        (Self(stream), String::from_utf8(answer).unwrap())
    }

    async fn open(address: SocketAddr, token: &Value) -> Self {
        let (session, answer) = Self::ask(address, path_of(token)).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
        session
    }

    async fn write(&mut self, bytes: &[u8]) {
        let length = u16::try_from(bytes.len().min(usize::from(u16::MAX))).unwrap();
        let mut frame = vec![0x82];
        match bytes.len() {
            0..126 => frame.push(0x80 | bytes.len() as u8),
            126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((bytes.len() as u64).to_be_bytes());
            }
        }
        // A mask of zeros leaves the bytes as they are.
        frame.extend([0; 4]);
        frame.extend(bytes);
        // A server that has seen enough may have gone.
        let _ = self.0.write_all(&frame).await;
    }

    /// Opcode and payload of the next message; none at the end.
    async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let mut head = [0; 2];
            self.0.read_exact(&mut head).await.ok()?;
            let length = match head[1] {
                126 => usize::from(self.0.read_u16().await.ok()?),
                length => usize::from(length),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.ok()?;
            Some((head[0] & 0x0f, payload))
        };
        tokio::time::timeout(LONG, read).await.unwrap()
    }

    /// What is echoed, until there are `count` bytes.
    async fn echoed(&mut self, count: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < count {
            let (opcode, payload) = self.read().await.unwrap();
            assert_eq!(opcode, 2);
            all.extend(payload);
        }
        all
    }

    /// Why the server closed it.
    async fn closed(&mut self) -> String {
        loop {
            match self.read().await {
                Some((8, payload)) => return String::from_utf8_lossy(&payload[2..]).into_owned(),
                Some(_) => {}
                None => return "cut".to_owned(),
            }
        }
    }
}

fn path_of(token: &Value) -> &str {
    let href = token["href"].as_str().unwrap();
    href.strip_prefix("ws://127.0.0.1:9000").unwrap_or_else(|| panic!("{href}"))
}

async fn token(client: &Client, instance: &Value, force: bool) -> Value {
    let path = format!("instances/{}/console_access_token", id(instance));
    client.post(&path, json!({"console_type": "serial", "force": force})).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_reaches_the_guest_and_what_it_says_comes_back() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let address = served(&region).await;
    let made = token(&client, &instance, false).await;
    assert_eq!((&made["console_type"], &made["force"]), (&json!("serial"), &json!(false)));
    let mut session = Session::open(address, &made).await;
    session.write(b"uname\r").await;
    assert_eq!(session.echoed(6).await, b"uname\r");
    // Stopping the guest ends the session.
    let path = format!("instances/{}/actions", id(&instance));
    client.post(&path, json!({"type": "stop"})).await.ok();
    region.settle().await;
    assert_eq!(session.closed().await, "the instance is off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_one_session_of_its_instance_while_it_is_fresh() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let address = served(&region).await;
    let refused = |made: Value| async move {
        let (_, answer) = Session::ask(address, path_of(&made)).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    };
    let made = token(&client, &instance, false).await;
    drop(Session::open(address, &made).await);
    refused(made).await;
    let mut forged = token(&client, &instance, false).await;
    forged["href"] = json!(format!("{}x", forged["href"].as_str().unwrap()));
    refused(forged).await;
    let old = token(&client, &instance, false).await;
    region.clock.advance(control::CONSOLE_TOKEN_LIFETIME);
    refused(old).await;
}

/// The limit of unused tokens, at both sides.
#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_of_too_many_tokens_opens_nothing() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let address = served(&region).await;
    let oldest = token(&client, &instance, true).await;
    let second = token(&client, &instance, true).await;
    for _ in 2..=CONSOLE_TOKENS_MAX {
        token(&client, &instance, true).await;
    }
    let (_, answer) = Session::ask(address, path_of(&oldest)).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    Session::open(address, &second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_has_one_session_and_force_takes_it_over() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let address = served(&region).await;
    let mut first = Session::open(address, &token(&client, &instance, false).await).await;
    first.write(b"a").await;
    assert_eq!(first.echoed(1).await, b"a");
    let polite = token(&client, &instance, false).await;
    let (_, answer) = Session::ask(address, path_of(&polite)).await;
    assert!(answer.starts_with("HTTP/1.1 409"), "{answer}");
    let mut second = Session::open(address, &token(&client, &instance, true).await).await;
    assert_eq!(first.closed().await, "another session has taken the console");
    second.write(b"b").await;
    assert_eq!(second.echoed(1).await, b"b");
}

/// The limit of a message, at both sides.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_long_ends_the_session() {
    let (region, client) = Region::with_stock().await;
    let instance = running(&region, &client).await;
    let address = served(&region).await;
    let mut session = Session::open(address, &token(&client, &instance, false).await).await;
    session.write(&vec![b'x'; CONSOLE_MESSAGE_MAX]).await;
    assert_eq!(session.echoed(CONSOLE_MESSAGE_MAX).await.len(), CONSOLE_MESSAGE_MAX);
    session.write(&vec![b'x'; CONSOLE_MESSAGE_MAX + 1]).await;
    while session.read().await.is_some_and(|(opcode, _)| opcode != 8) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_needs_a_running_instance_and_a_websocket() {
    let (region, client) = Region::with_stock().await;
    let (instance, _) = stopped(&region, &client).await;
    let path = format!("instances/{}/console_access_token", id(&instance));
    let seen = client.post(&path, json!({"console_type": "serial"})).await;
    assert_eq!(seen.refused(), (409, "invalid_state"));
    let seen = client.post(&path, json!({"console_type": "vnc"})).await;
    assert_eq!(seen.refused(), (501, "not_implemented"));
    let seen = client.get(&format!("instances/{}/console?access_token=x", id(&instance))).await;
    assert_eq!(seen.refused(), (400, "bad_request"));
}
