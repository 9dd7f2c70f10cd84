//! Standard output and error, colour, and questions.

use std::io::{BufRead, IsTerminal, Write};

use serde_json::Value;

use super::see::clean;
use crate::failure::{Failure, Outcome};

/// Longest answer to a question, in bytes.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Where a command prints.
pub(crate) struct Terminal {
    out: Box<dyn Write>,
    colour: bool,
    quiet: bool,
    /// Nothing but the answer goes to standard output.
    json: bool,
}

impl Terminal {
    /// Standard output; `colour` is what the user wants, if anything.
    pub fn standard(colour: Option<bool>) -> Self {
        let out = std::io::stdout();
        let colour = colour.unwrap_or_else(|| out.is_terminal());
        Self { out: Box::new(out), colour, quiet: false, json: false }
    }

    pub fn set(&mut self, quiet: bool, json: bool) {
        self.quiet |= quiet;
        self.json |= json;
    }

    pub fn quiet(&self) -> bool {
        self.quiet
    }

    pub fn json(&self) -> bool {
        self.json
    }

    /// A line of the answer.
    pub fn say(&mut self, line: &str) -> Outcome {
        writeln!(self.out, "{line}").and_then(|()| self.out.flush()).map_err(|error| {
            match error.kind() {
                std::io::ErrorKind::BrokenPipe => Failure::Pipe,
                _ => Failure::plain(format!("cannot print: {error}")),
            }
        })
    }

    /// Bytes of the answer, as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> Outcome {
        self.out.write_all(bytes).and_then(|()| self.out.flush()).map_err(|_| Failure::Pipe)
    }

    /// Whether lines besides the answer are printed: not under `-q`, not beside JSON.
    pub fn talks(&self) -> bool {
        !self.quiet && !self.json
    }

    /// A line besides the answer.
    pub fn talk(&mut self, line: &str) -> Outcome {
        if self.talks() { self.say(&clean(line)) } else { Ok(()) }
    }

    /// `OK`.
    pub fn ok(&mut self) -> Outcome {
        let ok = self.green("OK");
        if self.talks() { self.say(&ok) } else { Ok(()) }
    }

    /// The answer as JSON.
    pub fn print_json(&mut self, value: &Value) -> Outcome {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::plain(error.to_string()))?;
        self.say(&text)
    }

    /// Something that the user should know, beside the answer.
    pub fn warn(&self, line: &str) {
        // Whoever closed standard error does not want to know.
        let _ = writeln!(std::io::stderr(), "{}", clean(line));
    }

    /// Asks a question whose answer is yes or no. Anything else is no.
    ///
    /// # Errors
    /// When there is nobody to answer.
    pub fn confirm(&mut self, question: &str) -> Outcome<bool> {
        let answer =
            self.ask(&format!("{question} [y/N] ?>")).map_err(|failure| match failure {
                Failure::Plain { message, .. } => {
                    Failure::hinted(message, "give -f to do it without a question")
                }
                other => other,
            })?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks, and reads a line.
    ///
    /// # Errors
    /// When standard input has ended.
    pub fn ask(&mut self, question: &str) -> Outcome<String> {
        // Beside JSON the question must not be in the answer.
        let asked = format!("{} ", clean(question));
        if self.json {
            let _ = std::io::stderr().write_all(asked.as_bytes());
        } else {
            self.raw(asked.as_bytes())?;
        }
        let mut line = String::new();
        let read =
            std::io::Read::take(std::io::stdin().lock(), ANSWER_BYTES_MAX).read_line(&mut line);
        match read {
            Ok(0) | Err(_) => {
                // The question has no end of line of its own.
                let _ = writeln!(std::io::stderr());
                Err(Failure::plain("Nobody answered: the input has ended."))
            }
            Ok(_) => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    pub fn bold(&self, text: &str) -> String {
        self.painted("1", text)
    }

    pub fn coloured(&self, text: &str) -> String {
        self.painted("36", text)
    }

    pub fn green(&self, text: &str) -> String {
        self.painted("32;1", text)
    }

    /// A line whose first word is coloured.
    pub fn first_coloured(&self, line: &str) -> String {
        match line.split_once("   ") {
            Some((first, rest)) => format!("{}   {rest}", self.coloured(first)),
            None => self.coloured(line),
        }
    }

    fn painted(&self, how: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{how}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
