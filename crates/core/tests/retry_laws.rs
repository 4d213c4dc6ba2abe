//! The laws that every machine keeps, for the retry: what polls, stale ids, clocks and stored states may not change.

#[path = "retry_common/mod.rs"]
mod retry_common;

use core::time::Duration;

use evenkeel_core::Rebase;
use evenkeel_core::retry::{AttemptId, AttemptOutcome, Parts, Retry, RetryAction, RetryState};
use proptest::prelude::*;

use retry_common::moves::{Jump, Move, NAMED_NS, a_move, plan};
use retry_common::plan::Plan;
use retry_common::reference::{Answer, Call};
use retry_common::script::Heard;
use retry_common::words::Words;
use retry_common::world::World;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec(a_move(), 1..30)
}

fn world(plan: &Plan, now: u64) -> World {
    World::new(plan, plan.policy().expect("filtered"), now)
}

/// What happened, with every instant moved.
fn moved(heard: &[Heard], by: u64) -> Vec<String> {
    heard
        .iter()
        .map(|heard| format!("{:?}", shift(*heard, by)))
        .collect()
}

fn shift(heard: Heard, by: u64) -> Heard {
    use evenkeel_core::breaker::Outcome;
    match heard {
        Heard::Asked { now_ns, agreed } => Heard::Asked {
            now_ns: now_ns + by,
            agreed,
        },
        Heard::Told {
            now_ns,
            outcome,
            latency_ns,
        } => Heard::Told {
            now_ns: now_ns + by,
            outcome: match outcome {
                Outcome::Overloaded {
                    retry_at_ns: Some(at_ns),
                } if at_ns != NAMED_NS => Outcome::Overloaded {
                    retry_at_ns: Some(at_ns + by),
                },
                outcome => outcome,
            },
            latency_ns,
        },
        Heard::Request { now_ns } => Heard::Request {
            now_ns: now_ns + by,
        },
        Heard::Withdraw {
            now_ns,
            cause,
            paid,
        } => Heard::Withdraw {
            now_ns: now_ns + by,
            cause,
            paid,
        },
        Heard::GaveBack { now_ns, paid } => Heard::GaveBack {
            now_ns: now_ns + by,
            paid,
        },
        Heard::Success { now_ns, paid } => Heard::Success {
            now_ns: now_ns + by,
            paid,
        },
    }
}

fn shift_action(action: RetryAction, by: u64) -> RetryAction {
    use evenkeel_core::retry::End;
    match action {
        RetryAction::Attempt {
            attempt,
            number,
            timeout_at_ns,
            would_refuse,
        } => RetryAction::Attempt {
            attempt,
            number,
            timeout_at_ns: timeout_at_ns.map(|at_ns| at_ns + by),
            would_refuse,
        },
        RetryAction::Abandon {
            attempt,
            reason,
            at_ns,
        } => RetryAction::Abandon {
            attempt,
            reason,
            at_ns: at_ns + by,
        },
        RetryAction::InFlight {
            attempt,
            timeout_at_ns,
        } => RetryAction::InFlight {
            attempt,
            timeout_at_ns: timeout_at_ns.map(|at_ns| at_ns + by),
        },
        RetryAction::WaitUntil { at_ns } => RetryAction::WaitUntil { at_ns: at_ns + by },
        RetryAction::Done {
            end: End::BudgetSpent { retry_at_ns },
        } => RetryAction::Done {
            end: End::BudgetSpent {
                retry_at_ns: retry_at_ns.map(|at_ns| at_ns + by),
            },
        },
        RetryAction::Done {
            end:
                End::BreakerOpen {
                    reason,
                    retry_at_ns,
                },
        } => RetryAction::Done {
            end: End::BreakerOpen {
                reason,
                retry_at_ns: retry_at_ns.map(|at_ns| at_ns + by),
            },
        },
        action => action,
    }
}

/// Nothing to do yet.
const fn is_calm(action: RetryAction) -> bool {
    matches!(
        action,
        RetryAction::InFlight { .. } | RetryAction::WaitUntil { .. }
    )
}

/// The state without what only a poll takes out: that an attempt is still to be abandoned.
fn reported(world: &mut World, now: u64) -> RetryState {
    let mut polled = world.retry.clone();
    let step = polled.poll(now, &mut Parts::none(), &mut Words::of(1));
    if let RetryAction::Abandon { .. } = step.action {
        if world.retry.in_flight().is_none() {
            world.retry = polled;
        }
    }
    world.retry.state()
}

