//! Turns notes into the bytes of files, and keeps what a failing disk did not take.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;

use super::note::Note;
use super::series::Series;
use super::write::Lines;

/// So many bytes go to the disk at once.
const BATCH: usize = 1 << 16;

/// Where the bytes go.
pub(crate) struct Output {
    sink: Box<dyn Write + Send>,
    lines: Lines,
    text: Vec<u8>,
    /// How much of `text` the sink has taken.
    taken: usize,
    /// The files, if it is them.
    series: Option<Series>,
    /// The trailer of a file is in `text`, and the next file is to be begun after it.
    is_turning: bool,
    /// The trailer of the last file is made.
    has_ended: bool,
    /// The sink has panicked: nobody knows what it has taken, and it is never called again.
    is_broken: bool,
    /// How many calls were added, in all files.
    ops: u64,
}

impl Output {
    pub(crate) fn new(sink: Box<dyn Write + Send>, series: Option<Series>) -> Self {
        Self {
            sink,
            lines: Lines::default(),
            text: Vec::new(),
            taken: 0,
            series,
            is_turning: false,
            has_ended: false,
            is_broken: false,
            ops: 0,
        }
    }

    /// How many files have been begun.
    pub(crate) fn files(&self) -> u64 {
        self.series.as_ref().map_or(1, Series::begun)
    }

    /// The file that is being written.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.series.as_ref().map(Series::path)
    }

    /// Whether a new file is to be begun.
    pub(crate) const fn is_turning(&self) -> bool {
        self.is_turning
    }

    /// Whether nothing will ever be written again.
    pub(crate) const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// How many calls the sink has taken, each with its whole line.
    pub(crate) fn written_ops(&self) -> u64 {
        let mut end = 0;
        let lines = self.text.split_inclusive(|byte| *byte == b'\n');
        let waiting = lines.filter(|line| {
            end += line.len();
            end > self.taken && line.starts_with(b"{\"t\":")
        });
        self.ops - waiting.count() as u64
    }

    /// Adds a line. Before the next one, [`drive`](Self::drive) must have had success where this says so.
    pub(crate) fn add(&mut self, note: &Note) -> io::Result<bool> {
        match note {
            Note::Header(header) => self.lines.header(header, &mut self.text)?,
            Note::Entry(entry) => {
                self.lines.entry(entry, &mut self.text)?;
                self.ops += 1;
            }
            Note::NewFile => {
                self.end(0)?;
                self.is_turning = true;
            }
        }
        Ok(self.is_turning || self.text.len() >= BATCH)
    }

    /// Adds the trailer.
    pub(crate) fn end(&mut self, lost: u64) -> io::Result<()> {
        self.lines.end(lost, &mut self.text)?;
        self.lines = Lines::default();
        Ok(())
    }

    /// Passes on all that there is, and at last the trailer. After an error it may be called again.
    pub(crate) fn finish(&mut self, lost: u64) -> io::Result<()> {
        // A file that could not be begun gets no trailer in the one before it.
        self.drive()?;
        if !self.has_ended {
            self.end(lost)?;
            self.has_ended = true;
        }
        self.drive()
    }

    /// Passes on all that there is. After an error it goes on exactly where it stopped, so that no line is ever torn.
    /// A sink that panics is an error too, which stays.
    pub(crate) fn drive(&mut self) -> io::Result<()> {
        if !self.is_broken {
            // Nothing that a panic leaves half done is used again.
            match panic::catch_unwind(AssertUnwindSafe(|| self.pass_on())) {
                Ok(driven) => return driven,
                Err(_) => self.is_broken = true,
            }
        }
        Err(io::Error::other("the journal's writer panicked"))
    }

    fn pass_on(&mut self) -> io::Result<()> {
        while let Some(rest) = self.text.get(self.taken..).filter(|rest| !rest.is_empty()) {
            match self.sink.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(taken) => self.taken += taken,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.text.clear();
        self.taken = 0;
        self.sink.flush()?;
        if self.is_turning {
            if let Some(series) = &mut self.series {
                self.sink = Box::new(series.turn()?);
            }
            self.is_turning = false;
        }
        Ok(())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field(
                "waiting",
                &(self.text.len() - self.taken.min(self.text.len())),
            )
            .field("series", &self.series)
            .finish_non_exhaustive()
    }
}
