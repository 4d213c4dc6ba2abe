//! Calls and answers of the tables as values: what they look like, that nothing of them is lost, and that a journal may
//! call the keys by other names than the program.
#![cfg(feature = "std")]

mod journaled;
#[path = "../ops_common/json.rs"]
mod json;
#[path = "../ops_common/made_up.rs"]
mod made_up;
mod meaning;
mod queries;
mod recorded;
mod survival;
