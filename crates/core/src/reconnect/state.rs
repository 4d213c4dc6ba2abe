//! The state of a reconnecting link as plain data, the check that a stored one must pass, and its move to another
//! clock.

use super::answer::{GaveUpBy, LinkId, LostBy};
use super::policy::ReconnectPolicy;
use super::schedule::Schedule;
use crate::backoff::Exhausted;
use crate::error::{RestoreError, corrupt, misfit};
use crate::named::TOO_MANY;
use crate::rebase::Rebase;
use crate::time::Monotone;
use crate::version::Version;

/// What a [`Reconnect`](super::Reconnect) remembers; store it, compare it, [restore](super::Reconnect::restore) it.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{Reported, backoff::{BackoffPolicy, Jitter}, reconnect::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
/// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
/// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
/// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
/// let stored: ReconnectState = reconnect.state();
/// // In the same process links stay what they are.
/// let mut restored = Reconnect::restore(reconnect.policy(), stored)?;
/// assert_eq!(restored.on_event(10, link, LinkEvent::Connected, &mut rng), Reported::Counted);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReconnectState {
    version: Version<1>,
    pub(super) clock: Monotone,
    /// The number of the newest link, that of the link there is, if there is one; 0 before the first.
    pub(super) last: u64,
    pub(super) schedule: Schedule,
    /// The last frame of any link.
    pub(super) heard_ns: Option<u64>,
    /// The newest link was given up by the clock and nobody has been told.
    pub(super) unreported: Option<Overdue>,
    pub(super) stage: Stage,
}

/// Which time of a link was over, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Overdue {
    pub(super) reason: LostBy,
    pub(super) at_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub(super) enum Stage {
    /// The next poll tries: at the start, which nothing came before.
    Due,
    Waiting {
        until_ns: u64,
        /// No kick goes below this: the link's end, or what the server asked for.
        not_before_ns: u64,
        /// One kick counts in a wait.
        kicked: bool,
    },
    Connecting {
        since_ns: u64,
        /// The random word of the wait that follows this link; 0 where the backoff draws none.
        word: u64,
    },
    Connected {
        since_ns: u64,
        word: u64,
        /// A frame has arrived: `heard_ns` is of this link.
        confirmed: bool,
    },
    GaveUp(GaveUpBy),
    Stopped,
}

impl ReconnectState {
    pub(super) const fn fresh() -> Self {
        Self {
            version: Version,
            clock: Monotone::since(0),
            last: 0,
            schedule: Schedule::FRESH,
            heard_ns: None,
            unreported: None,
            stage: Stage::Due,
        }
    }

    /// The newest link.
    #[inline]
    pub(super) const fn link(&self) -> LinkId {
        LinkId(self.last)
    }

    /// The state is untrusted: it may come from a file, another policy or an attacker.
    pub(super) fn check(&self, policy: &ReconnectPolicy) -> Result<(), RestoreError> {
        self.schedule.check(policy.backoff())?;
        if self.last >= TOO_MANY {
            return Err(corrupt("more links than there can have been"));
        }
        // A wait follows its link.
        let stands = matches!(
            self.stage,
            Stage::Connecting { .. } | Stage::Connected { .. }
        );
        let waits = u64::from(self.schedule.attempts).saturating_add(stands.into());
        if waits > self.last {
            return Err(corrupt("more waits than links"));
        }
        if self.heard_ns.is_some_and(|at_ns| self.is_ahead(at_ns)) {
            return Err(corrupt("a frame is in the future"));
        }
        let begun = !matches!(self.stage, Stage::Due | Stage::Stopped);
        if self.last == 0 && (begun || self.heard_ns.is_some() || self.unreported.is_some()) {
            return Err(corrupt("a fact about a link before the first"));
        }
        self.check_unreported(policy)?;
        self.check_stage(policy)
    }

    fn check_unreported(&self, policy: &ReconnectPolicy) -> Result<(), RestoreError> {
        let Some(overdue) = self.unreported else {
            return Ok(());
        };
        if self.is_ahead(overdue.at_ns) {
            return Err(corrupt("a link was given up in the future"));
        }
        if overdue.reason == LostBy::Silent && policy.silence_limit_ns.is_none() {
            return Err(misfit(
                "a link was given up for its silence, which the policy does not limit",
            ));
        }
        match self.stage {
            Stage::Due | Stage::Waiting { .. } | Stage::GaveUp(GaveUpBy::Exhausted(_)) => Ok(()),
            _ => Err(corrupt("a link was given up that no poll has passed over")),
        }
    }

