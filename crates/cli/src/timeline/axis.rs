//! The time axis that all pictures share: instants to places, and ticks at round times since the start.

use crate::numbers;
use crate::summary::Summary;

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;
const HOUR_NS: u64 = 60 * MINUTE_NS;
const DAY_NS: u64 = 24 * HOUR_NS;

/// The time from the first call to the last event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    start_ns: u64,
    /// At least 1, so that a trace of one instant still has a place to be drawn in.
    span_ns: u64,
}

/// A labelled place on the axis.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) t_ns: u64,
    pub(crate) label: String,
}

impl Axis {
    pub(crate) fn of(summary: &Summary) -> Self {
        Self::between(summary.start_ns, summary.end_ns)
    }

    pub(crate) fn between(start_ns: u64, end_ns: u64) -> Self {
        Self {
            start_ns,
            span_ns: end_ns.saturating_sub(start_ns).max(1),
        }
    }

    pub(crate) fn span_ns(&self) -> u64 {
        self.span_ns
    }

    pub(crate) fn end_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.span_ns)
    }

    /// Where `t_ns` lies on an axis of `length` units: 0 at the start, `length` at the end.
    pub(crate) fn place(&self, t_ns: u64, length: u64) -> u64 {
        let offset = t_ns.saturating_sub(self.start_ns).min(self.span_ns);
        let place = u128::from(offset) * u128::from(length) / u128::from(self.span_ns);
        u64::try_from(place).unwrap_or(length)
    }

    /// Which of `cells` equal cells `t_ns` lies in.
    pub(crate) fn cell(&self, t_ns: u64, cells: usize) -> usize {
        let place = self.place(t_ns, cells as u64);
        usize::try_from(place)
            .unwrap_or(usize::MAX)
            .min(cells.saturating_sub(1))
    }

    /// The first instant of cell `index` of `cells`.
    pub(crate) fn cell_start_ns(&self, index: usize, cells: usize) -> u64 {
        let offset = u128::from(self.span_ns) * index as u128 / cells.max(1) as u128;
        self.start_ns
            .saturating_add(u64::try_from(offset).unwrap_or(u64::MAX))
    }

    /// `t_ns` as time since the start.
    pub(crate) fn text(&self, t_ns: u64) -> String {
        numbers::instant(t_ns.saturating_sub(self.start_ns), self.span_ns)
    }

    /// Ticks at multiples of a round step, at most `most` besides the one at the start.
    pub(crate) fn ticks(&self, most: usize) -> Vec<Tick> {
        let step_ns = step_ns(self.span_ns, most.max(1) as u64);
        let (name, unit_ns) = self.unit(step_ns);
        let steps = self.span_ns / step_ns;
        (0..=steps)
            .map(|i| {
                let offset = i * step_ns;
                let value = match unit_ns {
                    // Only these have decimals: from the minute on a step is a multiple of the unit.
                    ..=SECOND_NS => numbers::decimal(u128::from(offset), u128::from(unit_ns)),
                    _ => (offset / unit_ns).to_string(),
                };
                Tick {
                    t_ns: self.start_ns.saturating_add(offset),
                    label: if i == 0 {
                        value
                    } else {
                        format!("{value} {name}")
                    },
                }
            })
            .collect()
    }

    /// The unit of the labels: up to the second the span's own, above it the step's.
    fn unit(&self, step_ns: u64) -> (&'static str, u64) {
        match step_ns {
            DAY_NS.. => ("d", DAY_NS),
            HOUR_NS.. => ("h", HOUR_NS),
            MINUTE_NS.. => ("min", MINUTE_NS),
            _ => {
                let (name, unit) = numbers::unit_below(u128::from(self.span_ns));
                (name, u64::try_from(unit).unwrap_or(SECOND_NS))
            }
        }
    }
}

/// The smallest round step that makes at most `most` of `span_ns`.
fn step_ns(span_ns: u64, most: u64) -> u64 {
    const CLOCK: [u64; 12] = [
        10 * SECOND_NS,
        20 * SECOND_NS,
        30 * SECOND_NS,
        MINUTE_NS,
        2 * MINUTE_NS,
        5 * MINUTE_NS,
        10 * MINUTE_NS,
        30 * MINUTE_NS,
        HOUR_NS,
        3 * HOUR_NS,
        6 * HOUR_NS,
        12 * HOUR_NS,
    ];
    let decades = |first: u64| {
        std::iter::successors(Some(first), |power| power.checked_mul(10)).flat_map(|power| {
            [1, 2, 5]
                .into_iter()
                .filter_map(move |digit| power.checked_mul(digit))
        })
    };
    let below = decades(1).take_while(|step| *step < CLOCK[0]);
    below
        .chain(CLOCK)
        .chain(decades(DAY_NS))
        .find(|step| span_ns / step <= most)
        .unwrap_or(span_ns)
}
