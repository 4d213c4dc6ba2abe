//! Backoff for many keys: each key that failed is held back by itself, in memory that is bounded.
//!
//! The page of the [tables](super) has what they share, and the transition table.

mod answer;
mod entry;
#[cfg(feature = "serde")]
mod fields;
mod forgetting;
mod policy;
mod queries;
mod report;
mod state;

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use super::full::TableFull;
use super::hash::FixedState;
use super::keyed::{Index, Keyed, Queue};
use crate::advice::Advice;
use crate::random::Rng;
use crate::refusal::Refusal;
use crate::time::Monotone;
use entry::{Entry, Fact};

pub use answer::{HeldBy, Hold};
pub use policy::{BackoffTableBuilder, BackoffTablePolicy};
pub use queries::BackoffTableIter;
pub use state::BackoffTableState;

/// A gate for many keys: who failed is held back by a backoff of its own, who is unknown passes.
///
/// | call | unknown key | held key | hold over | forgotten |
/// |---|---|---|---|---|
/// | [`try_acquire`](Self::try_acquire) | yes; no while the overflow entry is held | no, until its end | yes | as unknown |
/// | [`on_failure`](Self::on_failure) | hold, attempt 1; the overflow entry's if full | hold, attempt + 1 | hold, attempt + 1 | hold, attempt 1 |
/// | [`on_advice`](Self::on_advice) | the same, weighed | the same, weighed | the same, weighed | the same, weighed |
/// | [`on_success`](Self::on_success) | nothing | unknown | unknown | unknown |
/// | [`pop_ready`](Self::pop_ready) | nothing | nothing | reported, once | nothing |
///
/// With the rules `AtLeast` and `Within` no report shortens a hold that stands; with `Exact` the latest decides. A key
/// is forgotten `forget_after` after the end of its hold.
///
/// **Deadlines.** [`next_deadline_ns`](Self::next_deadline_ns), the first end of a hold that was not reported, may
/// change after any call that takes `&mut self`.
///
/// **Cost.** Asking is one look-up. A failure is one look-up and a draw; the ceiling takes at most 4 096 steps, none
/// with a factor of 2, and with the index O(log n). A new key in a full table costs O(log n) with the index, and as
/// much for each key that failed again after its hold was reported, the next time (O(n) at the most); without the index
/// a search through all keys, made only when one of them can have been forgotten.
///
/// **Memory** of a full table: 32 bytes for a key of 8 bytes, its own included, 40 where `max_keys` is at most 4 096,
/// however many have come and gone; 1.25 bytes for each byte of a larger key. A third more with the index; 10 to 13
/// more with decorrelated jitter. While it grows its rows double, so
/// that up to twice as much is taken; what it has grown to is not given back.
///
/// **Random words.** One for each failure where the backoff has jitter; advice the same unless the rule is `Exact`, and
/// one more for `advisory_spread`. `Stop` draws none.
///
/// Prior art: client-go's `flowcontrol.Backoff`, which has no bound on its keys.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::advice::Advice;
/// use evenkeel_core::backoff::{BackoffPolicy, Jitter};
/// use evenkeel_core::table::{BackoffTable, BackoffTablePolicy, HeldBy};
/// use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
///
/// const MS: u64 = 1_000_000;
/// let backoff = BackoffPolicy::builder(Duration::from_millis(10)).cap(Duration::from_secs(60)).jitter(Jitter::None);
/// let policy = BackoffTablePolicy::builder(backoff, 10_000, Duration::from_secs(600)).due_index(true).build()?;
/// let mut peers: BackoffTable<String> = BackoffTable::new(policy);
/// let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
///
/// assert!(peers.try_acquire(0, "anna").is_ok()); // nothing is known of her
/// let _ = peers.on_failure(0, "anna", &mut rng)?;
/// let hold = peers.on_failure(10 * MS, "anna", &mut rng)?;
/// assert_eq!(hold.until_ns, Some(30 * MS));
/// let _ = peers.on_advice(12 * MS, "boris", Advice::RetryAt { at_ns: 25 * MS }, &mut rng)?;
///
/// let refused = peers.try_acquire(29 * MS, "anna").unwrap_err();
/// assert_eq!((refused.reason, refused.retry_at_ns), (HeldBy::Backoff, Some(30 * MS)));
///
/// // Who may be tried next, and when?
/// assert_eq!(peers.next_deadline_ns(), Some(25 * MS));
/// assert_eq!(peers.pop_ready(30 * MS).map(String::as_str), Some("boris"));
/// assert_eq!(peers.pop_ready(30 * MS).map(String::as_str), Some("anna"));
/// assert_eq!(peers.pop_ready(30 * MS), None);
///
/// // She answers again: her next failure is a first one.
/// assert!(peers.on_success(31 * MS, "anna"));
/// assert_eq!(peers.on_failure(40 * MS, "anna", &mut rng)?.attempt, 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BackoffTable<K, S = FixedState> {
    policy: BackoffTablePolicy,
    clock: Monotone,
    /// Beside each slot stands the last wait, where the jitter needs it.
    keys: Keyed<K, (), S>,
    /// Of all keys that there was no room for.
    overflow: Option<Entry>,
    /// Without the index: no hold in the table that has an end ended before this.
    oldest_ns: u64,
}

