//! Real servers under load: what is shared by the tests with a redis-server and with a PostgreSQL.
//!
//! A [`Server`](server::Server) is a process that the test starts, kills, stops and slows. A [`Crowd`](crowd::Crowd) is
//! clients of it, each with a link that is kept by a `Reconnect` and requests that go through a `retry`, all by one
//! breaker. The [`scenarios`] put both together, and a [`Tally`](tally::Tally) has what happened, when.
#![allow(dead_code, reason = "each of the two servers uses most of it")]

pub(crate) mod control;
pub(crate) mod crowd;
pub(crate) mod policies;
pub(crate) mod process;
pub(crate) mod scenarios;
pub(crate) mod server;
pub(crate) mod tally;
