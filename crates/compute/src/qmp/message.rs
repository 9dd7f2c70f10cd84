//! The four kinds of line that a QMP peer sends.

use serde_json::Value;

use super::QmpError;

/// Something the peer tells unasked.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name, such as `SHUTDOWN`.
    pub name: String,
    /// What comes with it; null when nothing does.
    pub data: Value,
    /// When it happened, in microseconds since 1970 by the peer's clock; zero when it does not say.
    pub at_us: u64,
}

/// A line.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    Greeting,
    Return { id: Option<u64>, value: Value },
    Error { id: Option<u64>, class: String, desc: String },
    Event(Event),
}

/// Longest text of the peer that is kept in an error, in characters.
const TEXT_KEPT: usize = 400;

/// Reads one line, without its line end.
pub(super) fn parse(line: &[u8]) -> Result<Message, QmpError> {
    let garbage = |what| Err(QmpError::Garbage { what });
    let Ok(Value::Object(mut object)) = serde_json::from_slice::<Value>(line) else {
        return garbage("it is no JSON object");
    };
    let text = |value: Option<&Value>| -> String {
        value.and_then(Value::as_str).unwrap_or_default().chars().take(TEXT_KEPT).collect()
    };
    let id = object.get("id").and_then(Value::as_u64);
    if let Some(value) = object.remove("return") {
        return Ok(Message::Return { id, value });
    }
    if let Some(error) = object.get("error") {
        let (class, desc) = (text(error.get("class")), text(error.get("desc")));
        return Ok(Message::Error { id, class, desc });
    }
    if let Some(name) = object.remove("event") {
        let Value::String(name) = name else { return garbage("an event's name is no text") };
        let at_us = object.get("timestamp").map_or(0, microseconds);
        let data = object.remove("data").unwrap_or_default();
        return Ok(Message::Event(Event { name, data, at_us }));
    }
    if object.contains_key("QMP") {
        return Ok(Message::Greeting);
    }
    garbage("it is neither reply, event nor greeting")
}

fn microseconds(timestamp: &Value) -> u64 {
    let part = |name: &str| timestamp[name].as_u64().unwrap_or_default();
    part("seconds").saturating_mul(1_000_000).saturating_add(part("microseconds"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_four_kinds_of_line() {
        let read = |line: &str| parse(line.as_bytes()).unwrap();
        assert_eq!(read(r#"{"QMP":{"version":{},"capabilities":[]}}"#), Message::Greeting);
        assert_eq!(
            read(r#"{"return":{"a":1},"id":7}"#),
            Message::Return { id: Some(7), value: json!({"a":1}) }
        );
        assert_eq!(
            read(r#"{"error":{"class":"GenericError","desc":"no"},"id":"x"}"#),
            Message::Error { id: None, class: "GenericError".into(), desc: "no".into() }
        );
        assert_eq!(
            read(r#"{"timestamp":{"seconds":1,"microseconds":2},"event":"STOP"}"#),
            Message::Event(Event { name: "STOP".into(), data: Value::Null, at_us: 1_000_002 })
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for line in ["", "{", "[]", "7", "{}", r#"{"event":7}"#, "\u{0}"] {
            assert!(matches!(parse(line.as_bytes()), Err(QmpError::Garbage { .. })), "{line:?}");
        }
    }
}
