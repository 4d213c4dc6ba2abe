//! The commands about journals: what is in one, whether it holds, and what another policy would have done.

pub(crate) mod args;
pub(crate) mod blocks;
pub(crate) mod clock;
mod columns;
mod commands;
mod diff;
mod filter;
mod phrase;
pub(crate) mod roster;
mod show;
mod shrink;
mod source;
mod stats;
mod tally;
mod tree;
mod verify;
pub(crate) mod what_if;

pub(crate) use commands::{journal, verify, what_if};
