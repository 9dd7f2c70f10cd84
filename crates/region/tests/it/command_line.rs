//! The command line of IBM's grammar, as a process against a region with fake guests.

use std::{
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    fake::serve,
    golden::{hold, masked},
    process::{Home, Server},
};

/// A region, and a user who has not signed in.
pub struct Desk {
    pub home: Home,
    pub server: Server,
}

impl Desk {
    pub fn new() -> Self {
        let home = Home::new();
        let server = serve(&home, &[]);
        Self { home, server }
    }

    /// A command, in an environment of its own. `line` is as typed, with single quotes.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ectype"));
        command.args(words(line)).env_clear().stdin(Stdio::null());
        command
            .env("HOME", self.home.path("home"))
            .env("ECTYPE_DATA", self.home.data())
            .current_dir(self.home.path("."));
        command
    }

    pub fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// What a command that succeeds prints.
    pub fn said(&self, line: &str) -> String {
        let output = self.run(line);
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{line}: {out}{err}");
        out
    }

    /// The JSON that it prints.
    pub fn json(&self, line: &str) -> Value {
        let said = self.said(&format!("{line} --output JSON"));
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error}: {said}"))
    }

    /// What a command that fails says on standard error; it has no answer.
    pub fn refused(&self, line: &str) -> String {
        let output = self.run(line);
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{line}: {out}{err}");
        let talk = |line: &str| line.ends_with("...") || line.starts_with("API endpoint: ");
        assert!(out.lines().all(talk), "{line}: {out}");
        assert!(err.starts_with("FAILED\n"), "{line}: {err}");
        err
    }

    /// A network, and a running instance `vm` on it.
    pub fn furnish(&self) {
        self.said("is vpc-create net");
        self.furnish_on("net");
    }

    /// A running instance `vm` in a VPC that is there.
    pub fn furnish_on(&self, vpc: &str) {
        self.said(&format!("is subnet-create sub {vpc} --zone us-south-1 --ipv4-address-count 16"));
        let image = "ectype-placeholder-1";
        self.said(&format!("is instance-create vm {vpc} us-south-1 cx2-2x4 sub --image {image}"));
        self.said("wait instance vm");
    }
}

pub fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// Words as a shell would make them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn a_list_is_asked_for_once_however_many_names_are_looked_up_in_it() {
    let desk = Desk::new();
    // The trace notes each request.
    let asked = |line: &str, path: &str| {
        let output = desk.command(line).env("IBMCLOUD_TRACE", "true").output().unwrap();
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{line}: {out}{err}");
        let wanted = format!("{path} -> 200");
        err.lines().filter(|line| line.starts_with("GET ") && line.contains(&wanted)).count()
    };
    assert_eq!(asked("is zones", "/v1/regions"), 1);
    // What is not printed is not asked for.
    assert_eq!(asked("is vpcs", "/v1/regions"), 1);
    assert_eq!(asked("is vpcs -q", "/v1/regions"), 0);
    assert_eq!(asked("is vpcs --output JSON", "/v1/regions"), 0);
    for name in ["a", "b", "c"] {
        desk.said(&format!("is vpc-create {name}"));
    }
    assert_eq!(asked("is vpc-delete a b c -f", "/v1/vpcs"), 1);
    // What is shown is what there is now.
    assert_eq!(asked("login -r us-south", "/v1/regions"), 1);
}

