//! One model for all estimators: the reference keeps the whole history in a list and recomputes everything from
//! scratch; the estimator must agree after every step, whatever the values, the clock and the restores.

use std::fmt::Debug;
use std::marker::PhantomData;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

/// An estimator as the model sees it.
pub(crate) trait Subject: Sized + Debug + Clone + PartialEq + 'static {
    type Policy: Clone + Debug + 'static;
    /// Whether answers depend on the time: then they are checked at later instants too.
    const AGES: bool;
    fn policies() -> BoxedStrategy<Self::Policy>;
    fn new(policy: &Self::Policy) -> Self;
    fn record(&mut self, now_ns: u64, value: u64);
    fn clear(&mut self);
    fn restored(&self, policy: &Self::Policy) -> Self;
    /// What `history` leaves in the estimator at `now_ns`, oldest first. Times in it never go back.
    fn live(policy: &Self::Policy, history: &[(u64, u64)], now_ns: u64) -> Vec<u64>;
    /// Asks everything there is to ask at `now_ns`, of which `live` are the values in order of arrival.
    fn check(&self, policy: &Self::Policy, now_ns: u64, live: &[u64]);
}

/// Half of the usual number of runs: a run asks everything after every step.
pub(crate) fn config() -> Config {
    let usual = Config::default();
    Config {
        cases: usual.cases.div_ceil(2),
        ..usual
    }
}

/// The values of `history`, the last `n` of them.
pub(crate) fn last(history: &[(u64, u64)], n: u32) -> Vec<u64> {
    let from = history.len().saturating_sub(n as usize);
    history[from..].iter().map(|&(_, value)| value).collect()
}

/// What makes two windows of so many values equal: their policy, and what leaves next.
#[cfg(feature = "alloc")]
pub(crate) fn check_equality<S: Subject>(window: impl Fn(u32) -> S) {
    let holding = |size: u32, values: &[u64]| {
        let mut window = window(size);
        values.iter().for_each(|&value| window.record(0, value));
        window
    };
    let one = holding(3, &[10, 20, 30]);
    assert_eq!(one, holding(3, &[5, 10, 20, 30]), "5 has left");
    assert_ne!(one, holding(3, &[10, 30, 20]), "another one leaves first");
    assert_ne!(one, holding(3, &[10, 20]));
    let roomy = holding(4, &[10, 20, 30]);
    assert_ne!(one, roomy, "the next value takes no place");
}

#[derive(Clone, Debug)]
pub(crate) struct Reference<P> {
    policy: P,
    /// Since the last clear, with the times as an estimator must see them.
    history: Vec<(u64, u64)>,
    now_ns: u64,
    latest_ns: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Record(Tick, u64),
    /// The same value many times at one instant: fills windows and moves them on.
    Burst(u64, u8),
    Clear,
    Restore,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Tick {
    Forward(u64),
    Back(u64),
    To(u64),
}

impl<P> Reference<P> {
    fn tick(&mut self, tick: Tick) {
        self.now_ns = match tick {
            Tick::Forward(ns) => self.now_ns.saturating_add(ns),
            Tick::Back(ns) => self.now_ns.saturating_sub(ns),
            Tick::To(now_ns) => now_ns,
        };
        self.latest_ns = self.latest_ns.max(self.now_ns);
    }
}

fn values() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0_u64..600,
        2 => 0_u64..4,
        2 => any::<u64>(),
        2 => (0_u32..64, -1_i64..=1).prop_map(|(bit, by)| (1_u64 << bit).wrapping_add_signed(by)),
        1 => Just(0),
        1 => Just(u64::MAX),
    ]
}

fn ticks() -> impl Strategy<Value = Tick> {
    prop_oneof![
        8 => (0_u64..40).prop_map(Tick::Forward),
        4 => (0_u64..400).prop_map(Tick::Forward),
        2 => (0_u64..4_000).prop_map(Tick::Forward),
        1 => any::<u64>().prop_map(|ns| Tick::Forward(ns >> 1)),
        2 => (0_u64..400).prop_map(Tick::Back),
        1 => any::<u64>().prop_map(Tick::Back),
        1 => prop_oneof![Just(0), Just(u64::MAX), Just(u64::MAX - 150)].prop_map(Tick::To),
    ]
}

pub(crate) struct Model<S>(PhantomData<S>);

impl<S: Subject> ReferenceStateMachine for Model<S> {
    type State = Reference<S::Policy>;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self::State> {
        S::policies()
            .prop_map(|policy| Reference {
                policy,
                history: Vec::new(),
                now_ns: 0,
                latest_ns: 0,
            })
            .boxed()
    }

    fn transitions(_: &Self::State) -> BoxedStrategy<Step> {
        prop_oneof![
            20 => (ticks(), values()).prop_map(|(tick, value)| Step::Record(tick, value)),
            2 => (values(), 1_u8..30).prop_map(|(value, times)| Step::Burst(value, times)),
            1 => Just(Step::Clear),
            3 => Just(Step::Restore),
        ]
        .boxed()
    }

    fn apply(mut state: Self::State, step: &Step) -> Self::State {
        match *step {
            Step::Record(tick, value) => {
                state.tick(tick);
                state.history.push((state.latest_ns, value));
            }
            Step::Burst(value, times) => {
                let entry = (state.latest_ns, value);
                state
                    .history
                    .extend(std::iter::repeat_n(entry, times.into()));
            }
            Step::Clear => state.history.clear(),
            Step::Restore => {}
        }
        state
    }
}

#[derive(Debug)]
pub(crate) struct Run<S: Subject> {
    subject: S,
    policy: S::Policy,
}

impl<S: Subject> StateMachineTest for Run<S> {
    type SystemUnderTest = Self;
    type Reference = Model<S>;

    fn init_test(reference: &Reference<S::Policy>) -> Self {
        Self {
            subject: S::new(&reference.policy),
            policy: reference.policy.clone(),
        }
    }

    fn apply(mut run: Self, reference: &Reference<S::Policy>, step: Step) -> Self {
        // The reference has made the step already.
        match step {
            Step::Record(_, value) => run.subject.record(reference.now_ns, value),
            Step::Burst(value, times) => {
                (0..times).for_each(|_| run.subject.record(reference.now_ns, value));
            }
            Step::Clear => run.subject.clear(),
            Step::Restore => {
                let restored = run.subject.restored(&run.policy);
                assert_eq!(restored, run.subject);
                run.subject = restored;
            }
        }
        run
    }

    fn check_invariants(run: &Self, reference: &Reference<S::Policy>) {
        let before = run.subject.clone();
        // Now, and for one that ages also later, without anything recorded in between.
        let aheads = [0, 7, 100, 350, 1_000_000, u64::MAX];
        for ahead in aheads.into_iter().take(if S::AGES { 6 } else { 1 }) {
            let asked_ns = reference.now_ns.saturating_add(ahead);
            let seen_ns = asked_ns.max(reference.latest_ns);
            let live = S::live(&run.policy, &reference.history, seen_ns);
            run.subject.check(&run.policy, asked_ns, &live);
        }
        assert_eq!(run.subject, before, "a query changed something");
    }
}
