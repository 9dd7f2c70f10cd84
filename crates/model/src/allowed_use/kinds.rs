//! What may stand where: every part of an expression has a kind, known before it is judged.

use std::fmt;

use super::{ExpressionError, Over, parse::Node};

/// A kind of value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Float,
    Text,
    /// Of items of one kind; none when it is empty.
    List(Option<Box<Kind>>),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "a boolean",
            Self::Int => "an integer",
            Self::Float => "a fraction",
            Self::Text => "a text",
            Self::List(_) => "a list",
        })
    }
}

impl Kind {
    const fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }

    /// Values of both can be equal.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(None), Self::List(_)) | (Self::List(_), Self::List(None)) => true,
            (Self::List(Some(a)), Self::List(Some(b))) => a.meets(b),
            _ => self == other || self.is_number() && other.is_number(),
        }
    }
}

/// Every variable is known, every operator has what it works with, and the whole is a boolean.
pub(super) fn check(root: &Node, over: Over) -> Result<(), ExpressionError> {
    match kind(root, over)? {
        Kind::Bool => Ok(()),
        other => Err(ExpressionError::NotBoolean { kind: other.to_string() }),
    }
}

fn unfit<T>(operator: &'static str, kinds: &[&Kind]) -> Result<T, ExpressionError> {
    let words: Vec<_> = kinds.iter().map(ToString::to_string).collect();
    Err(ExpressionError::Kinds { operator, kinds: words.join(" and ") })
}

fn kind(node: &Node, over: Over) -> Result<Kind, ExpressionError> {
    Ok(match node {
        Node::Bool(_) => Kind::Bool,
        Node::Int(_) => Kind::Int,
        Node::Float(_) => Kind::Float,
        Node::Text(_) => Kind::Text,
        Node::List(items) => list(items, over)?,
        Node::Variable(name) => {
            return over.kind(name).ok_or_else(|| ExpressionError::UnknownVariable {
                name: name.chars().take(64).collect(),
                there: over.variables().collect::<Vec<_>>().join(", "),
            });
        }
        Node::Not(inner) => match kind(inner, over)? {
            Kind::Bool => Kind::Bool,
            other => return unfit("!", &[&other]),
        },
        Node::Negative(inner) => match kind(inner, over)? {
            number @ (Kind::Int | Kind::Float) => number,
            other => return unfit("-", &[&other]),
        },
        Node::Binary(operator, left, right) => {
            binary(operator, kind(left, over)?, kind(right, over)?)?
        }
        Node::Choice(condition, yes, no) => {
            let (condition, yes, no) = (kind(condition, over)?, kind(yes, over)?, kind(no, over)?);
            if condition != Kind::Bool || yes != no {
                return unfit("?:", &[&condition, &yes, &no]);
            }
            yes
        }
    })
}

fn list(items: &[Node], over: Over) -> Result<Kind, ExpressionError> {
    let mut of: Option<Kind> = None;
    for item in items {
        let next = kind(item, over)?;
        match &of {
            None => of = Some(next),
            Some(first) if *first == next => {}
            Some(first) => return unfit("[]", &[first, &next]),
        }
    }
    Ok(Kind::List(of.map(Box::new)))
}

fn binary(operator: &'static str, left: Kind, right: Kind) -> Result<Kind, ExpressionError> {
    let ordered = matches!(left, Kind::Bool | Kind::Int | Kind::Float | Kind::Text);
    let fits = match operator {
        "||" | "&&" => left == Kind::Bool && right == Kind::Bool,
        "==" | "!=" => left.meets(&right),
        "<" | "<=" | ">" | ">=" => ordered && left.meets(&right),
        "in" => match &right {
            Kind::List(None) => true,
            Kind::List(Some(of)) => left.meets(of),
            _ => false,
        },
        "%" => left == Kind::Int && right == Kind::Int,
        "+" => left == right && (left.is_number() || left == Kind::Text),
        // `-`, `*` and `/`.
        _ => left == right && left.is_number(),
    };
    if !fits {
        return unfit(operator, &[&left, &right]);
    }
    Ok(match operator {
        "+" | "-" | "*" | "/" | "%" => left,
        _ => Kind::Bool,
    })
}
