//! The state of one operation as plain data, and the check that a stored one must pass.

use super::end::{AbandonedBy, End};
use super::policy::{RetryPolicy, WhenRefused};
use crate::backoff::BackoffState;
use crate::breaker::PermitId;
use crate::budget::{RetryCause, WithdrawalId};
use crate::error::{RestoreError, corrupt, misfit};
use crate::named::TOO_MANY;
use crate::rebase::Rebase;
use crate::time::Monotone;
use crate::version::Version;

/// What a [`Retry`](super::Retry) remembers: when it began, its attempts, its waits, and where it stands. The breaker's
/// permit and what was taken from the budget are in it as plain data.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let mut retry = Retry::new(policy, 0);
/// let _ = retry.poll(0, &mut Parts::none(), &mut rng);
///
/// let stored: RetryState = retry.state();
/// assert_eq!(Retry::restore(policy, stored), Ok(retry));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RetryState {
    version: Version<1>,
    pub(super) clock: Monotone,
    pub(super) started_ns: u64,
    /// How long before that it began; above 0 only where that would be before instant 0.
    before_ns: u64,
    /// Attempts made, which is the id of the last.
    pub(super) attempts: u64,
    /// The last attempt is to be cancelled, and nobody was told yet.
    pub(super) abandon: Option<Overdue>,
    pub(super) backoff: BackoffState,
    pub(super) stage: Stage,
}

/// Why an attempt is to be cancelled, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Overdue {
    pub(super) reason: AbandonedBy,
    pub(super) at_ns: u64,
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub(super) enum Stage {
    /// The next attempt may be made at `at_ns`.
    Waiting {
        at_ns: u64,
        /// Why the attempt before failed; `None` before the first.
        cause: Option<RetryCause>,
        /// What it was paid with. `None`: not yet, or nobody asked for it.
        withdrawal: Option<WithdrawalId>,
    },
    /// An attempt is out.
    InFlight {
        began_ns: u64,
        permit: Option<PermitId>,
        withdrawal: Option<WithdrawalId>,
    },
    /// An attempt was out when the state went to another process. What to do is not decided yet.
    Lost { at_ns: u64 },
    /// Over.
    Done { end: End },
}

impl RetryState {
    pub(super) const fn fresh(now_ns: u64) -> Self {
        Self {
            version: Version,
            clock: Monotone::since(now_ns),
            started_ns: now_ns,
            before_ns: 0,
            attempts: 0,
            abandon: None,
            backoff: BackoffState::fresh(Monotone::since(0)),
            stage: Stage::Waiting {
                at_ns: now_ns,
                cause: None,
                withdrawal: None,
            },
        }
    }

