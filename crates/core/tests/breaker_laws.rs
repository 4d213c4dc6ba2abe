//! The laws that hold for every machine of evenkeel, on the breaker: each is a property of any script of calls and
//! needs nothing but to run it, so that the law suite of all machines can take it over as it is.

#[path = "breaker_common/mod.rs"]
mod breaker_common;

use evenkeel_core::backoff::Jitter;
use evenkeel_core::breaker::{Breaker, Cause, Mode, Outcome, Permit, Phase, Transition};
use proptest::prelude::*;
use proptest::sample::Index;

use breaker_common::pair::{Call, Pair, Real, What, ask_reference};
use breaker_common::plan::Plan;
use breaker_common::reference::Reference;
use breaker_common::strategies::{cases, plan, script};
use breaker_common::told::{Answer, Told};
use breaker_common::words::Words;

/// What a script's calls answered.
fn run(real: &mut Real, calls: &[Call]) -> Vec<Told> {
    let strange = strangers(real, calls);
    calls.iter().map(|call| real.call(call, &strange)).collect()
}

/// The permits that another breaker gives in the same script.
fn strangers(real: &Real, calls: &[Call]) -> Vec<evenkeel_core::breaker::PermitId> {
    let mut other = Real {
        breaker: Breaker::tagged(*real.breaker.policy(), 77),
        permits: Vec::new(),
    };
    for call in calls {
        let mut call = *call;
        if matches!(call.what, What::Foreign { .. }) {
            call.what = What::Poll;
        }
        let _ = other.call(&call, &[]);
    }
    other.permits
}

/// The same calls on a clock that never runs backwards.
fn forward(calls: &[Call]) -> Vec<Call> {
    let mut now_ns = 0;
    let call = |call: &Call| {
        now_ns = call.now_ns.max(now_ns);
        Call { now_ns, ..*call }
    };
    calls.iter().map(call).collect()
}

/// The state, told without the clock.
fn state_but_clock(real: &Real) -> String {
    let text = format!("{:?}", real.breaker.state());
    let (before, rest) = text
        .split_once("clock: Monotone {")
        .expect("a state has a clock");
    let (_, after) = rest.split_once('}').expect("the clock ends");
    format!("{before}{after}")
}

