//! Retry budgets that all calls of a service share.

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

#[derive(Debug)]
struct Inner<M: Machine, C> {
    machine: Mutex<Kept<M>>,
    clock: C,
}

impl<M: Machine, C> Inner<M, C> {
    fn shared(machine: M, clock: C) -> Arc<Self> {
        let machine = Mutex::new(Kept::new(machine));
        Arc::new(Self { machine, clock })
    }

    fn lock(&self) -> MutexGuard<'_, Kept<M>> {
        lock(&self.machine)
    }
}

#[cfg(feature = "journal")]
impl<M: Machine + Clone, C> Inner<M, C> {
    fn record(&self, journal: &Journal, name: &str) {
        let before = self.lock().record(journal, name);
        drop(before); // without the lock
    }

    fn stop_recording(&self) {
        let before = self.lock().stop_recording();
        drop(before); // without the lock
    }
}

/// What both budgets have in common: constructors, the four calls of a retry, and that a retry can borrow a clone.
macro_rules! shared_budget {
    ($Shared:ident, $Machine:ident, $Policy:ident, $State:ident) => {
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
                let inner = Inner::shared($Machine::new(policy), clock);
                Self { inner }
            }

            /// Takes over a state, of this process and clock.
            ///
            /// # Errors
            /// When the state contradicts itself or does not fit the policy.
            pub fn restore(policy: $Policy, state: $State, clock: C) -> Result<Self, RestoreError> {
                let inner = Inner::shared($Machine::restore(policy, state)?, clock);
                Ok(Self { inner })
            }

            /// A request is made for the first time.
            pub fn on_request(&self) {
                let now_ns = self.inner.clock.now_ns();
                self.inner.lock().on_request(now_ns);
            }

            /// May there be a retry because of `cause`?
            ///
            /// # Errors
            /// When the budget is spent; with the instant at which to ask again, if time alone will fill it.
            pub fn try_withdraw(
                &self,
                cause: RetryCause,
            ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
                let now_ns = self.inner.clock.now_ns();
                self.inner.lock().try_withdraw(now_ns, cause)
            }

            /// The retry is not made after all.
            pub fn give_back(&self, withdrawal: Withdrawal) -> Reported {
                let now_ns = self.inner.clock.now_ns();
                self.inner.lock().give_back(now_ns, withdrawal)
            }

            /// The operation succeeded; with what its last retry withdrew, if it was retried.
            pub fn on_success(&self, withdrawal: Option<Withdrawal>) {
                let now_ns = self.inner.clock.now_ns();
                self.inner.lock().on_success(now_ns, withdrawal);
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
                self.inner.lock().state()
            }
        }

        /// Feature `journal`; see the module [`journal`](crate::journal).
        #[cfg(feature = "journal")]
        impl<C: Clock> $Shared<C> {
            /// Takes down every call from now on, whichever handle makes it: the journal begins with the state as it is
            /// now. Recorded before, it goes on as another machine, of this journal.
            pub fn record(&self, journal: &Journal, name: &str) {
                self.inner.record(journal, name);
            }

            /// Takes nothing down any more.
            pub fn stop_recording(&self) {
                self.inner.stop_recording();
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
                self.inner.lock().on_request(now_ns);
            }

            fn try_withdraw(
                &mut self,
                now_ns: u64,
                cause: RetryCause,
            ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
                self.inner.lock().try_withdraw(now_ns, cause)
            }

            fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
                self.inner.lock().give_back(now_ns, withdrawal)
            }

            fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
                self.inner.lock().on_success(now_ns, withdrawal);
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

/// A bucket of tokens that all handles pay their retries from: the core's [`RetryTokens`] behind a lock. A clone is another
/// handle to the same bucket.
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
    inner: Arc<Inner<RetryTokens, C>>,
}

shared_budget!(
    SharedTokens,
    RetryTokens,
    RetryTokensPolicy,
    RetryTokensState
);

impl<C: Clock> SharedTokens<C> {
    /// What is in the bucket now, in thousandths of a token.
    #[must_use]
    pub fn balance_milli(&self) -> u64 {
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
    inner: Arc<Inner<RetryRatio, C>>,
}

shared_budget!(SharedRatio, RetryRatio, RetryRatioPolicy, RetryRatioState);

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
