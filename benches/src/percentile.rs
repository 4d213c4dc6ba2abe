//! Record a sample, read the p99: for every sample, once the window is full.
//!
//! Only our windows and the sorting forget old samples. hdrhistogram and ddsketch keep the whole history, as our
//! `LogHistogram` does; beside a window they are what people use instead of one.

use std::hint::black_box;
use std::time::Duration;

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    LogHistogram, LogHistogramPolicy, QuantileWindow, QuantileWindowPolicy, RollingHistogram,
    RollingHistogramPolicy, SampleWindow, SampleWindowPolicy, ThresholdWindow,
    ThresholdWindowPolicy,
};
use hdrhistogram::Histogram;
use sketches_ddsketch::{Config, DDSketch};

use crate::inputs::{LATENCIES, latencies_us};
use crate::origins::SortedEachTime;
use crate::{Case, Entrant};

const HDR: &str = "hdrhistogram 7.6, 2 digits, whole history";
const DDSKETCH: &str = "sketches-ddsketch 0.4, whole history";
const SORTING: &str = "sorting each time";

/// Around the p99 of the samples, so that the answer changes now and then.
const LIMIT_US: u64 = 64_000;

/// Samples are a microsecond apart.
const STEP_NS: u64 = 1_000;

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];

/// The cases of the estimators.
#[must_use]
pub fn cases() -> Vec<Case> {
    SIZES.into_iter().flat_map(of_size).collect()
}

/// Takes in a sample and tells the p99.
trait Estimator {
    fn record(&mut self, sample: u64);
    fn p99(&self) -> u64;
}

fn of_size(n: u32) -> [Case; 5] {
    let at = SIZES.iter().position(|&size| size == n).unwrap_or(0);
    let by_size = |goals: [f64; 3]| goals.get(at).copied();
    let at_1000 = |goal: f64| (n == 1_000).then_some(goal);
    let sorting = || of_samples(SORTING, n, move || SortedEachTime::new(n as usize));
    let hdr = || of_samples(HDR, n, hdr);
    let ddsketch = || of_samples(DDSKETCH, n, ddsketch);
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
        .against(hdr(), 25.0),
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
                follows(window, self::hdr(), LATENCIES, (100, 100));
                follows(window, self::ddsketch(), LATENCIES, (99, 99));
            }),
        )
        .against(ddsketch(), None)
        .against(hdr(), None),
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
        let mut estimator = make();
        let mut at = n as usize;
        for &sample in samples.iter().take(at) {
            estimator.record(sample);
        }
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

/// Runs through all samples; now and then compares with the exact p99 of the last `kept`, which may be missed by at most
/// `value / below` down and `value / above` up (0: not at all).
fn follows(every: usize, mut estimator: impl Estimator, kept: usize, (below, above): (u64, u64)) {
    let samples = latencies_us();
    for (at, &sample) in (1..).zip(samples) {
        estimator.record(sample);
        if at >= every && at % 7_919 < 2 {
            let (exact, told) = (
                exact_p99(&samples[at.saturating_sub(kept)..at]),
                estimator.p99(),
            );
            let least = exact - exact.checked_div(below).unwrap_or(0);
            let most = exact + exact.checked_div(above).unwrap_or(0);
            assert!(
                (least..=most).contains(&told),
                "after {at} samples p99 is {exact}, told {told}"
            );
        }
    }
}

/// The same for "is it above the limit".
fn judges(n: usize, mut window: ThresholdWindow) {
    let samples = latencies_us();
    let mut verdicts = [0, 0];
    for (at, &sample) in (1..).zip(samples) {
        window.record(0, sample);
        if at >= n && at % 499 < 2 {
            let above = exact_p99(&samples[at - n..at]) > LIMIT_US;
            assert_eq!(window.is_above(0), Some(above), "after {at} samples");
            verdicts[usize::from(above)] += 1;
        }
    }
    assert!(n > 1_000 || !verdicts.contains(&0), "one verdict only");
}

