//! A client that costs little: one connection that is kept, requests written as bytes.
//!
//! It refuses to know what an answer means beyond its status and length; a load generator on the
//! machine that it measures must leave the processors to the server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::Context;
use base::{Clock, SystemClock};

use super::figure::ms;

/// How long an answer is awaited.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer that is read.
const ANSWER_MAX: u64 = 16 * 1024 * 1024;

/// A connection to a server.
pub struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
    token: String,
    body: Vec<u8>,
}

impl Client {
    /// Connects, and gets a token for an API key.
    pub fn new(address: SocketAddr, api_key: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let stream = BufReader::with_capacity(64 * 1024, stream);
        let mut client = Self { stream, address, token: String::new(), body: Vec::new() };
        let answer = client.json(&token_request(address, api_key))?;
        let token = answer["access_token"].as_str().context("an answer without token")?;
        token.clone_into(&mut client.token);
        Ok(client)
    }

    /// The bytes of a `GET` of a path below `/v1`, for [`Self::ask`].
    pub fn get(&self, path: &str) -> Vec<u8> {
        let sign = if path.contains('?') { '&' } else { '?' };
        let (address, token) = (self.address, &self.token);
        format!(
            "GET /v1{path}{sign}version=2026-11-24&generation=2 HTTP/1.1\r\n\
             host: {address}\r\nauthorization: Bearer {token}\r\n\r\n"
        )
        .into_bytes()
    }

    /// Sends a request and reads its answer, which must be a good one.
    pub fn ask(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.get_mut().write_all(request)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let good = line.split(' ').nth(1).is_some_and(|status| status.starts_with('2'));
        let status = line.clone();
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().context("a length")?;
            }
        }
        anyhow::ensure!(length <= ANSWER_MAX, "an answer of {length} bytes");
        self.body.clear();
        (&mut self.stream).take(length).read_to_end(&mut self.body)?;
        let said = String::from_utf8_lossy(&self.body);
        anyhow::ensure!(good, "the server answered {}: {said}", status.trim_end());
        Ok(&self.body)
    }

    /// Sends JSON to a whole path, and reads what comes back as JSON.
    pub fn post(
        &mut self,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<serde_json::Value> {
        let (address, token, body) = (self.address, &self.token, body.to_string());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.json(request.as_bytes())
    }

    /// Asks so often; how long the slowest answer in a hundred takes, in milliseconds.
    pub fn p99(&mut self, request: &[u8], times: usize) -> anyhow::Result<f64> {
        let clock = SystemClock::new();
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            let began = clock.monotonic();
            self.ask(request)?;
            took.push(ms(clock.monotonic() - began));
        }
        took.sort_by(f64::total_cmp);
        took.get(times * 99 / 100).copied().context("nothing was asked")
    }

    /// Asks and reads the answer as JSON.
    pub fn json(&mut self, request: &[u8]) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_slice(self.ask(request)?)?)
    }
}

/// The bytes of a request for a token, by an API key.
pub fn token_request(address: SocketAddr, api_key: &str) -> Vec<u8> {
    let form =
        format!("grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey={api_key}");
    format!(
        "POST /identity/token HTTP/1.1\r\nhost: {address}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// How often so many connections ask in a second, each by `work`: that is told its number and
/// whether to go on, and says how often it asked.
pub fn rate(
    connections: usize,
    window: Duration,
    work: impl Fn(usize, &dyn Fn() -> bool) -> anyhow::Result<u64> + Sync,
) -> anyhow::Result<f64> {
    let clock = SystemClock::new();
    let began = clock.monotonic();
    let until = began + window;
    let running = || clock.monotonic() < until;
    let (work, running) = (&work, &running);
    let asked = std::thread::scope(|scope| {
        let one = |n| scope.spawn(move || work(n, running));
        let all: Vec<_> = (0..connections).map(one).collect();
        let joined = all.into_iter().map(|one| one.join().ok().context("a client died")?);
        joined.sum::<anyhow::Result<u64>>()
    })?;
    Ok(asked as f64 / (clock.monotonic() - began).as_secs_f64())
}
