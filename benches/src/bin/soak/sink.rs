//! A recorder of metrics that keeps nothing: what grows in the soak is not its.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// Counts the series that there are, and mixes all that they are told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sink {
    series: Arc<AtomicU64>,
    told: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Told(Arc<AtomicU64>);

impl HistogramFn for Told {
    fn record(&self, value: f64) {
        self.0.fetch_xor(value.to_bits(), Ordering::Relaxed);
    }
}

impl Sink {
    /// How many series were ever registered.
    pub(crate) fn series(&self) -> u64 {
        self.series.load(Ordering::Relaxed)
    }

    fn register(&self) -> Arc<AtomicU64> {
        self.series.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&self.told)
    }
}

impl Recorder for Sink {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.register())
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.register())
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Told(self.register())))
    }
}
