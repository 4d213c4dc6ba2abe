//! The ceilings of a backoff: the one of any attempt, and the next one after one.

use super::policy::{BackoffPolicy, Growth};
use crate::ratio::Ratio;
use crate::time::{MAX_SPAN_NS, span_ns};

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

    #[inline]
    pub(crate) const fn ceiling_ns(&self, attempt: u32) -> u64 {
        let steps = attempt.saturating_sub(1);
        match self.growth {
            Growth::Constant => self.first_ns(),
            Growth::Linear { step } => {
                let step_ns = match span_ns(step) {
                    Some(ns) => ns,
                    None => MAX_SPAN_NS,
                };
                self.capped(
                    self.base_ns
                        .saturating_add(step_ns.saturating_mul(steps as u64)),
                )
            }
            Growth::Exponential { factor } => self.exponential_ns(factor, steps),
        }
    }

    #[inline]
    const fn exponential_ns(&self, factor: Ratio, steps: u32) -> u64 {
        if factor.denominator() == 1 && factor.numerator().is_power_of_two() {
            let shift = factor.numerator().trailing_zeros().saturating_mul(steps);
            return if self.base_ns == 0 {
                0
            } else if shift > self.base_ns.leading_zeros() {
                self.limit_ns()
            } else {
                self.capped(self.base_ns.wrapping_shl(shift))
            };
        }
        self.compounded_ns(factor, steps)
    }

    /// Step by step, until it does not grow any more.
    #[inline(never)]
    const fn compounded_ns(&self, factor: Ratio, steps: u32) -> u64 {
        let mut ceiling_ns = self.first_ns();
        let mut left = steps;
        while left > 0 {
            let next_ns = self.capped(factor.of(ceiling_ns));
            if next_ns == ceiling_ns {
                break;
            }
            ceiling_ns = next_ns;
            left = left.wrapping_sub(1);
        }
        ceiling_ns
    }

    /// The ceiling after `ceiling_ns`: one step, for a machine that goes through them in order.
    #[inline]
    pub(crate) const fn grown_ns(&self, ceiling_ns: u64) -> u64 {
        if ceiling_ns >= self.limit_ns() {
            return ceiling_ns;
        }
        match self.growth {
            // The usual one needs no division; with the others, a caller would take in too much code.
            Growth::Exponential { factor } if factor.denominator() == 1 => {
                self.capped(ceiling_ns.saturating_mul(factor.numerator() as u64))
            }
            _ => self.stepped_ns(ceiling_ns),
        }
    }

    /// [`grown_ns`](Self::grown_ns) below the limit, for every growth.
    #[inline(never)]
    const fn stepped_ns(&self, ceiling_ns: u64) -> u64 {
        match self.growth {
            Growth::Constant => ceiling_ns,
            Growth::Linear { step } => match span_ns(step) {
                Some(step_ns) => self.capped(ceiling_ns.saturating_add(step_ns)),
                None => self.limit_ns(),
            },
            Growth::Exponential { factor } => self.capped(factor.of(ceiling_ns)),
        }
    }
}

#[cfg(all(test, feature = "alloc"))]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::*;

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
