//! Consoles: tokens that each open one session, and the one session that an instance has.
//!
//! It refuses to know WebSockets: a session is a line of bytes. Tokens and sessions are kept in
//! memory, in the process whose host runs the guest; a restart ends both, and a client asks anew.
//!
//! INVARIANT: a token opens at most one session, and an instance has at most one at a time: the
//! serial line of a guest cannot be shared. A session that was opened with `force` takes the line
//! from the one before.

use std::{collections::HashMap, sync::Arc, time::Duration};

use base::{InstanceId, Timestamp};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use compute::{ComputeError, Line};
use model::{Head, InstanceStatus, Outcome, Refusal};
use parking_lot::Mutex;
use policy::{Action, InternalActor};
use tokio::sync::{OwnedMutexGuard, watch};

use crate::{Control, Error, RequestContext, access::vpc_draft, identity::digest};

/// How long a token can open its session.
pub const CONSOLE_TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Most unused tokens of an instance; one more and the oldest opens nothing.
pub const CONSOLE_TOKENS_MAX: usize = 10;
/// Bytes of randomness in a token.
const TOKEN_BYTES: usize = 32;

/// A token as it is given out, once.
pub struct ConsoleToken {
    /// What opens the session.
    pub secret: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// Whether its session takes the line from another.
    pub force: bool,
}

/// An open session.
pub struct ConsoleSession {
    /// The guest's serial line; ends with the guest.
    pub line: Box<dyn Line>,
    /// The right to it; dropped after it.
    pub claim: ConsoleClaim,
}

/// A session's right to a guest's serial line.
pub struct ConsoleClaim {
    number: u64,
    newest: watch::Receiver<u64>,
    _turn: OwnedMutexGuard<()>,
}

impl ConsoleClaim {
    /// Returns once another session has claimed the line.
    pub async fn taken_over(&mut self) {
        let number = self.number;
        let _ = self.newest.wait_for(|newest| *newest > number).await;
    }
}

/// All consoles of this process.
#[derive(Default)]
pub(crate) struct Consoles(Mutex<HashMap<InstanceId, Desk>>);

/// The console of one instance.
struct Desk {
    tokens: Vec<Token>,
    /// Held by the session.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The number of the newest session.
    newest: watch::Sender<u64>,
}

struct Token {
    /// Secrets are compared by digest, so that how long it takes says nothing of them.
    digest: [u8; 32],
    force: bool,
    expires_at: Timestamp,
    ctx: RequestContext,
}

/// What a token that was good leads to.
struct Opened {
    ctx: RequestContext,
    claim: ConsoleClaim,
}

impl Desk {
    fn new() -> Self {
        let newest = watch::Sender::new(0);
        Self { tokens: Vec::new(), turn: Arc::default(), newest }
    }

    fn is_idle(&self) -> bool {
        self.tokens.is_empty() && Arc::strong_count(&self.turn) == 1
    }
}

impl Consoles {
    fn add(&self, instance: &InstanceId, token: Token, now: Timestamp) {
        let mut desks = self.0.lock();
        for desk in desks.values_mut() {
            desk.tokens.retain(|token| token.expires_at > now);
        }
        desks.retain(|_, desk| !desk.is_idle());
        let desk = desks.entry(instance.clone()).or_insert_with(Desk::new);
        if desk.tokens.len() >= CONSOLE_TOKENS_MAX {
            desk.tokens.remove(0);
        }
        desk.tokens.push(token);
    }

