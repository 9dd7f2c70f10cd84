//! The door by TLS, as programs that are not ours see it.

use std::{
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    fake::{refusal, refused, serve},
    process::{Home, Server},
};

/// The region's variables, by TLS.
fn env(home: &Home) -> Value {
    serde_json::from_str(&home.said(&["env", "--json"])).unwrap()
}

/// Runs a program with the variables of `ectype env`; none when it is not installed.
fn run(home: &Home, program: &str, words: &[&str]) -> Option<Output> {
    let mut command = Command::new(program);
    for (name, value) in env(home).as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    match command.args(words).stdin(Stdio::null()).output() {
        Ok(output) => Some(output),
        Err(_) => {
            eprintln!("skipped: {program} is not installed");
            None
        }
    }
}

fn answered(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains(r#""status":"ok""#), "{text} {said}");
}

/// What curl, Python and Node say of the region's health.
fn others_are_answered(home: &Home, server: &Server) {
    let url = format!("{}/healthz", server.url());
    if let Some(output) = run(home, "curl", &["-sS", &url]) {
        answered(&output);
    }
    let python = "import ssl, sys, urllib.request as u; \
        print(u.urlopen(sys.argv[1], timeout=20).read().decode())";
    if let Some(output) = run(home, "python3", &["-c", python, &url]) {
        answered(&output);
    }
    let node = "require('https').get(process.argv[1], r => r.pipe(process.stdout))";
    if let Some(output) = run(home, "node", &["-e", node, &url]) {
        answered(&output);
    }
}

#[test]
fn a_ca_of_the_regions_own_is_believed_by_whoever_reads_its_variables() {
    let home = Home::new();
    let server = serve(&home, &["--tls-self-signed", "--tls-name", "region.example"]);
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    let variables = env(&home);
    assert_eq!(variables["ECTYPE_URL"], server.url());
    assert_eq!(variables["IBMCLOUD_IAM_API_ENDPOINT"], server.url());
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        assert!(std::fs::exists(variables[name].as_str().unwrap()).unwrap(), "{name}");
    }
    for name in ["ca.key", "server.key"] {
        let mode = std::fs::metadata(home.data().join("tls").join(name)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
    }
    others_are_answered(&home, &server);
    // Whoever does not know the CA does not believe it.
    let url = format!("{}/healthz", server.url());
    if let Ok(output) = Command::new("curl").args(["-sS", &url]).output() {
        assert_eq!(output.status.code(), Some(60));
    }
    let ca = std::fs::read(home.data().join("tls/ca.pem")).unwrap();
    server.terminate();

    // The next start shows another certificate of the same CA, or what the operator gives it.
    let server = serve(&home, &["--tls-self-signed"]);
    assert_eq!(std::fs::read(home.data().join("tls/ca.pem")).unwrap(), ca);
    others_are_answered(&home, &server);
    let other = Home::new();
    let file = |name: &str| home.data().join("tls").join(name).display().to_string();
    let (cert, key) = (file("server.pem"), file("server.key"));
    let given = serve(&other, &["--tls-cert", &cert, "--tls-key", &key]);
    assert!(env(&other).get("SSL_CERT_FILE").is_none());
    let url = format!("{}/healthz", given.url());
    if let Ok(output) =
        Command::new("curl").args(["-sSi", "--cacert", &file("ca.pem"), &url]).output()
    {
        answered(&output);
        let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
        assert!(text.contains("strict-transport-security"), "{text}");
    }
    // Without TLS the CA is not named any more.
    server.terminate();
    let server = serve(&home, &[]);
    assert!(env(&home).get("SSL_CERT_FILE").is_none());
    server.terminate();
}

#[test]
fn a_bind_beyond_loopback_in_the_clear_needs_a_word_and_is_warned_of() {
    let home = Home::new();
    let open = ["serve", "--listen", "0.0.0.0:0", "--compute", "fake"];
    let said = refusal(&mut home.command(&open));
    assert!(said.contains("--insecure-http") && said.contains("--tls-self-signed"), "{said}");
    assert!(!home.data().exists(), "nothing was made");
    let server = home.serve_as(home.command(&[&open[..], &["--insecure-http"]].concat()));
    assert!(server.url().starts_with("http://localhost:"), "{}", server.url());
    assert!(home.log().contains("in the clear"), "{}", home.log());
    server.terminate();
    for wrong in [
        &["--tls-cert", "x"][..],
        &["--tls-cert", "/nowhere", "--tls-key", "/nowhere"],
        &["--tls-self-signed", "--tls-cert", "x", "--tls-key", "x"],
        &["--tls-self-signed", "--tls-name", "a b"],
        &["--public-url", "region"],
    ] {
        assert!(refused(&home, wrong).starts_with("ectype: "), "{wrong:?}");
    }
}
