//! Random policies and random calls for proptest.

use core::time::Duration;

use evenkeel_core::backoff::{Growth, Jitter};
use evenkeel_core::breaker::{Health, Mode, Trigger, Window};
use evenkeel_core::{Quantile, Ratio};
use proptest::prelude::*;

use super::pair::Call;
use super::plan::Plan;
use super::world::{Deed, Fact, Move, Step, World};

// ---- policies

fn ratio() -> impl Strategy<Value = Ratio> {
    (1_u32..=5, 0_u32..=4)
        .prop_map(|(num, more)| Ratio::new(num, num + more).expect("the denominator is not 0"))
}

fn quantile() -> impl Strategy<Value = Quantile> {
    let small = (0_u64..=6, 0_u64..=6)
        .prop_map(|(num, more)| Quantile::new(num, (num + more).max(1)).expect("at most 1"));
    prop_oneof![4 => small, 1 => Just(Quantile::P99), 1 => Just(Quantile::P50)]
}

fn trigger(max_calls: Option<u32>) -> impl Strategy<Value = Trigger> {
    let limit = prop_oneof![8 => 0_u64..=12, 1 => Just(1_u64 << 62)].prop_map(Duration::from_nanos);
    let calls = 1..=max_calls.unwrap_or(6).min(6);
    prop_oneof![
        (1_u32..=4).prop_map(|failures| Trigger::Consecutive { failures }),
        calls
            .clone()
            .prop_map(|failures| Trigger::Failures { failures }),
        (ratio(), calls.clone()).prop_map(|(at_least, min_calls)| Trigger::FailureRate {
            at_least,
            min_calls
        }),
        (limit.clone(), ratio(), calls.clone()).prop_map(|(slower_than, at_least, min_calls)| {
            Trigger::SlowRate {
                slower_than,
                at_least,
                min_calls,
            }
        }),
        (limit, quantile(), calls).prop_map(|(above, quantile, min_calls)| Trigger::Latency {
            quantile,
            above,
            min_calls
        }),
    ]
}

fn window() -> impl Strategy<Value = Window> {
    prop_oneof![
        3 => (1_u32..=8).prop_map(|calls| Window::Count { calls }),
        1 => (60_u32..=70).prop_map(|calls| Window::Count { calls }),
        3 => (1_u32..=4, 1_u64..=15).prop_map(|(slices, len_ns)| Window::Time {
            span: Duration::from_nanos(u64::from(slices) * len_ns),
            slices
        }),
        1 => (1_u32..=3).prop_map(|slices| Window::Time {
            span: Duration::from_nanos((1 << 60) * u64::from(slices)),
            slices
        }),
    ]
}

fn triggers() -> impl Strategy<Value = (Vec<Trigger>, Option<Window>)> {
    let windowed = window().prop_flat_map(|window| {
        let max_calls = match window {
            Window::Count { calls } => Some(calls),
            _ => None,
        };
        let triggers = proptest::collection::vec(trigger(max_calls), 1..=4);
        (triggers, Just(Some(window)))
    });
    let plain = (1_u32..=3).prop_map(|failures| (vec![Trigger::Consecutive { failures }], None));
    prop_oneof![5 => windowed, 1 => plain]
}

fn span_ns(longest_ns: u64) -> impl Strategy<Value = u64> {
    prop_oneof![12 => 1..=longest_ns, 1 => Just(1_u64 << 62)]
}

fn jitter() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        2 => Just(Jitter::None),
        1 => Just(Jitter::Full),
        1 => Just(Jitter::Equal),
        2 => Just(Jitter::Decorrelated),
        1 => ratio().prop_map(Jitter::Spread),
    ]
}

fn growth() -> impl Strategy<Value = Growth> {
    prop_oneof![
        Just(Growth::Constant),
        (0_u64..=15).prop_map(|ns| Growth::Linear {
            step: Duration::from_nanos(ns)
        }),
        prop_oneof![Just((2, 1)), Just((3, 2)), Just((5, 1)), Just((1, 1))].prop_map(
            |(num, den)| Growth::Exponential {
                factor: Ratio::new(num, den).expect("the denominator is not 0")
            }
        ),
    ]
}

