//! Breaker under the laws.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, BreakerState, BreakerStats, Cause, Health, Mode, Outcome, Permit,
    PermitId, Phase, Receipt, RefusedBy, Transition, Trigger, Window, WindowCounts,
};
use evenkeel_core::{Quantile, Ratio, Refusal, RestoreError};

use crate::harness::{Law, Mover, Pick, Progress, Subject, Words};

pub(crate) enum Breakers {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    TryAcquire,
    Outcome {
        permit: PermitId,
        outcome: Outcome,
        latency_ns: u64,
    },
    Health(Health),
    Poll,
    SetMode(Mode),
    Reset,
    Phase,
    Peek,
    Window,
    Stats,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Granted {
        permit: PermitId,
        would_refuse: Option<Refusal<RefusedBy>>,
        made: Vec<Transition>,
    },
    Refused {
        refusal: Refusal<RefusedBy>,
        made: Vec<Transition>,
    },
    Receipt {
        result: Settled,
        made: Vec<Transition>,
    },
    Made(Vec<Transition>),
    Phase(Phase),
    Peek(Result<(), Refusal<RefusedBy>>),
    Window(WindowCounts),
    Stats(BreakerStats),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Counted,
    Released,
    Stale,
}

/// What the count of words has to remember.
#[derive(Default)]
pub(crate) struct Account {
    clock_ns: u64,
    probed: bool,
    ramp_from_ns: Option<u64>,
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn moved_refusal(refusal: Refusal<RefusedBy>, mover: &mut Mover) -> Refusal<RefusedBy> {
    Refusal::new(refusal.reason, mover.maybe(refusal.retry_at_ns))
}

fn outcome(pick: &mut Pick, now_ns: u64) -> Outcome {
    match pick.below(16) {
        0..=6 => Outcome::Failure,
        7..=12 => Outcome::Success,
        13 => Outcome::Ignored,
        _ => Outcome::Overloaded {
            retry_at_ns: (!pick.one_in(3)).then(|| pick.instant(now_ns)),
        },
    }
}

impl Subject for Breakers {
    const NAME: &'static str = "breaker";

