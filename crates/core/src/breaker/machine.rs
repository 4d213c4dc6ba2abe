//! The breaker as a step function over policy and state: what each ask, report, instant and command does.

use super::answer::{Grant, Health, Mode, Outcome, Receipt, Refused, RefusedBy};
use super::leases;
use super::permit::{Permit, PermitId};
use super::policy::BreakerPolicy;
use super::state::{BreakerState, Stage};
use super::transition::{Cause, Phase, Transition, Transitions};
use crate::random::{Rng, scaled};
use crate::refusal::Refusal;

impl BreakerState {
    #[inline]
    pub(super) fn try_acquire<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<Grant, Refused> {
        let now_ns = self.clock.observe(now_ns);
        let transitions = self.advance(policy, now_ns);
        let (number, would_refuse) = match self.admit(policy, now_ns, rng) {
            Ok(number) => (number, None),
            Err(refusal) if self.mode == Mode::Observe => {
                self.stats.would_refuse = self.stats.would_refuse.wrapping_add(1);
                (PermitId::UNCOUNTED, Some(refusal))
            }
            Err(refusal) => {
                self.stats.refused = self.stats.refused.wrapping_add(1);
                return Err(Refused {
                    refusal,
                    transitions,
                });
            }
        };
        self.stats.admitted = self.stats.admitted.wrapping_add(1);
        Ok(Grant {
            permit: Permit::from_id(PermitId {
                generation: self.generation,
                tag: self.tag,
                number,
            }),
            would_refuse,
            transitions,
        })
    }

    /// The number of the permit to give.
    #[inline]
    fn admit<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<u32, Refusal<RefusedBy>> {
        match self.mode {
            Mode::Normal | Mode::Observe => {}
            Mode::ForcedOpen => return Err(Refusal::new(RefusedBy::ForcedOpen, None)),
            Mode::ForcedClosed => return Ok(PermitId::UNCOUNTED),
        }
        match self.stage {
            Stage::Closed {
                ramp_from_ns: None, ..
            } => Ok(PermitId::CLOSED),
            Stage::Closed {
                ramp_from_ns: Some(from_ns),
                ..
            } => pass_ramp(policy, from_ns, now_ns, rng),
            Stage::Open { until_ns } => Err(self.open_refusal(policy, until_ns, now_ns)),
            Stage::HalfOpen { .. } => self.admit_probe(policy, now_ns, rng),
        }
    }

    fn admit_probe<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<u32, Refusal<RefusedBy>> {
        self.take_off_lost(policy, now_ns);
        self.probe_room(policy, 0)?;
        let Stage::HalfOpen {
            leases,
            next,
            reopen_word,
            ..
        } = &mut self.stage
        else {
            return Ok(PermitId::CLOSED);
        };
        let number = *next;
        if number == 1 && policy.open().draws() {
            *reopen_word = rng.next_u64();
        }
        // After 2^32 - 2 probes in one half-open phase numbers repeat from 2; 1 024 at most are out at a time.
        *next = match number.wrapping_add(1) {
            PermitId::UNCOUNTED => 2,
            following => following,
        };
        let deadline_ns = now_ns.checked_add(policy.probe_timeout_ns);
        leases::push(self.words.words_mut(), *leases, number, deadline_ns);
        *leases = leases.saturating_add(1);
        Ok(number)
    }

