//! `docs/compatibility.md` says what the tables say. `ECTYPE_GOLDEN=update` writes it anew.

use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

use server::operations::{KNOWN, OPERATIONS, Operation};
use wire::{ErrorCode, Origin};

const BEGIN: &str = "<!-- begin: written by the test `compatibility`, do not edit -->\n";
const END: &str = "<!-- end -->\n";

/// What a path is about: its first two parts.
fn family(operation: &Operation) -> String {
    operation.path.split('/').skip(1).take(2).collect::<Vec<_>>().join("/")
}

fn operations(text: &mut String) {
    let served = OPERATIONS.iter().filter(|operation| operation.is_served());
    let mut families: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for operation in served.clone() {
        let row = format!("| `{} {}` | `{}` |", operation.method, operation.path, operation.name);
        families.entry(family(operation)).or_default().push(row);
    }
    writeln!(text, "### Served: {} operations\n", served.count()).unwrap();
    writeln!(text, "| operation | IBM's name |\n|---|---|").unwrap();
    for row in families.values().flatten() {
        writeln!(text, "{row}").unwrap();
    }
}

fn not_served(text: &mut String) {
    writeln!(text, "\n### Not served\n").unwrap();
    writeln!(
        text,
        "These are known and answered with 501 `not_implemented`; any other path with 404 \
         `invalid_route`.\n"
    )
    .unwrap();
    for operation in OPERATIONS.iter().filter(|operation| !operation.is_served()) {
        writeln!(text, "- `{} {}`", operation.method, operation.path).unwrap();
    }
    writeln!(text, "\nWith everything below them:\n").unwrap();
    for path in KNOWN {
        writeln!(text, "- `{path}`").unwrap();
    }
}

fn codes(text: &mut String) {
    let count = |origin| ErrorCode::ALL.iter().filter(|code| code.origin() == origin).count();
    writeln!(
        text,
        "\n### Error codes: {} of IBM's, {} of ours\n\n| code | status | whose |\n|---|---|---|",
        count(Origin::Ibm),
        count(Origin::Ours)
    )
    .unwrap();
    for code in ErrorCode::ALL {
        let whose = match code.origin() {
            Origin::Ibm => "IBM",
            Origin::Ours => "ours",
        };
        writeln!(text, "| `{}` | {} | {whose} |", code.as_str(), code.status()).unwrap();
    }
}

#[test]
fn the_document_of_compatibility_says_what_the_tables_say() {
    let mut tables = String::from("\n");
    operations(&mut tables);
    not_served(&mut tables);
    codes(&mut tables);
    tables.push('\n');

    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = document.split_once(BEGIN).unwrap();
    let (now, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("ECTYPE_GOLDEN").is_some_and(|value| value == "update") {
        std::fs::write(&path, [head, BEGIN, &tables, END, tail].concat()).unwrap();
        return;
    }
    assert!(now == tables, "run the test with ECTYPE_GOLDEN=update and look at what changed");
}
