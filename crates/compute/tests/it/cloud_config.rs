//! The guest's reader of `#cloud-config`, run here by this machine's awk and sh.

use std::process::Command;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guest/cloud-config.awk");

/// The shell script that a configuration becomes.
fn script(config: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("user-data");
    std::fs::write(&file, config).unwrap();
    let read = Command::new("awk").arg("-f").args([READER.as_ref(), file.as_path()]).output();
    let read = read.unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    String::from_utf8(read.stdout).unwrap()
}

/// What that script says.
fn run(config: &str) -> String {
    let said = Command::new("sh").args(["-c", &script(config)]).output().unwrap();
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn commands_are_run_as_they_are_written() {
    let said = run("#cloud-config\nruncmd:\n- echo one # comment\n- \"echo \\\"two\\\"\"\n\
                    - 'echo it''s'' three'\n- [ echo, \"a, b\", c d ]\n- |\n  for n in 4 5; do\n    \
                    echo $n\n  done\n\n# a comment\n- >-\n  echo six\n  seven\n- echo a: b\n");
    assert_eq!(said, "one\ntwo\nits three\na, b c d\n4\n5\nsix seven\na: b\n");
}

#[test]
fn files_are_written_as_they_are_given() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let base = dir.path().display();
    let config = format!(
        "#cloud-config\r\nwrite_files:\n- path: {base}/deep/a\n  permissions: '0600'\n  content: |\n    \
         it's \"$HOME\" `x` \\n\n\n      deeper\n    end\n- content: aGVsbG8=\n  encoding: b64\n  \
         path: {base}/b\n-\n  path: {base}/b\n  append: true\n  content: \" more\"\n"
    );
    assert_eq!(run(&config), "");
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    assert_eq!(read("deep/a"), "it's \"$HOME\" `x` \\n\n\n  deeper\nend\n");
    assert_eq!(read("b"), "hello more");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(at("deep/a")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_not_known_is_named_and_left_alone() {
    let said =
        run("#cloud-config\npackages:\n  - nginx\n  - vim\nusers: [a]\nruncmd:\n  - echo ran\n\
                    what\n");
    assert!(
        said.contains("packages is not known") && said.contains("users is not known"),
        "{said}"
    );
    assert!(said.contains("line 8 is not understood"), "{said}");
    assert!(said.ends_with("ran\n"), "{said}");
}

#[test]
fn host_name_keys_and_power_come_out_in_a_fixed_order() {
    let script = script(
        "#cloud-config\npower_state:\n  delay: now\n  mode: reboot\nruncmd: \n  - exit 3\n\
         ssh_authorized_keys:\n  - ssh-rsa AAAA o'brien\nfqdn: web.example.com\n",
    );
    let at = |word: &str| script.find(word).unwrap_or_else(|| panic!("no {word} in {script}"));
    let order = [
        at("'web' >/etc/hostname"),
        at("add_key 'ssh-rsa AAAA o'\\''brien'"),
        at("reboot"),
        at("exit 3"),
    ];
    assert!(order.is_sorted(), "{script}");
}

#[test]
fn a_value_cannot_break_out_of_its_quotes() {
    let said = run("#cloud-config\nruncmd:\n  - [echo, \"'; echo broken; '\", $(echo broken)]\n");
    assert_eq!(said, "'; echo broken; ' $(echo broken)\n");
}

#[test]
fn odd_text_ends_without_an_endless_loop() {
    for config in [
        "",
        "#cloud-config",
        "#cloud-config\nruncmd:",
        "#cloud-config\nruncmd:\n  - [a, \"b",
        "#cloud-config\nwrite_files:\n  -\n",
        "#cloud-config\nwrite_files:\n  - |\n",
        "#cloud-config\nruncmd:\n  - |",
        "#cloud-config\nruncmd:\n  - [,,]",
        "- a\n  - b\n: c\n\t\n",
        "#cloud-config\nwrite_files:\n  - path: x\n content: y\n  foo: bar\n",
    ] {
        script(config);
    }
}
