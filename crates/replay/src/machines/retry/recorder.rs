//! A retry whose calls are recorded, with what it borrows.

use evenkeel_core::random::Rng;
use evenkeel_core::retry::{AttemptId, AttemptOutcome, Parts, Retry, RetryReport, RetryStep};
use smallvec::SmallVec;

use super::recorded_parts::AT_MOST;
use super::{Answer, Lent, Op, RecordedParts, apply_with};
use crate::any::Journaled;
use crate::journal::{Entry, Mark};
use crate::recorder::{Feed, Recorder};
use crate::words::Recording;

impl Recorder<Retry> {
    /// The next operation, in the place of this one: [`Retry::new`] with the same policy.
    pub fn begin(&mut self, now_ns: u64) {
        self.record_plain(
            now_ns,
            Op::Begin,
            |retry| *retry = Retry::new(*retry.policy(), now_ns),
            |()| Answer::Begun,
        );
    }

    /// [`Retry::poll`]
    pub fn poll<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        parts: &mut RecordedParts<'_>,
        rng: &mut R,
    ) -> RetryStep {
        self.feed.call_lending(
            &mut self.machine,
            now_ns,
            Op::Poll { lent: Lent::NONE },
            parts,
            rng,
            |retry, parts, rng| stepped(retry.poll(now_ns, parts, rng)),
        )
    }

    /// [`Retry::on_outcome`]
    pub fn on_outcome<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        attempt: AttemptId,
        outcome: AttemptOutcome,
        parts: &mut RecordedParts<'_>,
        rng: &mut R,
    ) -> RetryReport {
        let op = Op::OnOutcome {
            attempt,
            outcome,
            lent: Lent::NONE,
        };
        self.feed.call_lending(
            &mut self.machine,
            now_ns,
            op,
            parts,
            rng,
            |retry, parts, rng| {
                let report = retry.on_outcome(now_ns, attempt, outcome, parts, rng);
                (report, Answer::Report(report))
            },
        )
    }

    /// [`Retry::cancel`]
    pub fn cancel<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        parts: &mut RecordedParts<'_>,
        rng: &mut R,
    ) -> RetryStep {
        self.feed.call_lending(
            &mut self.machine,
            now_ns,
            Op::Cancel { lent: Lent::NONE },
            parts,
            rng,
            |retry, parts, rng| stepped(retry.cancel(now_ns, parts, rng)),
        )
    }
}

const fn stepped(step: RetryStep) -> (RetryStep, Answer) {
    (step, Answer::Step(step))
}

impl Feed<Retry> {
    /// Makes any call, a query too, with these parts, and takes it down; [`Feed::apply`] lends nothing.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, budget::*, retry::{Retry, RetryPolicy}};
    /// # use evenkeel_replay::{journal::Journal, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = RetryTokensPolicy::builder(9_000).initial_milli(0).deposit_milli(500).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// let mut retry = Retry::new(RetryPolicy::builder(backoff).build()?, 0);
    /// let journal = Journal::in_memory();
    /// let (mut budget, mut feed) = (journal.feed("retries", &tokens), journal.feed("query", &retry));
    ///
    /// let mut parts = RecordedParts::none().with_fed_tokens(&mut budget, &mut tokens);
    /// let answer = feed.apply_lending(&mut retry, 0, Op::Poll { lent: Lent::NONE }, &mut parts, &mut rng);
    /// assert!(matches!(answer, Answer::Step(_)));
    /// assert_eq!((journal.ops(), tokens.balance_milli(0)), (1, 500));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn apply_lending<R: Rng + ?Sized>(
        &mut self,
        retry: &mut Retry,
        now_ns: u64,
        op: Op,
        parts: &mut RecordedParts<'_>,
        rng: &mut R,
    ) -> Answer {
        let called = op.clone();
        self.call_lending(retry, now_ns, op, parts, rng, |retry, parts, rng| {
            let answer = apply_with(retry, now_ns, &called, parts, rng);
            (answer.clone(), answer)
        })
    }

    /// As [`Feed::call`], with all that is lent: each has its snapshot in the journal before this line, and goes on
    /// with another where this line is lost.
    fn call_lending<T, R: Rng + ?Sized>(
        &mut self,
        retry: &mut Retry,
        now_ns: u64,
        op: Op,
        parts: &mut RecordedParts<'_>,
        rng: &mut R,
        call: impl FnOnce(&mut Retry, &mut Parts<'_>, &mut Recording<'_, R>) -> (T, Answer),
    ) -> T {
        let op = op.with_lent(parts.lent());
        let is_replayable = parts.are_in(&self.journal);
        let mut log = self.journal.lock();
        let mut marked = parts.marked((&mut self.mark, &*retry));
        let prepared = if is_replayable {
            log.prepare(&mut marked)
        } else {
            log.prepare_to_lose(&mut marked)
        };
        drop(marked);
        let mut rng = Recording::new(rng);
        let (out, answer) = parts.lend(|parts| call(retry, parts, &mut rng));
        let marked = parts.marked((&mut self.mark, &*retry));
        let mut marks: SmallVec<[&mut Mark; AT_MOST]> =
            marked.into_iter().map(|(mark, _)| mark).collect();
        let is_due = log.take_down(prepared, &mut marks, |id| Entry {
            line: 0,
            id,
            t_ns: now_ns,
            op: Retry::any_op(op),
            words: rng.into_words(),
            answer: Retry::any_answer(answer),
        });
        drop(log);
        if is_due {
            self.journal.wake();
        }
        out
    }
}
