//! What happened over time, for the pictures: a bounded number of time bins whatever the length of the trace,
//! and, for the report, a bounded choice of single calls.

pub(crate) mod axis;
#[cfg(test)]
pub(crate) mod fixtures;
pub(crate) mod phases;
mod sample;
#[cfg(test)]
mod tests;

use evenkeel_core::Quantile;

use crate::trace::{Row, RowOutcome};
pub(crate) use sample::{Kind, Point};
use sample::{Sample, Slowest};

/// Once a row lies beyond so many bins, they double in width and neighbours merge: between half and all of
/// them are in use.
const MAX_BINS: usize = 512;

/// Rolling lines look back over so many bins, more of them where calls are few.
const ROLLING_BINS: std::ops::RangeInclusive<u64> = 4..=24;
/// How many calls a rolling line would like to look back over: below that a p99 is only the slowest.
const ROLLING_CALLS: u64 = 100;

/// Buckets of a bin's histogram: one for each value below 16, then sixteen to each power of two.
const BUCKETS: usize = 976;

/// Which calls of a bin are meant, say the refused ones.
pub(crate) type Part = fn(&Bin) -> u64;

/// Counts and latencies over the whole trace, in bins of equal width.
pub(crate) struct Timeline {
    slow_limit_ns: Option<u64>,
    start_ns: u64,
    /// A bin is 2^`shift` ns wide, so that a row finds its bin without a division.
    shift: u32,
    bins: Vec<Bin>,
    rows: u64,
    /// Only for the report.
    sample: Option<Sample>,
}

/// The calls that began within one stretch of time.
#[derive(Clone)]
pub(crate) struct Bin {
    /// Calls by [`Kind`].
    calls: [u64; Kind::ALL.len()],
    /// Calls above the slow limit, whatever their outcome.
    pub(crate) slow: u64,
    /// The slowest call of each kind, so that no outlier and no rare kind is lost to sampling.
    slowest: Slowest,
    /// Of all calls.
    pub(crate) latencies: Latencies,
    /// Of the admitted calls alone: what callers would have met.
    pub(crate) admitted: Latencies,
}

/// A histogram of latencies.
#[derive(Clone)]
pub(crate) struct Latencies {
    /// The slowest, which no quantile is above.
    most_ns: u64,
    counts: [u32; BUCKETS],
}

impl Timeline {
    /// An empty one. `detailed` also keeps single calls, for the report.
    pub(crate) fn new(slow_limit_ns: Option<u64>, detailed: bool) -> Self {
        Self {
            slow_limit_ns,
            start_ns: 0,
            shift: 0,
            bins: Vec::new(),
            rows: 0,
            sample: detailed.then(Sample::default),
        }
    }

    /// Takes in the next row of the file.
    pub(crate) fn row(&mut self, row: &Row<'_>, admitted: bool) {
        if self.rows == 0 {
            self.start_ns = row.t_ns;
        }
        let kind = Kind::of(admitted, row.outcome != RowOutcome::Ok);
        let slow = self
            .slow_limit_ns
            .is_some_and(|limit| row.latency_ns > limit);
        let index = self.index_of(row.t_ns.saturating_sub(self.start_ns));
        let bin = &mut self.bins[index];
        bin.calls[kind as usize] += 1;
        bin.slow += u64::from(slow);
        bin.latencies.record(row.latency_ns);
        if admitted {
            bin.admitted.record(row.latency_ns);
        }
        if let Some(sample) = &mut self.sample {
            let point = Point {
                row: self.rows,
                t_ns: row.t_ns,
                latency_ns: row.latency_ns,
                kind,
            };
            bin.slowest.take(point);
            sample.take(point);
        }
        self.rows += 1;
    }

    /// The limit above which a call counts as slow, if the policy has one.
    pub(crate) fn slow_limit_ns(&self) -> Option<u64> {
        self.slow_limit_ns
    }

    /// The bins from the first row to the last, empty ones included.
    pub(crate) fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// The first instant of bin `index`.
    pub(crate) fn bin_start_ns(&self, index: usize) -> u64 {
        let offset = (index as u128) << self.shift;
        self.start_ns
            .saturating_add(u64::try_from(offset).unwrap_or(u64::MAX))
    }

    /// The middle of bin `index`.
    pub(crate) fn bin_middle_ns(&self, index: usize) -> u64 {
        self.bin_start_ns(index)
            .midpoint(self.bin_start_ns(index + 1))
    }

    /// The bin that `t_ns` lies in, which may be one after the last.
    pub(crate) fn bin_at(&self, t_ns: u64) -> usize {
        let index = t_ns.saturating_sub(self.start_ns) >> self.shift;
        usize::try_from(index).unwrap_or(usize::MAX)
    }

    /// How long the rolling lines look back.
    pub(crate) fn rolling_ns(&self) -> u64 {
        self.bin_start_ns(self.rolling_bins())
            .saturating_sub(self.start_ns)
    }

