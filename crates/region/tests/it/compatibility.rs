//! `docs/compatibility.md` says what the tables say. `ECTYPE_GOLDEN=update` writes it anew.
//!
//! What IBM's API has is read from `ibm_models.json`, which `conformance/python/ibm_models.py`
//! writes from IBM's published SDKs; what a region has, from its OpenAPI document.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::{Path, PathBuf},
};

use serde_json::Value;
use server::operations::{KNOWN, OPERATIONS, Operation};
use wire::{
    ErrorCode, Origin,
    schema::{Described, Shapes, operations as described, shapes},
};

const BEGIN: &str = "<!-- begin: written by the test `compatibility`, do not edit -->\n";
const END: &str = "<!-- end -->\n";

/// Codes that no case of `conformance/` meets yet. Only ever shorter.
const UNSEEN: &[&str] = &[
    "request_timeout",
    "volume_encryption_key_crn_invalid",
    "access_tag_not_found",
    "tag_in_use",
    "iam_failure",
    "KEY_EXPIRED_ERR",
    "KEY_RESTORE_EXPIRED",
    "PROTECTED_RESOURCE_ERR",
    "KEY_SEARCH_TOO_BROAD",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What IBM's SDKs know.
fn ibm() -> Value {
    serde_json::from_str(include_str!("ibm_models.json")).unwrap()
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
}

/// The fields of a schema; of alternatives and of parts, all together.
fn fields(shapes: &Shapes, schema: &Value) -> BTreeSet<String> {
    let schema = shapes.resolve(schema);
    let parts = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|of| schema[of].as_array());
    let mut all: BTreeSet<_> = parts.flatten().flat_map(|one| fields(shapes, one)).collect();
    all.extend(
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()),
    );
    all
}

/// An operation against IBM's: what is served, and what is missing, of its parameters, the
/// fields of its body, and those of its answer.
struct Compared {
    counts: [Option<(usize, usize)>; 3],
    missing: [Vec<String>; 3],
}

const PARTS: [&str; 3] = ["parameters", "request", "answer"];

fn compare(shapes: &Shapes, ibm: &Value, about: &Described) -> Option<Compared> {
    let theirs = ibm["operations"].get(about.name)?;
    let answer = theirs["answer"].as_str().map(|model| names(&ibm["models"][model]));
    let ours = [
        about.query.iter().map(|parameter| parameter.name.to_owned()).collect(),
        about.body.iter().flat_map(|(_, schema, _)| fields(shapes, schema)).collect(),
        about
            .answers
            .iter()
            .flat_map(|(_, schema)| schema)
            .flat_map(|s| fields(shapes, s))
            .collect(),
    ];
    let theirs = [names(&theirs["parameters"]), names(&theirs["body"]), answer.unwrap_or_default()];
    let mut found = Compared { counts: [None; 3], missing: Default::default() };
    for (part, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let ours: &BTreeSet<String> = ours;
        if !theirs.is_empty() {
            found.counts[part] = Some((ours.intersection(theirs).count(), theirs.len()));
        }
        found.missing[part] = theirs.difference(ours).cloned().collect();
    }
    Some(found)
}

/// What a path is about: its first two parts.
fn family(operation: &Operation) -> String {
    operation.path.split('/').skip(1).take(2).collect::<Vec<_>>().join("/")
}

fn operations(text: &mut String) {
    let (shapes, ibm, described) = (shapes(), ibm(), described());
    let served = OPERATIONS.iter().filter(|operation| operation.is_served());
    let mut families: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut of_ibm, mut missing) = (0, String::new());
    for operation in served.clone() {
        let about = described.iter().find(|about| about.name == operation.name).unwrap();
        let mut row =
            format!("| `{} {}` | `{}` |", operation.method, operation.path, operation.name);
        let compared = compare(&shapes, &ibm, about);
        of_ibm += usize::from(compared.is_some());
        for part in 0..PARTS.len() {
            let count = compared.as_ref().and_then(|compared| compared.counts[part]);
            let count = count.map_or(String::new(), |(ours, all)| format!("{ours} of {all}"));
            write!(row, " {count} |").unwrap();
        }
        families.entry(family(operation)).or_default().push(row);
        missing += &compared.map_or(String::new(), |compared| lacks(operation.name, &compared));
    }
    let all = ibm["operations"].as_object().unwrap().len();
    let source = ibm["source"].as_object().unwrap().iter();
    let source: Vec<_> = source.map(|(n, v)| format!("{n} {}", v.as_str().unwrap())).collect();
    writeln!(
        text,
        "### Served: {} operations\n\nOf IBM's {all} ({}), {of_ibm}. The counts are of parameters \
         and of the fields of bodies\nthat IBM's SDKs know: how many are served, of how many.\n",
        served.count(),
        source.join(", ")
    )
    .unwrap();
    writeln!(text, "| operation | IBM's name | parameters | request | answer |").unwrap();
    writeln!(text, "|---|---|---|---|---|").unwrap();
    for row in families.values().flatten() {
        writeln!(text, "{row}").unwrap();
    }
    writeln!(text, "\n### Parameters and fields that are not served\n\n{missing}").unwrap();
}

