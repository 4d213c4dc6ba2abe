//! What a restart machine does with its state: one step for each call.

use super::answer::{Exit, RestartAction, RestartOn, RunId};
use super::policy::RestartPolicy;
use super::state::{RestartState, Stage};
use crate::random::Rng;
use crate::reported::Reported;

impl RestartState {
    pub(super) fn poll(&mut self, policy: &RestartPolicy, now_ns: u64) -> RestartAction {
        let now_ns = self.clock.observe(now_ns);
        match self.stage {
            Stage::Waiting { at_ns } if now_ns >= at_ns => {
                self.last_run = self.last_run.saturating_add(1);
                self.stage = Stage::Running { since_ns: now_ns };
                RestartAction::Start {
                    run: RunId(self.last_run),
                }
            }
            Stage::Waiting { at_ns } => RestartAction::WaitUntil { at_ns },
            Stage::Running { .. } | Stage::Leaving => RestartAction::Running {
                run: RunId(self.last_run),
            },
            Stage::Escalated { failures } => RestartAction::Escalated {
                failures,
                max_restarts: policy.max_restarts(),
            },
            Stage::Stopped { .. } => RestartAction::Stopped,
        }
    }

    pub(super) fn on_exit<R: Rng + ?Sized>(
        &mut self,
        policy: &RestartPolicy,
        now_ns: u64,
        run: RunId,
        exit: Exit,
        rng: &mut R,
    ) -> Reported {
        let now_ns = self.clock.observe(now_ns);
        if self.in_flight() != Some(run) {
            return Reported::Stale;
        }
        self.stage = match self.stage {
            Stage::Running { since_ns } => {
                let uptime_ns = now_ns.saturating_sub(since_ns);
                self.after(policy, now_ns, uptime_ns, exit, rng)
            }
            Stage::Leaving => Stage::Waiting { at_ns: now_ns },
            _ => Stage::Stopped { in_flight: false },
        };
        Reported::Counted
    }

    /// What follows a run that nobody stopped.
    fn after<R: Rng + ?Sized>(
        &mut self,
        policy: &RestartPolicy,
        now_ns: u64,
        uptime_ns: u64,
        exit: Exit,
        rng: &mut R,
    ) -> Stage {
        if policy
            .cooldown_ns
            .is_some_and(|calm_ns| uptime_ns >= calm_ns)
        {
            self.forget();
        }
        let again = match policy.restart_on {
            RestartOn::Always => true,
            RestartOn::Failure => exit == Exit::Failure,
            RestartOn::Never => false,
        };
        if !again {
            return Stage::Stopped { in_flight: false };
        }
        if let (Exit::Failure, Some(limit)) = (exit, policy.intensity) {
            self.failures.push(limit.window_ns, now_ns);
            let failures = self.failures.len();
            if failures > limit.max_restarts {
                return Stage::Escalated { failures };
            }
        }
        self.attempts = self.attempts.saturating_add(1);
        let ceiling_ns = policy.backoff.ceiling_ns(self.attempts);
        let wait_ns = policy
            .backoff
            .draw_ns(ceiling_ns, self.previous_wait_ns, rng);
        self.previous_wait_ns = wait_ns;
        match now_ns.checked_add(wait_ns) {
            Some(at_ns) => Stage::Waiting { at_ns },
            None => Stage::Stopped { in_flight: false },
        }
    }

    pub(super) fn stop(&mut self, now_ns: u64) -> Option<RunId> {
        let _ = self.clock.observe(now_ns);
        let run = self.in_flight();
        self.stage = Stage::Stopped {
            in_flight: run.is_some(),
        };
        run
    }

    pub(super) fn rearm(&mut self, now_ns: u64) {
        let now_ns = self.clock.observe(now_ns);
        self.forget();
        self.stage = match self.stage {
            running @ (Stage::Running { .. } | Stage::Leaving) => running,
            Stage::Stopped { in_flight: true } => Stage::Leaving,
            Stage::Stopped { in_flight: false }
            | Stage::Waiting { .. }
            | Stage::Escalated { .. } => Stage::Waiting { at_ns: now_ns },
        };
    }

    fn forget(&mut self) {
        self.attempts = 0;
        self.previous_wait_ns = 0;
        self.failures.clear();
    }

    pub(super) fn in_flight(&self) -> Option<RunId> {
        self.stage.in_flight().then_some(RunId(self.last_run))
    }

    pub(super) fn recent_failures(&self, policy: &RestartPolicy, now_ns: u64) -> u32 {
        let now_ns = self.clock.peek(now_ns);
        let window_ns = policy.intensity.map_or(0, |limit| limit.window_ns);
        self.failures.within(window_ns, now_ns)
    }

    pub(super) fn next_deadline_ns(&self) -> Option<u64> {
        match self.stage {
            Stage::Waiting { at_ns } => Some(at_ns.max(self.clock.latest_ns())),
            _ => None,
        }
    }
}
