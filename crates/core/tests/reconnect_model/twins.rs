//! One machine beside another: polled and not polled (L5), now and later (L7), before and after a process ends.

use core::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::reconnect::{
    LinkAction, LinkEvent, LinkPhase, LinkStatus, Reconnect, ReconnectPolicy,
};
use evenkeel_core::{Rebase, Reported};
use proptest::prelude::*;

use crate::naive::{Answer, Op};
use crate::pair::{Pair, apply};
use crate::policies::policy;
use crate::random::{Step, small_steps, steps};

const SHIFT_NS: u64 = 1 << 56;

const fn later(at_ns: u64) -> u64 {
    at_ns.saturating_add(SHIFT_NS)
}

fn later_op(op: Op) -> Op {
    match op {
        Op::Event(link, LinkEvent::Refused(Advice::RetryAt { at_ns })) => {
            let at_ns = later(at_ns);
            Op::Event(link, LinkEvent::Refused(Advice::RetryAt { at_ns }))
        }
        op => op,
    }
}

fn later_answer(answer: Answer) -> Answer {
    match answer {
        Answer::Sooner(at_ns) => Answer::Sooner(at_ns.map(later)),
        Answer::Action(action) => Answer::Action(match action {
            LinkAction::WaitUntil { at_ns } => LinkAction::WaitUntil {
                at_ns: later(at_ns),
            },
            LinkAction::Abandon {
                link,
                reason,
                at_ns,
            } => LinkAction::Abandon {
                link,
                reason,
                at_ns: later(at_ns),
            },
            LinkAction::Connecting {
                link,
                timeout_at_ns,
            } => LinkAction::Connecting {
                link,
                timeout_at_ns: timeout_at_ns.map(later),
            },
            LinkAction::Connect {
                link,
                timeout_at_ns,
            } => LinkAction::Connect {
                link,
                timeout_at_ns: timeout_at_ns.map(later),
            },
            LinkAction::Connected { link, silent_at_ns } => LinkAction::Connected {
                link,
                silent_at_ns: silent_at_ns.map(later),
            },
            action => action,
        }),
        answer => answer,
    }
}

fn later_status(mut status: LinkStatus) -> LinkStatus {
    match &mut status.phase {
        LinkPhase::Waiting { until_ns } => *until_ns = later(*until_ns),
        LinkPhase::Connecting { timeout_at_ns, .. } => *timeout_at_ns = timeout_at_ns.map(later),
        _ => {}
    }
    status.last_heard_ns = status.last_heard_ns.map(later);
    status
}

/// A poll that hands out nothing to do but what is already over.
fn eager_poll(pair: &mut Pair, now_ns: u64) -> Option<LinkAction> {
    let due = pair.machine.status(now_ns).phase == LinkPhase::Due;
    let mut told = None;
    if let LinkAction::Abandon { .. } = peeked(pair, now_ns) {
        let answer = pair.step(now_ns, Op::Poll, 1);
        let Answer::Action(action) = answer else {
            unreachable!("a poll")
        };
        told = Some(action);
    } else if !due {
        let _ = pair.step(now_ns, Op::Poll, 1);
    }
    told
}

fn peeked(pair: &Pair, now_ns: u64) -> LinkAction {
    let (answer, _) = apply(&mut pair.machine.clone(), now_ns, Op::Poll, 1);
    let Answer::Action(action) = answer else {
        unreachable!("a poll")
    };
    action
}

/// L5: one is polled before every call, as far as that begins no try; the other only where the input says so.
fn lazy_is_eager(mut lazy: Pair, steps: Vec<Step>) {
    let mut eager = lazy.clone();
    let mut told = None;
    for (when, call, word) in steps {
        let (now_ns, op) = (when.at(&lazy), call.op(&lazy));
        if let Some(action) = eager_poll(&mut eager, now_ns) {
            assert_eq!(told, None, "a link is given up once");
            told = Some(action);
        }
        let mut answer = lazy.step(now_ns, op, word);
        if let (Op::Poll, Answer::Action(LinkAction::Abandon { .. })) = (op, answer) {
            // The eager one was told before; after that both say the same.
            assert_eq!(answer, Answer::Action(told.take().expect("told before")));
            answer = lazy.step(now_ns, op, word);
        }
        if let (Op::Stop, Some(LinkAction::Abandon { link, .. })) = (op, told) {
            assert_eq!(answer, Answer::Close(Some(link)), "the report that was due");
            told = None;
            answer = Answer::Close(None);
        }
        assert_eq!(
            eager.step(now_ns, op, word),
            answer,
            "L5: {op:?} at {now_ns}"
        );
        assert_eq!(
            eager.machine.status(now_ns),
            lazy.machine.status(now_ns),
            "L5"
        );
    }
}

