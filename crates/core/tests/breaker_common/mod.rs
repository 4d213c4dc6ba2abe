//! What the breaker tests share: random words from a list, policies as plain numbers, the reference breaker, and a
//! pair of both that must answer alike.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unreachable_pub, reason = "shared by several test crates")]

pub mod pair;
pub mod plain;
pub mod plan;
pub mod reference;
pub mod strategies;
pub mod told;
pub mod words;
pub mod world;
