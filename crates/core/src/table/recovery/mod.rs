//! A budget of recoveries for each of many keys: at most n in any window, exact.

mod answer;
#[cfg(feature = "serde")]
mod fields;
mod policy;
mod queries;
mod ring;
mod state;

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use super::hash::FixedState;
use super::keyed::{Index, Keyed, Queue};
use crate::backoff::Wait;
use crate::random::Rng;
use crate::refusal::Refusal;
use crate::time::Monotone;
use ring::{Ring, Used};

pub use answer::{DeniedBy, Recovery};
pub use policy::{RecoveryBudgetBuilder, RecoveryBudgetPolicy};
pub use queries::RecoveryBudgetIter;
pub use state::RecoveryBudgetState;

/// A gate for crashed things, one budget for each key: recover at once (after a wait) while the budget lasts, then no
/// more until the oldest grant has left the window.
///
/// | call | unknown key | budget left | spent | forgotten |
/// |---|---|---|---|---|
/// | [`try_recover`](Self::try_recover) | yes, attempt 1; no if the table is full | yes, attempt + 1 | no, until the oldest grant leaves | as unknown |
/// | [`on_success`](Self::on_success) | nothing | unknown | unknown | unknown |
///
/// A grant at t is out of the window at exactly t + window. A refused crash changes nothing, so it does not extend the
/// hold. Attempts, and with them the waits, go on growing for one who crashes again and again, however many grants
/// have left the window; a success or `forget_after` after the last grant starts them again: where a wait can be as
/// long as that, make [`forget_after`](RecoveryBudgetBuilder::forget_after) longer.
///
/// **Deadlines.** There is nothing to poll: a refusal says when to ask again.
///
/// **Cost.** One look-up, a draw, and O(log n) for the order in which keys are forgotten; grants that have left are
/// dropped once each, at most `budget` in a call.
///
/// **Memory** for a key in a full table: its own size rounded up to 8 bytes and 24 bytes, a quarter more than that, and
/// 2; 10 for each grant of the budget, 10 with decorrelated jitter; 5 in the index. Where `max_keys` is at most 4 096
/// a quarter more of all, unless grants and key are large.
///
/// **When it is full** and no key can be forgotten, an unknown key is refused: who cannot be counted is not recovered.
/// So nobody gets more than the budget by coming with ever new keys, and no other entry is needed to hold them back.
///
/// **Random words.** One for each grant where the backoff has jitter; one for a refusal at the end of time.
///
/// Prior art: the restart intensity of Erlang/OTP's supervisors, which is one for all children.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::{BackoffPolicy, Jitter};
/// use evenkeel_core::table::{RecoveryBudget, RecoveryBudgetPolicy, DeniedBy};
/// use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
///
/// const SECOND: u64 = 1_000_000_000;
/// let backoff = BackoffPolicy::builder(Duration::from_millis(250)).jitter(Jitter::None);
/// let policy = RecoveryBudgetPolicy::builder(backoff, 2, Duration::from_secs(60), 1_000).build()?;
/// let mut budget: RecoveryBudget<String> = RecoveryBudget::new(policy);
/// let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
///
/// // Two crashes are recovered from, each after a longer wait.
/// let first = budget.try_recover(0, "billing", &mut rng)?;
/// assert_eq!((first.attempt, first.remaining, first.wait.delay().as_millis()), (1, 1, 250));
/// let second = budget.try_recover(20 * SECOND, "billing", &mut rng)?;
/// assert_eq!((second.attempt, second.remaining, second.wait.delay().as_millis()), (2, 0, 500));
///
/// // The third comes too soon. Other keys have budgets of their own.
/// let refused = budget.try_recover(30 * SECOND, "billing", &mut rng).unwrap_err();
/// assert_eq!((refused.reason, refused.retry_at_ns), (DeniedBy::Spent, Some(60 * SECOND)));
/// assert!(budget.try_recover(30 * SECOND, "search", &mut rng).is_ok());
///
/// // At that instant the first grant has left.
/// assert_eq!(budget.try_recover(60 * SECOND, "billing", &mut rng)?.attempt, 3);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RecoveryBudget<K, S = FixedState> {
    policy: RecoveryBudgetPolicy,
    clock: Monotone,
    /// All idle, since their last grant.
    keys: Keyed<K, Used, S>,
    ring: Ring,
}

