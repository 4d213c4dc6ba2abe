//! The machine that a journal has of a table answers as the program's table, whatever that one is keyed by.

use evenkeel_core::table::{BackoffTable, BreakerTable, RecoveryBudget};
use evenkeel_replay::any::{AnyAnswer, AnyMachine, AnyOp, Journaled};
use evenkeel_replay::generate::{Generate, Pilot, Times, Words};
use evenkeel_replay::{Key, ToKey};
use serde::{Deserialize, Serialize};

use crate::json::text;

/// Runs a table of `M`'s keys beside the machine that a journal has of it, restored again and again: both answer the
/// same, and call, answer, policy and state have the same text. `keyed` gives a call the keys of `M`.
fn is_the_same_in_a_journal<G: Generate, M>(keyed: impl Fn(G::Op) -> M::Op)
where
    M: Journaled<Policy = G::Policy>,
{
    for number in 0..G::POLICIES {
        let (_, policy) = G::sample_policy(number).expect("a policy for each number");
        let policy_text = text(&policy);
        let mut pilot = Pilot::<G>::new(policy.clone(), Times::Tame, 5);
        let mut program = M::begin(policy, 0);
        let mut journaled = AnyMachine::begin(M::KIND, &policy_text, 0).expect("a policy");
        let (mut words, mut again) = (Words::new(5), Words::new(5));
        for at in 0..400 {
            let (now_ns, op) = pilot.next_call();
            for op in [Some(op), pilot.query()].into_iter().flatten() {
                let _ = pilot.go(now_ns, &op);
                let op = keyed(op);
                let answer = program.apply(now_ns, &op, &mut words);
                let any_op = M::any_op(op.clone());
                let any_answer = M::any_answer(answer.clone());
                assert_eq!(
                    [text(&op), text(&answer)],
                    [text(&any_op), text(&any_answer)]
                );
                assert_eq!(AnyOp::read(M::KIND, &text(&op)).expect("a call"), any_op);
                let read = AnyAnswer::read(M::KIND, &text(&answer)).expect("an answer");
                assert_eq!(read, any_answer);
                assert_eq!(read.key(&any_op), M::key(&op, &answer));
                let by_journal = journaled.apply(now_ns, &any_op, &mut again);
                assert_eq!(by_journal, Some(any_answer));
            }
            let state = text(&program.state());
            assert_eq!(journaled.state().expect("it can be written"), state);
            assert_eq!(journaled.next_deadline_ns(), program.next_deadline_ns());
            if at % 5 == 0 {
                journaled = AnyMachine::restore(M::KIND, &policy_text, &state).expect("a state");
            }
        }
        assert_eq!(words, again);
    }
}

fn host(number: u64) -> String {
    // Texts that numbers would be, and that JSON has to escape.
    [String::new(), "1".into(), "\"a\\\n".into()]
        .get(number as usize)
        .cloned()
        .unwrap_or_else(|| format!("host-{number}"))
}

/// A key of one's own.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
struct Peer(u32);

impl ToKey for Peer {
    fn to_key(&self) -> Key {
        self.0.to_key()
    }
}

#[test]
fn tables_of_other_keys_are_the_same_in_a_journal() {
    let peer = |number| Peer(number as u32);
    is_the_same_in_a_journal::<BackoffTable<u64>, BackoffTable<Peer>>(|op| op.map_keys(peer));
    is_the_same_in_a_journal::<RecoveryBudget<u64>, RecoveryBudget<Peer>>(|op| op.map_keys(peer));
    is_the_same_in_a_journal::<BreakerTable<u64>, BreakerTable<Peer>>(|op| op.map_keys(peer));
}

#[test]
fn backoff_tables_of_numbers_and_texts_are_the_same_in_a_journal() {
    is_the_same_in_a_journal::<BackoffTable<u64>, BackoffTable<u64>>(|op| op);
    is_the_same_in_a_journal::<BackoffTable<u64>, BackoffTable<String>>(|op| op.map_keys(host));
}

#[test]
fn recovery_budgets_of_numbers_and_texts_are_the_same_in_a_journal() {
    is_the_same_in_a_journal::<RecoveryBudget<u64>, RecoveryBudget<u64>>(|op| op);
    is_the_same_in_a_journal::<RecoveryBudget<u64>, RecoveryBudget<String>>(|op| op.map_keys(host));
}

#[test]
fn breaker_tables_of_numbers_and_texts_are_the_same_in_a_journal() {
    is_the_same_in_a_journal::<BreakerTable<u64>, BreakerTable<u64>>(|op| op);
    is_the_same_in_a_journal::<BreakerTable<u64>, BreakerTable<String>>(|op| op.map_keys(host));
}
