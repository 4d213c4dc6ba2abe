//! A recorder's own methods do what the machine does, and each takes down the call that was made.

use std::collections::BTreeSet;

use evenkeel_replay::Recorder;
use evenkeel_replay::any::Journaled;
use evenkeel_replay::generate::{Generate, Pilot, Times, Words};
use evenkeel_replay::journal::{Journal, load};

use crate::json::name;

/// Makes up calls under every policy and makes them by `call`, which has `None` for a query of the machine itself.
/// Compares with what the machine would have answered; then reads what was taken down. The names of the calls.
pub(crate) fn by_methods<M: Generate + Journaled + Clone>(
    call: impl Fn(&mut Recorder<M>, u64, &M::Op, &mut Words) -> Option<M::Answer>,
) -> String {
    let mut made = BTreeSet::new();
    for number in 0..M::POLICIES {
        for (times, seed) in [(Times::Tame, 7), (Times::Wild, 5)] {
            let (name_of, policy) = M::sample_policy(number).expect("a policy for each number");
            let mut pilot = Pilot::<M>::new(policy, times, seed);
            let (mut words, mut drawn) = (Words::new(seed), Words::new(seed));
            let mut applied = pilot.machine().clone();
            let journal = Journal::in_memory();
            let mut recorder = journal.record(name_of, pilot.machine().clone());
            let mut expected = Vec::new();
            for _ in 0..200 {
                let (now_ns, op) = pilot.next_call();
                for op in [Some(op), pilot.query()].into_iter().flatten() {
                    let _ = pilot.go(now_ns, &op);
                    let drawn_before = drawn.drawn();
                    let Some(answer) = call(&mut recorder, now_ns, &op, &mut words) else {
                        continue;
                    };
                    assert_eq!(answer, applied.apply(now_ns, &op, &mut drawn));
                    assert_eq!(words, drawn);
                    assert_eq!(recorder.state(), applied.state());
                    made.insert(name(&op));
                    let draws = (drawn.drawn() - drawn_before) as usize;
                    expected.push((now_ns, M::any_op(op), draws, M::any_answer(answer)));
                }
            }
            let mut lines = Vec::new();
            journal.dump(&mut lines).expect("a vector takes all");
            let loaded = load(&lines[..]);
            assert_eq!(loaded.damage, None);
            let entries = loaded.entries.into_iter();
            let taken_down = entries.map(|it| (it.t_ns, it.op, it.words.len(), it.answer));
            assert_eq!(taken_down.collect::<Vec<_>>(), expected);
        }
    }
    made.into_iter().collect::<Vec<_>>().join(" ")
}
