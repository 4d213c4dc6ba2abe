//! Stored states are untrusted: whatever a file, another version or an attacker wrote, a breaker either refuses it or
//! keeps its promises.
#![cfg(feature = "serde")]

#[path = "breaker_common/mod.rs"]
mod breaker_common;
#[path = "common/places.rs"]
mod places;

use core::time::Duration;

use evenkeel_core::RestoreError;
use evenkeel_core::breaker::{
    Breaker, BreakerState, Health, Mode, Outcome, Permit, PermitId, Phase, Transitions, Trigger,
    Window,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use breaker_common::pair::{Call, Real, What};
use breaker_common::plan::Plan;
use breaker_common::strategies::{cases, script};
use breaker_common::words::Words;
use places::places;

/// The state after a script, as JSON.
fn stored(plan: &Plan, calls: &[Call]) -> Value {
    let mut real = Real::new(plan, 1);
    let mut strange = Real::new(plan, 2);
    for call in calls {
        let _ = strange.call(call, &real.permits);
        let _ = real.call(call, &strange.permits);
    }
    serde_json::to_value(real.breaker.state()).expect("plain data")
}

fn restored(plan: &Plan, state: Value) -> Option<Watch> {
    let clock_ns = state["clock"].as_u64();
    let state: BreakerState = serde_json::from_value(state).ok()?;
    let breaker = Breaker::restore(plan.build().expect("a policy"), state).ok()?;
    Some(Watch {
        breaker,
        plan: plan.clone(),
        clock_ns: clock_ns.expect("it was read, so it has a clock"),
        out: Vec::new(),
        probes: Vec::new(),
    })
}

// ---- damage

/// Everything that this value could have been instead.
fn wrong(value: &Value) -> Vec<Value> {
    let mut wrong = vec![Value::Null];
    match value {
        Value::Number(number) => {
            let n = number.as_u64().unwrap_or(0);
            let near = [
                n.wrapping_add(1),
                n.wrapping_sub(1),
                n / 2,
                n.wrapping_mul(2),
                n ^ (1 << 40),
            ];
            let ends = [
                0,
                1,
                2,
                63,
                64,
                65,
                u64::from(u32::MAX) - 1,
                u64::from(u32::MAX),
            ];
            let far = [
                1 << 32,
                (1 << 62) + 1,
                (1 << 63) - 1,
                1 << 63,
                u64::MAX - 1,
                u64::MAX,
            ];
            wrong.extend(near.into_iter().chain(ends).chain(far).map(|n| json!(n)));
            wrong.extend([json!(-1), json!(0.5), json!("0"), json!(true)]);
        }
        Value::String(_) => {
            let modes = ["normal", "observe", "forced-open", "forced-closed"];
            let others = [
                "up",
                "down",
                "closed",
                "open",
                "half-open",
                "none",
                "ring",
                "",
            ];
            wrong.extend(modes.into_iter().chain(others).map(|name| json!(name)));
        }
        Value::Null => wrong.extend([json!(0), json!(1), json!(u64::MAX), json!("up"), json!({})]),
        Value::Array(items) => {
            for at in 0..items.len() {
                let mut without = items.clone();
                let item = without.remove(at);
                wrong.push(json!(without));
                without.insert(at, item.clone());
                without.insert(at, item);
                wrong.push(json!(without));
            }
            let doubled = items.iter().chain(items).cloned().collect();
            let reversed = items.iter().rev().cloned().collect();
            wrong.extend([Value::Array(doubled), Value::Array(reversed), json!([])]);
        }
        Value::Object(fields) => {
            for name in fields.keys() {
                let mut without = fields.clone();
                let _ = without.remove(name);
                wrong.push(Value::Object(without));
            }
        }
        Value::Bool(_) => {}
    }
    wrong
}

fn stages() -> Vec<Value> {
    let open = |until_ns: Value| json!({"open": {"until_ns": until_ns}});
    let half_open = |passed: u32, failed: u32, leases: u32, next: u32| {
        json!({"half-open": {
            "passed": passed, "failed": failed, "leases": leases, "next": next, "reopen_word": 5_u64
        }})
    };
    let u = u32::MAX;
    vec![
        open(Value::Null),
        open(json!(0)),
        open(json!(u64::MAX)),
        half_open(0, 0, 0, 0),
        half_open(0, 0, 0, 1),
        half_open(0, 0, 0, u),
        half_open(0, 0, 0, u - 1),
        half_open(u, u, u, u),
        half_open(1, 1, 1, 2),
    ]
}

// ---- what a breaker promises, whatever it was restored from

struct Watch {
    breaker: Breaker,
    plan: Plan,
    /// The latest instant that the breaker saw.
    clock_ns: u64,
    out: Vec<PermitId>,
    /// The probes of this half-open phase that may still report: when each was let through.
    probes: Vec<(PermitId, u64)>,
}

impl Watch {
    fn noted(&mut self, made: Transitions, generation: u64) {
        assert!(made.len() <= 3);
        for (at, transition) in made.iter().enumerate() {
            assert_eq!(
                transition.generation,
                generation.wrapping_add(at as u64 + 1)
            );
            self.probes.clear();
        }
        assert_eq!(
            self.breaker.generation(),
            generation.wrapping_add(made.len() as u64)
        );
    }

    fn step(&mut self, words: &mut Words) {
        let (choice, step) = (words.next() % 12, words.next());
        let now_ns = match step % 5 {
            0 | 1 => self.clock_ns,
            2 => self.clock_ns.saturating_add(step % 20),
            3 => self.breaker.next_deadline_ns().unwrap_or(self.clock_ns),
            _ => self.clock_ns.saturating_sub(step % 9),
        };
        self.clock_ns = self.clock_ns.max(now_ns);
        let (clock_ns, timeout_ns) = (self.clock_ns, self.plan.probe_timeout_ns);
        self.probes
            .retain(|(_, at_ns)| at_ns.saturating_add(timeout_ns) > clock_ns);
        let generation = self.breaker.generation();
        match choice {
            0..=4 => self.ask(now_ns, words),
            5..=8 => self.report(now_ns, words),
            9 => {
                let made = self.breaker.poll(now_ns);
                self.noted(made, generation);
            }
            10 => {
                let made = self.breaker.on_health(now_ns, Health::Up);
                self.noted(made, generation);
            }
            _ => {
                let made = self.breaker.set_mode(now_ns, Mode::Normal);
                self.noted(made, generation);
            }
        }
        let _ = (
            self.breaker.phase(now_ns),
            self.breaker.stats(now_ns),
            self.breaker.peek(u64::MAX),
        );
        let state = self.breaker.state();
        let restored = Breaker::restore(*self.breaker.policy(), state);
        assert!(
            restored.is_ok(),
            "it does not take its own state: {restored:?}"
        );
    }

    fn ask(&mut self, now_ns: u64, words: &mut Words) {
        let generation = self.breaker.generation();
        match self.breaker.try_acquire(now_ns, words) {
            Ok(grant) => {
                self.noted(grant.transitions, generation);
                let id = grant.permit.id();
                self.out.push(id);
                let probing = self.breaker.phase(now_ns) == Phase::HalfOpen;
                if probing
                    && grant.would_refuse.is_none()
                    && self.breaker.mode() != Mode::ForcedClosed
                {
                    assert!(id.is_probe(), "a call in half-open that is no probe");
                    self.probes.push((id, self.clock_ns));
                }
                assert!(
                    self.probes.len() <= self.plan.max_in_flight as usize,
                    "too many probes"
                );
            }
            Err(refused) => self.noted(refused.transitions, generation),
        }
    }

    fn report(&mut self, now_ns: u64, words: &mut Words) {
        let generation = self.breaker.generation();
        let Some(id) = self.out.pop() else {
            let made = self.breaker.poll(now_ns);
            return self.noted(made, generation);
        };
        let outcome = match words.next() % 4 {
            0 => Outcome::Failure,
            1 => Outcome::Ignored,
            _ => Outcome::Success,
        };
        let permit = Permit::from_id(id);
        let receipt = self
            .breaker
            .on_outcome(now_ns, permit, outcome, words.next(), words);
        self.probes.retain(|(probe, _)| *probe != id);
        self.noted(receipt.transitions(), generation);
    }

    /// A hundred calls, then by waiting and succeeding back to closed, if the clock is not at its end.
    fn keeps_its_promises(mut self, seed: u64) {
        let mut words = Words::of(seed);
        for _ in 0..100 {
            self.step(&mut words);
        }
        let _ = self.breaker.set_mode(self.clock_ns, Mode::Normal);
        let _ = self.breaker.on_health(self.clock_ns, Health::Up);
        for _ in 0..64 {
            let clock_ns = self.clock_ns;
            match self.breaker.try_acquire(clock_ns, &mut words) {
                Err(refused) => match refused.retry_at_ns() {
                    Some(at_ns) => self.clock_ns = at_ns,
                    None => {
                        assert!(
                            clock_ns > 1 << 61,
                            "held for good: {:?}",
                            self.breaker.state()
                        );
                        return;
                    }
                },
                Ok(grant) => {
                    let _ = self.breaker.on_outcome(
                        clock_ns,
                        grant.permit,
                        Outcome::Success,
                        0,
                        &mut words,
                    );
                    if self.breaker.phase(clock_ns) == Phase::Closed {
                        return;
                    }
                }
            }
        }
        panic!("wedged: {:?}", self.breaker.state());
    }
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn one_damaged_place_is_refused_or_harmless(
        (plan, calls) in script(1..60),
        seed in any::<u64>(),
        picks in proptest::collection::vec((any::<Index>(), any::<Index>()), 24),
    ) {
        let state = stored(&plan, &calls);
        let paths = places(&state);
        for (place, change) in picks {
            let path = &paths[place.index(paths.len())];
            let mut damaged = state.clone();
            let target = damaged.pointer_mut(path).expect("the path was found there");
            let others = wrong(target);
            *target = others[change.index(others.len())].clone();
            if let Some(watch) = restored(&plan, damaged) {
                watch.keeps_its_promises(seed);
            }
        }
    }

    #[test]
    fn another_stage_is_refused_or_harmless((plan, calls) in script(1..40), seed in any::<u64>()) {
        let state = stored(&plan, &calls);
        for stage in stages() {
            for clear in [false, true] {
                let mut damaged = state.clone();
                damaged["stage"] = stage.clone();
                if clear {
                    // As many words as before, all zero.
                    let len = damaged["words"][0].clone();
                    damaged["words"] = json!([len]);
                }
                if let Some(watch) = restored(&plan, damaged) {
                    watch.keeps_its_promises(seed);
                }
            }
        }
    }

    #[test]
    fn another_policys_state_is_refused_or_harmless(
        (plan, calls) in script(1..60),
        (other, _) in script(1..2),
        seed in any::<u64>(),
    ) {
        if let Some(watch) = restored(&other, stored(&plan, &calls)) {
            watch.keeps_its_promises(seed);
        }
    }
}

#[test]
fn a_state_of_another_version_is_refused_by_name() {
    let plan = Plan::small(Trigger::Consecutive { failures: 1 });
    for version in [0, 2, u16::MAX] {
        let mut state = stored(&plan, &[]);
        state["version"] = json!(version);
        let error = serde_json::from_value::<BreakerState>(state).expect_err("another version");
        let expected = RestoreError::Version {
            found: version,
            expected: 1,
        };
        assert_eq!(error.to_string(), expected.to_string());
    }
}

/// After a script by hand, the state with one thing replaced.
fn refused_with(plan: &Plan, whats: &[(u64, What)], path: &str, value: Value) -> RestoreError {
    let call = |(now_ns, what): &(u64, What)| Call {
        now_ns: *now_ns,
        what: *what,
        seed: 0,
    };
    let calls: Vec<Call> = whats.iter().map(call).collect();
    let mut state = stored(plan, &calls);
    let target = state
        .pointer_mut(path)
        .unwrap_or_else(|| panic!("{path} is there"));
    assert_ne!(*target, value, "{path} is damaged");
    *target = value;
    let state: BreakerState = serde_json::from_value(state).expect("well formed");
    Breaker::restore(plan.build().expect("a policy"), state).expect_err("damaged")
}

fn failed(grant: usize) -> What {
    What::Report {
        grant,
        outcome: Outcome::Failure,
        latency_ns: 1,
    }
}

#[test]
fn a_window_that_does_not_add_up_is_refused() {
    let mut plan = Plan::small(Trigger::Failures { failures: 4 });
    let calls = [
        (5, What::Ask),
        (5, failed(0)),
        (15, failed(0)),
        (15, failed(0)),
    ];
    plan.window = Some(Window::Count { calls: 4 });
    for (place, value) in [("0", 2), ("1", 1), ("2", 2), ("2", 0), ("3", 1)] {
        let path = format!("/stage/closed/results/ring/{place}");
        let error = refused_with(&plan, &calls, &path, json!(value));
        assert!(
            matches!(error, RestoreError::Corrupt { .. }),
            "{path} {value}: {error}"
        );
    }
    plan.window = Some(Window::Time {
        span: Duration::from_nanos(30),
        slices: 3,
    });
    for (place, value) in [("calls", 2), ("index", 2), ("counts/0", 2), ("counts/1", 1)] {
        let path = format!("/stage/closed/results/slices/{place}");
        let error = refused_with(&plan, &calls, &path, json!(value));
        assert!(
            matches!(error, RestoreError::Corrupt { .. }),
            "{path} {value}: {error}"
        );
    }
}

#[test]
fn a_window_that_counts_what_was_before_the_first_instant_is_refused() {
    let mut plan = Plan::small(Trigger::Failures { failures: 4 });
    plan.window = Some(Window::Time {
        span: Duration::from_nanos(30),
        slices: 3,
    });
    // One call in slice 0, moved to the last place, which is that of slice -1.
    let refused =
        |words: Value| refused_with(&plan, &[(5, What::Ask), (5, failed(0))], "/words", words);
    let one_failed_call = 1_u64 << 32 | 1;
    let RestoreError::Corrupt { .. } = refused(json!([3, 0, 2, one_failed_call])) else {
        panic!("it is of another kind")
    };
}

#[test]
fn probes_that_do_not_add_up_are_refused() {
    let mut plan = Plan::small(Trigger::Failures { failures: 1 });
    plan.window = Some(Window::Count { calls: 1 });
    (plan.max_in_flight, plan.trials) = (2, 3);
    let calls = [
        (0, What::Ask),
        (0, failed(0)),
        (10, What::Ask),
        (11, What::Ask),
    ];
    // The words: how many there are, then the end and the number of each probe.
    let damages = [
        ("/words/1", 18),
        ("/words/2", 2),
        ("/words/3", 18),
        ("/words/4", 1),
        ("/words/4", 3),
        ("/stage/half-open/leases", 1),
        ("/stage/half-open/leases", 3),
        ("/stage/half-open/next", 2),
        ("/stage/half-open/failed", 3),
        ("/stage/half-open/passed", 2),
        ("/clock", 8),
    ];
    for (path, value) in damages {
        let error = refused_with(&plan, &calls, path, json!(value));
        assert!(
            !matches!(error, RestoreError::Version { .. }),
            "{path} {value}: {error}"
        );
    }
}
