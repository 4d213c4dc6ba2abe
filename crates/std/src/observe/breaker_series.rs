//! The metrics of a breaker.

use std::sync::atomic::{AtomicU64, Ordering};

use evenkeel_core::breaker::{BreakerPolicy, BreakerStats, Cause, Phase, Transition, Trigger};
use metrics::{Counter, Gauge};

use super::series::{self, Metric};
use crate::breaker::SharedBreaker;
use crate::clock::Clock;

pub(super) struct BreakerSeries {
    states: [(Phase, Gauge); 3],
    calls: Calls,
    transitions: Box<[Transitions]>,
    consecutive_opens: Gauge,
}

/// One kind of transition.
struct Transitions {
    from: Phase,
    to: Phase,
    cause: Cause,
    made: AtomicU64,
    shown: Counter,
}

impl BreakerSeries {
    /// All series are there from the start: a rate needs a first value to grow from.
    pub(super) fn new<C: Clock>(name: &str, breaker: &SharedBreaker<C>) -> Self {
        let states = [Phase::Closed, Phase::Open, Phase::HalfOpen].map(|phase| {
            let labels = [("breaker", name), ("state", phase.name())];
            (phase, series::BREAKER_STATE.gauge(&labels))
        });
        let transitions = kinds(breaker.policy())
            .into_iter()
            .map(|(from, to, cause)| {
                let names = [from.name(), to.name(), cause.name()];
                let [from_name, to_name, cause_name] = names;
                let labels = [
                    ("breaker", name),
                    ("from", from_name),
                    ("to", to_name),
                    ("cause", cause_name),
                ];
                Transitions {
                    from,
                    to,
                    cause,
                    made: AtomicU64::new(0),
                    shown: series::BREAKER_TRANSITIONS.counter(&labels),
                }
            });
        let (calls, refused) = (&series::BREAKER_CALLS, &series::BREAKER_REFUSED);
        Self {
            states,
            calls: Calls::new(
                calls,
                refused,
                ("breaker", name),
                breaker.counts_successes(),
            ),
            transitions: transitions.collect(),
            consecutive_opens: series::BREAKER_OPENS.gauge(&[("breaker", name)]),
        }
    }

    /// A step on a counter: the recorder is told later.
    pub(super) fn count(&self, made: &Transition) {
        let is_it = |kind: &&Transitions| {
            (kind.from, kind.to, kind.cause) == (made.from, made.to, made.cause)
        };
        let kind = self.transitions.iter().find(is_it);
        debug_assert!(
            kind.is_some(),
            "a transition of a kind that is not known: {made}"
        );
        if let Some(kind) = kind {
            // Relaxed: a counter that decides nothing.
            kind.made.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn show<C: Clock>(&self, breaker: &SharedBreaker<C>) {
        self.calls.show(&breaker.stats());
        for kind in &self.transitions {
            kind.shown.absolute(kind.made.load(Ordering::Relaxed));
        }
        let stands = || (breaker.consecutive_opens(), breaker.phase());
        series::show(stands, |(opens, phase)| {
            self.consecutive_opens.set(opens);
            for (of, gauge) in &self.states {
                gauge.set(series::flag(*of == phase));
            }
        });
    }
}

/// What a breaker with this policy can do: see `phases.rs` of core.
fn kinds(policy: &BreakerPolicy) -> Vec<(Phase, Phase, Cause)> {
    use Phase::{Closed, HalfOpen, Open};
    let mut kinds = vec![
        (Closed, Open, Cause::Overloaded),
        (Closed, Open, Cause::Forced),
        (Open, HalfOpen, Cause::WaitOver),
        (HalfOpen, Closed, Cause::TrialsPassed),
        (HalfOpen, Open, Cause::TrialsFailed),
        (HalfOpen, Open, Cause::ProbeLost),
        (HalfOpen, Open, Cause::Overloaded),
        (HalfOpen, Open, Cause::Forced),
        (Open, Closed, Cause::Forced),
        (HalfOpen, Closed, Cause::Forced),
        (Closed, Closed, Cause::Reset),
        (Open, Closed, Cause::Reset),
        (HalfOpen, Closed, Cause::Reset),
    ];
    for trigger in policy.triggers() {
        let cause = match trigger {
            Trigger::Consecutive { .. } => Cause::Consecutive,
            Trigger::Failures { .. } => Cause::Failures,
            Trigger::FailureRate { .. } => Cause::FailureRate,
            Trigger::SlowRate { .. } => Cause::SlowRate,
            Trigger::Latency { .. } => Cause::Latency,
            // The test of all kinds fails when there is another.
            _ => continue,
        };
        if !kinds.contains(&(Closed, Open, cause)) {
            kinds.push((Closed, Open, cause));
        }
    }
    kinds
}

/// One of the counters.
type Count = fn(&BreakerStats) -> u64;

/// What becomes of calls: of one breaker, or of all of a table.
pub(super) struct Calls {
    ended: Box<[(Count, Counter)]>,
    refused: Counter,
}

impl Calls {
    /// Without successes where not all are `counted`: a part of them would be taken for all.
    pub(super) fn new(
        calls: &Metric,
        refused: &Metric,
        whose: (&'static str, &str),
        counted: bool,
    ) -> Self {
        let outcomes: [(&str, Count); 5] = [
            ("success", |stats| stats.successes),
            ("failure", |stats| stats.failures),
            ("released", |stats| stats.released),
            ("lost", |stats| stats.lost),
            ("stale", |stats| stats.stale),
        ];
        let shown = outcomes
            .into_iter()
            .filter(|(name, _)| counted || *name != "success");
        let ended = shown.map(|(name, of)| (of, calls.counter(&[whose, ("outcome", name)])));
        Self {
            ended: ended.collect(),
            refused: refused.counter(&[whose]),
        }
    }

    pub(super) fn show(&self, stats: &BreakerStats) {
        for (of, counter) in &*self.ended {
            counter.absolute(of(stats));
        }
        self.refused.absolute(stats.refused);
    }
}
