//! When to start an engine, when to give up, whom to answer: a state machine without processes.
//!
//! ```text
//! Starting --ready--> Running --death--> Starting (at once) or Waiting (when it keeps dying)
//!    | cannot open                            Waiting --time--> Starting
//!    v
//!  Failed          any --stop--> Stopping --exit--> Gone
//! ```
//!
//! INVARIANTS: there is never a second engine; each question gets one answer, at the latest
//! when the supervisor goes; a layer that cannot be opened is not tried for ever.
//!
//! Next to read: the parent module, which carries the effects out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::message::{
    Ask, Event, ExportState, ExportStatus, Failure, FailureKind, Order, Reply, Stats,
};

/// An engine that has served this long is not one that keeps dying.
pub const HEALTHY_AFTER: Duration = Duration::from_secs(10);
/// Pause after the second death in a row; doubled with each further one.
pub const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest pause.
pub const PAUSE_MAX: Duration = Duration::from_secs(1);
/// An export that has never served is given up after so many engines.
pub const OPEN_TRIES: u32 = 6;
/// How long an engine may take to grow its volume and end its connections.
pub const GROW_DEADLINE: Duration = Duration::from_secs(15);
/// How long an engine may take to tell its counters.
const STATS_DEADLINE: Duration = Duration::from_millis(500);

/// Names a question whose answer is due.
pub type Token = u64;

/// What happens.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The engine asked for was started.
    Spawned { pid: u32 },
    /// The engine says something.
    Event(Event),
    /// The engine is gone, and what it said before was passed on.
    Exited { how: String },
    /// Somebody asks.
    Asked(Token, Ask),
    /// The host wants the supervisor gone.
    Terminate { deadline: Duration },
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start an engine.
    Spawn,
    /// From now on engines are started with this capacity, in bytes.
    Capacity(u64),
    /// From now on engines are started with this share of the host's cache budget, in bytes.
    Cache(u64),
    /// Tell the engine.
    Tell(Order),
    /// Kill the engine.
    Kill,
    /// Answer a question.
    Answer(Token, Reply),
    /// Leave.
    Exit,
}

/// What does not change.
#[derive(Clone, Debug)]
pub struct Facts {
    pub id: String,
    pub generation: u64,
    pub serves: String,
    pub supervisor_pid: u32,
    pub socket: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Waiting { until: Duration },
    Failed,
    Stopping { kill_at: Option<Duration> },
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Ready,
    Stats,
    Grown,
    End,
}

/// The state of one supervisor.
pub struct Keeper {
    facts: Facts,
    phase: Phase,
    engine_pid: Option<u32>,
    /// When the engine at hand was started.
    since: Duration,
    ever_ready: bool,
    deaths_in_row: u32,
    restarts: u64,
    last_exit: Option<String>,
    guest_must_reset: bool,
    /// What the engine at hand said when it could not open.
    failure: Option<(Failure, bool)>,
    /// How the engine at hand closed.
    closed: Option<(bool, String)>,
    due: BTreeMap<Token, (Awaited, Duration)>,
}

impl Keeper {
    /// A supervisor that begins by starting an engine.
    pub fn new(facts: Facts, now: Duration) -> (Self, Vec<Effect>) {
        let keeper = Self {
            facts,
            phase: Phase::Starting,
            engine_pid: None,
            since: now,
            ever_ready: false,
            deaths_in_row: 0,
            restarts: 0,
            last_exit: None,
            guest_must_reset: false,
            failure: None,
            closed: None,
            due: BTreeMap::new(),
        };
        (keeper, vec![Effect::Spawn])
    }

    /// When [`Notice::Tick`] is wanted next.
    pub fn next_tick(&self) -> Option<Duration> {
        let phase = match self.phase {
            Phase::Waiting { until } => Some(until),
            Phase::Stopping { kill_at } => kill_at,
            Phase::Starting | Phase::Running | Phase::Failed | Phase::Gone => None,
        };
        let due = self.due.values().filter(|due| due.0 != Awaited::End).map(|due| due.1);
        due.chain(phase).min()
    }

    /// Takes a notice in.
    pub fn apply(&mut self, notice: Notice, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        match notice {
            Notice::Spawned { pid } => self.engine_pid = Some(pid),
            Notice::Event(event) => self.event(event, &mut effects),
            Notice::Exited { how } => self.exited(how, now, &mut effects),
            Notice::Asked(token, ask) => self.asked(token, ask, now, &mut effects),
            Notice::Terminate { deadline } => self.stop(now + deadline, &mut effects),
            Notice::Tick => {}
        }
        self.pass_time(now, &mut effects);
        effects
    }

