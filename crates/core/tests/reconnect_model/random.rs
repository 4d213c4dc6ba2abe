//! Random and adversarial inputs: clocks that step back or leap, exact deadlines, forgotten polls, stale, doubled and
//! foreign ids, a restore at every step (the pair does it).

use evenkeel_core::advice::Advice;
use evenkeel_core::reconnect::{LinkEvent, LinkId};
use proptest::prelude::*;

use crate::naive::Op;
use crate::pair::Pair;
use crate::policies::policy;

#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    After(u64),
    Before(u64),
    /// The deadline, give or take.
    Deadline(i8),
    At(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    Newest,
    Earlier(u64),
    Foreign(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact {
    Connected,
    Failed,
    Lost,
    RetryIn(When),
    Stop,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Poll,
    Event(Which, Fact),
    Frame(Which),
    Kick,
    Stop,
    Start,
}

pub(crate) type Step = (When, Call, u64);

impl When {
    pub(crate) fn at(self, pair: &Pair) -> u64 {
        let now_ns = pair.naive.latest_ns;
        match self {
            Self::After(span) => now_ns.saturating_add(span),
            Self::Before(span) => now_ns.saturating_sub(span),
            Self::Deadline(off) => pair
                .naive
                .next_deadline_ns()
                .unwrap_or(now_ns)
                .saturating_add_signed(off.into()),
            Self::At(at_ns) => at_ns,
        }
    }
}

impl Call {
    pub(crate) fn op(self, pair: &Pair) -> Op {
        let link = |which| {
            let newest = pair.naive.newest();
            match which {
                Which::Newest => newest,
                Which::Earlier(by) => LinkId::from_word(newest.to_word().saturating_sub(by)),
                Which::Foreign(word) => LinkId::from_word(word),
            }
        };
        match self {
            Self::Poll => Op::Poll,
            Self::Frame(which) => Op::Frame(link(which)),
            Self::Kick => Op::Kick,
            Self::Stop => Op::Stop,
            Self::Start => Op::Start,
            Self::Event(which, fact) => Op::Event(
                link(which),
                match fact {
                    Fact::Connected => LinkEvent::Connected,
                    Fact::Failed => LinkEvent::Failed,
                    Fact::Lost => LinkEvent::Lost,
                    Fact::Stop => LinkEvent::Refused(Advice::Stop),
                    Fact::RetryIn(when) => LinkEvent::Refused(Advice::RetryAt {
                        at_ns: when.at(pair),
                    }),
                },
            ),
        }
    }
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        6 => (0..20_u64).prop_map(When::After),
        4 => (0..300_u64).prop_map(When::After),
        6 => (-1..=1_i8).prop_map(When::Deadline),
        2 => (0..50_u64).prop_map(When::Before),
        1 => (0..1_u64 << 50).prop_map(When::After),
    ]
}

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![
        40 => when(),
        1 => any::<u64>().prop_map(When::At),
        1 => (0..500_u64).prop_map(|below| When::At(u64::MAX - below)),
    ]
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        12 => Just(Which::Newest),
        2 => (1..3_u64).prop_map(Which::Earlier),
        1 => any::<u64>().prop_map(Which::Foreign),
    ]
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        10 => Just(Fact::Connected),
        3 => Just(Fact::Failed),
        4 => Just(Fact::Lost),
        3 => any_when().prop_map(Fact::RetryIn),
        1 => Just(Fact::Stop),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        10 => Just(Call::Poll),
        10 => (which(), fact()).prop_map(|(which, fact)| Call::Event(which, fact)),
        6 => which().prop_map(Call::Frame),
        3 => Just(Call::Kick),
        1 => Just(Call::Stop),
        2 => Just(Call::Start),
    ]
}

fn word() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), any::<u64>()]
}

/// Steps anywhere in time.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec((any_when(), call(), word()), 1..50)
}

/// Steps of moderate length, which keep away from the end of time.
pub(crate) fn small_steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec((when(), call(), word()), 1..50)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_does_as_its_text_says(policy in policy(), steps in steps()) {
        let mut pair = Pair::new(policy);
        for (when, call, word) in steps {
            let (now_ns, op) = (when.at(&pair), call.op(&pair));
            let _ = pair.step(now_ns, op, word);
        }
    }
}