/// S20, S21, S22: as IBM's page on images from volumes has it, from signing in to the image.
#[test]
fn from_an_api_key_to_an_available_image_in_ibms_words() {
    let desk = Desk::new();
    let env: Value = serde_json::from_str(&desk.home.said(&["env", "--json"])).unwrap();
    let file = desk.home.path("key.json");
    std::fs::write(&file, format!("{{\"apikey\": {}}}", env["IBMCLOUD_API_KEY"])).unwrap();
    let url = desk.server.url();
    let said = desk.said(&format!("login -a {url}/v1 --apikey @key.json -r us-south -g Default"));
    for part in [&format!("API endpoint: {url}"), "Authenticating...", "OK", "us-south"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(desk.said("target").contains("Resource group:   Default"));
    assert_eq!(desk.said("is target --gen 2"), "Target Generation: 2\n");

    // Spellings of other years.
    let stock = desk.json("is images --visibility public")[0]["id"].as_str().unwrap().to_owned();
    desk.said("is vpc-create my-vpc");
    desk.said("is subnet-create my-subnet my-vpc us-south-1 --ipv4-address-count 16 -json");
    desk.said(&format!(
        "is instance-create my-server my-vpc us-south-1 cx2-2x4 my-subnet --image-id {stock} --json"
    ));
    desk.said("wait instance my-server");
    let instance = desk.json("is instances")[0].clone();
    let (id, volume) = (&instance["id"], &instance["boot_volume_attachment"]["volume"]["id"]);
    let (id, volume) = (id.as_str().unwrap(), volume.as_str().unwrap());
    let running = desk.refused(&format!("is image-create test-ifv-vol1 --source-volume {volume}"));
    assert!(running.contains("Error code: image_source_instance_not_stopped"), "{running}");
    assert!(
        running.contains("hint: stop the instance first: ectype is instance-stop"),
        "{running}"
    );
    desk.said(&format!("is instance-stop {id} -f"));
    desk.said("wait instance my-server --for stopped");
    let made = desk.said(&format!("is image-create test-ifv-vol1 --source-volume {volume}"));
    assert!(
        made.starts_with("Creating image test-ifv-vol1 in resource group Default under"),
        "{made}"
    );
    desk.said("wait image test-ifv-vol1");
    let image = desk.json("is image test-ifv-vol1");
    assert_eq!(image["source_volume"]["id"], volume);
    assert_eq!(desk.json("is images --visibility private").as_array().unwrap().len(), 1);

    // What an instance is made of may be named; what is gone is not there any more.
    desk.said("is instance-create next my-vpc us-south-1 cx2-2x4 my-subnet --image test-ifv-vol1");
    desk.said("is image-delete test-ifv-vol1 --force");
    desk.said("wait image test-ifv-vol1 --for deleted");
    assert!(desk.refused("is image test-ifv-vol1").contains("There is no image"));
}

/// S24: the whole of it in one command, and the instance runs again.
#[test]
fn capture_makes_an_image_of_a_running_instance_and_starts_it_again() {
    let desk = Desk::new();
    desk.furnish();
    let refused = desk.refused("capture vm gold");
    assert!(
        refused.contains("hint: stop it on the way: ectype capture vm gold --stop"),
        "{refused}"
    );
    let output = desk.run("capture vm gold --stop --restart --wait --output JSON");
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{err}");
    let image: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&image["name"], &image["status"]), (&"gold".into(), &"available".into()));
    desk.said("wait instance vm --timeout 90");
    assert!(desk.said("logs vm").len() < 1 << 20);
}

#[test]
fn tables_and_details_are_ibms() {
    let desk = Desk::new();
    desk.furnish();
    desk.said("capture vm gold --stop --wait");
    desk.said("is volume-create data general-purpose us-south-1 --capacity 20");
    let stock = "is images";
    for (name, line) in [
        ("images", stock),
        ("image", "is image gold"),
        ("instances", "is instances"),
        ("instance-volume-attachments", "is instance-volume-attachments vm"),
        ("volumes", "is volumes"),
        ("volume", "is volume data"),
        ("instance-profiles", "is instance-profiles"),
        ("volume-profiles", "is volume-profiles"),
        ("vpcs", "is vpcs"),
        ("vpc", "is vpc net"),
        ("subnets", "is subnets"),
        ("subnet", "is subnet sub"),
        ("security-groups", "is security-groups"),
        ("regions", "is regions"),
        ("zones", "is zones"),
        ("operating-systems", "is operating-systems"),
        ("resource-groups", "resource groups"),
        ("api-keys", "iam api-keys"),
    ] {
        let said = desk.said(line).replace(desk.server.url(), "URL");
        hold(&format!("command-line/{name}.txt"), &masked(&said));
    }
    // `-q` leaves the table alone, and nothing stands beside JSON.
    assert!(desk.said("is images -q").starts_with("ID "));
    assert_eq!(desk.json("is keys"), serde_json::json!([]));
    let id = desk.json("is volume data")["id"].as_str().unwrap().to_owned();
    assert_eq!(
        desk.said("is volume data").lines().nth(1).unwrap().split_once("   ").unwrap().0,
        "ID"
    );
    assert!(desk.said("is volumes").lines().any(|line| line.split(' ').next() == Some(&id)));
}

