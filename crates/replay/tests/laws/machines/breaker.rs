//! Breaker under the laws.

use evenkeel_core::Refusal;
use evenkeel_core::backoff::Jitter;
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Cause, Mode, Outcome, PermitId, Phase, Receipt, RefusedBy, Refused, Transition, Transitions,
};
use evenkeel_replay::breaker::{Answer, Op};

use crate::harness::{Law, Mover, Progress, Subject};

/// What the count of words has to remember.
#[derive(Default)]
pub(crate) struct Account {
    clock_ns: u64,
    probed: bool,
    ramp_from_ns: Option<u64>,
}

fn moved_refusal(refusal: Refusal<RefusedBy>, mover: &mut Mover) -> Refusal<RefusedBy> {
    Refusal::new(refusal.reason, mover.maybe(refusal.retry_at_ns))
}

/// The transitions with their instants moved.
pub(super) fn moved_transitions(made: Transitions, mover: &mut Mover) -> Option<Transitions> {
    let moved = |made: Transition| {
        let at_ns = mover.surely(made.at_ns)?;
        Some(Transition { at_ns, ..made })
    };
    made.iter().map(moved).collect()
}

/// The receipt with other transitions.
pub(super) fn receipt_with(receipt: Receipt, made: Transitions) -> Receipt {
    match receipt {
        Receipt::Counted(_) => Receipt::Counted(made),
        Receipt::Stale(_) => Receipt::Stale(made),
        _ => Receipt::Released(made),
    }
}

fn set_transitions(answer: &mut Answer, made: Transitions) {
    match answer {
        Answer::Granted { transitions, .. } | Answer::Transitions(transitions) => *transitions = made,
        Answer::Refused(refused) => refused.transitions = made,
        Answer::Receipt(receipt) => *receipt = receipt_with(*receipt, made),
        _ => {}
    }
}

impl Subject for Breaker {
    type Made = Transition;
    type Account = Account;

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one dependency, no keys"),
            _ => None,
        }
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll)
    }

    fn queries() -> Vec<Op> {
        vec![Op::Phase, Op::Peek, Op::Window, Op::Stats]
    }

    fn progress(_: &Self, _: u64, answer: &Answer) -> Progress {
        match answer {
            Answer::Transitions(made) if !made.is_empty() => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer) -> Vec<Transition> {
        let made = answer.transitions().iter().collect();
        set_transitions(answer, Transitions::NONE);
        made
    }

    fn fell_due_ns(answer: &Answer) -> Option<u64> {
        match answer {
            Answer::Transitions(made) => made.iter().next().map(|made| made.at_ns),
            _ => None,
        }
    }

    fn moved(_: &BreakerPolicy, mut answer: Answer, mover: &mut Mover) -> Option<Answer> {
        match &mut answer {
            Answer::Granted { would_refuse, .. } => {
                *would_refuse = would_refuse.map(|refusal| moved_refusal(refusal, mover));
            }
            Answer::Refused(Refused { refusal, .. }) | Answer::Peek(Err(refusal)) => {
                *refusal = moved_refusal(*refusal, mover);
            }
            _ => {}
        }
        let made = moved_transitions(answer.transitions(), mover)?;
        set_transitions(&mut answer, made);
        Some(answer)
    }

    fn moved_op(_: &BreakerPolicy, op: &Op, mover: &mut Mover) -> Option<Op> {
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

    fn is_stale(answer: &Answer) -> bool {
        matches!(answer, Answer::Receipt(Receipt::Stale(_)))
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

    fn words_expected(
        account: &mut Account,
        policy: &BreakerPolicy,
        [before, _]: [&Self; 2],
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
