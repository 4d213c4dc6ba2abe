//! Record a sample, read the p99: for every sample, once the window is full.
//!
//! Only our windows and the sorting forget old samples. hdrhistogram and ddsketch keep the whole history, as our
//! `LogHistogram` does; beside a window they are what people use instead of one.

mod checks;
mod estimators;

use std::hint::black_box;

use crate::inputs::{LATENCIES, latencies_us};
use crate::origins::SortedEachTime;
use crate::{Case, Entrant};
use checks::{follows, judges, rolls};
use estimators::{
    Estimator, Rolling, ddsketch, hdr, log_histogram, quantile_window, sample_window, tdigest,
    threshold_window,
};

const HDR: &str = "hdrhistogram 7.6, 2 digits, whole history";
const DDSKETCH: &str = "sketches-ddsketch 0.4, whole history";
const TDIGEST: &str = "tdigest 1.0, size 100, whole history";
const SORTING: &str = "sorting each time";

/// Around the p99 of the samples, so that the answer changes now and then.
const LIMIT_US: u64 = 64_000;

/// Samples are a microsecond apart.
const STEP_NS: u64 = 1_000;

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];

/// The cases of the estimators.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = SIZES.into_iter().flat_map(of_size).collect();
    cases.push(of_two_sizes());
    cases
}

/// A window a hundred times as long is to cost at most half as much again.
fn of_two_sizes() -> Case {
    let of = |name, n| of_samples(name, n, move || quantile_window(n));
    Case::new(
        "percentile: QuantileWindow, 100000 samples beside 1000",
        of("ours", 100_000),
        || follows(1_000, quantile_window(1_000), 1_000, (0, 128)),
    )
    .against(of("ours, 1000 samples", 1_000), 1.0 / 1.5)
}

fn of_size(n: u32) -> [Case; 5] {
    let at = SIZES.iter().position(|&size| size == n).unwrap_or(0);
    let by_size = |goals: [f64; 3]| goals.get(at).copied();
    let at_1000 = |goal: f64| (n == 1_000).then_some(goal);
    let sorting = || of_samples(SORTING, n, move || SortedEachTime::new(n as usize));
    let hdr = || of_samples(HDR, n, hdr);
    let ddsketch = || of_samples(DDSKETCH, n, ddsketch);
    let tdigest = || of_samples(TDIGEST, n, tdigest);
    let case = |what: &str, ours: Entrant, check: Box<dyn Fn()>| {
        Case::new(format!("percentile: {what}, n = {n}"), ours, check)
    };
    let window = n as usize;
    [
        case(
            "SampleWindow",
            of_samples("ours", n, move || sample_window(n)),
            Box::new(move || {
                follows(window, sample_window(n), window, (0, 0));
                follows(window, SortedEachTime::new(window), window, (0, 0));
            }),
        )
        .against(sorting(), at_1000(100.0)),
        case(
            "QuantileWindow",
            of_samples("ours", n, move || quantile_window(n)),
            Box::new(move || follows(window, quantile_window(n), window, (0, 128))),
        )
        .against(sorting(), by_size([400.0, 4_000.0, 40_000.0]))
        .against(ddsketch(), 8.0)
        .against(hdr(), 25.0)
        .against(tdigest(), None),
        case(
            "ThresholdWindow",
            of_samples("ours", n, move || threshold_window(n)),
            Box::new(move || judges(window, threshold_window(n))),
        )
        .against(sorting(), at_1000(1_500.0)),
        case(
            "LogHistogram, whole history",
            of_samples("ours", n, log_histogram),
            Box::new(move || {
                follows(window, log_histogram(), LATENCIES, (0, 128));
                follows(window, estimators::hdr(), LATENCIES, (100, 100));
                follows(window, estimators::ddsketch(), LATENCIES, (99, 99));
                follows(window, estimators::tdigest(), LATENCIES, (50, 50));
            }),
        )
        .against(ddsketch(), None)
        .against(hdr(), None)
        .against(tdigest(), None),
        case(
            "RollingHistogram, 10 slices",
            of_samples("ours", n, move || Rolling::new(n)),
            Box::new(move || rolls(window, Rolling::new(n))),
        )
        .against(ddsketch(), None)
        .against(hdr(), None),
    ]
}

/// A sample and a p99, over and over, from a full window on.
fn of_samples<E: Estimator + 'static>(
    name: &'static str,
    n: u32,
    make: impl Fn() -> E + 'static,
) -> Entrant {
    Entrant::new(name, move || {
        let samples = latencies_us();
        let (mut estimator, mut at) = (make(), n as usize);
        fill(&mut estimator, n);
        Box::new(move |runs| {
            for _ in 0..runs {
                let sample = black_box(samples[at % LATENCIES]);
                at += 1;
                let estimator = black_box(&mut estimator);
                estimator.record(sample);
                black_box(estimator.p99());
            }
        })
    })
}

/// The samples that come before the first call.
fn fill(estimator: &mut impl Estimator, n: u32) {
    let first = latencies_us().iter().take(n as usize);
    first.for_each(|&sample| estimator.record(sample));
}

/// Our window of `n` that is full: takes in a sample and tells the p99.
pub fn quantile_samples(n: u32) -> impl FnMut() -> u64 {
    samples_of(quantile_window(n), n)
}

/// The same of the window that only knows whether the p99 is above a limit.
pub fn threshold_samples(n: u32) -> impl FnMut() -> u64 {
    samples_of(threshold_window(n), n)
}

/// The same of the window that keeps the samples.
pub fn exact_samples(n: u32) -> impl FnMut() -> u64 {
    samples_of(sample_window(n), n)
}

fn samples_of<E: Estimator>(mut estimator: E, n: u32) -> impl FnMut() -> u64 {
    let (samples, mut at) = (latencies_us(), n as usize);
    fill(&mut estimator, n);
    move || {
        let sample = black_box(samples[at % LATENCIES]);
        at += 1;
        let estimator = black_box(&mut estimator);
        estimator.record(sample);
        estimator.p99()
    }
}