    /// Uses a token up and waits for the line. None when the token opens nothing.
    async fn claim(
        &self,
        instance: &InstanceId,
        secret: &str,
        now: Timestamp,
    ) -> Result<Option<Opened>, Refusal> {
        let (token, turn, newest) = {
            let mut desks = self.0.lock();
            let Some(desk) = desks.get_mut(instance) else { return Ok(None) };
            let digest = digest(secret.as_bytes());
            let Some(at) = desk.tokens.iter().position(|token| token.digest == digest) else {
                return Ok(None);
            };
            (desk.tokens.remove(at), Arc::clone(&desk.turn), desk.newest.clone())
        };
        if token.expires_at <= now {
            return Ok(None);
        }
        let free = Arc::clone(&turn).try_lock_owned();
        if free.is_err() && !token.force {
            return Err(Refusal::ConsoleInUse { instance: instance.clone() });
        }
        let mut number = 0;
        newest.send_modify(|newest| {
            *newest += 1;
            number = *newest;
        });
        let turn = match free {
            Ok(turn) => turn,
            Err(_) => turn.lock_owned().await,
        };
        let claim = ConsoleClaim { number, newest: newest.subscribe(), _turn: turn };
        Ok(Some(Opened { ctx: token.ctx, claim }))
    }
}

impl Control {
    /// Makes a token that opens one session with the serial console of a running instance.
    ///
    /// # Errors
    /// When there is no such instance, it does not run, or the caller may not.
    pub async fn console_token_create(
        &self,
        ctx: &RequestContext,
        id: &InstanceId,
        force: bool,
    ) -> Result<ConsoleToken, Error> {
        let view = self.instance(ctx, id).await?;
        self.permit(ctx, Action::InstanceConsole, &view.instance.head).await?;
        check_console(id, view.instance.status)?;
        let mut bytes = [0; TOKEN_BYTES];
        self.entropy().fill(&mut bytes);
        let secret = URL_SAFE_NO_PAD.encode(bytes);
        let created_at = self.parts.clock.wall();
        let expires_at = created_at.plus(CONSOLE_TOKEN_LIFETIME);
        let digest = digest(secret.as_bytes());
        let token = Token { digest, force, expires_at, ctx: ctx.clone() };
        self.consoles.add(id, token, created_at);
        let (head, zone) = (&view.instance.head, view.instance.zone.as_str());
        self.console_event(ctx, "is.instance.console-access-token.create", head, zone).await?;
        Ok(ConsoleToken { secret, created_at, expires_at, force })
    }

    /// Opens the session that a token stands for. None when the token opens nothing: it is
    /// unknown, used, too old, or another instance's.
    ///
    /// # Errors
    /// When the instance does not run any more, or another session has its line.
    pub async fn console_open(
        &self,
        id: &InstanceId,
        secret: &str,
    ) -> Result<Option<ConsoleSession>, Error> {
        let now = self.parts.clock.wall();
        let Some(opened) = self.consoles.claim(id, secret, now).await? else { return Ok(None) };
        let Opened { ctx, claim } = opened;
        let view = self.instance(&ctx, id).await?;
        check_console(id, view.instance.status)?;
        let line = match self.parts.hypervisor.console(id).await {
            Ok(line) => line,
            Err(ComputeError::NotRunning { .. }) => {
                return Err(not_now(id, InstanceStatus::Stopping).into());
            }
            Err(error) => return Err(Error::unavailable(error)),
        };
        let (head, zone) = (&view.instance.head, view.instance.zone.as_str());
        self.console_event(&ctx, "is.instance.console.read", head, zone).await?;
        Ok(Some(ConsoleSession { line, claim }))
    }

    async fn console_event(
        &self,
        ctx: &RequestContext,
        action: &'static str,
        head: &Head<InstanceId>,
        zone: &str,
    ) -> Result<(), Error> {
        let draft = vpc_draft(action, Outcome::Success, "instance", head, zone);
        let event = self.event(ctx, draft);
        let permit = Self::system(InternalActor::Identity);
        Ok(self.store().event_append(permit, event).await?)
    }
}

fn check_console(id: &InstanceId, status: InstanceStatus) -> Result<(), Refusal> {
    match status {
        InstanceStatus::Running => Ok(()),
        other => Err(not_now(id, other)),
    }
}

fn not_now(instance: &InstanceId, status: InstanceStatus) -> Refusal {
    Refusal::InstanceBusy { instance: instance.clone(), status, verb: "reached by its console" }
}
