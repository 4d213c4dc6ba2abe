//! A trace by its path: instants at which requests come, and the name that reports call them by.

use std::fs::File;
use std::path::Path;

use crate::load::{Load, TraceError};

/// The instants of a trace file; see [`Load::read_trace`] for its format. Default: none, without a name.
///
/// ```
/// assert_eq!(evenkeel_sim::TraceFile::default().name(), "");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TraceFile {
    name: String,
    load: Load,
}

impl Default for TraceFile {
    fn default() -> Self {
        Self {
            name: String::new(),
            load: Load::Trace([].into()),
        }
    }
}

impl TraceFile {
    /// Reads the trace at `path`, seen from `folder`. Reports call it by `path`, so that they are the same wherever the
    /// folder is.
    ///
    /// # Errors
    /// When there is none, or it is no trace.
    ///
    /// ```
    /// use std::path::Path;
    /// use evenkeel_sim::TraceFile;
    ///
    /// # let folder = std::env::temp_dir();
    /// # let file = format!("evenkeel-trace-{}.csv", std::process::id());
    /// # std::fs::write(folder.join(&file), "t_ns\n5\n9\n")?;
    /// let trace = TraceFile::read(&folder, &file)?;
    /// # std::fs::remove_file(folder.join(&file))?;
    /// assert_eq!(trace.name(), file);
    /// assert!(TraceFile::read(Path::new("nowhere"), "trace.csv").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(folder: &Path, path: &str) -> Result<Self, TraceError> {
        let unreadable = |error: std::io::Error| TraceError::Unreadable(error.into());
        let file = File::open(folder.join(path)).map_err(unreadable)?;
        Ok(Self {
            name: path.into(),
            load: Load::read_trace(file)?,
        })
    }

    /// Its path, as it was given.
    ///
    /// ```
    /// assert_eq!(evenkeel_sim::TraceFile::default().name(), "");
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has no instant.
    ///
    /// ```
    /// assert!(evenkeel_sim::TraceFile::default().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.load, Load::Trace(instants) if instants.is_empty())
    }

    /// Its instants.
    ///
    /// ```
    /// use evenkeel_sim::{Load, TraceFile};
    ///
    /// assert_eq!(TraceFile::default().load(), Load::Trace([].into()));
    /// ```
    #[must_use]
    pub fn load(&self) -> Load {
        self.load.clone()
    }
}
