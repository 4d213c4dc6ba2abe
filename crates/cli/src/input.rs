//! The files that a command reads: `-` is standard input, and what cannot be opened is said with its fix.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use anyhow::{Result, anyhow};

use crate::near;

/// How a file is called in messages.
pub(crate) fn name(path: &Path) -> String {
    match is_stdin(path) {
        true => "stdin".to_owned(),
        false => path.display().to_string(),
    }
}

/// The bytes of a file, and how many there are; 0 where that is not known.
pub(crate) fn open(path: &Path) -> Result<(Box<dyn Read>, u64)> {
    if is_stdin(path) {
        return Ok((Box::new(io::stdin()), 0));
    }
    let file = File::open(path).map_err(|error| cannot_open(path, &error))?;
    let length = file.metadata().map_or(0, |about| about.len());
    Ok((Box::new(file), length))
}

/// All of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| cannot_open(path, &error))
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn cannot_open(path: &Path, error: &io::Error) -> anyhow::Error {
    let near = match error.kind() {
        ErrorKind::NotFound => near::file(path),
        _ => None,
    };
    let fix = match near {
        Some(near) => format!("did you mean {}?", near.display()),
        None => "check the path".to_owned(),
    };
    anyhow!("{}: cannot be opened: {error}: {fix}", path.display())
}
