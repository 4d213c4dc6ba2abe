//! What handles, retries and drivers decide can be recorded: the journal replays bit for bit, and nothing is decided
//! otherwise.
#![cfg(feature = "journal")]

mod drivers;
mod handles;
mod retries;
mod same;
mod support;
