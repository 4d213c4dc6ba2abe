//! What a health probe does with its state: one step for each call.

use super::answer::{HealthChange, ProbeAction, ProbeId, ProbeReceipt, Probed, TrafficReceipt};
use super::policy::HealthProbePolicy;
use super::state::{HealthProbeState, Stage};
use crate::breaker::Health;
use crate::random::Rng;
use crate::reported::Reported;

impl HealthProbeState {
    pub(super) fn poll<R: Rng + ?Sized>(
        &mut self,
        policy: &HealthProbePolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> ProbeAction {
        let now_ns = self.clock.observe(now_ns);
        let change = self.settle(policy, now_ns);
        match self.stage {
            Stage::Lost { ended_ns, at_ns } => {
                self.stage = Stage::Waiting { at_ns };
                ProbeAction::Abandon {
                    probe: ProbeId(self.last_probe),
                    at_ns: ended_ns,
                    change,
                }
            }
            Stage::Waiting { at_ns: Some(at_ns) } if now_ns >= at_ns => {
                self.last_probe = self.last_probe.saturating_add(1);
                let timeout_at_ns = now_ns.checked_add(policy.timeout_ns);
                self.stage = Stage::Probing {
                    timeout_at_ns,
                    word: if policy.draws() { rng.next_u64() } else { 0 },
                };
                ProbeAction::Send {
                    probe: ProbeId(self.last_probe),
                    timeout_at_ns,
                }
            }
            Stage::Waiting { at_ns: Some(at_ns) } => ProbeAction::WaitUntil { at_ns },
            Stage::Waiting { at_ns: None } => ProbeAction::Idle,
            Stage::Probing { timeout_at_ns, .. } => ProbeAction::Probing {
                probe: ProbeId(self.last_probe),
                timeout_at_ns,
            },
        }
    }

    pub(super) fn on_report(
        &mut self,
        policy: &HealthProbePolicy,
        now_ns: u64,
        probe: ProbeId,
        found: Probed,
    ) -> ProbeReceipt {
        let now_ns = self.clock.observe(now_ns);
        let change = self.settle(policy, now_ns);
        match self.stage {
            Stage::Probing { word, .. } if probe == ProbeId(self.last_probe) => {
                let change = self.count(policy, now_ns, found);
                let at_ns = self.next_send_ns(policy, now_ns, found, word);
                self.stage = Stage::Waiting { at_ns };
                self.receipt(Reported::Counted, change)
            }
            _ => self.receipt(Reported::Stale, change),
        }
    }

    const fn receipt(&self, reported: Reported, change: Option<HealthChange>) -> ProbeReceipt {
        ProbeReceipt {
            reported,
            change,
            health: self.health,
        }
    }

    pub(super) fn on_traffic(
        &mut self,
        policy: &HealthProbePolicy,
        now_ns: u64,
        found: Probed,
    ) -> TrafficReceipt {
        let now_ns = self.clock.observe(now_ns);
        let timed_out = self.settle(policy, now_ns);
        let change = self.count(policy, now_ns, found);
        TrafficReceipt {
            timed_out,
            change,
            health: self.health,
        }
    }

    /// The health at `now_ns`, with what has fallen due and was not noticed.
    pub(super) fn health(&self, policy: &HealthProbePolicy, now_ns: u64) -> Option<Health> {
        let mut then = *self;
        let now_ns = then.clock.observe(now_ns);
        let _ = then.settle(policy, now_ns);
        then.health
    }

    pub(super) const fn in_flight(&self) -> Option<ProbeId> {
        match self.stage {
            Stage::Probing { .. } => Some(ProbeId(self.last_probe)),
            _ => None,
        }
    }

    pub(super) fn next_deadline_ns(&self) -> Option<u64> {
        let at_ns = match self.stage {
            Stage::Waiting { at_ns } => at_ns,
            Stage::Probing { timeout_at_ns, .. } => timeout_at_ns,
            Stage::Lost { .. } => Some(0),
        };
        at_ns.map(|at_ns| at_ns.max(self.clock.latest_ns()))
    }

    /// A probe whose time is over has failed, at the end of its time.
    fn settle(&mut self, policy: &HealthProbePolicy, now_ns: u64) -> Option<HealthChange> {
        match self.stage {
            Stage::Probing {
                timeout_at_ns: Some(end_ns),
                word,
            } if now_ns >= end_ns => {
                let change = self.count(policy, end_ns, Probed::Failed);
                let at_ns = self.next_send_ns(policy, end_ns, Probed::Failed, word);
                self.stage = Stage::Lost {
                    ended_ns: end_ns,
                    at_ns,
                };
                change
            }
            _ => None,
        }
    }

    /// One more result; the verdict if it changes.
    fn count(
        &mut self,
        policy: &HealthProbePolicy,
        at_ns: u64,
        found: Probed,
    ) -> Option<HealthChange> {
        let (enough, to) = match found {
            Probed::Passed => {
                self.passed = self.passed.saturating_add(1);
                self.failed = 0;
                (self.passed >= policy.rise, Health::Up)
            }
            Probed::Failed => {
                self.failed = self.failed.saturating_add(1);
                self.passed = 0;
                (self.failed >= policy.fall, Health::Down)
            }
        };
        if !enough || self.health == Some(to) {
            return None;
        }
        let from = self.health.replace(to);
        self.restart_down_waits();
        Some(HealthChange { at_ns, from, to })
    }

    /// When the probe after one that ended at `end_ns` is sent.
    fn next_send_ns(
        &mut self,
        policy: &HealthProbePolicy,
        end_ns: u64,
        found: Probed,
        word: u64,
    ) -> Option<u64> {
        let first = self.last_probe == 1;
        let wait_ns = match policy.down {
            Some(down) if self.health == Some(Health::Down) => {
                if found == Probed::Passed {
                    self.restart_down_waits();
                    down.drawn_ns(down.first_ns(), 0, word)
                } else {
                    self.down_waits = self.down_waits.saturating_add(1);
                    let ceiling_ns = down.ceiling_ns(self.down_waits);
                    self.previous_wait_ns = down.drawn_ns(ceiling_ns, self.previous_wait_ns, word);
                    self.previous_wait_ns
                }
            }
            _ => policy.steady_wait_ns(first, word),
        };
        end_ns.checked_add(wait_ns)
    }

    const fn restart_down_waits(&mut self) {
        self.down_waits = 0;
        self.previous_wait_ns = 0;
    }
}
