//! PEM: base64 in lines between two markers.

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

/// Characters in a line.
const LINE: usize = 64;

/// Writes one block; what it holds may be a private key.
pub fn write(label: &str, der: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(BASE64_STANDARD.encode(der));
    // Never grown, so that no copy is left behind.
    let room = text.len() + text.len() / LINE + 2 * label.len() + 64;
    let mut out = Zeroizing::new(String::with_capacity(room));
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    for line in text.as_bytes().chunks(LINE) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

/// Reads the first block of that label.
pub fn read(label: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let mut packed = Zeroizing::new(String::with_capacity(body.len()));
    packed.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    BASE64_STANDARD.decode(packed.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 47, 48, 49, 200] {
            let der: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let text = write("PRIVATE KEY", &der);
            assert!(text.lines().all(|line| line.len() <= LINE));
            assert_eq!(read("PRIVATE KEY", &text).unwrap().as_slice(), der);
        }
    }

    #[test]
    fn what_is_no_block_is_not_read() {
        let text = write("CERTIFICATE", b"abc");
        assert!(read("PRIVATE KEY", &text).is_none());
        assert!(read("CERTIFICATE", &text[..text.len() - 5]).is_none());
        assert!(read("CERTIFICATE", &text.replace("YWJj", "!!!!")).is_none());
        assert!(read("CERTIFICATE", "").is_none());
    }
}