impl<K, S> fmt::Debug for RecoveryBudget<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryBudget")
            .field("policy", &self.policy)
            .field("clock", &self.clock)
            .field("len", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl<K, S: Default> RecoveryBudget<K, S> {
    /// A budget that nobody has drawn on, with a hasher of the default kind: with [`FixedState`] only for keys that no
    /// outsider chooses.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 2, window, 100).build()?;
    /// let budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// assert_eq!(budget.remaining(0, &7), 2);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new(policy: RecoveryBudgetPolicy) -> Self {
        Self::with_hasher(policy, S::default())
    }
}

impl<K, S> RecoveryBudget<K, S> {
    /// A budget whose keys are hashed by `hasher`: a seeded one where outsiders choose the keys. No answer depends on
    /// it.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 2, window, 100).build()?;
    /// use std::hash::RandomState;
    /// let budget: RecoveryBudget<String, _> = RecoveryBudget::with_hasher(policy, RandomState::new());
    /// assert_eq!(budget.remaining(0, "billing"), 2);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn with_hasher(policy: RecoveryBudgetPolicy, hasher: S) -> Self {
        let wait = policy.backoff().remembers_wait() as usize;
        let words = (policy.budget() as usize).saturating_add(wait);
        Self {
            keys: Keyed::new(hasher, policy.max_keys(), Some(Index::IDLE), words),
            ring: Ring::new(policy.budget()),
            policy,
            clock: Monotone::since(0),
        }
    }

    fn is_forgotten(&self, last_ns: u64, now_ns: u64) -> bool {
        let forgotten_ns = self.policy.forgotten_at_ns(last_ns);
        forgotten_ns.is_some_and(|at_ns| at_ns <= now_ns)
    }

    /// What the key in slot `at` has used at `now_ns`: its attempts, and the grants in the window.
    fn used(&self, at: u32, now_ns: u64) -> Used {
        match self.keys.slot(at) {
            Some(slot) if !self.is_forgotten(slot.at_ns(), now_ns) => {
                let left = |at_ns| {
                    let leaves_ns = self.policy.leaves_at_ns(at_ns);
                    leaves_ns.is_some_and(|leaves_ns| leaves_ns <= now_ns)
                };
                self.ring.trimmed(self.keys.words(at), slot.value, left)
            }
            _ => Used::default(),
        }
    }

    /// Whether the budget of the window allows one more.
    fn check(&self, at: u32, used: Used) -> Result<(), Refusal<DeniedBy>> {
        if used.len() < self.policy.budget() {
            return Ok(());
        }
        let oldest_ns = self.ring.grant(self.keys.words(at), used, 0);
        let retry_at_ns = oldest_ns.and_then(|at_ns| self.policy.leaves_at_ns(at_ns));
        Err(Refusal::new(DeniedBy::Spent, retry_at_ns))
    }

    /// Whether there will be room for one more key, and if not, when.
    fn check_room(&self, now_ns: u64) -> Result<(), Refusal<DeniedBy>> {
        if !self.keys.is_full() {
            return Ok(());
        }
        let first = self
            .keys
            .first(Queue::Idle)
            .and_then(|at| self.keys.slot(at));
        let room_ns = first.and_then(|slot| self.policy.forgotten_at_ns(slot.at_ns()));
        if room_ns.is_some_and(|at_ns| at_ns <= now_ns) {
            return Ok(());
        }
        Err(Refusal::new(DeniedBy::TableFull, room_ns))
    }

    /// The wait before attempt `attempt`.
    fn wait<R: Rng + ?Sized>(
        &self,
        now_ns: u64,
        attempt: u32,
        previous_ns: u64,
        rng: &mut R,
    ) -> Result<Wait, Refusal<DeniedBy>> {
        let backoff = self.policy.backoff();
        let delay_ns = backoff.draw_ns(backoff.ceiling_ns(attempt), previous_ns, rng);
        match now_ns.checked_add(delay_ns) {
            Some(at_ns) => Ok(Wait {
                at_ns,
                delay_ns,
                attempt,
            }),
            None => Err(Refusal::new(DeniedBy::EndOfTime, None)),
        }
    }
}