    /// How many attempts were made.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// # let mut retry = Retry::new(policy, 0);
    /// let before = retry.state();
    /// let _ = retry.poll(0, &mut Parts::none(), &mut rng);
    /// assert_eq!((before.attempts(), retry.state().attempts()), (0, 1));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.attempts).unwrap_or(u32::MAX)
    }

    /// When the operation must be over.
    pub(super) fn ends_at_ns(&self, policy: &RetryPolicy) -> Option<u64> {
        let left_ns = policy.deadline_ns?.saturating_sub(self.before_ns);
        self.started_ns.checked_add(left_ns)
    }

    /// When the attempt that is out is given up: its own timeout or the deadline, whatever comes first.
    pub(super) fn timeout_at_ns(&self, policy: &RetryPolicy, began_ns: u64) -> Option<u64> {
        let own = policy
            .attempt_timeout_ns
            .and_then(|timeout_ns| began_ns.checked_add(timeout_ns));
        match (own, self.ends_at_ns(policy)) {
            (Some(own_ns), Some(ends_ns)) => Some(own_ns.min(ends_ns)),
            (own, ends) => own.or(ends),
        }
    }

    pub(super) fn next_deadline_ns(&self, policy: &RetryPolicy) -> Option<u64> {
        if self.abandon.is_some() {
            return Some(self.clock.latest_ns());
        }
        match self.stage {
            Stage::Waiting { at_ns, .. } | Stage::Lost { at_ns } => Some(at_ns),
            Stage::InFlight { began_ns, .. } => self.timeout_at_ns(policy, began_ns),
            Stage::Done { .. } => None,
        }
    }

    /// The state is untrusted: it may come from a file, another policy or an attacker.
    pub(super) fn check(&self, policy: &RetryPolicy) -> Result<(), RestoreError> {
        let now_ns = self.clock.latest_ns();
        self.backoff.check(&policy.backoff)?;
        if self.backoff.latest_ns() > now_ns {
            return Err(corrupt("its backoff has seen a later instant than it has"));
        }
        if self.started_ns > now_ns {
            return Err(corrupt("it began in the future"));
        }
        if self.before_ns > 0 && self.started_ns > 0 {
            return Err(corrupt("it began at two instants"));
        }
        if self.attempts >= TOO_MANY {
            return Err(corrupt("it made more attempts than there was time for"));
        }
        let max_attempts = policy.max_attempts.map_or(u64::MAX, u64::from);
        if self.attempts > max_attempts {
            return Err(misfit("it made more attempts than the policy allows"));
        }
        if let Some(overdue) = self.abandon {
            if self.attempts == 0 || self.is_out() {
                return Err(corrupt("it gives up an attempt that is not there"));
            }
            if overdue.at_ns > now_ns || overdue.at_ns <= self.started_ns {
                return Err(corrupt(
                    "it gave an attempt up in the future, or before it began",
                ));
            }
        }
        match self.stage {
            Stage::Waiting { .. } => self.check_waiting(policy),
            Stage::InFlight {
                began_ns: at_ns, ..
            }
            | Stage::Lost { at_ns } => self.check_out(policy, at_ns),
            Stage::Done { end } => self.check_done(policy, end),
        }
    }

    const fn is_out(&self) -> bool {
        matches!(self.stage, Stage::InFlight { .. } | Stage::Lost { .. })
    }

    /// How many attempts the waits given so far make possible.
    fn paid_attempts(&self) -> u32 {
        self.backoff.attempts().saturating_add(1)
    }

    fn check_waiting(&self, policy: &RetryPolicy) -> Result<(), RestoreError> {
        let Stage::Waiting {
            at_ns,
            cause,
            withdrawal,
        } = self.stage
        else {
            return Ok(());
        };
        let first = self.attempts == 0;
        if first != cause.is_none() || (first && withdrawal.is_some()) {
            return Err(corrupt("only a retry has a cause and a price"));
        }
        if self.attempts() != self.backoff.attempts() {
            return Err(corrupt("its waits and its attempts do not add up"));
        }
        if policy.attempts_are_used_up(self.attempts) {
            return Err(misfit(
                "it waits for an attempt that the policy does not allow",
            ));
        }
        let ends_ns = self.ends_at_ns(policy);
        let now_ns = self.clock.latest_ns();
        // What waits for no later instant is over with the next call.
        let waits = !first && at_ns > now_ns;
        if waits && ends_ns.is_some_and(|ends_ns| at_ns >= ends_ns) {
            return Err(misfit("it waits past the deadline"));
        }
        let longest_ns = if first { 0 } else { policy.longest_wait_ns() };
        let refused_ns = match policy.when_refused {
            WhenRefused::Wait => ends_ns.unwrap_or(u64::MAX),
            WhenRefused::End => 0,
        };
        if at_ns > now_ns.saturating_add(longest_ns).max(refused_ns) {
            return Err(misfit("it waits for longer than the policy allows"));
        }
        if at_ns < self.started_ns {
            return Err(corrupt("it waits for an instant before it began"));
        }
        Ok(())
    }

    fn check_out(&self, policy: &RetryPolicy, at_ns: u64) -> Result<(), RestoreError> {
        if self.attempts == 0 || self.attempts() != self.paid_attempts() {
            return Err(corrupt("its waits and its attempts do not add up"));
        }
        if at_ns > self.clock.latest_ns() || at_ns < self.started_ns {
            return Err(corrupt("its attempt began in the future, or before it did"));
        }
        let in_flight = matches!(self.stage, Stage::InFlight { .. });
        let ends_ns = self.ends_at_ns(policy);
        if in_flight && ends_ns.is_some_and(|ends_ns| at_ns >= ends_ns) {
            return Err(misfit("its attempt began past the deadline"));
        }
        if let Stage::InFlight {
            withdrawal: Some(_),
            ..
        } = self.stage
        {
            if self.attempts == 1 {
                return Err(corrupt("only a retry has a cause and a price"));
            }
        }
        Ok(())
    }

    fn check_done(&self, policy: &RetryPolicy, end: End) -> Result<(), RestoreError> {
        let waits = self.backoff.attempts();
        if self.attempts() != waits && self.attempts() != self.paid_attempts() {
            return Err(corrupt("its waits and its attempts do not add up"));
        }
        let needs_attempt = !matches!(
            end,
            End::Deadline | End::BreakerOpen { .. } | End::Cancelled
        );
        if needs_attempt && self.attempts == 0 {
            return Err(corrupt("it ended by an attempt and made none"));
        }
        if end == End::Deadline && policy.deadline_ns.is_none() {
            return Err(misfit(
                "it ended at a deadline that the policy does not have",
            ));
        }
        Ok(())
    }

    /// On another origin of time; an attempt in flight is lost, and what was taken from a budget is spent.
    pub(super) fn rebased(mut self, rebase: &Rebase) -> Self {
        let seen_ns = self.clock.latest_ns();
        self.clock = rebase.clock(self.clock);
        let now_ns = self.clock.latest_ns();
        let before_ns = self
            .before_ns
            .saturating_add(rebase.before_ns(self.started_ns));
        let started_ns = rebase.past_ns(self.started_ns);
        self.started_ns = started_ns.saturating_sub(before_ns);
        self.before_ns = before_ns.saturating_sub(started_ns);
        self.abandon = None;
        self.backoff = self.backoff.rebased(rebase);
        self.stage = match self.stage {
            Stage::Waiting { at_ns, cause, .. } => Stage::Waiting {
                at_ns: if at_ns <= seen_ns {
                    rebase.past_ns(at_ns)
                } else {
                    // No further from now than it was, also where a rebase says that the snapshot is older than it is.
                    let as_far_ns = now_ns.saturating_add(at_ns.saturating_sub(seen_ns));
                    let moved_ns = rebase.deadline_ns(at_ns).unwrap_or(u64::MAX);
                    moved_ns.min(as_far_ns)
                },
                cause,
                withdrawal: None,
            },
            Stage::InFlight { .. } | Stage::Lost { .. } => Stage::Lost { at_ns: now_ns },
            Stage::Done { end } => Stage::Done {
                end: shifted(end, rebase),
            },
        };
        self
    }
}

fn shifted(end: End, rebase: &Rebase) -> End {
    let moved = |at_ns: Option<u64>| at_ns.and_then(|at_ns| rebase.deadline_ns(at_ns));
    match end {
        End::BudgetSpent { retry_at_ns } => End::BudgetSpent {
            retry_at_ns: moved(retry_at_ns),
        },
        End::BreakerOpen {
            reason,
            retry_at_ns,
        } => End::BreakerOpen {
            reason,
            retry_at_ns: moved(retry_at_ns),
        },
        End::Refused { retry_at_ns } => End::Refused {
            retry_at_ns: moved(retry_at_ns),
        },
        end => end,
    }
}
