//! What an operator may command for one key.

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::BreakerTable;
use super::tracking::Who;
use crate::breaker::{Mode, Transitions};
use crate::table::full::TableFull;

impl<K: Hash + Eq, S: BuildHasher> BreakerTable<K, S> {
    /// An operator's command for one key; see [`Mode`]. A key in another mode than `Normal` is not forgotten.
    ///
    /// # Errors
    /// When the key is not tracked and there is no room for it: nothing was done, also not to the overflow breaker.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// # let mut table: BreakerTable<u64> = BreakerTable::new(policy);
    /// let made = table.set_mode(0, &7, Mode::ForcedOpen)?;
    /// assert_eq!(made.last().map(|made| made.cause), Some(Cause::Forced));
    /// assert_eq!([7, 8].map(|key| table.phase(5_000, &key)), [Phase::Open, Phase::Closed]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn set_mode<Q>(
        &mut self,
        now_ns: u64,
        key: &Q,
        mode: Mode,
    ) -> Result<Transitions, TableFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        let at = match self.find(now_ns, key) {
            Some(at) => at,
            None if mode == Mode::Normal => return Ok(Transitions::NONE),
            None if self.has_room(now_ns) => self.insert(key.to_owned(), now_ns),
            None => {
                let held = self
                    .known_overflow(now_ns)
                    .and_then(|entry| entry.state.peek(self.policy.breaker(), now_ns).err());
                return Err(TableFull {
                    max_keys: self.policy.max_keys(),
                    held_until_ns: held.and_then(|refusal| refusal.retry_at_ns),
                });
            }
        };
        let policy = self.policy;
        let who = Who::Slot(at);
        let entry = self.entry_mut(&who);
        let made = entry.state.set_mode(policy.breaker(), now_ns, mode);
        self.touch(&who, now_ns);
        Ok(made)
    }

    /// An operator's command: the key's breaker is closed, as new, and in the mode `Normal`; permits in flight are
    /// stale. One that is not tracked is as new already.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// # let mut table: BreakerTable<u64> = BreakerTable::new(policy);
    /// let _ = table.set_mode(0, &7, Mode::ForcedOpen)?;
    /// let made = table.reset(5, &7);
    /// assert_eq!(made.last().map(|made| (made.to, made.cause)), Some((Phase::Closed, Cause::Reset)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn reset<Q>(&mut self, now_ns: u64, key: &Q) -> Transitions
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        let Some(at) = self.find(now_ns, key) else {
            return Transitions::NONE;
        };
        let policy = self.policy;
        let who = Who::Slot(at);
        let made = self.entry_mut(&who).state.reset(policy.breaker(), now_ns);
        self.touch(&who, now_ns);
        made
    }

    /// An operator's command: the key is not tracked any more, whatever its breaker was; permits in flight are stale,
    /// no transition is reported, and what was said of its health is gone. Whether it was tracked.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// # let mut table: BreakerTable<u64> = BreakerTable::new(policy);
    /// let _ = table.set_mode(0, &7, Mode::ForcedOpen)?;
    /// assert!(table.forget(5, &7));
    /// assert_eq!((table.phase(5, &7), table.len()), (Phase::Closed, 0));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn forget<Q>(&mut self, now_ns: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        let found = self.find(now_ns, key);
        if let Some(at) = found {
            self.remove(at, now_ns);
        }
        found.is_some()
    }
}
