//! QMP: QEMU's control protocol, one JSON object a line.
//!
//! It knows lines, replies and events, and refuses to know what they mean. INVARIANT: whatever the
//! peer sends, memory stays bounded and every waiting command ends.
//!
//! Two tasks per connection: one reads and sorts, one writes, so that a caller who gives up never
//! leaves half a line behind. Events wait in a bounded queue and whoever takes them must not wait
//! for a command meanwhile.
//!
//! Next to read: `message.rs`.

mod message;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    sync::{mpsc, oneshot},
    time::timeout,
};

pub use message::Event;
use message::{Message, parse};

/// Longest line that is read, in bytes.
pub const LINE_MAX: usize = 1 << 20;
/// How long a command may take.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// Events that wait until they are taken; then the peer waits too.
const EVENTS_QUEUED: usize = 256;
/// Commands that wait to be written.
const COMMANDS_QUEUED: usize = 32;

/// Why a command or a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// The peer hung up.
    #[error("the connection is closed")]
    Closed,
    /// No reply in time.
    #[error("no reply in time")]
    TimedOut,
    /// A line of more than [`LINE_MAX`] bytes.
    #[error("a line is longer than {LINE_MAX} bytes")]
    LineTooLong,
    /// A line that is no QMP message.
    #[error("a line is not a message: {what}")]
    Garbage {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The peer refuses the command.
    #[error("refused ({class}): {desc}")]
    Refused {
        /// The peer's error class.
        class: String,
        /// The peer's explanation.
        desc: String,
    },
    /// Reading failed.
    #[error("read")]
    Read(#[source] std::io::Error),
}

type Reply = Result<Value, QmpError>;
type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Reply>>>>>;

/// The events of a connection, in order. The last item says why there are no more. Dropping them
/// ends the connection.
pub type Events = mpsc::Receiver<Result<Event, QmpError>>;

/// Sends commands. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    lines: mpsc::Sender<Vec<u8>>,
    waiting: Waiting,
    next_id: Arc<AtomicU64>,
}

impl Client {
    /// Waits for the peer's greeting, at most for `patience`, and starts the two tasks of the
    /// connection. A peer greets only once it has opened all its disks.
    ///
    /// # Errors
    /// When the peer does not answer in time, or is no QMP peer.
    pub async fn open<S>(stream: S, patience: Duration) -> Result<(Self, Events), QmpError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (reader, writer) = tokio::io::split(stream);
        let mut reader = BufReader::new(reader);
        let greeting =
            timeout(patience, next(&mut reader)).await.map_err(|_| QmpError::TimedOut)??;
        if !matches!(greeting, Message::Greeting) {
            return Err(QmpError::Garbage { what: "the first line is no greeting" });
        }
        let (lines, to_write) = mpsc::channel(COMMANDS_QUEUED);
        let (events, taken) = mpsc::channel(EVENTS_QUEUED);
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        tokio::spawn(write(writer, to_write));
        tokio::spawn(read(reader, Arc::clone(&waiting), events));
        let client = Self { lines, waiting, next_id: Arc::default() };
        client.run("qmp_capabilities").await?;
        Ok((client, taken))
    }

    /// Runs a command without arguments.
    ///
    /// # Errors
    /// See [`Client::run_with`].
    pub async fn run(&self, command: &str) -> Reply {
        self.run_with(command, Value::Null).await
    }

    /// Runs a command.
    ///
    /// # Errors
    /// When the peer refuses it, does not answer in time, or is gone.
    pub async fn run_with(&self, command: &str, arguments: Value) -> Reply {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut body = json!({ "execute": command, "id": id });
        if !arguments.is_null() {
            body["arguments"] = arguments;
        }
        let mut line = body.to_string().into_bytes();
        line.push(b'\n');

        let (reply, answered) = oneshot::channel();
        match self.waiting.lock().as_mut() {
            Some(waiting) => waiting.insert(id, reply),
            None => return Err(QmpError::Closed),
        };
        let _forget = Forget { waiting: &self.waiting, id };
        let exchange = async {
            self.lines.send(line).await.map_err(|_| QmpError::Closed)?;
            answered.await.map_err(|_| QmpError::Closed)?
        };
        timeout(COMMAND_TIMEOUT, exchange).await.unwrap_or(Err(QmpError::TimedOut))
    }
}

/// Nobody waits for a command any more, however the wait ended.
struct Forget<'a> {
    waiting: &'a Waiting,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.lock().as_mut() {
            waiting.remove(&self.id);
        }
    }
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        // The reader sees the end of a broken connection and tells everybody.
        if writer.write_all(&line).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}

async fn read(
    mut reader: impl AsyncBufReadExt + Unpin,
    waiting: Waiting,
    events: mpsc::Sender<Result<Event, QmpError>>,
) {
    let end = loop {
        let line = tokio::select! {
            line = next(&mut reader) => line,
            // Whoever took the events went: the connection ends, for another one to begin.
            () = events.closed() => break QmpError::Closed,
        };
        match line {
            Ok(Message::Event(event)) => {
                // Without a listener the next round ends.
                let _ = events.send(Ok(event)).await;
            }
            Ok(Message::Return { id, value }) => answer(&waiting, id, Ok(value)),
            Ok(Message::Error { id, class, desc }) => {
                answer(&waiting, id, Err(QmpError::Refused { class, desc }));
            }
            Ok(Message::Greeting) => break QmpError::Garbage { what: "a second greeting" },
            Err(end) => break end,
        }
    };
    // Whoever waits finds the sender gone, and whoever comes later finds no map.
    *waiting.lock() = None;
    let _ = events.send(Err(end)).await;
}

fn answer(waiting: &Waiting, id: Option<u64>, reply: Reply) {
    let taken = waiting.lock().as_mut().and_then(|waiting| waiting.remove(&id?));
    if let Some(taken) = taken {
        // The caller may have given up in this very moment.
        let _ = taken.send(reply);
    }
}

async fn next(reader: &mut (impl AsyncBufReadExt + Unpin)) -> Result<Message, QmpError> {
    let mut line = Vec::new();
    let most = u64::try_from(LINE_MAX + 1).unwrap_or(u64::MAX);
    reader.take(most).read_until(b'\n', &mut line).await.map_err(QmpError::Read)?;
    match line.pop() {
        Some(b'\n') => parse(&line),
        Some(_) if line.len() >= LINE_MAX => Err(QmpError::LineTooLong),
        // The peer hung up, perhaps within a line.
        Some(_) | None => Err(QmpError::Closed),
    }
}
