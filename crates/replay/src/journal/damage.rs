//! Where a journal is damaged, and how.

use core::fmt;

/// Where a line of a journal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its number, from 1.
    pub line: u64,
    /// How many bytes of the file lie before it.
    pub byte: u64,
}

/// What makes a text no journal, and where: what stands before it can be trusted as far as it goes.
///
/// ```
/// use evenkeel_replay::journal;
///
/// let damage = journal::load(&b"{\"t\":1}\n"[..]).damage.expect("no header");
/// assert_eq!((damage.line, damage.byte), (1, 0));
/// assert_eq!(damage.to_string(), "line 1 (byte 0): this is neither a header nor a call nor a trailer");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Damage {
    /// The line, from 1.
    pub line: u64,
    /// How many bytes of the file lie before the damage; before its line where the column is not known.
    pub byte: u64,
    /// The byte within the line, from 1, where it is known.
    pub column: Option<u64>,
    /// What is wrong, in a sentence.
    pub reason: String,
}

impl Damage {
    pub(crate) fn at(place: Place, reason: impl Into<String>) -> Self {
        Self {
            line: place.line,
            byte: place.byte,
            column: None,
            reason: reason.into(),
        }
    }

    /// `column` counts from 1.
    pub(crate) fn at_column(place: Place, column: usize, reason: impl Into<String>) -> Self {
        let column = column.max(1) as u64;
        Self {
            byte: place.byte + column - 1,
            column: Some(column),
            ..Self::at(place, reason)
        }
    }

    /// A part of the line `text` that cannot be read; `before` says what it was to be.
    pub(crate) fn unread(
        place: Place,
        text: &str,
        part: &str,
        before: &str,
        error: &serde_json::Error,
    ) -> Self {
        // A part lies within its line, so this is its distance from the line's begin.
        let begin = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let told = error.to_string();
        let told = told
            .rsplit_once(" at line ")
            .map_or(told.as_str(), |(told, _)| told);
        Self::at_column(place, begin + error.column(), format!("{before}{told}"))
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, " (byte {}): {}", self.byte, self.reason)
    }
}
