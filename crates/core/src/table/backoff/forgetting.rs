//! Dropping the keys of which nothing is known any more: on the way, by the caller's measure, or for one that is new.

use core::hash::{BuildHasher, Hash};

use super::BackoffTable;
use crate::table::keyed::Queue;

impl<K: Hash + Eq, S: BuildHasher> BackoffTable<K, S> {
    /// Drops keys that are forgotten, at most `at_most`, and says how many: so that what the calls of
    /// [`pop_ready`](Self::pop_ready) after a long silence would do is done before. No answer depends on it. O(log n) for
    /// each key dropped, and for each that failed again since its hold was reported, O(n) at the most; without the index
    /// there is nothing to prepare, and it drops none.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let builder = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1));
    /// let mut table: BackoffTable<u64> = BackoffTable::new(builder.due_index(true).build()?);
    /// for key in 0..5 {
    ///     let _ = table.on_failure(0, &key, &mut rng)?;
    /// }
    /// let years_later_ns = 1 << 60;
    /// assert_eq!([2, 2, 2].map(|at_most| table.drop_forgotten(years_later_ns, at_most)), [2, 2, 1]);
    /// assert!(table.is_empty());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn drop_forgotten(&mut self, now_ns: u64, at_most: u32) -> u32 {
        let now_ns = self.clock.observe(now_ns);
        let mut dropped = 0_u32;
        while dropped < at_most
            && self.keys.is_indexed()
            && (self.drop_first_forgotten(Queue::Due, now_ns)
                || self.drop_first_forgotten(Queue::Idle, now_ns))
        {
            dropped = dropped.saturating_add(1);
        }
        dropped
    }

    /// Drops the first key of `queue`, if it is forgotten.
    pub(super) fn drop_first_forgotten(&mut self, queue: Queue, now_ns: u64) -> bool {
        // The instant says it: a hold without an end stands in another queue.
        let is_forgotten = |at_ns| self.policy.is_forgotten(at_ns, now_ns);
        match self.keys.first_that(queue, is_forgotten) {
            Some(at) => {
                self.remove(at);
                true
            }
            None => false,
        }
    }

    /// Drops a forgotten key, or as many as one call drops where they have to be searched for; false when there is none.
    pub(super) fn make_room(&mut self, now_ns: u64) -> bool {
        if self.keys.is_indexed() {
            return self.drop_first_forgotten(Queue::Idle, now_ns)
                || self.drop_first_forgotten(Queue::Due, now_ns);
        }
        if !self.policy.is_forgotten(self.oldest_ns, now_ns) {
            return false;
        }
        let (mut oldest_ns, mut dropped) = (u64::MAX, 0_u32);
        for at in self.keys.numbers() {
            if self.keys.slot(at).is_none() {
                continue;
            }
            let entry = self.entry_at(at);
            if entry.is_forgotten(&self.policy, now_ns) {
                self.remove(at);
                dropped = dropped.saturating_add(1);
                if dropped == self.keys.most_drops() {
                    return true;
                }
            } else {
                oldest_ns = oldest_ns.min(entry.oldest_ns());
            }
        }
        self.oldest_ns = oldest_ns;
        !self.keys.is_full()
    }
}