#[test]
fn help_is_ibms_block_and_the_page_of_commands_is_written_from_it() {
    let desk = Desk::new();
    for (name, line) in [
        ("help", "help is"),
        ("help-image-create", "is image-create --help"),
        ("help-instance-create", "help is instance-create"),
        ("help-login", "login -h"),
        ("help-capture", "help capture"),
    ] {
        hold(&format!("command-line/{name}.txt"), &desk.said(line));
    }
    let whole = desk.said("--help");
    assert!(whole.contains("serve") && whole.contains("image"), "{whole}");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md");
    crate::golden::hold_at(page.as_ref(), &cli::page());
}

#[test]
fn what_cannot_be_meant_is_told_with_what_to_type() {
    let desk = Desk::new();
    std::fs::write(desk.home.path("bad.json"), "{\"name\":\n  oops}").unwrap();
    desk.said("is vpc-create one");
    desk.said("is vpc-create two");
    for (vpc, cidr) in [("one", "10.240.0.0/24"), ("two", "10.240.0.0/24")] {
        desk.said(&format!(
            "is subnet-create twin {vpc} --zone us-south-1 --ipv4-cidr-block {cidr}"
        ));
    }
    let base = "is instance-create vm one us-south-1 cx2-2x4";
    for (line, parts) in [
        ("is imgaes".to_owned(), &["not a registered command", "`ectype is images`"][..]),
        ("images".to_owned(), &["`ectype is images`"]),
        ("servr".to_owned(), &["`ectype serve`"]),
        ("is images --visiblity all".to_owned(), &["did you mean --visibility?", "USAGE:"]),
        ("is images --owner-type user".to_owned(), &["--remote-account-id"]),
        ("is image-create gold".to_owned(), &["--file, --source-volume", "NAME:"]),
        ("is image".to_owned(), &["argument is missing: IMAGE"]),
        ("is image-update gold".to_owned(), &["at least one of these"]),
        (
            "is images --resource-group-id a --all-resource-groups".to_owned(),
            &["exclude each other"],
        ),
        ("is images --output".to_owned(), &["needs a value: --output"]),
        ("is images --output xml".to_owned(), &["--output takes JSON"]),
        (
            "is volume-create v general-purpose us-south-1 --capacity ten".to_owned(),
            &["whole number"],
        ),
        (format!("{base} twin --image i"), &["There are 2 subnets", "0717-", "--vpc"]),
        (format!("{base} sub --boot-volume '{{\"a\": }}'"), &["line 1, column 7"]),
        (format!("{base} sub --boot-volume @bad.json"), &["bad.json", "line 2, column 3"]),
        (format!("{base} sub --user-data @none.sh"), &["none.sh", "there is none"]),
        ("is key-create k @none.pub".to_owned(), &["none.pub", "there is none"]),
        ("login --apikey @none".to_owned(), &["'none'", "there is none"]),
        ("login -u me -p secret".to_owned(), &["--apikey"]),
        ("target -r nowhere".to_owned(), &["there is: us-south"]),
        ("target -g nothing".to_owned(), &["there is: Default"]),
        ("is subnet-create s one --zone us-south-1".to_owned(), &["--ipv4-address-count"]),
        ("is image gol".to_owned(), &["There is no image", "ectype is images"]),
        (
            "is volume 'r006-00000000-0000-4000-8000-000000000000'".to_owned(),
            &["Error code: not_found"],
        ),
        ("is snapshots".to_owned(), &["Error code: not_implemented", "Status Code: 501"]),
        (
            "is image-export-job-create ectype-placeholder-1 --bucket b".to_owned(),
            &["not_implemented"],
        ),
        ("wait img gold".to_owned(), &["KIND takes image"]),
        ("wait image gold --for available --timeout x".to_owned(), &["whole number"]),
        ("config --http-timeout 0".to_owned(), &["1 to 3600"]),
        ("link other".to_owned(), &["ibmcloud"]),
        ("kp key creat x".to_owned(), &["`ectype kp key create`"]),
        ("kp key create".to_owned(), &["argument is missing: NAME"]),
        ("kp keys".to_owned(), &["not clear which Key Protect instance"]),
        ("iam service-policy-create x --roles Viewer".to_owned(), &["There is no service ID"]),
        ("is instance-create a b c d e -i".to_owned(), &["not_implemented"]),
    ] {
        let said = desk.refused(&line);
        for part in parts {
            assert!(said.contains(part), "{line}: {part}: {said}");
        }
    }
}