fn half_open() -> impl Strategy<Value = (u32, u32, u32)> {
    (1_u32..=4, 1_u32..=6)
        .prop_flat_map(|(in_flight, trials)| (Just(in_flight), Just(trials), 1..=trials))
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let maybe = proptest::option::of::<BoxedStrategy<u64>>;
    let open = (span_ns(20), maybe(span_ns(80).boxed()), growth(), jitter());
    let extra = (
        maybe(span_ns(40).boxed()),
        maybe(span_ns(40).boxed()),
        proptest::bool::weighted(0.25),
        maybe(span_ns(30).boxed()),
    );
    (triggers(), open, extra, half_open(), span_ns(25)).prop_filter_map(
        "build() refuses it",
        |(
            (triggers, window),
            open,
            extra,
            (max_in_flight, trials, successes),
            probe_timeout_ns,
        )| {
            let (base_ns, cap_ns, growth, jitter) = open;
            let (calm_after_ns, advisory_cap_ns, until_healthy, ramp_ns) = extra;
            let plan = Plan {
                triggers,
                window,
                base_ns,
                cap_ns,
                growth,
                jitter,
                calm_after_ns,
                advisory_cap_ns,
                until_healthy,
                max_in_flight,
                trials,
                successes,
                probe_timeout_ns,
                ramp_ns,
            };
            plan.build().is_ok().then_some(plan)
        },
    )
}

// ---- calls

fn step() -> impl Strategy<Value = Step> {
    let off = || -1_i64..=1;
    prop_oneof![
        40 => Just(Step::Stay),
        20 => (0_u64..=6).prop_map(Step::On),
        6 => (0_u64..=100).prop_map(Step::On),
        8 => (0_u64..=6, off()).prop_map(|(ahead, off)| Step::Slice(ahead, off)),
        14 => off().prop_map(Step::Deadline),
        6 => off().prop_map(Step::Retry),
        6 => (0_usize..3, off()).prop_map(|(pick, off)| Step::Lease(pick, off)),
        3 => off().prop_map(Step::RampEnd),
        4 => (0_u64..=50).prop_map(Step::Back),
        1 => Just(Step::Year),
        1 => prop_oneof![3 => Just(Step::Year), 1 => Just(Step::End)],
    ]
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        20 => Just(Fact::Success),
        20 => Just(Fact::Failure),
        4 => Just(Fact::Ignored),
        1 => Just(Fact::Overloaded),
        1 => (0_u64..=60).prop_map(Fact::OverloadedFor),
        1 => prop_oneof![Just(0), Just(u64::MAX)].prop_map(Fact::OverloadedUntil),
    ]
}

fn latency_ns() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0_u64..=3, 6 => 0_u64..=16, 1 => Just(u64::MAX)]
}

fn deed() -> impl Strategy<Value = Deed> {
    let pick = || prop_oneof![4 => Just(0_usize), 4 => 0_usize..4, 1 => 0_usize..40];
    let report = || (pick(), fact(), latency_ns());
    let mode = prop_oneof![
        4 => Just(Mode::Normal),
        2 => Just(Mode::Observe),
        1 => Just(Mode::ForcedOpen),
        1 => Just(Mode::ForcedClosed),
    ];
    prop_oneof![
        40 => Just(Deed::Ask),
        40 => report().prop_map(|(pick, fact, ns)| Deed::Report(pick, fact, ns)),
        3 => report().prop_map(|(pick, fact, ns)| Deed::Again(pick, fact, ns)),
        2 => report().prop_map(|(pick, fact, ns)| Deed::Foreign(pick, fact, ns)),
        6 => Just(Deed::Poll),
        4 => prop_oneof![2 => Just(Health::Up), 1 => Just(Health::Down)].prop_map(Deed::Health),
        3 => mode.prop_map(Deed::Mode),
        1 => Just(Deed::Reset),
    ]
}

/// Half of the moves go anywhere, the other half go on through the phases: opens in a row, decays, ramps.
pub fn a_move() -> impl Strategy<Value = Move> {
    let pause = prop_oneof![3 => Just(Step::Onward), 1 => (1_u64..=9).prop_map(Step::On)];
    let onward = (pause, (fact(), latency_ns()))
        .prop_map(|(step, (fact, ns))| (step, Deed::Onward(fact, ns)));
    let any_word = any::<u64>();
    (prop_oneof![(step(), deed()), onward], any_word).prop_map(|((step, deed), seed)| Move {
        step,
        deed,
        seed,
    })
}

/// A policy and a sequence of calls that make sense for it.
pub fn script(moves: core::ops::Range<usize>) -> impl Strategy<Value = (Plan, Vec<Call>)> {
    (plan(), proptest::collection::vec(a_move(), moves)).prop_map(|(plan, moves)| {
        let mut world = World::new(plan.clone());
        let call = |a_move: &Move| {
            world.make(a_move);
            world.last.as_ref().expect("a call was made").0
        };
        let calls = moves.iter().map(call).collect();
        (plan, calls)
    })
}

/// So many cases, unless PROPTEST_CASES says otherwise.
pub fn cases(cases: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    let said = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if said { given.cases } else { cases },
        failure_persistence: None,
        ..given
    }
}
