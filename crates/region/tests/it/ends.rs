//! How a server ends, and what the next one finds.

use std::{io::Write, net::TcpStream};

use rustix::process::Signal;
use serde_json::json;

use crate::{
    api::{Api, answer},
    fake::serve,
    process::Home,
};

#[test]
fn sigterm_answers_what_is_under_way_and_leaves_no_endpoint() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let address = server.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    // The head is read when the server asks for the body.
    write!(
        stream,
        "POST /identity/token HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: \
         2\r\ncontent-type: application/x-www-form-urlencoded\r\n\r\n"
    )
    .unwrap();
    let mut word = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut word).unwrap();
    assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.signal(Signal::TERM);
    crate::api::until("the log to say so", || home.log().contains("ending").then_some(()));
    stream.write_all(b"a=").unwrap();
    let (status, body) = answer(stream);
    assert_eq!(status, 400, "{body}");
    let (status, rest) = server.wait();
    assert_eq!((status.code(), rest.as_str()), (Some(0), ""));
    for gone in ["endpoint", "operator.sock"] {
        assert!(!home.data().join(gone).exists(), "{gone}");
    }
    assert!(!home.run_dir().exists());
}

#[test]
fn stop_returns_when_the_server_is_gone() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let pid = server.child.id();
    let stop = home.run(&["stop"]);
    assert!(stop.status.success());
    // It is a zombie of this test at most.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    assert!(stat.rsplit_once(") ").unwrap().1.starts_with('Z'), "{stat}");
    assert_eq!(server.wait().0.code(), Some(0));
    // At once, on the same directory.
    serve(&home, &[]).terminate();
}

/// A capture that was under way when the server was killed is finished by the next.
#[test]
fn after_kill_9_the_next_start_has_everything_and_goes_on_with_its_jobs() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let api = Api::of(&home, &server);
    let subnet = api.subnet();
    let vm = api.boot(&subnet, &api.stock(), "");
    api.stop(&vm);
    let first = api.capture(&vm);
    api.wait(&format!("/v1/images/{first}"), "available");
    let stored = api.get(&format!("/_ectype/v1/images/{first}/storage"));
    let second = api.capture(&vm);
    server.kill();

    // What the killed one left lies there, and hinders nobody.
    assert!(home.data().join("endpoint").exists());
    let server = serve(&home, &[]);
    let api = Api::of(&home, &server);
    api.wait(&format!("/v1/images/{second}"), "available");
    assert_eq!(api.get(&format!("/v1/images/{first}"))["status"], "available");
    assert_eq!(api.get(&format!("/_ectype/v1/images/{first}/storage")), stored);
    assert_eq!(api.get(&format!("/v1/instances/{}", vm.id))["status"], "stopped");
    let again = api.boot(&subnet, &second, "");
    api.stop(&again);
    let (status, _) = api.call("DELETE", &format!("/v1/images/{first}"), &json!(null));
    assert_eq!(status, 204);
    server.terminate();
}

#[test]
fn a_start_that_was_killed_half_way_is_no_region_yet() {
    let home = Home::new();
    serve(&home, &[]).terminate();
    // As if the first start had ended before it wrote its first row.
    for made in ["credentials.json", "database.sqlite", "database.sqlite-wal"] {
        let _ = std::fs::remove_file(home.data().join(made));
    }
    for made in ["store/packs", "store/manifest", "volumes"] {
        let _ = std::fs::remove_dir_all(home.data().join(made));
    }
    std::fs::write(home.data().join("database.sqlite"), "").unwrap();
    let server = serve(&home, &[]);
    Api::of(&home, &server).subnet();
    server.terminate();
}
