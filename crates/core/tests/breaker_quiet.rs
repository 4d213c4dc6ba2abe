//! The short way of a call in closed against the long one: a copy of a breaker is promised nothing, so a breaker that is
//! copied before each call goes the long way always, and must answer as one that is not.

#[path = "breaker_common/mod.rs"]
mod breaker_common;

use evenkeel_core::breaker::{Breaker, Mode, Outcome, Window};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use breaker_common::pair::{Call, Real, What};
use breaker_common::plan::Plan;
use breaker_common::strategies::{cases, plan};

/// One call that is made and ends, or something rarer; mostly calls that succeed, so that windows fill up and are clear.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Call { outcome: Outcome, latency_ns: u64 },
    Again { outcome: Outcome },
    Mode(Mode),
    Reset,
}

fn turn() -> impl Strategy<Value = Turn> {
    let latency_ns = prop_oneof![9 => Just(0_u64), 1 => 0_u64..=16];
    let outcome = prop_oneof![
        30 => Just(Outcome::Success),
        4 => Just(Outcome::Failure),
        1 => Just(Outcome::Ignored),
    ];
    let again = prop_oneof![Just(Outcome::Success), Just(Outcome::Failure)];
    let mode = prop_oneof![
        Just(Mode::Normal),
        Just(Mode::Observe),
        Just(Mode::ForcedClosed),
    ];
    prop_oneof![
        60 => (outcome, latency_ns).prop_map(|(outcome, latency_ns)| Turn::Call { outcome, latency_ns }),
        2 => again.prop_map(|outcome| Turn::Again { outcome }),
        2 => mode.prop_map(Turn::Mode),
        1 => Just(Turn::Reset),
    ]
}

/// Turns with the time that passes before each.
fn turns() -> impl Strategy<Value = Vec<(u64, Turn)>> {
    let wait_ns = prop_oneof![6 => Just(0_u64), 3 => 0_u64..=3, 1 => 0_u64..=40];
    proptest::collection::vec((wait_ns, turn()), 1..250)
}

/// The same breaker twice, one of them without promises.
struct Both {
    hasty: Real,
    wary: Real,
    now_ns: u64,
    /// Reports made while there was a promise.
    promised: u32,
}

impl Both {
    fn new(plan: &Plan) -> Self {
        Self {
            hasty: Real::new(plan, 1),
            wary: Real::new(plan, 1),
            now_ns: 0,
            promised: 0,
        }
    }

    fn take(&mut self, wait_ns: u64, turn: Turn) {
        self.now_ns = self.now_ns.saturating_add(wait_ns);
        match turn {
            Turn::Call {
                outcome,
                latency_ns,
            } => {
                let before = self.hasty.permits.len();
                self.make(What::Ask);
                if let Some(grant) = self.hasty.permits.len().checked_sub(1) {
                    if grant >= before {
                        self.make(What::Report {
                            grant,
                            outcome,
                            latency_ns,
                        });
                    }
                }
            }
            Turn::Again { outcome } => {
                if let Some(grant) = self.hasty.permits.len().checked_sub(2) {
                    self.make(What::Report {
                        grant,
                        outcome,
                        latency_ns: 0,
                    });
                }
            }
            Turn::Mode(mode) => self.make(What::Mode(mode)),
            Turn::Reset => self.make(What::Reset),
        }
    }

    fn make(&mut self, what: What) {
        let call = Call {
            now_ns: self.now_ns,
            what,
            seed: self.now_ns,
        };
        let is_report = matches!(what, What::Report { .. });
        self.promised += u32::from(is_report && is_promised(&self.hasty.breaker));
        self.wary.breaker = self.wary.breaker.clone();
        assert!(
            !is_promised(&self.wary.breaker),
            "a copy is promised nothing"
        );
        let told = self.hasty.call(&call, &[]);
        assert_eq!(
            told,
            self.wary.call(&call, &[]),
            "{call:?}: hasty, then wary"
        );
        assert_eq!(
            self.hasty.breaker.state(),
            self.wary.breaker.state(),
            "{call:?}"
        );
    }
}

/// Nothing that a breaker answers depends on it, so only its debug text tells.
fn is_promised(breaker: &Breaker) -> bool {
    let text = format!("{breaker:?}");
    assert!(text.contains("quiet: Quiet("), "another name? {text}");
    !text.contains("quiet: Quiet(0)")
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_promise_changes_no_answer_and_no_state(plan in plan(), turns in turns()) {
        let mut both = Both::new(&plan);
        for (wait_ns, turn) in turns {
            both.take(wait_ns, turn);
        }
    }
}

/// Guards the test above: where nothing is promised it compares a breaker with itself.
#[test]
fn most_windows_come_to_a_promise() {
    let mut runner = TestRunner::deterministic();
    let (mut runs, mut promised) = ([0_u32; 3], [0_u32; 3]);
    for _ in 0..150 {
        let plan = plan().new_tree(&mut runner).expect("a plan").current();
        let turns = turns().new_tree(&mut runner).expect("turns").current();
        let kind = match plan.window {
            None => 0,
            Some(Window::Count { .. }) => 1,
            Some(_) => 2,
        };
        let mut both = Both::new(&plan);
        for (wait_ns, turn) in turns {
            both.take(wait_ns, turn);
        }
        runs[kind] += 1;
        promised[kind] += u32::from(both.promised > 10);
    }
    for (kind, name) in ["none", "of calls", "of time"].iter().enumerate() {
        assert!(
            promised[kind] * 4 > runs[kind],
            "{name}: {promised:?} of {runs:?}"
        );
    }
}

/// A failure just behind another one leaves a window of many words in its turn too, or later ones would be one too many.
#[cfg(feature = "alloc")]
#[test]
fn in_a_large_window_each_failure_leaves_in_its_turn() {
    use core::time::Duration;

    use evenkeel_core::backoff::BackoffPolicy;
    use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
    use rand_xoshiro::SplitMix64;
    use rand_xoshiro::rand_core::SeedableRng;

    let calls = 8_192;
    let wait = Duration::from_secs(1);
    let policy = BreakerPolicy::builder(BackoffPolicy::builder(wait), wait)
        .window(Window::Count { calls })
        .trigger(Trigger::Failures { failures: 3 });
    let mut breaker = Breaker::new(policy.build().expect("a policy"));
    let mut rng = SplitMix64::seed_from_u64(1);
    let mut call = |outcome| {
        let permit = breaker.try_acquire(0, &mut rng).expect("closed").permit;
        let _ = breaker.on_outcome(0, permit, outcome, 0, &mut rng);
    };
    for at in 0..calls {
        call(if at == 3 {
            Outcome::Failure
        } else {
            Outcome::Success
        });
    }
    call(Outcome::Failure);
    for _ in 0..calls {
        call(Outcome::Success);
    }
    // Both are out: it takes three to open it.
    for _ in 0..2 {
        call(Outcome::Failure);
    }
    assert_eq!(breaker.phase(0), Phase::Closed);
}
