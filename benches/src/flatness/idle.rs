//! Idle time: each call comes so long after the one before.

use std::hint::black_box;
use std::time::Duration;

use evenkeel_core::breaker::Window;

use super::Series;
use super::machines::{self, Called, each_without_a_size};
use crate::Entrant;

const SECOND_NS: u64 = 1_000_000_000;
const YEAR_NS: u64 = 365 * 86_400 * SECOND_NS;

const IDLE: [(&str, u64); 6] = [
    ("1 ms", SECOND_NS / 1_000),
    ("1 s", SECOND_NS),
    ("1 h", 3_600 * SECOND_NS),
    ("1 day", 86_400 * SECOND_NS),
    ("1 year", YEAR_NS),
    ("10 years", 10 * YEAR_NS),
];

/// Calls before the machine is made anew, in every row: ten years apart no more fit before the last instant.
const CALLS: u64 = 50;

pub(super) fn series() -> Vec<Series> {
    each_without_a_size!(of)
}

fn of<M: Called>(operation: &str, make: impl Fn() -> M + Copy + 'static) -> Series {
    let sides = IDLE.map(|(name, idle_ns)| Entrant::new(name, move || idling(make(), idle_ns)));
    Series::new(operation, "idle time", sides.into())
}

/// A thousand calls in a row, then such that are far apart.
fn idling<M: Called>(mut fresh: M, idle_ns: u64) -> crate::Run {
    for now_ns in 0..1_000 {
        fresh.call(now_ns);
    }
    let (mut machine, mut now_ns, mut calls) = (fresh.clone(), 1_000, 0);
    Box::new(move |n| {
        for _ in 0..n {
            calls += 1;
            if calls == CALLS {
                calls = 0;
                now_ns = 1_000;
                machine.clone_from(&fresh);
            }
            now_ns += idle_ns;
            black_box(black_box(&mut machine).call(now_ns));
        }
    })
}
