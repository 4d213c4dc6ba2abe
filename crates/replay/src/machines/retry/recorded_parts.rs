//! The recorded machines that one call of a recorded retry works with.

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use evenkeel_core::breaker::{Breaker, Grant, Outcome, Permit, Receipt, Refused};
use evenkeel_core::budget::{RetryRatio, RetryTokens};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{BreakerGate, Parts};
use smallvec::SmallVec;

use super::{Lent, LentBreaker};
use crate::breaker_table::RecordedGate;
use crate::journal::{Journal, Mark, Snapshot};
use crate::recorder::{Feed, Recorder};
use crate::table_key::TableKey;

/// One key of a recorded table, whatever it is keyed by.
pub(crate) trait TableGate: Send {
    fn lent(&self) -> LentBreaker;
    fn journal(&self) -> &Journal;
    fn marked(&mut self) -> Marked<'_>;
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused>;
    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt;
}

impl<K, Q, S> TableGate for RecordedGate<'_, K, Q, S>
where
    K: TableKey + Borrow<Q> + Send,
    Q: Hash + Eq + ToOwned<Owned = K> + Sync + ?Sized,
    S: BuildHasher + Default + Send,
{
    fn lent(&self) -> LentBreaker {
        LentBreaker::Key {
            table: self.table.id(),
            key: self.key.to_owned().to_key(),
        }
    }

    fn journal(&self) -> &Journal {
        self.table.journal()
    }

    fn marked(&mut self) -> Marked<'_> {
        (&mut self.table.feed.mark, &self.table.machine)
    }

    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        self.table.machine.gate(self.key).try_acquire(now_ns, rng)
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        let mut gate = self.table.machine.gate(self.key);
        gate.on_outcome(now_ns, permit, outcome, latency_ns, rng)
    }
}

/// The key's breaker without its recorder: the retry's own line stands for all that is asked and told.
struct Unrecorded<'a>(&'a mut dyn TableGate);

impl BreakerGate for Unrecorded<'_> {
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        self.0.try_acquire(now_ns, rng)
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        self.0.on_outcome(now_ns, permit, outcome, latency_ns, rng)
    }
}

/// What stands behind a recorded machine that is lent: what its journal remembers of it, and the machine itself.
pub(super) type Marked<'a> = (&'a mut Mark, &'a dyn Snapshot);

/// A breaker and a budget at most, and the retry that borrows them.
pub(super) const AT_MOST: usize = 3;

enum Gate<'a> {
    Breaker(&'a mut Feed<Breaker>, &'a mut Breaker),
    Table(&'a mut (dyn TableGate + 'a)),
}

enum Budget<'a> {
    Tokens(&'a mut Feed<RetryTokens>, &'a mut RetryTokens),
    Ratio(&'a mut Feed<RetryRatio>, &'a mut RetryRatio),
}

/// The recorded machines that one call of a recorded [`Retry`](evenkeel_core::retry::Retry) works with; each is there
/// or not. As [`Parts`] for a retry that is not recorded.
///
/// What the retry asks and tells them is in the retry's own line; they write none for it. So all should be recorded in
/// the retry's own journal. Where one is not, the call is made as ever, but no line could tell of it: it counts as
/// lost, and the retry and all that it borrowed go on with a snapshot each, as after any other gap.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
/// use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
/// use evenkeel_core::retry::{AttemptId, AttemptOutcome, Retry, RetryPolicy};
/// use evenkeel_replay::journal::Journal;
/// use evenkeel_replay::retry::RecordedParts;
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let backoff = BackoffPolicy::builder(Duration::from_secs(1));
/// let builder = BreakerPolicy::builder(backoff, Duration::from_secs(5));
/// let breaker = Breaker::new(builder.trigger(Trigger::Consecutive { failures: 5 }).build()?);
/// let tokens = RetryTokens::new(RetryTokensPolicy::builder(50_000).build()?);
/// let retry = Retry::new(RetryPolicy::builder(backoff).build()?, 0);
/// let mut rng = SplitMix64::seed_from_u64(1);
///
/// let journal = Journal::in_memory();
/// let (mut breaker, mut tokens) = (journal.record("db", breaker), journal.record("retries", tokens));
/// let mut retry = journal.record("query", retry);
/// let mut parts = RecordedParts::none().with_breaker(&mut breaker).with_tokens(&mut tokens);
/// let _ = retry.poll(0, &mut parts, &mut rng);
/// let first = AttemptId::from_word(1);
/// let _ = retry.on_outcome(5, first, AttemptOutcome::Success, &mut parts, &mut rng);
/// assert_eq!(journal.ops(), 2); // of the retry, none of the others
/// assert_eq!(breaker.stats(5).successes, 1);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Default)]
pub struct RecordedParts<'a> {
    breaker: Option<Gate<'a>>,
    budget: Option<Budget<'a>>,
}

