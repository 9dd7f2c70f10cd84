//! The client: fio with its nbd engine.
//!
//! Its invariant: every server of a comparison gets the same requests, by the same seed.

use std::process::{Command, Stdio};

use anyhow::Context;

use super::installed;

const MIB: u64 = 1 << 20;
const SMALL: u64 = 4096;
/// Requests of a random load on a cold disk.
const COLD_REQUESTS: u64 = 4096;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rw {
    Read,
    Write,
}

/// Requests of one kind.
#[derive(Clone, Copy)]
pub struct Load {
    rw: Rw,
    random: bool,
    /// Requests at a time.
    depth: u32,
    cold: bool,
}

/// Refuses to begin when the client is not there.
pub fn check() -> anyhow::Result<()> {
    let with_nbd = || {
        let listed = Command::new("fio").arg("--enghelp").stdin(Stdio::null()).output();
        listed.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).lines().any(|l| l.trim() == "nbd"))
    };
    anyhow::ensure!(
        installed("fio") && with_nbd(),
        "this needs `fio` with its nbd engine: on Debian, apt-get install fio"
    );
    Ok(())
}

/// Reads all of a disk once.
pub fn warm(uri: &str, bytes: u64) -> anyhow::Result<()> {
    let warm = Load { cold: true, ..Load::sequential(Rw::Read, 4) };
    warm.measure(uri, bytes, 1, 0).map(drop)
}

impl Load {
    /// Requests of 4 KiB anywhere.
    pub const fn random(rw: Rw, depth: u32) -> Self {
        Self { rw, random: true, depth, cold: false }
    }

    /// Requests of 1 MiB, one after the other.
    pub const fn sequential(rw: Rw, depth: u32) -> Self {
        Self { rw, random: false, depth, cold: false }
    }

    /// The same on a disk of which nothing is in memory: a number of requests, not a time.
    pub const fn cold(self) -> Self {
        Self { cold: true, ..self }
    }

    /// Whether it is for a disk of which nothing is in memory.
    pub const fn is_cold(&self) -> bool {
        self.cold
    }

    /// For people.
    pub fn name(&self) -> String {
        let size = if self.random { "4 KiB random" } else { "1 MiB sequential" };
        let rw = if self.rw == Rw::Read { "read" } else { "write" };
        format!("{size} {rw}, {} at a time", self.depth)
    }

    /// Of what it measures.
    pub const fn unit(&self) -> &'static str {
        if self.random { "IOPS" } else { "MiB/s" }
    }

    /// Runs fio on the first `bytes` of an export; requests or MiB each second.
    pub fn measure(&self, uri: &str, bytes: u64, seconds: u64, seed: u64) -> anyhow::Result<f64> {
        let rw = match (self.random, self.rw) {
            (true, Rw::Read) => "randread",
            (true, Rw::Write) => "randwrite",
            (false, Rw::Read) => "read",
            (false, Rw::Write) => "write",
        };
        let mut command = Command::new("fio");
        command.args(["--name=io", "--ioengine=nbd", "--output-format=json", "--norandommap"]);
        command.arg(format!("--uri={uri}")).arg(format!("--rw={rw}"));
        command.arg(format!("--bs={}", if self.random { SMALL } else { MIB }));
        command.arg(format!("--iodepth={}", self.depth)).arg(format!("--size={bytes}"));
        command.args(["--randrepeat=1", &format!("--randseed={}", seed + 1)]);
        // What is written must not be compressible to nothing, nor cost the client much.
        command.args(["--refill_buffers=0", "--scramble_buffers=1"]);
        if !self.cold {
            command.args([&format!("--runtime={seconds}"), "--time_based", "--ramp_time=300ms"]);
        } else if self.random {
            command.arg(format!("--io_size={}", COLD_REQUESTS * SMALL));
        }
        let output = command.stdin(Stdio::null()).output().context("run fio")?;
        anyhow::ensure!(
            output.status.success(),
            "fio failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.rate(&output.stdout)
    }

    /// Reads the rate from fio's answer.
    fn rate(&self, answer: &[u8]) -> anyhow::Result<f64> {
        // Some versions say other things before the object.
        let begin = answer.iter().position(|b| *b == b'{').context("fio said nothing")?;
        let said: serde_json::Value =
            serde_json::from_slice(&answer[begin..]).context("read fio's answer")?;
        let job = &said["jobs"][0];
        anyhow::ensure!(job["error"] == 0, "a request failed: fio says error {}", job["error"]);
        let side = &job[if self.rw == Rw::Read { "read" } else { "write" }];
        let field = if self.random { "iops" } else { "bw_bytes" };
        let value = side[field].as_f64().context("fio's answer has no rate")?;
        Ok(if self.random { value } else { value / MIB as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_the_answer_and_a_failed_request_is_an_error() {
        let answer = |error: u32| {
            let read = r#""read":{"iops":12.5,"bw_bytes":3145728}"#;
            format!("fio: note\n{{\"jobs\":[{{\"error\":{error},{read}}}]}}").into_bytes()
        };
        let random = Load::random(Rw::Read, 1);
        assert!((random.rate(&answer(0)).unwrap() - 12.5).abs() < 1e-9);
        assert!((Load::sequential(Rw::Read, 1).rate(&answer(0)).unwrap() - 3.0).abs() < 1e-9);
        assert!(random.rate(&answer(5)).is_err());
        assert!(random.rate(b"nothing").is_err());
        assert!(Load::random(Rw::Write, 1).rate(&answer(0)).is_err());
    }
}
