//! Actions of an instance, and what it was initialized with.

use base::{KeyId, Timestamp};
use model::{ActionStatus, Reference};
use serde::Serialize;

use crate::{Kind, Render};

/// An action of an instance.
#[derive(Debug, Serialize)]
pub struct InstanceAction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    created_at: String,
    force: bool,
    href: String,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    status: &'static str,
    r#type: &'static str,
}

/// An action of an instance.
#[must_use]
pub fn instance_action<'a>(
    r: &Render<'_>,
    action: &'a model::InstanceAction,
) -> InstanceAction<'a> {
    let id = action.id.as_str();
    let settled = matches!(action.status, ActionStatus::Completed | ActionStatus::Failed);
    InstanceAction {
        completed_at: action.completed_at.filter(|_| settled).map(|at| at.to_string()),
        created_at: action.created_at.to_string(),
        force: action.force,
        href: r.href(&["instances", action.instance.as_str(), "actions", id]),
        id,
        started_at: action.started_at.map(|at| at.to_string()),
        status: action.status.as_str(),
        r#type: action.kind.as_str(),
    }
}

/// What an instance was initialized with.
#[derive(Debug, Serialize)]
pub struct Initialization<'a> {
    keys: Vec<KeyRef<'a>>,
}

#[derive(Debug, Serialize)]
struct KeyRef<'a> {
    crn: String,
    fingerprint: &'a str,
    href: String,
    id: &'a str,
    name: &'a str,
}

/// What an instance was initialized with: the keys that are still there, with fingerprints.
#[must_use]
pub fn initialization<'a>(
    r: &Render<'_>,
    keys: &'a [(Reference<KeyId>, String)],
) -> Initialization<'a> {
    let each = keys.iter().map(|(key, fingerprint)| {
        let id = key.id.as_str();
        KeyRef {
            crn: r.crn(Kind::KEY, id),
            fingerprint,
            href: r.href_of(Kind::KEY, id),
            id,
            name: &key.name,
        }
    });
    Initialization { keys: each.collect() }
}

/// What is told of a token for a console.
#[derive(Clone, Copy, Debug)]
pub struct ConsoleTokenFacts<'a> {
    /// The token.
    pub secret: &'a str,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// Whether its session takes the line from another.
    pub force: bool,
}

/// A token for the serial console of an instance.
#[derive(Debug, Serialize)]
pub struct ConsoleAccessToken<'a> {
    access_token: &'a str,
    console_type: &'static str,
    created_at: String,
    expires_at: String,
    force: bool,
    href: String,
}

/// A token for the serial console of an instance, with the address that it opens.
#[must_use]
pub fn console_access_token<'a>(
    r: &Render<'_>,
    instance: &str,
    token: &ConsoleTokenFacts<'a>,
) -> ConsoleAccessToken<'a> {
    let at = r.href(&["instances", instance, "console"]);
    // http becomes ws, and https becomes wss.
    let at = at.strip_prefix("http").unwrap_or(&at);
    ConsoleAccessToken {
        access_token: token.secret,
        console_type: "serial",
        created_at: token.created_at.to_string(),
        expires_at: token.expires_at.to_string(),
        force: token.force,
        href: format!("ws{at}?access_token={}", token.secret),
    }
}
