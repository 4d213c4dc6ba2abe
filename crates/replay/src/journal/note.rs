//! What is handed to whoever writes a journal.

use super::load::{Entry, Header};

/// A line to be, or the begin of the next file.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    Header(Box<Header>),
    Entry(Entry),
    /// What follows starts afresh: its machines have headers of their own.
    NewFile,
}
