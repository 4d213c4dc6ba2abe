//! Random calls of every kind of machine, and of all kinds side by side: every fact that is there can be shrunk to.

use evenkeel_replay::any::{Journaled, Kind};
use evenkeel_replay::generate::{Generate, Pick, Times};
use evenkeel_replay::shrink::{Fact, facts};

use crate::any::shrunk;
use crate::each_kind;
use crate::tape::{Player, Random, Tape};

fn alone<M: Generate + Journaled>(calls: usize) -> (Kind, usize) {
    let mut all = 0;
    for policy in 0..M::POLICIES {
        let mut tape = Tape::new(1);
        let mut random = Random::<M>::new(&mut tape, 0, policy, Times::Tame, 1);
        for _ in 0..calls {
            random.play(&mut tape);
        }
        for fact in facts(&tape.loaded).into_keys() {
            let shrunk = shrunk(&tape.loaded, &fact.to_string());
            assert!(shrunk.ops <= 24, "{fact}:\n{}", shrunk.text());
            all += 1;
        }
    }
    (M::KIND, all)
}

#[test]
fn each_fact_shrinks_to_a_few_calls() {
    let all = each_kind!(alone(150));
    let with_facts = all.iter().filter(|(_, facts)| *facts > 0).count();
    assert!(with_facts >= 11, "{all:?}");
}

fn player<M: Generate + Journaled + 'static>(tape: &mut Tape, id: &mut u64) -> Box<dyn Player> {
    *id += 1;
    Box::new(Random::<M>::new(tape, *id, *id as usize, Times::Tame, *id))
}

#[test]
fn thousands_of_mixed_calls_shrink_to_one_machine() {
    let mut tape = Tape::new(1);
    let mut id = 0;
    let mut players = each_kind!(player(&mut tape, &mut id));
    let mut pick = Pick::new(1);
    for _ in 0..4_000 {
        let which = pick.below(players.len() as u64);
        players[which as usize].play(&mut tape);
    }
    let mut all: Vec<(u64, Fact)> = facts(&tape.loaded)
        .into_iter()
        .map(|(fact, times)| (times, fact))
        .collect();
    all.sort();
    assert!(all.len() > 12, "{all:?}");
    for (_, fact) in all {
        let shrunk = shrunk(&tape.loaded, &fact.to_string());
        assert_eq!(shrunk.machines, 1, "{fact}");
        assert!(shrunk.ops <= 12, "{fact}: {}", shrunk.text());
    }
}

fn with_gaps<M: Generate + Journaled>(_: ()) -> usize {
    let mut all = 0;
    for policy in 0..M::POLICIES {
        let mut tape = Tape::new(2);
        let mut random = Random::<M>::new(&mut tape, 4, policy, Times::Tame, 2);
        for _ in 0..3 {
            (0..40).for_each(|_| random.play(&mut tape));
            random.lose(&mut tape, 5);
        }
        // A snapshot that must agree.
        (0..40).for_each(|_| random.play(&mut tape));
        random.checkpoint(&mut tape);
        (0..40).for_each(|_| random.play(&mut tape));
        for fact in facts(&tape.loaded).into_keys() {
            let shrunk = shrunk(&tape.loaded, &fact.to_string());
            assert!(shrunk.ops <= 24, "{fact}:\n{}", shrunk.text());
            all += 1;
        }
    }
    all
}

#[test]
fn journals_with_gaps_shrink_too() {
    let all: usize = each_kind!(with_gaps(())).into_iter().sum();
    assert!(all > 100, "{all}");
}