impl<K, S> fmt::Debug for BackoffTable<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackoffTable")
            .field("policy", &self.policy)
            .field("clock", &self.clock)
            .field("len", &self.keys.len())
            .field("overflow", &self.overflow)
            .finish_non_exhaustive()
    }
}

impl<K, S: Default> BackoffTable<K, S> {
    /// An empty table with a hasher of the default kind: with [`FixedState`] only for keys that no outsider chooses.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let policy = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1)).build()?;
    /// let mut table: BackoffTable<u64> = BackoffTable::new(policy);
    /// assert!(table.is_empty() && table.try_acquire(0, &7).is_ok());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new(policy: BackoffTablePolicy) -> Self {
        Self::with_hasher(policy, S::default())
    }
}

impl<K, S> BackoffTable<K, S> {
    /// An empty table whose keys are hashed by `hasher`: a seeded one where outsiders choose the keys. No answer
    /// depends on it.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let policy = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1)).build()?;
    /// use std::hash::RandomState;
    /// let mut table: BackoffTable<String, _> = BackoffTable::with_hasher(policy, RandomState::new());
    /// assert!(table.try_acquire(0, "anna").is_ok());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn with_hasher(policy: BackoffTablePolicy, hasher: S) -> Self {
        let words = policy.backoff().remembers_wait() as usize;
        let index = if policy.due_index() {
            Some(Index::DUE_AND_IDLE)
        } else {
            None
        };
        Self {
            keys: Keyed::new(hasher, policy.max_keys(), index, words),
            policy,
            clock: Monotone::since(0),
            overflow: None,
            oldest_ns: u64::MAX,
        }
    }

    #[inline]
    fn entry_at(&self, at: u32) -> Entry {
        let previous_ns = self.keys.words(at).first().copied().unwrap_or(0);
        self.keys.slot(at).map_or(Entry::FRESH, |slot| {
            Entry::unpacked(slot.at_ns(), slot.note(), slot.queue(), previous_ns)
        })
    }
}