impl<'a> RecordedParts<'a> {
    /// Neither breaker nor budget.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            breaker: None,
            budget: None,
        }
    }

    /// With this breaker.
    #[must_use]
    pub fn with_breaker(self, breaker: &'a mut Recorder<Breaker>) -> Self {
        self.with_fed_breaker(&mut breaker.feed, &mut breaker.machine)
    }

    /// With this breaker, whose calls go to `feed`.
    #[must_use]
    pub fn with_fed_breaker(
        mut self,
        feed: &'a mut Feed<Breaker>,
        breaker: &'a mut Breaker,
    ) -> Self {
        self.breaker = Some(Gate::Breaker(feed, breaker));
        self
    }

    /// With the breaker of one key of a table.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::*, retry::*, table::*};
    /// # use evenkeel_replay::{journal::Journal, retry::RecordedParts};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let builder = BreakerPolicy::builder(backoff, Duration::from_secs(5));
    /// # let breaker = builder.trigger(Trigger::Consecutive { failures: 5 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, Duration::from_secs(600)).build()?;
    /// # let retry = Retry::new(RetryPolicy::builder(backoff).build()?, 0);
    /// # let journal = Journal::in_memory();
    /// # let mut retry = journal.record("query", retry);
    /// let mut hosts = journal.record("hosts", BreakerTable::<String>::new(policy));
    /// let mut gate = hosts.gate("db-1");
    /// let _ = retry.poll(0, &mut RecordedParts::none().with_gate(&mut gate), &mut rng);
    /// assert!(hosts.tracks(0, "db-1"));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_gate<K, Q, S>(mut self, gate: &'a mut RecordedGate<'_, K, Q, S>) -> Self
    where
        K: TableKey + Borrow<Q> + Send,
        Q: Hash + Eq + ToOwned<Owned = K> + Sync + ?Sized,
        S: BuildHasher + Default + Send,
    {
        self.breaker = Some(Gate::Table(gate));
        self
    }

    /// With this budget.
    #[must_use]
    pub fn with_tokens(self, tokens: &'a mut Recorder<RetryTokens>) -> Self {
        self.with_fed_tokens(&mut tokens.feed, &mut tokens.machine)
    }

    /// With this budget, whose calls go to `feed`.
    #[must_use]
    pub fn with_fed_tokens(
        mut self,
        feed: &'a mut Feed<RetryTokens>,
        tokens: &'a mut RetryTokens,
    ) -> Self {
        self.budget = Some(Budget::Tokens(feed, tokens));
        self
    }

    /// With this budget.
    #[must_use]
    pub fn with_ratio(self, ratio: &'a mut Recorder<RetryRatio>) -> Self {
        self.with_fed_ratio(&mut ratio.feed, &mut ratio.machine)
    }

    /// With this budget, whose calls go to `feed`.
    #[must_use]
    pub fn with_fed_ratio(
        mut self,
        feed: &'a mut Feed<RetryRatio>,
        ratio: &'a mut RetryRatio,
    ) -> Self {
        self.budget = Some(Budget::Ratio(feed, ratio));
        self
    }

    /// What is lent, by id.
    pub(super) fn lent(&self) -> Lent {
        Lent {
            breaker: self.breaker.as_ref().map(|gate| match gate {
                Gate::Breaker(feed, _) => LentBreaker::Breaker(feed.id()),
                Gate::Table(gate) => gate.lent(),
            }),
            budget: self.budget.as_ref().map(|budget| match budget {
                Budget::Tokens(feed, _) => feed.id(),
                Budget::Ratio(feed, _) => feed.id(),
            }),
        }
    }

    /// Whether all are recorded in this journal.
    pub(super) fn are_in(&self, journal: &Journal) -> bool {
        let breaker = self.breaker.as_ref().is_none_or(|gate| match gate {
            Gate::Breaker(feed, _) => feed.journal.is_same(journal),
            Gate::Table(gate) => gate.journal().is_same(journal),
        });
        let budget = self.budget.as_ref().is_none_or(|budget| match budget {
            Budget::Tokens(feed, _) => feed.journal.is_same(journal),
            Budget::Ratio(feed, _) => feed.journal.is_same(journal),
        });
        breaker && budget
    }

    /// The borrower first, then all that is lent.
    pub(super) fn marked<'b>(
        &'b mut self,
        borrower: Marked<'b>,
    ) -> SmallVec<[Marked<'b>; AT_MOST]> {
        let mut all = SmallVec::new();
        all.push(borrower);
        all.extend(self.breaker.as_mut().map(|gate| -> Marked<'b> {
            match gate {
                Gate::Breaker(feed, breaker) => (&mut feed.mark, &**breaker),
                Gate::Table(gate) => gate.marked(),
            }
        }));
        all.extend(self.budget.as_mut().map(|budget| -> Marked<'b> {
            match budget {
                Budget::Tokens(feed, tokens) => (&mut feed.mark, &**tokens),
                Budget::Ratio(feed, ratio) => (&mut feed.mark, &**ratio),
            }
        }));
        all
    }

    /// Lends the machines themselves to a call.
    pub(super) fn lend<T>(&mut self, call: impl FnOnce(&mut Parts<'_>) -> T) -> T {
        let mut unrecorded;
        let mut parts = Parts::none();
        match &mut self.breaker {
            Some(Gate::Breaker(_, breaker)) => parts = parts.with_breaker(&mut **breaker),
            Some(Gate::Table(gate)) => {
                unrecorded = Unrecorded(&mut **gate);
                parts = parts.with_breaker(&mut unrecorded);
            }
            None => {}
        }
        match &mut self.budget {
            Some(Budget::Tokens(_, tokens)) => parts = parts.with_budget(&mut **tokens),
            Some(Budget::Ratio(_, ratio)) => parts = parts.with_budget(&mut **ratio),
            None => {}
        }
        call(&mut parts)
    }
}

impl fmt::Debug for RecordedParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordedParts").field(&self.lent()).finish()
    }
}
