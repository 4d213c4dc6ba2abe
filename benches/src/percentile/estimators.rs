//! Ours and the peers behind one trait.

use std::time::Duration;

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    LogHistogram, LogHistogramPolicy, QuantileWindow, QuantileWindowPolicy, RollingHistogram,
    RollingHistogramPolicy, SampleWindow, SampleWindowPolicy, ThresholdWindow,
    ThresholdWindowPolicy,
};
use hdrhistogram::Histogram;
use sketches_ddsketch::{Config, DDSketch};
use tdigest::TDigest;

use super::{LIMIT_US, STEP_NS};
use crate::origins::SortedEachTime;

/// Takes in a sample and tells the p99.
pub(super) trait Estimator {
    fn record(&mut self, sample: u64);
    fn p99(&mut self) -> u64;
}

pub(super) fn sample_window(n: u32) -> SampleWindow {
    SampleWindow::new(SampleWindowPolicy::new(n).expect("a valid size"))
}

impl Estimator for SampleWindow {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, 0, sample);
    }

    #[inline]
    fn p99(&mut self) -> u64 {
        self.quantile(0, Quantile::P99).unwrap_or(0)
    }
}

pub(super) fn quantile_window(n: u32) -> QuantileWindow {
    let policy = QuantileWindowPolicy::new(n, &[Quantile::P99]);
    QuantileWindow::new(policy.expect("a valid size"))
}

impl Estimator for QuantileWindow {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, 0, sample);
    }

    #[inline]
    fn p99(&mut self) -> u64 {
        self.quantile(0, Quantile::P99).unwrap_or(0)
    }
}

pub(super) fn threshold_window(n: u32) -> ThresholdWindow {
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
    fn p99(&mut self) -> u64 {
        self.is_above(0).unwrap_or(false).into()
    }
}

pub(super) fn log_histogram() -> LogHistogram {
    LogHistogram::new(LogHistogramPolicy::default())
}

impl Estimator for LogHistogram {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, 0, sample);
    }

    #[inline]
    fn p99(&mut self) -> u64 {
        self.quantile(0, Quantile::P99).unwrap_or(0)
    }
}

/// The span in which `n` samples arrive, and the time.
pub(super) struct Rolling {
    pub(super) histogram: RollingHistogram,
    pub(super) now_ns: u64,
}

impl Rolling {
    pub(super) fn new(n: u32) -> Self {
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
    fn p99(&mut self) -> u64 {
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
    fn p99(&mut self) -> u64 {
        Self::p99(self)
    }
}

/// Up to a minute, to one in a hundred.
pub(super) fn hdr() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 2).expect("valid bounds")
}

impl Estimator for Histogram<u64> {
    #[inline]
    fn record(&mut self, sample: u64) {
        Self::record(self, sample).expect("a sample below a minute");
    }

    #[inline]
    fn p99(&mut self) -> u64 {
        self.value_at_quantile(0.99)
    }
}

/// Its defaults: one in a hundred.
pub(super) fn ddsketch() -> DDSketch {
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
    fn p99(&mut self) -> u64 {
        let p99 = self.quantile(0.99).expect("a valid quantile");
        p99.unwrap_or(0.0) as u64
    }
}

pub(super) fn tdigest() -> TDigest {
    TDigest::new_with_size(100)
}

impl Estimator for TDigest {
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "microseconds, far below 2^53")]
    fn record(&mut self, sample: u64) {
        self.push(sample as f64);
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and far below 2^53"
    )]
    fn p99(&mut self) -> u64 {
        // It answers only for what it has taken in.
        self.flush();
        self.estimate_quantile(0.99).unwrap_or(0.0) as u64
    }
}
