//! Why a command failed, and how that is said: `FAILED`, what happened, and what to type next.

use serde_json::Value;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The words of the command line cannot be meant so.
    #[error("{message}")]
    Usage {
        /// What is wrong with them.
        message: String,
        /// A better word, or the next command.
        hint: Option<String>,
        /// The command whose help follows, as `space name`.
        command: Option<&'static crate::table::Command>,
    },
    /// The region refused.
    #[error("{}", .0.message)]
    Api(Box<Refusal>),
    /// Anything else, in a sentence.
    #[error("{message}")]
    Plain {
        /// What happened and why.
        message: String,
        /// The next command to type.
        hint: Option<String>,
    },
    /// The user ended the waiting.
    #[error("interrupted")]
    Interrupted {
        /// What goes on, and how to wait for it.
        going_on: String,
    },
    /// Whoever read our output has gone.
    #[error("the output was closed")]
    Pipe,
}

/// What the region answered.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The code of its first error.
    pub code: String,
    /// Its sentence.
    pub message: String,
    /// Name and type of what it is about.
    pub target: Option<(String, String)>,
    /// Where more is said.
    pub more: Option<String>,
    /// Trace id.
    pub trace: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub fn plain(message: impl Into<String>) -> Self {
        Self::Plain { message: message.into(), hint: None }
    }

    pub fn hinted(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Plain { message: message.into(), hint: Some(hint.into()) }
    }

    /// None of what is there is called so.
    pub fn none_of<'a>(noun: &str, text: &str, there: impl Iterator<Item = &'a str>) -> Self {
        let there = there.collect::<Vec<_>>().join(", ");
        Self::hinted(format!("There is no {noun} '{text}'."), format!("there is: {there}"))
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None, command: None }
    }

    /// The same with the command whose help is shown.
    pub fn of(self, to: &'static crate::table::Command) -> Self {
        match self {
            Self::Usage { message, hint, command } => {
                Self::Usage { message, hint, command: command.or(Some(to)) }
            }
            other => other,
        }
    }

    /// Whether the region said that it is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api(refusal) if refusal.status == 404)
    }

    /// The lines after `FAILED`.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Api(refusal) => refusal.lines(),
            Self::Usage { message, hint, .. } => {
                let mut lines = vec!["Incorrect Usage.".to_owned(), message.clone()];
                lines.extend(hint.iter().map(|hint| format!("hint: {hint}")));
                lines
            }
            Self::Plain { message, hint } => {
                let mut lines = vec![message.clone()];
                lines.extend(hint.iter().map(|hint| format!("hint: {hint}")));
                lines
            }
            Self::Interrupted { going_on } => {
                vec!["Interrupted; what was begun goes on.".to_owned(), format!("hint: {going_on}")]
            }
            Self::Pipe => Vec::new(),
        }
    }
}

impl Refusal {
    /// Reads the shapes that IBM's services answer errors in.
    pub fn read(status: u16, trace: Option<String>, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let first = |pointers: &[&str]| {
            pointers.iter().find_map(|at| text(at)).map(str::to_owned).unwrap_or_default()
        };
        let target = text("/errors/0/target/name").map(|name| {
            (name.to_owned(), text("/errors/0/target/type").unwrap_or_default().to_owned())
        });
        let message = first(&[
            "/errors/0/message",
            "/resources/0/reasons/0/message",
            "/errorMessage",
            "/resources/0/errorMsg",
            "/message",
            "/details",
        ]);
        let message = if message.is_empty() { said_by_status(status) } else { message };
        Self {
            status,
            code: first(&[
                "/errors/0/code",
                "/resources/0/reasons/0/code",
                "/errorCode",
                "/error_code",
                "/code",
            ]),
            message,
            target,
            more: text("/errors/0/more_info").map(str::to_owned),
            trace: trace.or_else(|| text("/trace").map(str::to_owned)),
            hint: None,
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("Response HTTP Status Code: {}", self.status)];
        if !self.code.is_empty() {
            lines.push(format!("Error code: {}", self.code));
        }
        lines.push(format!("Error message: {}", self.message));
        if let Some((name, kind)) = &self.target {
            lines.push(format!("Error target name: {name}, type: {kind}"));
        }
        if let Some(more) = self.more.as_ref().filter(|more| !more.is_empty()) {
            lines.push(format!("More information: {more}"));
        }
        if let Some(trace) = &self.trace {
            lines.push(format!("Trace ID: {trace}"));
        }
        lines.extend(self.hint.iter().map(|hint| format!("hint: {hint}")));
        lines
    }
}

fn said_by_status(status: u16) -> String {
    let said = match status {
        401 => "The region does not know who asks.",
        403 => "You are not authorized to do this.",
        404 => "It is not there.",
        429 => "Too many requests.",
        500..=599 => "The region failed.",
        _ => "The region refused.",
    };
    said.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_vpc_api_is_said_in_ibms_lines() {
        let body = br#"{"errors":[{"code":"not_found","message":"No such image.","target":
            {"name":"id","type":"parameter"}}],"trace":"t-1"}"#;
        let failure = Failure::Api(Box::new(Refusal::read(404, None, body)));
        assert!(failure.is_not_found());
        assert_eq!(
            failure.lines(),
            [
                "Response HTTP Status Code: 404",
                "Error code: not_found",
                "Error message: No such image.",
                "Error target name: id, type: parameter",
                "Trace ID: t-1",
            ]
        );
    }

    #[test]
    fn an_error_of_iam_and_an_unreadable_one_have_a_sentence() {
        let iam = br#"{"errorCode":"BXNIM0415E","errorMessage":"No such key."}"#;
        assert_eq!(Refusal::read(400, None, iam).message, "No such key.");
        let keys = br#"{"metadata":{},"resources":[{"errorMsg":"Conflict","reasons":
            [{"code":"REQ_TOO_EARLY_ERR","message":"Wait 30 s."}]}]}"#;
        let keys = Refusal::read(409, None, keys);
        assert_eq!(
            (keys.code.as_str(), keys.message.as_str()),
            ("REQ_TOO_EARLY_ERR", "Wait 30 s.")
        );
        assert_eq!(Refusal::read(502, None, b"<html>").message, "The region failed.");
    }
}
