//! What a start says, and to whom it is refused.

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use serde_json::Value;

use crate::{
    fake::{refusal, refused, serve},
    files::{contains, files},
    process::Home,
};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_ready_server_says_where_it_is_in_its_line_its_file_and_its_variables() {
    let home = Home::new();
    let ready = home.path("ready");
    let server = serve(&home, &["--ready-file", ready.to_str().unwrap()]);
    let url = server.url().to_owned();
    assert_eq!(server.line, format!("ectype: region us-south is ready at {url}\n"));
    assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"), "{url}");
    // Written whole under another name first: nothing else lies beside it.
    crate::api::until("the ready file", || ready.exists().then_some(()));
    assert_eq!(std::fs::read_to_string(&ready).unwrap(), url);
    assert_eq!(mode(&ready), 0o600);
    let beside = files(ready.parent().unwrap())
        .into_iter()
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(".ready"));
    assert_eq!(beside.count(), 0);

    let json: Value = serde_json::from_str(&home.said(&["env", "--json"])).unwrap();
    assert_eq!(json["ECTYPE_URL"], url);
    assert_eq!(json["IBMCLOUD_IS_NG_API_ENDPOINT"], format!("{url}/v1"));
    assert_eq!(json["IBMCLOUD_IAM_API_ENDPOINT"], url);
    assert_eq!(json["IBMCLOUD_REGION"], "us-south");
    // The shell lines say the same, as a shell understands them.
    let lines = home.said(&["env"]);
    let script = format!("{lines}\nprintf '%s %s' \"$ECTYPE_URL\" \"$IBMCLOUD_API_KEY\"");
    let shell = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let key = json["IBMCLOUD_API_KEY"].as_str().unwrap();
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), format!("{url} {key}"));
    assert_eq!(lines.lines().count(), json.as_object().unwrap().len());
    server.terminate();
}

#[test]
fn a_data_directory_is_for_its_owner_alone() {
    let home = Home::new();
    let server = serve(&home, &[]);
    assert_eq!(mode(&home.data()), 0o700);
    assert_eq!(mode(&home.run_dir()), 0o700);
    let open: Vec<_> = files(&home.data()).into_iter().filter(|f| mode(f) & 0o077 != 0).collect();
    assert_eq!(open, [] as [std::path::PathBuf; 0]);
    assert_eq!(mode(&home.data().join("operator.sock")), 0o600);
    let own = rustix::process::getuid().as_raw();
    assert_eq!(std::fs::metadata(home.data().join("operator.sock")).unwrap().uid(), own);
    server.terminate();
}

#[test]
fn a_second_server_on_a_data_directory_is_refused_and_harms_nothing() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let said = refused(&home, &[]);
    assert!(said.contains("another server uses the data directory"), "{said}");
    assert!(said.contains("ectype stop --data"), "{said}");
    let status: Value = serde_json::from_str(&home.said(&["status", "--json"])).unwrap();
    assert_eq!(status["compute"], "fake");
    server.terminate();
}

#[test]
fn a_bind_beyond_loopback_is_refused_before_anything_is_made() {
    let home = Home::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:7480"] {
        let words = ["serve", "--compute", "fake", "--listen", address];
        let said = refusal(&mut home.command(&words));
        assert!(said.contains("beyond loopback"), "{said}");
    }
    assert!(!home.data().exists());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (home, other) = (Home::new(), Home::new());
    let server = serve(&home, &[]);
    let address = server.url().trim_start_matches("http://").to_owned();
    let words = ["serve", "--compute", "fake", "--listen", &address];
    let said = refusal(&mut other.command(&words));
    assert!(said.contains(&format!("listen on {address}")), "{said}");
    assert!(!other.data().join("database.sqlite-wal").exists(), "the database was left open");
    server.terminate();
}

#[test]
fn without_qemu_its_package_is_named_and_nothing_is_made() {
    let home = Home::new();
    let words = ["serve", "--listen", "127.0.0.1:0", "--compute", "qemu"];
    let said = refusal(home.command(&words).env("PATH", ""));
    assert!(said.contains("qemu-system-x86_64"), "{said}");
    assert!(said.contains("apt-get install qemu-system-x86"), "{said}");
    let made: Vec<_> =
        files(&home.data()).into_iter().filter(|path| !path.ends_with("lock")).collect();
    assert_eq!(made, [] as [std::path::PathBuf; 0]);
}

#[test]
fn commands_for_a_region_that_does_not_run_say_so() {
    let home = Home::new();
    for words in [&["env"][..], &["status"], &["stop"], &["account", "create", "x"]] {
        let said = refusal(&mut home.command(words));
        assert!(said.contains("no region at"), "{words:?}: {said}");
    }
    serve(&home, &[]).terminate();
    for words in [&["env"][..], &["status"], &["account", "create", "x"]] {
        let said = refusal(&mut home.command(words));
        assert!(said.contains("no server runs on"), "{words:?}: {said}");
    }
    // There is nothing to end, and that is no failure.
    let stop = home.run(&["stop"]);
    assert!(stop.status.success() && contains(&stop.stderr, b"no server runs on"));
}
