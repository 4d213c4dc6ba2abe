//! The lines of a journal as this crate writes them: the same calls give the same bytes.

use std::io::{self, Write};

use serde::Serialize;

use super::line::{End, VERSION};
use super::load::{Entry, Header};
use crate::digest::{self, Digest};

/// Writes the lines of one file and counts what its trailer tells.
///
/// ```
/// use evenkeel_replay::journal::{self, Writer};
///
/// let mut writer = Writer::new(Vec::new());
/// # let loaded = journal::load(&b""[..]);
/// for header in &loaded.headers {
///     writer.header(header)?;
/// }
/// for entry in &loaded.entries {
///     writer.entry(entry)?;
/// }
/// let (bytes, end) = writer.end(0)?;
/// assert_eq!(end.ops, 0);
/// assert_eq!(journal::load(&bytes[..]).end, Some(end));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    lines: Lines,
    text: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Each line is written by one call of `output`: put a `BufWriter` there if that is slow.
    pub fn new(output: W) -> Self {
        Self {
            output,
            lines: Lines::default(),
            text: Vec::new(),
        }
    }

    /// Writes a machine's policy and state, with their right digest.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn header(&mut self, header: &Header) -> io::Result<()> {
        self.lines.header(header, &mut self.text)?;
        self.pass_on()
    }

    /// Writes a call and its answer.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        self.lines.entry(entry, &mut self.text)?;
        self.pass_on()
    }

    /// Writes the trailer. `lost` calls were dropped of which no header tells.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn end(mut self, lost: u64) -> io::Result<(W, End)> {
        let end = self.lines.end(lost, &mut self.text)?;
        self.pass_on()?;
        self.output.flush()?;
        Ok((self.output, end))
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let written = self.output.write_all(&self.text);
        self.text.clear();
        written
    }
}

/// Makes the lines of one file.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    ops: u64,
    dropped: u64,
    digest: Digest,
}

impl Lines {
    /// Adds a header to `text`.
    pub(crate) fn header(&mut self, header: &Header, text: &mut Vec<u8>) -> io::Result<()> {
        // Between values, JSON may hold a line's end, but a journal may not.
        let policy = header.policy.replace(['\n', '\r'], " ");
        let state = header.state.replace(['\n', '\r'], " ");
        let (policy, state) = (policy.trim(), state.trim());
        self.line(text, |text| {
            write!(text, "{{\"evenkeel\":\"journal\",\"version\":{VERSION}")?;
            write!(text, ",\"machine\":\"{}\"", header.kind.name())?;
            id(header.id, text)?;
            if let Some(name) = &header.name {
                text.extend_from_slice(b",\"name\":");
                value(name, text)?;
            }
            text.extend_from_slice(b",\"policy\":");
            text.extend_from_slice(policy.as_bytes());
            text.extend_from_slice(b",\"state\":");
            text.extend_from_slice(state.as_bytes());
            let digest = digest::of_machine(policy, state);
            write!(text, ",\"digest\":\"{digest:016x}\"")?;
            if let Some(dropped) = header.dropped {
                write!(text, ",\"dropped\":{dropped}")?;
            }
            text.extend_from_slice(b"}\n");
            Ok(())
        })?;
        self.dropped = self.dropped.saturating_add(header.dropped.unwrap_or(0));
        Ok(())
    }

    /// Adds a call to `text`.
    pub(crate) fn entry(&mut self, entry: &Entry, text: &mut Vec<u8>) -> io::Result<()> {
        self.line(text, |text| {
            text.extend_from_slice(b"{\"t\":");
            value(&entry.t_ns, text)?;
            id(entry.id, text)?;
            text.extend_from_slice(b",\"op\":");
            value(&entry.op, text)?;
            text.extend_from_slice(b",\"words\":");
            value(&entry.words, text)?;
            text.extend_from_slice(b",\"answer\":");
            value(&entry.answer, text)?;
            text.extend_from_slice(b"}\n");
            Ok(())
        })?;
        self.ops += 1;
        Ok(())
    }

    /// Adds the trailer to `text`.
    pub(crate) fn end(&mut self, lost: u64, text: &mut Vec<u8>) -> io::Result<End> {
        let dropped = self.dropped.saturating_add(lost);
        let (ops, digest) = (self.ops, self.digest.with_counts(self.ops, dropped));
        write!(text, "{{\"end\":{{\"ops\":{ops},\"dropped\":{dropped}")?;
        writeln!(text, ",\"digest\":\"{digest:016x}\"}}}}")?;
        let digest = Some(digest);
        Ok(End {
            ops,
            dropped,
            digest,
        })
    }

    /// A line that cannot be made leaves no trace.
    fn line(
        &mut self,
        text: &mut Vec<u8>,
        make: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        let begin = text.len();
        make(text).inspect_err(|_| text.truncate(begin))?;
        self.digest.add(&text[begin..]);
        Ok(())
    }
}

/// Machine 0 is not named: a journal of one machine needs no ids.
fn id(id: u64, text: &mut Vec<u8>) -> io::Result<()> {
    if id == 0 {
        return Ok(());
    }
    text.extend_from_slice(b",\"id\":");
    value(&id, text)
}

fn value<T: Serialize>(value: &T, text: &mut Vec<u8>) -> io::Result<()> {
    Ok(serde_json::to_writer(text, value)?)
}
