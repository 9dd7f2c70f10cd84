//! What every manifest of ours must say.

use anyhow::Context;
use cargo_metadata::Metadata;

use super::Findings;

/// Fields that come from the workspace.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

pub fn check(metadata: &Metadata) -> anyhow::Result<Findings> {
    let mut found = Findings::default();
    let packages = metadata.workspace_packages();
    for package in &packages {
        let path = &package.manifest_path;
        let text = std::fs::read_to_string(path).with_context(|| format!("read {path}"))?;
        let has_lib = package.targets.iter().any(|t| t.is_lib());
        for wrong in manifest(&text, has_lib).with_context(|| format!("parse {path}"))? {
            found.wrong.push(format!("{}: {wrong}", package.name));
        }
    }
    found.seen = format!("{} manifests", packages.len());
    Ok(found)
}

fn manifest(text: &str, has_lib: bool) -> anyhow::Result<Vec<String>> {
    let toml: toml::Table = text.parse()?;
    let at = |table: &str, key: &str| toml.get(table).and_then(|t| t.get(key));
    let mut wrong = Vec::new();
    if at("lints", "workspace").and_then(|v| v.as_bool()) != Some(true) {
        wrong.push("it does not inherit the workspace's lints".to_owned());
    }
    if has_lib && at("lib", "doctest").and_then(|v| v.as_bool()) != Some(false) {
        wrong.push("its [lib] does not say doctest = false".to_owned());
    }
    for key in INHERITED {
        let inherited = at("package", key).and_then(|v| v.get("workspace")).is_some();
        if !inherited {
            wrong.push(format!("package.{key} is not the workspace's"));
        }
    }
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (name, value) in toml.get(table).and_then(|t| t.as_table()).into_iter().flatten() {
            if value.get("workspace").and_then(|v| v.as_bool()) != Some(true) {
                wrong.push(format!("{table}.{name} does not come from the workspace"));
            }
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n[lib]\ndoctest = false\n[lints]\nworkspace = true\n[dependencies]\nb.workspace = true\n";

    #[test]
    fn a_good_manifest_passes() {
        assert!(manifest(GOOD, true).unwrap().is_empty());
    }

    #[test]
    fn each_omission_is_found() {
        for (piece, instead) in [
            ("[lints]\nworkspace = true\n", ""),
            ("doctest = false", ""),
            ("edition.workspace = true", "edition = \"2024\""),
            ("b.workspace = true", "b = \"1\""),
        ] {
            let text = GOOD.replace(piece, instead);
            assert_eq!(manifest(&text, true).unwrap().len(), 1, "{piece}");
        }
    }
}
