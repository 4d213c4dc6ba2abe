//! Reconnect against a naive reading of its text: at random, exhaustively over short inputs, and against the laws of
//! DESIGN section 2.

mod exhaustive;
mod naive;
mod pair;
mod policies;
mod random;
mod twins;
#[path = "../common/word.rs"]
mod word;
