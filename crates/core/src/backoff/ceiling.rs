//! The ceilings of a backoff: the one of any attempt, and the next one after one.

use super::policy::{BackoffPolicy, Growth};
use crate::ratio::Ratio;
use crate::time::{MAX_SPAN_NS, span_ns};

impl BackoffPolicy {
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
