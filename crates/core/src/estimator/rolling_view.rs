//! What a rolling histogram holds at one instant, without what has fallen out by then: the base of every query.

use super::interval::Interval;
use super::log_linear::find_rank;
use super::rolling_histogram::RollingHistogram;
use super::totals::Totals;
use crate::Quantile;

/// What is live at one instant.
pub(super) struct View<'a> {
    histogram: &'a RollingHistogram,
    /// How many slices have fallen out since the last record, oldest first.
    fallen: u32,
    /// Of the live slices together.
    pub(super) totals: Totals,
}

impl RollingHistogram {
    pub(super) fn at(&self, now_ns: u64) -> View<'_> {
        let grid = self.policy.grid;
        let index = grid.index_after(self.current, self.clock.peek(now_ns));
        let mut view = View {
            histogram: self,
            fallen: grid.advance(self.current, index),
            totals: Totals::EMPTY,
        };
        for back in 0..grid.slices().saturating_sub(view.fallen) {
            if let Some(totals) = self.totals.get(self.place_of(back)) {
                view.totals.merge(totals);
            }
        }
        view
    }
}

impl View<'_> {
    pub(super) fn interval(&self, q: Quantile) -> Option<Interval> {
        let scale = self.histogram.policy.scale;
        let rank = q.rank(self.totals.count())?;
        let buckets = scale.bucket(self.totals.min()?)..=scale.bucket(self.totals.max()?);
        let bucket = find_rank(buckets, rank, self.totals.count(), |bucket| {
            self.held(bucket)
        })?;
        Some(self.totals.clip(rank, scale.values(bucket)))
    }

    fn held(&self, bucket: usize) -> u64 {
        let Self {
            histogram, fallen, ..
        } = self;
        let mut held = histogram.live.get(bucket).copied().unwrap_or(0);
        let slices = histogram.policy.grid.slices();
        for back in slices.saturating_sub(*fallen)..slices {
            let place = histogram.place_of(back);
            if histogram
                .totals
                .get(place)
                .is_some_and(|totals| totals.count() > 0)
            {
                let at = histogram.row(place).wrapping_add(bucket);
                held = held.wrapping_sub(histogram.counts.get(at).copied().unwrap_or(0).into());
            }
        }
        held
    }
}
