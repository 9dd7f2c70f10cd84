//! The command line of IBM Cloud VPC, at a region of ours or at IBM's own: `ectype is ...`,
//! `login`, `target`, `resource`, `iam`; and what IBM's has not: `capture`, `wait`, `console`.
//!
//! It refuses to know how a region works: it speaks HTTP only, as any other client. Invariant:
//! one table of commands ([`table`]) feeds the parser, the help, the completions and the page of
//! commands, so that none of them can disagree. Next to read: `table`, then `acts`.

mod acts;
mod complete;
mod failure;
mod grammar;
mod help;
mod hints;
mod kinds;
mod net;
mod output;
mod page;
mod request;
mod resolve;
mod session;
mod table;
mod verbs;

use std::{
    cell::OnceCell,
    collections::HashMap,
    path::{Path, PathBuf},
    process::ExitCode,
    rc::Rc,
    time::Duration,
};

use base::{Clock, SystemClock};

use failure::{Failure, Outcome};
use grammar::Input;
use net::{Address, Endpoints, Http, HttpSettings, Trust};
use output::Terminal;
use session::{Grant, Secret, Session, State, Store};

pub use page::page;

/// How long an answer may take unless the user says otherwise, in seconds: IBM's own default.
const HTTP_TIMEOUT_SECONDS: u64 = 60;
/// What a shell shows for a program that a closed pipe ended.
const EXIT_PIPE: u8 = 141;
/// What a shell shows for a program that Ctrl-C ended.
const EXIT_INTERRUPTED: u8 = 130;
/// Hosts that a region of this machine has.
const HERE: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// A region that runs on this machine, whose files this user may read.
#[derive(Clone, Debug)]
pub struct Local {
    /// Where it answers.
    pub url: String,
    /// The API key of its first account.
    pub api_key: String,
    /// Its name.
    pub region: String,
    /// Its own CA, where it speaks TLS.
    pub ca: Option<PathBuf>,
}

/// What the program around knows.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The region that runs here, if one does.
    pub local: fn() -> Option<Local>,
    /// Where such a region keeps its data.
    pub data: fn() -> Option<PathBuf>,
    /// The program's other commands, each with a line on what it does.
    pub others: fn() -> Vec<(String, String)>,
}

/// Whether a word begins a command of this crate.
#[must_use]
pub fn knows(word: &str) -> bool {
    table::knows(word)
}

/// The commands of this crate, one a line, for the program's own help.
#[must_use]
pub fn overview() -> String {
    help::overview()
}

/// Runs a command line: the words after the program's name, and that name.
#[must_use]
pub fn run(program: &str, words: &[String], around: &Surroundings) -> ExitCode {
    let variables = |name: &str| std::env::var(name).ok();
    let mut out = Terminal::standard(colour(&variables, None));
    let done = act(program, words, around, &mut out);
    match done {
        Ok(code) => code,
        Err(Failure::Pipe) => ExitCode::from(EXIT_PIPE),
        Err(failure) => {
            let interrupted = matches!(failure, Failure::Interrupted { .. });
            if !out.quiet() && !interrupted {
                out.warn("FAILED");
            }
            for line in failure.lines().iter().flat_map(|line| line.split('\n')) {
                out.warn(line);
            }
            if let Failure::Usage { command: Some(command), .. } = failure {
                out.warn("");
                for line in help::of(program, command).lines() {
                    out.warn(line);
                }
            }
            if interrupted { ExitCode::from(EXIT_INTERRUPTED) } else { ExitCode::FAILURE }
        }
    }
}

