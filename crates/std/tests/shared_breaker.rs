//! Used from one thread, a shared breaker answers as the core's does, whatever happens in whatever order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerBuilder, BreakerPolicy, Grant, Health, Mode, Outcome, Permit, Phase,
    Transition, Transitions, Trigger, Window,
};
use evenkeel_core::{Quantile, Ratio};
use evenkeel_std::driver::PlainLeave;
use evenkeel_std::{CallError, Clock, Guard, SharedBreaker, Stream, Streams, TestClock};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Ask,
    /// Takes the leave that everybody is given, if it is.
    AskPlain,
    Report {
        which: usize,
        outcome: Outcome,
        latency_ns: u64,
    },
    Drop(usize),
    /// Many plain calls in a row, as healthy traffic is.
    Healthy(u64),
    Mode(Mode),
    Health(Health),
    Reset,
    Poll,
    /// Stored and restored.
    Restart,
}

const fn ns(span: u64) -> Duration {
    Duration::from_nanos(span)
}

fn triggers() -> impl Strategy<Value = Vec<Trigger>> {
    let rate = || (1_u32..=100).prop_map(Ratio::percent);
    let one = prop_oneof![
        (1_u32..4).prop_map(|failures| Trigger::Consecutive { failures }),
        (1_u32..6).prop_map(|failures| Trigger::Failures { failures }),
        (rate(), 1_u32..8).prop_map(|(at_least, min_calls)| Trigger::FailureRate {
            at_least,
            min_calls
        }),
        (10_u64..30, rate(), 1_u32..8).prop_map(|(limit, at_least, min_calls)| {
            Trigger::SlowRate {
                slower_than: ns(limit),
                at_least,
                min_calls,
            }
        }),
        (10_u64..30, 1_u32..8).prop_map(|(limit, min_calls)| Trigger::Latency {
            quantile: Quantile::P50,
            above: ns(limit),
            min_calls,
        }),
    ];
    prop_oneof![
        2 => (1_u32..4).prop_map(|failures| vec![Trigger::Consecutive { failures }]),
        3 => proptest::collection::vec(one, 1..4),
    ]
}

