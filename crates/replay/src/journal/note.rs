//! What is handed to whoever writes a journal.

use super::load::{Entry, Header};

/// A line to be, or the begin of the next file.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are calls, and a box for each would cost more than the room"
)]
pub(crate) enum Note {
    Header(Box<Header>),
    Entry(Entry),
    /// What follows starts afresh: its machines have headers of their own.
    NewFile,
}
