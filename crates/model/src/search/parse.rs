//! The part of the Lucene query syntax that clients of IBM's search send.
//!
//! ```text
//! query  := clause ((OR)? clause)*        clauses side by side are joined by OR
//! clause := unary (AND unary)*            AND binds closer than OR
//! unary  := (NOT | ! | - | +)? (field:)? ( "(" query ")" | "phrase" | word )
//! ```
//!
//! As in Lucene, a `NOT` or `-` clause that stands beside others without an operator excludes,
//! and `+` makes its clause needed. Ranges, fuzzy terms, boosts and regular expressions are
//! refused by name.

use super::{Piece, SearchField, SearchQuery, SearchTest, Wildcard};

/// Longest query, in bytes.
pub const QUERY_BYTES_MAX: usize = 16_384;
/// Most terms of a query.
pub const QUERY_TERMS_MAX: usize = 256;
/// Most parentheses and negations inside each other.
pub const QUERY_DEPTH_MAX: usize = 32;
/// Most wildcards of a term.
pub const TERM_WILDCARDS_MAX: usize = 16;

/// Why a text is not a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// It is too long.
    #[error("it is longer than {QUERY_BYTES_MAX} bytes")]
    TooLong,
    /// It has too many terms.
    #[error("it has more than {QUERY_TERMS_MAX} terms")]
    TooManyTerms,
    /// It is nested too deeply.
    #[error("it has more than {QUERY_DEPTH_MAX} levels")]
    TooDeep,
    /// A term has too many wildcards.
    #[error("a term has more than {TERM_WILDCARDS_MAX} wildcards")]
    TooManyWildcards,
    /// It cannot be read.
    #[error("{what} at character {at}")]
    Syntax {
        /// What is wrong.
        what: &'static str,
        /// Where, counted from 1.
        at: usize,
    },
    /// Lucene has it, this region does not.
    #[error("{what} are not served")]
    NotServed {
        /// What it is, in plural.
        what: &'static str,
    },
}

impl SearchQuery {
    /// Reads a query. An empty one and `*` are everything.
    ///
    /// # Errors
    /// [`SearchError`] says where and why.
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(SearchError::TooLong);
        }
        let mut parser = Parser { chars: text.chars().collect(), at: 0, terms: 0 };
        parser.blanks();
        if parser.peek().is_none() {
            return Ok(Self::All);
        }
        let query = parser.clauses(SearchField::Any, 0)?;
        if parser.peek().is_some() {
            return Err(parser.syntax("an unmatched parenthesis"));
        }
        Ok(query)
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    terms: usize,
}

