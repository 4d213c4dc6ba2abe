//! How long an operation takes: rounds of all sides in turn, CPU time of this thread, medians.

use std::time::Duration;

use crate::clock::timed;
use crate::{Entrant, Run};

/// How long one measurement takes, and how often each side is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// CPU time of one measurement, at least.
    pub batch: Duration,
    /// Measurements of each side; they take turns.
    pub rounds: u32,
}

/// One side, warmed up.
struct Side {
    run: Run,
    n: u64,
    ns: Vec<f64>,
}

impl Side {
    /// Doubles `n` until that many operations take long enough; this also warms up.
    fn new(entrant: &Entrant, batch: Duration) -> Self {
        let mut run = entrant.prepare();
        let mut n = 1;
        while timed(&mut run, n) < batch {
            n *= 2;
        }
        let ns = Vec::new();
        Self { run, n, ns }
    }

    fn measure(&mut self) {
        let time = timed(&mut self.run, self.n);
        #[expect(clippy::cast_precision_loss, reason = "a count of operations")]
        self.ns.push(time.as_secs_f64() * 1e9 / self.n as f64);
    }
}

/// Nanoseconds an operation, for each side and each round.
#[must_use]
pub fn in_turn<'a>(sides: impl Iterator<Item = &'a Entrant>, effort: Effort) -> Vec<Vec<f64>> {
    let sides = sides.map(|entrant| Side::new(entrant, effort.batch));
    let mut sides: Vec<_> = sides.collect();
    for _ in 0..effort.rounds {
        sides.iter_mut().for_each(Side::measure);
    }
    sides.into_iter().map(|side| side.ns).collect()
}

/// The middle one; of an even number the upper.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Three digits that count; more would be noise.
#[must_use]
pub fn number(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
