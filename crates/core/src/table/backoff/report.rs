//! What a report does to the entry of its key. The usual one, of a key that backs off, is on a way of its own: there
//! the kind of the hold is known when it is compiled, and nothing goes through memory but the slot.

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::BackoffTable;
use super::answer::Hold;
use super::entry::{Entry, Fact};
use crate::random::Rng;
use crate::table::full::TableFull;
use crate::table::keyed::{make_room, swap_remove};

impl<K: Hash + Eq, S: BuildHasher> BackoffTable<K, S> {
    #[inline]
    pub(super) fn report<Q, R>(
        &mut self,
        now_ns: u64,
        key: &Q,
        fact: Fact,
        rng: &mut R,
    ) -> Result<Hold, TableFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        let found = self.keys.find(key);
        if let Some(at) = found {
            if let Some(known) = self.backing_off(at) {
                if !known.is_forgotten(&self.policy, now_ns) {
                    return Ok(self.report_known(now_ns, at, known, fact, rng));
                }
            }
        }
        self.report_rare(now_ns, key, found, fact, rng)
    }

    // Always, as what it calls: so that an entry whose kind is known stays in registers.
    #[inline(always)]
    fn report_known<R>(
        &mut self,
        now_ns: u64,
        at: u32,
        known: Entry,
        fact: Fact,
        rng: &mut R,
    ) -> Hold
    where
        R: Rng + ?Sized,
    {
        let entry = known.after(&self.policy, now_ns, fact, rng);
        self.put(at, &entry);
        entry.hold(&self.policy)
    }

    /// The report of a key that is not just backing off: nothing is known of it, or something else.
    #[inline(never)]
    fn report_rare<Q, R>(
        &mut self,
        now_ns: u64,
        key: &Q,
        found: Option<u32>,
        fact: Fact,
        rng: &mut R,
    ) -> Result<Hold, TableFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        if let Some(at) = found {
            let known = self.entry_at(at);
            if !known.is_forgotten(&self.policy, now_ns) {
                return Ok(self.report_known(now_ns, at, known, fact, rng));
            }
        }
        if found.is_none() && self.keys.is_full() && !self.make_room(now_ns) {
            let shared = self.overflow.unwrap_or(Entry::FRESH);
            let shared = self.remembered(shared, now_ns);
            let entry = shared.after(&self.policy, now_ns, fact, rng);
            self.overflow = Some(entry);
            return Err(TableFull {
                max_keys: self.policy.max_keys(),
                held_until_ns: entry.until_ns(&self.policy),
            });
        }
        let entry = Entry::FRESH.after(&self.policy, now_ns, fact, rng);
        let entry = self.held_so_far(entry);
        match found {
            Some(at) => self.put(at, &entry),
            None => self.insert(key.to_owned(), &entry),
        }
        Ok(entry.hold(&self.policy))
    }

    /// The first hold of a key: so far it was held back with all that are not tracked, and it is no less now.
    fn held_so_far(&self, first: Entry) -> Entry {
        match self.overflow {
            Some(shared) if self.policy.keeps_longer_hold() => {
                first.or(shared, shared.is_longer(&self.policy, &first))
            }
            _ => first,
        }
    }

    /// What is known of it, which may be nothing any more.
    fn remembered(&self, entry: Entry, now_ns: u64) -> Entry {
        if entry.is_forgotten(&self.policy, now_ns) {
            Entry::FRESH
        } else {
            entry
        }
    }

    #[inline]
    fn put(&mut self, at: u32, entry: &Entry) {
        self.keys.set(at, entry.queue(), entry.at_ns, entry.note());
        self.remember(at, entry);
    }

    pub(super) fn insert(&mut self, key: K, entry: &Entry) {
        let at = self
            .keys
            .insert(key, (), entry.queue(), entry.at_ns, entry.note());
        if self.policy.backoff().remembers_wait() {
            make_room(&mut self.previous, self.policy.max_keys() as usize);
            self.previous.push(entry.previous_ns);
        }
        self.remember(at, entry);
    }

    /// What stands beside the slot.
    #[inline]
    fn remember(&mut self, at: u32, entry: &Entry) {
        if let Some(previous_ns) = self.previous.get_mut(at as usize) {
            *previous_ns = entry.previous_ns;
        }
        if entry.oldest_ns() < self.oldest_ns {
            self.oldest_ns = entry.oldest_ns();
        }
    }

    pub(super) fn remove(&mut self, at: u32) {
        if self.keys.remove(at).is_some() {
            // Where the jitter needs no wait the row is empty and stays so.
            swap_remove(&mut self.previous, at);
        }
    }
}