fn policies() -> impl Strategy<Value = BreakerPolicy> {
    let window = prop_oneof![
        (8_u32..12).prop_map(|calls| Window::Count { calls }),
        (1_u32..4).prop_map(|slices| Window::Time {
            span: ns(50 * u64::from(slices)),
            slices
        }),
    ];
    let probation = (1_u32..3, 1_u32..4, any::<bool>());
    let rest = (any::<bool>(), prop::option::of(1_u64..300), any::<bool>());
    (triggers(), window, probation, rest).prop_map(|(triggers, window, probation, rest)| {
        let jitter = if rest.0 { Jitter::Full } else { Jitter::None };
        let open = BackoffPolicy::builder(ns(100))
            .cap(ns(1_000))
            .jitter(jitter);
        let mut builder: BreakerBuilder = BreakerPolicy::builder(open, ns(120));
        if triggers
            .iter()
            .any(|trigger| !matches!(trigger, Trigger::Consecutive { .. }))
        {
            builder = builder.window(window);
        }
        for trigger in triggers {
            builder = builder.trigger(trigger);
        }
        let (in_flight, trials, until_healthy) = probation;
        builder = builder.max_in_flight(in_flight).trials(trials);
        builder = builder.until_healthy(until_healthy && rest.2);
        if let Some(ramp) = rest.1 {
            builder = builder.ramp(ns(ramp));
        }
        builder.build().expect("a valid policy")
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        6 => Just(Outcome::Success),
        4 => Just(Outcome::Failure),
        1 => Just(Outcome::Ignored),
        1 => prop::option::of(0_u64..3_000)
            .prop_map(|retry_at_ns| Outcome::Overloaded { retry_at_ns }),
    ];
    let mode = prop_oneof![
        2 => Just(Mode::Normal),
        1 => Just(Mode::Observe),
        1 => Just(Mode::ForcedOpen),
        1 => Just(Mode::ForcedClosed),
    ];
    let step = prop_oneof![
        20 => (0_u64..150).prop_map(Step::Pass),
        20 => Just(Step::Ask),
        10 => Just(Step::AskPlain),
        30 => (any::<usize>(), outcome, 0_u64..40).prop_map(|(which, outcome, latency_ns)| {
            Step::Report { which, outcome, latency_ns }
        }),
        3 => any::<usize>().prop_map(Step::Drop),
        8 => (1_u64..20).prop_map(Step::Healthy),
        1 => Just(Step::Healthy(3_000)),
        2 => mode.prop_map(Step::Mode),
        2 => prop_oneof![Just(Health::Up), Just(Health::Down)].prop_map(Step::Health),
        1 => Just(Step::Reset),
        3 => Just(Step::Poll),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..120)
}

/// Leave of the shared breaker.
enum Held {
    Guard(Guard<'static, TestClock>),
    Plain { leave: PlainLeave, began_ns: u64 },
}

/// Both breakers, side by side.
struct Pair {
    clock: TestClock,
    shared: SharedBreaker<TestClock>,
    core: Breaker,
    rng: Stream,
    held: Vec<(Held, Permit)>,
    made: Vec<Transition>,
    heard: Arc<Mutex<Vec<Transition>>>,
    count_all: bool,
    /// From before a restart: what the shared breaker has counted since is compared.
    restarts: u32,
}

impl Pair {
    fn new(policy: BreakerPolicy, count_all: bool) -> Self {
        let clock = TestClock::new();
        let shared = SharedBreaker::builder(policy)
            .clock(clock.clone())
            .streams(&Streams::seeded(9))
            .count_all(count_all)
            .stripes(2)
            .build();
        let heard = Arc::default();
        let pair = Self {
            clock,
            shared,
            core: Breaker::new(policy),
            rng: Streams::seeded(9).next(),
            held: Vec::new(),
            made: Vec::new(),
            heard,
            count_all,
            restarts: 0,
        };
        pair.listen();
        pair
    }

    fn listen(&self) {
        let heard = Arc::clone(&self.heard);
        self.shared
            .on_transition(move |made| heard.lock().expect("no panic").push(made));
    }

    fn ask(&mut self) {
        let now_ns = self.clock.now_ns();
        let ours = self.shared.try_acquire_owned();
        let theirs = self.core.try_acquire(now_ns, &mut self.rng);
        match (ours, theirs) {
            (Ok(guard), Ok(grant)) => {
                let Grant {
                    permit,
                    would_refuse,
                    transitions,
                } = grant;
                assert_eq!(guard.would_refuse(), would_refuse);
                assert_eq!(guard.is_probe(), permit.id().is_probe());
                self.made.extend(transitions);
                self.held.push((Held::Guard(guard), permit));
            }
            (Err(ours), Err(theirs)) => {
                assert_eq!(ours, theirs);
                self.made.extend(theirs.transitions);
            }
            (ours, theirs) => panic!("{ours:?}, but the core {theirs:?}"),
        }
    }

    fn ask_plain(&mut self) {
        let Some(leave) = PlainLeave::take(&self.shared) else {
            return;
        };
        let began_ns = self.clock.now_ns();
        let grant = self.core.try_acquire(began_ns, &mut self.rng);
        let grant = grant.expect("everybody is given leave");
        assert!(grant.would_refuse.is_none() && !grant.permit.id().is_probe());
        self.made.extend(grant.transitions);
        self.held
            .push((Held::Plain { leave, began_ns }, grant.permit));
    }

    fn report(&mut self, which: usize, outcome: Outcome, latency_ns: u64) {
        if self.held.is_empty() {
            return;
        }
        let now_ns = self.clock.now_ns();
        let (held, permit) = self.held.swap_remove(which % self.held.len());
        let core = |latency_ns| {
            self.core
                .on_outcome(now_ns, permit, outcome, latency_ns, &mut self.rng)
        };
        let theirs = match held {
            Held::Guard(guard) => {
                let theirs = core(latency_ns);
                assert_eq!(guard.outcome_after(outcome, ns(latency_ns)), theirs);
                theirs
            }
            Held::Plain { leave, began_ns } => {
                leave.tell(&self.shared, outcome);
                core(now_ns - began_ns)
            }
        };
        self.made.extend(theirs.transitions());
    }

    /// One plain call, which takes no time.
    fn call(&mut self) {
        let now_ns = self.clock.now_ns();
        let ours = self.shared.call(|| Ok::<_, ()>(()));
        match self.core.try_acquire(now_ns, &mut self.rng) {
            Ok(Grant {
                permit,
                transitions,
                ..
            }) => {
                assert_eq!(ours, Ok(()));
                let told = self
                    .core
                    .on_outcome(now_ns, permit, Outcome::Success, 0, &mut self.rng);
                self.made
                    .extend(transitions.into_iter().chain(told.transitions()));
            }
            Err(refused) => {
                assert_eq!(ours, Err(CallError::Refused(refused)));
                self.made.extend(refused.transitions);
            }
        }
    }

    fn told(&mut self, ours: Transitions, theirs: Transitions) {
        assert_eq!(ours, theirs);
        self.made.extend(theirs);
    }

    fn step(&mut self, step: Step) {
        let now_ns = self.clock.now_ns();
        match step {
            Step::Pass(span) => self.clock.advance(ns(span)),
            Step::Ask => self.ask(),
            Step::AskPlain => self.ask_plain(),
            Step::Report {
                which,
                outcome,
                latency_ns,
            } => self.report(which, outcome, latency_ns),
            Step::Drop(which) => {
                if !self.held.is_empty() {
                    let (held, permit) = self.held.swap_remove(which % self.held.len());
                    match held {
                        Held::Guard(guard) => drop(guard),
                        Held::Plain { leave, .. } => leave.tell(&self.shared, Outcome::Ignored),
                    }
                    let told =
                        self.core
                            .on_outcome(now_ns, permit, Outcome::Ignored, 0, &mut self.rng);
                    self.made.extend(told.transitions());
                }
            }
            Step::Healthy(calls) => {
                for _ in 0..calls {
                    self.call();
                }
            }
            Step::Mode(mode) => {
                let theirs = self.core.set_mode(now_ns, mode);
                self.told(self.shared.set_mode(mode), theirs);
            }
            Step::Health(health) => {
                let theirs = self.core.on_health(now_ns, health);
                self.told(self.shared.on_health(health), theirs);
            }
            Step::Reset => {
                let theirs = self.core.reset(now_ns);
                self.told(self.shared.reset(), theirs);
            }
            Step::Poll => {
                let theirs = self.core.poll(now_ns);
                self.told(self.shared.poll(), theirs);
            }
            Step::Restart => self.restart(),
        }
        self.compare();
    }

    fn restart(&mut self) {
        // The words of the restored one begin anew; guards that are out stay with the old one.
        let ours = SharedBreaker::builder(*self.core.policy())
            .clock(self.clock.clone())
            .streams(&Streams::seeded(9))
            .count_all(self.count_all)
            .restore(self.shared.state());
        self.held.clear();
        self.shared = ours.expect("its own state");
        self.rng = Streams::seeded(9).next();
        // What the guards did when they were dropped did not reach the one restored.
        self.core =
            Breaker::restore(*self.core.policy(), self.shared.state()).expect("its own state");
        self.heard.lock().expect("no panic").clear();
        self.made.clear();
        self.restarts += 1;
        self.listen();
    }

    fn compare(&self) {
        let now_ns = self.clock.now_ns();
        let (ours, theirs) = (&self.shared, &self.core);
        assert_eq!(ours.phase(), theirs.phase(now_ns));
        assert_eq!(ours.peek(), theirs.peek(now_ns));
        assert_eq!(ours.mode(), theirs.mode());
        assert_eq!(ours.generation(), theirs.generation());
        assert_eq!(ours.consecutive_opens(), theirs.consecutive_opens());
        assert_eq!(ours.next_deadline_ns(), theirs.next_deadline_ns());
        assert_eq!(*self.heard.lock().expect("no panic"), self.made);
    }

    /// What only a locked look can tell: not at every step, or the way without a lock would hardly be walked.
    fn compare_all(&self) {
        let now_ns = self.clock.now_ns();
        let (ours, theirs) = (&self.shared, &self.core);
        assert_eq!(ours.consecutive_failures(), theirs.consecutive_failures());
        assert_eq!(ours.window(), theirs.window(now_ns));
        let (mut ours, theirs) = (ours.stats(), theirs.stats(now_ns));
        let in_closed = |permit: &Permit| permit.id().to_words()[1] & 0xffff_ffff == 0;
        let held = self
            .held
            .iter()
            .filter(|(_, permit)| in_closed(permit))
            .count();
        ours.admitted += held as u64;
        let counts_windows = self.core.policy().window().is_some();
        if !(self.count_all || counts_windows) {
            assert!(ours.admitted <= theirs.admitted && ours.successes <= theirs.successes);
            (ours.admitted, ours.successes) = (theirs.admitted, theirs.successes);
        }
        assert_eq!(ours, theirs);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn one_thread_is_answered_as_by_the_core(
        policy in policies(),
        count_all in any::<bool>(),
        steps in steps(),
        looks in any::<u64>(),
    ) {
        let mut pair = Pair::new(policy, count_all);
        for (at, step) in steps.into_iter().enumerate() {
            pair.step(step);
            if (looks >> (at % 64)) & 7 == 7 {
                pair.compare_all();
            }
        }
        pair.compare_all();
    }
}

/// A panic in a call drops its guard, which opens the breaker: a second panic on the way would end the process.
#[test]
fn a_listener_that_panics_while_a_call_panics_does_not_end_the_process() {
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 1 });
    let breaker = SharedBreaker::new(policy.build().expect("a valid policy"));
    breaker.on_transition(|_| panic!("the listener's own"));
    let call = || {
        let _guard = breaker.try_acquire().expect("closed");
        panic!("the call's");
    };
    let panic =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).expect_err("it panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the call's"));
    assert_eq!(breaker.phase(), Phase::Open);
}