/// Commands that end well may still say something else than success.
fn act(
    program: &str,
    words: &[String],
    around: &Surroundings,
    out: &mut Terminal,
) -> Outcome<ExitCode> {
    let found = match help::route(program, words, around)? {
        help::Route::Print(text) => {
            out.say(text.trim_end())?;
            return Ok(ExitCode::SUCCESS);
        }
        help::Route::Run(command, rest) => grammar::parse(command, rest)?,
    };
    let quiet = std::env::var("IBMCLOUD_QUIET").is_ok_and(|text| text.eq_ignore_ascii_case("true"));
    out.set(found.on("quiet") || quiet, found.json());
    if found.on("help") {
        out.say(help::of(program, found.command).trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut cli = Cli::new(program, around)?;
    cli.out.set(out.quiet(), out.json());
    cli.act(&found).map_err(|failure| failure.of(found.command))?;
    Ok(ExitCode::from(cli.exit))
}

/// Whether to colour: the user's words, if any.
fn colour(variables: &impl Fn(&str) -> Option<String>, kept: Option<bool>) -> Option<bool> {
    if variables("NO_COLOR").is_some_and(|text| !text.is_empty()) {
        return Some(false);
    }
    let said = variables("IBMCLOUD_COLOR").and_then(|text| grammar::bool_of(&text).ok());
    said.or(kept)
}

/// A run of one command.
pub(crate) struct Cli {
    /// As it was called: in hints.
    pub program: String,
    pub out: Terminal,
    pub http: Http,
    pub state: State,
    pub clock: SystemClock,
    pub around: Surroundings,
    /// What the process says when the command itself ended well.
    pub exit: u8,
    /// The service instance whose keys are meant.
    pub key_instance: Option<String>,
    /// Ctrl-C, once it is listened for: none is lost between two pauses.
    interrupts: Option<tokio::signal::unix::Signal>,
    store: Store,
    local: OnceCell<Option<Local>>,
    endpoints: OnceCell<Endpoints>,
    /// Lists that names were looked up in: once a command.
    lists: HashMap<(kinds::Service, String, request::Query), Rc<[serde_json::Value]>>,
}

impl Cli {
    fn new(program: &str, around: &Surroundings) -> Outcome<Self> {
        let variables = |name: &str| std::env::var(name).ok();
        let store = Store::find(&variables)?;
        let state = store.read()?;
        let out = Terminal::standard(colour(&variables, state.settings.color));
        let local = OnceCell::new();
        let http = Http::new(settings(&variables, &state, &local, around))?;
        Ok(Self {
            program: program.to_owned(),
            out,
            http,
            state,
            clock: SystemClock::new(),
            around: around.clone(),
            exit: 0,
            key_instance: None,
            interrupts: None,
            store,
            local,
            endpoints: OnceCell::new(),
            lists: HashMap::new(),
        })
    }

    /// A variable of the environment that is not empty.
    pub fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|text| !text.is_empty())
    }

    /// The folder of what is kept between commands.
    pub fn folder(&self) -> &Path {
        self.store.folder()
    }

    /// The region that runs here.
    pub fn local(&self) -> Option<&Local> {
        self.local.get_or_init(self.around.local).as_ref()
    }

    /// Where services answer.
    pub fn endpoints(&self) -> Outcome<&Endpoints> {
        if let Some(found) = self.endpoints.get() {
            return Ok(found);
        }
        let named = self.variable("ECTYPE_URL").or_else(|| self.state.api.clone());
        let named = named.or_else(|| self.local().map(|local| local.url.clone()));
        let all = named.map(|text| Address::parse(&text)).transpose()?;
        let region = self.state.region.clone().or_else(|| self.variable("IBMCLOUD_REGION"));
        let made = Endpoints::new(|name| self.variable(name), all, region.unwrap_or_default())?;
        Ok(self.endpoints.get_or_init(|| made))
    }

    /// Forgets addresses, and what was listed there: what names them has changed.
    pub fn endpoints_forget(&mut self) {
        self.endpoints = OnceCell::new();
        self.lists.clear();
    }

    /// Changes what is kept; other commands of the user wait meanwhile.
    pub fn keep(&mut self, change: impl FnOnce(&mut State)) -> Outcome {
        let held = self.store.hold()?;
        self.state = self.store.read()?;
        change(&mut self.state);
        self.store.write(&self.state, &held)
    }

    /// A token that is good for a while; `anew` when the region did not take the last one.
    pub fn token(&mut self, anew: bool) -> Outcome<String> {
        let iam = self.endpoints()?.of(kinds::Service::Iam)?;
        if !anew && let Some(session) = self.session(&iam) {
            return Ok(session.token.text().to_owned());
        }
        let held = self.store.hold()?;
        let before = self.state.session.clone();
        self.state = self.store.read()?;
        // Another command may have renewed it meanwhile.
        let changed = self.state.session.as_ref().map(|s| s.token.text().to_owned())
            != before.map(|s| s.token.text().to_owned());
        if (!anew || changed)
            && let Some(session) = self.session(&iam)
        {
            return Ok(session.token.text().to_owned());
        }
        let session = self.renew(&iam)?;
        let token = session.token.text().to_owned();
        self.state.session = Some(session);
        self.store.write(&self.state, &held)?;
        Ok(token)
    }

    /// The session there, if it is this user's and lasts.
    fn session(&self, iam: &Address) -> Option<&Session> {
        let session = self.state.session.as_ref().filter(|s| s.iam == iam.to_string())?;
        if session.key_digest.is_some() {
            let now = self.environment_key(iam).map(|key| session::digest(&key));
            if now != session.key_digest {
                return None;
            }
        }
        let left = session.expires.saturating_sub(self.clock.wall().seconds());
        (left > session::RENEW_EARLY_SECONDS).then_some(session)
    }

    fn renew(&mut self, iam: &Address) -> Outcome<Session> {
        let kept = self.state.session.clone().filter(|session| session.iam == iam.to_string());
        let refresh = kept.as_ref().and_then(|session| session.refresh.clone());
        if let (Some(kept), Some(refresh)) = (&kept, refresh)
            && kept.key_digest.is_none()
        {
            match session::request(&self.http, iam, &Grant::Refresh(refresh.text())) {
                Ok(granted) => return Ok(session_of(iam, granted, None)),
                // It has ended; anything else is told.
                Err(Failure::Api(refusal)) if matches!(refusal.status, 400 | 401) => {}
                Err(failure) => return Err(failure),
            }
        }
        match self.environment_key(iam) {
            Some(key) => self.sign_in(iam, &key, true),
            None if kept.is_some() => Err(Failure::hinted(
                "Your session has expired.",
                format!("log in again: {} login", self.program),
            )),
            None => Err(Failure::hinted(
                "Not logged in.",
                format!("log in: {} login --apikey @FILE", self.program),
            )),
        }
    }

    /// Signs in by an API key.
    pub fn sign_in(&mut self, iam: &Address, key: &str, silently: bool) -> Outcome<Session> {
        let granted = session::request(&self.http, iam, &Grant::ApiKey(key))?;
        Ok(session_of(iam, granted, silently.then(|| session::digest(key))))
    }

    /// The API key of the environment, or of the region that runs here.
    pub fn environment_key(&self, iam: &Address) -> Option<String> {
        let named = self.variable("IBMCLOUD_API_KEY").or_else(|| self.variable("IC_API_KEY"));
        if let Some(text) = named {
            return verbs::api_key_of(&text).ok();
        }
        let here = HERE.contains(&iam.host.as_str());
        let local = if here { self.local() } else { None };
        local
            .filter(|local| Address::parse(&local.url).is_ok_and(|address| address == *iam))
            .map(|local| local.api_key.clone())
    }

    /// The caller's account and IAM id.
    pub fn who(&mut self) -> (String, String) {
        let token = self.token(false).unwrap_or_default();
        let claims = session::claims(&token);
        (claims.account.bss, claims.iam_id)
    }

    /// The region that is targeted; the only one there is, if none was.
    pub fn region(&mut self) -> Outcome<String> {
        if let Some(region) = &self.state.region {
            return Ok(region.clone());
        }
        if let Some(region) =
            self.variable("IBMCLOUD_REGION").or_else(|| self.variable("IC_REGION"))
        {
            return Ok(region);
        }
        let all = self.known(&kinds::REGION, None, &Vec::new())?;
        match &*all {
            [one] => Ok(one["name"].as_str().unwrap_or_default().to_owned()),
            _ => Err(Failure::hinted(
                "No region is targeted.",
                format!("choose one: {} target -r REGION", self.program),
            )),
        }
    }

    /// From now on Ctrl-C ends pauses, not the process.
    ///
    /// # Errors
    /// When the system does not let us listen.
    pub fn listen(&mut self) -> Outcome {
        let _inside = self.http.runtime().enter();
        let kind = tokio::signal::unix::SignalKind::interrupt();
        let made = tokio::signal::unix::signal(kind)
            .map_err(|error| Failure::plain(format!("cannot listen for Ctrl-C: {error}")))?;
        self.interrupts = Some(made);
        Ok(())
    }

    /// Waits; false when the user pressed Ctrl-C since it is listened for.
    pub fn pause_unless_told(&mut self, time: Duration) -> bool {
        let told = &mut self.interrupts;
        self.http.runtime().block_on(async {
            let told = async {
                match told {
                    Some(told) => told.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = told => false,
                () = tokio::time::sleep(time) => true,
            }
        })
    }

    /// Waits.
    pub fn pause(&self, time: Duration) {
        self.http.runtime().block_on(async { tokio::time::sleep(time).await });
    }

    fn act(&mut self, input: &Input) -> Outcome {
        acts::act(self, input)
    }
}

fn session_of(iam: &Address, granted: session::Granted, key_digest: Option<String>) -> Session {
    let claims = session::claims(granted.access_token.text());
    // A region says so where it has none to give.
    let refresh = Some(granted.refresh_token)
        .filter(|token: &Secret| !matches!(token.text(), "" | "not_supported"));
    Session {
        iam: iam.to_string(),
        expires: if granted.expiration > 0 { granted.expiration } else { claims.exp },
        token: granted.access_token,
        refresh,
        account: claims.account.bss,
        user: claims.email.unwrap_or(claims.sub),
        iam_id: claims.iam_id,
        key_digest,
    }
}

fn settings(
    variables: &impl Fn(&str) -> Option<String>,
    state: &State,
    local: &OnceCell<Option<Local>>,
    around: &Surroundings,
) -> HttpSettings {
    let file = |name: &str| variables(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let trust = if state.skip_tls {
        Trust::Anybody
    } else if let Some(file) = file("ECTYPE_CA_FILE").or_else(|| file("SSL_CERT_FILE")) {
        Trust::File(file)
    } else {
        let ours = state.api.is_none() && variables("IBMCLOUD_IS_NG_API_ENDPOINT").is_none();
        let found = if ours { local.get_or_init(around.local).as_ref() } else { None };
        found.and_then(|local| local.ca.clone()).map_or(Trust::System, Trust::File)
    };
    let patience = variables("IBMCLOUD_HTTP_TIMEOUT").and_then(|text| text.parse().ok());
    let patience = patience.or(state.settings.http_timeout).unwrap_or(HTTP_TIMEOUT_SECONDS);
    let trace = variables("IBMCLOUD_TRACE").or_else(|| state.settings.trace.clone());
    HttpSettings {
        trust,
        patience: Duration::from_secs(patience.max(1)),
        trace: trace.and_then(|text| match grammar::bool_of(&text) {
            Ok(true) => Some(net::Trace::Stderr),
            Ok(false) => None,
            Err(()) => (!text.is_empty()).then(|| net::Trace::File(text.into())),
        }),
    }
}
