//! Age: so many calls came before.

use std::hint::black_box;
use std::time::Duration;

use evenkeel_core::breaker::Window;

use super::Series;
use super::machines::{self, Called, each_without_a_size};
use crate::tables::{Keys, fail_and_check, filled};
use crate::{Entrant, inputs, percentile};

const AGES: [(&str, u64); 3] = [
    ("1 000 calls", 1_000),
    ("100 000", 100_000),
    ("10 000 000", 10_000_000),
];

const STEP_NS: u64 = 1_000;

pub(super) fn series() -> Vec<Series> {
    let mut series = each_without_a_size!(of);
    series.extend([
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
    ]);
    series
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
