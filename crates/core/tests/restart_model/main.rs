//! Restart against a naive reading of its page: every exit of the history is kept, and what follows is worked out from
//! all of them. Laws L1 to L4, L6 to L8, L11 and L12 are checked at every step.

mod calls;
mod inputs;
mod reference;
#[path = "../common/when.rs"]
mod when;
#[path = "../common/word.rs"]
mod word;

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::{Exit, Restart, RestartAction, RestartPhase, RestartPolicy, RunId};
use evenkeel_core::{Rebase, Reported};
use proptest::prelude::*;

use calls::*;
use inputs::*;
use reference::*;
use when::but_clock;
use word::Word;

// ---- the machine

fn ask(machine: &mut Restart, now_ns: u64, call: &Call) -> Answer {
    match *call {
        Call::Poll => Answer::Action(machine.poll(now_ns)),
        Call::Exit(which, exit, word) => {
            let mut rng = Word::new(word);
            let run = match which {
                Which::InFlight => machine.in_flight().unwrap_or(RunId::from_word(0)),
                Which::Id(id) => RunId::from_word(id),
            };
            let reported = machine.on_exit(now_ns, run, exit, &mut rng);
            Answer::Reported(reported, rng.drawn)
        }
        Call::Stop => Answer::Stopped(machine.stop(now_ns)),
        Call::Rearm => {
            machine.rearm(now_ns);
            Answer::Nothing
        }
        Call::Restore => {
            let restored = Restart::restore(*machine.policy(), machine.state());
            assert_eq!(restored.as_ref(), Ok(&*machine), "L6");
            *machine = restored.unwrap();
            Answer::Nothing
        }
    }
}

const SHIFT_NS: u64 = 1 << 40;

fn shifted_answer(answer: &Answer) -> Option<Answer> {
    Some(match answer {
        Answer::Action(RestartAction::WaitUntil { at_ns }) => {
            Answer::Action(RestartAction::WaitUntil {
                at_ns: at_ns.checked_add(SHIFT_NS)?,
            })
        }
        other => other.clone(),
    })
}

