//! A journal file that is being read, watched for progress, and what is said of damage in it.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use evenkeel_replay::journal::{self, Damage, Loaded, Reader};

use crate::progress::Progress;
use crate::text::printable;
use crate::{input, place};

const BUFFER: usize = 1 << 17;
/// More of a line is not read for an error message.
const LONGEST_EXCERPT: u64 = 1 << 16;

/// A journal by name.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    path: PathBuf,
}

impl Source {
    /// `-` is standard input.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            name: input::name(path),
            path: path.to_owned(),
        }
    }

    /// Its bytes.
    pub(crate) fn open(&self, progress: Progress) -> Result<BufReader<Input>> {
        let (from, length) = input::open(&self.path)?;
        let progress = progress.over(length);
        let input = Input {
            from,
            progress,
            read: Rc::default(),
        };
        Ok(BufReader::with_capacity(BUFFER, input))
    }

    /// Its lines.
    pub(crate) fn reader(&self, progress: Progress) -> Result<Reader<BufReader<Input>>> {
        Ok(Reader::new(self.open(progress)?))
    }

    /// Its lines; `read` counts the bytes.
    pub(crate) fn counted(
        &self,
        progress: Progress,
        read: &Rc<Cell<u64>>,
    ) -> Result<Reader<BufReader<Input>>> {
        let mut input = self.open(progress)?;
        input.get_mut().read = Rc::clone(read);
        Ok(Reader::new(input))
    }

    /// The journal, as far as it can be read.
    pub(crate) fn load(&self) -> Result<Loaded> {
        Ok(journal::load(self.open(Progress::shown())?))
    }

    /// Damage, with its place and the line that it is in.
    pub(crate) fn complaint(&self, damage: &Damage) -> String {
        let what = format!("{} (byte {})", damage.reason, damage.byte);
        let before = damage.column.unwrap_or(1).saturating_sub(1);
        match self.line(damage.byte.saturating_sub(before), before) {
            Some(line) if !line.is_empty() => {
                let at = usize::try_from(before).unwrap_or(0).min(line.len());
                place::complaint(&self.name, damage.line, &line, at..at + 1, &what)
            }
            // The line itself cannot be shown: it is no more there, or too long to be looked at.
            _ => {
                let what = printable(&what);
                format!("{}:{}:{}: {what}", self.name, damage.line, before + 1)
            }
        }
    }

    /// The line that begins at this byte, if it is to be had and `before` bytes of it are not too many.
    fn line(&self, begin: u64, before: u64) -> Option<Vec<u8>> {
        if before >= LONGEST_EXCERPT || !self.path.is_file() {
            return None;
        }
        let mut file = File::open(&self.path).ok()?;
        file.seek(SeekFrom::Start(begin)).ok()?;
        let mut line = Vec::new();
        file.take(LONGEST_EXCERPT).read_to_end(&mut line).ok()?;
        let end = line.iter().position(|byte| *byte == b'\n');
        line.truncate(end.unwrap_or(line.len()));
        Some(line)
    }
}

/// The bytes of a journal, watched for progress.
pub(crate) struct Input {
    from: Box<dyn Read>,
    progress: Progress,
    read: Rc<Cell<u64>>,
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.progress.advance(read as u64);
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}