    fn event(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Ready { fell_back, .. } => {
                // On the first opening no guest can have seen what was lost.
                self.guest_must_reset |= fell_back && self.ever_ready;
                self.ever_ready = true;
                self.failure = None;
                if self.phase == Phase::Starting {
                    self.phase = Phase::Running;
                    self.answer_status(Awaited::Ready, None, effects);
                }
            }
            Event::Failed { kind, reason, again } => {
                self.failure = Some((Failure { kind, reason }, again));
            }
            Event::Stats(stats) => self.answer_status(Awaited::Stats, Some(stats), effects),
            Event::Grown { refused } => self.grown(refused, effects),
            Event::Closed { clean, reason } => self.closed = Some((clean, reason)),
        }
    }

    fn exited(&mut self, how: String, now: Duration, effects: &mut Vec<Effect>) {
        self.engine_pid = None;
        self.last_exit = Some(how);
        self.answer_status(Awaited::Stats, None, effects);
        // The next engine opens with the new capacity, but whether it can is not known yet.
        self.grown(Some("the engine died meanwhile".to_owned()), effects);
        match self.phase {
            Phase::Stopping { .. } => self.leave(effects),
            Phase::Starting | Phase::Running => self.replace(now, effects),
            // No engine lives in these.
            Phase::Waiting { .. } | Phase::Failed | Phase::Gone => {}
        }
    }

    /// The engine died: another one, now or later, or none.
    fn replace(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        self.closed = None;
        self.restarts += 1;
        if self.phase == Phase::Running && now.saturating_sub(self.since) >= HEALTHY_AFTER {
            self.deaths_in_row = 0;
        }
        self.deaths_in_row += 1;
        let hopeless = self.failure.as_ref().is_some_and(|(_, again)| !again);
        if hopeless || (!self.ever_ready && self.deaths_in_row >= OPEN_TRIES) {
            self.phase = Phase::Failed;
            self.answer_status(Awaited::Ready, None, effects);
        } else if self.deaths_in_row == 1 {
            self.spawn(now, effects);
        } else {
            let doublings = (self.deaths_in_row - 2).min(16);
            let pause = (PAUSE_FIRST * 2_u32.pow(doublings)).min(PAUSE_MAX);
            self.phase = Phase::Waiting { until: now + pause };
        }
    }

    fn spawn(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        self.phase = Phase::Starting;
        self.since = now;
        self.closed = None;
        effects.push(Effect::Spawn);
    }

    fn asked(&mut self, token: Token, ask: Ask, now: Duration, effects: &mut Vec<Effect>) {
        match ask {
            Ask::Ping => effects.push(Effect::Answer(token, Reply::Pong)),
            Ask::Status if self.phase == Phase::Running => {
                self.due.insert(token, (Awaited::Stats, now + STATS_DEADLINE));
                effects.push(Effect::Tell(Order::Stats));
            }
            Ask::AwaitReady { deadline_ms }
                if matches!(self.phase, Phase::Starting | Phase::Waiting { .. }) =>
            {
                let deadline = now.saturating_add(Duration::from_millis(deadline_ms));
                self.due.insert(token, (Awaited::Ready, deadline));
            }
            Ask::Grow { capacity_bytes } if self.phase == Phase::Running => {
                self.due.insert(token, (Awaited::Grown, now + GROW_DEADLINE));
                effects.push(Effect::Capacity(capacity_bytes));
                effects.push(Effect::Tell(Order::Grow { capacity_bytes }));
            }
            Ask::Cache { bytes } => {
                effects.push(Effect::Cache(bytes));
                // One that is starting reads its orders when it is ready.
                if matches!(self.phase, Phase::Starting | Phase::Running) {
                    effects.push(Effect::Tell(Order::Cache { bytes }));
                }
                effects.push(Effect::Answer(token, Reply::Granted));
            }
            Ask::Grow { .. } => effects.push(Effect::Answer(token, refused("it does not run"))),
            Ask::Status | Ask::AwaitReady { .. } => {
                effects.push(Effect::Answer(token, Reply::Status(Box::new(self.status(None)))));
            }
            Ask::Stop { deadline_ms } => {
                self.due.insert(token, (Awaited::End, Duration::MAX));
                self.stop(now.saturating_add(Duration::from_millis(deadline_ms)), effects);
            }
        }
    }

    fn stop(&mut self, kill_at: Duration, effects: &mut Vec<Effect>) {
        let kill_at = Some(kill_at);
        match self.phase {
            Phase::Starting | Phase::Running => effects.push(Effect::Tell(Order::Stop)),
            Phase::Waiting { .. } => {
                // The last engine left the layer as a death leaves it: one more closes it.
                effects.extend([Effect::Spawn, Effect::Tell(Order::Stop)]);
            }
            Phase::Failed => return self.leave(effects),
            // The first one who asked has set the deadline.
            Phase::Stopping { .. } | Phase::Gone => return,
        }
        self.phase = Phase::Stopping { kill_at };
        self.answer_status(Awaited::Ready, None, effects);
    }

    fn pass_time(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let late: Vec<Token> =
            self.due.iter().filter(|(_, due)| due.1 <= now).map(|(token, _)| *token).collect();
        for token in late {
            let reply = match self.due.remove(&token) {
                Some((Awaited::Grown, _)) => refused("the engine takes too long"),
                _ => Reply::Status(Box::new(self.status(None))),
            };
            effects.push(Effect::Answer(token, reply));
        }
        match self.phase {
            Phase::Waiting { until } if until <= now => self.spawn(now, effects),
            Phase::Stopping { kill_at: Some(at) } if at <= now => {
                self.phase = Phase::Stopping { kill_at: None };
                effects.push(Effect::Kill);
            }
            _ => {}
        }
    }

    fn leave(&mut self, effects: &mut Vec<Effect>) {
        let (clean, reason) = match (self.closed.take(), &self.failure) {
            (Some(closed), _) => closed,
            (None, Some((failure, _))) => (false, failure.reason.clone()),
            (None, None) => (false, self.last_exit.clone().unwrap_or_default()),
        };
        self.phase = Phase::Gone;
        for (token, (awaited, _)) in std::mem::take(&mut self.due) {
            let reply = match awaited {
                Awaited::End => Reply::Stopped { clean, reason: reason.clone() },
                Awaited::Grown => refused("it was stopped"),
                Awaited::Ready | Awaited::Stats => Reply::Status(Box::new(self.status(None))),
            };
            effects.push(Effect::Answer(token, reply));
        }
        effects.push(Effect::Exit);
    }

    fn grown(&mut self, not: Option<String>, effects: &mut Vec<Effect>) {
        self.due.retain(|token, due| {
            let answered = due.0 == Awaited::Grown;
            if answered {
                let reply = not.clone().map_or(Reply::Grown, |reason| Reply::Refused { reason });
                effects.push(Effect::Answer(*token, reply));
            }
            !answered
        });
    }

    fn answer_status(&mut self, awaited: Awaited, stats: Option<Stats>, out: &mut Vec<Effect>) {
        let status = self.status(stats);
        self.due.retain(|token, due| {
            let answered = due.0 == awaited;
            if answered {
                out.push(Effect::Answer(*token, Reply::Status(Box::new(status.clone()))));
            }
            !answered
        });
    }

    fn status(&self, stats: Option<Stats>) -> ExportStatus {
        let state = match self.phase {
            Phase::Starting => ExportState::Starting,
            Phase::Running => ExportState::Running,
            Phase::Waiting { .. } => ExportState::Waiting,
            Phase::Failed => ExportState::Failed,
            Phase::Stopping { .. } | Phase::Gone => ExportState::Stopping,
        };
        let died = || Failure {
            kind: FailureKind::Unavailable,
            reason: self.last_exit.clone().unwrap_or_default(),
        };
        let failure = self.failure.as_ref().map(|(failure, _)| failure.clone());
        ExportStatus {
            id: self.facts.id.clone(),
            generation: self.facts.generation,
            serves: self.facts.serves.clone(),
            state,
            supervisor_pid: self.facts.supervisor_pid,
            engine_pid: self.engine_pid,
            restarts: self.restarts,
            last_exit: self.last_exit.clone(),
            guest_must_reset: self.guest_must_reset,
            failure: failure.or_else(|| (self.phase == Phase::Failed).then(died)),
            socket: self.facts.socket.clone(),
            stats,
        }
    }
}

fn refused(reason: &str) -> Reply {
    Reply::Refused { reason: reason.to_owned() }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