    fn rolling_bins(&self) -> usize {
        let wanted = self.bins.len() as u64 * ROLLING_CALLS / self.rows.max(1);
        wanted.clamp(*ROLLING_BINS.start(), *ROLLING_BINS.end()) as usize
    }

    /// For each bin, it and those just before it as one.
    pub(crate) fn rolling(&self) -> impl Iterator<Item = Bin> {
        let length = self.rolling_bins();
        (0..self.bins.len()).map(move |last| {
            let first = (last + 1).saturating_sub(length);
            Bin::merged(&self.bins[first..=last])
        })
    }

    /// The single calls to draw, in file order: a sample of all, and the slowest of each bin and kind.
    pub(crate) fn points(&self) -> Vec<Point> {
        let mut points = self.sample.as_ref().map_or_else(Vec::new, Sample::points);
        points.extend(self.bins.iter().flat_map(|bin| bin.slowest.points()));
        points.sort_unstable_by_key(|point| point.row);
        points.dedup_by_key(|point| point.row);
        points
    }

    /// The bin of an instant so long after the start; makes it if need be.
    fn index_of(&mut self, offset_ns: u64) -> usize {
        let mut shift = self.shift;
        while offset_ns >> shift >= MAX_BINS as u64 {
            shift += 1;
        }
        if shift > self.shift {
            self.widen(shift);
        }
        let index = (offset_ns >> self.shift) as usize;
        if index >= self.bins.len() {
            self.bins.resize_with(index + 1, Bin::default);
        }
        index
    }

    fn widen(&mut self, shift: u32) {
        let by = shift - self.shift;
        let last = self.bins.len().saturating_sub(1);
        for from in 1..self.bins.len() {
            let moved = std::mem::take(&mut self.bins[from]);
            // The place itself is empty by now, unless it is the first: what it held has moved on.
            self.bins[from >> by].absorb(&moved);
        }
        self.bins.truncate((last >> by) + 1);
        self.shift = shift;
    }
}

impl Default for Bin {
    fn default() -> Self {
        Self {
            calls: [0; Kind::ALL.len()],
            slow: 0,
            slowest: Slowest::default(),
            latencies: Latencies::default(),
            admitted: Latencies::default(),
        }
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            most_ns: 0,
            counts: [0; BUCKETS],
        }
    }
}

impl Latencies {
    fn record(&mut self, latency_ns: u64) {
        self.most_ns = self.most_ns.max(latency_ns);
        let count = &mut self.counts[bucket_of(latency_ns)];
        *count = count.saturating_add(1);
    }

    /// The nearest-rank quantile, at most 1/16 too high; `None` without calls.
    pub(crate) fn quantile(&self, quantile: Quantile) -> Option<u64> {
        let count = self.counts.iter().map(|n| u64::from(*n)).sum();
        let rank = quantile.rank(count)?;
        let mut below = 0;
        self.counts
            .iter()
            .position(|n| {
                below += u64::from(*n);
                below >= rank
            })
            .map(|bucket| most_of(bucket).min(self.most_ns))
    }

    fn absorb(&mut self, other: &Self) {
        self.most_ns = self.most_ns.max(other.most_ns);
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine = mine.saturating_add(theirs);
        }
    }
}

impl Bin {
    /// All of `bins` as one.
    pub(crate) fn merged(bins: &[Self]) -> Self {
        let mut all = Self::default();
        for bin in bins {
            all.absorb(bin);
        }
        all
    }

    /// All calls.
    pub(crate) fn total(&self) -> u64 {
        self.calls.iter().sum()
    }

    /// The calls of one kind.
    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.calls[kind as usize]
    }

    /// Calls that failed, admitted or not.
    pub(crate) fn failed(&self) -> u64 {
        self.of(Kind::AdmittedFailed) + self.of(Kind::RefusedFailed)
    }

    /// Calls that the breaker refused.
    pub(crate) fn refused(&self) -> u64 {
        self.of(Kind::RefusedOk) + self.of(Kind::RefusedFailed)
    }

    fn absorb(&mut self, other: &Self) {
        for (mine, theirs) in self.calls.iter_mut().zip(other.calls) {
            *mine += theirs;
        }
        self.slow += other.slow;
        for point in other.slowest.points() {
            self.slowest.take(point);
        }
        self.latencies.absorb(&other.latencies);
        self.admitted.absorb(&other.admitted);
    }
}

/// The bucket of a latency: the four bits after its highest tell it apart from its octave's others.
fn bucket_of(latency_ns: u64) -> usize {
    if latency_ns < 16 {
        return latency_ns as usize;
    }
    let octave = latency_ns.ilog2() as usize;
    (octave - 3) * 16 + ((latency_ns >> (octave - 4)) & 15) as usize
}

/// The greatest value of a bucket.
fn most_of(bucket: usize) -> u64 {
    if bucket < 16 {
        return bucket as u64;
    }
    let low_bits = bucket / 16 - 1;
    let least = (16 + (bucket % 16) as u64) << low_bits;
    least + ((1 << low_bits) - 1)
}