fn made_by_poll(real: &mut Real, now_ns: u64) -> Vec<Transition> {
    real.breaker.poll(now_ns).iter().collect()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn l1_the_same_inputs_and_words_give_the_same_answers_and_state((plan, calls) in script(1..80)) {
        let (mut one, mut other) = (Real::new(&plan, 1), Real::new(&plan, 1));
        prop_assert_eq!(run(&mut one, &calls), run(&mut other, &calls));
        prop_assert_eq!(one.breaker.state(), other.breaker.state());
    }

    #[test]
    fn l2_a_clock_that_runs_backwards_is_one_that_stands_still((plan, calls) in script(1..80)) {
        let still = forward(&calls);
        let latest_ns = still.last().map_or(0, |call| call.now_ns);
        let (mut back, mut stopped) = (Real::new(&plan, 1), Real::new(&plan, 1));
        prop_assert_eq!(run(&mut back, &calls), run(&mut stopped, &still));
        prop_assert_eq!(back.breaker.state(), stopped.breaker.state());
        for early_ns in [0, latest_ns / 2, latest_ns] {
            let (then, now) = (back.sight(early_ns), back.sight(latest_ns));
            prop_assert_eq!((then.phase, then.peek, then.stats), (now.phase, now.peek, now.stats));
        }
    }

    #[test]
    fn l3_before_the_deadline_a_poll_changes_nothing_but_the_clock((plan, calls) in script(1..60)) {
        let mut real = Real::new(&plan, 1);
        let calls = forward(&calls);
        let strange = strangers(&real, &calls);
        for call in &calls {
            let _ = real.call(call, &strange);
            let before_ns = match real.breaker.next_deadline_ns() {
                Some(at_ns) if at_ns <= call.now_ns => continue,
                Some(at_ns) => at_ns - 1,
                None => u64::MAX,
            };
            for at_ns in [0, call.now_ns, call.now_ns.midpoint(before_ns), before_ns] {
                let mut polled = real.clone();
                prop_assert_eq!(made_by_poll(&mut polled, at_ns), vec![]);
                prop_assert_eq!(state_but_clock(&polled), state_but_clock(&real));
            }
        }
    }

    #[test]
    fn l4_at_the_deadline_a_poll_makes_progress((plan, calls) in script(1..60)) {
        let mut real = Real::new(&plan, 1);
        let strange = strangers(&real, &calls);
        for call in &calls {
            let _ = real.call(call, &strange);
            let mut later = real.clone();
            let mut polls = 0;
            while let Some(at_ns) = later.breaker.next_deadline_ns() {
                let made = made_by_poll(&mut later, at_ns);
                prop_assert_eq!(made.first().map(|made| made.at_ns), Some(at_ns));
                polls += 1;
                prop_assert!(polls <= 2, "left alone it must come to rest");
            }
        }
    }

    #[test]
    fn l5_polling_early_and_often_or_never_gives_the_same_answers((plan, calls) in script(1..80)) {
        let (mut lazy, mut eager) = (Real::new(&plan, 1), Real::new(&plan, 1));
        let calls = forward(&calls);
        let strange = strangers(&lazy, &calls);
        let (mut lazy_made, mut eager_made) = (Vec::new(), Vec::new());
        let mut clock_ns = 0;
        for call in calls.iter().filter(|call| !matches!(call.what, What::Poll)) {
            for at_ns in [clock_ns, call.now_ns.midpoint(clock_ns), u64::MIN] {
                eager_made.extend(made_by_poll(&mut eager, at_ns));
            }
            while let Some(at_ns) = eager.breaker.next_deadline_ns().filter(|ns| *ns <= call.now_ns) {
                eager_made.extend(made_by_poll(&mut eager, at_ns));
            }
            clock_ns = call.now_ns;
            eager_made.extend(made_by_poll(&mut eager, clock_ns));
            prop_assert_eq!(eager.sight(clock_ns), lazy.sight(clock_ns));
            let (by_lazy, by_eager) = (lazy.call(call, &strange), eager.call(call, &strange));
            prop_assert_eq!((by_lazy.answer, by_lazy.drawn), (by_eager.answer, by_eager.drawn));
            lazy_made.extend(by_lazy.made);
            eager_made.extend(by_eager.made);
            prop_assert_eq!(&lazy_made, &eager_made);
            prop_assert_eq!(lazy.breaker.state(), eager.breaker.state());
        }
    }

    #[test]
    fn l6_a_breaker_restored_at_every_step_cannot_be_told_from_one_that_never_was((plan, calls) in script(1..80)) {
        let (mut kept, mut restored) = (Real::new(&plan, 1), Real::new(&plan, 1));
        let strange = strangers(&kept, &calls);
        for call in &calls {
            let state = restored.breaker.state();
            let policy = *restored.breaker.policy();
            restored.breaker = Breaker::restore(policy, state).expect("its own state");
            prop_assert_eq!(restored.call(call, &strange), kept.call(call, &strange));
            prop_assert_eq!(restored.breaker.state(), kept.breaker.state());
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn l6_a_state_survives_json_at_every_step((plan, calls) in script(1..50)) {
        let (mut kept, mut restored) = (Real::new(&plan, 1), Real::new(&plan, 1));
        let strange = strangers(&kept, &calls);
        for call in &calls {
            let json = serde_json::to_string(&restored.breaker.state()).expect("plain data");
            let state = serde_json::from_str(&json).expect("what was written can be read");
            let policy = *restored.breaker.policy();
            restored.breaker = Breaker::restore(policy, state).expect("its own state");
            prop_assert_eq!(restored.call(call, &strange), kept.call(call, &strange));
            prop_assert_eq!(restored.breaker.state(), kept.breaker.state());
        }
    }

    #[test]
    fn l7_another_origin_of_time_shifts_every_instant_and_nothing_else(
        (plan, calls) in script(1..80),
        times in 1_u64..1_000_000_000,
    ) {
        const FAR_NS: u64 = 1 << 61;
        let by_ns = match plan.slice_ns() {
            Some(len_ns) => (FAR_NS / len_ns).min(times) * len_ns,
            None => times,
        };
        let near: Vec<Call> = calls.into_iter().take_while(|call| call.now_ns < FAR_NS).collect();
        let far: Vec<Call> = near.iter().map(|call| shifted_call(call, by_ns)).collect();
        let (mut here, mut there) = (Real::new(&plan, 1), Real::new(&plan, 1));
        let expected: Vec<Told> = run(&mut here, &near).iter().map(|told| shifted(told, by_ns)).collect();
        prop_assert_eq!(run(&mut there, &far), expected);
        let deadline_ns = here.breaker.next_deadline_ns().map(|ns| ns + by_ns);
        prop_assert_eq!(there.breaker.next_deadline_ns(), deadline_ns);
    }

    #[test]
    fn l8_a_stale_or_foreign_report_changes_nothing_that_can_be_seen(
        (plan, calls) in script(2..60),
        at in any::<Index>(),
    ) {
        let mut real = Real::new(&plan, 1);
        let strange = strangers(&real, &calls);
        let (before, after) = calls.split_at(at.index(calls.len()));
        for call in before {
            let _ = real.call(call, &strange);
        }
        let now_ns = before.last().map_or(0, |call| call.now_ns);
        for id in real.permits.iter().chain(&strange) {
            let (mut told, mut untold) = (real.clone(), real.clone());
            let mut words = Words::of(9);
            let overloaded = Outcome::Overloaded { retry_at_ns: Some(u64::MAX) };
            let permit = Permit::from_id(*id);
            let receipt = told.breaker.on_outcome(now_ns, permit, overloaded, u64::MAX, &mut words);
            if !receipt.is_stale() {
                continue;
            }
            prop_assert_eq!(words.drawn(), 0);
            let made: Vec<_> = receipt.transitions().iter().collect();
            prop_assert_eq!(made, made_by_poll(&mut untold, now_ns));
            let (mut seen, unseen) = (told.sight(now_ns), untold.sight(now_ns));
            seen.stats.stale -= 1;
            prop_assert_eq!(seen, unseen);
            for call in after {
                prop_assert_eq!(told.call(call, &strange), untold.call(call, &strange));
            }
        }
    }

    #[test]
    fn l11_words_are_drawn_for_trips_for_first_probes_and_on_the_ramp_and_for_nothing_else(
        (plan, calls) in script(1..80),
    ) {
        let mut real = Real::new(&plan, 1);
        let strange = strangers(&real, &calls);
        let mut account = Account::default();
        for call in &calls {
            let mode = real.breaker.mode();
            let told = real.call(call, &strange);
            prop_assert_eq!(told.drawn, account.due(&plan, mode, call, &told), "{:?}", told);
        }
    }

    #[test]
    fn l12_every_u64_is_a_time_and_a_latency(
        plan in plan(),
        calls in proptest::collection::vec((wild(), any::<u8>(), wild(), wild()), 1..40),
    ) {
        let (mut pair, mut model) = (Pair::new(&plan), Reference::new(plan));
        for (now_ns, pick, latency_ns, advice_ns) in calls {
            let call = Call { now_ns, what: wild_what(&model, pick, latency_ns, advice_ns), seed: advice_ns };
            let expected = ask_reference(&mut model, &call);
            pair.call(&call, &model, &expected);
        }
    }
}

fn shifted_call(call: &Call, by_ns: u64) -> Call {
    let mut call = *call;
    call.now_ns += by_ns;
    if let What::Report { outcome, .. } | What::Foreign { outcome, .. } = &mut call.what {
        if let Outcome::Overloaded {
            retry_at_ns: Some(at_ns),
        } = outcome
        {
            *at_ns = at_ns.saturating_add(by_ns);
        }
    }
    call
}

fn shifted(told: &Told, by_ns: u64) -> Told {
    let mut told = told.clone();
    for made in &mut told.made {
        made.at_ns += by_ns;
    }
    if let Answer::Refused(no)
    | Answer::Granted {
        would_refuse: Some(no),
        ..
    } = &mut told.answer
    {
        no.retry_at_ns = no.retry_at_ns.map(|at_ns| at_ns + by_ns);
    }
    told
}

/// Counts the choices that are made, by what a breaker answers.
#[derive(Default)]
struct Account {
    clock_ns: u64,
    probed: bool,
    ramp_from_ns: Option<u64>,
}

impl Account {
    fn due(&mut self, plan: &Plan, mode: Mode, call: &Call, told: &Told) -> u64 {
        self.clock_ns = self.clock_ns.max(call.now_ns);
        let mut due = 0;
        let jitter = u64::from(plan.jitter != Jitter::None);
        let closes = |made: &Transition| made.cause == Cause::TrialsPassed;
        let on_ramp = self
            .ramp_from_ns
            .is_some_and(|from_ns| self.clock_ns - from_ns < plan.ramp_ns.unwrap_or(0));
        if on_ramp && matches!(call.what, What::Ask) && matches!(mode, Mode::Normal | Mode::Observe)
        {
            due += 1;
        }
        for made in &told.made {
            let trip = made.from == Phase::Closed && made.to == Phase::Open;
            due += if trip && made.cause != Cause::Forced {
                jitter
            } else {
                0
            };
            self.probed = false;
            self.ramp_from_ns = closes(made).then_some(made.at_ns);
        }
        if matches!(told.answer, Answer::Granted { is_probe: true, .. }) && !self.probed {
            self.probed = true;
            due += jitter;
        }
        due
    }
}

/// Numbers from all of `u64`, mostly its ends and those that sums with spans run into.
fn wild() -> impl Strategy<Value = u64> {
    let edges = [
        0,
        1,
        (1 << 62) - 1,
        1 << 62,
        1 << 63,
        u64::MAX - (1 << 62),
        u64::MAX - 1,
        u64::MAX,
    ];
    prop_oneof![3 => 0_u64..40, 2 => proptest::sample::select(edges.to_vec()), 1 => any::<u64>(), 1 => u64::MAX - 40..]
}

fn wild_what(model: &Reference, pick: u8, latency_ns: u64, advice_ns: u64) -> What {
    let outcome = match pick % 7 {
        0..=2 => Outcome::Failure,
        3 | 4 => Outcome::Success,
        5 => Outcome::Ignored,
        _ => Outcome::Overloaded {
            retry_at_ns: Some(advice_ns),
        },
    };
    match (pick % 3, model.granted().checked_sub(1)) {
        (1, Some(grant)) => What::Report {
            grant,
            outcome,
            latency_ns,
        },
        (2, _) if pick > 200 => What::Poll,
        _ => What::Ask,
    }
}

#[test]
fn l10_a_silence_of_any_length_costs_no_more_than_a_short_one() {
    use core::time::Duration;
    use evenkeel_core::breaker::{Trigger, Window};
    const TEN_YEARS_NS: u64 = 315_576_000_000_000_000;
    let mut plan = Plan::small(Trigger::Failures { failures: 3 });
    // A loop over the slices that passed would take 3 x 10^17 steps.
    plan.window = Some(Window::Time {
        span: Duration::from_nanos(16),
        slices: 16,
    });
    (plan.max_in_flight, plan.trials, plan.successes) = (16, 20, 10);
    let (mut pair, mut model) = (Pair::new(&plan), Reference::new(plan));
    let mut now_ns = 0;
    let mut go = |now_ns, what| {
        let call = Call {
            now_ns,
            what,
            seed: now_ns,
        };
        let told = ask_reference(&mut model, &call);
        pair.call(&call, &model, &told);
        assert!(told.made.len() <= 3 && told.drawn <= 1);
        told
    };
    let failed = |grant| What::Report {
        grant,
        outcome: Outcome::Failure,
        latency_ns: 1,
    };
    let mut grant = 0;
    for _ in 0..4 {
        let _ = go(now_ns, What::Ask);
        let _ = go(now_ns, failed(grant));
        (grant, now_ns) = (grant + 1, now_ns + TEN_YEARS_NS);
    }
    for _ in 0..3 {
        let _ = go(now_ns, What::Ask);
        let _ = go(now_ns, failed(grant));
        grant += 1;
    }
    // Open. Ten years later a full house of probes goes out, and ten years after that all are lost at once.
    now_ns += TEN_YEARS_NS;
    for _ in 0..17 {
        let _ = go(now_ns, What::Ask);
    }
    let made = go(now_ns + TEN_YEARS_NS, What::Poll).made;
    let causes: Vec<Cause> = made.iter().map(|made| made.cause).collect();
    assert_eq!(causes, [Cause::ProbeLost, Cause::WaitOver]);
}