    fn check_stage(&self, policy: &ReconnectPolicy) -> Result<(), RestoreError> {
        match self.stage {
            Stage::Due | Stage::Stopped => match self.schedule.attempts {
                0 => Ok(()),
                _ => Err(corrupt("a fresh start with waits behind it")),
            },
            Stage::Waiting {
                until_ns,
                not_before_ns,
                ..
            } => self.check_wait(policy, until_ns, not_before_ns),
            Stage::Connecting { since_ns, .. } if self.is_ahead(since_ns) => {
                Err(corrupt("a try began in the future"))
            }
            Stage::Connecting { .. } => Ok(()),
            Stage::Connected {
                since_ns,
                confirmed,
                ..
            } => {
                let heard = self.heard_ns.is_some_and(|at_ns| at_ns >= since_ns);
                let heard_later = self.heard_ns.is_some_and(|at_ns| at_ns > since_ns);
                if self.is_ahead(since_ns) {
                    Err(corrupt("a link began in the future"))
                } else if confirmed && !heard {
                    Err(corrupt("a link is confirmed and has brought no frame"))
                } else if !confirmed && heard_later {
                    Err(corrupt("a link has brought a frame and is not confirmed"))
                } else {
                    Ok(())
                }
            }
            Stage::GaveUp(GaveUpBy::Exhausted(limit)) => self.check_limit(policy, limit),
            Stage::GaveUp(GaveUpBy::Advised) => Ok(()),
        }
    }

    fn check_wait(
        &self,
        policy: &ReconnectPolicy,
        until_ns: u64,
        not_before_ns: u64,
    ) -> Result<(), RestoreError> {
        let begun_ns = self
            .unreported
            .map_or_else(|| self.clock.latest_ns(), |overdue| overdue.at_ns);
        let latest_ns = begun_ns.checked_add(policy.longest_wait_ns());
        if self.schedule.attempts == 0 {
            Err(corrupt("a wait that nobody counted"))
        } else if not_before_ns > until_ns {
            Err(corrupt("a wait ends before it may"))
        } else if latest_ns.is_some_and(|latest_ns| until_ns > latest_ns) {
            Err(misfit("a wait is longer than the policy allows"))
        } else {
            Ok(())
        }
    }

    /// It gave up by a limit; the policy must have it.
    fn check_limit(&self, policy: &ReconnectPolicy, limit: Exhausted) -> Result<(), RestoreError> {
        let backoff = policy.backoff();
        let reached = match limit {
            Exhausted::Retries => backoff
                .max_retries()
                .is_some_and(|max| self.schedule.attempts >= max),
            Exhausted::TotalWait => backoff.max_total_wait().is_some(),
            // True of the clock it happened on; a rebased state is on another.
            Exhausted::EndOfTime => true,
        };
        if reached {
            Ok(())
        } else {
            Err(misfit(
                "it gave up by a limit that the policy has not reached",
            ))
        }
    }

    const fn is_ahead(&self, at_ns: u64) -> bool {
        at_ns > self.clock.latest_ns()
    }

    /// On another origin of time; what was in flight is lost as of when the state was taken.
    pub(super) fn rebased(mut self, policy: &ReconnectPolicy, rebase: &Rebase) -> Self {
        let taken_at_ns = self.clock.observe(rebase.taken_at_ns);
        self.settle(policy, taken_at_ns);
        self.lose(policy, taken_at_ns);
        self.unreported = None;
        let rebase = &rebase.seen_by(self.clock);
        self.clock = rebase.clock(self.clock);
        self.heard_ns = self.heard_ns.map(|at_ns| rebase.past_ns(at_ns));
        if let Stage::Waiting {
            until_ns,
            not_before_ns,
            kicked,
        } = self.stage
        {
            self.stage = match rebase.deadline_ns(until_ns) {
                Some(until_ns) => Stage::Waiting {
                    until_ns,
                    not_before_ns: rebase.deadline_ns(not_before_ns).unwrap_or(until_ns),
                    kicked,
                },
                None => Stage::GaveUp(GaveUpBy::Exhausted(Exhausted::EndOfTime)),
            };
        }
        self
    }
}
