//! The files that a command writes: none of them an input, and each there only when it is whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use same_file::Handle;

/// Refuses `outputs` that would destroy an input or each other, or that could only fail after all the work.
pub(crate) fn check(outputs: &[&Path], inputs: &[&Path]) -> Result<()> {
    let mut taken: Vec<PathBuf> = Vec::new();
    for output in outputs {
        let name = output.display();
        if output.is_dir() {
            return Err(anyhow!(
                "{name}: is a folder, expected a file: name a file in it"
            ));
        }
        let folder = folder_of(output);
        let whole = fs::canonicalize(folder)
            .map(|folder| folder.join(output.file_name().unwrap_or_default()))
            .map_err(|_| {
                let folder = folder.display();
                anyhow!("{name}: cannot be written: there is no folder {folder}: make it first")
            })?;
        if taken.contains(&whole) {
            return Err(anyhow!(
                "{name}: is named twice, one output would overwrite the other: choose another name"
            ));
        }
        if inputs.iter().any(|input| is_same(output, input)) {
            return Err(anyhow!(
                "{name}: is an input of this command, it would be overwritten: choose another name"
            ));
        }
        taken.push(whole);
    }
    Ok(())
}

/// Whether the file that is there now is the input, by whatever name or link.
fn is_same(output: &Path, input: &Path) -> bool {
    // Only a regular file can be lost, and opening another kind may block.
    if !output.is_file() {
        return false;
    }
    let input = if input == Path::new("-") {
        Handle::stdin()
    } else if input.is_file() {
        Handle::from_path(input)
    } else {
        return false;
    };
    matches!((Handle::from_path(output), input), (Ok(output), Ok(input)) if output == input)
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| *folder != Path::new(""))
        .unwrap_or_else(|| Path::new("."))
}

/// A file in the making, under a name of its own until it is whole. A run that fails leaves what was there.
pub(crate) struct Draft {
    path: PathBuf,
    /// `None` for a device or a pipe, which is written as it is.
    draft: Option<PathBuf>,
    file: File,
}

impl Draft {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let draft = (path.is_file() || !path.exists()).then(|| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let process = std::process::id();
            folder_of(path).join(format!(".{name}.{process}.part"))
        });
        let file = File::create(draft.as_deref().unwrap_or(path))
            .map_err(|error| cannot_write(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            draft,
            file,
        })
    }

    /// The file is whole: gives it its name.
    pub(crate) fn keep(mut self) -> Result<()> {
        self.file
            .flush()
            .and_then(|()| match self.draft.take() {
                Some(draft) => fs::rename(draft, &self.path),
                None => Ok(()),
            })
            .map_err(|error| cannot_write(&self.path, &error))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(draft) = &self.draft {
            // What cannot be removed is left; the error that led here is the one to report.
            let _ = fs::remove_file(draft);
        }
    }
}

/// A whole file.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let mut draft = Draft::create(path)?;
    draft
        .write_all(text.as_bytes())
        .map_err(|error| cannot_write(path, &error))?;
    draft.keep()
}

/// The error of an output file: with its name, and as text only, so that it is not taken for a closed stdout.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> anyhow::Error {
    let name = path.display();
    anyhow!(
        "{name}: cannot be written: {error}: check that the folder is there, is writable and has room"
    )
}

/// The error of a file that is not to be replaced.
pub(crate) fn there_already(path: &Path) -> anyhow::Error {
    let name = path.display();
    anyhow!("{name}: is there already: choose another name, or say --force to replace it")
}
