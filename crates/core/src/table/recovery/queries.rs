//! What can be asked of a recovery budget without changing it.

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::RecoveryBudget;
use super::answer::DeniedBy;
use super::policy::RecoveryBudgetPolicy;
use super::ring::Used;
use crate::refusal::Refusal;
use crate::table::iter::iterator;
use crate::table::keyed::Slot;

impl<K: Hash + Eq, S: BuildHasher> RecoveryBudget<K, S> {
    /// Whether [`try_recover`](Self::try_recover) would say yes; spends nothing. (At the end of time the wait decides,
    /// which this does not draw.)
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// let policy = RecoveryBudgetPolicy::builder(backoff, 1, window, 100).build()?;
    /// let mut budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// let _ = budget.try_recover(0, &7, &mut rng)?;
    /// assert!(budget.peek(1_000, &7).is_ok());
    /// assert_eq!(budget.peek(999, &7).map_err(|no| no.retry_at_ns), Err(Some(1_000)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn peek<Q>(&self, now_ns: u64, key: &Q) -> Result<(), Refusal<DeniedBy>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.peek(now_ns);
        match self.keys.find(key) {
            Some(at) => self.check(at, self.used(at, now_ns)),
            None => self.check_room(now_ns),
        }
    }

    /// How many recoveries the key has left in the window; all of them when nothing is known of it.
    ///
    /// ```
    #[doc = include_str!("examples/unused.txt")]
    /// let _ = budget.try_recover(0, &7, &mut rng)?;
    /// assert_eq!([999, 1_000].map(|now_ns| budget.remaining(now_ns, &7)), [1, 2]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn remaining<Q>(&self, now_ns: u64, key: &Q) -> u32
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.peek(now_ns);
        let spent = self.keys.find(key).map(|at| self.used(at, now_ns).len());
        self.policy.budget().saturating_sub(spent.unwrap_or(0))
    }

    /// How many recoveries the key was granted since it was last well, or forgotten.
    ///
    /// ```
    #[doc = include_str!("examples/unused.txt")]
    /// let _ = budget.try_recover(0, &7, &mut rng)?;
    /// assert_eq!([999, 1_000].map(|now_ns| budget.attempts(now_ns, &7)), [1, 0]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn attempts<Q>(&self, now_ns: u64, key: &Q) -> u32
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.peek(now_ns);
        let found = self.keys.find(key);
        found.map_or(0, |at| self.used(at, now_ns).attempts)
    }
}

impl<K, S> RecoveryBudget<K, S> {
    /// How many keys are in memory; a forgotten one stays until its place is needed.
    ///
    /// ```
    #[doc = include_str!("examples/unused.txt")]
    /// let _ = budget.try_recover(0, &7, &mut rng)?;
    /// assert_eq!(budget.len(), 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() as usize
    }

    /// Whether no key is in memory.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 2, window, 100).build()?;
    /// let budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// assert!(budget.is_empty());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys that are remembered at the latest instant seen, each with the instants of its grants in the window,
    /// oldest first: by last grant, ties in the order of the calls. O(n log n).
    ///
    /// ```
    #[doc = include_str!("examples/unused.txt")]
    /// for (now_ns, key) in [(0, 9), (1, 3), (2, 9)] {
    ///     let _ = budget.try_recover(now_ns, &key, &mut rng)?;
    /// }
    /// let grants: Vec<_> = budget.iter().collect();
    /// assert_eq!(grants, [(&3, vec![1]), (&9, vec![0, 2])]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn iter(&self) -> RecoveryBudgetIter<'_, K, S> {
        RecoveryBudgetIter {
            table: self,
            order: self.remembered_in_order().into_iter(),
        }
    }

    pub(super) fn remembered_in_order(&self) -> Vec<u32> {
        let now_ns = self.clock.latest_ns();
        let is_known = |_, slot: &Slot<K, Used>| !self.is_forgotten(slot.at_ns(), now_ns);
        self.keys.in_order(is_known)
    }

    /// The grants in the window of slot `at`, at the latest instant seen.
    pub(super) fn grants(&self, at: u32) -> Vec<u64> {
        let used = self.used(at, self.clock.latest_ns());
        let words = self.keys.words(at);
        let grants = (0..used.len()).filter_map(|nth| self.ring.grant(words, used, nth));
        grants.collect()
    }

    /// The policy.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 2, window, 100).build()?;
    /// let budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// assert_eq!(budget.policy(), &policy);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn policy(&self) -> &RecoveryBudgetPolicy {
        &self.policy
    }

    /// The bytes that the table has taken from the heap, without what the keys themselves own.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 2, window, 100).build()?;
    /// let budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// assert_eq!(budget.heap_bytes(), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.keys.bytes()
    }
}

iterator! {
    /// The keys of a recovery budget with their grants; made by [`RecoveryBudget::iter`].
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 2, window, 100).build()?;
    /// let budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// let grants: RecoveryBudgetIter<'_, u64, FixedState> = budget.iter();
    /// assert_eq!(grants.len(), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    RecoveryBudgetIter: RecoveryBudget, (key, Vec<u64>),
    |budget, at, slot| budget.grants(at)
}
