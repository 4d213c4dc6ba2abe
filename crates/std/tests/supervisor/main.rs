//! The supervisor of threads: all of O1's rows that an adapter must give, panics, stops, escalation.

mod children;
mod exits;
mod given;
mod origin_o1;
mod stops;