#[test]
fn a_question_is_answered_by_standard_input_or_fails() {
    let desk = Desk::new();
    desk.said("is vpc-create net");
    let answered = |answer: &str| {
        let mut child = desk
            .command("is vpc-delete net")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let (out, err) = texts(&output);
        (output.status.code(), out, err)
    };
    let (code, out, err) = answered("");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("cannot be undone") && out.contains("Continue [y/N] ?>"), "{out}");
    assert!(err.contains("the input has ended") && err.contains("-f"), "{err}");
    let (code, ..) = answered("n\n");
    assert_eq!(code, Some(0));
    assert_eq!(desk.json("is vpcs").as_array().unwrap().len(), 1);
    let (code, out, _) = answered("y\n");
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("OK\nVPC net is being deleted."), "{out}");
}

/// Nothing that is written down or printed holds the API key, and files are the user's.
#[test]
fn state_is_the_user_s_alone_and_ibms_is_left_alone() {
    let desk = Desk::new();
    let env: Value = serde_json::from_str(&desk.home.said(&["env", "--json"])).unwrap();
    let key = env["IBMCLOUD_API_KEY"].as_str().unwrap();
    desk.said("login");
    let home = desk.home.path("home");
    let file = home.join(".config/ectype/cli.json");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert!(!std::fs::read_to_string(&file).unwrap().contains(key));
    assert!(!home.join(".bluemix").exists());
    // A trace has no secrets.
    let output = desk.command("is images").env("IBMCLOUD_TRACE", "true").output().unwrap();
    let (_, err) = texts(&output);
    assert!(err.contains("GET http") && err.contains("/v1/images -> 200"), "{err}");
    assert!(!err.contains("eyJ"), "{err}");
    desk.said("logout");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("eyJ"));
}

#[test]
fn without_a_login_the_region_that_runs_here_is_used_and_otherwise_the_next_command_is_told() {
    let desk = Desk::new();
    // No variable, no login: the data directory of this user names a region and a key.
    assert_eq!(desk.json("is regions")[0]["name"], "us-south");
    let elsewhere = |url: &str| {
        let mut command = desk.command("is regions");
        command.env("ECTYPE_URL", url).env("IBMCLOUD_HTTP_TIMEOUT", "20");
        let (_, err) = texts(&command.output().unwrap());
        err
    };
    let gone = elsewhere("http://127.0.0.1:1");
    assert!(gone.contains("Not logged in.") && gone.contains("login --apikey"), "{gone}");
    assert!(elsewhere("nonsense://").contains("is not an address"));
    let mut command = desk.command("is regions");
    command.env("ECTYPE_URL", "http://127.0.0.1:1").env("IBMCLOUD_API_KEY", "x");
    let (_, err) = texts(&command.output().unwrap());
    assert!(err.contains("nothing listens there") && err.contains("ectype serve"), "{err}");
    // The environment wins, and says so.
    let mut other = desk.command("login -a http://127.0.0.1:1 --apikey x");
    let other = other.env("IBMCLOUD_IAM_API_ENDPOINT", desk.server.url()).output().unwrap();
    assert!(texts(&other).1.contains("note: the environment names"), "{other:?}");
    // A session that ended elsewhere.
    desk.said(&format!("login -a {}", desk.server.url()));
    let file = desk.home.path("home").join(".config/ectype/cli.json");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    kept["session"]["expires"] = 0.into();
    kept["session"]["refresh"] = "gone".into();
    std::fs::write(&file, kept.to_string()).unwrap();
    let mut command = desk.command("is regions");
    command.env("ECTYPE_DATA", "/nowhere");
    let output = command.output().unwrap();
    let (_, err) = texts(&output);
    assert!(err.contains("Your session has expired."), "{err}");
}

