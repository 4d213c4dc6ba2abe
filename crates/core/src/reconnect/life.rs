//! The life of a link: tried, connected, heard, lost, waited for. Everything that time alone brings about happens in
//! `settle`, which every call makes first, so that it does not matter who notices it.

use super::answer::{GaveUpBy, LinkAction, LinkEvent, LinkId, LostBy};
use super::policy::ReconnectPolicy;
use super::schedule::Schedule;
use super::state::{Overdue, ReconnectState, Stage};
use super::status::{LinkPhase, LinkStatus};
use crate::advice::Advice;
use crate::backoff::Exhausted;
use crate::random::{Rng, scaled};
use crate::reported::Reported;

impl ReconnectState {
    pub(super) fn poll<R: Rng + ?Sized>(
        &mut self,
        policy: &ReconnectPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> LinkAction {
        let now_ns = self.clock.observe(now_ns);
        self.settle(policy, now_ns);
        let link = self.link();
        if let Some(Overdue { reason, at_ns }) = self.unreported.take() {
            return LinkAction::Abandon {
                link,
                reason,
                at_ns,
            };
        }
        match self.stage {
            Stage::Due => self.connect(policy, now_ns, rng),
            Stage::Waiting { until_ns, .. } if now_ns >= until_ns => {
                self.connect(policy, now_ns, rng)
            }
            Stage::Waiting { until_ns, .. } => LinkAction::WaitUntil { at_ns: until_ns },
            Stage::Connecting { .. } => LinkAction::Connecting {
                link,
                timeout_at_ns: self.overdue_at_ns(policy),
            },
            Stage::Connected { .. } => LinkAction::Connected {
                link,
                silent_at_ns: self.overdue_at_ns(policy),
            },
            Stage::GaveUp(by) => LinkAction::GaveUp { by },
            Stage::Stopped => LinkAction::Stopped,
        }
    }

    /// The try after a wait, and the word of the wait that may follow it.
    fn connect<R: Rng + ?Sized>(
        &mut self,
        policy: &ReconnectPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> LinkAction {
        // A restored state has at most 2^63 links behind it.
        self.last = self.last.wrapping_add(1);
        self.stage = Stage::Connecting {
            since_ns: now_ns,
            word: if policy.draws() { rng.next_u64() } else { 0 },
        };
        LinkAction::Connect {
            link: self.link(),
            timeout_at_ns: self.overdue_at_ns(policy),
        }
    }

    pub(super) fn on_event<R: Rng + ?Sized>(
        &mut self,
        policy: &ReconnectPolicy,
        now_ns: u64,
        link: LinkId,
        event: LinkEvent,
        rng: &mut R,
    ) -> Reported {
        let now_ns = self.clock.observe(now_ns);
        self.settle(policy, now_ns);
        if link != self.link() {
            return Reported::Stale;
        }
        match (self.stage, event) {
            (Stage::Connecting { word, .. }, LinkEvent::Connected) => {
                self.stage = Stage::Connected {
                    since_ns: now_ns,
                    word,
                    confirmed: false,
                };
            }
            (
                Stage::Connecting { .. } | Stage::Connected { .. },
                LinkEvent::Failed | LinkEvent::Lost,
            ) => self.lose(policy, now_ns),
            (
                Stage::Connecting { .. } | Stage::Connected { .. },
                LinkEvent::Refused(Advice::Stop),
            ) => {
                self.forgive_if_stable(policy, now_ns);
                self.stage = Stage::GaveUp(GaveUpBy::Advised);
            }
            (
                Stage::Connecting { .. } | Stage::Connected { .. },
                LinkEvent::Refused(Advice::RetryAt { at_ns }),
            ) => self.heed(policy, now_ns, at_ns, rng),
            _ => return Reported::Stale,
        }
        Reported::Counted
    }

    #[inline]
    pub(super) fn on_frame(
        &mut self,
        policy: &ReconnectPolicy,
        now_ns: u64,
        link: LinkId,
    ) -> Reported {
        let now_ns = self.clock.observe(now_ns);
        let in_time = self
            .overdue_at_ns(policy)
            .is_none_or(|at_ns| now_ns < at_ns);
        match &mut self.stage {
            Stage::Connected { confirmed, .. } if in_time && link.0 == self.last => {
                *confirmed = true;
                self.heard_ns = Some(now_ns);
                Reported::Counted
            }
            _ => {
                self.settle(policy, now_ns);
                Reported::Stale
            }
        }
    }

    /// When the sooner try is, if it is sooner.
    pub(super) fn kick<R: Rng + ?Sized>(
        &mut self,
        policy: &ReconnectPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Option<u64> {
        let now_ns = self.clock.observe(now_ns);
        self.settle(policy, now_ns);
        match self.stage {
            Stage::Waiting {
                until_ns,
                not_before_ns,
                kicked: false,
            } if now_ns.max(not_before_ns) < until_ns => {
                let range = policy.kick_within_ns.saturating_add(1);
                let soon_ns = now_ns
                    .max(not_before_ns)
                    .saturating_add(scaled(rng.next_u64(), range));
                self.stage = Stage::Waiting {
                    until_ns: until_ns.min(soon_ns),
                    not_before_ns,
                    kicked: true,
                };
                Some(soon_ns).filter(|soon_ns| *soon_ns < until_ns)
            }
            _ => None,
        }
    }

    /// The link to close.
    pub(super) fn stop(&mut self, policy: &ReconnectPolicy, now_ns: u64) -> Option<LinkId> {
        let now_ns = self.clock.observe(now_ns);
        self.settle(policy, now_ns);
        let stands = matches!(
            self.stage,
            Stage::Connecting { .. } | Stage::Connected { .. }
        );
        let unreported = self.unreported.take().is_some();
        self.begin_afresh(Stage::Stopped);
        (stands || unreported).then_some(self.link())
    }

    /// Whether that did something.
    pub(super) fn start(&mut self, policy: &ReconnectPolicy, now_ns: u64) -> bool {
        let now_ns = self.clock.observe(now_ns);
        self.settle(policy, now_ns);
        let rests = matches!(self.stage, Stage::Stopped | Stage::GaveUp(_));
        if rests {
            self.begin_afresh(Stage::Due);
        }
        rests
    }

    const fn begin_afresh(&mut self, stage: Stage) {
        self.schedule = Schedule::FRESH;
        self.stage = stage;
    }

    /// What time alone has brought about until `now_ns`: a link whose time is over is lost, as of then. No loop: what
    /// follows, the try after the wait, takes a poll.
    #[inline]
    pub(super) fn settle(&mut self, policy: &ReconnectPolicy, now_ns: u64) {
        let reason = match self.stage {
            Stage::Connecting { .. } => LostBy::ConnectTimeout,
            Stage::Connected { .. } => LostBy::Silent,
            _ => return,
        };
        if let Some(at_ns) = self.overdue_at_ns(policy).filter(|at_ns| now_ns >= *at_ns) {
            self.unreported = Some(Overdue { reason, at_ns });
            self.lose(policy, at_ns);
        }
    }

    /// When the link there is will be given up, if nothing is reported before.
    #[inline]
    fn overdue_at_ns(&self, policy: &ReconnectPolicy) -> Option<u64> {
        match self.stage {
            Stage::Connecting { since_ns, .. } => since_ns.checked_add(policy.connect_timeout_ns),
            Stage::Connected {
                since_ns,
                confirmed,
                ..
            } => {
                let heard_ns = self.heard_ns.filter(|_| confirmed);
                heard_ns
                    .unwrap_or(since_ns)
                    .checked_add(policy.silence_limit_ns?)
            }
            _ => None,
        }
    }

    /// Whether the link there is has proven itself.
    const fn is_stable(&self, policy: &ReconnectPolicy, now_ns: u64) -> bool {
        match self.stage {
            Stage::Connected {
                since_ns,
                confirmed,
                ..
            } => confirmed && now_ns.saturating_sub(since_ns) >= policy.stable_after_ns,
            _ => false,
        }
    }

    /// The link there is ended at `at_ns`; the backoff says how long to wait from then on. Nothing without a link.
    pub(super) fn lose(&mut self, policy: &ReconnectPolicy, at_ns: u64) {
        let (Stage::Connecting { word, .. } | Stage::Connected { word, .. }) = self.stage else {
            return;
        };
        self.forgive_if_stable(policy, at_ns);
        let wait = self
            .schedule
            .own_ns(policy.backoff(), word)
            .and_then(|own_ns| {
                self.schedule
                    .accept(policy.backoff(), at_ns, own_ns, own_ns)
            });
        self.wait_or_give_up(wait, at_ns);
    }

    /// The server ended the link and said to come back at `advised_at_ns`.
    fn heed<R: Rng + ?Sized>(
        &mut self,
        policy: &ReconnectPolicy,
        now_ns: u64,
        advised_at_ns: u64,
        rng: &mut R,
    ) {
        let (Stage::Connecting { word, .. } | Stage::Connected { word, .. }) = self.stage else {
            return;
        };
        self.forgive_if_stable(policy, now_ns);
        let advisory = &policy.advisory;
        let wait = self
            .schedule
            .own_ns(policy.backoff(), word)
            .and_then(|own_ns| {
                let delay_ns = advisory.wait_ns(now_ns, advised_at_ns, own_ns, rng);
                self.schedule
                    .accept(policy.backoff(), now_ns, delay_ns, own_ns)
            });
        let advised_ns = advised_at_ns.saturating_sub(now_ns).min(advisory.cap_ns);
        self.wait_or_give_up(wait, now_ns.saturating_add(advised_ns));
    }

    fn forgive_if_stable(&mut self, policy: &ReconnectPolicy, at_ns: u64) {
        if self.is_stable(policy, at_ns) {
            self.schedule = Schedule::FRESH;
        }
    }

    fn wait_or_give_up(&mut self, wait: Result<u64, Exhausted>, not_before_ns: u64) {
        self.stage = match wait {
            Ok(until_ns) => Stage::Waiting {
                until_ns,
                not_before_ns: not_before_ns.min(until_ns),
                kicked: false,
            },
            Err(limit) => Stage::GaveUp(GaveUpBy::Exhausted(limit)),
        };
    }

    pub(super) fn next_deadline_ns(&self, policy: &ReconnectPolicy) -> Option<u64> {
        match self.stage {
            _ if self.unreported.is_some() => Some(self.clock.latest_ns()),
            Stage::Due => Some(self.clock.latest_ns()),
            Stage::Waiting { until_ns, .. } => Some(until_ns),
            _ => self.overdue_at_ns(policy),
        }
    }

    pub(super) fn status(&self, policy: &ReconnectPolicy, now_ns: u64) -> LinkStatus {
        let now_ns = self.clock.peek(now_ns);
        let mut then = *self;
        then.settle(policy, now_ns);
        let stable = then.is_stable(policy, now_ns);
        let link = then.link();
        let phase = match then.stage {
            Stage::Waiting { until_ns, .. } if now_ns < until_ns => LinkPhase::Waiting { until_ns },
            Stage::Due | Stage::Waiting { .. } => LinkPhase::Due,
            Stage::Connecting { .. } => LinkPhase::Connecting {
                link,
                timeout_at_ns: then.overdue_at_ns(policy),
            },
            Stage::Connected { confirmed, .. } => LinkPhase::Connected {
                link,
                confirmed,
                stable,
            },
            Stage::GaveUp(by) => LinkPhase::GaveUp { by },
            Stage::Stopped => LinkPhase::Stopped,
        };
        LinkStatus {
            phase,
            attempt: if stable { 0 } else { then.schedule.attempts },
            last_heard_ns: then.heard_ns,
        }
    }
}
