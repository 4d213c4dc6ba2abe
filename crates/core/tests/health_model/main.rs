//! Health probing against a naive reading of its page: every probe and every result is kept, and verdicts and waits are
//! worked out from all of them. Laws L1 to L8, L11 and L12 are checked at every step.

mod calls;
mod inputs;
mod reference;
#[path = "../common/when.rs"]
mod when;
#[path = "../common/word.rs"]
mod word;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::health::{
    HealthChange, HealthProbe, HealthProbePolicy, ProbeAction, ProbeId, ProbeReceipt, Probed,
};
use evenkeel_core::{Rebase, Reported};
use proptest::prelude::*;

use calls::*;
use inputs::*;
use reference::*;
use when::but_clock;
use word::Word;

// ---- the machine

fn ask(machine: &mut HealthProbe, now_ns: u64, call: &Call, latest: ProbeId) -> Answer {
    match *call {
        Call::Poll(word) => {
            let mut rng = Word::new(word);
            let action = machine.poll(now_ns, &mut rng);
            Answer::Action(action, rng.drawn)
        }
        Call::Report(which, found) => {
            let probe = match which {
                Which::Latest => latest,
                Which::Id(id) => ProbeId::from_word(id),
            };
            Answer::Reported(machine.on_report(now_ns, probe, found))
        }
        Call::Traffic(found) => Answer::Traffic(machine.on_traffic(now_ns, found)),
        Call::Restore => {
            let restored = HealthProbe::restore(*machine.policy(), machine.state());
            assert_eq!(restored.as_ref(), Ok(&*machine), "L6");
            *machine = restored.unwrap();
            Answer::Nothing
        }
    }
}

/// What a call told of changes, in order.
fn changes(answer: &Answer) -> Vec<HealthChange> {
    match answer {
        Answer::Action(ProbeAction::Abandon { change, .. }, _) => change.iter().copied().collect(),
        Answer::Reported(receipt) => receipt.change.iter().copied().collect(),
        Answer::Traffic(receipt) => receipt.changes().collect(),
        _ => Vec::new(),
    }
}

const SHIFT_NS: u64 = 1 << 40;

fn later(change: Option<HealthChange>) -> Option<HealthChange> {
    change.map(|mut change| {
        change.at_ns = change.at_ns.wrapping_add(SHIFT_NS);
        change
    })
}