#[test]
fn a_reader_that_goes_ends_the_command_without_a_word() {
    let desk = Desk::new();
    let mut child = desk
        .command("completion bash")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The text is longer than a pipe: it cannot have been written before the reader goes.
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(141), ""));
}

#[test]
fn through_a_link_it_answers_to_ibmcloud() {
    let desk = Desk::new();
    let said = desk.said("link ibmcloud --dir bin");
    assert!(said.contains("bin/ibmcloud is this program."), "{said}");
    desk.said("link ibmcloud --dir bin");
    let linked = |words: &[&str]| {
        let mut command = Command::new(desk.home.path("bin/ibmcloud"));
        command.args(words).env_clear().env("HOME", desk.home.path("home"));
        command.env("ECTYPE_DATA", desk.home.data()).stdin(Stdio::null());
        texts(&command.output().unwrap())
    };
    assert!(linked(&["is", "images"]).0.contains("available"));
    assert!(linked(&["is", "imges"]).1.contains("`ibmcloud is images`"));
    assert!(linked(&["status"]).0.contains("url "));
    // What is there and another's stays.
    std::fs::write(desk.home.path("bin/ectype"), "other").unwrap();
    assert!(desk.refused("link ectype --dir bin").contains("is not ours"));
}

/// The commands of the guide, as they stand there, in a shell.
#[test]
fn every_command_of_the_guide_runs() {
    let desk = Desk::new();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/command-line.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let blocks: Vec<_> = blocks.collect();
    assert!(blocks.len() > 10);
    let bin = desk.home.path("path");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ectype"), bin.join("ectype")).unwrap();
    // `jq` may not be there: the guide uses three words of it.
    let jq = "#!/bin/sh\nexec python3 -c 'import json, sys\np = sys.argv[-1]\nv = json.load(sys.stdin)\n\
              for one in (v if p.startswith(\".[]\") else [v]):\n  for k in \
              p.removeprefix(\".[]\").split(\".\")[1:]: one = one[k]\n  print(one)' \"$@\"\n";
    std::fs::write(bin.join("jq"), jq).unwrap();
    std::fs::set_permissions(bin.join("jq"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    let script = format!("set -euo pipefail\n{}", blocks.concat());
    let output = Command::new("bash")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", path)
        .env("HOME", desk.home.path("home"))
        .env("ECTYPE_DATA", desk.home.data())
        .env("REGION_URL", desk.server.url())
        .current_dir(desk.home.path("."))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{out}\n{err}");
    for part in ["my-second-image", "HostKeyAlias=", "Resource group:   Default"] {
        assert!(out.contains(part), "{part}: {out}");
    }
}

/// On a terminal, as `script` makes one.
struct Typist<'a>(&'a Desk);

impl Typist<'_> {
    /// Runs a line of the shell on a terminal; types once `cue` was said. What was shown, and how it
    /// ended.
    fn types(&self, line: &str, cue: &str, keys: &str) -> (String, Option<i32>) {
        let line = line.replace("ectype", env!("CARGO_BIN_EXE_ectype"));
        let mut child = Command::new("script")
            .args(["-qefc", &line, "/dev/null"])
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TERM", "xterm")
            .env("HOME", self.0.home.path("home"))
            .env("ECTYPE_DATA", self.0.home.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut shown, mut byte) = (Vec::new(), [0]);
        let mut out = child.stdout.take().unwrap();
        while !String::from_utf8_lossy(&shown).contains(cue) && out.read(&mut byte).unwrap() > 0 {
            shown.push(byte[0]);
        }
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(keys.as_bytes());
        out.read_to_end(&mut shown).unwrap();
        (String::from_utf8_lossy(&shown).into_owned(), child.wait().unwrap().code())
    }
}

