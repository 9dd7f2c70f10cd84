//! Which files are looked at.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// Folders that hold no source text of ours.
const SKIPPED: [&str; 5] = ["target", "node_modules", "__pycache__", "corpus", "artifacts"];

/// A text file of ours.
pub struct SourceFile {
    /// From the top of the checkout, with `/`.
    pub path: String,
    /// What it holds.
    pub text: String,
}

impl SourceFile {
    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether all of it is for tests.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/")
            || self.path.starts_with("crates/testkit/")
            || self.path.ends_with("/tests.rs")
    }
}

/// Our source text, in order of path.
pub fn ours(root: &Path) -> anyhow::Result<Vec<SourceFile>> {
    let mut found = Vec::new();
    for top in ["crates", "xtask", "conformance", "demo", "scripts", "fuzz", "check", ".ci"] {
        let path = root.join(top);
        if path.exists() {
            walk(&path, &mut found)?;
        }
    }
    found.sort();
    let mut files = Vec::new();
    for path in found {
        let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        if is_source(&path, &text) {
            let below = path.strip_prefix(root).unwrap_or(&path);
            files.push(SourceFile { path: below.to_string_lossy().replace('\\', "/"), text });
        }
    }
    Ok(files)
}

fn is_source(path: &Path, text: &str) -> bool {
    match path.extension().and_then(|e| e.to_str()) {
        Some(extension) => ["rs", "py", "sh"].contains(&extension),
        None => text.starts_with("#!"),
    }
}

fn walk(path: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if path.is_symlink() {
        return Ok(());
    }
    if path.is_file() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path).with_context(|| format!("read {}", path.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !SKIPPED.contains(&&*name) && !name.starts_with('.') {
            walk(&entry.path(), found)?;
        }
    }
    Ok(())
}
