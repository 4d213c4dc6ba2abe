//! Turns notes into the bytes of files, and keeps what a failing disk did not take.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::note::Note;
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
    rotation: Option<Rotation>,
    /// The trailer of a file is in `text`, and the next file is to be begun after it.
    is_turning: bool,
}

/// The files of a rotated journal: `name.jsonl`, `name.1.jsonl`, `name.2.jsonl`, ..
#[derive(Debug)]
pub(crate) struct Rotation {
    path: PathBuf,
    number: u64,
    /// How many files stay.
    keep: u64,
}

impl Rotation {
    pub(crate) fn new(path: &Path, keep: Option<u64>) -> Self {
        Self {
            path: path.to_path_buf(),
            number: 0,
            keep: keep.unwrap_or(u64::MAX).max(1),
        }
    }

    pub(crate) fn open(&self) -> io::Result<File> {
        File::create(self.file(self.number))
    }

    fn turn(&mut self) -> io::Result<File> {
        let file = File::create(self.file(self.number + 1))?;
        self.number += 1;
        if let Some(old) = self.number.checked_sub(self.keep) {
            // Whoever has moved it away has kept it.
            let _ = fs::remove_file(self.file(old));
        }
        Ok(file)
    }

    fn file(&self, number: u64) -> PathBuf {
        if number == 0 {
            return self.path.clone();
        }
        match self.path.extension() {
            Some(extension) => {
                let mut ending = std::ffi::OsString::from(number.to_string());
                ending.push(".");
                ending.push(extension);
                self.path.with_extension(ending)
            }
            None => self.path.with_extension(number.to_string()),
        }
    }
}

impl Output {
    pub(crate) fn new(sink: Box<dyn Write + Send>, rotation: Option<Rotation>) -> Self {
        Self {
            sink,
            lines: Lines::default(),
            text: Vec::new(),
            taken: 0,
            rotation,
            is_turning: false,
        }
    }

    /// How many files have been begun.
    pub(crate) fn files(&self) -> u64 {
        self.rotation
            .as_ref()
            .map_or(1, |rotation| rotation.number + 1)
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
            if let Some(rotation) = &mut self.rotation {
                self.sink = Box::new(rotation.turn()?);
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
            .field("rotation", &self.rotation)
            .finish_non_exhaustive()
    }
}
