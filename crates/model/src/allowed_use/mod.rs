//! `allowed_use`: which instances an image or boot volume may be used for.
//!
//! An expression is read once when it is given and again when it is judged: what is stored was
//! read before, so a stored expression that cannot be read is damage and refuses. Expressions are
//! IBM's subset of the Common Expression Language: operators, literals and the variables of
//! [`Over`]; no functions, no macros.
//!
//! It refuses to know where instances come from. Its invariant: judging costs no more than the
//! text is long, and what goes wrong in judging refuses.
//!
//! Next to read: `parse` for the grammar, `kinds` for what may stand where, `judge`.

mod facts;
mod judge;
mod kinds;
mod lex;
mod parse;

use std::fmt;

pub use facts::{InstanceFacts, Over};

use crate::Refusal;

/// Longest expression, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 1_000;
/// Deepest nesting of an expression.
pub const EXPRESSION_DEPTH_MAX: usize = 32;

/// The expressions of an image or boot volume, as IBM's API shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedUse {
    /// API version that the expressions are written for, `YYYY-MM-DD`.
    pub api_version: String,
    /// Expression over a bare metal server.
    pub bare_metal_server: String,
    /// Expression over an instance.
    pub instance: String,
}

impl AllowedUse {
    /// Everything is allowed; `api_version` is the request's.
    #[must_use]
    pub fn anything(api_version: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            bare_metal_server: "true".to_owned(),
            instance: "true".to_owned(),
        }
    }

    /// Whether an instance of these facts is allowed. An expression that cannot be read or judged
    /// allows nothing.
    #[must_use]
    pub fn allows(&self, facts: &InstanceFacts<'_>) -> bool {
        if self.instance == "true" {
            return true;
        }
        Expression::parse(&self.instance, Over::Instance)
            .is_ok_and(|read| read.holds(facts).unwrap_or(false))
    }

    /// Refuses an instance that is not allowed; `of` is `image` or `boot volume`, `id` its id.
    ///
    /// # Errors
    /// [`Refusal::NotAllowedUse`].
    pub fn check(
        &self,
        of: &'static str,
        id: &str,
        facts: &InstanceFacts<'_>,
    ) -> Result<(), Refusal> {
        if self.allows(facts) {
            return Ok(());
        }
        Err(Refusal::NotAllowedUse {
            of,
            id: id.to_owned(),
            expression: self.instance.clone(),
            facts: facts.to_string(),
        })
    }
}

/// An expression that was read: every variable is known and it gives a boolean.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    root: parse::Node,
    over: Over,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str, over: Over) -> Result<Self, ExpressionError> {
        if text.len() > EXPRESSION_BYTES_MAX {
            return Err(ExpressionError::TooLong);
        }
        let root = parse::parse(lex::lex(text)?)?;
        kinds::check(&root, over)?;
        Ok(Self { root, over })
    }

    /// Whether it holds for an instance.
    ///
    /// # Errors
    /// A sum that has no result, such as a division by zero.
    pub fn holds(&self, facts: &InstanceFacts<'_>) -> Result<bool, NoResult> {
        judge::judge(&self.root, &|name| facts.value(self.over, name))
    }
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// More than [`EXPRESSION_BYTES_MAX`].
    #[error("it is longer than {EXPRESSION_BYTES_MAX} bytes")]
    TooLong,
    /// More than [`EXPRESSION_DEPTH_MAX`].
    #[error("it is nested deeper than {EXPRESSION_DEPTH_MAX}")]
    TooDeep,
    /// Something else should stand there.
    #[error("at byte {at}, {what}")]
    Syntax {
        /// Where, counted from 0.
        at: usize,
        /// What is wrong.
        what: String,
    },
    /// A function or macro.
    #[error("at byte {at}, functions and macros are not supported")]
    Call {
        /// Where, counted from 0.
        at: usize,
    },
    /// A variable that there is not.
    #[error("there is no variable {name}; there are {there}")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// Those that there are.
        there: String,
    },
    /// Values of kinds that do not go together.
    #[error("`{operator}` does not work with {kinds}")]
    Kinds {
        /// The operator.
        operator: &'static str,
        /// The kinds, as words.
        kinds: String,
    },
    /// It gives something else than true or false.
    #[error("it must be true or false, and is {kind}")]
    NotBoolean {
        /// What it gives.
        kind: String,
    },
}

/// An expression has no result for these facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoResult;

impl fmt::Display for NoResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number is too large, or is divided by zero")
    }
}

impl std::error::Error for NoResult {}
