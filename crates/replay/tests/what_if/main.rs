//! What-if: with the same policies nothing parts; with others what follows is what a person works out.
#![cfg(feature = "std")]

#[path = "../tape/mod.rs"]
mod tape;

mod drivers;
mod gates;
mod refusals;
mod same;