fn shifted_by_a_constant(mut pair: Pair, steps: Vec<Step>) {
    let mut shifted = Reconnect::new(*pair.machine.policy());
    // From an instant so late that no step of the input goes back to before 0.
    let link = pair.naive.newest();
    let _ = pair.step(1 << 20, Op::Frame(link), 0);
    let _ = apply(&mut shifted, later(1 << 20), Op::Frame(link), 0);
    for (when, call, word) in steps {
        let (now_ns, op) = (when.at(&pair), call.op(&pair));
        let answer = pair.step(now_ns, op, word);
        let (there, _) = apply(&mut shifted, later(now_ns), later_op(op), word);
        assert_eq!(there, later_answer(answer), "L7: {op:?} at {now_ns}");
        let deadline_ns = pair.machine.next_deadline_ns().map(later);
        assert_eq!(shifted.next_deadline_ns(), deadline_ns, "L7");
        let status = later_status(pair.machine.status(now_ns));
        assert_eq!(shifted.status(later(now_ns)), status, "L7");
    }
}

/// Of the spans that a policy may have only those that keep away from the end of time.
fn is_moderate(policy: &ReconnectPolicy) -> bool {
    let far = Duration::from_nanos(1 << 50);
    let backoff = policy.backoff();
    let spans = [
        backoff.cap().unwrap_or(Duration::MAX),
        policy.connect_timeout(),
        policy.silence_limit().unwrap_or_default(),
        policy.kick_within(),
        policy.advisory_cap(),
    ];
    spans.iter().all(|span| *span < far) && backoff.base() < far
}

fn rebased(pair: &Pair, rebase: Rebase) {
    let machine = &pair.machine;
    let policy = *machine.policy();
    let moved = Reconnect::restore_rebased(policy, machine.state(), rebase).expect("its own state");
    let again = Reconnect::restore(policy, moved.state());
    assert_eq!(
        again.as_ref(),
        Ok(&moved),
        "a rebased state passes the check"
    );
    let status = moved.status(rebase.now_ns);
    assert!(
        !matches!(
            status.phase,
            LinkPhase::Connecting { .. } | LinkPhase::Connected { .. }
        ),
        "{status:?}: its process is gone"
    );
    assert!(
        status
            .last_heard_ns
            .is_none_or(|at_ns| at_ns <= rebase.now_ns)
    );
    let link = pair.naive.newest();
    let (stale, _) = apply(&mut moved.clone(), rebase.now_ns, Op::Frame(link), 0);
    assert_eq!(stale, Answer::Reported(Reported::Stale));
    // The wait goes on: what it had left, less the time away.
    let taken_at_ns = rebase.taken_at_ns.max(pair.naive.latest_ns);
    if let LinkPhase::Waiting { until_ns } = machine.status(taken_at_ns).phase {
        let away_ns = rebase.away.as_nanos();
        let left_ns = u128::from(until_ns - taken_at_ns).saturating_sub(away_ns);
        let phase = moved.status(rebase.now_ns).phase;
        match u64::try_from(u128::from(rebase.now_ns) + left_ns) {
            Ok(until_ns) if left_ns > 0 => assert_eq!(phase, LinkPhase::Waiting { until_ns }),
            Ok(_) => assert_eq!(phase, LinkPhase::Due),
            Err(_) => assert!(matches!(phase, LinkPhase::GaveUp { .. })),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lazy_equals_eager(policy in policy(), steps in steps()) {
        lazy_is_eager(Pair::new(policy), steps);
    }

    #[test]
    fn a_constant_shift_of_time_shifts_all(
        policy in policy().prop_filter("moderate", is_moderate),
        steps in small_steps(),
    ) {
        shifted_by_a_constant(Pair::new(policy), steps);
    }

    #[test]
    fn another_process_takes_it_over(
        policy in policy(),
        steps in steps(),
        ahead in 0..200_u64,
        there_ns in prop_oneof![Just(0), 0..1000_u64, any::<u64>()],
        away in prop_oneof![Just(0), 0..300_u64, any::<u64>()],
    ) {
        let mut pair = Pair::new(policy);
        for (when, call, word) in steps {
            let (now_ns, op) = (when.at(&pair), call.op(&pair));
            let _ = pair.step(now_ns, op, word);
            for taken_at_ns in [pair.naive.latest_ns.saturating_add(ahead), 0] {
                let away = Duration::from_nanos(away);
                rebased(&pair, Rebase { taken_at_ns, now_ns: there_ns, away });
            }
        }
    }
}
