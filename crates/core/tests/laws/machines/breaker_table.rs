//! BreakerTable under the laws.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    BreakerPolicy, Cause, Health, Mode, Outcome, Permit, PermitId, Phase, Receipt,
    RefusedBy, Transition, Transitions, Trigger, Window,
};
use evenkeel_core::table::{
    BreakerTable, BreakerTablePolicy, BreakerTableState,
};
use evenkeel_core::{Ratio, Refusal, RestoreError};

use super::breaker_table_calls::{Answer, Op, Settled};
use crate::harness::{Law, Mover, NoReport, Pick, Progress, Salted, Subject, Words};

/// Some more than there is room for.
const KEYS: u64 = 5;
/// A key that is never asked for.
const STRANGER: u64 = 1_000;

pub(crate) enum BreakerTables {}

/// What the count of words has to remember: the half-open phases whose first probe has gone out, by tag and generation.
#[derive(Default)]
pub(crate) struct Account {
    probed: Vec<[u64; 2]>,
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn all(made: Transitions) -> Vec<Transition> {
    made.iter().collect()
}

fn outcome(pick: &mut Pick, now_ns: u64) -> Outcome {
    match pick.below(16) {
        0..=7 => Outcome::Failure,
        8..=12 => Outcome::Success,
        13 => Outcome::Ignored,
        _ => Outcome::Overloaded {
            retry_at_ns: (!pick.one_in(3)).then(|| pick.instant(now_ns)),
        },
    }
}

fn made_of(answer: &mut Answer) -> Option<&mut Vec<Transition>> {
    match answer {
        Answer::Granted { made, .. }
        | Answer::Refused { made, .. }
        | Answer::Receipt { made, .. }
        | Answer::Told { made, .. }
        | Answer::Set(Ok(made))
        | Answer::Reset(made)
        | Answer::Due(Some((_, made))) => Some(made),
        _ => None,
    }
}

fn moved_refusal(refusal: Refusal<RefusedBy>, mover: &mut Mover) -> Refusal<RefusedBy> {
    Refusal::new(refusal.reason, mover.maybe(refusal.retry_at_ns))
}

fn look(table: &BreakerTable<u64, Salted>, now_ns: u64, op: &Op) -> Answer {
    match op {
        Op::Phase { key } => Answer::Phase(table.phase(now_ns, key)),
        Op::Peek { key } => {
            let peeked = table.peek(now_ns, key);
            Answer::Peeked(peeked.map_err(|no| (no.answer, no.by)))
        }
        Op::Tracks { key } => Answer::Tracks(table.tracks(now_ns, key)),
        Op::StatsOf { key } => Answer::StatsOf(table.stats_of(now_ns, key)),
        Op::OverflowPhase => Answer::Phase(table.overflow_phase(now_ns)),
        Op::Iter => Answer::All(table.iter().map(|(key, phase)| (*key, phase)).collect()),
        _ => Answer::Stats(table.stats(now_ns)),
    }
}

impl Subject for BreakerTables {
    const NAME: &'static str = "breaker_table";
    const AT_ONCE: u32 = 2 * KEYS as u32 + 4;

    type Policy = BreakerTablePolicy;
    type Machine = BreakerTable<u64, Salted>;
    type State = BreakerTableState<u64>;
    type Op = Op;
    type Answer = Answer;
    /// Which breaker's transitions are told first depends on who is asked first, and those of a key that is forgotten
    /// are not told: they are left out where lazy and eager are compared.
    type Made = NoReport;
    type Id = (u64, PermitId);
    type Account = Account;

    fn not_applicable(_: Law) -> Option<&'static str> {
        None
    }

