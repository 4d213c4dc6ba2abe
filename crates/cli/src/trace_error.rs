//! What can be wrong with a trace, said with file, line, column, what was found, what was expected and the fix.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use csv::ByteRecord;

use crate::trace::{COLUMNS, line_of, whole};
use crate::{near, place};

/// More of a line is not read for an error message.
const LONGEST_LINE: u64 = 1 << 16;

/// What is wrong with the current record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// Which of [`COLUMNS`]; `None` when the record as a whole is wrong.
    pub(crate) column: Option<usize>,
    pub(crate) found: Found,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    NoColumn { name: &'static str },
    ColumnTwice { name: &'static str },
    Fields { found: usize, expected: usize },
    Number,
    TimeGoesBack { before: u64 },
    Outcome,
    EmptyKey,
    NotUtf8,
    TooManyKeys,
}

impl Fault {
    pub(crate) fn in_row(found: Found) -> Self {
        Self {
            column: None,
            found,
        }
    }

    pub(crate) fn in_column(column: usize, found: Found) -> Self {
        Self {
            column: Some(column),
            found,
        }
    }

    /// One sentence: what was found in `field`, what was expected, and the fix.
    fn sentence(&self, record: &ByteRecord, field: &[u8]) -> String {
        let header = COLUMNS.join(",");
        let found = place::quoted(field);
        let column = self.column.map_or("", |column| COLUMNS[column]);
        match self.found {
            Found::NoColumn { name } => format!(
                "the column {name} is missing: found the header {}, expected the columns {header} in any order: {}",
                place::quoted(&joined(record)),
                header_fix(record, name),
            ),
            Found::ColumnTwice { name } => {
                format!("found the column {name} twice, expected it once: rename one of them")
            }
            Found::Fields { found, expected } => format!(
                "found {found} field{}, expected {expected} as in the header: {}",
                if found == 1 { "" } else { "s" },
                if found > expected {
                    "a field with a comma in it needs quotes"
                } else {
                    "complete the row or delete it"
                }
            ),
            Found::Number => format!(
                "found {found} as {column}, expected {}",
                number_wanted(field)
            ),
            Found::TimeGoesBack { before } => format!(
                "time goes back: found t_ns {}, expected at least {before} as in the row before: sort the trace by t_ns",
                String::from_utf8_lossy(field)
            ),
            Found::Outcome => format!("found {found} as outcome, expected ok, error or timeout"),
            Found::EmptyKey => {
                "found an empty key, expected a name: give calls without one a key such as \"none\""
                    .to_owned()
            }
            Found::NotUtf8 => format!(
                "found {found} as key, which is not UTF-8, expected UTF-8 text: convert the file"
            ),
            Found::TooManyKeys => format!(
                "found more than {} keys, expected fewer: run without --per-key",
                u32::MAX
            ),
        }
    }
}

/// A column of nearly that name, or a file that starts with its first row, is the likely cause.
fn header_fix(header: &ByteRecord, missing: &str) -> String {
    let names = header
        .iter()
        .filter_map(|name| std::str::from_utf8(name).ok());
    match near::nearest(missing, names) {
        Some(near) => format!("rename {} to {missing}", place::quoted(near.as_bytes())),
        None => "the first line must name the columns; docs/tutorial.md makes a trace from a log"
            .to_owned(),
    }
}

fn number_wanted(field: &[u8]) -> String {
    let range = format!("a whole number of nanoseconds from 0 to {}", u64::MAX);
    let digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    match field {
        [] => format!("{range}: the field is empty"),
        [b'-', rest @ ..] if digits(rest) => format!("{range}: it cannot be negative"),
        _ if digits(field) && whole(field).is_none() => format!("{range}: it is too large"),
        _ => range,
    }
}

/// Where a fault is.
pub(crate) struct FaultPlace<'a> {
    /// The file as named by the user.
    pub(crate) name: &'a str,
    /// The file to read the line from; `None` for standard input.
    pub(crate) path: Option<&'a Path>,
    pub(crate) record: &'a ByteRecord,
    /// Which field of the record; `None` for all of it.
    pub(crate) field: Option<usize>,
    /// Whether the file ends in this record, without a line end.
    pub(crate) unfinished: bool,
}

impl FaultPlace<'_> {
    pub(crate) fn complaint(&self, fault: &Fault) -> String {
        let (number, line) = self.line();
        let field = self.field.and_then(|at| self.record.get(at)).unwrap_or(b"");
        let span = match self.field {
            Some(at) => field_span(&line, at),
            None => 0..line.len(),
        };
        let mut what = fault.sentence(self.record, field);
        if self.unfinished && self.is_cut(fault) {
            what +=
                ". The file ends in the middle of this line: it was cut off while being written";
        }
        place::complaint(self.name, number, &line, span, &what)
    }

    /// Only a record that lacks fields, or whose last field is wrong, may have been cut off.
    fn is_cut(&self, fault: &Fault) -> bool {
        match fault.found {
            Found::Fields { found, expected } => found < expected,
            _ => self.field.is_some_and(|at| at + 1 == self.record.len()),
        }
    }

    /// The line as it stands in the file, and its number; put together again where it cannot be read twice.
    fn line(&self) -> (u64, Vec<u8>) {
        let Some(start) = self.record.position() else {
            return (1, joined(self.record));
        };
        let (number, line) = self
            .path
            .and_then(|path| line_at(path, start).ok())
            .unwrap_or_else(|| (start.line(), joined(self.record)));
        (number.max(line_of(start)), line)
    }
}

/// The first line at or after `start` that is not empty: the CSV reader skips empty lines, and places a record
/// after CRLF before the LF.
fn line_at(path: &Path, start: &csv::Position) -> std::io::Result<(u64, Vec<u8>)> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start.byte()))?;
    let mut file = BufReader::new(std::io::Read::take(file, LONGEST_LINE));
    let mut number = start.line();
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        let ended = line.ends_with(b"\n");
        // Where lines end with CR alone, all of them come at once.
        let mut parts = line.split(|byte| matches!(byte, b'\n' | b'\r'));
        if let Some(first) = parts.find(|part| !part.is_empty()) {
            return Ok((number, first.to_vec()));
        }
        number += u64::from(ended);
        line.clear();
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

fn joined(record: &ByteRecord) -> Vec<u8> {
    record.iter().collect::<Vec<_>>().join(&b',')
}

/// The bytes of field `at` in a line, quotes included.
fn field_span(line: &[u8], at: usize) -> Range<usize> {
    let mut quoted = false;
    let mut field = 0;
    let mut start = 0;
    for (offset, byte) in line.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted && field == at => return start..offset,
            b',' if !quoted => {
                field += 1;
                start = offset + 1;
            }
            _ => {}
        }
    }
    start..line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_quotes_ends_no_field() {
        let line = br#"5,"a,b",7,ok"#;
        assert_eq!(field_span(line, 0), 0..1);
        assert_eq!(field_span(line, 1), 2..7);
        assert_eq!(field_span(line, 2), 8..9);
        assert_eq!(field_span(line, 3), 10..12);
    }
}
