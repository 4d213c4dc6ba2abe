//! Every sequence of up to seven inputs, on breakers small enough that this is all there is to them: each answer
//! compared with the reference, and what must hold everywhere checked everywhere.
//!
//! An input that changes nothing (a report with no call out, a step to a deadline that is not there) is left out: the
//! sequence is then a shorter one that was walked already.

#[path = "breaker_common/mod.rs"]
mod breaker_common;

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{Growth, Jitter};
use evenkeel_core::breaker::{Health, Mode, Outcome, Phase, Trigger, Window};

use breaker_common::pair::{Call, Real, What, ask_reference};
use breaker_common::plan::Plan;
use breaker_common::reference::Reference;
use breaker_common::told::{Answer, Told};

const LENGTH: usize = 7;

#[derive(Clone, Copy, Debug)]
enum Input {
    Ask,
    OldestSucceeds,
    OldestFails,
    NewestSucceedsSlowly,
    OldestIsOverloaded,
    /// Its caller forgets the oldest permit.
    OldestIsDropped,
    /// The clock goes on to the next deadline, else by a whole wait.
    ToDeadline,
    /// The clock goes on by half a wait.
    HalfStep,
    Mode(Mode),
    Up,
}

const PLAIN: [Input; 6] = [
    Input::Ask,
    Input::OldestSucceeds,
    Input::OldestFails,
    Input::OldestIsDropped,
    Input::ToDeadline,
    Input::HalfStep,
];

/// A place in the tree of all sequences.
#[derive(Clone)]
struct Place {
    real: Real,
    model: Reference,
    now_ns: u64,
    /// The calls that are out and will be reported.
    out: Vec<usize>,
    /// When each probe of this half-open phase was let through, and whether it reported that it does not count.
    probes: Vec<(usize, bool)>,
    generation: u64,
}

struct Walk {
    plan: Plan,
    inputs: Vec<Input>,
    places: u64,
    closed_again: u64,
}

impl Walk {
    /// All sequences that begin with `first`.
    fn all(plan: Plan, first: &[Input], inputs: &[Input]) -> Self {
        let mut start = Place {
            real: Real::new(&plan, 1),
            model: Reference::new(plan.clone()),
            now_ns: 0,
            out: Vec::new(),
            probes: Vec::new(),
            generation: 0,
        };
        for input in first {
            let call = start.call(*input, plan.base_ns).expect("it fits here");
            start.make(*input, &call, first);
        }
        let mut walk = Self {
            plan,
            inputs: inputs.to_vec(),
            places: 0,
            closed_again: 0,
        };
        walk.from(&start, &mut Vec::new(), LENGTH);
        walk
    }

    fn from(&mut self, place: &Place, path: &mut Vec<Input>, inputs_left: usize) {
        if inputs_left == 0 {
            return;
        }
        for input in self.inputs.clone() {
            let Some(call) = place.call(input, self.plan.base_ns) else {
                continue;
            };
            let mut next = place.clone();
            path.push(input);
            next.make(input, &call, path);
            next.check(&self.plan, path);
            self.places += 1;
            self.closed_again +=
                u64::from(next.generation >= 3 && next.model.phase() == Phase::Closed);
            self.from(&next, path, inputs_left - 1);
            path.pop();
        }
    }
}

impl Place {
    /// The call that the input is here, if it is any.
    fn call(&self, input: Input, wait_ns: u64) -> Option<Call> {
        let report = |grant: Option<&usize>, outcome, latency_ns| {
            Some(What::Report {
                grant: *grant?,
                outcome,
                latency_ns,
            })
        };
        let (oldest, newest) = (self.out.first(), self.out.last());
        let overloaded = Outcome::Overloaded {
            retry_at_ns: Some(self.now_ns + wait_ns + 3),
        };
        let (on_ns, what) = match input {
            Input::Ask => (0, What::Ask),
            Input::OldestSucceeds => (0, report(oldest, Outcome::Success, 1)?),
            Input::OldestFails => (0, report(oldest, Outcome::Failure, 1)?),
            Input::NewestSucceedsSlowly => (0, report(newest, Outcome::Success, 99)?),
            Input::OldestIsOverloaded => (0, report(oldest, overloaded, 1)?),
            Input::OldestIsDropped => oldest.map(|_| (0, What::Poll))?,
            Input::ToDeadline => {
                let at_ns = self.model.standing().next_deadline_ns;
                (
                    at_ns.map_or(wait_ns, |at_ns| at_ns.saturating_sub(self.now_ns)),
                    What::Poll,
                )
            }
            Input::HalfStep => (wait_ns / 2, What::Poll),
            Input::Mode(mode) => (0, What::Mode(mode)),
            Input::Up => (0, What::Health(Health::Up)),
        };
        Some(Call {
            now_ns: self.now_ns + on_ns,
            what,
            seed: 3,
        })
    }

    fn make(&mut self, input: Input, call: &Call, path: &[Input]) {
        let expected = ask_reference(&mut self.model, call);
        let told = self.real.call(call, &[]);
        assert_eq!(told, expected, "{path:?}: real, then reference");
        assert_eq!(self.real.standing(), self.model.standing(), "{path:?}");
        let sights = (self.real.sight(call.now_ns), self.model.sight(call.now_ns));
        assert_eq!(sights.0, sights.1, "{path:?}: real, then reference");
        self.now_ns = call.now_ns;
        match input {
            Input::OldestIsDropped => drop(self.out.remove(0)),
            _ => self.remember(call, &told),
        }
    }