    fn policies() -> Vec<(&'static str, BreakerTablePolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let equal = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let longest = BackoffPolicy::builder(ns(1 << 60));
        let once = Trigger::Consecutive { failures: 1 };
        let twice = Trigger::Consecutive { failures: 2 };
        let rate = Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 2,
        };
        let window = Window::Time {
            span: ns(80),
            slices: 8,
        };
        let breakers = [
            BreakerPolicy::builder(plain, ns(50)).trigger(once),
            BreakerPolicy::builder(equal, ns(60))
                .trigger(twice)
                .max_in_flight(2)
                .trials(3),
            BreakerPolicy::builder(equal, ns(30))
                .trigger(rate)
                .window(window)
                .until_healthy(true)
                .calm_after(ns(300)),
            BreakerPolicy::builder(longest, ns(1 << 60)).trigger(once),
        ];
        let [plain, equal, slices, longest] =
            breakers.map(|breaker| breaker.build().expect("a breaker"));
        let of = |breaker, keys, forget| BreakerTablePolicy::builder(breaker, keys, ns(forget));
        let all = [
            ("three keys", of(plain, 3, 400)),
            ("one key", of(equal, 1, 60)),
            ("slices, all keys", of(slices, 16, 90)),
            ("the longest", of(longest, 2, 1 << 62)),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name)))
            .into()
    }

    fn grid_ns(policy: &BreakerTablePolicy) -> u64 {
        match policy.breaker().window() {
            Some(Window::Time { span, slices }) => span.as_nanos() as u64 / u64::from(slices),
            _ => 1,
        }
    }

    fn spans_ns(policy: &BreakerTablePolicy) -> Vec<u64> {
        let breaker = policy.breaker();
        let spans = [
            breaker.open().base(),
            breaker.probe_timeout(),
            policy.forget_after(),
        ];
        spans.iter().map(|span| span.as_nanos() as u64).collect()
    }

    fn fresh(policy: &BreakerTablePolicy, _: u64) -> Self::Machine {
        BreakerTable::with_hasher(*policy, Salted(0))
    }

    fn state(table: &Self::Machine) -> Self::State {
        table.state()
    }

    fn restore(
        policy: &BreakerTablePolicy,
        state: Self::State,
    ) -> Result<Self::Machine, RestoreError> {
        BreakerTable::restore_with_hasher(*policy, state, None, Salted(77))
    }

    fn next_deadline_ns(table: &Self::Machine) -> Option<u64> {
        table.next_deadline_ns()
    }

    fn apply(table: &mut Self::Machine, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match op {
            Op::TryAcquire { key } => match table.try_acquire(now_ns, key, words) {
                Ok(granted) => Answer::Granted {
                    permit: granted.answer.permit.id(),
                    would_refuse: granted.answer.would_refuse,
                    made: all(granted.answer.transitions),
                    by: granted.by,
                },
                Err(refused) => Answer::Refused {
                    refusal: refused.answer.refusal,
                    made: all(refused.answer.transitions),
                    by: refused.by,
                },
            },
            Op::Outcome {
                key,
                permit,
                outcome,
                latency_ns,
            } => {
                let permit = Permit::from_id(*permit);
                let told = table.on_outcome(now_ns, key, permit, *outcome, *latency_ns, words);
                let result = match told.answer {
                    Receipt::Counted(_) => Settled::Counted,
                    Receipt::Stale(_) => Settled::Stale,
                    _ => Settled::Released,
                };
                Answer::Receipt {
                    result,
                    made: all(told.answer.transitions()),
                    by: told.by,
                }
            }
            Op::Health { key, health } => {
                let told = table.on_health(now_ns, key, *health);
                Answer::Told {
                    made: all(told.answer),
                    by: told.by,
                }
            }
            Op::SetMode { key, mode } => Answer::Set(table.set_mode(now_ns, key, *mode).map(all)),
            Op::Reset { key } => Answer::Reset(all(table.reset(now_ns, key))),
            Op::Forget { key } => Answer::Forgotten(table.forget(now_ns, key)),
            Op::Poll => {
                let due = table.poll(now_ns);
                Answer::Due(due.map(|due| (due.key.copied(), all(due.transitions))))
            }
            query => look(table, now_ns, query),
        }
    }

    fn generate(
        _: &BreakerTablePolicy,
        pick: &mut Pick,
        now_ns: u64,
        ids: &[(u64, PermitId)],
    ) -> Op {
        let key = pick.below(KEYS);
        let modes = [
            Mode::Normal,
            Mode::Observe,
            Mode::ForcedOpen,
            Mode::ForcedClosed,
        ];
        match pick.below(48) {
            0..=20 => Op::TryAcquire { key },
            21 | 22 => Op::Poll,
            23 | 24 => Op::Health {
                key,
                health: pick.of(&[Health::Up, Health::Up, Health::Down]),
            },
            25 => Op::SetMode {
                key,
                mode: pick.of(&modes),
            },
            26 => Op::SetMode {
                key,
                mode: Mode::Normal,
            },
            27 => Op::Reset { key },
            28 => Op::Forget { key },
            _ => match pick.recent(ids) {
                Some((key, permit)) => Op::Outcome {
                    key,
                    permit,
                    outcome: outcome(pick, now_ns),
                    latency_ns: pick.value(),
                },
                None => Op::TryAcquire { key },
            },
        }
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll)
    }

    fn passes_time() -> Option<Op> {
        Some(Op::Forget { key: STRANGER })
    }

    fn queries() -> Vec<Op> {
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

    fn settled_queries() -> Vec<Op> {
        let mut queries = Self::queries();
        queries.push(Op::Iter);
        queries
    }

    fn progress(_: &Self::Machine, _: u64, answer: &Answer) -> Progress {
        match answer {
            Answer::Due(Some(_)) => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer) -> Vec<NoReport> {
        if let Some(made) = made_of(answer) {
            made.clear();
        }
        Vec::new()
    }

    fn fell_due_ns(answer: &Answer) -> Option<u64> {
        match answer {
            Answer::Due(Some((_, made))) => made.first().map(|made| made.at_ns),
            _ => None,
        }
    }

    fn moved(_: &BreakerTablePolicy, mut answer: Answer, mover: &mut Mover) -> Option<Answer> {
        for made in made_of(&mut answer).into_iter().flatten() {
            made.at_ns = mover.surely(made.at_ns)?;
        }
        match &mut answer {
            Answer::Granted { would_refuse, .. } => {
                *would_refuse = would_refuse.map(|refusal| moved_refusal(refusal, mover));
            }
            Answer::Refused { refusal, .. } | Answer::Peeked(Err((refusal, _))) => {
                *refusal = moved_refusal(*refusal, mover);
            }
            Answer::Set(Err(full)) => full.held_until_ns = mover.maybe(full.held_until_ns),
            _ => {}
        }
        Some(answer)
    }

    fn moved_op(_: &BreakerTablePolicy, op: &Op, mover: &mut Mover) -> Option<Op> {
        let mut op = op.clone();
        if let Op::Outcome {
            outcome:
                Outcome::Overloaded {
                    retry_at_ns: Some(at_ns),
                },
            ..
        } = &mut op
        {
            *at_ns = mover.surely(*at_ns)?;
        }
        Some(op)
    }

    fn given(op: &Op, answer: &Answer) -> Vec<(u64, PermitId)> {
        match (op, answer) {
            (Op::TryAcquire { key }, Answer::Granted { permit, .. }) => vec![(*key, *permit)],
            _ => Vec::new(),
        }
    }

    fn reported(op: &Op) -> Option<(u64, PermitId)> {
        match op {
            Op::Outcome { key, permit, .. } => Some((*key, *permit)),
            _ => None,
        }
    }

    fn is_stale(answer: &Answer) -> bool {
        matches!(
            answer,
            Answer::Receipt {
                result: Settled::Stale,
                ..
            }
        )
    }

    fn without_stale_count(mut answer: Answer) -> Answer {
        if let Answer::Stats(stats) | Answer::StatsOf(Some(stats)) = &mut answer {
            stats.stale = 0;
        }
        answer
    }

    /// Calls in closed are not told apart; nor are those that pass uncounted.
    fn is_single((_, permit): (u64, PermitId)) -> bool {
        permit.is_probe()
    }

    fn report((key, permit): (u64, PermitId), pick: &mut Pick) -> Option<Op> {
        Some(Op::Outcome {
            key,
            permit,
            outcome: outcome(pick, 0),
            latency_ns: pick.value(),
        })
    }

    /// Of another generation or tag, or a probe that has not gone out.
    fn foreign(pick: &mut Pick, given: &[(u64, PermitId)]) -> Option<(u64, PermitId)> {
        let (key, permit) = pick.recent(given)?;
        let [generation, tag_and_number] = permit.to_words();
        let words = match pick.below(3) {
            0 => [generation + 1_000, tag_and_number],
            1 => [generation, tag_and_number.wrapping_add(99 << 32)],
            _ => [generation, tag_and_number | 1 << 30],
        };
        Some((key, PermitId::from_words(words)))
    }

    fn words_expected(
        account: &mut Account,
        policy: &BreakerTablePolicy,
        _: [&Self::Machine; 2],
        _: u64,
        _: &Op,
        answer: &Answer,
    ) -> u64 {
        if policy.breaker().open().jitter() == Jitter::None {
            return 0;
        }
        let mut answer = answer.clone();
        let is_trip = |made: &&mut Transition| {
            made.from == Phase::Closed && made.to == Phase::Open && made.cause != Cause::Forced
        };
        let trips = made_of(&mut answer).into_iter().flatten().filter(is_trip);
        let mut due = trips.count() as u64;
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

    fn forgettings(table: &Self::Machine, now_ns: u64) -> Vec<Op> {
        let fresh = (0..KEYS).filter(|key| !table.tracks(now_ns, key));
        fresh.map(|key| Op::Forget { key }).collect()
    }

    /// Permits count the stays of all keys, so one that was used is not like a fresh one.
    fn likes_of_fresh(policy: &BreakerTablePolicy) -> Vec<Self::Machine> {
        vec![BreakerTable::with_hasher(*policy, Salted(1))]
    }
}
