//! Reads recorded traffic: CSV with the columns `t_ns,key,latency_ns,outcome`, one row at a time.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use csv::ByteRecord;

use crate::extent::Extent;
use crate::input;
use crate::keys::{KeyCount, Keys};
use crate::progress::Progress;
use crate::trace_error::{Fault, FaultPlace, Found};

/// The columns, in the order in which [`Trace`] keeps their places.
pub(crate) const COLUMNS: [&str; 4] = ["t_ns", "key", "latency_ns", "outcome"];
pub(crate) const T_NS: usize = 0;
pub(crate) const KEY: usize = 1;
pub(crate) const LATENCY_NS: usize = 2;
pub(crate) const OUTCOME: usize = 3;

const BUFFER: usize = 1 << 17;

/// How a recorded call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RowOutcome {
    Ok,
    Error,
    /// No answer came.
    Timeout,
}

/// One recorded call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// When it started.
    pub(crate) t_ns: u64,
    pub(crate) key: &'a str,
    /// The key's number by first appearance; always 0 where keys are not told apart ([`Keyed::No`]).
    pub(crate) key_id: u32,
    pub(crate) latency_ns: u64,
    pub(crate) outcome: RowOutcome,
}

/// Whether keys are numbered. Numbering keeps every key's name in memory; without it memory does not grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keyed {
    Yes,
    No,
}

/// A trace being read.
pub(crate) struct Trace {
    name: String,
    /// `None` for standard input.
    path: Option<PathBuf>,
    csv: csv::Reader<Input>,
    record: ByteRecord,
    /// Where each of [`COLUMNS`] stands in a record.
    columns: [usize; 4],
    width: usize,
    keys: Keys,
    last_t_ns: u64,
    extent: Extent,
}

/// A row is a few dozen bytes; without a bound one stray quote would take in the rest of the file.
const LONGEST_RECORD: u64 = 1 << 20;

impl Trace {
    /// Opens `path` (`-` is standard input) and reads its header.
    pub(crate) fn open(path: &Path, keyed: Keyed, progress: Progress) -> Result<Self> {
        let (source, len) = input::open(path)?;
        let input = Input::new(source, progress.over(len));
        let looked_into = path.is_file().then(|| path.to_owned());
        Self::read(input::name(path), looked_into, input, keyed)
    }

    /// Reads the header of a trace that users call `name`, and which they may look into at `path`.
    pub(crate) fn read(
        name: String,
        path: Option<PathBuf>,
        input: Input,
        keyed: Keyed,
    ) -> Result<Self> {
        let mut trace = Self {
            name,
            path,
            csv: csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .buffer_capacity(BUFFER)
                .from_reader(input),
            record: ByteRecord::new(),
            columns: [0; 4],
            width: 0,
            keys: Keys::new(keyed),
            last_t_ns: 0,
            extent: Extent::default(),
        };
        if !trace.advance()? {
            return Err(anyhow!(
                "{}:1:1: found an empty file, expected the header {} and at least one row",
                trace.name,
                COLUMNS.join(",")
            ));
        }
        trace.columns = find_columns(&trace.record).map_err(|fault| trace.explain(fault))?;
        trace.width = trace.record.len();
        Ok(trace)
    }

