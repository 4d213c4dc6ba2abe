//! Backoff against a naive reading of DESIGN section 4: every wait of the history is kept and every ceiling is worked
//! out from the first, in 128 bits. Laws L1, L2, L6, L7, L11 and L12 are checked at every step.

#[path = "common/word.rs"]
mod word;

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{Backoff, BackoffPolicy, Exhausted, Growth, Jitter, Wait};
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use word::Word;

const LONGEST_NS: u128 = 1 << 62;

prop_state_machine! {
    #![proptest_config(Config { cases: 600, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_backoff_waits_as_its_text_says(sequential 1..60 => BackoffTest);
}

#[derive(Clone, Debug)]
enum Call {
    Next {
        now_ns: u64,
        word: u64,
    },
    Reset,
    /// Goes on with a machine made from the stored state.
    Restore,
}

#[derive(Clone, Debug)]
struct Naive {
    policy: BackoffPolicy,
    /// Every wait since the start or the last reset.
    waits: Vec<u64>,
    latest_ns: u64,
    /// What the last call has to answer, and how many words it draws.
    answer: Option<(Result<Wait, Exhausted>, u32)>,
}

fn ns(span: Duration) -> u128 {
    span.as_nanos()
}

impl Naive {
    fn cap(&self) -> u128 {
        self.policy.cap().map_or(LONGEST_NS, ns)
    }

    fn ceiling(&self, attempt: usize) -> u128 {
        let mut ceiling = ns(self.policy.base()).min(self.cap());
        for _ in 1..attempt {
            let next = match self.policy.growth() {
                Growth::Constant => ceiling,
                Growth::Linear { step } => ceiling + ns(step),
                Growth::Exponential { factor } => {
                    ceiling * u128::from(factor.numerator()) / u128::from(factor.denominator())
                }
                other => panic!("a growth without a model: {other:?}"),
            };
            ceiling = next.min(self.cap());
        }
        ceiling
    }

    /// The wait that `word` draws.
    fn drawn(&self, word: u64) -> u128 {
        let scaled = |n: u128| (u128::from(word) * n) >> 64;
        let c = self.ceiling(self.waits.len() + 1);
        match self.policy.jitter() {
            Jitter::None => c,
            Jitter::Full => scaled(c + 1),
            Jitter::Equal => c / 2 + scaled(c - c / 2 + 1),
            Jitter::Spread(r) => {
                let d = c * u128::from(r.numerator()) / u128::from(r.denominator());
                let high = match self.policy.cap() {
                    Some(cap) => (c + d).min(ns(cap)),
                    None => c + d,
                };
                (c - d) + scaled(high - (c - d) + 1)
            }
            Jitter::Decorrelated => {
                let base = ns(self.policy.base());
                let s = self.waits.last().map_or(base, |&wait| wait.into());
                (base + scaled((3 * s).saturating_sub(base) + 1)).min(self.cap())
            }
            other => panic!("a jitter without a model: {other:?}"),
        }
    }

    fn next(&mut self, now_ns: u64, word: u64) -> (Result<Wait, Exhausted>, u32) {
        self.latest_ns = self.latest_ns.max(now_ns);
        let attempts = u32::try_from(self.waits.len()).unwrap();
        if self.policy.max_retries().is_some_and(|max| attempts >= max) {
            return (Err(Exhausted::Retries), 0);
        }
        let words = u32::from(self.policy.jitter() != Jitter::None);
        let delay = self.drawn(word);
        let total: u128 = self.waits.iter().map(|&wait| u128::from(wait)).sum();
        let limit = self.policy.max_total_wait();
        if limit.is_some_and(|max| total + delay > ns(max)) {
            return (Err(Exhausted::TotalWait), words);
        }
        let delay_ns = u64::try_from(delay).expect("below 2^64");
        let Some(at_ns) = self.latest_ns.checked_add(delay_ns) else {
            return (Err(Exhausted::EndOfTime), words);
        };
        self.waits.push(delay_ns);
        let wait = Wait {
            at_ns,
            delay_ns,
            attempt: attempts + 1,
        };
        (Ok(wait), words)
    }
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(0),
        Just(1),
        1..100_u64,
        1_000_000..10_000_000_000_u64,
        0..=1_u64 << 62,
        Just(1_u64 << 62),
    ]
    .prop_map(Duration::from_nanos)
}

fn growth() -> impl Strategy<Value = Growth> {
    let factor = prop_oneof![
        Just(Ratio::TWO),
        Just(Ratio::ONE),
        Just(Ratio::new(3, 2).unwrap()),
        (1..100_u32, 1..100_u32).prop_map(|(a, b)| Ratio::new(a.max(b), a.min(b)).unwrap()),
        (1..=u32::MAX).prop_map(|factor| Ratio::new(factor, 1).unwrap()),
        (0..32_u32).prop_map(|shift| Ratio::new(1 << shift, 1).unwrap()),
    ];
    prop_oneof![
        1 => Just(Growth::Constant),
        2 => span().prop_map(|step| Growth::Linear { step }),
        4 => factor.prop_map(|factor| Growth::Exponential { factor }),
    ]
}

fn jitter() -> impl Strategy<Value = Jitter> {
    let share = (0..=100_u32).prop_map(|percent| Jitter::Spread(Ratio::percent(percent)));
    let third = Ratio::new(u32::MAX / 3, u32::MAX).unwrap();
    prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
        share,
        Just(Jitter::Spread(third)),
    ]
}