impl<K: Hash + Eq, S: BuildHasher> BackoffTable<K, S> {
    /// May this key be tried now? A key of which nothing is known may, unless the overflow entry is held; at the very
    /// end of its hold a key may. Changes nothing but the memory of time; [`peek`](Self::peek) is the same without it.
    ///
    /// # Errors
    /// Why not, and the instant from which on it may.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let _ = table.on_failure(0, &7, &mut rng)?;
    /// let refused = table.try_acquire(9, &7).unwrap_err();
    /// assert_eq!((refused.reason, refused.retry_at_ns), (HeldBy::Backoff, Some(10)));
    /// assert!(table.try_acquire(10, &7).is_ok());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_acquire<Q>(&mut self, now_ns: u64, key: &Q) -> Result<(), Refusal<HeldBy>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        self.peek(now_ns, key)
    }

    /// The key failed: it is held back for the next wait of its backoff. A hold that stands and ends later stays,
    /// unless the advisory rule is `Exact`; the attempt counts all the same.
    ///
    /// # Errors
    /// When the key is new and there is no room: the failure then counted for the overflow entry, which holds back
    /// every key that is not tracked. A word was drawn as for any failure.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let holds = [0, 10, 30].map(|now_ns| table.on_failure(now_ns, &7, &mut rng).map(|hold| hold.until_ns));
    /// assert_eq!(holds, [Ok(Some(10)), Ok(Some(30)), Ok(Some(70))]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn on_failure<Q, R>(&mut self, now_ns: u64, key: &Q, rng: &mut R) -> Result<Hold, TableFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        self.report(now_ns, key, Fact::Failure, rng)
    }

    /// The key's server said when to come back, or not to. It counts as an attempt, so that the next failure goes on
    /// one step further. `Stop` holds until a success, or `forget_after` from now.
    ///
    /// # Errors
    /// As in [`on_failure`](Self::on_failure): mind that `Stop` for a key that there is no room for holds back every
    /// key that is not tracked.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// use evenkeel_core::advice::Advice;
    /// let hold = table.on_advice(0, &7, Advice::RetryAt { at_ns: 50 }, &mut rng)?;
    /// assert_eq!((hold.until_ns, hold.reason), (Some(50), HeldBy::Advice));
    /// assert_eq!(table.on_failure(50, &7, &mut rng)?.until_ns, Some(70)); // the second wait
    ///
    /// let hold = table.on_advice(70, &8, Advice::Stop, &mut rng)?;
    /// assert_eq!((hold.until_ns, hold.reason), (Some(1_000_000_070), HeldBy::Stopped));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn on_advice<Q, R>(
        &mut self,
        now_ns: u64,
        key: &Q,
        advice: Advice,
        rng: &mut R,
    ) -> Result<Hold, TableFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        self.report(now_ns, key, Fact::Advice(advice), rng)
    }

    /// The key answered: nothing is held against it any more. Whether something was. A success of a key that is not
    /// tracked says nothing of the other ones, so the overflow entry stays.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let _ = table.on_failure(0, &7, &mut rng)?;
    /// assert!(table.on_success(3, &7));
    /// assert!(table.try_acquire(3, &7).is_ok());
    /// assert!(!table.on_success(4, &7));
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
        let forgotten = self.entry_at(at).is_forgotten(&self.policy, now_ns);
        self.remove(at);
        !forgotten
    }

    /// An operator's command: nothing is known of the key any more, as after a success.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let _ = table.on_failure(0, &7, &mut rng)?;
    /// assert!(table.forget(3, &7));
    /// assert_eq!(table.len(), 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn forget<Q>(&mut self, now_ns: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.on_success(now_ns, key)
    }

    /// The next key whose hold is over: by the end of the hold, ties in the order in which the holds were set. Each
    /// end is reported once, and only while the key is remembered; a stop has no end to report. The key stays tracked,
    /// so that its next failure goes on where it was. The end of the overflow entry's hold is not reported: see
    /// [`overflow`](Self::overflow).
    ///
    /// Never needed for a right answer. Keys that were forgotten before anyone asked are dropped on the way, each
    /// once, and at most 64 and a 256th of `max_keys` in a call. With the index O(log n) and O(log n) for each key
    /// dropped; O(n) in the calls after a long silence that leave forgotten ones, unless
    /// [`drop_forgotten`](Self::drop_forgotten) came before. **Without it O(n)**.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let builder = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1));
    /// let mut table: BackoffTable<u64> = BackoffTable::new(builder.due_index(true).build()?);
    /// for (now_ns, key) in [(0, 7), (5, 8)] {
    ///     let _ = table.on_failure(now_ns, &key, &mut rng)?;
    /// }
    /// let ready = [9, 10, 10, 15].map(|now_ns| table.pop_ready(now_ns).copied());
    /// assert_eq!(ready, [None, Some(7), None, Some(8)]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn pop_ready(&mut self, now_ns: u64) -> Option<&K> {
        let now_ns = self.clock.observe(now_ns);
        if self.keys.is_indexed() {
            for _ in 0..self.keys.most_drops() {
                if !self.drop_first_forgotten(Queue::Due, now_ns) {
                    break;
                }
            }
        }
        let (at, due_ns) = self.first_due(now_ns)?;
        if due_ns > now_ns {
            return None;
        }
        self.keys.requeue(at, Queue::Idle);
        self.keys.slot(at).map(|slot| &slot.key)
    }
}
