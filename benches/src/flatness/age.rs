//! Age: so many calls came before.

use std::hint::black_box;
use std::time::Duration;

use evenkeel_core::breaker::Window;

use super::Series;
use super::machines::{self, Called};
use crate::tables::{Keys, fail_and_check, filled};
use crate::{Entrant, inputs, percentile};

const AGES: [(&str, u64); 3] = [
    ("1 000 calls", 1_000),
    ("100 000", 100_000),
    ("10 000 000", 10_000_000),
];

const STEP_NS: u64 = 1_000;

pub(super) fn series() -> Vec<Series> {
    let ten_seconds = Duration::from_secs(10);
    vec![
        of("breaker, count 100: ask and report", || {
            machines::breaker(Window::Count { calls: 100 })
        }),
        of("breaker, last 10 s: ask and report", move || {
            machines::breaker(machines::last(ten_seconds))
        }),
        of("Backoff: wait", machines::backoff),
        of("RetryTokens, refill: request and retry", machines::tokens),
        of("RetryRatio: request and retry", machines::ratio),
        of("AdaptiveThrottle: request and accept", machines::throttle),
        of("RollingHistogram: record and p99", machines::rolling),
        Series::new(
            "QuantileWindow of 1 000: record and p99",
            "calls before",
            aged(|| percentile::quantile_samples(1_000)),
        ),
        Series::new(
            "BackoffTable of 1 000 keys: failure and check",
            "calls before",
            aged(|| {
                let (mut table, mut keys) = (filled(1_000, false), Keys::new(1_000, 5));
                let (mut rng, mut now_ns) = (inputs::rng(6), 0);
                move || {
                    now_ns += STEP_NS;
                    fail_and_check(&mut table, now_ns, keys.draw(), &mut rng)
                }
            }),
        ),
    ]
}

fn of<M: Called>(operation: &str, make: impl Fn() -> M + Copy + 'static) -> Series {
    let sides = aged(move || {
        let (mut machine, mut now_ns) = (make(), 0);
        move || {
            now_ns += STEP_NS;
            machine.call(now_ns)
        }
    });
    Series::new(operation, "calls before", sides)
}

fn aged<T, O: FnMut() -> T + 'static>(make: impl Fn() -> O + Copy + 'static) -> Vec<Entrant> {
    let sides = AGES.map(|(name, age)| {
        Entrant::new(name, move || {
            let mut operation = make();
            for _ in 0..age {
                black_box(operation());
            }
            Box::new(move |n| {
                for _ in 0..n {
                    black_box(black_box(&mut operation)());
                }
            })
        })
    });
    sides.into()
}