    #[inline]
    pub(super) fn on_outcome<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        permit: PermitId,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut R,
    ) -> Receipt {
        let now_ns = self.clock.observe(now_ns);
        let mut transitions = self.advance(policy, now_ns);
        if permit.tag != self.tag {
            return self.stale(transitions);
        }
        if permit.number == PermitId::UNCOUNTED {
            return self.released(transitions);
        }
        if permit.generation != self.generation || !self.settles(policy, now_ns, permit) {
            return self.stale(transitions);
        }
        if self.is_forced() || outcome == Outcome::Ignored {
            return self.released(transitions);
        }
        let slow = latency_ns > policy.slow_limit_ns;
        let failed = outcome != Outcome::Success;
        let made = match (outcome, permit.is_probe()) {
            (Outcome::Overloaded { retry_at_ns }, _) => {
                let advised_ns = retry_at_ns
                    .map(|at_ns| at_ns.min(now_ns.saturating_add(policy.advisory_cap_ns)));
                Some(self.trip(policy, now_ns, Cause::Overloaded, advised_ns, rng))
            }
            (_, true) => self.count_trial(policy, now_ns, failed || slow),
            (_, false) => {
                let cause = self.count_call(policy, now_ns, failed, latency_ns);
                cause.map(|cause| self.trip(policy, now_ns, cause, None, rng))
            }
        };
        if let Some(transition) = made {
            transitions.push(transition);
        }
        let counter = if failed {
            &mut self.stats.failures
        } else {
            &mut self.stats.successes
        };
        *counter = counter.wrapping_add(1);
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
                let had_place = leases::take(self.words.words_mut(), *leases, permit.number);
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
            consecutive,
            results,
            ..
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
        results.record(
            &policy.layout,
            &policy.planes,
            words,
            now_ns,
            failed,
            latency_ns,
        );
        policy.judge(*consecutive, &results.counts())
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

    /// The transitions that fell due by `now_ns`, made.
    #[inline]
    pub(super) fn advance(&mut self, policy: &BreakerPolicy, now_ns: u64) -> Transitions {
        if matches!(self.stage, Stage::Closed { .. }) {
            return Transitions::NONE;
        }
        self.catch_up(policy, now_ns, 0)
    }

    /// [`advance`](Self::advance) out of open or half-open; the end of a wait counts from `not_before_ns`.
    ///
    /// At most two: the leases end and the trials fail, then the wait ends. A fresh half-open phase has no lease, so
    /// nothing can follow: no loop, however long the silence was.
    fn catch_up(&mut self, policy: &BreakerPolicy, now_ns: u64, not_before_ns: u64) -> Transitions {
        let mut made = Transitions::NONE;
        if self.is_forced() {
            return made;
        }
        if let Stage::HalfOpen { reopen_word, .. } = self.stage {
            if let Some(at_ns) = self
                .losing_deadline_ns(policy)
                .filter(|&at_ns| at_ns <= now_ns)
            {
                self.count_lost(self.unnoticed_losses(policy, now_ns));
                made.push(self.open(policy, at_ns, Cause::ProbeLost, reopen_word, None));
            }
        }
        if let Stage::Open {
            until_ns: Some(until_ns),
        } = self.stage
        {
            if until_ns <= now_ns && self.is_healthy(policy) {
                let at_ns = until_ns.max(not_before_ns);
                made.push(self.enter(Stage::FRESH_HALF_OPEN, at_ns, Cause::WaitOver));
            }
        }
        made
    }

    /// Counts the probes whose time is over as failed, where that does not decide the trials.
    fn take_off_lost(&mut self, policy: &BreakerPolicy, now_ns: u64) {
        let lost = self.unnoticed_losses(policy, now_ns);
        if lost == 0 {
            return;
        }
        if let Stage::HalfOpen { failed, leases, .. } = &mut self.stage {
            leases::drop_oldest(self.words.words_mut(), *leases, lost);
            *leases = leases.saturating_sub(lost);
            *failed = failed.saturating_add(lost);
        }
        self.count_lost(lost);
    }

    fn count_lost(&mut self, lost: u32) {
        self.stats.lost = self.stats.lost.wrapping_add(lost.into());
    }

    /// Opens because of a result: with the word that was drawn for this half-open phase, or from closed with a fresh
    /// one and after forgiving earlier opens for the calm since.
    #[cold]
    fn trip<R: Rng + ?Sized>(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        cause: Cause,
        advised_ns: Option<u64>,
        rng: &mut R,
    ) -> Transition {
        let word = match self.stage {
            Stage::HalfOpen { reopen_word, .. } => reopen_word,
            _ => {
                self.forgive(policy, now_ns);
                if policy.open().draws() {
                    rng.next_u64()
                } else {
                    0
                }
            }
        };
        self.open(policy, now_ns, cause, word, advised_ns)
    }

    fn forgive(&mut self, policy: &BreakerPolicy, now_ns: u64) {
        if let (Some(calm_ns), Some(closed_ns)) = (policy.calm_after_ns, self.last_close_ns) {
            let calm = now_ns.saturating_sub(closed_ns).checked_div(calm_ns);
            let forgiven = u32::try_from(calm.unwrap_or(0)).unwrap_or(u32::MAX);
            self.opens = self.opens.saturating_sub(forgiven);
        }
        if self.opens == 0 {
            self.previous_wait_ns = 0;
        }
    }

    fn open(
        &mut self,
        policy: &BreakerPolicy,
        at_ns: u64,
        cause: Cause,
        word: u64,
        advised_ns: Option<u64>,
    ) -> Transition {
        let wait_ns = self.next_wait_ns(policy, word);
        self.opens = self.opens.saturating_add(1);
        self.previous_wait_ns = wait_ns;
        let until_ns = at_ns
            .checked_add(wait_ns)
            .map(|at_ns| at_ns.max(advised_ns.unwrap_or(0)));
        self.enter(Stage::Open { until_ns }, at_ns, cause)
    }

    fn close(&mut self, policy: &BreakerPolicy, at_ns: u64) -> Transition {
        self.mark_closed(policy, at_ns);
        let ramp_from_ns = policy.ramp_ns.map(|_| at_ns);
        let stage = Stage::closed(&policy.layout, ramp_from_ns);
        self.enter(stage, at_ns, Cause::TrialsPassed)
    }

    fn mark_closed(&mut self, policy: &BreakerPolicy, at_ns: u64) {
        self.last_close_ns = Some(at_ns);
        if policy.calm_after_ns.is_none() {
            self.opens = 0;
            self.previous_wait_ns = 0;
        }
    }

    /// Changes the stage: everything counted starts afresh, and no permit given before counts any more.
    fn enter(&mut self, stage: Stage, at_ns: u64, cause: Cause) -> Transition {
        let from = self.stage.phase();
        self.generation = self.generation.wrapping_add(1);
        self.stage = stage;
        self.words.words_mut().fill(0);
        let to = stage.phase();
        if to == Phase::Open {
            self.stats.opened = self.stats.opened.wrapping_add(1);
        }
        Transition {
            at_ns,
            from,
            to,
            cause,
            generation: self.generation,
        }
    }

    pub(super) fn on_health(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        health: Health,
    ) -> Transitions {
        let now_ns = self.clock.observe(now_ns);
        let mut made = self.advance(policy, now_ns);
        self.health = Some(health);
        for transition in self.catch_up(policy, now_ns, now_ns) {
            made.push(transition);
        }
        made
    }

    pub(super) fn set_mode(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        mode: Mode,
    ) -> Transitions {
        let now_ns = self.clock.observe(now_ns);
        let mut made = self.advance(policy, now_ns);
        self.take_off_lost(policy, now_ns);
        let left = core::mem::replace(&mut self.mode, mode);
        let phase = self.stage.phase();
        match mode {
            Mode::ForcedOpen if phase != Phase::Open => {
                let until_ns = Some(now_ns);
                made.push(self.enter(Stage::Open { until_ns }, now_ns, Cause::Forced));
            }
            Mode::ForcedClosed if phase != Phase::Closed => {
                self.mark_closed(policy, now_ns);
                let stage = Stage::closed(&policy.layout, None);
                made.push(self.enter(stage, now_ns, Cause::Forced));
            }
            Mode::Normal | Mode::Observe if left == Mode::ForcedOpen => {
                // Time stood still while it was forced; a wait that ended meanwhile ends now.
                for transition in self.catch_up(policy, now_ns, now_ns) {
                    made.push(transition);
                }
            }
            _ => {}
        }
        made
    }

    pub(super) fn reset(&mut self, policy: &BreakerPolicy, now_ns: u64) -> Transitions {
        let now_ns = self.clock.observe(now_ns);
        let mut made = self.advance(policy, now_ns);
        self.take_off_lost(policy, now_ns);
        self.mode = Mode::Normal;
        self.opens = 0;
        self.previous_wait_ns = 0;
        self.last_close_ns = None;
        let stage = Stage::closed(&policy.layout, None);
        made.push(self.enter(stage, now_ns, Cause::Reset));
        made
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

/// One word: the share that passes grows from nothing at the close to everything at the ramp's end.
fn pass_ramp<R: Rng + ?Sized>(
    policy: &BreakerPolicy,
    from_ns: u64,
    now_ns: u64,
    rng: &mut R,
) -> Result<u32, Refusal<RefusedBy>> {
    let ramp_ns = policy.ramp_ns.unwrap_or(0);
    let since_ns = now_ns.saturating_sub(from_ns);
    if since_ns >= ramp_ns || scaled(rng.next_u64(), ramp_ns) < since_ns {
        Ok(PermitId::CLOSED)
    } else {
        Err(Refusal::new(RefusedBy::Ramp, from_ns.checked_add(ramp_ns)))
    }
}
