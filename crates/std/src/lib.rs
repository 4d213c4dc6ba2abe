//! evenkeel for threads: clocks, random streams, and the machines of [`evenkeel_core`] as handles that threads share.
//!
//! A clone of a handle is the same machine. No handle runs a callback of yours while it holds a lock.

pub mod clock;
pub mod streams;

pub use clock::{Clock, MonotonicClock, TestClock};
pub use streams::{Stream, Streams};
