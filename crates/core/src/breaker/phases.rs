//! The phases: what time, results and operators change them to, and all that a change of phase resets.

use super::leases;
use super::policy::BreakerPolicy;
use super::quiet::Quiet;
use super::state::{BreakerState, Stage};
use super::told::{Health, Mode};
use super::transition::{Cause, Phase, Transition};
use super::transitions::Transitions;
use crate::packed::PackedNs;
use crate::random::Rng;

impl BreakerState {
    /// The transitions that fell due by `now_ns`, made.
    #[inline]
    pub(crate) fn advance(&mut self, policy: &BreakerPolicy, now_ns: u64) -> Transitions {
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
    pub(super) fn take_off_lost(&mut self, policy: &BreakerPolicy, now_ns: u64) {
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
    pub(super) fn trip<R: Rng + ?Sized>(
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
                policy.open().draws().then(|| rng.next_u64())
            }
        };
        self.open(policy, now_ns, cause, word, advised_ns)
    }

    fn forgive(&mut self, policy: &BreakerPolicy, now_ns: u64) {
        if let (Some(calm_ns), Some(closed_ns)) = (policy.calm_after_ns, self.last_close_ns.get()) {
            let calm = now_ns.saturating_sub(closed_ns).checked_div(calm_ns);
            let forgiven = u32::try_from(calm.unwrap_or(0)).unwrap_or(u32::MAX);
            self.opens = self.opens.saturating_sub(forgiven);
        }
        if self.opens == 0 {
            self.previous_wait_ns = 0;
        }
    }

    pub(super) fn open(
        &mut self,
        policy: &BreakerPolicy,
        at_ns: u64,
        cause: Cause,
        word: Option<u64>,
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

    pub(super) fn close(&mut self, policy: &BreakerPolicy, at_ns: u64) -> Transition {
        self.mark_closed(policy, at_ns);
        let ramp_from_ns = policy.ramp_ns.map(|_| at_ns);
        let stage = Stage::closed(&policy.layout, ramp_from_ns);
        self.enter(stage, at_ns, Cause::TrialsPassed)
    }

    fn mark_closed(&mut self, policy: &BreakerPolicy, at_ns: u64) {
        self.last_close_ns = PackedNs::new(Some(at_ns));
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
        self.quiet = Quiet::NONE;
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

    pub(crate) fn on_health(
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

    pub(crate) fn set_mode(
        &mut self,
        policy: &BreakerPolicy,
        now_ns: u64,
        mode: Mode,
    ) -> Transitions {
        let now_ns = self.clock.observe(now_ns);
        let mut made = self.advance(policy, now_ns);
        self.take_off_lost(policy, now_ns);
        let left = core::mem::replace(&mut self.mode, mode);
        self.quiet = Quiet::NONE;
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

    pub(crate) fn reset(&mut self, policy: &BreakerPolicy, now_ns: u64) -> Transitions {
        let now_ns = self.clock.observe(now_ns);
        let mut made = self.advance(policy, now_ns);
        self.take_off_lost(policy, now_ns);
        self.mode = Mode::Normal;
        self.opens = 0;
        self.previous_wait_ns = 0;
        self.last_close_ns = PackedNs::NONE;
        let stage = Stage::closed(&policy.layout, None);
        made.push(self.enter(stage, now_ns, Cause::Reset));
        made
    }
}
