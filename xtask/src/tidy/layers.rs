//! Arrows point down only: which of our crates may use which.

use cargo_metadata::{Dependency, DependencyKind, Metadata};

use super::Findings;

const PREFIX: &str = "ectype-";
const EVERYTHING: &[&str] = &["*"];
/// Crates that only tests use; even tests of what they use themselves.
const FOR_TESTS: &[&str] = &["testkit", "torture"];

/// A crate and the crates of ours that it may use. A crate that is not here is refused.
const TABLE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("model", &["base"]),
    ("policy", &["base", "model"]),
    ("wire", &["base", "model"]),
    ("jobs", &["base"]),
    ("formats", &["base"]),
    ("meta", &["base", "model", "jobs", "policy"]),
    ("blocks", &["base", "formats"]),
    ("export", &["base", "blocks"]),
    ("kms", &["base", "model"]),
    ("compute", &["base", "model"]),
    (
        "control",
        &[
            "base", "model", "policy", "jobs", "formats", "meta", "blocks", "export", "kms",
            "compute",
        ],
    ),
    ("server", &["base", "model", "policy", "wire", "control"]),
    ("cli", &["base", "model", "wire"]),
    ("region", EVERYTHING),
    ("testkit", EVERYTHING),
    ("torture", &["base", "blocks"]),
    ("xtask", &[]),
];

/// What tests may use besides: the ports that a crate's tests put a real region together from.
const TESTS: &[(&str, &[&str])] = &[("server", &["meta", "kms", "compute"])];

/// Third-party crates that only some of ours may use.
const RESERVED: &[(&str, &[&str])] = &[
    ("sqlx", &["meta", "testkit"]),
    ("axum", &["server"]),
    ("object_store", &["blocks", "region", "torture"]),
    ("anyhow", &["region", "cli", "xtask"]),
];

/// Crates without I/O, and what would bring it in.
const PURE: &[&str] = &["base", "model", "policy", "wire", "jobs", "formats"];
const IMPURE: &[&str] = &["tokio", "rustix", "sqlx", "axum", "object_store"];

pub fn check(metadata: &Metadata) -> Findings {
    let mut found = Findings::default();
    let mut arrows = 0;
    for package in metadata.workspace_packages() {
        let from = short(&package.name);
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == from) else {
            found.wrong.push(format!("{from} is not in the table of layers"));
            continue;
        };
        for dependency in &package.dependencies {
            let ours = dependency.path.is_some();
            arrows += usize::from(ours);
            let refused =
                if ours { arrow(from, allowed, dependency) } else { third(from, dependency) };
            found.wrong.extend(refused);
        }
    }
    found.seen = format!("{} crates, {arrows} arrows", metadata.workspace_packages().len());
    found
}

fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

fn arrow(from: &str, allowed: &[&str], dependency: &Dependency) -> Option<String> {
    let to = short(&dependency.name);
    let dev = dependency.kind == DependencyKind::Development;
    let fits = if FOR_TESTS.contains(&to) {
        dev
    } else {
        let tested = TESTS.iter().any(|(name, more)| *name == from && more.contains(&to));
        allowed == EVERYTHING || allowed.contains(&to) || (dev && (to == from || tested))
    };
    (!fits).then(|| format!("{from} may not use {to}"))
}

fn third(from: &str, dependency: &Dependency) -> Option<String> {
    if dependency.kind == DependencyKind::Development {
        return None;
    }
    let name = dependency.name.as_str();
    if PURE.contains(&from) && IMPURE.contains(&name) {
        return Some(format!("{from} does no I/O: it may not use {name}"));
    }
    let (_, owners) = RESERVED.iter().find(|(reserved, _)| *reserved == name)?;
    (!owners.contains(&from)).then(|| format!("{from} may not use {name}: {owners:?} does"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_no_arrow_up() {
        // Each crate only names crates that stand before it.
        for (at, (name, allowed)) in TABLE.iter().enumerate() {
            for to in allowed.iter().filter(|to| **to != "*") {
                assert!(TABLE[..at].iter().any(|(n, _)| n == to), "{name} -> {to}");
            }
        }
    }

    #[test]
    fn what_tests_use_besides_lies_below() {
        let place = |name: &str| TABLE.iter().position(|(n, _)| *n == name).unwrap();
        for (name, more) in TESTS {
            assert!(more.iter().all(|to| place(to) < place(name)), "{name}");
        }
    }

    #[test]
    fn control_never_sees_wire() {
        let (_, allowed) = TABLE.iter().find(|(n, _)| *n == "control").unwrap();
        assert!(!allowed.contains(&"wire") && !allowed.contains(&"server"));
    }
}
