//! A throw-away PostgreSQL: one server per test process, one database per test.
//!
//! The server's binaries are Debian's (`postgresql` package). It runs on a unix socket in a
//! temporary directory, as an unprivileged user when the tests run as root, without fsync. Its
//! databases sort by a natural-language collation, so that a column that forgets its byte order
//! is found out.
//!
//! A shell that holds the other end of a pipe stops the server and removes the directory when
//! the test process is gone, however it went.

use std::{
    fs::{self, Permissions},
    io::Write as _,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// With this variable set to 1, a missing server is a failure.
pub const REQUIRE: &str = "ECTYPE_REQUIRE_POSTGRES";

/// User that runs the server when the tests run as root: PostgreSQL refuses root.
const USER: &str = "postgres";

/// Room that the server wants in memory.
const MEMORY_MIB_MIN: u64 = 2_048;

/// The database that others are copied from.
const TEMPLATE: &str = "ectype_template";

/// Waits for the end of the pipe, then cleans up. `$1`: binary, `$2`: directory, `$3`: user.
const WATCH: &str = r#"
trap '' INT TERM HUP QUIT
if [ -n "$3" ]; then
  setpriv --reuid="$3" --regid="$3" --clear-groups "$1/postgres" -D "$2/data" >"$2/log" 2>&1 </dev/null &
else
  "$1/postgres" -D "$2/data" >"$2/log" 2>&1 </dev/null &
fi
server=$!
cat >/dev/null
kill -QUIT "$server" 2>/dev/null
wait "$server" 2>/dev/null
rm -rf "$2"
"#;

/// What the server is told beside its defaults.
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 128MB
max_connections = 200
shared_buffers = 32MB
autovacuum = off
";

/// The server of this process.
#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    dir: PathBuf,
    user: Option<&'static str>,
    next: AtomicU32,
    /// Its standard input is the pipe whose end stops the server.
    _watch: Child,
}

/// A database of its own for one test. It goes with the server: dropping one costs a checkpoint.
#[derive(Clone, Debug)]
pub struct Database {
    /// For `SqlStore::open`.
    pub url: String,
}

/// Where Debian puts the server, newest first, then what `PATH` has.
fn binaries() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort();
    let mut candidates: Vec<PathBuf> = found.into_iter().rev().map(|(_, path)| path).collect();
    candidates.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    candidates
        .into_iter()
        .find(|dir| ["postgres", "initdb", "psql"].iter().all(|name| dir.join(name).is_file()))
}

/// Memory, where it has room: a copy of a database costs a tenth there. Elsewhere the directory
/// for temporary files.
fn parent() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let out = Command::new("df").args(["--output=avail", "-B1M"]).arg(&memory).output();
    let room = out.ok().and_then(|out| {
        String::from_utf8(out.stdout).ok()?.lines().last()?.trim().parse::<u64>().ok()
    });
    if room.is_some_and(|mib| mib >= MEMORY_MIB_MIN) { memory } else { std::env::temp_dir() }
}

fn is_root() -> bool {
    let out = Command::new("id").arg("-u").output();
    out.is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

impl Server {
    fn command(&self, binary: &str) -> Command {
        command(&self.bin, binary, self.user)
    }

    fn start(bin: PathBuf) -> Self {
        let user = is_root().then_some(USER);
        let dir =
            tempfile::Builder::new().prefix("ectype-pg-").tempdir_in(parent()).unwrap().keep();
        if user.is_some() {
            fs::set_permissions(&dir, Permissions::from_mode(0o711)).unwrap();
            run(Command::new("chown").arg(USER).arg(&dir));
        }
        run(command(&bin, "initdb", user)
            .arg("-D")
            .arg(dir.join("data"))
            .args(["-A", "trust", "-U", "postgres", "-N", "-E", "UTF8", "--locale=C.UTF-8"])
            .args(["--locale-provider=icu", "--icu-locale=en"]));
        let settings = dir.join("data/postgresql.auto.conf");
        let socket = format!("{SETTINGS}unix_socket_directories = '{}'\n", dir.display());
        fs::write(&settings, socket).unwrap();
        let watch = Command::new("sh")
            .args(["-c", WATCH, "watch"])
            .arg(&bin)
            .arg(&dir)
            .arg(user.unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let server = Self { bin, dir, user, next: AtomicU32::new(0), _watch: watch };
        server.await_ready();
        server.sql("postgres", &format!("CREATE DATABASE {TEMPLATE}"));
        server
    }

    fn await_ready(&self) {
        // The server says when it is ready only by answering.
        for _ in 0..300 {
            let mut ask = self.command("psql");
            ask.args(self.psql_args("postgres")).args(["-c", "SELECT 1"]);
            if ask.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        panic!("PostgreSQL did not start: {log}");
    }

    fn psql_args(&self, database: &str) -> Vec<String> {
        let dir = self.dir.display().to_string();
        ["-h", &dir, "-U", "postgres", "-d", database, "-q", "-X", "-t", "-A"]
            .map(str::to_owned)
            .to_vec()
    }

    fn ask(&self, database: &str, sql: &str) -> std::io::Result<Output> {
        let mut ask = self.command("psql");
        ask.args(self.psql_args(database)).args(["-v", "ON_ERROR_STOP=1", "-c", sql]).output()
    }

    fn sql(&self, database: &str, sql: &str) {
        let out = self.ask(database, sql).unwrap();
        assert!(out.status.success(), "{sql}: {}", String::from_utf8_lossy(&out.stderr));
    }

    fn url(&self, database: &str) -> String {
        let dir = self.dir.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{dir}/{database}")
    }

    /// The URL of the database that [`Self::database`] copies. Bring it to the schema once and
    /// close it before the first copy.
    #[must_use]
    pub fn template_url(&self) -> String {
        self.url(TEMPLATE)
    }

    /// A copy of the template.
    #[must_use]
    pub fn database(&self) -> Database {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let name = format!("test_{}", self.next.fetch_add(1, Ordering::SeqCst));
        // Two copies at once would find the template in use.
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        self.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"));
        drop(turn);
        Database { url: self.url(&name) }
    }
}

fn command(bin: &Path, binary: &str, user: Option<&str>) -> Command {
    let path = bin.join(binary);
    // Not the caller's directory, which the unprivileged user may not enter.
    let mut command = match user {
        None => Command::new(path),
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={user}")).arg(format!("--regid={user}"));
            command.arg("--clear-groups").arg(path);
            command
        }
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn run(command: &mut Command) {
    let out = command.output().unwrap();
    assert!(
        out.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
}

/// The server of this process, started at the first call.
///
/// None, with a loud line, when this machine has no PostgreSQL server.
///
/// # Panics
/// When there is none and [`REQUIRE`] is 1, or when it does not start.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            if let Some(bin) = binaries() {
                return Some(Server::start(bin));
            }
            let why = "no PostgreSQL server found (Debian: apt-get install postgresql)";
            assert!(std::env::var(REQUIRE).as_deref() != Ok("1"), "{REQUIRE}=1, but {why}");
            // Not `eprintln!`: the test harness would keep it to itself.
            let line = format!("SKIPPED: the PostgreSQL tests do not run: {why}\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            None
        })
        .as_ref()
}
