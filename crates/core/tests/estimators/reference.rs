//! Nearest rank from its definition, over a plain list of values.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::LatencySummary;

/// The quantiles that every test asks for: the named ones, and some that no estimator has heard of.
pub(crate) fn quantiles() -> Vec<Quantile> {
    let mut all = vec![
        Quantile::MIN,
        Quantile::P50,
        Quantile::P90,
        Quantile::P95,
        Quantile::P99,
        Quantile::P999,
        Quantile::MAX,
    ];
    for (num, den) in [
        (1, 3),
        (2, 7),
        (1, u64::MAX),
        (u64::MAX - 1, u64::MAX),
        (50, 100),
    ] {
        all.push(Quantile::new(num, den).unwrap());
    }
    all
}

/// The smallest value that at least `q` of all `values` do not exceed; sorts and counts.
pub(crate) fn nearest_rank(values: &[u64], q: Quantile) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort();
    let of_all = u128::from(q.numerator()) * sorted.len() as u128;
    let covers = |place: usize| (place as u128 + 1) * u128::from(q.denominator()) >= of_all;
    let place = (0..sorted.len()).find(|&place| covers(place))?;
    Some(sorted[place])
}

pub(crate) fn sum(values: &[u64]) -> u128 {
    values.iter().map(|&v| u128::from(v)).sum()
}

pub(crate) fn mean(values: &[u64]) -> Option<u64> {
    let mean = sum(values).checked_div(values.len() as u128)?;
    Some(u64::try_from(mean).unwrap())
}

/// A small deterministic generator for tests that need many values of every size.
pub(crate) struct Values(pub(crate) u64);

impl Iterator for Values {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let word = self.0 ^ (self.0 >> 29);
        // every magnitude equally often
        Some(word >> (word % 64))
    }
}

/// A summary's numbers, in the order of its fields.
pub(crate) const fn numbers(summary: LatencySummary) -> [u64; 9] {
    [
        summary.count,
        summary.mean,
        summary.min,
        summary.max,
        summary.p50,
        summary.p90,
        summary.p95,
        summary.p99,
        summary.p999,
    ]
}

/// The exact totals, and the quantiles that are answered one by one.
pub(crate) fn expected_numbers(
    live: &[u64],
    quantile: impl Fn(Quantile) -> Option<u64>,
) -> Option<[u64; 9]> {
    let [p50, p90, p95, p99, p999] = [
        Quantile::P50,
        Quantile::P90,
        Quantile::P95,
        Quantile::P99,
        Quantile::P999,
    ]
    .map(quantile);
    let (min, max) = (live.iter().min().copied()?, live.iter().max().copied()?);
    let count = live.len() as u64;
    Some([count, mean(live)?, min, max, p50?, p90?, p95?, p99?, p999?])
}