fn has_script() -> bool {
    Command::new("script").arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn on_a_terminal_it_asks_colours_and_ends_by_ctrl_c_with_what_to_type() {
    if !has_script() {
        return;
    }
    let desk = Desk::new();
    desk.said("is vpc-create net");
    let typist = Typist(&desk);
    let (shown, code) = typist.types("ectype is vpcs", "", "");
    assert!(shown.contains("\u{1b}[1mID") && shown.contains("\u{1b}[36mr006-"), "{shown:?}");
    assert_eq!(code, Some(0));
    let (shown, _) = typist.types("NO_COLOR=1 ectype is vpcs", "", "");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let (shown, code) = typist.types("ectype is vpc-delete net", "?>", "n\n");
    assert!(shown.contains("Continue [y/N] ?>"), "{shown:?}");
    assert_eq!(code, Some(0));
    // Ctrl-D is the end of what is typed.
    let (shown, code) = typist.types("ectype is vpc-delete net", "?>", "\u{4}");
    assert!(shown.contains("the input has ended"), "{shown:?}");
    assert_eq!(code, Some(1));
    // The bar is no wider than the terminal, and Ctrl-C ends the waiting alone.
    desk.furnish_on("net");
    desk.said("capture vm gold --stop --wait");
    let line = "stty cols 40; ectype wait image gold --for deprecated --timeout 80";
    let (shown, code) = typist.types(line, "gold [", "\u{3}");
    let bar = shown.replace("\u{1b}[K", "\r");
    let bar = bar.split(['\r', '\n']).find(|line| line.starts_with("gold [")).unwrap().to_owned();
    assert!(bar.chars().count() < 40, "{bar:?}");
    assert!(shown.contains("Interrupted; what was begun goes on."), "{shown:?}");
    assert!(shown.contains("hint: to wait again: ectype wait image r006-"), "{shown:?}");
    assert_eq!(code, Some(130));
}

/// The console by its WebSocket, with what is typed from a pipe.
#[test]
fn the_console_is_reached_and_access_is_managed() {
    let desk = Desk::new();
    desk.furnish();
    let output = desk.run("console vm");
    let (_, err) = texts(&output);
    assert!(err.contains("Connected to the console of vm.") || err.contains("Error code"), "{err}");
    let vnc = desk.refused("is instance-console vm --vnc");
    assert!(vnc.contains("not_implemented"), "{vnc}");
    assert!(desk.refused("ssh vm").contains("is floating-ip-reserve vm-ip --in vm"));
    let doctor = desk.run("doctor --output JSON");
    let (out, err) = texts(&doctor);
    let all: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"));
    let names: Vec<_> = all.as_array().unwrap().iter().map(|one| one["check"].clone()).collect();
    assert_eq!(names, ["kvm", "qemu", "disk", "shm", "port", "clock", "ssh"]);
    for one in all.as_array().unwrap() {
        assert_eq!(one["status"] == "ok", one["hint"].is_null(), "{one}");
    }
    desk.said("iam access-group-create builders -d makers");
    desk.said("iam access-group-user-add builders owner@ectype.example");
    assert!(desk.said("iam access-group-members builders").contains("IBMid-"));
    let made = desk
        .json("iam access-group-policy-create builders --roles viewer,Editor --service-name is");
    assert_eq!(made["roles"].as_array().unwrap().len(), 2);
    let unknown =
        desk.refused("iam access-group-policy-create builders --roles King --service-name is");
    assert!(unknown.contains("there is: ") && unknown.contains("Viewer"), "{unknown}");
    let id = made["id"].as_str().unwrap();
    desk.said(&format!("iam access-group-policy-delete builders {id} -f"));
    assert_eq!(desk.json("iam access-group-policies builders"), serde_json::json!([]));
    desk.said("iam access-group-update builders --description others");
    assert!(desk.refused("iam access-group-delete builders -f").contains("--recursive"));
    desk.said("iam access-group-delete builders -f --recursive");
    assert!(desk.said("iam roles --service is").contains("Administrator"));
    let made =
        desk.json("iam authorization-policy-create is kms Reader --source-resource-type image");
    assert!(desk.said("iam authorization-policies").contains(made["id"].as_str().unwrap()));
}

/// The variables of `ectype env` drive it as they drive SDKs and Terraform, through TLS too.
#[test]
fn the_variables_of_env_are_enough_and_a_stranger_s_certificate_is_not() {
    let home = Home::new();
    let server = serve(&home, &["--tls-self-signed"]);
    let desk = Desk { home, server };
    let env: Value = serde_json::from_str(&desk.home.said(&["env", "--json"])).unwrap();
    let command = |with: &dyn Fn(&str) -> bool| {
        let mut command = desk.command("is images -q");
        command.env("ECTYPE_DATA", "/nowhere");
        for (name, value) in env.as_object().unwrap().iter().filter(|(name, _)| with(name)) {
            command.env(name, value.as_str().unwrap());
        }
        let output = command.output().unwrap();
        (output.status.code(), texts(&output))
    };
    let (code, (out, err)) = command(&|_| true);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("ectype-placeholder-1"), "{out}");
    let (code, (_, err)) = command(&|name| !matches!(name, "ECTYPE_CA_FILE" | "SSL_CERT_FILE"));
    assert_eq!(code, Some(1));
    assert!(err.contains("Cannot trust https://") && err.contains("ECTYPE_CA_FILE"), "{err}");
    // On this machine, as this user, its own CA is known.
    assert!(desk.said("is images").contains("ectype-placeholder-1"));
    let mut strange = desk.command(&format!("login -a {} --apikey x", desk.server.url()));
    let strange = strange.env("ECTYPE_DATA", "/nowhere").output().unwrap();
    assert!(texts(&strange).1.contains("Cannot trust"));
    let key = env["IBMCLOUD_API_KEY"].as_str().unwrap();
    std::fs::write(desk.home.path("key"), key).unwrap();
    let url = desk.server.url();
    let skipped = desk.run(&format!("login -a {url} --apikey @key --skip-ssl-validation"));
    let (out, err) = texts(&skipped);
    assert!(out.contains("OK") && err.contains("certificates are not checked"), "{out}{err}");
}