/// What a poll would have said.
fn phase_by(action: RestartAction) -> RestartPhase {
    match action {
        RestartAction::Start { .. } => RestartPhase::Due,
        RestartAction::WaitUntil { at_ns } => RestartPhase::Waiting { until_ns: at_ns },
        RestartAction::Running { run } => RestartPhase::Running { run },
        RestartAction::Escalated {
            failures,
            max_restarts,
        } => RestartPhase::Escalated {
            failures,
            max_restarts,
        },
        RestartAction::Stopped => RestartPhase::Stopped,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_machine_does_as_its_page_says(policy in policy(), script in script()) {
        let (mut machine, mut naive) = (Restart::new(policy), Naive::new(policy));
        for (step, (when, call)) in script.iter().enumerate() {
            let now_ns = when.at(naive.latest_ns, naive.deadline_ns());
            let before = machine.clone();
            let mut twin = machine.clone();

            // L3: before the deadline a poll changes nothing but the clock.
            let early_ns = match before.next_deadline_ns() {
                Some(at_ns) => at_ns.checked_sub(1).filter(|&ns| ns >= naive.latest_ns),
                None => Some(now_ns),
            };
            if let Some(early_ns) = early_ns {
                let mut polled = before.clone();
                let _ = polled.poll(early_ns);
                prop_assert_eq!(but_clock(&polled.state()), but_clock(&before.state()), "L3 at step {}", step);
            }

            let answer = ask(&mut machine, now_ns, call);
            prop_assert_eq!(&answer, &naive.call(now_ns, call), "step {} at {}", step, now_ns);
            prop_assert_eq!(&answer, &ask(&mut twin, now_ns, call), "L1");
            prop_assert_eq!(&twin, &machine, "L1");
            if matches!(answer, Answer::Reported(Reported::Stale, _)) {
                prop_assert_eq!(but_clock(&machine.state()), but_clock(&before.state()), "L8");
            }

            prop_assert_eq!(machine.next_deadline_ns(), naive.deadline_ns());
            prop_assert_eq!(machine.attempts() as usize, naive.words.len());
            prop_assert_eq!(machine.in_flight().is_some(), naive.in_flight);
            for at_ns in [0, now_ns, now_ns.saturating_add(150), u64::MAX] {
                prop_assert_eq!(machine.phase(at_ns), phase_by(machine.clone().poll(at_ns)));
            }
            for at_ns in [0, now_ns, now_ns.saturating_add(77), u64::MAX] {
                prop_assert_eq!(machine.recent_failures(at_ns) as usize, naive.recent(at_ns));
            }
            if let Some(at_ns) = machine.next_deadline_ns() {
                let started = machine.clone().poll(at_ns);
                prop_assert!(matches!(started, RestartAction::Start { .. }), "L4");
            }
            prop_assert!(Restart::restore(policy, machine.state()).is_ok(), "L6");
        }
    }

    #[test]
    fn l7_all_times_later_by_a_constant_are_all_answers_later_by_it(policy in policy(), script in script()) {
        let (mut machine, mut later) = (Restart::new(policy), Restart::new(policy));
        let mut naive = Naive::new(policy);
        for (when, call) in &script {
            let now_ns = when.at(naive.latest_ns, naive.deadline_ns());
            let _ = naive.call(now_ns, call);
            let answer = ask(&mut machine, now_ns, call);
            let Some((later_ns, expected)) =
                now_ns.checked_add(SHIFT_NS).zip(shifted_answer(&answer)) else { return Ok(()) };
            let there = ask(&mut later, later_ns, call);
            if there == Answer::Action(RestartAction::Stopped) && answer != there {
                return Ok(()); // a wait that ended near the last instant
            }
            prop_assert_eq!(there, expected);
        }
    }

    #[test]
    fn a_rebased_state_is_the_state_of_a_clock_that_started_elsewhere(
        policy in policy(),
        script in script(),
        origin_ns in prop_oneof![Just(0), 0..5000_u64, any::<u64>()],
        away in prop_oneof![Just(0), 0..5000_u64, any::<u64>()],
        hostile in prop::option::weighted(0.2, any::<u64>()),
        later in prop::array::uniform3(0..3000_u64),
        second_ns in prop_oneof![Just(0), 0..3000_u64],
    ) {
        let mut machine = Restart::new(policy);
        let mut naive = Naive::new(policy);
        for (when, call) in &script {
            let now_ns = when.at(naive.latest_ns, naive.deadline_ns());
            let _ = naive.call(now_ns, call);
            let _ = ask(&mut machine, now_ns, call);
        }
        let (taken_at_ns, away) = (hostile.unwrap_or(naive.latest_ns), Duration::from_nanos(away));
        let rebase = Rebase { taken_at_ns, now_ns: origin_ns, away };
        let mut rebased = Restart::restore_rebased(policy, machine.state(), rebase).unwrap();
        prop_assert_eq!(rebased.in_flight(), None);
        prop_assert!(Restart::restore(policy, rebased.state()).is_ok(), "it passes its own check");
        prop_assert_eq!(rebased.attempts(), machine.attempts());
        if hostile.is_some() {
            return Ok(());
        }
        let gone_ns = i128::from(naive.latest_ns) + i128::try_from(away.as_nanos()).unwrap();
        if let Ok(then_ns) = u64::try_from(gone_ns) {
            prop_assert_eq!(rebased.recent_failures(origin_ns), machine.recent_failures(then_ns));
            // And so it stays, also where the new clock is younger than the failures, and moves once more.
            for later_ns in later.map(|later_ns| later_ns.min(u64::MAX - then_ns.max(origin_ns))) {
                let (here_ns, then_ns) = (origin_ns + later_ns, then_ns + later_ns);
                let failures = machine.recent_failures(then_ns);
                prop_assert_eq!(rebased.recent_failures(here_ns), failures);
                let rebase = Rebase { taken_at_ns: here_ns, now_ns: second_ns, away: Duration::ZERO };
                let again = Restart::restore_rebased(policy, rebased.state(), rebase).unwrap();
                prop_assert!(Restart::restore(policy, again.state()).is_ok(), "it passes its own check");
                prop_assert_eq!(again.recent_failures(second_ns), failures);
                // The last instant has no 40 ns after it.
                if let Some(then_ns) = then_ns.checked_add(40) {
                    prop_assert_eq!(again.recent_failures(second_ns + 40), machine.recent_failures(then_ns));
                }
            }
        }
        match machine.poll(naive.latest_ns) {
            RestartAction::WaitUntil { at_ns } => {
                let left_ns = i128::from(at_ns) - gone_ns;
                let at_ns = (i128::from(origin_ns) + left_ns).max(0);
                let answer = rebased.poll(origin_ns);
                if left_ns <= 0 {
                    prop_assert!(matches!(answer, RestartAction::Start { .. }), "{:?}", answer);
                } else if let Ok(at_ns) = u64::try_from(at_ns) {
                    prop_assert_eq!(answer, RestartAction::WaitUntil { at_ns });
                } else {
                    prop_assert_eq!(answer, RestartAction::Stopped);
                }
            }
            RestartAction::Start { .. } | RestartAction::Running { .. } => {
                let answer = rebased.poll(origin_ns);
                prop_assert!(matches!(answer, RestartAction::Start { .. }), "{:?}", answer);
            }
            over => prop_assert_eq!(rebased.poll(origin_ns), over),
        }
    }
}

// ---- every script of six calls

/// All that `calls` more calls can be, on the machine and on the reference.
fn explore(machine: &Restart, naive: &Naive, calls: u32) -> u64 {
    const FAILS: Call = Call::Exit(Which::InFlight, Exit::Failure, 0);
    const ENDS: Call = Call::Exit(Which::InFlight, Exit::Clean, 0);
    const ALPHABET: [(u64, Call); 9] = [
        (0, Call::Poll),
        (1, Call::Poll),
        (4, Call::Poll),
        (0, FAILS),
        (1, FAILS),
        (3, FAILS),
        (1, ENDS),
        (0, Call::Stop),
        (0, Call::Rearm),
    ];
    if calls == 0 {
        return 1;
    }
    let mut seen = 0;
    for (after_ns, call) in ALPHABET {
        let (mut machine, mut naive) = (machine.clone(), naive.clone());
        let now_ns = naive.latest_ns + after_ns;
        let answer = ask(&mut machine, now_ns, &call);
        assert_eq!(answer, naive.call(now_ns, &call), "{call:?} at {now_ns}");
        seen += explore(&machine, &naive, calls - 1);
    }
    seen
}

#[test]
fn every_script_of_six_calls_does_as_the_page_says() {
    let backoff = BackoffPolicy::builder(ns(1)).jitter(Jitter::None);
    let strict = RestartPolicy::builder(backoff).intensity(1, ns(4));
    let policy = strict.cooldown(ns(3)).build().unwrap();
    // The first call is always the start, so these are scripts of six.
    let (mut machine, mut naive) = (Restart::new(policy), Naive::new(policy));
    assert_eq!(
        ask(&mut machine, 9, &Call::Poll),
        naive.call(9, &Call::Poll)
    );
    assert_eq!(explore(&machine, &naive, 5), 9_u64.pow(5));
}
