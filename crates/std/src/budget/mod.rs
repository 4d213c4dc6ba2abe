//! Retry budgets that all calls of a service share.

mod word;

use std::fmt;
use std::sync::Arc;

use evenkeel_core::budget::{
    BudgetSpent, RetryCause, RetryRatio, RetryRatioPolicy, RetryRatioState, RetryTokens,
    RetryTokensPolicy, RetryTokensState, Withdrawal,
};
use evenkeel_core::retry::RetryBudget;
use evenkeel_core::{Refusal, Reported, RestoreError};
#[cfg(feature = "journal")]
use evenkeel_replay::journal::Journal;

use crate::clock::{Clock, MonotonicClock};
use crate::driver::{Kept, Machine};
#[cfg(feature = "journal")]
use crate::journal::{LendBudget, Part};
use crate::sync::{Mutex, MutexGuard, lock};
use word::{Balance, NoWord};

#[derive(Debug)]
struct Inner<M: Machine, W, C> {
    /// All of the machine where that fits into a word; asked first, without the lock.
    word: W,
    machine: Mutex<Kept<M>>,
    clock: C,
}

impl<M: Machine, W, C> Inner<M, W, C> {
    fn lock(&self) -> MutexGuard<'_, Kept<M>> {
        lock(&self.machine)
    }
}

/// What both budgets have in common: constructors, the four calls of a retry, and that a retry can borrow a clone.
macro_rules! shared_budget {
    ($Shared:ident, $Machine:ident, $Word:ident, $Policy:ident, $State:ident) => {
        impl $Shared {
            /// A fresh budget on the monotonic clock.
            #[must_use]
            pub fn new(policy: $Policy) -> Self {
                Self::with_clock(policy, MonotonicClock)
            }
        }

        impl<C: Clock> $Shared<C> {
            /// A fresh budget on `clock`.
            #[must_use]
            pub fn with_clock(policy: $Policy, clock: C) -> Self {
                Self::of($Machine::new(policy), clock)
            }

            fn of(machine: $Machine, clock: C) -> Self {
                let inner = Arc::new(Inner {
                    word: $Word::of(&machine),
                    machine: Mutex::new(Kept::new(machine)),
                    clock,
                });
                Self { inner }
            }

            /// Takes over a state, of this process and clock.
            ///
            /// # Errors
            /// When the state contradicts itself or does not fit the policy.
            pub fn restore(policy: $Policy, state: $State, clock: C) -> Result<Self, RestoreError> {
                Ok(Self::of($Machine::restore(policy, state)?, clock))
            }

            /// A request is made for the first time.
            pub fn on_request(&self) {
                self.requested(|| self.inner.clock.now_ns());
            }

            /// May there be a retry because of `cause`?
            ///
            /// # Errors
            /// When the budget is spent; with the instant at which to ask again, if time alone will fill it.
            pub fn try_withdraw(
                &self,
                cause: RetryCause,
            ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
                self.withdraw(|| self.inner.clock.now_ns(), cause)
            }

            /// The retry is not made after all.
            pub fn give_back(&self, withdrawal: Withdrawal) -> Reported {
                self.returned(|| self.inner.clock.now_ns(), withdrawal)
            }

            /// The operation succeeded; with what its last retry withdrew, if it was retried.
            pub fn on_success(&self, withdrawal: Option<Withdrawal>) {
                self.succeeded(|| self.inner.clock.now_ns(), withdrawal);
            }

            /// The policy.
            #[must_use]
            pub fn policy(&self) -> $Policy {
                *self.inner.lock().policy()
            }

            /// The clock.
            #[must_use]
            pub fn clock(&self) -> &C {
                &self.inner.clock
            }

            /// A snapshot, to store and restore.
            #[must_use]
            pub fn state(&self) -> $State {
                match self.inner.word.whole() {
                    Some(machine) => machine.state(),
                    None => self.inner.lock().state(),
                }
            }
        }

        /// The calls, by the word or under the lock: what is in a word knows no time, so the clock is read for the lock only.
        impl<C: Clock> $Shared<C> {
            #[inline]
            fn requested(&self, now_ns: impl FnOnce() -> u64) {
                let by_word = self.inner.word.call(|machine| machine.on_request(0));
                by_word.unwrap_or_else(|| {
                    let now_ns = now_ns();
                    self.inner.lock().on_request(now_ns);
                });
            }

            #[inline]
            fn withdraw(
                &self,
                now_ns: impl FnOnce() -> u64,
                cause: RetryCause,
            ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
                let by_word = self
                    .inner
                    .word
                    .call(|machine| machine.try_withdraw(0, cause));
                by_word.unwrap_or_else(|| {
                    let now_ns = now_ns();
                    self.inner.lock().try_withdraw(now_ns, cause)
                })
            }

            #[inline]
            fn returned(&self, now_ns: impl FnOnce() -> u64, withdrawal: Withdrawal) -> Reported {
                let id = withdrawal.id();
                let by_word = self
                    .inner
                    .word
                    .call(|machine| machine.give_back(0, Withdrawal::from_id(id)));
                by_word.unwrap_or_else(|| {
                    let now_ns = now_ns();
                    self.inner.lock().give_back(now_ns, withdrawal)
                })
            }

            #[inline]
            fn succeeded(&self, now_ns: impl FnOnce() -> u64, withdrawal: Option<Withdrawal>) {
                let id = withdrawal.as_ref().map(Withdrawal::id);
                let by_word = self
                    .inner
                    .word
                    .call(|machine| machine.on_success(0, id.map(Withdrawal::from_id)));
                by_word.unwrap_or_else(|| {
                    let now_ns = now_ns();
                    self.inner.lock().on_success(now_ns, withdrawal);
                });
            }
        }

        /// Feature `journal`; see the module [`journal`](crate::journal).
        #[cfg(feature = "journal")]
        impl<C: Clock> $Shared<C> {
            /// Takes down every call from now on, whichever handle makes it: the journal begins with the state as it is
            /// now. Recorded before, it goes on as another machine, of this journal.
            pub fn record(&self, journal: &Journal, name: &str) {
                let mut kept = self.inner.lock();
                if let Some(machine) = self.inner.word.close() {
                    *kept = Kept::new(machine);
                }
                let before = kept.record(journal, name);
                drop(kept);
                drop(before); // without the lock
            }

            /// Takes nothing down any more.
            pub fn stop_recording(&self) {
                let mut kept = self.inner.lock();
                let before = kept.stop_recording();
                self.inner.word.open(&kept);
                drop(kept);
                drop(before); // without the lock
            }
        }

        #[cfg(feature = "journal")]
        impl<C: Clock> LendBudget for $Shared<C> {
            fn lend(&mut self, to: &Journal, step: &mut dyn FnMut(&mut dyn Part)) {
                let mut machine = self.inner.lock();
                let recorder = machine.recorder();
                if let Some(recorder) = recorder.filter(|recorder| recorder.journal().is_same(to)) {
                    step(recorder);
                }
            }
        }

        impl<C: Clock> Clone for $Shared<C> {
            fn clone(&self) -> Self {
                let inner = Arc::clone(&self.inner);
                Self { inner }
            }
        }

        /// For [`Parts`](evenkeel_core::retry::Parts) of a retry, which brings its own instants: they must come from this
        /// budget's clock.
        impl<C: Clock> RetryBudget for $Shared<C> {
            fn on_request(&mut self, now_ns: u64) {
                self.requested(|| now_ns);
            }

            fn try_withdraw(
                &mut self,
                now_ns: u64,
                cause: RetryCause,
            ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
                self.withdraw(|| now_ns, cause)
            }

            fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
                self.returned(|| now_ns, withdrawal)
            }

            fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
                self.succeeded(|| now_ns, withdrawal);
            }
        }

        impl<C: Clock> fmt::Debug for $Shared<C> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let state = self.state();
                f.debug_struct(stringify!($Shared))
                    .field("state", &state)
                    .finish_non_exhaustive()
            }
        }
    };
}

