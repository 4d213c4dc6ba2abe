//! What of a budget fits into one atomic word, so that its calls need neither the lock nor the clock.

use std::sync::atomic::Ordering;

use evenkeel_core::budget::{RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensPolicy};

use crate::sync::AtomicU64;

/// In place of a balance, which is at most 2^62: the machine behind the lock is the one to ask.
const LOCKED: u64 = u64::MAX;

/// The balance of a bucket without a refill: time does nothing to it, so policy and balance are all of it.
///
/// Core's machine is made for each call and put away as the balance that it then has. A balance that another thread has
/// changed meanwhile makes the call again.
#[derive(Debug)]
pub(super) struct Balance {
    policy: RetryTokensPolicy,
    milli: AtomicU64,
}

impl Balance {
    pub(super) fn of(tokens: &RetryTokens) -> Self {
        let policy = *tokens.policy();
        let milli = match policy.refill_milli() {
            0 => tokens.balance_milli(0),
            _ => LOCKED,
        };
        Self {
            policy,
            milli: AtomicU64::new(milli),
        }
    }

    /// What `call` answers; `None` where the lock is needed.
    #[inline]
    pub(super) fn call<T>(
        &self,
        call: impl Fn(&mut RetryTokens<&RetryTokensPolicy>) -> T,
    ) -> Option<T> {
        // Acquire and release: who finds what another thread has paid in or taken has seen what it did before.
        let mut there = self.milli.load(Ordering::Acquire);
        while there != LOCKED {
            let mut tokens = RetryTokens::holding(&self.policy, there);
            let answer = call(&mut tokens);
            let left = tokens.balance_milli(0);
            if left == there {
                return Some(answer);
            }
            let swapped =
                self.milli
                    .compare_exchange_weak(there, left, Ordering::AcqRel, Ordering::Acquire);
            match swapped {
                Ok(_) => return Some(answer),
                Err(now_there) => there = now_there,
            }
        }
        None
    }

    /// The bucket as it is, where the word is all of it.
    pub(super) fn whole(&self) -> Option<RetryTokens> {
        self.call(|tokens| RetryTokens::holding(self.policy, tokens.balance_milli(0)))
    }

    /// From now on the lock is needed; the bucket as it was till then. Called under the lock.
    #[cfg(feature = "journal")]
    pub(super) fn close(&self) -> Option<RetryTokens> {
        match self.milli.swap(LOCKED, Ordering::AcqRel) {
            LOCKED => None,
            milli => Some(RetryTokens::holding(self.policy, milli)),
        }
    }

    /// The word is all of it again, if there is no refill and it was not all along. Called under the lock.
    #[cfg(feature = "journal")]
    pub(super) fn open(&self, tokens: &RetryTokens) {
        if self.policy.refill_milli() == 0 {
            let milli = tokens.balance_milli(0);
            let _ =
                self.milli
                    .compare_exchange(LOCKED, milli, Ordering::Release, Ordering::Relaxed);
        }
    }
}

/// A window slides with time: no word is all of it.
#[derive(Debug)]
pub(super) struct NoWord;

impl NoWord {
    pub(super) const fn of(_: &RetryRatio) -> Self {
        Self
    }

    #[inline]
    pub(super) fn call<T>(&self, _: impl Fn(&mut RetryRatio<&RetryRatioPolicy>) -> T) -> Option<T> {
        None
    }

    pub(super) const fn whole(&self) -> Option<RetryRatio> {
        None
    }

    #[cfg(feature = "journal")]
    pub(super) const fn close(&self) -> Option<RetryRatio> {
        None
    }

    #[cfg(feature = "journal")]
    pub(super) const fn open(&self, _: &RetryRatio) {}
}