/// Any policy that `build()` lets pass.
fn policy() -> impl Strategy<Value = BackoffPolicy> {
    let limits = (
        proptest::option::weighted(0.3, 0..20_u32),
        proptest::option::weighted(0.3, span()),
    );
    let parts = (
        span(),
        proptest::option::weighted(0.7, span()),
        growth(),
        jitter(),
        limits,
    );
    parts.prop_filter_map(
        "refused by build()",
        |(base, cap, growth, jitter, limits)| {
            let mut builder = BackoffPolicy::builder(base).growth(growth).jitter(jitter);
            if let Some(cap) = cap {
                builder = builder.cap(cap);
            }
            if let Some(retries) = limits.0 {
                builder = builder.max_retries(retries);
            }
            if let Some(total) = limits.1 {
                builder = builder.max_total_wait(total);
            }
            builder.build().ok()
        },
    )
}

impl ReferenceStateMachine for Naive {
    type State = Self;
    type Transition = Call;

    fn init_state() -> BoxedStrategy<Self> {
        policy()
            .prop_map(|policy| Self {
                policy,
                waits: Vec::new(),
                latest_ns: 0,
                answer: None,
            })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Call> {
        let now_ns = prop_oneof![
            6 => 0..1_000_000_000_u64,
            1 => any::<u64>(),
            1 => (0..1000_u64).prop_map(|below| u64::MAX - below),
            1 => Just(0),
        ];
        let word = prop_oneof![
            Just(0),
            Just(u64::MAX),
            Just(1_u64 << 63),
            0..100_u64,
            any::<u64>(),
            any::<u64>(),
        ];
        prop_oneof![
            12 => (now_ns, word).prop_map(|(now_ns, word)| Call::Next { now_ns, word }),
            1 => Just(Call::Reset),
            2 => Just(Call::Restore),
        ]
        .boxed()
    }

    fn apply(mut state: Self, call: &Call) -> Self {
        state.answer = None;
        match *call {
            Call::Next { now_ns, word } => state.answer = Some(state.next(now_ns, word)),
            Call::Reset => state.waits.clear(),
            Call::Restore => {}
        }
        state
    }
}

/// Far enough to cross no number by chance.
const SHIFT_NS: u64 = 1 << 40;

struct BackoffTest {
    machine: Backoff,
    /// The same one, with all times later by a constant; gone once they saturate.
    shifted: Option<Backoff>,
}

impl BackoffTest {
    fn next(&mut self, now_ns: u64, word: u64) -> (Result<Wait, Exhausted>, u32) {
        let before = self.machine.clone();
        let mut rng = Word::new(word);
        let answer = self.machine.next_wait(now_ns, &mut rng);

        let mut twin = before.clone();
        assert_eq!(twin.next_wait(now_ns, &mut Word::new(word)), answer, "L1");
        assert_eq!(twin, self.machine, "L1: the same state");
        if answer.is_err() {
            assert_eq!(
                before.attempts(),
                self.machine.attempts(),
                "a refusal changes nothing"
            );
        }
        self.shift(now_ns, word, answer);
        (answer, rng.drawn)
    }

    fn shift(&mut self, now_ns: u64, word: u64, answer: Result<Wait, Exhausted>) {
        let later_ns = now_ns.checked_add(SHIFT_NS);
        let end_ns = answer
            .ok()
            .and_then(|wait| wait.at_ns.checked_add(SHIFT_NS));
        let fits = !matches!(answer, Err(Exhausted::EndOfTime)) && later_ns.is_some();
        let (Some(later_ns), true) = (later_ns, fits && (answer.is_err() || end_ns.is_some()))
        else {
            self.shifted = None;
            return;
        };
        if let Some(shifted) = &mut self.shifted {
            let there = shifted.next_wait(later_ns, &mut Word::new(word));
            let back = there.map(|wait| Wait {
                at_ns: wait.at_ns - SHIFT_NS,
                ..wait
            });
            assert_eq!(back, answer, "L7");
        }
    }
}

impl StateMachineTest for BackoffTest {
    type SystemUnderTest = Self;
    type Reference = Naive;

    fn init_test(naive: &Naive) -> Self {
        let machine = Backoff::new(naive.policy);
        Self {
            machine: machine.clone(),
            shifted: Some(machine),
        }
    }

    fn apply(mut test: Self, naive: &Naive, call: Call) -> Self {
        match call {
            Call::Next { now_ns, word } => {
                let answer = test.next(now_ns, word);
                assert_eq!(Some(answer), naive.answer, "answer and words drawn (L11)");
            }
            Call::Reset => {
                test.machine.reset();
                if let Some(shifted) = &mut test.shifted {
                    shifted.reset();
                }
            }
            Call::Restore => {
                let restored = Backoff::restore(naive.policy, test.machine.state());
                let restored = restored.unwrap();
                assert_eq!(restored, test.machine, "L6");
                test.machine = restored;
            }
        }
        test
    }

    fn check_invariants(test: &Self, naive: &Naive) {
        let attempts = u32::try_from(naive.waits.len()).unwrap();
        assert_eq!(test.machine.attempts(), attempts);
        assert_eq!(test.machine.state().attempts(), attempts);
        let next = u32::try_from(naive.waits.len() + 1).unwrap();
        let ceiling = naive.ceiling(naive.waits.len() + 1);
        assert_eq!(ns(naive.policy.ceiling(next)), ceiling);
        let (least, most) = naive.policy.range(next);
        for word in [0, u64::MAX] {
            let drawn = naive.drawn(word);
            assert!(ns(least) <= drawn && drawn <= ns(most), "range() brackets");
        }
    }
}