proptest! {
    #![proptest_config(config(800))]

    /// L3, L4: before the deadline a poll changes nothing but the time memory; at it there is something new.
    #[test]
    fn a_poll_before_the_deadline_changes_nothing_and_one_at_it_does(
        plan in plan(), started in 0_u64..1_000, moves in moves(),
    ) {
        let mut world = world(&plan, started);
        let mut now = started;
        for (jump, deed) in moves {
            now = jump.to(now, world.retry.next_deadline_ns()).max(now);
            let _ = world.call(now, deed.call(now, world.retry.attempts()));
            let heard = world.log.lock().expect("one thread").len();
            match world.retry.next_deadline_ns() {
                Some(due) if due > now => {
                    let (early, mut calm) = (due - 1, world.retry.clone());
                    let step = calm.poll(early, &mut Parts::none(), &mut Words::of(1));
                    prop_assert!(is_calm(step.action));
                    let mut later = world.retry.clone();
                    let _ = later.on_outcome(
                        early,
                        AttemptId::from_word(u64::MAX),
                        AttemptOutcome::Success,
                        &mut Parts::none(),
                        &mut Words::of(1),
                    );
                    prop_assert_eq!(later.state(), calm.state());
                    let mut at_it = world.retry.clone();
                    let step = at_it.poll(due, &mut Parts::none(), &mut Words::of(1));
                    prop_assert!(!is_calm(step.action), "{:?}", step.action);
                }
                Some(_) => {}
                None => {
                    let before = world.retry.clone();
                    let answer = world.call(now, Call::Poll);
                    let quiet = matches!(
                        answer,
                        Answer::Action(RetryAction::InFlight { .. } | RetryAction::Done { .. })
                    );
                    prop_assert!(quiet);
                    prop_assert_eq!(&before, &world.retry);
                }
            }
            prop_assert!(world.log.lock().expect("one thread").len() >= heard);
        }
    }

    /// L5: who polls at the deadline of an attempt that is out, and again before each report, learns nothing else.
    #[test]
    fn polls_that_are_left_out_change_no_later_answer(
        plan in plan(), started in 0_u64..1_000, moves in moves(),
    ) {
        let (mut lazy, mut eager) = (world(&plan, started), world(&plan, started));
        let mut now = started;
        for (jump, deed) in moves {
            now = jump.to(now, lazy.retry.next_deadline_ns()).max(now);
            if eager.retry.in_flight().is_some() {
                if let Some(due) = eager.retry.next_deadline_ns().filter(|&due| due <= now) {
                    let _ = eager.call(due, Call::Poll);
                } else {
                    let _ = eager.call(now, Call::Poll);
                }
            }
            let call = deed.call(now, lazy.retry.attempts());
            let (one, other) = (lazy.call(now, call), eager.call(now, call));
            let abandons = matches!(one, Answer::Action(RetryAction::Abandon { .. }));
            if !abandons {
                prop_assert_eq!(one, other);
            } else if other != one {
                // The eager one was told at the deadline; what the lazy one says next is what this one said now.
                prop_assert_eq!(lazy.call(now, Call::Poll), other);
            }
            prop_assert_eq!(reported(&mut lazy, now), reported(&mut eager, now));
            prop_assert_eq!(&*lazy.log.lock().expect("one thread"), &*eager.log.lock().expect("one thread"));
            prop_assert_eq!(lazy.words.drawn(), eager.words.drawn());
        }
    }

    /// L7: a constant added to all times is added to all answers.
    #[test]
    fn a_shift_of_all_times_shifts_all_answers(
        plan in plan(), by in 0_u64..1 << 50, moves in moves(),
    ) {
        let (mut here, mut there) = (world(&plan, 10), world(&plan, 10 + by));
        let mut now = 10;
        for (jump, deed) in moves {
            let next = jump.to(now, here.retry.next_deadline_ns());
            if next > 1 << 60 || matches!(jump, Jump::End) {
                break;
            }
            now = next;
            let call = deed.call(now, here.retry.attempts());
            let shifted = deed.call(now + by, here.retry.attempts());
            let (one, other) = (here.call(now, call), there.call(now + by, shifted));
            match (one, other) {
                (Answer::Action(one), Answer::Action(other)) => {
                    prop_assert_eq!(shift_action(one, by), other);
                }
                (one, other) => prop_assert_eq!(one, other),
            }
        }
        prop_assert_eq!(moved(&here.log.lock().expect("one thread"), by), moved(&there.log.lock().expect("one thread"), 0));
    }

    /// L8: reports with ids that are not out change nothing.
    #[test]
    fn stale_and_foreign_reports_change_nothing(
        plan in plan(), moves in moves(), noise in any::<u64>(),
    ) {
        let (mut clean, mut noisy) = (world(&plan, 10), world(&plan, 10));
        let mut now = 10;
        for (jump, deed) in moves {
            now = jump.to(now, clean.retry.next_deadline_ns()).max(now);
            let call = deed.call(now, clean.retry.attempts());
            let attempts = u64::from(noisy.retry.attempts());
            for id in [attempts.wrapping_sub(1), attempts + 1, noise] {
                if id != attempts || noisy.retry.in_flight().is_none() {
                    let stale = Call::Report(AttemptId::from_word(id), AttemptOutcome::Success);
                    prop_assert_eq!(noisy.call(now, stale), Answer::Stale);
                }
            }
            prop_assert_eq!(noisy.call(now, call), clean.call(now, call));
            prop_assert_eq!(noisy.retry.state(), clean.retry.state());
            if let Call::Report(..) = call {
                // Doubled.
                let again = Call::Report(AttemptId::from_word(attempts), AttemptOutcome::Success);
                if noisy.retry.in_flight().is_none() {
                    prop_assert_eq!(noisy.call(now, again), Answer::Stale);
                    prop_assert_eq!(noisy.retry.state(), clean.retry.state());
                }
            }
        }
        prop_assert_eq!(&*noisy.log.lock().expect("one thread"), &*clean.log.lock().expect("one thread"));
    }

    /// A state taken to another clock keeps the distance of all its instants, and loses what was in flight.
    #[test]
    fn a_rebased_retry_waits_no_longer_and_ends_in_time(
        plan in plan(),
        moves in prop::collection::vec(a_move(), 1..9),
        taken in prop_oneof![
            3 => Just(None),
            1 => any::<u64>().prop_map(Some),
            2 => (0_u64..400).prop_map(Some), // earlier than what the state has seen
        ],
        to in prop_oneof![0_u64..2_000, any::<u64>()],
        away in prop_oneof![2 => Just(0), 2 => 0_u64..2_000, 1 => any::<u64>()],
    ) {
        let mut world = world(&plan, 10);
        let mut now = 10;
        for (jump, deed) in moves {
            now = jump.to(now, world.retry.next_deadline_ns()).max(now);
            let _ = world.call(now, deed.call(now, world.retry.attempts()));
        }
        let _ = reported(&mut world, now);
        let rebase = Rebase {
            taken_at_ns: taken.unwrap_or(now),
            now_ns: to,
            away: Duration::from_nanos(away),
        };
        let policy = *world.retry.policy();
        let (before, in_flight) = (world.retry.next_deadline_ns(), world.retry.in_flight());
        let mut retry = Retry::restore_rebased(policy, world.retry.state(), rebase).expect("its own");
        prop_assert!(Retry::restore(policy, retry.state()).is_ok(), "{:?}", retry.state());
        prop_assert_eq!(retry.in_flight(), None);
        if let (Some(due), Some(was), None) = (retry.next_deadline_ns(), before, in_flight) {
            prop_assert!(due.saturating_sub(to) <= was.saturating_sub(now));
        }
        if let Some(lost) = in_flight {
            let report = retry.on_outcome(
                to,
                lost,
                AttemptOutcome::Success,
                &mut Parts::none(),
                &mut Words::of(2),
            );
            prop_assert!(report.reported.is_stale());
        }
        let mut now = to;
        for _ in 0..200 {
            match retry.poll(now, &mut Parts::none(), &mut Words::of(2)).action {
                RetryAction::Done { .. } => return Ok(()),
                RetryAction::Attempt { attempt, .. } => {
                    prop_assert!(Some(attempt) > in_flight);
                    let outcome = AttemptOutcome::permanent();
                    let mut parts = Parts::none();
                    let _ = retry.on_outcome(now, attempt, outcome, &mut parts, &mut Words::of(2));
                }
                RetryAction::WaitUntil { at_ns } => {
                    prop_assert!(at_ns > now);
                    now = at_ns;
                }
                action => prop_assert!(false, "{action:?}"),
            }
        }
        prop_assert!(false, "it does not end");
    }
}

#[test]
fn an_operation_is_small() {
    let size = size_of::<RetryState>();
    assert!(size <= 136, "{size}");
}
