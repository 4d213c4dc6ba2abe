//! Shrinking: what is left shows the fact, is what the machines do, and has nothing in it that could go.
#![cfg(feature = "std")]

#[path = "../tape/mod.rs"]
mod tape;

mod any;
mod by_hand;
mod differs;
mod made_up;