    fn remember(&mut self, call: &Call, told: &Told) {
        if let Some(made) = told.made.last() {
            self.generation = made.generation;
            self.probes.clear();
        }
        match (told.answer.clone(), call.what) {
            (Answer::Granted { is_probe, .. }, _) => {
                let grant = self.model.granted() - 1;
                self.out.push(grant);
                if is_probe {
                    self.probes.push((grant, true));
                }
            }
            (answer, What::Report { grant, .. }) => {
                self.out.retain(|out| *out != grant);
                if answer == Answer::Released {
                    self.probes.retain(|(probe, _)| *probe != grant);
                }
            }
            _ => {}
        }
    }

    fn check(&self, plan: &Plan, path: &[Input]) {
        let in_flight = self.model.in_flight();
        assert!(
            in_flight <= plan.max_in_flight as usize,
            "{path:?}: too many probes at a time"
        );
        let let_through = self.probes.len();
        assert!(
            let_through <= plan.trials as usize,
            "{path:?}: more probes than can count"
        );
        self.check_way_back(path);
    }

    /// By waiting as told and succeeding, everything comes back to closed, in a bounded number of asks.
    fn check_way_back(&self, path: &[Input]) {
        let mut real = self.real.clone();
        let mut now_ns = self.now_ns;
        let mut make = |now_ns, what| {
            let call = Call {
                now_ns,
                what,
                seed: 3,
            };
            let told = real.call(&call, &[]);
            (told.answer, real.permits.len(), real.breaker.phase(now_ns))
        };
        let _ = make(now_ns, What::Mode(Mode::Normal));
        let _ = make(now_ns, What::Health(Health::Up));
        for _ in 0..24 {
            match make(now_ns, What::Ask) {
                (Answer::Refused(no), ..) => {
                    let at_ns = no.retry_at_ns.expect("a way back is known");
                    assert!(at_ns > now_ns, "{path:?}: waiting is no progress");
                    now_ns = at_ns;
                }
                (_, granted, _) => {
                    let success = What::Report {
                        grant: granted - 1,
                        outcome: Outcome::Success,
                        latency_ns: 1,
                    };
                    if make(now_ns, success).2 == Phase::Closed {
                        return;
                    }
                }
            }
        }
        panic!("{path:?}: wedged");
    }
}

fn explored(plan: &Plan, inputs: &[Input]) {
    let walk = Walk::all(plan.clone(), &[], inputs);
    assert!(walk.places > 5_000, "only {} places", walk.places);
    assert!(walk.closed_again > 0, "it never closed again");
}

/// Two failures, a wait: the same from where half-open begins.
const TO_HALF_OPEN: [Input; 5] = [
    Input::Ask,
    Input::Ask,
    Input::OldestFails,
    Input::OldestFails,
    Input::ToDeadline,
];

#[test]
fn two_failures_in_a_row_in_every_order_of_seven_inputs() {
    let plan = Plan::small(Trigger::Consecutive { failures: 2 });
    explored(&plan, &PLAIN);
}

#[test]
fn half_of_the_last_three_in_every_order_of_seven_inputs() {
    let mut plan = Plan::small(Trigger::FailureRate {
        at_least: Ratio::new(1, 2).expect("a half"),
        min_calls: 1,
    });
    plan.window = Some(Window::Count { calls: 3 });
    explored(&plan, &PLAIN);
}

#[test]
fn three_trials_two_at_a_time_in_every_order_of_seven_inputs() {
    let mut plan = Plan::small(Trigger::Consecutive { failures: 1 });
    (plan.max_in_flight, plan.trials, plan.successes) = (2, 3, 2);
    explored(&plan, &PLAIN);
    plan.triggers = vec![Trigger::Consecutive { failures: 2 }];
    let walk = Walk::all(plan, &TO_HALF_OPEN, &PLAIN);
    assert!(
        walk.closed_again > 1_000,
        "closed again {} times",
        walk.closed_again
    );
}

#[test]
fn overloads_slow_calls_and_growing_waits_in_every_order_of_seven_inputs() {
    let slow = Trigger::SlowRate {
        slower_than: Duration::from_nanos(50),
        at_least: Ratio::ONE,
        min_calls: 1,
    };
    let mut plan = Plan::small(slow);
    plan.window = Some(Window::Time {
        span: Duration::from_nanos(10),
        slices: 2,
    });
    plan.growth = Growth::Exponential { factor: Ratio::TWO };
    plan.jitter = Jitter::Equal;
    plan.calm_after_ns = Some(15);
    plan.ramp_ns = Some(8);
    let inputs = [
        Input::Ask,
        Input::OldestSucceeds,
        Input::NewestSucceedsSlowly,
        Input::OldestIsOverloaded,
        Input::ToDeadline,
        Input::HalfStep,
    ];
    explored(&plan, &inputs);
}

#[test]
fn an_operators_modes_in_every_order_of_seven_inputs() {
    let mut plan = Plan::small(Trigger::Consecutive { failures: 1 });
    plan.until_healthy = true;
    let inputs = [
        Input::Ask,
        Input::OldestFails,
        Input::OldestSucceeds,
        Input::ToDeadline,
        Input::Up,
        Input::Mode(Mode::Normal),
        Input::Mode(Mode::ForcedOpen),
        Input::Mode(Mode::ForcedClosed),
    ];
    let walk = Walk::all(plan, &[], &inputs);
    assert!(walk.places > 5_000, "only {} places", walk.places);
}