fn lacks(name: &str, compared: &Compared) -> String {
    let mut parts = Vec::new();
    for (part, missing) in PARTS.iter().zip(&compared.missing) {
        if !missing.is_empty() {
            parts.push(format!("{part} `{}`", missing.join("`, `")));
        }
    }
    if parts.is_empty() { String::new() } else { format!("- `{name}`: {}\n", parts.join("; ")) }
}

fn not_served(text: &mut String) {
    writeln!(text, "### Not served\n").unwrap();
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

/// All text of the files below a folder that end so.
fn texts(folder: &Path, ending: &str, out: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, ending, out);
        } else if path.to_string_lossy().ends_with(ending) {
            out.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// What the programs on IBM's SDKs say.
fn by_clients() -> String {
    let mut text = String::new();
    texts(&root().join("conformance/python"), ".py", &mut text);
    texts(&root().join("conformance/go"), ".go", &mut text);
    text
}

/// What the tests of the region's API and of the program say.
fn by_tests() -> String {
    let mut text = String::new();
    for name in ["server", "region", "wire"] {
        texts(&root().join("crates").join(name).join("tests"), ".rs", &mut text);
    }
    text
}

fn codes(text: &mut String) {
    let count = |origin| ErrorCode::ALL.iter().filter(|code| code.origin() == origin).count();
    writeln!(
        text,
        "\n### Error codes: {} of IBM's, {} of ours\n\nShown by tests: with one of IBM's SDKs, or in \
         the region's own.\n\n| code | status | whose | shown |\n|---|---|---|---|",
        count(Origin::Ibm),
        count(Origin::Ours)
    )
    .unwrap();
    let (clients, tests) = (by_clients(), by_tests());
    for code in ErrorCode::ALL {
        let whose = match code.origin() {
            Origin::Ibm => "IBM",
            Origin::Ours => "ours",
        };
        let quoted = format!("\"{}\"", code.as_str());
        let shown = if clients.contains(&quoted) {
            "SDK"
        } else if tests.contains(&quoted) {
            "tests"
        } else {
            "no"
        };
        writeln!(text, "| `{}` | {} | {whose} | {shown} |", code.as_str(), code.status()).unwrap();
    }
}

#[test]
fn the_document_of_compatibility_says_what_the_tables_say() {
    let mut tables = String::from("\n");
    operations(&mut tables);
    not_served(&mut tables);
    codes(&mut tables);
    tables.push('\n');

    let path = root().join("docs/compatibility.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = document.split_once(BEGIN).unwrap();
    let (now, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("ECTYPE_GOLDEN").is_some_and(|value| value == "update") {
        std::fs::write(&path, [head, BEGIN, &tables, END, tail].concat()).unwrap();
        return;
    }
    assert!(now == tables, "run the test with ECTYPE_GOLDEN=update and look at what changed");
}

#[test]
fn every_code_but_those_listed_is_shown_by_a_real_client() {
    let clients = by_clients();
    let shown = |code: &str| clients.contains(&format!("\"{code}\""));
    let all = ErrorCode::ALL.iter().map(|code| code.as_str());
    let missing: Vec<_> = all.filter(|code| !shown(code) && !UNSEEN.contains(code)).collect();
    assert!(missing.is_empty(), "no case in conformance/python/cases meets {missing:?}: add one");
    let met: Vec<_> = UNSEEN.iter().filter(|code| shown(code)).collect();
    assert!(met.is_empty(), "a case meets {met:?} now: take them out of UNSEEN");
}
