//! Time cut into slices on an absolute grid: slice `floor(t / len)`, the same for every machine and every run,
//! whenever it was created. A sliding span of time is the current slice and the ones before it.
//!
//! The grid is stateless. Whoever slides remembers the index of its current slice and clears what
//! [`SliceGrid::advance`] says: at most every slice once, after however long a silence.

use core::time::Duration;

use crate::config::{checked, count, ns};
use crate::error::{Amount, ConfigError, Problem};

/// More make the edge of what is looked at no sharper than a thousandth of it.
const MAX_SLICES: u32 = 1_024;

/// How long a slice is and how many are looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SliceGrid {
    /// At least 1.
    slice_ns: u64,
    /// At least 1.
    slices: u32,
}

impl SliceGrid {
    /// `span`, given in the field `span_field`, cut into `slices` equal parts of at least 1 ns each.
    pub(crate) const fn new(
        scope: &'static str,
        span_field: &'static str,
        span: Duration,
        slices: u32,
    ) -> Result<Self, ConfigError> {
        checked!(count(scope, "slices", slices, MAX_SLICES));
        let ns = checked!(ns(scope, span_field, span));
        if ns < slices as u64 {
            let problem = Problem::BelowMin {
                given: Amount::Span(span),
                min: Amount::Span(Duration::from_nanos(slices as u64)),
            };
            return Err(ConfigError::new(scope, span_field, problem));
        }
        // slices is not 0, so the remainder exists
        if !matches!(ns.checked_rem(slices as u64), Some(0)) {
            let problem = Problem::Conflict {
                with: "slices",
                fix: "make the span a whole multiple of the number of slices",
            };
            return Err(ConfigError::new(scope, span_field, problem));
        }
        match ns.checked_div(slices as u64) {
            Some(slice_ns) => Ok(Self { slice_ns, slices }),
            None => Ok(Self {
                slice_ns: ns,
                slices: 1,
            }),
        }
    }

    /// The span that was cut: all slices together.
    #[inline]
    pub(crate) const fn span_ns(self) -> u64 {
        // At most 2^62: it was cut from such a span.
        self.slice_ns.wrapping_mul(self.slices as u64)
    }

    /// The length of one slice.
    #[inline]
    pub(crate) const fn slice_ns(self) -> u64 {
        self.slice_ns
    }

    /// How many slices are looked at together.
    #[inline]
    pub(crate) const fn slices(self) -> u32 {
        self.slices
    }

    /// The slice that `now_ns` lies in: `floor(now_ns / slice_ns)`.
    #[inline]
    pub(crate) const fn index(self, now_ns: u64) -> u64 {
        match now_ns.checked_div(self.slice_ns) {
            Some(index) => index,
            None => now_ns,
        }
    }

    /// [`index`](Self::index), given the slice of an earlier instant: without a division while that slice lasts,
    /// which is nearly always.
    ///
    /// `earlier` must be an index that this grid gave for an instant not after `now_ns`.
    #[inline]
    pub(crate) const fn index_after(self, earlier: u64, now_ns: u64) -> u64 {
        let into = now_ns.wrapping_sub(earlier.wrapping_mul(self.slice_ns));
        if into < self.slice_ns {
            earlier
        } else {
            self.index(now_ns)
        }
    }

    /// Where slice `index` lives in a ring of [`slices`](Self::slices) places.
    #[inline]
    pub(crate) const fn place(self, index: u64) -> usize {
        match index.checked_rem(self.slices as u64) {
            #[expect(clippy::cast_possible_truncation, reason = "below slices, a u32")]
            Some(place) => place as usize,
            None => 0,
        }
    }

    /// How many slices of the window fall out of it when the current slice goes from `from` to `to`: those that
    /// end at index `to` and begin after `from`, at most [`slices`](Self::slices). 0 when `to` is not later.
    #[inline]
    pub(crate) const fn advance(self, from: u64, to: u64) -> u32 {
        let passed = to.saturating_sub(from);
        if passed >= self.slices as u64 {
            self.slices
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "below slices, a u32")]
            {
                passed as u32
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    extern crate alloc;

    use alloc::string::ToString;

    use super::*;
    use crate::time::MAX_SPAN;

    fn grid(span_ns: u64, slices: u32) -> SliceGrid {
        SliceGrid::new("test", "span", Duration::from_nanos(span_ns), slices).unwrap()
    }

    #[test]
    fn a_slice_begins_at_its_first_nanosecond_and_ends_before_the_next() {
        let grid = grid(100, 10);
        assert_eq!((grid.index(9), grid.index(10), grid.index(19)), (0, 1, 1));
        for now_ns in [9, 10, 19, 20, 1_000, u64::MAX] {
            assert_eq!(grid.index_after(0, now_ns), grid.index(now_ns));
            let here = grid.index(now_ns);
            assert_eq!(grid.index_after(here, now_ns), here);
        }
    }

    #[test]
    fn an_advance_clears_each_slice_at_most_once() {
        let grid = grid(100, 10);
        assert_eq!(grid.advance(5, 5), 0);
        assert_eq!(grid.advance(5, 4), 0);
        assert_eq!(grid.advance(5, 7), 2);
        assert_eq!(grid.advance(5, 15), 10);
        assert_eq!(grid.advance(5, 16), 10);
        assert_eq!(grid.advance(0, u64::MAX), 10);
    }

    #[test]
    fn a_span_that_cannot_be_cut_says_which_field_is_wrong() {
        let refused = |span, slices| {
            let error = SliceGrid::new("test", "ttl", span, slices).unwrap_err();
            error.path().to_string()
        };
        assert_eq!(refused(Duration::from_secs(1), 0), "test.slices");
        assert_eq!(refused(Duration::from_secs(1), 1_025), "test.slices");
        assert_eq!(refused(Duration::from_nanos(3), 4), "test.ttl");
        assert_eq!(refused(Duration::from_nanos(9), 4), "test.ttl");
        assert_eq!(refused(Duration::MAX, 4), "test.ttl");
        assert_eq!(refused(Duration::ZERO, 1), "test.ttl");
        assert!(SliceGrid::new("test", "ttl", MAX_SPAN, 1_024).is_ok());
    }
}