    type Policy = BreakerPolicy;
    type Machine = Breaker;
    type State = BreakerState;
    type Op = Op;
    type Answer = Answer;
    type Made = Transition;
    type Id = PermitId;
    type Account = Account;

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one dependency, no keys"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, BreakerPolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let equal = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let decorrelated = equal.jitter(Jitter::Decorrelated);
        let longest = BackoffPolicy::builder(ns(1 << 62)).jitter(Jitter::Full);
        let half = Ratio::percent(50);
        let twice = Trigger::Consecutive { failures: 2 };
        let rate = Trigger::FailureRate { at_least: half, min_calls: 3 };
        let slow = Trigger::SlowRate { slower_than: ns(50), at_least: half, min_calls: 2 };
        let latency = Trigger::Latency { quantile: Quantile::P50, above: ns(9), min_calls: 2 };
        let span = |span, slices| Window::Time { span: ns(span), slices };
        let calls = |calls| Window::Count { calls };
        let all = [
            ("consecutive", BreakerPolicy::builder(plain, ns(50)).trigger(twice)),
            (
                "rate of 4, three probes, ramp",
                BreakerPolicy::builder(equal, ns(300)).trigger(rate).window(calls(4))
                    .max_in_flight(3).trials(5).successes(3).ramp(ns(500)).calm_after(ns(900)),
            ),
            (
                "slow in slices, healthy",
                BreakerPolicy::builder(decorrelated, ns(70)).trigger(slow).trigger(twice)
                    .window(span(80, 8)).until_healthy(true).trials(2).max_in_flight(2),
            ),
            (
                "latency in slices",
                BreakerPolicy::builder(equal, ns(1)).trigger(latency).window(span(1_000, 4))
                    .trials(3).successes(1).max_in_flight(2).advisory_cap(ns(5_000)),
            ),
            (
                "the longest",
                BreakerPolicy::builder(longest, ns(1 << 62)).trigger(rate).trigger(latency)
                    .window(calls(3)).calm_after(ns(1)).ramp(ns(1 << 62)),
            ),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name))).into()
    }

    fn grid_ns(policy: &BreakerPolicy) -> u64 {
        match policy.window() {
            Some(Window::Time { span, slices }) => span.as_nanos() as u64 / u64::from(slices),
            _ => 1,
        }
    }

    fn spans_ns(policy: &BreakerPolicy) -> Vec<u64> {
        let mut spans = vec![policy.open().base(), policy.probe_timeout()];
        spans.extend(policy.ramp());
        spans.extend(policy.calm_after());
        let mut spans: Vec<u64> = spans.iter().map(|span| span.as_nanos() as u64).collect();
        spans.push(Self::grid_ns(policy));
        spans
    }

    fn fresh(policy: &BreakerPolicy, _: u64) -> Breaker {
        Breaker::tagged(*policy, 9)
    }

    fn state(breaker: &Breaker) -> BreakerState {
        breaker.state()
    }

    fn restore(policy: &BreakerPolicy, state: BreakerState) -> Result<Breaker, RestoreError> {
        Breaker::restore(*policy, state)
    }

    fn next_deadline_ns(breaker: &Breaker) -> Option<u64> {
        breaker.next_deadline_ns()
    }

    fn apply(breaker: &mut Breaker, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match *op {
            Op::TryAcquire => match breaker.try_acquire(now_ns, words) {
                Ok(grant) => Answer::Granted {
                    permit: grant.permit.id(),
                    would_refuse: grant.would_refuse,
                    made: grant.transitions.iter().collect(),
                },
                Err(refused) => Answer::Refused {
                    refusal: refused.refusal,
                    made: refused.transitions.iter().collect(),
                },
            },
            Op::Outcome {
                permit,
                outcome,
                latency_ns,
            } => {
                let permit = Permit::from_id(permit);
                let receipt = breaker.on_outcome(now_ns, permit, outcome, latency_ns, words);
                let result = match receipt {
                    Receipt::Counted(_) => Settled::Counted,
                    Receipt::Stale(_) => Settled::Stale,
                    _ => Settled::Released,
                };
                Answer::Receipt {
                    result,
                    made: receipt.transitions().iter().collect(),
                }
            }
            Op::Health(health) => Answer::Made(breaker.on_health(now_ns, health).iter().collect()),
            Op::Poll => Answer::Made(breaker.poll(now_ns).iter().collect()),
            Op::SetMode(mode) => Answer::Made(breaker.set_mode(now_ns, mode).iter().collect()),
            Op::Reset => Answer::Made(breaker.reset(now_ns).iter().collect()),
            Op::Phase => Answer::Phase(breaker.phase(now_ns)),
            Op::Peek => Answer::Peek(breaker.peek(now_ns)),
            Op::Window => Answer::Window(breaker.window(now_ns)),
            Op::Stats => Answer::Stats(breaker.stats(now_ns)),
        }
    }

    fn generate(_: &BreakerPolicy, pick: &mut Pick, now_ns: u64, ids: &[PermitId]) -> Op {
        match pick.below(40) {
            0..=16 => Op::TryAcquire,
            17 | 18 => Op::Poll,
            19..=21 => Op::Health(pick.of(&[Health::Up, Health::Up, Health::Down])),
            22 => Op::SetMode(pick.of(&[
                Mode::Normal,
                Mode::Observe,
                Mode::ForcedOpen,
                Mode::ForcedClosed,
            ])),
            23 => Op::SetMode(Mode::Normal),
            24 if pick.one_in(2) => Op::Reset,
            _ => match pick.recent(ids) {
                Some(permit) => Op::Outcome {
                    permit,
                    outcome: outcome(pick, now_ns),
                    latency_ns: pick.value(),
                },
                None => Op::TryAcquire,
            },
        }
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll)
    }

    fn queries() -> Vec<Op> {
        vec![Op::Phase, Op::Peek, Op::Window, Op::Stats]
    }

    fn progress(_: &Self::Machine, _: u64, answer: &Answer) -> Progress {
        match answer {
            Answer::Made(made) if !made.is_empty() => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer) -> Vec<Transition> {
        match answer {
            Answer::Granted { made, .. }
            | Answer::Refused { made, .. }
            | Answer::Receipt { made, .. }
            | Answer::Made(made) => core::mem::take(made),
            _ => Vec::new(),
        }
    }

    fn fell_due_ns(answer: &Answer) -> Option<u64> {
        match answer {
            Answer::Made(made) => made.first().map(|made| made.at_ns),
            _ => None,
        }
    }

    fn moved(_: &BreakerPolicy, mut answer: Answer, mover: &mut Mover) -> Option<Answer> {
        match &mut answer {
            Answer::Granted { would_refuse, .. } => {
                *would_refuse = would_refuse.map(|refusal| moved_refusal(refusal, mover));
            }
            Answer::Refused { refusal, .. } | Answer::Peek(Err(refusal)) => {
                *refusal = moved_refusal(*refusal, mover);
            }
            _ => {}
        }
        match &mut answer {
            Answer::Granted { made, .. }
            | Answer::Refused { made, .. }
            | Answer::Receipt { made, .. }
            | Answer::Made(made) => {
                for made in made {
                    made.at_ns = mover.surely(made.at_ns)?;
                }
            }
            _ => {}
        }
        Some(answer)
    }

    fn moved_op(_: &BreakerPolicy, op: &Op, mover: &mut Mover) -> Option<Op> {
        let mut op = op.clone();
        if let Op::Outcome {
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

    fn given(_: &Op, answer: &Answer) -> Vec<PermitId> {
        match answer {
            Answer::Granted { permit, .. } => vec![*permit],
            _ => Vec::new(),
        }
    }

    fn reported(op: &Op) -> Option<PermitId> {
        match op {
            Op::Outcome { permit, .. } => Some(*permit),
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

    fn without_stale_count(answer: Answer) -> Answer {
        match answer {
            Answer::Stats(mut stats) => {
                stats.stale = 0;
                Answer::Stats(stats)
            }
            other => other,
        }
    }

    /// Calls in closed are not told apart; nor are those that pass uncounted.
    fn is_single(id: PermitId) -> bool {
        id.is_probe()
    }

    fn report(permit: PermitId, pick: &mut Pick) -> Option<Op> {
        Some(Op::Outcome {
            permit,
            outcome: outcome(pick, 0),
            latency_ns: pick.value(),
        })
    }

    /// Of another breaker, or a probe that has not gone out.
    fn foreign(pick: &mut Pick, given: &[PermitId]) -> Option<PermitId> {
        let [generation, tag_and_number] = pick.recent(given)?.to_words();
        Some(PermitId::from_words(match pick.below(3) {
            0 => [generation + 1_000, tag_and_number],
            1 => [generation, tag_and_number.wrapping_add(1 << 32)],
            _ => [generation, tag_and_number | 1 << 30],
        }))
    }

    fn words_expected(
        account: &mut Account,
        policy: &BreakerPolicy,
        [before, _]: [&Breaker; 2],
        now_ns: u64,
        op: &Op,
        answer: &Answer,
    ) -> u64 {
        account.clock_ns = account.clock_ns.max(now_ns);
        let jitter = u64::from(policy.open().jitter() != Jitter::None);
        let ramp_ns = policy.ramp().map_or(0, |ramp| ramp.as_nanos() as u64);
        let follows_time = matches!(before.mode(), Mode::Normal | Mode::Observe);
        let on_ramp = account
            .ramp_from_ns
            .is_some_and(|from_ns| account.clock_ns - from_ns < ramp_ns);
        let mut due = u64::from(on_ramp && follows_time && matches!(op, Op::TryAcquire));
        for made in Self::take_made(&mut answer.clone()) {
            if made.from == Phase::Closed && made.to == Phase::Open && made.cause != Cause::Forced {
                due += jitter;
            }
            account.probed = false;
            account.ramp_from_ns = (made.cause == Cause::TrialsPassed).then_some(made.at_ns);
        }
        if let Answer::Granted { permit, .. } = answer {
            if permit.is_probe() && !account.probed {
                account.probed = true;
                due += jitter;
            }
        }
        due
    }
}