/// A bucket of tokens that all handles pay their retries from: the core's [`RetryTokens`]. A clone is another handle to the
/// same bucket.
///
/// Without a refill the bucket is one atomic word, and a call reads no clock and takes no lock; with one, or while it is
/// recorded, it is behind a lock.
///
/// A [`Withdrawal`] that is dropped is spent; a panic of the caller therefore costs its tokens and nothing else.
///
/// ```
/// use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
/// use evenkeel_std::SharedTokens;
///
/// let tokens = SharedTokens::new(RetryTokensPolicy::builder(2_000).build()?);
/// let handle = tokens.clone();
/// let first = handle.try_withdraw(RetryCause::Failure)?;
/// let _second = tokens.try_withdraw(RetryCause::Failure)?;
/// assert!(tokens.try_withdraw(RetryCause::Failure).is_err());
/// // The first retry was not made.
/// let _ = handle.give_back(first);
/// assert!(tokens.try_withdraw(RetryCause::Failure).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SharedTokens<C: Clock = MonotonicClock> {
    inner: Arc<Inner<RetryTokens, Balance, C>>,
}

shared_budget!(
    SharedTokens,
    RetryTokens,
    Balance,
    RetryTokensPolicy,
    RetryTokensState
);

impl<C: Clock> SharedTokens<C> {
    /// What is in the bucket now, in thousandths of a token.
    #[must_use]
    pub fn balance_milli(&self) -> u64 {
        if let Some(tokens) = self.inner.word.whole() {
            return tokens.balance_milli(0);
        }
        let now_ns = self.inner.clock.now_ns();
        self.inner.lock().balance_milli(now_ns)
    }
}

/// A share of the recent requests that all handles may retry: the core's [`RetryRatio`] behind a lock. A clone is another
/// handle to the same budget.
///
/// A [`Withdrawal`] that is dropped is spent; a panic of the caller therefore costs one retry and nothing else.
///
/// ```
/// use evenkeel_core::Ratio;
/// use evenkeel_core::budget::{RetryCause, RetryRatioPolicy};
/// use evenkeel_std::SharedRatio;
///
/// let ratio = SharedRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).floor_per_second(0).build()?);
/// let handle = ratio.clone();
/// (0..5).for_each(|_| handle.on_request());
/// let _retry = ratio.try_withdraw(RetryCause::Failure)?;
/// assert!(handle.try_withdraw(RetryCause::Failure).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SharedRatio<C: Clock = MonotonicClock> {
    inner: Arc<Inner<RetryRatio, NoWord, C>>,
}

shared_budget!(
    SharedRatio,
    RetryRatio,
    NoWord,
    RetryRatioPolicy,
    RetryRatioState
);

impl<C: Clock> SharedRatio<C> {
    /// How many retries there may be now, if no more requests are made.
    #[must_use]
    pub fn retries_left(&self) -> u64 {
        let now_ns = self.inner.clock.now_ns();
        self.inner.lock().retries_left(now_ns)
    }

    /// How many requests the ratio looks at now.
    #[must_use]
    pub fn requests(&self) -> u32 {
        let now_ns = self.inner.clock.now_ns();
        self.inner.lock().requests(now_ns)
    }

    /// How many retries were made of those.
    #[must_use]
    pub fn retries(&self) -> u32 {
        let now_ns = self.inner.clock.now_ns();
        self.inner.lock().retries(now_ns)
    }
}
