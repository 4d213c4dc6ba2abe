//! What the retry tests share: scripted parts that keep a log, policies as plain numbers, a reference that recomputes
//! every answer from the whole history, and moves that reach the edges.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unreachable_pub, reason = "shared by several test crates")]

pub mod bench;
pub mod compare;
pub mod moves;
pub mod plan;
pub mod reference;
pub mod script;
#[path = "../breaker_common/words.rs"]
pub mod words;
pub mod world;
