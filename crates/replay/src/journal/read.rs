//! Reads a journal line by line and sees that it is whole.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use super::damage::{Damage, Place};
use super::line::{self, End, Line};
use crate::any::Kind;
use crate::digest::Digest;

/// No line is longer, in bytes: the state of a large table may be long, but something is no journal.
pub const MAX_LINE: u64 = 1 << 30;

/// Reads a journal line by line, holding one line at a time.
///
/// It sees to all that can be seen without a machine: that each line is one, that each call is of a machine that has a
/// header, that the trailer is there, is right and is the last. What the calls and answers are, [`verify`] says.
///
/// [`verify`]: crate::verify()
///
/// ```
/// use evenkeel_replay::journal::{Line, Reader};
///
/// let mut reader = Reader::new(&b"{\"end\":{\"ops\":0,\"dropped\":0}}\n"[..]);
/// assert!(matches!(reader.next_line()?, Some(Line::End(_))));
/// assert!(reader.next_line()?.is_none());
/// # Ok::<(), evenkeel_replay::journal::Damage>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    text: Vec<u8>,
    /// Of the next line.
    place: Place,
    digest: Digest,
    kinds: BTreeMap<u64, Kind>,
    seen: End,
    has_ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// From its begin.
    pub fn new(input: R) -> Self {
        Self {
            input,
            text: Vec::new(),
            place: Place { line: 1, byte: 0 },
            digest: Digest::default(),
            kinds: BTreeMap::new(),
            seen: End::default(),
            has_ended: false,
        }
    }

    /// The next line; `None` after the trailer, and after damage.
    ///
    /// # Errors
    ///
    /// What makes the rest no journal.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, Damage> {
        if self.has_ended {
            return Ok(None);
        }
        self.has_ended = true;
        let place = self.place;
        take_line(&mut self.input, &mut self.text, place)?;
        let text = core::str::from_utf8(&self.text).map_err(|error| {
            Damage::at_column(place, error.valid_up_to() + 1, "this is not UTF-8")
        })?;
        let kinds = &self.kinds;
        let line = line::read(text, place, |id| kinds.get(&id).copied())?;
        match &line {
            Line::Header(header) => {
                self.kinds.insert(header.id, header.kind);
                self.seen.dropped = self
                    .seen
                    .dropped
                    .saturating_add(header.dropped.unwrap_or(0));
            }
            Line::Op(_) => self.seen.ops += 1,
            Line::End(end) => {
                let digest = self.digest.with_counts(end.ops, end.dropped);
                end.check(&self.seen, digest, place)?;
                let next = Place {
                    line: place.line + 1,
                    byte: place.byte + self.text.len() as u64,
                };
                let rest = self.input.fill_buf();
                if !rest.map_err(|error| unreadable(next, &error))?.is_empty() {
                    return Err(Damage::at(
                        next,
                        "the trailer is the last line, but more follows",
                    ));
                }
                return Ok(Some(line));
            }
        }
        self.digest.add(&self.text);
        self.place.line += 1;
        self.place.byte += self.text.len() as u64;
        self.has_ended = false;
        Ok(Some(line))
    }
}

impl End {
    /// Whether it tells what was seen. Losses that no header tells are told here alone, so there may be more of them.
    fn check(&self, seen: &Self, digest: u64, place: Place) -> Result<(), Damage> {
        let reason = if self.ops != seen.ops {
            format!(
                "the trailer counts {} calls, but there are {}",
                self.ops, seen.ops
            )
        } else if self.dropped < seen.dropped {
            format!(
                "the trailer counts {} lost calls, but the headers tell of {}",
                self.dropped, seen.dropped
            )
        } else if self.digest.is_some_and(|told| told != digest) {
            "the trailer's digest is not that of this journal: it has been changed".into()
        } else {
            return Ok(());
        };
        Err(Damage::at(place, reason))
    }
}

/// Reads one whole line, newline included.
fn take_line(input: &mut impl BufRead, text: &mut Vec<u8>, place: Place) -> Result<(), Damage> {
    text.clear();
    let taken = input.by_ref().take(MAX_LINE).read_until(b'\n', text);
    taken.map_err(|error| unreadable(place, &error))?;
    if text.last() == Some(&b'\n') {
        return Ok(());
    }
    Err(Damage::at(
        place,
        match text.len() as u64 {
            0 if place.byte == 0 => "there is nothing in it".into(),
            0 => "the journal ends here without a trailer: its tail is cut off".into(),
            MAX_LINE => format!("this line is longer than {MAX_LINE} bytes"),
            length => {
                format!("the journal ends {length} bytes into this line: its tail is cut off")
            }
        },
    ))
}

fn unreadable(place: Place, error: &std::io::Error) -> Damage {
    Damage::at(place, format!("it cannot be read on: {error}"))
}
