//! A table of core as its handles keep it: as it is, or taken down call by call.

use std::borrow::Borrow;
use std::hash::{Hash, RandomState};

use evenkeel_core::breaker::{Grant, Health, Mode, Outcome, Permit, Receipt, Refused, Transitions};
use evenkeel_core::random::Rng;
use evenkeel_core::table::{Answered, BreakerTable, TableFull};

#[cfg(feature = "journal")]
use super::recorded::RecordedTable;

/// Keys of a shared table are hosts and tenants, which outsiders may choose: so its hasher has a seed. No answer shows it.
pub(super) type Seeded<K> = BreakerTable<K, RandomState>;

/// Only a table whose keys a journal can tell is ever recorded, and only `record` knows that they are such: hence the
/// trait object.
#[cfg_attr(
    feature = "journal",
    expect(
        clippy::large_enum_variant,
        reason = "nearly every table is a plain one"
    )
)]
pub(super) enum KeptTable<K> {
    Plain(Seeded<K>),
    #[cfg(feature = "journal")]
    Recorded(Box<dyn RecordedTable<K>>),
}

/// What its calls want of a key: one can be made to last.
pub(super) trait Key<K>: Hash + Eq + ToOwned<Owned = K> {}

impl<K, Q: Hash + Eq + ToOwned<Owned = K> + ?Sized> Key<K> for Q {}

impl<K> KeptTable<K> {
    /// For queries.
    pub(super) fn table(&self) -> &Seeded<K> {
        match self {
            Self::Plain(table) => table,
            #[cfg(feature = "journal")]
            Self::Recorded(recorder) => recorder.table(),
        }
    }
}

impl<K: Hash + Eq> KeptTable<K> {
    pub(super) fn try_acquire<Q>(
        &mut self,
        now_ns: u64,
        key: &Q,
        rng: &mut dyn Rng,
    ) -> Result<Answered<Grant>, Answered<Refused>>
    where
        K: Borrow<Q>,
        Q: Key<K> + ?Sized,
    {
        match self {
            Self::Plain(table) => table.try_acquire(now_ns, key, rng),
            #[cfg(feature = "journal")]
            Self::Recorded(recorder) => recorder.try_acquire(now_ns, &key.to_owned(), rng),
        }
    }

    pub(super) fn on_outcome<Q>(
        &mut self,
        now_ns: u64,
        key: &Q,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Answered<Receipt>
    where
        K: Borrow<Q>,
        Q: Key<K> + ?Sized,
    {
        match self {
            Self::Plain(table) => table.on_outcome(now_ns, key, permit, outcome, latency_ns, rng),
            #[cfg(feature = "journal")]
            Self::Recorded(recorder) => {
                let key = &key.to_owned();
                recorder.on_outcome(now_ns, key, permit, outcome, latency_ns, rng)
            }
        }
    }

    pub(super) fn on_health<Q>(
        &mut self,
        now_ns: u64,
        key: &Q,
        health: Health,
    ) -> Answered<Transitions>
    where
        K: Borrow<Q>,
        Q: Key<K> + ?Sized,
    {
        match self {
            Self::Plain(table) => table.on_health(now_ns, key, health),
            #[cfg(feature = "journal")]
            Self::Recorded(recorder) => recorder.on_health(now_ns, &key.to_owned(), health),
        }
    }

    pub(super) fn set_mode<Q>(
        &mut self,
        now_ns: u64,
        key: &Q,
        mode: Mode,
    ) -> Result<Transitions, TableFull>
    where
        K: Borrow<Q>,
        Q: Key<K> + ?Sized,
    {
        match self {
            Self::Plain(table) => table.set_mode(now_ns, key, mode),
            #[cfg(feature = "journal")]
            Self::Recorded(recorder) => recorder.set_mode(now_ns, &key.to_owned(), mode),
        }
    }

    pub(super) fn reset<Q>(&mut self, now_ns: u64, key: &Q) -> Transitions
    where
        K: Borrow<Q>,
        Q: Key<K> + ?Sized,
    {
        match self {
            Self::Plain(table) => table.reset(now_ns, key),
            #[cfg(feature = "journal")]
            Self::Recorded(recorder) => recorder.reset(now_ns, &key.to_owned()),
        }
    }

    pub(super) fn forget<Q>(&mut self, now_ns: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Key<K> + ?Sized,
    {
        match self {
            Self::Plain(table) => table.forget(now_ns, key),
            #[cfg(feature = "journal")]
            Self::Recorded(recorder) => recorder.forget(now_ns, &key.to_owned()),
        }
    }

    pub(super) fn poll(&mut self, now_ns: u64) -> Option<(Option<K>, Transitions)>
    where
        K: Clone,
    {
        match self {
            Self::Plain(table) => {
                let due = table.poll(now_ns)?;
                Some((due.key.cloned(), due.transitions))
            }
            #[cfg(feature = "journal")]
            Self::Recorded(recorder) => recorder.poll(now_ns),
        }
    }
}
