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

impl<K: Hash + Eq, S: BuildHasher> BackoffTable<K, S> {
    #[inline(always)]
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
        // The usual case: all else gives the same the long way.
        if matches!(fact, Fact::Failure) && !self.policy.backoff().remembers_wait() {
            if let Some(found) = self.keys.find_mut(key) {
                let known = found
                    .slot()
                    .and_then(|slot| Entry::backing_off(slot.at_ns(), slot.note(), slot.queue()));
                if let Some(known) = known.filter(|it| !it.is_forgotten(&self.policy, now_ns)) {
                    let at = found.at();
                    let own_ns = known.own_ns(&self.policy, rng);
                    let Some(entry) = known.failed_in_time(&self.policy, now_ns, own_ns) else {
                        return Ok(self.fail_without_end(now_ns, at, own_ns));
                    };
                    if !found.try_set(entry.queue(), entry.at_ns, entry.note()) {
                        self.keys.set(at, entry.queue(), entry.at_ns, entry.note());
                    }
                    if entry.oldest_ns() < self.oldest_ns {
                        self.oldest_ns = entry.oldest_ns();
                    }
                    return Ok(entry.hold(&self.policy));
                }
            }
        }
        self.report_rare(now_ns, key, fact, rng)
    }

    /// The rest of a failure whose hold has no end.
    #[cold]
    #[inline(never)]
    fn fail_without_end(&mut self, now_ns: u64, at: u32, own_ns: u64) -> Hold {
        let entry = self.entry_at(at).failed(&self.policy, now_ns, own_ns);
        self.put(at, &entry);
        entry.hold(&self.policy)
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
        fact: Fact,
        rng: &mut R,
    ) -> Result<Hold, TableFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        let found = self.keys.find(key);
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

    #[inline(always)]
    fn put(&mut self, at: u32, entry: &Entry) {
        self.keys.set(at, entry.queue(), entry.at_ns, entry.note());
        self.remember(at, entry);
    }

    pub(super) fn insert(&mut self, key: K, entry: &Entry) {
        let at = self
            .keys
            .insert(key, (), entry.queue(), entry.at_ns, entry.note());
        self.remember(at, entry);
    }

    /// What stands beside the slot.
    #[inline]
    fn remember(&mut self, at: u32, entry: &Entry) {
        if let Some(previous_ns) = self.keys.words_mut(at).first_mut() {
            *previous_ns = entry.previous_ns;
        }
        if entry.oldest_ns() < self.oldest_ns {
            self.oldest_ns = entry.oldest_ns();
        }
    }

    pub(super) fn remove(&mut self, at: u32) {
        let _ = self.keys.remove(at);
    }
}