/// How a clause stands among its neighbours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Must,
    MustNot,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    const fn syntax(&self, what: &'static str) -> SearchError {
        SearchError::Syntax { what, at: self.at + 1 }
    }

    /// Takes an operator if it stands here.
    fn operator(&mut self, word: &str, signs: &str) -> bool {
        self.blanks();
        for (text, is_word) in [(word, true), (signs, false)] {
            let end = self.at + text.len();
            let here = self.chars.get(self.at..end).is_some_and(|c| c.iter().eq(&to_chars(text)));
            let ends = self.chars.get(end).is_none_or(|c| c.is_whitespace() || "()\"".contains(*c));
            if here && (!is_word || ends) {
                self.at = end;
                return true;
            }
        }
        false
    }

    fn at_end(&mut self) -> bool {
        self.blanks();
        matches!(self.peek(), None | Some(')'))
    }

    fn clauses(&mut self, field: SearchField, depth: usize) -> Result<SearchQuery, SearchError> {
        if depth > QUERY_DEPTH_MAX {
            return Err(SearchError::TooDeep);
        }
        let (mut any, mut must, mut must_not) = (Vec::new(), Vec::new(), Vec::new());
        let mut after_or = false;
        loop {
            let (sign, clause) = self.clause(field, depth)?;
            let before_or = self.operator("OR", "||");
            match (sign, clause) {
                (Sign::Must, clause) => must.push(clause),
                (Sign::MustNot, SearchQuery::Not(inner)) if !after_or && !before_or => {
                    must_not.push(SearchQuery::Not(inner));
                }
                (_, clause) => any.push(clause),
            }
            after_or = before_or;
            if self.at_end() {
                if before_or {
                    return Err(self.syntax("a term is missing"));
                }
                break;
            }
        }
        // What is only wished for does not matter where something is needed.
        if must.is_empty() && !any.is_empty() {
            must.push(joined(any, SearchQuery::Or));
        }
        must.append(&mut must_not);
        Ok(joined(must, SearchQuery::And))
    }

    fn clause(
        &mut self,
        field: SearchField,
        depth: usize,
    ) -> Result<(Sign, SearchQuery), SearchError> {
        let (mut sign, first) = self.unary(field, depth)?;
        let mut parts = vec![first];
        while self.operator("AND", "&&") {
            parts.push(self.unary(field, depth)?.1);
            sign = Sign::None;
        }
        Ok((sign, joined(parts, SearchQuery::And)))
    }

    fn unary(
        &mut self,
        field: SearchField,
        depth: usize,
    ) -> Result<(Sign, SearchQuery), SearchError> {
        if depth > QUERY_DEPTH_MAX {
            return Err(SearchError::TooDeep);
        }
        if self.operator("NOT", "!") || self.sign('-') {
            let (_, inner) = self.unary(field, depth + 1)?;
            return Ok((Sign::MustNot, SearchQuery::Not(Box::new(inner))));
        }
        if self.sign('+') {
            return Ok((Sign::Must, self.unary(field, depth + 1)?.1));
        }
        for word in [("AND", "&&"), ("OR", "||")] {
            if self.operator(word.0, word.1) {
                return Err(self.syntax("a term is missing before an operator"));
            }
        }
        Ok((Sign::None, self.primary(field, depth)?))
    }

    fn sign(&mut self, wanted: char) -> bool {
        self.blanks();
        let next = self.chars.get(self.at + 1);
        let here = self.peek() == Some(wanted) && next.is_some_and(|c| !c.is_whitespace());
        if here {
            self.at += 1;
        }
        here
    }

    fn primary(&mut self, field: SearchField, depth: usize) -> Result<SearchQuery, SearchError> {
        let field = self.field().unwrap_or(field);
        self.blanks();
        match self.peek() {
            None | Some(')') => Err(self.syntax("a term is missing")),
            Some('(') => {
                self.at += 1;
                let query = self.clauses(field, depth + 1)?;
                self.blanks();
                if self.peek() != Some(')') {
                    return Err(self.syntax("a closing parenthesis is missing"));
                }
                self.at += 1;
                self.no_suffix()?;
                Ok(query)
            }
            Some('[' | '{' | '<' | '>') => Err(SearchError::NotServed { what: "ranges" }),
            Some('/') => Err(SearchError::NotServed { what: "regular expressions" }),
            Some('"' | '\u{201c}' | '\u{201d}') => {
                let phrase = self.phrase()?;
                self.term(field, SearchTest::Is(phrase))
            }
            Some(_) => {
                let word = self.word()?;
                self.word_term(field, word)
            }
        }
    }

    fn word_term(
        &mut self,
        field: SearchField,
        word: Wildcard,
    ) -> Result<SearchQuery, SearchError> {
        if word.wildcards() > TERM_WILDCARDS_MAX {
            return Err(SearchError::TooManyWildcards);
        }
        match word.literal() {
            Some(text) => self.term(field, SearchTest::Is(text)),
            None if word.is_anything() && field == SearchField::Any => {
                self.term(field, SearchTest::Exists)?;
                Ok(SearchQuery::All)
            }
            None if word.is_anything() => self.term(field, SearchTest::Exists),
            None => self.term(field, SearchTest::Like(word)),
        }
    }

    fn term(&mut self, field: SearchField, test: SearchTest) -> Result<SearchQuery, SearchError> {
        self.terms += 1;
        if self.terms > QUERY_TERMS_MAX {
            return Err(SearchError::TooManyTerms);
        }
        Ok(SearchQuery::Term(field, test))
    }

    /// Takes `field:` if it stands here; `*:` is every field. Behind it, further colons belong to
    /// the word: Lucene wants them escaped, and people forget that.
    fn field(&mut self) -> Option<SearchField> {
        let rest = &self.chars[self.at..];
        let length =
            rest.iter().position(|c| !(c.is_ascii_alphanumeric() || "_.*".contains(*c)))?;
        if length == 0 || rest[length] != ':' {
            return None;
        }
        let name: String = rest[..length].iter().collect();
        let field = match name.as_str() {
            "*" => SearchField::Any,
            _ => SearchField::named(&name.to_ascii_lowercase()),
        };
        self.at += length + 1;
        Some(field)
    }

    /// A text between double quotes, lower-case; nothing in it is special but the backslash.
    fn phrase(&mut self) -> Result<String, SearchError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else {
                return Err(self.syntax("a closing quote is missing"));
            };
            self.at += 1;
            match c {
                '"' | '\u{201c}' | '\u{201d}' => break,
                '\\' => {
                    let Some(c) = self.peek() else {
                        return Err(self.syntax("a closing quote is missing"));
                    };
                    self.at += 1;
                    text.push(c.to_ascii_lowercase());
                }
                other => text.push(other.to_ascii_lowercase()),
            }
        }
        self.no_suffix()?;
        Ok(text)
    }

    fn word(&mut self) -> Result<Wildcard, SearchError> {
        let mut word = Wildcard::default();
        while let Some(c) = self.peek() {
            match c {
                '(' | ')' | '"' => break,
                c if c.is_whitespace() => break,
                '^' | '~' => break,
                '[' | ']' | '{' | '}' => return Err(self.syntax("an unexpected bracket")),
                _ => {}
            }
            self.at += 1;
            word.push(match c {
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => {
                    let Some(escaped) = self.peek() else {
                        return Err(self.syntax("a character is missing after a backslash"));
                    };
                    self.at += 1;
                    Piece::Char(escaped)
                }
                other => Piece::Char(other),
            });
        }
        self.no_suffix()?;
        if word.pieces().is_empty() {
            return Err(self.syntax("a term is missing"));
        }
        Ok(word)
    }

    /// Refuses what Lucene lets follow a term.
    fn no_suffix(&self) -> Result<(), SearchError> {
        match self.peek() {
            Some('^') => Err(SearchError::NotServed { what: "boosts" }),
            Some('~') => Err(SearchError::NotServed { what: "fuzzy terms" }),
            _ => Ok(()),
        }
    }
}

fn to_chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn joined(mut parts: Vec<SearchQuery>, join: fn(Vec<SearchQuery>) -> SearchQuery) -> SearchQuery {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}
