//! One request over HTTP through the operator's socket: what the region's API has for the
//! operator alone.

use std::io::{Read, Write};

use anyhow::Context;
use serde_json::Value;

use super::client::connect;
use crate::data_dir::DataDir;

/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// Asks, and reads the answer; an empty one is null.
///
/// # Errors
/// What the region refused, in its words; when no server runs.
pub fn call(
    data: &DataDir,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Value> {
    anyhow::ensure!(
        path.bytes().all(|byte| byte.is_ascii_graphic()),
        "{path} is not a path: an id has no spaces"
    );
    let mut stream = connect(data)?;
    let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: ectype\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let (status, body) = parts(&answer).context("the server ended before it answered")?;
    let value: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(body)? };
    if (200..300).contains(&status) {
        return Ok(value);
    }
    let why = value["errors"][0]["message"].as_str().unwrap_or("the region refused");
    anyhow::bail!("{why}")
}

/// Status and body of an answer.
fn parts(answer: &[u8]) -> Option<(u16, &[u8])> {
    let ends = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..ends]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, &answer[ends + 4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        assert_eq!(parts(b"HTTP/1.1 200 OK\r\na: b\r\n\r\n{}"), Some((200, &b"{}"[..])));
        assert_eq!(parts(b"HTTP/1.1 204 No Content\r\n\r\n"), Some((204, &b""[..])));
        assert_eq!(parts(b"HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(parts(b""), None);
    }
}