/// The same for a window of time, which holds between nine and ten slices.
fn rolls(n: usize, mut rolling: Rolling) {
    let samples = latencies_us();
    for (at, &sample) in (1..).zip(samples) {
        rolling.record(sample);
        if at >= n && at % 7_919 < 2 {
            let live = usize::try_from(rolling.histogram.count(rolling.now_ns)).expect("a count");
            assert!((n * 9 / 10..=n).contains(&live), "{live} of {n}");
            let (exact, told) = (exact_p99(&samples[at - live..at]), rolling.p99());
            assert!(
                (exact..=exact + exact / 128).contains(&told),
                "after {at} samples p99 is {exact}, told {told}"
            );
        }
    }
}

/// The value with the nearest rank, `ceil(n * 99 / 100)`.
fn exact_p99(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    let rank = (sorted.len() * 99).div_ceil(100).max(1);
    *sorted.select_nth_unstable(rank - 1).1
}

fn sample_window(n: u32) -> SampleWindow {
    SampleWindow::new(SampleWindowPolicy::new(n).expect("a valid size"))
}

impl Estimator for SampleWindow {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, 0, sample);
    }

    #[inline]
    fn p99(&self) -> u64 {
        self.quantile(0, Quantile::P99).unwrap_or(0)
    }
}

fn quantile_window(n: u32) -> QuantileWindow {
    let policy = QuantileWindowPolicy::new(n, &[Quantile::P99]);
    QuantileWindow::new(policy.expect("a valid size"))
}

impl Estimator for QuantileWindow {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, 0, sample);
    }

    #[inline]
    fn p99(&self) -> u64 {
        self.quantile(0, Quantile::P99).unwrap_or(0)
    }
}

fn threshold_window(n: u32) -> ThresholdWindow {
    let policy = ThresholdWindowPolicy::new(n, Quantile::P99, LIMIT_US);
    ThresholdWindow::new(policy.expect("a valid size"))
}

impl Estimator for ThresholdWindow {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, 0, sample);
    }

    /// Not the p99, but what it would be asked for: whether it is above the limit.
    #[inline]
    fn p99(&self) -> u64 {
        self.is_above(0).unwrap_or(false).into()
    }
}

fn log_histogram() -> LogHistogram {
    LogHistogram::new(LogHistogramPolicy::default())
}

impl Estimator for LogHistogram {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, 0, sample);
    }

    #[inline]
    fn p99(&self) -> u64 {
        self.quantile(0, Quantile::P99).unwrap_or(0)
    }
}

/// The span in which `n` samples arrive, and the time.
struct Rolling {
    histogram: RollingHistogram,
    now_ns: u64,
}

impl Rolling {
    fn new(n: u32) -> Self {
        let span = Duration::from_nanos(STEP_NS * u64::from(n));
        let policy = RollingHistogramPolicy::new(span, 10, 7).expect("a valid span");
        Self {
            histogram: RollingHistogram::new(policy),
            now_ns: 0,
        }
    }
}

impl Estimator for Rolling {
    #[inline]
    fn record(&mut self, sample: u64) {
        self.now_ns += STEP_NS;
        self.histogram.record(self.now_ns, sample);
    }

    #[inline]
    fn p99(&self) -> u64 {
        let p99 = self.histogram.quantile(self.now_ns, Quantile::P99);
        p99.unwrap_or(0)
    }
}

impl Estimator for SortedEachTime {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, sample);
    }

    #[inline]
    fn p99(&self) -> u64 {
        Self::p99(self)
    }
}

/// Up to a minute, to one in a hundred.
fn hdr() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 2).expect("valid bounds")
}

impl Estimator for Histogram<u64> {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, sample).expect("a sample below a minute");
    }

    #[inline]
    fn p99(&self) -> u64 {
        self.value_at_quantile(0.99)
    }
}

/// Its defaults: one in a hundred.
fn ddsketch() -> DDSketch {
    DDSketch::new(Config::defaults())
}

impl Estimator for DDSketch {
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "microseconds, far below 2^53")]
    fn record(&mut self, sample: u64) {
        self.add(sample as f64);
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and far below 2^53"
    )]
    fn p99(&self) -> u64 {
        let p99 = self.quantile(0.99).expect("a valid quantile");
        p99.unwrap_or(0.0) as u64
    }
}
