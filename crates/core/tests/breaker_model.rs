//! The breaker against a reference that keeps the whole history and recomputes every answer from it.

#[path = "breaker_common/mod.rs"]
mod breaker_common;

use std::collections::BTreeMap;

use evenkeel_core::backoff::Jitter;
use evenkeel_core::breaker::{Cause, Mode, Outcome, Phase, RefusedBy, Trigger};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use breaker_common::pair::{Call, Pair, What, ask_reference};
use breaker_common::plan::Plan;
use breaker_common::reference::Reference;
use breaker_common::strategies::{a_move, cases, plan};
use breaker_common::told::Answer;
use breaker_common::world::{Move, World};

struct Expected;

impl ReferenceStateMachine for Expected {
    type State = World;
    type Transition = Move;

    fn init_state() -> BoxedStrategy<World> {
        plan().prop_map(World::new).boxed()
    }

    fn transitions(_: &World) -> BoxedStrategy<Move> {
        a_move().boxed()
    }

    fn apply(mut world: World, a_move: &Move) -> World {
        world.make(a_move);
        world
    }
}

struct Compared;

impl StateMachineTest for Compared {
    type SystemUnderTest = Pair;
    type Reference = Expected;

    fn init_test(world: &World) -> Pair {
        Pair::new(&world.model.plan)
    }

    fn apply(mut pair: Pair, world: &World, _: Move) -> Pair {
        let (call, expected) = world.last.as_ref().expect("a call was made");
        pair.call(call, &world.model, expected);
        pair
    }
}

prop_state_machine! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn every_answer_is_what_the_whole_history_says(sequential 1..80 => Compared);
}

/// Guards the test above: a generator that never closes a breaker compares nothing.
#[test]
fn the_compared_calls_reach_every_cause_and_every_refusal() {
    let seen = seen_in(400);
    for what in worth_seeing() {
        let times = seen.get(&what).copied().unwrap_or(0);
        assert!(times >= 2, "{what} only {times} times of {seen:#?}");
    }
}

/// What so many random runs come across, and how often.
fn seen_in(runs: u32) -> BTreeMap<String, u32> {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::new();
    let mut note = |what: String| *seen.entry(what).or_insert(0) += 1;
    for _ in 0..runs {
        let plan = plan().new_tree(&mut runner).expect("a plan").current();
        let mut world = World::new(plan);
        for _ in 0..80 {
            world.make(&a_move().new_tree(&mut runner).expect("a move").current());
            let (call, told) = world.last.as_ref().expect("a call was made");
            note(format!("{} transitions at once", told.made.len()));
            for made in &told.made {
                note(format!("{} to {}: {}", made.from, made.to, made.cause));
            }
            let phase = world.model.phase();
            match &told.answer {
                Answer::Refused(no) => {
                    let until = no.retry_at_ns.map_or("for good", |_| "until");
                    note(format!("refused: {}, {until}", no.reason));
                }
                Answer::Granted {
                    would_refuse: Some(no),
                    ..
                } => note(format!("would be refused: {}", no.reason)),
                Answer::Granted { .. } if told.drawn > 0 => note(format!("drawn in {phase}")),
                Answer::Stale if matches!(call.what, What::Foreign { .. }) => {
                    note("foreign".into());
                }
                Answer::Stale => note(format!("stale in {phase}")),
                Answer::Released => note(format!("released in {phase}")),
                _ => {}
            }
        }
    }
    seen
}

fn worth_seeing() -> Vec<String> {
    use Cause::*;
    let mut wanted = Vec::new();
    for cause in [
        Consecutive,
        Failures,
        FailureRate,
        SlowRate,
        Latency,
        Overloaded,
        Forced,
    ] {
        wanted.push(format!("closed to open: {cause}"));
    }
    for cause in [Overloaded, TrialsFailed, ProbeLost, Forced] {
        wanted.push(format!("half-open to open: {cause}"));
    }
    for cause in [TrialsPassed, Forced] {
        wanted.push(format!("half-open to closed: {cause}"));
    }
    for phase in [Phase::Closed, Phase::Open, Phase::HalfOpen] {
        wanted.push(format!("{phase} to closed: {Reset}"));
        wanted.push(format!("stale in {phase}"));
        wanted.push(format!("released in {phase}"));
    }
    for reason in [RefusedBy::Open, RefusedBy::HalfOpenFull, RefusedBy::Ramp] {
        wanted.push(format!("refused: {reason}, until"));
        wanted.push(format!("refused: {reason}, for good"));
        wanted.push(format!("would be refused: {reason}"));
    }
    for reason in [RefusedBy::Unhealthy, RefusedBy::ForcedOpen] {
        wanted.push(format!("refused: {reason}, for good"));
    }
    let rest = [
        "open to half-open: wait-over",
        "open to closed: forced",
        "foreign",
    ];
    let drawn = ["drawn in half-open", "drawn in closed"];
    let several = ["2 transitions at once", "3 transitions at once"];
    wanted.extend(
        rest.into_iter()
            .chain(drawn)
            .chain(several)
            .map(String::from),
    );
    wanted
}

/// Random runs seldom come here: closing forgave all opens, so the next wait knows nothing of the last one.
#[test]
fn after_a_close_a_decorrelated_wait_starts_again_from_the_base() {
    let mut plan = Plan::small(Trigger::Consecutive { failures: 1 });
    plan.jitter = Jitter::Decorrelated;
    for seed in 0..64 {
        let (mut pair, mut model) = (Pair::new(&plan), Reference::new(plan.clone()));
        let mut go = |now_ns, what| {
            let call = Call { now_ns, what, seed };
            let expected = ask_reference(&mut model, &call);
            pair.call(&call, &model, &expected);
            pair.real.breaker.next_deadline_ns()
        };
        let report = |grant, outcome| What::Report {
            grant,
            outcome,
            latency_ns: 0,
        };
        let _ = go(0, What::Ask);
        let until_ns = go(0, report(0, Outcome::Failure)).expect("a wait");
        let _ = go(until_ns, What::Ask);
        let _ = go(until_ns, report(1, Outcome::Success));
        let _ = go(until_ns, What::Mode(Mode::ForcedOpen));
        let _ = go(until_ns, What::Mode(Mode::Normal));
        let _ = go(until_ns, What::Ask);
        let again_ns = go(until_ns, report(2, Outcome::Failure)).expect("a wait");
        assert!(again_ns - until_ns <= 3 * plan.base_ns);
    }
}
