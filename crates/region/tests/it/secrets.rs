//! Where secrets are, and where they are not.

use std::process::{Command, Stdio};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::{
    api::Api,
    fake::serve,
    files::{contains, files},
    process::Home,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every way in which a key could be written down.
fn forms(key: &[u8]) -> Vec<Vec<u8>> {
    let spoken = format!("{key:?}");
    vec![
        key.to_vec(),
        hex(key).into_bytes(),
        STANDARD_NO_PAD.encode(key).into_bytes(),
        URL_SAFE_NO_PAD.encode(key).into_bytes(),
        spoken.trim_matches(['[', ']']).as_bytes().to_vec(),
    ]
}

/// Secrets that the region was told or told others: an API key of a service ID, one that the caller
/// chose, and the tokens of a login with its refresh.
fn canaries(home: &Home, server: &crate::process::Server, credentials: &Value) -> Vec<String> {
    let api = Api::of(home, server);
    let (account, owner) = (&credentials["account_id"], &credentials["iam_id"]);
    let chosen = "canary-canary-canary-canary-canary-1";
    let key = json!({"name": "chosen", "iam_id": owner, "apikey": chosen});
    api.post("/v1/apikeys", &key);
    let robot = json!({"account_id": account, "name": "robot", "apikey": {"name": "k"}});
    let robot = api.post("/v1/serviceids/", &robot);
    let robot = robot["apikey"]["apikey"].as_str().unwrap().to_owned();
    let address = server.url().trim_start_matches("http://");
    let grant = |form: String| {
        let head = "POST /identity/token HTTP/1.1\r\nauthorization: Basic Yng6Yng=\r\n\
                    content-type: application/x-www-form-urlencoded";
        let (status, body) = crate::api::http(address, head, &form);
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        ["access_token", "refresh_token"].map(|name| body[name].as_str().unwrap().to_owned())
    };
    let apikey = "urn:ibm:params:oauth:grant-type:apikey";
    let first = grant(format!("grant_type={apikey}&apikey={robot}"));
    let second = grant(format!("grant_type=refresh_token&refresh_token={}", first[1]));
    [vec![chosen.to_owned(), robot], first.into(), second.into()].concat()
}

/// Invariant 20: the master key and the API key are in their own files and nowhere else: no log at its most
/// talkative, no other file, no process's arguments or environment. No process of the region may
/// leave a core.
#[test]
fn keys_are_in_their_own_files_and_nowhere_else() {
    let home = Home::new();
    let server = serve(&home, &["--log", "trace"]);
    let api = Api::of(&home, &server);
    let vm = api.boot(&api.subnet(), &api.stock(), "#!/bin/sh\necho hello\n");
    api.stop(&vm);
    let image = api.capture(&vm);
    api.wait(&format!("/v1/images/{image}"), "available");
    // Engines run for views also where guests are fake.
    home.said(&["view", "open", &image]);
    home.said(&["view", "open", &vm.volume, "--volume"]);

    let credentials = std::fs::read(home.data().join("credentials.json")).unwrap();
    let credentials: Value = serde_json::from_slice(&credentials).unwrap();
    let api_key = credentials["api_key"].as_str().unwrap().as_bytes();
    let master = std::fs::read(home.data().join("keys/master.key")).unwrap();
    let mut secrets = forms(&master[8..40]);
    secrets.extend(forms(api_key));
    // What sign-in makes besides: keys of others, tokens of a session, a key that was chosen.
    for canary in canaries(&home, &server, &credentials) {
        secrets.extend(forms(canary.as_bytes()));
    }
    let secret_in = |bytes: &[u8]| secrets.iter().any(|secret| contains(bytes, secret));
    assert!(secret_in(&master) && secret_in(api_key));

    let own = ["credentials.json", "keys/master.key"].map(|name| home.data().join(name));
    let mut looked_at = vec![home.path("log")];
    looked_at.extend(files(&home.data()));
    looked_at.extend(files(&home.run_dir()));
    // A write layer is as long as its disk, and all but its head is a hole.
    let told = looked_at.iter().filter(|path| !own.contains(path)).filter(|path| {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).unwrap();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, 4 << 20), &mut bytes).unwrap();
        secret_in(&bytes)
    });
    assert_eq!(told.collect::<Vec<_>>(), [] as [&std::path::PathBuf; 0]);
    assert!(home.log().contains("ectype::access"), "the log says who called");

    let (supervisors, engines) = (home.supervisors(), home.engines());
    assert_eq!((supervisors.len(), engines.len()), (2, 2));
    for pid in [vec![server.child.id()], supervisors, engines].concat() {
        for part in ["cmdline", "environ"] {
            // Only root may look into a process that protects its memory.
            let Ok(bytes) = std::fs::read(format!("/proc/{pid}/{part}")) else { continue };
            assert!(!secret_in(&bytes), "{part} of process {pid}");
        }
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{pid}");
    }
    assert!(home.run(&["stop"]).status.success());
    assert_eq!(home.supervisors(), [] as [u32; 0]);
    assert_eq!(server.wait().1, "");
}

#[test]
fn the_api_key_is_shown_to_a_terminal_and_to_nothing_else() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let key = |home: &Home| {
        let text = std::fs::read_to_string(home.data().join("credentials.json")).unwrap();
        let credentials: Value = serde_json::from_str(&text).unwrap();
        credentials["api_key"].as_str().unwrap().to_owned()
    };
    assert!(!server.line.contains(&key(&home)) && !home.log().contains(&key(&home)));
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.wait().1, "");

    // `script` gives a command a terminal.
    let seen = Home::new();
    let program = env!("CARGO_BIN_EXE_ectype");
    let data = seen.data();
    let line = format!(
        "{program} serve --listen 127.0.0.1:0 --compute fake --data {} 2>/dev/null",
        data.display()
    );
    let script = Command::new("script")
        .args(["-qefc", &line, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(script) = script else {
        eprintln!("skipped: `script` is not installed (Debian: bsdutils)");
        return;
    };
    crate::api::until("the region", || data.join("endpoint").exists().then_some(()));
    assert!(seen.run(&["stop"]).status.success());
    let shown = script.wait_with_output().unwrap().stdout;
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains(&format!("API key {}", key(&seen))), "{shown}");
}
