//! What can be asked of a backoff table without changing it.

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::BackoffTable;
use super::answer::{HeldBy, Hold};
use super::entry::Entry;
use super::policy::BackoffTablePolicy;
use crate::refusal::Refusal;
use crate::table::iter::iterator;
use crate::table::keyed::Queue;

impl<K: Hash + Eq, S: BuildHasher> BackoffTable<K, S> {
    /// What [`try_acquire`](Self::try_acquire) would answer; changes nothing.
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let _ = table.on_failure(0, &7, &mut rng)?;
    /// assert!(table.peek(10, &7).is_ok());
    /// assert!(table.peek(9, &7).is_err()); // the look at 10 is not remembered
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn peek<Q>(&self, now_ns: u64, key: &Q) -> Result<(), Refusal<HeldBy>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.peek(now_ns);
        match self.keys.find_slot(key) {
            Some((at, slot)) => {
                let known = Entry::backing_off(slot.at_ns(), slot.note(), slot.queue());
                match known.filter(|it| !it.is_forgotten(&self.policy, now_ns)) {
                    Some(known) => known.ask(&self.policy, now_ns),
                    None => self.peek_held(now_ns, Some(at)),
                }
            }
            None if self.overflow.is_none() => Ok(()),
            None => self.peek_held(now_ns, None),
        }
    }

    /// The answer for a key that is not just backing off.
    #[inline(never)]
    fn peek_held(&self, now_ns: u64, found: Option<u32>) -> Result<(), Refusal<HeldBy>> {
        let known = found.map(|at| self.entry_at(at));
        match known.filter(|entry| !entry.is_forgotten(&self.policy, now_ns)) {
            Some(entry) => entry
                .ask(&self.policy, now_ns)
                .map_err(|refusal| self.past_stop(refusal)),
            None => match &self.overflow {
                Some(entry) => entry
                    .ask(&self.policy, now_ns)
                    .map_err(|refusal| Refusal::new(HeldBy::Overflow, refusal.retry_at_ns)),
                None => Ok(()),
            },
        }
    }

    /// The last hold of the key, over or not; `None` when nothing is known of it.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let hold = table.on_failure(0, &7, &mut rng)?;
    /// assert_eq!(table.get(500, &7), Some(hold));
    /// assert_eq!(table.get(1_000_000_010, &7), None); // forgotten, 1 s after its end
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn get<Q>(&self, now_ns: u64, key: &Q) -> Option<Hold>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.known(self.clock.peek(now_ns), key)?;
        Some(entry.hold(&self.policy))
    }

    /// At the end of a stop the key is forgotten, and from then on the overflow entry answers for it.
    fn past_stop(&self, refusal: Refusal<HeldBy>) -> Refusal<HeldBy> {
        match (refusal.reason, refusal.retry_at_ns, &self.overflow) {
            (HeldBy::Stopped, Some(at_ns), Some(entry)) if entry.holds(&self.policy, at_ns) => {
                Refusal::new(HeldBy::Stopped, entry.until_ns(&self.policy))
            }
            _ => refusal,
        }
    }

    #[inline]
    fn known<Q>(&self, now_ns: u64, key: &Q) -> Option<Entry>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.entry_at(self.keys.find(key)?);
        (!entry.is_forgotten(&self.policy, now_ns)).then_some(entry)
    }
}

