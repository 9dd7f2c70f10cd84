//! The operator's end of the socket.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, poll};

use super::{Answer, Ask, LINE_BYTES_MAX};
use crate::data_dir::DataDir;

/// A connection to the running region.
pub fn connect(data: &DataDir) -> anyhow::Result<UnixStream> {
    let (_dir, path) = data.operator_socket()?;
    UnixStream::connect(&path)
        .with_context(|| format!("no server runs on {}", data.root().display()))
}

/// Asks, and reads the answer.
pub fn ask(data: &DataDir, ask: &Ask) -> anyhow::Result<serde_json::Value> {
    ask_told(data, ask, &mut |_, _| {})
}

/// Asks, passes on how far it is (bytes done, bytes in all), and reads the answer.
pub fn ask_told(
    data: &DataDir,
    ask: &Ask,
    told: &mut dyn FnMut(u64, u64),
) -> anyhow::Result<serde_json::Value> {
    let mut stream = connect(data)?;
    send(&mut stream, ask)?;
    let mut answers = BufReader::new(stream);
    loop {
        let mut line = String::new();
        (&mut answers).take(LINE_BYTES_MAX as u64).read_line(&mut line)?;
        match serde_json::from_str(&line).context("the server ended before it answered")? {
            Answer::Progress { done_bytes, total_bytes } => told(done_bytes, total_bytes),
            Answer::Done { value } => return Ok(value),
            Answer::Refused { why } => anyhow::bail!(why),
        }
    }
}

/// Sends a request.
pub fn send(stream: &mut UnixStream, ask: &Ask) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(ask)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    Ok(())
}

/// Ends the region; returns once its process is gone. A region that does not run is no error.
pub fn stop(data: &DataDir) -> anyhow::Result<()> {
    let Ok(mut stream) = connect(data) else {
        eprintln!("ectype: no server runs on {}", data.root().display());
        return Ok(());
    };
    // Named before it is told, so that no other process can be meant.
    let server = rustix::net::sockopt::socket_peercred(&stream).context("name the server")?.pid;
    let server = rustix::process::pidfd_open(server, rustix::process::PidfdFlags::empty())
        .context("name the server")?;
    send(&mut stream, &Ask::Stop)?;
    // The server answers by ending.
    loop {
        let mut ended = [PollFd::new(&server, PollFlags::IN)];
        match poll(&mut ended, None) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("wait for the end of the server"),
        }
    }
}

/// Says what runs.
pub fn status(data: &DataDir, json: bool) -> anyhow::Result<()> {
    let value = ask(data, &Ask::Status)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&value)?);
        return Ok(());
    }
    println!("url           {}", data.endpoint()?);
    if let Some(fields) = value.as_object() {
        for (name, value) in fields {
            match value {
                serde_json::Value::String(text) => println!("{name:<13} {text}"),
                other => println!("{name:<13} {other}"),
            }
        }
    }
    Ok(())
}

/// Makes an account and prints its credentials.
pub fn account_create(data: &DataDir, name: String) -> anyhow::Result<()> {
    let value = ask(data, &Ask::AccountCreate { name })?;
    println!("{}", serde_json::to_string_pretty(&value)?);
    Ok(())
}

/// Opens or closes a view; prints the URI of an open one.
pub fn view(data: &DataDir, id: String, volume: bool, open: bool) -> anyhow::Result<()> {
    let request = if open { Ask::ViewOpen { id, volume } } else { Ask::ViewClose { id, volume } };
    if let serde_json::Value::String(uri) = ask(data, &request)? {
        println!("{uri}");
    }
    Ok(())
}
