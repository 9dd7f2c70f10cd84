//! The control protocol against a peer that follows a script.

use ectype_compute::qmp::{COMMAND_TIMEOUT, Client, LINE_MAX, QmpError};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

const GREETING: &[u8] = b"{\"QMP\":{\"version\":{},\"capabilities\":[]}}\r\n";

/// The peer's end, past the handshake.
struct Peer {
    stream: BufReader<DuplexStream>,
}

impl Peer {
    async fn say(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    async fn hear(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

async fn connected() -> (Client, ectype_compute::qmp::Events, Peer) {
    let (ours, theirs) = duplex(4096);
    let mut peer = Peer { stream: BufReader::new(theirs) };
    let greet = async {
        peer.say(GREETING).await;
        let asked = peer.hear().await;
        assert_eq!(asked["execute"], "qmp_capabilities");
        peer.say(format!("{{\"return\":{{}},\"id\":{}}}\n", asked["id"]).as_bytes()).await;
    };
    let (opened, ()) = tokio::join!(Client::open(ours, COMMAND_TIMEOUT), greet);
    let (client, events) = opened.unwrap();
    (client, events, peer)
}

#[tokio::test]
async fn a_reply_finds_its_command_though_events_and_other_replies_come_first() {
    let (client, mut events, mut peer) = connected().await;
    let script = async {
        let (first, second) = (peer.hear().await, peer.hear().await);
        peer.say(b"{\"event\":\"STOP\",\"timestamp\":{}}\n").await;
        peer.say(format!("{{\"return\":2,\"id\":{}}}\n", second["id"]).as_bytes()).await;
        peer.say(b"{\"return\":\"nobody asked\",\"id\":999}\n").await;
        peer.say(format!("{{\"return\":1,\"id\":{}}}\n", first["id"]).as_bytes()).await;
        assert_eq!(first["arguments"], json!({"a": 1}));
    };
    let with = client.run_with("one", json!({"a": 1}));
    let (one, two, ()) = tokio::join!(biased; with, client.run("two"), script);
    assert_eq!((one.unwrap(), two.unwrap()), (json!(1), json!(2)));
    assert_eq!(events.recv().await.unwrap().unwrap().name, "STOP");
}

#[tokio::test]
async fn a_line_may_come_in_pieces() {
    let (client, _events, mut peer) = connected().await;
    let script = async {
        let asked = peer.hear().await;
        let line = format!("{{\"return\":{{\"status\":\"running\"}},\"id\":{}}}\n", asked["id"]);
        for byte in line.as_bytes() {
            peer.say(&[*byte]).await;
            tokio::task::yield_now().await;
        }
    };
    let (reply, ()) = tokio::join!(client.run("query-status"), script);
    assert_eq!(reply.unwrap()["status"], "running");
}

#[tokio::test]
async fn a_refusal_says_why() {
    let (client, _events, mut peer) = connected().await;
    let script = async {
        let asked = peer.hear().await;
        let id = &asked["id"];
        let line = format!("{{\"error\":{{\"class\":\"C\",\"desc\":\"no\"}},\"id\":{id}}}\n");
        peer.say(line.as_bytes()).await;
    };
    let (reply, ()) = tokio::join!(client.run("quit"), script);
    assert!(
        matches!(reply, Err(QmpError::Refused { class, desc }) if class == "C" && desc == "no")
    );
}

#[tokio::test]
async fn who_hangs_up_ends_every_wait() {
    let (client, mut events, mut peer) = connected().await;
    let script = async {
        peer.hear().await;
        peer.say(b"{\"event\":\"SHUTDOWN\",\"data\":{\"reason\":\"guest-shutdown\"}}\n{\"ev").await;
        drop(peer);
    };
    let (reply, ()) = tokio::join!(client.run("quit"), script);
    assert!(matches!(reply, Err(QmpError::Closed)), "{reply:?}");
    assert_eq!(events.recv().await.unwrap().unwrap().data["reason"], "guest-shutdown");
    assert!(matches!(events.recv().await, Some(Err(QmpError::Closed))));
    assert!(events.recv().await.is_none());
    assert!(matches!(client.run("quit").await, Err(QmpError::Closed)));
}

#[tokio::test]
async fn garbage_ends_the_connection() {
    for garbage in [&b"hello\n"[..], b"\xff\xfe\n", b"[]\n", b"\n", b"{\"QMP\":{}}\n"] {
        let (client, mut events, mut peer) = connected().await;
        peer.say(garbage).await;
        assert!(matches!(events.recv().await, Some(Err(QmpError::Garbage { .. }))), "{garbage:?}");
        assert!(matches!(client.run("stop").await, Err(QmpError::Closed)));
    }
}

#[tokio::test]
async fn a_line_at_the_limit_and_one_byte_more() {
    for (more, fits) in [(0, true), (1, false)] {
        let (_client, mut events, mut peer) = connected().await;
        let frame = "{\"event\":\"E\",\"data\":\"\"}".len();
        let filler = "x".repeat(LINE_MAX - frame + more);
        let line = format!("{{\"event\":\"E\",\"data\":\"{filler}\"}}\n");
        let script = async move {
            // The reader may hang up in the middle of it.
            let _ = peer.stream.get_mut().write_all(line.as_bytes()).await;
            peer
        };
        let (first, _peer) = tokio::join!(events.recv(), script);
        match first {
            Some(Ok(event)) => assert!(fits && event.name == "E"),
            Some(Err(QmpError::LineTooLong)) => assert!(!fits),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn who_does_not_greet_is_no_peer() {
    for line in [&b"{\"return\":{}}\n"[..], b"SSH-2.0\n"] {
        let (ours, mut theirs) = duplex(4096);
        theirs.write_all(line).await.unwrap();
        assert!(matches!(Client::open(ours, COMMAND_TIMEOUT).await, Err(QmpError::Garbage { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_is_not_waited_for() {
    let (client, _events, _peer) = connected().await;
    assert!(matches!(client.run("query-status").await, Err(QmpError::TimedOut)));
    let (ours, _theirs) = duplex(64);
    assert!(matches!(Client::open(ours, COMMAND_TIMEOUT).await, Err(QmpError::TimedOut)));
}
