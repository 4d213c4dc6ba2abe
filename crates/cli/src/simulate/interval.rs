//! Confidence intervals at 99 %: where the mean of infinitely many runs lies.

use evenkeel_sim::Summary;

/// The 99.5 % quantile of the normal distribution.
const Z: f64 = 2.575_829_303_548_901;
/// That of Student's t with 1, 2, .. degrees of freedom.
const T: [f64; 9] = [
    63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250,
];

/// From `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// Of a mean, by Student's t; `None` for less than two runs, which say nothing. What scenarios measure are counts,
    /// spans and shares: where no run is below 0, the mean cannot be either, and the interval ends there.
    pub(crate) fn of_mean(of: Summary, runs: usize) -> Option<Self> {
        let freedom = runs.checked_sub(1).filter(|freedom| *freedom > 0)?;
        let margin = student(freedom) * of.sd / (runs as f64).sqrt();
        let least = if of.min >= 0.0 {
            0.0
        } else {
            f64::NEG_INFINITY
        };
        Some(Self {
            low: (of.mean - margin).max(least),
            high: of.mean + margin,
        })
    }

    /// Of the share of runs in which something happened, by Wilson's score: it is no point where all runs agree.
    pub(crate) fn of_share(share: f64, runs: usize) -> Option<Self> {
        if runs < 2 {
            return None;
        }
        let n = runs as f64;
        let z2 = Z * Z / n;
        let middle = (share + z2 / 2.0) / (1.0 + z2);
        let margin = Z * (share * (1.0 - share) / n + z2 / (4.0 * n)).sqrt() / (1.0 + z2);
        Some(Self {
            low: (middle - margin).max(0.0),
            high: (middle + margin).min(1.0),
        })
    }
}

/// The 99.5 % quantile of Student's t: exact to three decimals, from the tenth on by Cornish and Fisher's series.
fn student(freedom: usize) -> f64 {
    if let Some(quantile) = freedom.checked_sub(1).and_then(|at| T.get(at)) {
        return *quantile;
    }
    let n = freedom as f64;
    let z2 = Z * Z;
    let (z3, z5) = (z2 * Z, z2 * z2 * Z);
    let (z7, z9) = (z5 * z2, z5 * z2 * z2);
    let first = (z3 + Z) / 4.0;
    let second = (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / 96.0;
    let third = (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * Z) / 384.0;
    let fourth = (79.0 * z9 + 776.0 * z7 + 1_482.0 * z5 - 1_920.0 * z3 - 945.0 * Z) / 92_160.0;
    Z + (first + (second + (third + fourth / n) / n) / n) / n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, quantile) in [
            (1, 63.657),
            (9, 3.250),
            (10, 3.169),
            (12, 3.055),
            (30, 2.750),
            (99, 2.626),
            (1_000_000, 2.576),
        ] {
            let found = student(freedom);
            assert!((found - quantile).abs() < 1e-3, "{freedom}: {found}");
        }
    }

    #[test]
    fn one_run_says_nothing() {
        assert_eq!(Interval::of_mean(Summary::of([1.0]), 1), None);
        assert_eq!(Interval::of_share(1.0, 1), None);
        let two = Interval::of_mean(Summary::of([1.0, 1.0]), 2);
        assert_eq!(
            two,
            Some(Interval {
                low: 1.0,
                high: 1.0
            })
        );
    }

    #[test]
    fn what_is_never_below_0_has_no_mean_there() {
        let of = |values: [f64; 2]| Interval::of_mean(Summary::of(values), 2).expect("an interval");
        let margin = 63.657;
        let near = of([0.0, 2.0]);
        assert_eq!(near.low, 0.0);
        assert!((near.high - 1.0 - margin).abs() < 1e-9, "{near:?}");
        let far = of([99.0, 101.0]);
        assert!((far.low - 100.0 + margin).abs() < 1e-9, "{far:?}");
        // What can be below 0 keeps the whole of it.
        let below = of([-1.0, 1.0]);
        assert!((below.low + margin).abs() < 1e-9, "{below:?}");
    }

    /// Wilson's interval of 0 in 100 ends at z^2 / (n + z^2).
    #[test]
    fn a_share_of_none_is_no_proof_of_never() {
        let none = Interval::of_share(0.0, 100).expect("an interval");
        assert_eq!(none.low, 0.0);
        assert!((none.high - Z * Z / (100.0 + Z * Z)).abs() < 1e-12);
        let all = Interval::of_share(1.0, 100).expect("an interval");
        assert_eq!(all.high, 1.0);
        assert!((all.low + none.high - 1.0).abs() < 1e-12);
    }
}