#[test]
fn a_busy_region_is_asked_again_and_a_token_is_renewed() {
    let desk = Desk::new();
    desk.said(&format!("login -a {}", desk.server.url()));
    let fault = ["fault", "call", "list_images", "--status", "429", "--retry-after", "0"];
    desk.home.said(&[&fault[..], &["--count", "2"]].concat());
    assert!(desk.said("is images").contains("ectype-placeholder-1"));
    // Not for ever.
    desk.home.said(&[&fault[..], &["--count", "9"]].concat());
    let busy = desk.refused("is images");
    assert!(busy.contains("Status Code: 429"), "{busy}");
    let file = desk.home.path("home").join(".config/ectype/cli.json");
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    let mut kept = read();
    let before = kept["session"]["token"].clone();
    kept["session"]["expires"] = 0.into();
    std::fs::write(&file, kept.to_string()).unwrap();
    desk.said("is vpcs");
    assert_ne!(read()["session"]["token"], before);
    // One that was ended elsewhere, too: the region says so, and it is renewed.
    let mut kept = read();
    kept["session"]["token"] = "e.e.e".into();
    std::fs::write(&file, kept.to_string()).unwrap();
    desk.said("is vpcs");
    assert_ne!(read()["session"]["token"], "e.e.e");
    // Of several, the good are deleted and the others are told.
    for name in ["a", "b"] {
        desk.said(&format!("is vpc-create {name}"));
    }
    desk.said("is subnet-create s a --zone us-south-1 --ipv4-address-count 16");
    let said = desk.run("is vpc-delete a b -f");
    let (out, err) = texts(&said);
    assert_eq!(said.status.code(), Some(1), "{out}");
    assert!(out.contains("VPC b is being deleted.") && err.contains("Error code"), "{out}{err}");
    let locked = desk.json("iam api-key-create kept --lock");
    assert_eq!(locked["locked"], true);
    assert!(desk.refused("iam api-key-delete kept -f").contains("Error"));
}
