//! The window: so many samples or calls in it, or so long a span.

use std::time::Duration;

use evenkeel_core::breaker::Window;

use super::Series;
use super::machines::{self, Called};
use crate::repeat::repeated;
use crate::{Entrant, percentile};

const CALLS: [(&str, u32); 4] = [
    ("10", 10),
    ("100", 100),
    ("1 000", 1_000),
    ("10 000", 10_000),
];
const SPANS: [(&str, u64); 4] = [("1 s", 1), ("1 min", 60), ("1 h", 3_600), ("1 day", 86_400)];
const SAMPLES: [(&str, u32); 3] = [("1 000", 1_000), ("10 000", 10_000), ("100 000", 100_000)];

pub(super) fn series() -> Vec<Series> {
    let by_calls = CALLS.map(|(name, calls)| calling(name, move || Window::Count { calls }));
    let by_span = SPANS
        .map(|(name, seconds)| calling(name, move || machines::last(Duration::from_secs(seconds))));
    vec![
        Series::new(
            "breaker, count: ask and report",
            "calls in the window",
            by_calls.into(),
        ),
        Series::new(
            "breaker, time: ask and report",
            "span of the window",
            by_span.into(),
        ),
        Series::new(
            "QuantileWindow: record and p99",
            "samples in the window",
            sampling(percentile::quantile_samples),
        ),
        Series::new(
            "ThresholdWindow: record and ask",
            "samples in the window",
            sampling(percentile::threshold_samples),
        ),
        Series::new(
            "SampleWindow, exact: record and p99",
            "samples in the window",
            sampling(percentile::exact_samples),
        ),
    ]
}

fn calling(name: &'static str, window: impl Fn() -> Window + 'static) -> Entrant {
    repeated(name, move || {
        let (mut machine, mut now_ns) = (machines::breaker(window()), 0);
        for _ in 0..20_000 {
            now_ns += 1_000;
            machine.call(now_ns);
        }
        move || {
            now_ns += 1_000;
            machine.call(now_ns)
        }
    })
}

fn sampling<O: FnMut() -> u64 + 'static>(make: impl Fn(u32) -> O + Copy + 'static) -> Vec<Entrant> {
    let sides = SAMPLES.map(|(name, n)| repeated(name, move || make(n)));
    sides.into()
}
