//! The files of a journal, `name.jsonl`, `name.1.jsonl`, `name.2.jsonl`, ..: which there are, and which is the next.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// So many numbers are tried in a row, if each of them is taken meanwhile.
const TRIES: u32 = 64;

/// Of which file the next is begun, and how many stay.
#[derive(Debug)]
pub(crate) struct Series {
    /// The file without a number.
    path: PathBuf,
    /// That of the file that was begun last.
    number: u64,
    begun: u64,
    /// How many files stay.
    keep: Option<u64>,
}

/// What bears a number of the series.
struct Member {
    number: u64,
    /// And not a directory, say.
    is_file: bool,
}

impl Series {
    /// Begins the first file: that of no number, or the next one after all that are there.
    pub(crate) fn begin(path: &Path, keep: Option<u64>, replace: bool) -> io::Result<(Self, File)> {
        if path.is_dir() {
            return Err(io::Error::new(
                ErrorKind::AlreadyExists,
                "this is a directory",
            ));
        }
        let mut series = Self {
            path: path.to_path_buf(),
            number: 0,
            begun: 0,
            keep: keep.map(|files| files.max(1)),
        };
        if replace {
            series.remove_all()?;
            let file = series.open_from(0)?;
            return Ok((series, file));
        }
        let file = series.open_from(series.free()?)?;
        Ok((series, file))
    }

    /// Begins the next file.
    pub(crate) fn turn(&mut self) -> io::Result<File> {
        self.open_from(after(self.number)?)
    }

    /// The file that was begun last.
    pub(crate) fn path(&self) -> PathBuf {
        self.file(self.number)
    }

    /// How many files were begun.
    pub(crate) const fn begun(&self) -> u64 {
        self.begun
    }

    /// Begins the file of this number, or of a later one if that is taken: whatever is there stays as it is.
    fn open_from(&mut self, number: u64) -> io::Result<File> {
        let mut number = number;
        for _ in 0..TRIES {
            match File::create_new(self.file(number)) {
                Ok(file) => {
                    self.number = number;
                    self.begun += 1;
                    self.remove_old();
                    return Ok(file);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    // Where case makes no difference to names, one may be taken that is not listed as ours.
                    number = self.free()?.max(after(number)?);
                }
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// The number after the highest that is taken.
    fn free(&self) -> io::Result<u64> {
        let members = self.members()?;
        let highest = members.iter().map(|member| member.number).max();
        highest.map_or(Ok(0), after)
    }

    /// Leaves so many files as are to stay, that of `number` being the last. What cannot be removed now is tried again
    /// when the next file is begun.
    fn remove_old(&self) {
        let (Some(keep), Ok(mut members)) = (self.keep, self.members()) else {
            return;
        };
        members.retain(|member| member.is_file && member.number <= self.number);
        members.sort_unstable_by_key(|member| member.number);
        let stay = usize::try_from(keep).unwrap_or(usize::MAX);
        let old = members.len().saturating_sub(stay);
        for member in members.iter().take(old) {
            let _ = fs::remove_file(self.file(member.number));
        }
    }

    fn remove_all(&self) -> io::Result<()> {
        for member in self.members()?.iter().filter(|member| member.is_file) {
            match fs::remove_file(self.file(member.number)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// All that bear a number of the series, in no order.
    fn members(&self) -> io::Result<Vec<Member>> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut members = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if let Some(number) = self.number_of(&entry.file_name()) {
                let is_file = entry
                    .file_type()
                    .is_ok_and(|kind| kind.is_file() || kind.is_symlink());
                members.push(Member { number, is_file });
            }
        }
        Ok(members)
    }

    fn number_of(&self, name: &OsStr) -> Option<u64> {
        if self.path.file_name() == Some(name) {
            return Some(0);
        }
        let bytes = name.as_encoded_bytes();
        let stem = self.path.file_stem()?.as_encoded_bytes();
        let mut rest = bytes.strip_prefix(stem)?.strip_prefix(b".")?;
        if let Some(extension) = self.path.extension() {
            rest = rest
                .strip_suffix(extension.as_encoded_bytes())?
                .strip_suffix(b".")?;
        }
        let is_ours = rest.iter().all(u8::is_ascii_digit) && !rest.starts_with(b"0");
        let digits = is_ours.then_some(rest)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    fn file(&self, number: u64) -> PathBuf {
        if number == 0 {
            return self.path.clone();
        }
        let mut ending = OsString::from(number.to_string());
        if let Some(extension) = self.path.extension() {
            ending.push(".");
            ending.push(extension);
        }
        self.path.with_extension(ending)
    }
}

fn after(number: u64) -> io::Result<u64> {
    let none = || {
        io::Error::new(
            ErrorKind::AlreadyExists,
            "the highest number of the files is taken",
        )
    };
    number.checked_add(1).ok_or_else(none)
}
