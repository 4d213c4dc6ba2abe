//! Turns notes into the bytes of files, and keeps what a failing disk did not take.

use std::fmt;
use std::io::{self, ErrorKind, Write};
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

    /// Adds a line. Before the next one, [`drive`](Self::drive) must have had success where this says so.
    pub(crate) fn add(&mut self, note: &Note) -> io::Result<bool> {
        match note {
            Note::Header(header) => self.lines.header(header, &mut self.text)?,
            Note::Entry(entry) => self.lines.entry(entry, &mut self.text)?,
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

    /// Passes on all that there is. After an error it goes on exactly where it stopped, so that no line is ever torn.
    pub(crate) fn drive(&mut self) -> io::Result<()> {
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
