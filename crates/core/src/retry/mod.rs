//! Retry: one operation, from its first attempt to its end.
//!
//! An operation is a value. It says when to make the next attempt, when to give one up, how long to wait, and when to
//! stop; it asks the breaker before each attempt and pays each retry from a budget, both of which it borrows for the
//! call and shares with other operations. So an operation costs nothing to begin, and what must be shared is shared
//! where one sees it.
//!
#![doc = include_str!("../../diagrams/retry.svg")]
//!
//! | stage | [`poll`](Retry::poll) | [`on_outcome`](Retry::on_outcome) | [`cancel`](Retry::cancel) | time |
//! |---|---|---|---|---|
//! | waiting, before its instant | `WaitUntil` | stale | → **done**, what was taken is given back | deadline → **done** |
//! | waiting, at its instant | breaker agrees: `Attempt` → **in flight**; refuses → **done**, or wait on; what was taken is given back | stale | → **done**, given back | deadline → **done**, given back |
//! | in flight | `InFlight` | `Success`, `Permanent`, `Refused`, `Cancelled` → **done**; `Transient`: the checks agree → **waiting**; a check says no → **done** | `Abandon`, permit released → **done** | its timeout: `Abandon`, the checks agree → **waiting**; a check says no → **done**; deadline: `Abandon` → **done** |
//! | done | `Done` | stale | `Done` | nothing |
//!
//! **Checks**, in this order, each only if all before it agree: the deadline; `max_attempts`; advice to
//! [stop](crate::advice::Advice::Stop); the backoff, whose wait (with advice) must end before the deadline; the budget,
//! last, so that nothing is taken for a retry that another check forbids. At the attempt the breaker is asked, also for
//! the first. A first attempt costs no budget: it is what budgets grant retries for (`on_request`, once for each
//! operation whose first attempt goes out).
//!
//! **What the parts are told.** The breaker: see [`AttemptOutcome`]; an attempt that timed out is a failure, one that
//! the operation's deadline cut short of its own timeout is ignored. Latency is the time from the poll that began the
//! attempt to the report. The budget: `on_success` with what the retry cost, or without where the first attempt did it.
//! What a retry took is given back where the retry is not made or not sent (`Refused`); once it is made it is spent,
//! also if it is then cancelled: the load was there. A retry that waits on for a breaker asks the budget again, unless
//! it took nothing that can be given back: with [`AboveHalf`](crate::budget::AllowedWhen::AboveHalf) a failure costs
//! once.
//!
//! **Deadlines.** [`next_deadline_ns`](Retry::next_deadline_ns) may change after any call that takes `&mut self`. What
//! has fallen due is done as of its instant, whoever notices it: a wait runs from the timeout, not from the late poll.
//! At exactly the timeout or the deadline a report comes too late. An operation that is over has no next deadline, also
//! where `Abandon` was said last and `Done` was not yet: poll again at once after `Abandon`.
//!
//! **Cost.** 136 bytes of state, no allocation, at most one report to or question of the breaker in a call. The next
//! wait takes O(1), or at most 4 096 multiplications with a factor that is no power of two.
//!
//! **Random words.** One for each wait unless its jitter is `None`, none where advice alone rules
//! ([`AdvisoryRule::Exact`](crate::advice::AdvisoryRule::Exact)); one more where advised waits are spread. What the
//! breaker draws in the same call comes first.
//!
//! **Defaults.** Three attempts, no timeout, no deadline, [`WhenRefused::End`]: reasons at the [setters](RetryBuilder).
//!
//! **Not for** links that are to stay up ([`reconnect`](crate::reconnect)), tasks to be kept running
//! ([`restart`](crate::restart)), or operations that must not happen twice: it cannot know which failed attempt did.
//! Retry at one layer only; where layers retry their attempts multiply, and the budget is what bounds them.
//!
//! Prior art: gRPC A6 and AWS SDKs for retry budgets and pushback; Finagle's `RetryBudget`; Polly for the order of
//! timeout, retry and breaker; Nygard's *Release It!*.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
//! use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
//! use evenkeel_core::retry::{AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! // Shared by all calls of one dependency.
//! let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
//! let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
//!     .trigger(Trigger::Consecutive { failures: 5 })
//!     .build()?;
//! let mut breaker = Breaker::new(breaker);
//! let mut tokens = RetryTokens::new(RetryTokensPolicy::builder(50_000).refund(true).build()?);
//!
//! // One operation.
//! let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
//! let policy = RetryPolicy::builder(backoff)
//!     .max_attempts(4)
//!     .attempt_timeout(Duration::from_secs(2))
//!     .deadline(Duration::from_secs(10))
//!     .build()?;
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
//! let mut now_ns = 0; // any clock: here we simply step to the next instant
//! let mut retry = Retry::new(&policy, now_ns);
//!
//! // What the dependency will do: fail in 30 ms, hang, answer in 30 ms.
//! let mut answers = [Some(false), None, Some(true)].into_iter();
//! let (mut answer, mut cancelled) = (None, 0);
//! let end = loop {
//!     let mut parts = Parts::none().with_breaker(&mut breaker).with_budget(&mut tokens);
//!     match retry.poll(now_ns, &mut parts, &mut rng).action {
//!         RetryAction::Attempt { .. } => answer = answers.next().flatten(), // send the request
//!         RetryAction::InFlight { attempt, timeout_at_ns } => match answer {
//!             Some(ok) => {
//!                 now_ns += 30_000_000;
//!                 let failed = AttemptOutcome::transient(RetryCause::Failure);
//!                 let outcome = if ok { AttemptOutcome::Success } else { failed };
//!                 let _ = retry.on_outcome(now_ns, attempt, outcome, &mut parts, &mut rng);
//!             }
//!             None => now_ns = timeout_at_ns.expect("the policy has a timeout"), // sleep
//!         },
//!         RetryAction::Abandon { .. } => cancelled += 1, // drop the request
//!         RetryAction::WaitUntil { at_ns } => now_ns = at_ns, // sleep
//!         RetryAction::Done { end } => break end,
//!         action => return Err(format!("an action of a later version: {action:?}").into()),
//!     }
//! };
//! assert_eq!(end, End::Succeeded);
//! assert_eq!((retry.attempts(), cancelled), (3, 1));
//! // 30 ms, a wait of at most 100 ms, 2 s, a wait of at most 200 ms, 30 ms.
//! assert!((2_060_000_000..=2_360_000_000).contains(&now_ns));
//! let stats = breaker.stats(now_ns);
//! assert_eq!((stats.failures, stats.successes), (2, 1));
//! // Two retries were paid for, and the one that succeeded got its token back.
//! assert_eq!(tokens.balance_milli(now_ns), 49_000);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod answer;
mod asking;
mod builder;
mod end;
#[cfg(feature = "serde")]
mod fields;
mod parts;
mod policy;
mod state;
mod steps;
mod wait;