/// The answer later by a constant; `None` near the end of time.
fn shifted(answer: &Answer) -> Option<Answer> {
    let deadline = |at_ns: u64| at_ns.checked_add(SHIFT_NS);
    Some(match *answer {
        Answer::Action(ProbeAction::WaitUntil { at_ns }, drawn) => {
            let at_ns = deadline(at_ns)?;
            Answer::Action(ProbeAction::WaitUntil { at_ns }, drawn)
        }
        Answer::Action(
            ProbeAction::Send {
                probe,
                timeout_at_ns,
            },
            drawn,
        ) => {
            let timeout_at_ns = Some(deadline(timeout_at_ns?)?);
            let action = ProbeAction::Send {
                probe,
                timeout_at_ns,
            };
            Answer::Action(action, drawn)
        }
        Answer::Action(
            ProbeAction::Probing {
                probe,
                timeout_at_ns,
            },
            drawn,
        ) => {
            let timeout_at_ns = Some(deadline(timeout_at_ns?)?);
            let action = ProbeAction::Probing {
                probe,
                timeout_at_ns,
            };
            Answer::Action(action, drawn)
        }
        Answer::Action(
            ProbeAction::Abandon {
                probe,
                at_ns,
                change,
            },
            drawn,
        ) => {
            let action = ProbeAction::Abandon {
                probe,
                at_ns: deadline(at_ns)?,
                change: later(change),
            };
            Answer::Action(action, drawn)
        }
        Answer::Reported(mut receipt) => {
            receipt.change = later(receipt.change);
            Answer::Reported(receipt)
        }
        Answer::Traffic(mut receipt) => {
            receipt.timed_out = later(receipt.timed_out);
            receipt.change = later(receipt.change);
            Answer::Traffic(receipt)
        }
        other => other,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_health_probe_does_as_its_page_says(policy in policy(), script in script()) {
        let (mut machine, mut naive) = (HealthProbe::new(policy), Naive::new(policy));
        for (step, (when, call)) in script.iter().enumerate() {
            let now_ns = when.at(naive.latest_ns, naive.deadline_ns());
            let latest = naive.latest_probe();
            let before = machine.clone();
            let mut twin = machine.clone();

            // L3: before the deadline a poll changes nothing but the clock, and draws nothing.
            let early_ns = match before.next_deadline_ns() {
                Some(at_ns) => at_ns.checked_sub(1).filter(|&ns| ns >= naive.latest_ns),
                None => Some(now_ns),
            };
            if let Some(early_ns) = early_ns {
                let mut polled = before.clone();
                let _ = polled.poll(early_ns, &mut Word::new(0));
                prop_assert_eq!(but_clock(&polled.state()), but_clock(&before.state()), "L3 at step {}", step);
            }

            let answer = ask(&mut machine, now_ns, call, latest);
            let expected = naive.call(now_ns, call);
            prop_assert_eq!(&answer, &expected, "step {} at {}", step, now_ns);
            prop_assert_eq!(&answer, &ask(&mut twin, now_ns, call, latest), "L1");
            prop_assert_eq!(&twin, &machine, "L1");

            // L5: who had polled at the end of the probe's time has the same answers and the same state.
            let mut eager = before.clone();
            let mut told = Vec::new();
            if let ProbeAction::Probing { timeout_at_ns: Some(at_ns), .. } = eager.poll(0, &mut Word::new(0)) {
                if at_ns <= now_ns && !matches!(call, Call::Poll(_) | Call::Restore) {
                    told = changes(&ask(&mut eager, at_ns, &Call::Poll(0), latest));
                    told.extend(changes(&ask(&mut eager, now_ns, call, latest)));
                    prop_assert_eq!(told.clone(), changes(&answer), "L5");
                    let mut lazy = machine.clone();
                    let _ = lazy.poll(now_ns, &mut Word::new(0));
                    prop_assert_eq!(&eager, &lazy, "L5");
                }
            }
            if told.is_empty() && matches!(answer, Answer::Reported(ProbeReceipt { reported: Reported::Stale, .. })) {
                let mut settled = before.clone();
                let _ = settled.on_report(now_ns, ProbeId::from_word(0), Probed::Passed);
                prop_assert_eq!(&machine, &settled, "L8: whatever the id and the report");
            }

            prop_assert_eq!(machine.next_deadline_ns(), naive.deadline_ns());
            let mut then = naive.clone();
            prop_assert_eq!(machine.health(0), then.health(then.results.len()));
            let out = naive.sent.last().is_some_and(|sent| sent.end.is_none());
            prop_assert_eq!(machine.in_flight(), out.then(|| naive.latest_probe()));
            then.latest_ns = then.latest_ns.max(now_ns.saturating_add(33));
            let _ = then.settle();
            prop_assert_eq!(machine.health(now_ns.saturating_add(33)), then.health(then.results.len()));
            if let Some(at_ns) = machine.next_deadline_ns() {
                let action = machine.clone().poll(at_ns, &mut Word::new(0));
                let acts = matches!(action, ProbeAction::Send { .. } | ProbeAction::Abandon { .. });
                prop_assert!(acts, "L4: {:?}", action);
            }
            prop_assert!(HealthProbe::restore(policy, machine.state()).is_ok(), "L6");
        }
        let all = naive.changes(naive.results.len());
        prop_assert!(all.windows(2).all(|two| two[0].at_ns <= two[1].at_ns && two[1].from == Some(two[0].to)));
    }

    #[test]
    fn l7_all_times_later_by_a_constant_are_all_answers_later_by_it(policy in policy(), script in script()) {
        let (mut machine, mut there) = (HealthProbe::new(policy), HealthProbe::new(policy));
        let mut naive = Naive::new(policy);
        for (when, call) in &script {
            let now_ns = when.at(naive.latest_ns, naive.deadline_ns());
            let latest = naive.latest_probe();
            let _ = naive.call(now_ns, call);
            let answer = ask(&mut machine, now_ns, call, latest);
            let Some(later_ns) = now_ns.checked_add(SHIFT_NS) else { return Ok(()) };
            let Some(expected) = shifted(&answer) else { return Ok(()) };
            let deadline = naive.deadline_ns();
            let told = ask(&mut there, later_ns, call, latest);
            prop_assert_eq!(told, expected);
            if deadline.is_none_or(|at_ns| at_ns > u64::MAX - SHIFT_NS) {
                return Ok(()); // near the end of time
            }
        }
    }

    #[test]
    fn a_rebased_state_is_the_state_of_a_clock_that_started_elsewhere(
        policy in policy(),
        script in script(),
        origin_ns in prop_oneof![Just(0), 0..5000_u64, any::<u64>()],
        away in prop_oneof![Just(0), 0..5000_u64, any::<u64>()],
        hostile in prop::option::weighted(0.2, any::<u64>()),
    ) {
        let (mut machine, mut naive) = (HealthProbe::new(policy), Naive::new(policy));
        for (when, call) in &script {
            let now_ns = when.at(naive.latest_ns, naive.deadline_ns());
            let latest = naive.latest_probe();
            let _ = naive.call(now_ns, call);
            let _ = ask(&mut machine, now_ns, call, latest);
        }
        let (taken_at_ns, away) = (hostile.unwrap_or(naive.latest_ns), ns(away));
        let rebase = Rebase { taken_at_ns, now_ns: origin_ns, away };
        let mut rebased = HealthProbe::restore_rebased(policy, machine.state(), rebase).unwrap();
        prop_assert!(HealthProbe::restore(policy, rebased.state()).is_ok(), "it passes its own check");
        let probe = naive.latest_probe();
        prop_assert_eq!(rebased.health(0), machine.health(0));
        prop_assert_eq!(rebased.on_report(origin_ns, probe, Probed::Passed).reported, Reported::Stale);
        if hostile.is_some() {
            return Ok(());
        }
        let answer = rebased.poll(origin_ns, &mut Word::new(0));
        if naive.sent.last().is_some_and(|sent| sent.end.is_none()) {
            prop_assert!(matches!(answer, ProbeAction::Send { probe: next, .. } if next > probe), "{:?}", answer);
            return Ok(());
        }
        let Some(at_ns) = naive.next_send_ns() else { return Ok(()) };
        let gone_ns = i128::from(naive.latest_ns) + i128::try_from(away.as_nanos()).unwrap();
        let left_ns = i128::from(at_ns) - gone_ns;
        if left_ns <= 0 {
            prop_assert!(matches!(answer, ProbeAction::Send { .. }), "{:?}", answer);
        } else if let Ok(at_ns) = u64::try_from(i128::from(origin_ns) + left_ns) {
            prop_assert_eq!(answer, ProbeAction::WaitUntil { at_ns });
        } else {
            prop_assert_eq!(answer, ProbeAction::Idle);
        }
    }
}

// ---- every script of seven calls

fn explore(machine: &HealthProbe, naive: &Naive, calls: u32) -> u64 {
    const PASSES: Call = Call::Report(Which::Latest, Probed::Passed);
    const FAILS: Call = Call::Report(Which::Latest, Probed::Failed);
    const ALPHABET: [(u64, Call); 8] = [
        (0, Call::Poll(0)),
        (1, Call::Poll(0)),
        (2, Call::Poll(0)),
        (0, PASSES),
        (1, FAILS),
        (2, FAILS),
        (1, Call::Traffic(Probed::Passed)),
        (0, Call::Traffic(Probed::Failed)),
    ];
    if calls == 0 {
        return 1;
    }
    let mut seen = 0;
    for (after_ns, call) in ALPHABET {
        let (mut machine, mut naive) = (machine.clone(), naive.clone());
        let now_ns = naive.latest_ns + after_ns;
        let answer = ask(&mut machine, now_ns, &call, naive.latest_probe());
        assert_eq!(answer, naive.call(now_ns, &call), "{call:?} at {now_ns}");
        assert_eq!(machine.next_deadline_ns(), naive.deadline_ns());
        seen += explore(&machine, &naive, calls - 1);
    }
    seen
}

#[test]
fn every_script_of_seven_calls_does_as_the_page_says() {
    let down = BackoffPolicy::builder(ns(1)).jitter(Jitter::None);
    let builder = HealthProbePolicy::builder(ns(2), ns(2)).jitter(Jitter::None);
    let policy = builder.rise(2).fall(1).down(down).build().unwrap();
    // The first two calls are always the same: traffic that fails, and the start.
    let (mut machine, mut naive) = (HealthProbe::new(policy), Naive::new(policy));
    for call in [Call::Traffic(Probed::Failed), Call::Poll(0)] {
        let answer = ask(&mut machine, 9, &call, naive.latest_probe());
        assert_eq!(answer, naive.call(9, &call));
    }
    assert_eq!(explore(&machine, &naive, 5), 8_u64.pow(5));
}
