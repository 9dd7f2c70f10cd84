//! Texts with wildcards: `*` for any characters, `?` for one.

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Exactly this character.
    Char(char),
    /// Any characters, also none.
    Any,
    /// One character.
    One,
}

/// A pattern. Read by [`Self::push`] and [`Self::matches`] it tells no letters by their case; read by
/// [`Self::push_exact`] and [`Self::matches_exact`] it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wildcard(Vec<Piece>);

impl Wildcard {
    /// A text in which `*` alone is special.
    #[must_use]
    pub fn of_stars(text: &str) -> Self {
        let mut pattern = Self::default();
        for c in text.chars() {
            pattern.push(if c == '*' { Piece::Any } else { Piece::Char(c) });
        }
        pattern
    }

    /// Adds a part at the end; letters become lower-case, stars in a row become one.
    pub fn push(&mut self, piece: Piece) {
        match piece {
            Piece::Char(c) => self.push_exact(Piece::Char(c.to_ascii_lowercase())),
            other => self.push_exact(other),
        }
    }

    /// Adds a part at the end as it is; stars in a row become one.
    pub fn push_exact(&mut self, piece: Piece) {
        if piece != Piece::Any || self.0.last() != Some(&Piece::Any) {
            self.0.push(piece);
        }
    }

    /// Its parts.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// How many of its parts are not characters.
    #[must_use]
    pub fn wildcards(&self) -> usize {
        self.0.iter().filter(|piece| !matches!(piece, Piece::Char(_))).count()
    }

    /// The text, when it has no wildcard.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        let chars = self.0.iter().map(|piece| match piece {
            Piece::Char(c) => Some(*c),
            Piece::Any | Piece::One => None,
        });
        chars.collect()
    }

    /// Whether it is `*`.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        self.0 == [Piece::Any]
    }

    /// Whether `text`, made lower-case, fits as a whole. Takes time by the product of both
    /// lengths at most.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.fits(&text.chars().map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>())
    }

    /// As [`Self::matches`], of `text` as it is.
    #[must_use]
    pub fn matches_exact(&self, text: &str) -> bool {
        self.fits(&text.chars().collect::<Vec<_>>())
    }

    fn fits(&self, text: &[char]) -> bool {
        let (mut at, mut piece) = (0, 0);
        // Where the last star was, and how much it has taken so far.
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(piece) {
                Some(Piece::Any) => {
                    star = Some((piece, at));
                    piece += 1;
                    continue;
                }
                Some(Piece::One) => {
                    (at, piece) = (at + 1, piece + 1);
                    continue;
                }
                Some(Piece::Char(c)) if *c == text[at] => {
                    (at, piece) = (at + 1, piece + 1);
                    continue;
                }
                Some(Piece::Char(_)) | None => {}
            }
            let Some((star_piece, taken)) = star else { return false };
            star = Some((star_piece, taken + 1));
            (at, piece) = (taken + 1, star_piece + 1);
        }
        self.0[piece..].iter().all(|rest| *rest == Piece::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Wildcard {
        let mut pattern = Wildcard::default();
        for c in text.chars() {
            pattern.push(match c {
                '*' => Piece::Any,
                '?' => Piece::One,
                other => Piece::Char(other),
            });
        }
        pattern
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, yes, no) in [
            ("a", "A", "b"),
            ("a*", "a", "ba"),
            ("*a", "bba", "ab"),
            ("*a*b*", "xaxbx", "xbxa"),
            ("a?c", "abc", "ac"),
            ("?", "a", ""),
            ("**", "", "\u{0}x_never"),
            ("*?", "a", ""),
            ("a*a", "aa", "a"),
            ("*ab", "aab", "aba"),
        ] {
            assert!(of(pattern).matches(yes), "{pattern} {yes}");
            if pattern != "**" {
                assert!(!of(pattern).matches(no), "{pattern} {no}");
            }
        }
    }

    #[test]
    fn an_exact_pattern_tells_letters_by_their_case() {
        let mut pattern = Wildcard::default();
        for piece in [Piece::Char('A'), Piece::Any, Piece::Any, Piece::Char('*')] {
            pattern.push_exact(piece);
        }
        assert_eq!(pattern.pieces(), [Piece::Char('A'), Piece::Any, Piece::Char('*')]);
        assert!(pattern.matches_exact("Ab*") && pattern.matches_exact("A*"));
        assert!(!pattern.matches_exact("ab*") && !pattern.matches_exact("Ab"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = of(&"*a".repeat(60));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(8_000))));
    }
}