use core::borrow::Borrow;

use crate::error::RestoreError;
use crate::random::Rng;
use crate::rebase::Rebase;

pub use crate::backoff::Exhausted;
pub use crate::budget::RetryCause;
pub use answer::{AttemptId, AttemptOutcome, RetryAction, RetryReport, RetryStep};
pub use builder::RetryBuilder;
pub use end::{AbandonedBy, End};
pub use parts::{BreakerGate, Parts, RetryBudget};
pub use policy::{RetryPolicy, WhenRefused};
pub use state::RetryState;

use state::Stage;

/// One operation with retries; see the [module](self) for its transition table and a whole example.
///
/// `P` is the policy or any borrow of one: `Retry::new(&policy, now_ns)` lets all operations share one policy.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, budget::RetryCause, retry::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let mut parts = Parts::none();
/// let (mut now_ns, mut retry) = (0, Retry::new(&policy, 0));
/// let end = loop {
///     match retry.poll(now_ns, &mut parts, &mut rng).action {
///         RetryAction::Attempt { attempt, .. } => {
///             let outcome = AttemptOutcome::transient(RetryCause::Failure);
///             let _ = retry.on_outcome(now_ns, attempt, outcome, &mut parts, &mut rng);
///         }
///         RetryAction::WaitUntil { at_ns } => now_ns = at_ns,
///         RetryAction::Done { end } => break end,
///         action => unreachable!("{action:?}"),
///     }
/// };
/// assert_eq!((end, retry.attempts()), (End::Attempts, 3));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry<P = RetryPolicy> {
    policy: P,
    state: RetryState,
}

