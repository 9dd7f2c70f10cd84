//! The grammar, loosest first; operators of one row associate to the left.
//!
//! ```text
//! expression = or [ "?" or ":" expression ]
//! or         = and { "||" and }
//! and        = compare { "&&" compare }
//! compare    = sum { ("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") sum }
//! sum        = product { ("+" | "-") product }
//! product    = unary { ("*" | "/" | "%") unary }
//! unary      = "!" unary | "-" unary | primary
//! primary    = literal | name { "." name } | "(" expression ")" | "[" [ expression { "," … } ] "]"
//! ```

use super::{
    EXPRESSION_DEPTH_MAX, ExpressionError,
    lex::{Token, What},
};

/// A part of an expression. Nesting is bounded by the parser, chains of operators by the length of
/// the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Variable(String),
    Not(Box<Node>),
    Negative(Box<Node>),
    Binary(&'static str, Box<Node>, Box<Node>),
    Choice(Box<Node>, Box<Node>, Box<Node>),
}

type Result<T> = std::result::Result<T, ExpressionError>;

/// The rows of binary operators, loosest first.
const ROWS: [&[&str]; 5] =
    [&["||"], &["&&"], &["==", "!=", "<=", ">=", "<", ">", "in"], &["+", "-"], &["*", "/", "%"]];

/// Words of the language that are no variables.
const RESERVED: [&str; 20] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "var",
    "void",
    "while",
    "_",
];

pub(super) fn parse(tokens: Vec<Token>) -> Result<Node> {
    let end = tokens.last().map_or(0, |token| token.at + 1);
    let mut parser = Parser { tokens, place: 0, end, depth: 0 };
    let node = parser.expression()?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => parser.wrong("the expression should end"),
    }
}

struct Parser {
    tokens: Vec<Token>,
    place: usize,
    /// Where the text ends, for messages.
    end: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&What> {
        self.tokens.get(self.place).map(|token| &token.what)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.place).map_or(self.end, |token| token.at)
    }

    fn wrong<T>(&self, what: &str) -> Result<T> {
        Err(ExpressionError::Syntax { at: self.at(), what: what.to_owned() })
    }

    /// Takes this sign if it comes next.
    fn takes(&mut self, sign: &str) -> bool {
        let found = match self.peek() {
            Some(What::Sign(next)) => *next == sign,
            Some(What::Word(word)) => sign == "in" && word == "in",
            _ => false,
        };
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.takes(sign) { Ok(()) } else { self.wrong(&format!("`{sign}` should stand")) }
    }

    /// Runs `read` one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == EXPRESSION_DEPTH_MAX {
            return Err(ExpressionError::TooDeep);
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn expression(&mut self) -> Result<Node> {
        let first = self.binary(0)?;
        if !self.takes("?") {
            return Ok(first);
        }
        let yes = self.binary(0)?;
        self.expect(":")?;
        let no = self.deeper(Self::expression)?;
        Ok(Node::Choice(Box::new(first), Box::new(yes), Box::new(no)))
    }

    fn binary(&mut self, row: usize) -> Result<Node> {
        let Some(operators) = ROWS.get(row) else { return self.unary() };
        let mut left = self.binary(row + 1)?;
        while let Some(operator) = operators.iter().find(|sign| self.takes(sign)) {
            let right = self.binary(row + 1)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node> {
        if self.takes("!") {
            return self.deeper(|p| Ok(Node::Not(Box::new(p.unary()?))));
        }
        if !self.takes("-") {
            return self.primary();
        }
        // The smallest integer has no positive counterpart.
        if let Some(What::Int(number)) = self.peek() {
            let Some(negative) = 0_i64.checked_sub_unsigned(*number) else {
                return self.wrong("the number is too large");
            };
            self.place += 1;
            return Ok(Node::Int(negative));
        }
        self.deeper(|p| Ok(Node::Negative(Box::new(p.unary()?))))
    }

    fn primary(&mut self) -> Result<Node> {
        let Some(what) = self.peek().cloned() else {
            return self.wrong("a value should stand");
        };
        let node = match what {
            What::Int(number) => match i64::try_from(number) {
                Ok(number) => Node::Int(number),
                Err(_) => return self.wrong("the number is too large"),
            },
            What::Float(number) => Node::Float(number),
            What::Text(text) => Node::Text(text),
            What::Word(word) => return self.word(word),
            What::Sign("(") => {
                self.place += 1;
                let inner = self.deeper(Self::expression)?;
                self.expect(")")?;
                return self.ended(inner);
            }
            What::Sign("[") => {
                self.place += 1;
                let items = self.deeper(Self::items)?;
                return self.ended(Node::List(items));
            }
            What::Sign(_) => return self.wrong("a value should stand"),
        };
        self.place += 1;
        self.ended(node)
    }

    fn items(&mut self) -> Result<Vec<Node>> {
        let mut items = Vec::new();
        while !self.takes("]") {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(self.expression()?);
        }
        Ok(items)
    }

    fn word(&mut self, mut name: String) -> Result<Node> {
        let begins = self.at();
        self.place += 1;
        match name.as_str() {
            "true" => return self.ended(Node::Bool(true)),
            "false" => return self.ended(Node::Bool(false)),
            _ => {}
        }
        if RESERVED.contains(&name.as_str()) {
            self.place -= 1;
            return self.wrong(&format!("`{name}` is no variable"));
        }
        while self.takes(".") {
            let Some(What::Word(part)) = self.peek().cloned() else {
                return self.wrong("a name should stand");
            };
            self.place += 1;
            name.push('.');
            name.push_str(&part);
        }
        if self.takes("(") {
            return Err(ExpressionError::Call { at: begins });
        }
        self.ended(Node::Variable(name))
    }

    /// What may not follow a value: a member, an index, a call.
    fn ended(&mut self, node: Node) -> Result<Node> {
        match self.peek() {
            Some(What::Sign("." | "(")) => Err(ExpressionError::Call { at: self.at() }),
            Some(What::Sign("[")) => self.wrong("an index is not supported"),
            _ => Ok(node),
        }
    }
}
