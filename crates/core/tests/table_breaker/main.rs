//! The breaker table: against a plain map of breakers that forgets at the very instant, its facts, and states that
//! somebody has changed. (That a breaker does what it should is tested elsewhere.)
#![cfg(feature = "alloc")]

mod facts;
mod gate;
mod health;
#[cfg(feature = "serde")]
mod hostile;
mod model;
mod reference;
#[path = "../table_backoff/words.rs"]
mod words;
