//! The blocking retry against core's machine: the same attempts at the same instants, and what a driver can do wrong.

mod against_core;
mod answers;
mod given;
mod panics;
mod readings;
mod stops;
mod too_late;
mod waits;
