//! BreakerTable under the laws.

use evenkeel_core::RestoreError;
use evenkeel_core::backoff::Jitter;
use evenkeel_core::breaker::{Cause, Outcome, PermitId, Phase, Transition, Transitions};
use evenkeel_core::table::{BreakerTable, BreakerTablePolicy, BreakerTableState};
use evenkeel_replay::breaker_table::{Answer, Due, Op};

use super::breaker::{moved_transitions, receipt_with};
use crate::harness::{Law, Mover, NoReport, Progress, Salted, Subject};

/// As many as the random calls are about.
const KEYS: u64 = 5;
/// A key that is never asked for.
const STRANGER: u64 = 1_000;

/// What the count of words has to remember: the half-open phases whose first probe has gone out, by tag and generation.
#[derive(Default)]
pub(crate) struct Account {
    probed: Vec<[u64; 2]>,
}

fn set_transitions(answer: &mut Answer<u64>, made: Transitions) {
    match answer {
        Answer::Granted { transitions, .. }
        | Answer::Transitions(transitions)
        | Answer::Due(Some(Due { transitions, .. })) => *transitions = made,
        Answer::Refused(refused) => refused.answer.transitions = made,
        Answer::Receipt(told) => told.answer = receipt_with(told.answer, made),
        Answer::Health(told) => told.answer = made,
        _ => {}
    }
}

impl Subject for BreakerTable<u64, Salted> {
    const AT_ONCE: u32 = 2 * KEYS as u32 + 4;

    /// Which breaker's transitions are told first depends on who is asked first, and those of a key that is forgotten
    /// are not told: they are left out where lazy and eager are compared.
    type Made = NoReport;
    type Account = Account;

    fn not_applicable(_: Law) -> Option<&'static str> {
        None
    }

    fn restored(
        policy: &BreakerTablePolicy,
        state: BreakerTableState<u64>,
    ) -> Result<Self, RestoreError> {
        Self::restore_with_hasher(*policy, state, None, Salted(77))
    }

    fn is_poll(op: &Op<u64>) -> bool {
        matches!(op, Op::Poll)
    }

    fn queries() -> Vec<Op<u64>> {
        let ops = |key| {
            [
                Op::Phase { key },
                Op::Peek { key },
                Op::Tracks { key },
                Op::StatsOf { key },
            ]
        };
        let all = [Op::OverflowPhase, Op::Stats, Op::Peek { key: STRANGER }];
        (0..KEYS).flat_map(ops).chain(all).collect()
    }

    fn settled_queries() -> Vec<Op<u64>> {
        let mut queries = Self::queries();
        queries.push(Op::Iter);
        queries
    }

    fn passes_time() -> Option<Op<u64>> {
        Some(Op::Forget { key: STRANGER })
    }

    fn progress(_: &Self, _: u64, answer: &Answer<u64>) -> Progress {
        match answer {
            Answer::Due(Some(_)) => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer<u64>) -> Vec<NoReport> {
        set_transitions(answer, Transitions::NONE);
        Vec::new()
    }

    fn fell_due_ns(answer: &Answer<u64>) -> Option<u64> {
        match answer {
            Answer::Due(Some(due)) => due.transitions.iter().next().map(|made| made.at_ns),
            _ => None,
        }
    }

    fn moved(
        _: &BreakerTablePolicy,
        mut answer: Answer<u64>,
        mover: &mut Mover,
    ) -> Option<Answer<u64>> {
        let made = moved_transitions(answer.transitions(), mover)?;
        set_transitions(&mut answer, made);
        let at_ns = match &mut answer {
            Answer::Granted {
                would_refuse: Some(refusal),
                ..
            } => &mut refusal.retry_at_ns,
            Answer::Refused(refused) => &mut refused.answer.refusal.retry_at_ns,
            Answer::Peek(Err(refused)) => &mut refused.answer.retry_at_ns,
            Answer::Full(full) => &mut full.held_until_ns,
            _ => return Some(answer),
        };
        *at_ns = mover.maybe(*at_ns);
        Some(answer)
    }

    fn moved_op(_: &BreakerTablePolicy, op: &Op<u64>, mover: &mut Mover) -> Option<Op<u64>> {
        let mut op = op.clone();
        if let Op::OnOutcome {
            outcome: Outcome::Overloaded {
                retry_at_ns: Some(at_ns),
            },
            ..
        } = &mut op
        {
            *at_ns = mover.surely(*at_ns)?;
        }
        Some(op)
    }

    fn is_stale(answer: &Answer<u64>) -> bool {
        matches!(answer, Answer::Receipt(told) if told.answer.is_stale())
    }

    fn without_stale_count(mut answer: Answer<u64>) -> Answer<u64> {
        if let Answer::Stats(stats) | Answer::StatsOf(Some(stats)) = &mut answer {
            stats.stale = 0;
        }
        answer
    }

    /// Calls in closed are not told apart; nor are those that pass uncounted.
    fn is_single((_, permit): (u64, PermitId)) -> bool {
        permit.is_probe()
    }

    fn words_expected(
        account: &mut Account,
        policy: &BreakerTablePolicy,
        _: [&Self; 2],
        _: u64,
        _: &Op<u64>,
        answer: &Answer<u64>,
    ) -> u64 {
        if policy.breaker().open().jitter() == Jitter::None {
            return 0;
        }
        let is_trip = |made: &Transition| {
            made.from == Phase::Closed && made.to == Phase::Open && made.cause != Cause::Forced
        };
        let mut due = answer.transitions().iter().filter(is_trip).count() as u64;
        if let Answer::Granted { permit, .. } = answer {
            let [generation, tag_and_number] = permit.to_words();
            let phase = [generation, tag_and_number >> 32];
            if permit.is_probe() && !account.probed.contains(&phase) {
                account.probed.push(phase);
                due += 1;
            }
        }
        due
    }

    fn forgettings(table: &Self, now_ns: u64) -> Vec<Op<u64>> {
        let fresh = (0..KEYS).filter(|key| !table.tracks(now_ns, key));
        fresh.map(|key| Op::Forget { key }).collect()
    }

    /// Permits count the stays of all keys, so one that was used is not like a fresh one.
    fn likes_of_fresh(policy: &BreakerTablePolicy) -> Vec<Self> {
        vec![Self::with_hasher(*policy, Salted(1))]
    }
}
