//! Random calls and their answers survive JSON, and a restored copy answers the same.

use std::collections::BTreeSet;

use evenkeel_replay::generate::{Generate, Pilot, Times, Words};

use crate::json::{name, survives, thawed};

/// Makes up calls under every policy. Each call and answer is the same after JSON, a restored copy gives the same
/// answers, and a query changes nothing. The names of all calls and answers that came up.
pub(crate) fn made_up<M: Generate>() -> [String; 2] {
    let (mut ops, mut answers) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..M::POLICIES {
        let (_, policy) = M::sample_policy(number).expect("a policy for each number");
        survives(&policy);
        for (times, seed) in [(Times::Tame, 1), (Times::Wild, 2), (Times::Tame, 3)] {
            let mut pilot = Pilot::<M>::new(policy.clone(), times, seed);
            let mut words = Words::new(seed);
            for _ in 0..300 {
                let (now_ns, op) = pilot.next_call();
                let query = pilot.query();
                let calls = [
                    Some((now_ns, op)),
                    query.clone().map(|op| (now_ns.saturating_add(1), op)),
                ];
                for (now_ns, op) in calls.into_iter().flatten() {
                    let state = pilot.machine().state();
                    let copy = M::restore(thawed(&policy), thawed(&state));
                    let mut copy = copy.expect("its own state");
                    let answer = pilot.go(now_ns, &op);
                    if Some(&op) == query.as_ref() {
                        let changes = pilot.machine().state() != state;
                        assert!(!changes, "{op:?} is a query");
                    }
                    assert_eq!(copy.apply(now_ns, &thawed(&op), &mut words), answer);
                    assert_eq!(copy.state(), pilot.machine().state());
                    survives(&op);
                    survives(&answer);
                    if let Some(id) = M::reported(&op) {
                        assert_eq!(M::with_id(&op, id), op);
                    }
                    ops.insert(name(&op));
                    answers.insert(name(&answer));
                }
            }
        }
    }
    assert!(M::sample_policy(M::POLICIES).is_none());
    [ops, answers].map(|names| names.into_iter().collect::<Vec<_>>().join(" "))
}
