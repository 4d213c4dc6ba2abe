//! The rest of the reference: what the results of a phase say.

use evenkeel_core::Ratio;
use evenkeel_core::breaker::{Trigger, Window};

use super::super::plan::nanos;
use super::*;

impl Reference {
    pub(super) fn judge(&mut self, outcome: Outcome, words: &mut Words) -> Option<Transition> {
        let overload = match outcome {
            Outcome::Overloaded { retry_at_ns } => Some(retry_at_ns),
            _ => None,
        };
        let at_ns = self.clock_ns;
        match self.now().phase {
            Phase::Closed => {
                let cause = if overload.is_some() {
                    Cause::Overloaded
                } else {
                    self.plan
                        .triggers
                        .iter()
                        .find_map(|trigger| self.fired(trigger))?
                };
                let word = self.plan.word(words);
                Some(self.open(cause, at_ns, word, overload.flatten()))
            }
            Phase::HalfOpen => {
                if let Some(advice_ns) = overload {
                    Some(self.open_again(Cause::Overloaded, at_ns, advice_ns))
                } else if self.passed() >= self.plan.successes as usize {
                    Some(self.turn(Phase::Closed, Cause::TrialsPassed, at_ns, None, None))
                } else if self.failed() > self.failures_allowed() {
                    Some(self.open_again(Cause::TrialsFailed, at_ns, None))
                } else {
                    None
                }
            }
            Phase::Open => None,
        }
    }

    fn fired(&self, trigger: &Trigger) -> Option<Cause> {
        let window = self.windowed();
        let share = |part: usize, least: Ratio| {
            part as u128 * u128::from(least.denominator())
                >= window.len() as u128 * u128::from(least.numerator())
        };
        let failures = window
            .iter()
            .filter(|r| r.outcome == Outcome::Failure)
            .count();
        let (holds, cause) = match *trigger {
            Trigger::Consecutive { failures } => {
                (self.consecutive_failures() >= failures, Cause::Consecutive)
            }
            Trigger::Failures { failures: least } => (failures >= least as usize, Cause::Failures),
            Trigger::FailureRate {
                at_least,
                min_calls,
            } => (
                window.len() >= min_calls as usize && share(failures, at_least),
                Cause::FailureRate,
            ),
            Trigger::SlowRate {
                slower_than,
                at_least,
                min_calls,
            } => {
                let slow = window
                    .iter()
                    .filter(|r| r.latency_ns > nanos(slower_than))
                    .count();
                let holds = window.len() >= min_calls as usize && share(slow, at_least);
                (holds, Cause::SlowRate)
            }
            Trigger::Latency {
                quantile,
                above,
                min_calls,
            } => {
                let mut sorted: Vec<u64> = window.iter().map(|r| r.latency_ns).collect();
                sorted.sort_unstable();
                let product = u128::from(quantile.numerator()) * sorted.len() as u128;
                let rank = product.div_ceil(u128::from(quantile.denominator())).max(1);
                let holds = sorted.len() >= min_calls as usize
                    && sorted[usize::try_from(rank).expect("a rank") - 1] > nanos(above);
                (holds, Cause::Latency)
            }
            _ => unreachable!("no other trigger is generated"),
        };
        holds.then_some(cause)
    }

    /// The counted results of this phase.
    pub(super) fn results(&self) -> impl DoubleEndedIterator<Item = &Report> {
        let generation = self.generation();
        let counted = move |r: &&Report| r.generation == generation && r.fate == Fate::Counted;
        self.reports.iter().filter(counted)
    }

    fn windowed(&self) -> Vec<&Report> {
        match self.plan.window {
            Some(Window::Count { calls }) => self.results().rev().take(calls as usize).collect(),
            Some(Window::Time { span, slices }) => {
                let len_ns = nanos(span) / u64::from(slices);
                let current = self.clock_ns / len_ns;
                let kept = |r: &&Report| current - r.at_ns / len_ns < u64::from(slices);
                self.results().filter(kept).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn consecutive_failures(&self) -> u32 {
        if self.now().phase != Phase::Closed {
            return 0;
        }
        let failed = |r: &&Report| r.outcome == Outcome::Failure;
        self.results().rev().take_while(failed).count() as u32
    }
}
