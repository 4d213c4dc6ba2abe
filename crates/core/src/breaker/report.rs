//! The call ended: every report, from the plain result in closed to one that comes too late.

use super::answer::Receipt;
use super::leases;
use super::permit::PermitId;
use super::policy::BreakerPolicy;
use super::quiet::Quiet;
use super::state::{BreakerState, Stage};
use super::told::Outcome;
use super::transition::{Cause, Transition};
use super::transitions::Transitions;
use crate::random::Rng;

impl BreakerState {
    #[inline]
    pub(crate) fn on_outcome<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        permit: PermitId,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut R,
    ) -> Receipt {
        // Further on, now is the latest instant of the clock: one argument less to carry.
        let _ = self.clock.observe(now_ns);
        if outcome == Outcome::Success && self.pass_quietly(policy, permit, latency_ns) {
            return Receipt::Counted(Transitions::none());
        }
        self.settle(policy, permit, outcome, latency_ns, rng)
    }

    /// Any report; of those that nothing can come of, only the ones that [`pass_quietly`](Self::pass_quietly) took are
    /// not here. Cold for the reason that [`decide`](Self::decide) has.
    #[cold]
    #[inline(never)]
    pub(super) fn settle<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        permit: PermitId,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut R,
    ) -> Receipt {
        if outcome == Outcome::Success && self.pass_in_slice(policy, permit, latency_ns) {
            return Receipt::Counted(Transitions::none());
        }
        let now_ns = self.clock.latest_ns();
        let closed = matches!(self.stage, Stage::Closed { .. }) && !self.is_forced();
        let failed = match outcome {
            Outcome::Success => false,
            Outcome::Failure => true,
            _ => return self.settle_rare(policy, permit, outcome, latency_ns, rng),
        };
        if !closed || permit != self.permit_id(PermitId::CLOSED) {
            return self.settle_rare(policy, permit, outcome, latency_ns, rng);
        }
        self.count(failed);
        match self.count_call(policy, now_ns, failed, latency_ns) {
            None => Receipt::Counted(Transitions::none()),
            Some(cause) => {
                let made = self.trip(policy, now_ns, cause, None, rng);
                Receipt::Counted(Transitions::one(made))
            }
        }
    }

    #[inline]
    fn count(&mut self, failed: bool) {
        let counter = if failed {
            &mut self.stats.failures
        } else {
            &mut self.stats.successes
        };
        *counter = counter.wrapping_add(1);
    }

    /// A report that is not plain.
    #[inline(never)]
    fn settle_rare<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        permit: PermitId,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut R,
    ) -> Receipt {
        let now_ns = self.clock.latest_ns();
        let mut transitions = self.advance(policy, now_ns);
        if permit.tag() != self.tag || permit.generation() != self.generation {
            return self.stale(transitions);
        }
        if permit.number() == PermitId::UNCOUNTED {
            return self.released(transitions);
        }
        if !self.settles(policy, now_ns, permit) {
            return self.stale(transitions);
        }
        if self.is_forced() || outcome == Outcome::Ignored {
            return self.released(transitions);
        }
        let slow = latency_ns > policy.slow_limit_ns;
        let failed = outcome != Outcome::Success;
        let made = match outcome {
            Outcome::Overloaded { retry_at_ns } => {
                let advised_ns = retry_at_ns
                    .map(|at_ns| at_ns.min(now_ns.saturating_add(policy.advisory_cap_ns)));
                Some(self.trip(policy, now_ns, Cause::Overloaded, advised_ns, rng))
            }
            _ => self.count_trial(policy, now_ns, failed || slow),
        };
        if let Some(transition) = made {
            transitions.push(transition);
        }
        self.count(failed);
        Receipt::Counted(transitions)
    }

    /// Whether the permit is one that this stage waits for; a probe's place becomes free.
    #[inline]
    fn settles(&mut self, policy: &BreakerPolicy, now_ns: u64, permit: PermitId) -> bool {
        match self.stage {
            Stage::Closed { .. } => !permit.is_probe(),
            Stage::Open { .. } => false,
            Stage::HalfOpen { .. } => {
                self.take_off_lost(policy, now_ns);
                let Stage::HalfOpen { leases, .. } = &mut self.stage else {
                    return false;
                };
                let had_place = leases::take(self.words.words_mut(), *leases, permit.number());
                *leases = leases.saturating_sub(had_place.into());
                had_place
            }
        }
    }

    /// Counts a result in closed; the cause if a trigger fires.
    #[inline]
    fn count_call(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        failed: bool,
        latency_ns: u64,
    ) -> Option<Cause> {
        let Stage::Closed {
            ramp_from_ns,
            consecutive,
            results,
        } = &mut self.stage
        else {
            return None;
        };
        *consecutive = if failed {
            consecutive.saturating_add(1)
        } else {
            0
        };
        let words = self.words.words_mut();
        let counts = results.record(
            &policy.layout,
            &policy.planes,
            words,
            now_ns,
            failed,
            latency_ns,
        );
        let fired = policy.judge(*consecutive, &counts);
        self.quiet = if fired.is_none() && ramp_from_ns.is_none() {
            Quiet::ahead(policy, results, words)
        } else {
            Quiet::NONE
        };
        fired
    }

    /// Counts a result in half-open; the transition if it decides the trials.
    fn count_trial(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        failed_trial: bool,
    ) -> Option<Transition> {
        let Stage::HalfOpen {
            passed,
            failed,
            reopen_word,
            ..
        } = &mut self.stage
        else {
            return None;
        };
        if failed_trial {
            *failed = failed.saturating_add(1);
            let word = *reopen_word;
            (*failed > policy.failures_allowed())
                .then(|| self.open(policy, now_ns, Cause::TrialsFailed, word, None))
        } else {
            *passed = passed.saturating_add(1);
            (*passed >= policy.successes()).then(|| self.close(policy, now_ns))
        }
    }

    fn stale(&mut self, transitions: Transitions) -> Receipt {
        self.stats.stale = self.stats.stale.wrapping_add(1);
        Receipt::Stale(transitions)
    }

    fn released(&mut self, transitions: Transitions) -> Receipt {
        self.stats.released = self.stats.released.wrapping_add(1);
        Receipt::Released(transitions)
    }
}
