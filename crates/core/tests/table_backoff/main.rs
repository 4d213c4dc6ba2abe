//! The backoff table: against a naive reference, its facts, and states that nobody should take over.
#![cfg(feature = "alloc")]

mod end_of_time;
mod facts;
mod hostile;
mod model;
mod overflow;
mod reference;
mod words;
