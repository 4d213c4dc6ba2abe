//! A group of machines lends a retry what its call names, if it is there and fits, and nothing else.
#![cfg(feature = "std")]

use core::time::Duration;

use evenkeel_core::breaker::Breaker;
use evenkeel_core::budget::{RetryRatio, RetryTokens};
use evenkeel_core::retry::Retry;
use evenkeel_core::table::{BreakerTable, BreakerTablePolicy};
use evenkeel_core::throttle::AdaptiveThrottle;
use evenkeel_replay::any::{AnyMachine, AnyOp};
use evenkeel_replay::generate::{Generate, Words};
use evenkeel_replay::retry::{Lent, LentBreaker, Op};
use evenkeel_replay::{Group, Key, retry_tokens};

const POLL: Op = Op::Poll { lent: Lent::NONE };

fn sample<M: Generate>(number: usize) -> M {
    let (_, policy) = M::sample_policy(number).expect("a policy");
    M::sample(policy, 0)
}

fn states(group: &Group) -> Vec<String> {
    let state = |(_, machine): (u64, &AnyMachine)| machine.state().expect("it can be written");
    group.iter().map(state).collect()
}

#[test]
fn a_group_lends_only_what_is_there_and_fits() {
    let breaker_policy = *sample::<Breaker>(0).policy();
    let hosts = BreakerTablePolicy::builder(breaker_policy, 2, Duration::from_nanos(900));
    let hosts = hosts.build().expect("a table");
    let mut group = Group::new();
    let machines = [
        AnyMachine::Breaker(sample::<Breaker>(0).into()),
        AnyMachine::BreakerTable(BreakerTable::new(hosts).into()),
        AnyMachine::RetryTokens(sample::<RetryTokens>(2).into()),
        AnyMachine::RetryRatio(sample::<RetryRatio>(0).into()),
        AnyMachine::Retry(sample::<Retry>(0).into()),
        AnyMachine::Retry(sample::<Retry>(0).into()),
        AnyMachine::AdaptiveThrottle(sample::<AdaptiveThrottle>(0).into()),
    ];
    for (id, machine) in machines.into_iter().enumerate() {
        assert!(group.insert(id as u64, machine).is_none());
    }
    let before = states(&group);
    let mut words = Words::new(1);
    let key = |table| {
        let key = Key::Text("db-1".into());
        Some(LentBreaker::Key { table, key })
    };
    let own = |id| Some(LentBreaker::Breaker(id));
    for (breaker, budget) in [
        (own(9), None),    // nobody
        (own(1), None),    // a table without a key
        (own(2), None),    // a budget
        (own(4), None),    // itself
        (own(5), None),    // another retry
        (key(0), None),    // a breaker has no keys
        (key(9), None),    // nobody
        (None, Some(9)),   // nobody
        (None, Some(0)),   // a breaker
        (None, Some(4)),   // itself
        (own(0), Some(0)), // one for both
        (own(2), Some(2)), // one for both
        (own(0), Some(9)), // half of it
        (own(9), Some(2)), // half of it
        (key(1), Some(6)), // a throttle
        (key(1), Some(1)), // one for both
    ] {
        let poll = AnyOp::Retry(POLL.with_lent(Lent { breaker, budget }));
        assert_eq!(group.apply(4, 0, &poll, &mut words), None, "{poll:?}");
    }
    // A retry's call of no retry, and other calls of others.
    let borrows = POLL.with_lent(Lent {
        breaker: own(0),
        budget: None,
    });
    for id in [0, 1, 9] {
        for op in [POLL, borrows.clone()] {
            let op = AnyOp::Retry(op);
            assert_eq!(group.apply(id, 0, &op, &mut words), None, "{id} {op:?}");
        }
        let op = AnyOp::RetryTokens(retry_tokens::Op::OnRequest);
        assert_eq!(group.apply(id, 0, &op, &mut words), None, "{id}");
    }
    assert_eq!(states(&group), before);
    assert_eq!(group.ids().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);

    for (breaker, budget) in [(own(0), Some(2)), (key(1), Some(3))] {
        let poll = AnyOp::Retry(POLL.with_lent(Lent { breaker, budget }));
        assert!(group.apply(4, 0, &poll, &mut words).is_some(), "{poll:?}");
        assert!(group.apply(5, 0, &poll, &mut words).is_some(), "{poll:?}");
    }
    let after = states(&group);
    let changed = |id: usize| before[id] != after[id];
    assert_eq!([0, 2, 4, 5].map(changed), [true; 4]);
    assert!(!changed(6));
}
