//! An expression gets its value.
//!
//! `&&` and `||` are decided by either side, as the language says: a side without result matters
//! only where the other side does not decide.

use std::{borrow::Cow, cmp::Ordering};

#[cfg(test)]
use super::kinds::Kind;
use super::{NoResult, parse::Node};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
}

impl Value<'_> {
    #[cfg(test)]
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Text,
            Self::List(items) => Kind::List(items.first().map(|item| Box::new(item.kind()))),
        }
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Int(a), Self::Float(b)) => Some(order_mixed(*a, *b)),
            (Self::Float(a), Self::Int(b)) => Some(order_mixed(*b, *a).reverse()),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            _ => self.order(other) == Some(Ordering::Equal),
        }
    }
}

/// Exact, where a conversion would round. Fractions here are finite or what sums of them give.
fn order_mixed(int: i64, float: f64) -> Ordering {
    /// 2^63.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() || float >= LIMIT {
        return Ordering::Less;
    }
    if float < -LIMIT {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is within the bounds of i64")]
    let whole = float.trunc() as i64;
    int.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

/// The value of a variable.
pub(super) type Facts<'f, 'a> = dyn Fn(&str) -> Option<Value<'a>> + 'f;

pub(super) fn judge<'a>(root: &'a Node, facts: &Facts<'_, 'a>) -> Result<bool, NoResult> {
    match value(root, facts)? {
        Value::Bool(holds) => Ok(holds),
        _ => Err(NoResult),
    }
}

fn value<'a>(node: &'a Node, facts: &Facts<'_, 'a>) -> Result<Value<'a>, NoResult> {
    Ok(match node {
        Node::Bool(value) => Value::Bool(*value),
        Node::Int(value) => Value::Int(*value),
        Node::Float(value) => Value::Float(*value),
        Node::Text(text) => Value::Text(Cow::Borrowed(text)),
        Node::List(items) => {
            Value::List(items.iter().map(|item| value(item, facts)).collect::<Result<_, _>>()?)
        }
        Node::Variable(name) => facts(name).ok_or(NoResult)?,
        Node::Not(inner) => Value::Bool(!judge(inner, facts)?),
        Node::Negative(inner) => match value(inner, facts)? {
            Value::Int(number) => Value::Int(number.checked_neg().ok_or(NoResult)?),
            Value::Float(number) => Value::Float(-number),
            _ => return Err(NoResult),
        },
        Node::Choice(condition, yes, no) => {
            value(if judge(condition, facts)? { yes } else { no }, facts)?
        }
        Node::Binary(operator @ ("&&" | "||"), left, right) => {
            let decides = *operator == "||";
            match (judge(left, facts), judge(right, facts)) {
                (Ok(side), _) | (_, Ok(side)) if side == decides => Value::Bool(decides),
                (Ok(_), Ok(_)) => Value::Bool(!decides),
                _ => return Err(NoResult),
            }
        }
        Node::Binary(operator, left, right) => {
            binary(operator, value(left, facts)?, value(right, facts)?)?
        }
    })
}

fn binary<'a>(
    operator: &'static str,
    left: Value<'a>,
    right: Value<'a>,
) -> Result<Value<'a>, NoResult> {
    let order = || left.order(&right);
    Ok(Value::Bool(match operator {
        "==" => left.same(&right),
        "!=" => !left.same(&right),
        "<" => order() == Some(Ordering::Less),
        ">" => order() == Some(Ordering::Greater),
        "<=" => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
        ">=" => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
        "in" => match right {
            Value::List(items) => items.iter().any(|item| item.same(&left)),
            _ => return Err(NoResult),
        },
        _ => return sum(operator, left, right),
    }))
}

fn sum<'a>(
    operator: &'static str,
    left: Value<'a>,
    right: Value<'a>,
) -> Result<Value<'a>, NoResult> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => match operator {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            "/" => a.checked_div(b),
            "%" => a.checked_rem(b),
            _ => None,
        }
        .map(Value::Int)
        .ok_or(NoResult),
        (Value::Float(a), Value::Float(b)) => Ok(Value::Float(match operator {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            _ => return Err(NoResult),
        })),
        (Value::Text(a), Value::Text(b)) if operator == "+" => {
            Ok(Value::Text(Cow::Owned(format!("{a}{b}"))))
        }
        _ => Err(NoResult),
    }
}