impl<K: Hash + Eq, S: BuildHasher> RecoveryBudget<K, S> {
    /// The key crashed: may it be recovered? A yes is spent at once, whether it is used or not.
    ///
    /// # Errors
    /// Why not, and from which instant on it may: when the oldest grant leaves the window, or when there is room for
    /// one more key.
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
    /// assert_eq!(budget.try_recover(0, &7, &mut rng)?.wait.at_ns, 10);
    /// let refused = budget.try_recover(999, &7, &mut rng).unwrap_err();
    /// assert_eq!((refused.reason, refused.retry_at_ns), (DeniedBy::Spent, Some(1_000)));
    /// assert_eq!(budget.try_recover(1_000, &7, &mut rng)?.attempt, 1); // a new window
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn try_recover<Q, R>(
        &mut self,
        now_ns: u64,
        key: &Q,
        rng: &mut R,
    ) -> Result<Recovery, Refusal<DeniedBy>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        let found = self.keys.find(key);
        let used = found.map_or_else(Used::default, |at| self.used(at, now_ns));
        match found {
            Some(at) => self.check(at, used)?,
            None => self.check_room(now_ns)?,
        }
        let previous_ns = match found {
            Some(at) if used.attempts > 0 => self.ring.previous_ns(self.keys.words(at)),
            _ => 0,
        };
        let attempt = used.attempts.saturating_add(1);
        let wait = self.wait(now_ns, attempt, previous_ns, rng)?;
        let at = match found {
            Some(at) => {
                self.keys.set(at, Queue::Idle, now_ns, 0);
                at
            }
            None => self.insert(key.to_owned(), now_ns),
        };
        let words = self.keys.words_mut(at);
        let used = self.ring.grant_at(words, used, now_ns);
        self.ring.set_previous_ns(words, wait.delay_ns);
        if let Some(slot) = self.keys.slot_mut(at) {
            slot.value = used;
        }
        Ok(Recovery {
            wait,
            attempt,
            remaining: self.policy.budget().saturating_sub(used.len()),
        })
    }

    /// The key is well: all its budget is back. Whether some of it was in use.
    ///
    /// ```
    #[doc = include_str!("examples/unused.txt")]
    /// let _ = budget.try_recover(0, &7, &mut rng)?;
    /// assert!(budget.on_success(5, &7));
    /// assert_eq!(budget.remaining(5, &7), 2);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn on_success<Q>(&mut self, now_ns: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        let Some(at) = self.keys.find(key) else {
            return false;
        };
        let known = self.used(at, now_ns).attempts > 0;
        self.remove(at);
        known
    }

    /// An operator's command: nothing is known of the key any more, as after a success.
    ///
    /// ```
    #[doc = include_str!("examples/unused.txt")]
    /// let _ = budget.try_recover(0, &7, &mut rng)?;
    /// assert!(budget.forget(5, &7));
    /// assert!(budget.is_empty());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn forget<Q>(&mut self, now_ns: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.on_success(now_ns, key)
    }

    /// A slot for a new key; where the table is full its place is that of the first key that is forgotten.
    fn insert(&mut self, key: K, now_ns: u64) -> u32 {
        if self.keys.is_full() {
            if let Some(first) = self.keys.first(Queue::Idle) {
                self.remove(first);
            }
        }
        self.keys
            .insert(key, Used::default(), Queue::Idle, now_ns, 0)
    }

    fn remove(&mut self, at: u32) {
        let _ = self.keys.remove(at);
    }
}
