//! Durations that many threads record without a lock, to be handed to a histogram now and then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets a power of two: a value is off by at most half a bucket's width, 1/32 of itself.
const STEPS: u64 = 16;
const BUCKETS: usize = 61 * STEPS as usize;

/// Counts by log-linear buckets of nanoseconds: 8 kB, and one step on a counter for each that is recorded.
#[derive(Debug)]
pub(super) struct Durations {
    counts: Box<[AtomicU64]>,
}

impl Durations {
    pub(super) fn new() -> Self {
        Self {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn record(&self, span_ns: u64) {
        if let Some(count) = self.counts.get(bucket(span_ns)) {
            // Relaxed: a counter that decides nothing.
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Hands on all that was recorded since the last time, each once: the middle of a bucket, and how many.
    pub(super) fn take(&self, mut tell: impl FnMut(Duration, u64)) {
        for (bucket, count) in self.counts.iter().enumerate() {
            // A look first: most are empty, and a swap would take their cache lines away from who records.
            if count.load(Ordering::Relaxed) > 0 {
                let taken = count.swap(0, Ordering::Relaxed);
                if taken > 0 {
                    tell(Duration::from_nanos(middle_ns(bucket)), taken);
                }
            }
        }
    }
}

/// Up to 16 each value has a bucket of its own, from there on each power of two has 16.
const fn bucket(span_ns: u64) -> usize {
    if span_ns < STEPS {
        return span_ns as usize;
    }
    let shift = span_ns.ilog2() - STEPS.ilog2();
    (shift as u64 * STEPS + (span_ns >> shift)) as usize
}

const fn middle_ns(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let low = (bucket % STEPS + STEPS) << shift;
    low + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_has_a_bucket_whose_middle_is_near() {
        let spans = (0..64).flat_map(|shift| {
            let power = 1_u64 << shift;
            [power - 1, power, power + power / 3, power + (power - 1)]
        });
        for span_ns in spans.chain([u64::MAX]) {
            assert!(bucket(span_ns) < BUCKETS, "{span_ns}");
            let middle_ns = middle_ns(bucket(span_ns));
            assert!(
                middle_ns.abs_diff(span_ns) <= span_ns / 32,
                "{span_ns} {middle_ns}"
            );
        }
    }

    #[test]
    fn each_is_handed_on_once() {
        let durations = Durations::new();
        [5, 5, 1_000_000_000]
            .iter()
            .for_each(|span_ns| durations.record(*span_ns));
        let mut told = Vec::new();
        durations.take(|span, count| told.push((span.as_nanos() / 1_000_000, count)));
        assert_eq!(told.iter().map(|(_, count)| count).sum::<u64>(), 3);
        assert_eq!(told.first(), Some(&(0, 2)));
        durations.take(|_, _| panic!("they were handed on"));
    }
}
