//! Ceilings that double, found in a few steps for any attempt: for a table, which asks for those of all its keys.

use super::policy::{BackoffPolicy, Growth};

/// What a machine that asks for the ceiling of any attempt, call by call, knows of a schedule beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Doubling {
    /// How many bits a step adds, where the factor is a power of two.
    bits: Option<u32>,
    /// The steps after which the ceiling is the limit.
    to_limit: u32,
}

impl Doubling {
    pub(crate) const fn of(policy: &BackoffPolicy) -> Self {
        let bits = match policy.growth {
            Growth::Exponential { factor } => match factor.denominator() {
                1 if factor.numerator().is_power_of_two() => factor.numerator().trailing_zeros(),
                _ => return Self::NONE,
            },
            Growth::Constant => 0,
            Growth::Linear { .. } => return Self::NONE,
        };
        let mut to_limit = 0_u32;
        // A ceiling of 2^62 ns is the longest, so that 63 steps are more than it takes.
        while to_limit < 63 && policy.ceiling_ns(to_limit.wrapping_add(1)) < policy.limit_ns() {
            to_limit = to_limit.wrapping_add(1);
        }
        Self {
            bits: Some(bits),
            to_limit: if to_limit < 63 { to_limit } else { u32::MAX },
        }
    }

    const NONE: Self = Self {
        bits: None,
        to_limit: u32::MAX,
    };
}

impl BackoffPolicy {
    /// [`ceiling_ns`](Self::ceiling_ns) with what is known beforehand.
    #[inline]
    pub(crate) const fn ceiling_by(&self, doubling: Doubling, attempt: u32) -> u64 {
        let steps = attempt.saturating_sub(1);
        match doubling.bits {
            _ if steps >= doubling.to_limit => self.limit_ns(),
            Some(bits) => self.base_ns.wrapping_shl(bits.wrapping_mul(steps)),
            None => self.ceiling_ns(attempt),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::*;
    use crate::ratio::Ratio;
    use crate::time::MAX_SPAN_NS;

    fn policies() -> Vec<BackoffPolicy> {
        let ratio = |numerator, denominator| Ratio::new(numerator, denominator).unwrap();
        let factors = [(1, 1), (3, 2), (2, 1), (3, 1), (8, 1), (1 << 31, 1)];
        let factors = factors.map(|(n, d)| Growth::Exponential {
            factor: ratio(n, d),
        });
        let step = Duration::from_nanos(7);
        let growths = factors
            .into_iter()
            .chain([Growth::Constant, Growth::Linear { step }]);
        let mut policies = Vec::new();
        for growth in growths {
            for base_ns in [0, 1, 3, 10_000_000, 1 << 40, MAX_SPAN_NS] {
                let builder = BackoffPolicy::builder(Duration::from_nanos(base_ns)).growth(growth);
                let caps = [1, 1 << 20, 60_000_000_000].map(Duration::from_nanos);
                let capped = caps.map(|cap| builder.cap(cap));
                let built = capped.into_iter().chain([builder]).map(|it| it.build());
                policies.extend(built.flatten());
            }
        }
        policies
    }

    #[test]
    fn what_is_known_beforehand_gives_the_ceiling_of_every_attempt() {
        let policies = policies();
        assert!(policies.len() > 150, "{}", policies.len());
        for policy in policies {
            let doubling = Doubling::of(&policy);
            for attempt in (0..140).chain([4_097, u32::MAX]) {
                let ceiling_ns = policy.ceiling_by(doubling, attempt);
                assert_eq!(
                    ceiling_ns,
                    policy.ceiling_ns(attempt),
                    "{policy:?} {attempt}"
                );
            }
        }
    }
}
