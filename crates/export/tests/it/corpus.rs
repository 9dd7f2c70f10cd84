use std::path::Path;

/// What fuzzers found is named by its hash, and replayed as it is.
fn was_found(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.len() == 40)
}

fn replay(folder: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        target(&bytes);
        if was_found(&file) {
            continue;
        }
        // And each with its bytes cut off or changed.
        for end in 0..bytes.len().min(200) {
            target(&bytes[..end]);
            let mut changed = bytes.clone();
            for value in [0, 0x7f, 0xff] {
                changed[end] = value;
                target(&changed);
            }
        }
    }
}

/// Invariant 27: parsers never panic, over-allocate or loop.
#[test]
fn options_of_the_corpus_are_survived() {
    replay("options", export::fuzz::options);
}

/// Invariant 27: parsers never panic, over-allocate or loop.
#[test]
fn requests_of_the_corpus_are_survived() {
    replay("request", export::fuzz::request);
    replay("options", export::fuzz::request);
}

/// Invariant 27: a server answers or hangs up, whatever a client sends.
#[test]
fn sessions_of_the_corpus_are_survived() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/session");
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        assert!(export::fuzz::session(&bytes) >= 18, "the server's greeting");
        if was_found(&file) {
            continue;
        }
        for at in (0..bytes.len()).step_by(bytes.len().div_ceil(60)) {
            export::fuzz::session(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] ^= 0x81;
            export::fuzz::session(&changed);
        }
    }
}
