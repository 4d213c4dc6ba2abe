//! A backoff table whose calls are recorded.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use evenkeel_core::Refusal;
use evenkeel_core::advice::Advice;
use evenkeel_core::random::Rng;
use evenkeel_core::table::{BackoffTable, HeldBy, Hold, TableFull};

use super::{Answer, Op};
use crate::machines::cleared::cleared;
use crate::recorder::Recorder;
use crate::table_key::TableKey;

impl<K: TableKey, S: BuildHasher + Default> Recorder<BackoffTable<K, S>> {
    /// [`BackoffTable::try_acquire`]
    ///
    /// # Errors
    ///
    /// The key is held back.
    pub fn try_acquire<Q>(&mut self, now_ns: u64, key: &Q) -> Result<(), Refusal<HeldBy>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let op = Op::TryAcquire {
            key: key.to_owned(),
        };
        self.record_plain(
            now_ns,
            op,
            |table| table.try_acquire(now_ns, key),
            Answer::asked,
        )
    }

    /// [`BackoffTable::on_failure`]
    ///
    /// # Errors
    ///
    /// The table is full: the failure counted for all keys that are not tracked.
    pub fn on_failure<Q, R>(&mut self, now_ns: u64, key: &Q, rng: &mut R) -> Result<Hold, TableFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        let op = Op::OnFailure {
            key: key.to_owned(),
        };
        self.record_drawn(
            now_ns,
            op,
            rng,
            |table, rng| table.on_failure(now_ns, key, rng),
            Answer::told,
        )
    }

    /// [`BackoffTable::on_advice`]
    ///
    /// # Errors
    ///
    /// The table is full: the advice counted for all keys that are not tracked.
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
        let op = Op::OnAdvice {
            key: key.to_owned(),
            advice,
        };
        self.record_drawn(
            now_ns,
            op,
            rng,
            |table, rng| table.on_advice(now_ns, key, advice, rng),
            Answer::told,
        )
    }

    cleared! {
        BackoffTable::on_success: OnSuccess -> Cleared;
        BackoffTable::forget: Forget -> Cleared;
    }

    /// [`BackoffTable::pop_ready`], with a copy of the key.
    pub fn pop_ready(&mut self, now_ns: u64) -> Option<K> {
        self.record_plain(
            now_ns,
            Op::PopReady,
            |table| table.pop_ready(now_ns).cloned(),
            |key| Answer::Ready(key.clone()),
        )
    }

    /// [`BackoffTable::drop_forgotten`]
    pub fn drop_forgotten(&mut self, now_ns: u64, at_most: u32) -> u32 {
        self.record_plain(
            now_ns,
            Op::DropForgotten { at_most },
            |table| table.drop_forgotten(now_ns, at_most),
            |_| Answer::Dropped,
        )
    }
}