    /// The next row, or `None` after the last one.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>> {
        if !self.advance()? {
            if self.extent.rows > 0 {
                return Ok(None);
            }
            return Err(anyhow!(
                "{}:2:1: found no row after the header, expected at least one: an empty trace has nothing to show",
                self.name
            ));
        }
        match self.parse() {
            Ok(parsed) => {
                self.last_t_ns = parsed.t_ns;
                let failed = parsed.outcome != RowOutcome::Ok;
                let line = self.record.position().map_or(0, line_of);
                self.extent.row(parsed.t_ns, failed, line);
                Ok(Some(Row {
                    t_ns: parsed.t_ns,
                    key: self.keys.name(parsed.key_id),
                    key_id: parsed.key_id,
                    latency_ns: parsed.latency_ns,
                    outcome: parsed.outcome,
                }))
            }
            Err(fault) => Err(self.explain(fault)),
        }
    }

    /// How the trace is called in messages and pictures.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether its keys are numbered.
    pub(crate) fn keyed(&self) -> Keyed {
        self.keys.keyed()
    }

    /// How far the rows read so far reach.
    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    /// How many keys were met so far.
    pub(crate) fn key_count(&self) -> KeyCount {
        self.keys.count()
    }

    /// The names of all keys met so far, by number.
    pub(crate) fn into_keys(self) -> Vec<String> {
        self.keys.into_names()
    }

    fn advance(&mut self) -> Result<bool> {
        let line = self.csv.position().line();
        let read = self.csv.read_byte_record(&mut self.record);
        let input = self.csv.get_mut();
        if input.since_record > LONGEST_RECORD {
            return Err(anyhow!(
                "{}:{line}:1: found a row of more than {LONGEST_RECORD} bytes, expected a short one: is a quote left open?",
                self.name
            ));
        }
        input.since_record = 0;
        read.map_err(|error| anyhow!("{}: cannot be read: {error}", self.name))
    }

    fn parse(&mut self) -> Result<Parsed, Fault> {
        if self.record.len() != self.width {
            return Err(Fault::in_row(Found::Fields {
                found: self.record.len(),
                expected: self.width,
            }));
        }
        let field = |column: usize| &self.record[self.columns[column]];
        let number = |column: usize| {
            whole(field(column)).ok_or_else(|| Fault::in_column(column, Found::Number))
        };
        let t_ns = number(T_NS)?;
        if t_ns < self.last_t_ns {
            let before = self.last_t_ns;
            return Err(Fault::in_column(T_NS, Found::TimeGoesBack { before }));
        }
        let latency_ns = number(LATENCY_NS)?;
        let outcome = match field(OUTCOME) {
            b"ok" => RowOutcome::Ok,
            b"error" => RowOutcome::Error,
            b"timeout" => RowOutcome::Timeout,
            _ => return Err(Fault::in_column(OUTCOME, Found::Outcome)),
        };
        let key_id = self
            .keys
            .id(field(KEY))
            .map_err(|found| Fault::in_column(KEY, found))?;
        Ok(Parsed {
            t_ns,
            key_id,
            latency_ns,
            outcome,
        })
    }

    /// Says where `fault` is and how to mend it. The record at fault is the current one.
    fn explain(&mut self, fault: Fault) -> anyhow::Error {
        // Whether this is the last line shows only when the reader has looked for another one.
        // A pipe is not asked: its next row may be long in coming.
        let last = self.path.is_some()
            && matches!(self.csv.read_byte_record(&mut ByteRecord::new()), Ok(false));
        let place = FaultPlace {
            name: &self.name,
            path: self.path.as_deref(),
            record: &self.record,
            field: fault.column.map(|column| self.columns[column]),
            unfinished: last && !self.csv.get_ref().ends_with_newline(),
        };
        anyhow!(place.complaint(&fault))
    }
}

/// The line of a record. Each begins a line of its own, also where lines end with CR, which the CSV reader does not
/// count.
pub(crate) fn line_of(start: &csv::Position) -> u64 {
    start.line().max(start.record() + 1)
}

struct Parsed {
    t_ns: u64,
    key_id: u32,
    latency_ns: u64,
    outcome: RowOutcome,
}

/// A whole number of digits only, as `u64`: no sign, no blank.
#[inline]
pub(crate) fn whole(digits: &[u8]) -> Option<u64> {
    /// 19 digits always fit.
    const SAFE: usize = 19;
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    let (safe, rest) = digits.split_at(digits.len().min(SAFE));
    for &byte in safe {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    for &byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

fn find_columns(header: &ByteRecord) -> Result<[usize; 4], Fault> {
    let mut columns = [0; 4];
    for (column, name) in COLUMNS.iter().enumerate() {
        let mut places = (0..header.len()).filter(|&at| &header[at] == name.as_bytes());
        columns[column] = places
            .next()
            .ok_or_else(|| Fault::in_row(Found::NoColumn { name }))?;
        if places.next().is_some() {
            return Err(Fault::in_row(Found::ColumnTwice { name }));
        }
    }
    Ok(columns)
}

/// The bytes of a trace, watched for progress and for how they end.
pub(crate) struct Input {
    source: Box<dyn Read>,
    progress: Progress,
    last_byte: u8,
    /// Bytes read since the latest record was complete; the reader takes whole buffers.
    since_record: u64,
}

impl Input {
    pub(crate) fn new(source: Box<dyn Read>, progress: Progress) -> Self {
        Self {
            source,
            progress,
            last_byte: b'\n',
            since_record: 0,
        }
    }

    fn ends_with_newline(&self) -> bool {
        matches!(self.last_byte, b'\n' | b'\r')
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_record > LONGEST_RECORD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let read = self.source.read(buffer)?;
        self.since_record += read as u64;
        if let Some(&last) = buffer[..read].last() {
            self.last_byte = last;
            self.progress.advance(read as u64);
        }
        Ok(read)
    }
}
