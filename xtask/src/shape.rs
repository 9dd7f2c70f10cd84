//! Where functions and test modules begin and end.

use std::ops::RangeInclusive;

use crate::source::Source;

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of its `fn`, from 1.
    pub line: usize,
    /// Lines of its body that hold code.
    pub code_lines: usize,
}

/// Finds every function with a body, nested ones too.
pub fn functions(source: &Source) -> Vec<Function> {
    let bytes = source.code.as_bytes();
    let mut found = Vec::new();
    for (at, _) in source.code.match_indices("fn ") {
        if at > 0 && is_word(bytes[at - 1]) {
            continue;
        }
        let rest = source.code[at + 3..].trim_start();
        let name: String =
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '#').collect();
        let Some(open) = body(bytes, at).filter(|_| !name.is_empty()) else { continue };
        let Some(close) = closing(bytes, open) else { continue };
        let inner = source.code.get(open + 1..close).unwrap_or_default();
        let code_lines = inner.lines().filter(|l| !l.trim().is_empty()).count();
        found.push(Function { name, line: line_of(bytes, at), code_lines });
    }
    found
}

/// Lines (from 1) that belong to `#[cfg(test)]` modules.
pub fn test_lines(source: &Source) -> Vec<RangeInclusive<usize>> {
    let bytes = source.code.as_bytes();
    let mut found = Vec::new();
    for (at, attribute) in source.code.match_indices("#[cfg(test)]") {
        let rest = &source.code[at + attribute.len()..];
        let item = rest.trim_start().trim_start_matches("pub ");
        if !item.starts_with("mod ") {
            continue;
        }
        let Some(open) = body(bytes, at + attribute.len()) else { continue };
        if let Some(close) = closing(bytes, open) {
            found.push(line_of(bytes, at)..=line_of(bytes, close));
        }
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at].iter().filter(|b| **b == b'\n').count()
}

/// The brace that opens the body of the item at `from`; none when it ends with `;`.
fn body(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' | b'}' if depth == 0 => return None,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    None
}

fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, usize, usize)> {
        let found = functions(&Source::new(text));
        found.into_iter().map(|f| (f.name, f.line, f.code_lines)).collect()
    }

    #[test]
    fn functions_are_found_with_their_code_lines() {
        let text = "fn a() {}\n\npub async fn b<T>(x: [u8; 4]) -> T\nwhere T: Copy {\n  // no\n\n  let s = \"}\";\n  s\n}\n";
        assert_eq!(names(text), [("a".into(), 1, 0), ("b".into(), 3, 2)]);
    }

    #[test]
    fn declarations_and_pointers_are_no_functions() {
        assert_eq!(names("trait T { fn a(&self); }\ntype F = fn (u8) -> u8;\n"), []);
        assert_eq!(names("struct S { f: fn(u8) }"), []);
    }

    #[test]
    fn nested_functions_count_for_both() {
        let found = names("fn a() {\n  fn b() {\n    1;\n  }\n}\n");
        assert_eq!(found, [("a".into(), 1, 3), ("b".into(), 2, 1)]);
    }

    #[test]
    fn test_modules_are_found() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n";
        assert_eq!(test_lines(&Source::new(text)), [2..=5]);
        assert_eq!(test_lines(&Source::new("#[cfg(test)]\nuse x;\nfn a() {}\n")), []);
    }
}
