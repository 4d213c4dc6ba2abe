//! Whether a call costs more after a long idle time, after many calls, with many keys, or with a long window.

mod age;
mod idle;
mod keys;
mod machines;
mod window;

use crate::Entrant;

/// One operation under something that grows; each entrant is named by how much of it there is.
#[derive(Debug)]
pub struct Series {
    /// `machine: what is done`.
    pub operation: String,
    /// What grows.
    pub grows: &'static str,
    /// From small to large.
    pub sides: Vec<Entrant>,
}

impl Series {
    fn new(operation: impl Into<String>, grows: &'static str, sides: Vec<Entrant>) -> Self {
        Self {
            operation: operation.into(),
            grows,
            sides,
        }
    }
}

/// Every series whose operation, or what grows in it, contains `filter`.
#[must_use]
pub fn series(filter: &str) -> Vec<Series> {
    let all = [
        idle::series(),
        age::series(),
        window::series(),
        keys::series(),
    ];
    let chosen = all.into_iter().flatten();
    chosen
        .filter(|series| series.operation.contains(filter) || series.grows.contains(filter))
        .collect()
}