impl<P: Borrow<RetryPolicy>> Retry<P> {
    /// An operation that begins at `now_ns`: its deadline runs from here. The first attempt is made by
    /// [`poll`](Self::poll).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10)));
    /// let policy = builder.deadline(Duration::from_nanos(900_000_000)).build()?;
    /// let retry = Retry::new(policy, 100);
    /// assert_eq!(retry.deadline_at_ns(), Some(900_000_100));
    /// assert_eq!((retry.attempts(), retry.next_deadline_ns()), (0, Some(100)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn new(policy: P, now_ns: u64) -> Self {
        let state = RetryState::fresh(now_ns);
        Self { policy, state }
    }

    /// Takes over a stored state; an attempt in flight stays in flight, with its permit and what it took. Its instants
    /// keep their origin: for a process whose clock starts elsewhere see [`restore_rebased`](Self::restore_rebased).
    ///
    /// # Errors
    /// When the state has another version, contradicts itself, or does not fit the policy. It is checked as untrusted
    /// input.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Reported, backoff::BackoffPolicy, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let mut retry = Retry::new(&policy, 0);
    /// let _ = retry.poll(0, &mut Parts::none(), &mut rng);
    /// let mut retry = Retry::restore(&policy, retry.state())?;
    /// let (id, outcome) = (AttemptId::from_word(1), AttemptOutcome::Success);
    /// let report = retry.on_outcome(5, id, outcome, &mut Parts::none(), &mut rng);
    /// assert_eq!(report.reported, Reported::Counted);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(policy: P, state: RetryState) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        Ok(Self { policy, state })
    }

    /// Takes over a state from another process, whose clock began elsewhere. An attempt that was in flight is lost: a
    /// late report is stale, nobody is told to abandon it, the breaker hears nothing, and the next call decides as
    /// after a failure whether there is another. What a waiting retry had taken stays spent; it asks the budget again.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, backoff::{BackoffPolicy, Jitter}, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
    /// # let policy = RetryPolicy::builder(backoff).deadline(Duration::from_nanos(900)).build()?;
    /// let mut retry = Retry::new(&policy, 5_000);
    /// let _ = retry.poll(5_000, &mut Parts::none(), &mut rng);
    ///
    /// // Stored at 5 100; the next process starts 300 later, with its clock at 1 000.
    /// let rebase = Rebase { taken_at_ns: 5_100, now_ns: 1_000, away: Duration::from_nanos(300) };
    /// let mut retry = Retry::restore_rebased(&policy, retry.state(), rebase)?;
    /// assert_eq!(retry.deadline_at_ns(), Some(1_500)); // 400 of 900 are gone
    /// assert_eq!(retry.in_flight(), None);
    /// let action = retry.poll(1_000, &mut Parts::none(), &mut rng).action;
    /// assert!(matches!(action, RetryAction::Attempt { number: 2, .. })); // the wait of 50 is over, too
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: P,
        state: RetryState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        let state = state.rebased(&rebase);
        Ok(Self { policy, state })
    }

    /// What to do now. Call it at the instant that its last answer says, after each report, and at once after
    /// [`Attempt`](RetryAction::Attempt) and [`Abandon`](RetryAction::Abandon): until the answer is one that waits
    /// (`InFlight`, `WaitUntil`) or `Done`.
    ///
    /// Draws a word for the wait where it finds that an attempt's time is over, and what the breaker draws.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, budget::RetryCause, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
    /// # let policy = RetryPolicy::builder(backoff).build()?;
    /// let (mut retry, mut parts) = (Retry::new(policy, 0), Parts::none());
    /// let action = retry.poll(0, &mut parts, &mut rng).action;
    /// let RetryAction::Attempt { attempt, .. } = action else { return Err("no attempt".into()) };
    ///
    /// let failed = AttemptOutcome::transient(RetryCause::Failure);
    /// let _ = retry.on_outcome(7, attempt, failed, &mut parts, &mut rng);
    /// let action = retry.poll(7, &mut parts, &mut rng).action;
    /// assert_eq!(action, RetryAction::WaitUntil { at_ns: 57 });
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn poll<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        parts: &mut Parts<'_>,
        mut rng: &mut R,
    ) -> RetryStep {
        self.state
            .poll(self.policy.borrow(), now_ns, parts, &mut rng)
    }

    /// The attempt ended so. Decides whether there is another, and draws a word for the wait before it.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Reported, advice::Advice, backoff::{BackoffPolicy, Jitter}, budget::RetryCause, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
    /// # let policy = RetryPolicy::builder(backoff).build()?;
    /// let (mut retry, mut parts) = (Retry::new(policy, 0), Parts::none());
    /// let _ = retry.poll(0, &mut parts, &mut rng);
    /// let id = AttemptId::from_word(1);
    /// let advice = Advice::RetryAt { at_ns: 400 };
    /// let outcome = AttemptOutcome::transient(RetryCause::Throttled).with_advice(advice);
    /// let report = retry.on_outcome(7, id, outcome, &mut parts, &mut rng);
    /// assert_eq!(report.reported, Reported::Counted);
    /// let action = retry.poll(7, &mut parts, &mut rng).action;
    /// assert_eq!(action, RetryAction::WaitUntil { at_ns: 400 });
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn on_outcome<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        attempt: AttemptId,
        outcome: AttemptOutcome,
        parts: &mut Parts<'_>,
        mut rng: &mut R,
    ) -> RetryReport {
        let policy = self.policy.borrow();
        self.state
            .on_outcome(policy, now_ns, attempt, outcome, parts, &mut rng)
    }

    /// Nobody wants the result any more. Answers [`Abandon`](RetryAction::Abandon) where an attempt is to be cancelled,
    /// else [`Done`](RetryAction::Done); an operation that had ended before stays as it ended. Draws what
    /// [`poll`](Self::poll) would have drawn at that instant.
    ///
    /// An operation that is dropped without it leaves a probe's place in a half-open breaker to its lease, and what a
    /// waiting retry took from the budget is lost.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let (mut retry, mut parts) = (Retry::new(policy, 0), Parts::none());
    /// let _ = retry.poll(0, &mut parts, &mut rng);
    /// let action = retry.cancel(5, &mut parts, &mut rng).action;
    /// let (attempt, reason) = (AttemptId::from_word(1), AbandonedBy::Cancelled);
    /// assert_eq!(action, RetryAction::Abandon { attempt, reason, at_ns: 5 });
    /// assert_eq!(retry.end(), Some(End::Cancelled));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn cancel<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        parts: &mut Parts<'_>,
        mut rng: &mut R,
    ) -> RetryStep {
        self.state
            .cancel(self.policy.borrow(), now_ns, parts, &mut rng)
    }

    /// The next instant at which [`poll`](Self::poll) has something new to say, if nothing is reported before: the next
    /// attempt, the end of the time of the one in flight, or now. `None` in flight without timeout and deadline, and
    /// when it is over, even if [`Done`](RetryAction::Done) was not said yet: so ask for it when `poll` has answered
    /// one that waits, not after `Abandon`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10)));
    /// let policy = builder.attempt_timeout(Duration::from_nanos(100)).build()?;
    /// let mut retry = Retry::new(policy, 40);
    /// assert_eq!(retry.next_deadline_ns(), Some(40));
    /// let _ = retry.poll(45, &mut Parts::none(), &mut rng);
    /// assert_eq!(retry.next_deadline_ns(), Some(145));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.state.next_deadline_ns(self.policy.borrow())
    }

    /// When the whole operation is over at the latest.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10)));
    /// let policy = builder.deadline(Duration::from_secs(1)).build()?;
    /// assert_eq!(Retry::new(&policy, 7).deadline_at_ns(), Some(1_000_000_007));
    /// assert_eq!(Retry::new(&policy, u64::MAX).deadline_at_ns(), None); // past the last instant
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn deadline_at_ns(&self) -> Option<u64> {
        self.state.ends_at_ns(self.policy.borrow())
    }

    /// How many attempts were made.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let mut retry = Retry::new(policy, 0);
    /// assert_eq!(retry.attempts(), 0);
    /// let _ = retry.poll(0, &mut Parts::none(), &mut rng);
    /// assert_eq!(retry.attempts(), 1);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.state.attempts()
    }

    /// The attempt whose outcome is awaited, as of the last call.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let mut retry = Retry::new(policy, 0);
    /// assert_eq!(retry.in_flight(), None);
    /// let _ = retry.poll(0, &mut Parts::none(), &mut rng);
    /// assert_eq!(retry.in_flight(), Some(AttemptId::from_word(1)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn in_flight(&self) -> Option<AttemptId> {
        match self.state.stage {
            Stage::InFlight { .. } => Some(self.state.last_attempt()),
            _ => None,
        }
    }

    /// How it ended, if it has, as of the last call.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let (mut retry, mut parts) = (Retry::new(policy, 0), Parts::none());
    /// let _ = retry.poll(0, &mut parts, &mut rng);
    /// assert_eq!(retry.end(), None);
    /// let outcome = AttemptOutcome::permanent();
    /// let _ = retry.on_outcome(5, AttemptId::from_word(1), outcome, &mut parts, &mut rng);
    /// assert_eq!(retry.end(), Some(End::Permanent));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn end(&self) -> Option<End> {
        match self.state.stage {
            Stage::Done { end } => Some(end),
            _ => None,
        }
    }

    /// The policy.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10)));
    /// let policy = builder.max_attempts(5).build()?;
    /// assert_eq!(Retry::new(policy, 0).policy().max_attempts(), Some(5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &RetryPolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let mut retry = Retry::new(policy, 0);
    /// let snapshot = retry.state();
    /// let _ = retry.poll(0, &mut Parts::none(), &mut rng);
    /// assert_ne!(retry.state(), snapshot);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn state(&self) -> RetryState {
        self.state
    }
}