impl<K, S> BackoffTable<K, S> {
    /// The next instant at which [`pop_ready`](Self::pop_ready) would report a key: the first end of a hold that was
    /// not reported. The overflow entry's hold is no key's: who waits for its end asks `overflow(now_ns)`. With the index
    /// O(1) (O(n) when that key was forgotten before anyone asked), **without it O(n)**.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let builder = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1));
    /// let mut table: BackoffTable<u64> = BackoffTable::new(builder.due_index(true).build()?);
    /// assert_eq!(table.next_deadline_ns(), None);
    /// let _ = table.on_failure(5, &7, &mut rng)?;
    /// assert_eq!(table.next_deadline_ns(), Some(15));
    /// let _ = table.pop_ready(15);
    /// assert_eq!(table.next_deadline_ns(), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        let (_, due_ns) = self.first_due(self.clock.latest_ns())?;
        Some(due_ns)
    }

    /// The slot whose hold ends first of those not reported and not forgotten, and when.
    pub(super) fn first_due(&self, now_ns: u64) -> Option<(u32, u64)> {
        let is_forgotten = |at_ns| self.policy.is_forgotten(at_ns, now_ns);
        if self.keys.is_indexed() {
            let (at, due_ns) = self.keys.first_at(Queue::Due)?;
            if !is_forgotten(due_ns) {
                return Some((at, due_ns));
            }
        }
        self.keys
            .first_where(Queue::Due, |slot| !is_forgotten(slot.at_ns()))
    }

    /// How all keys that there was no room for are held back together, with the reason [`HeldBy::Overflow`]; `None` when
    /// nothing is known of such.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let policy = BackoffTablePolicy::builder(backoff, 1, Duration::from_secs(1)).build()?;
    /// // room for one key
    /// let mut table: BackoffTable<u64> = BackoffTable::new(policy);
    /// let _ = table.on_failure(0, &1, &mut rng)?;
    /// assert_eq!(table.overflow(0), None);
    /// let _ = table.on_failure(0, &2, &mut rng).unwrap_err();
    /// let held = table.overflow(0).map(|hold| (hold.reason, hold.until_ns));
    /// assert_eq!(held, Some((HeldBy::Overflow, Some(10))));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn overflow(&self, now_ns: u64) -> Option<Hold> {
        let now_ns = self.clock.peek(now_ns);
        let entry = self.overflow.as_ref()?;
        (!entry.is_forgotten(&self.policy, now_ns)).then(|| Hold {
            reason: HeldBy::Overflow,
            ..entry.hold(&self.policy)
        })
    }

    /// How many keys are in memory; a forgotten one stays until its place is needed.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let _ = table.try_acquire(0, &7);
    /// assert_eq!(table.len(), 0); // nothing to remember
    /// let _ = table.on_failure(0, &7, &mut rng)?;
    /// assert_eq!(table.len(), 1);
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
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let policy = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1)).build()?;
    /// let table: BackoffTable<u64> = BackoffTable::new(policy);
    /// assert!(table.is_empty());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys of which something is known at the latest instant seen, with their last holds: by the end of the hold
    /// (the instant of the advice where it was to stop), also where that lies past the last instant; ties in the order in
    /// which the holds were set. O(n log n).
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// for key in [9, 3, 9] {
    ///     let _ = table.on_failure(0, &key, &mut rng)?;
    /// }
    /// let holds: Vec<_> = table.iter().map(|(key, hold)| (*key, hold.attempt)).collect();
    /// assert_eq!(holds, [(3, 1), (9, 2)]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn iter(&self) -> BackoffTableIter<'_, K, S> {
        BackoffTableIter {
            table: self,
            order: self.remembered_in_order().into_iter(),
        }
    }

    pub(super) fn remembered_in_order(&self) -> Vec<u32> {
        let now_ns = self.clock.latest_ns();
        let is_known = |at, _: &_| !self.entry_at(at).is_forgotten(&self.policy, now_ns);
        self.keys.in_order(is_known)
    }

    /// The policy.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let policy = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1)).build()?;
    /// let table: BackoffTable<u64> = BackoffTable::new(policy);
    /// assert_eq!(table.policy(), &policy);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn policy(&self) -> &BackoffTablePolicy {
        &self.policy
    }

    /// The bytes that the table has taken from the heap, without what the keys themselves own.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let policy = BackoffTablePolicy::builder(backoff, 1_000, Duration::from_secs(1)).build()?;
    /// let mut table: BackoffTable<u64> = BackoffTable::new(policy);
    /// for key in 0..1_000 {
    ///     let _ = table.on_failure(0, &key, &mut rng)?;
    /// }
    /// assert!(table.heap_bytes() <= 44 * 1_000);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.keys.bytes()
    }
}

iterator! {
    /// The keys of a backoff table with their holds; made by [`BackoffTable::iter`].
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let policy = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1)).build()?;
    /// let table: BackoffTable<u64> = BackoffTable::new(policy);
    /// let holds: BackoffTableIter<'_, u64, FixedState> = table.iter();
    /// assert_eq!(holds.len(), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    BackoffTableIter: BackoffTable, (key, Hold),
    |table, at, slot| table.entry_at(at).hold(&table.policy)
}
