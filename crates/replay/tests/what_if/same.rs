//! With the same policies nothing parts, whatever was recorded.

use evenkeel_replay::Assumed;
use evenkeel_replay::any::{Journaled, Kind};
use evenkeel_replay::generate::{Generate, Pick, Times};
use evenkeel_replay::journal::Loaded;
use evenkeel_replay::what_if::{Compared, Policies, Start, WhatIf, what_if};

use crate::each_kind;
use crate::tape::{Player, Random, Tape};

pub(crate) fn assert_same(compared: &Compared) {
    let name = compared.kind.name();
    assert_eq!(compared.start, Start::Recorded, "{name}");
    assert_eq!(compared.parted, None, "{name}");
    let counts = [
        compared.differing,
        compared.skipped,
        compared.unknown,
        compared.pending,
        compared.added_polls,
    ];
    assert_eq!(counts, [0; 5], "{name}");
    assert_eq!(compared.known_until_ns, None, "{name}");
    assert_eq!(compared.before, compared.after, "{name}");
    assert_eq!(compared.changes_before, compared.changes_after, "{name}");
    for bucket in &compared.series {
        assert_eq!(
            (bucket.admitted_before, bucket.refused_before),
            (bucket.admitted_after, bucket.refused_after)
        );
    }
}

/// With no policy given, and with each machine's own, however unknown outcomes are taken: there are none.
fn runs(loaded: &Loaded) -> [WhatIf; 4] {
    let own = loaded.headers.iter().fold(Policies::new(), |all, header| {
        all.of_machine(header.id, header.policy.clone())
    });
    [
        (Policies::new(), Assumed::Ignored),
        (own.clone(), Assumed::Ignored),
        (own.clone(), Assumed::Success),
        (own, Assumed::Failure),
    ]
    .map(|(policies, assumed)| what_if(loaded, &policies, assumed, 7).expect("it verifies"))
}

fn alone<M: Generate + Journaled>(times: Times, calls: usize) -> Kind {
    for policy in 0..M::POLICIES {
        for seed in 0..3 {
            let mut tape = Tape::new(seed);
            let mut random = Random::<M>::new(&mut tape, 3, policy, times, seed);
            for _ in 0..calls {
                random.play(&mut tape);
            }
            for found in runs(&tape.loaded) {
                assert_eq!(found.machines.len(), 1);
                assert_same(&found.machines[0]);
                assert_eq!(found.ops, tape.loaded.entries.len() as u64);
            }
        }
    }
    M::KIND
}

#[test]
fn nothing_parts_with_the_same_policy() {
    assert_eq!(each_kind!(alone(Times::Tame, 300)), Kind::ALL);
}

#[test]
fn nothing_parts_with_the_same_policy_at_any_time() {
    assert_eq!(each_kind!(alone(Times::Wild, 200)), Kind::ALL);
}

fn player<M: Generate + Journaled + 'static>(tape: &mut Tape, id: &mut u64) -> Box<dyn Player> {
    *id += 1;
    let (policy, seed) = (*id as usize, *id);
    Box::new(Random::<M>::new(tape, *id, policy, Times::Tame, seed))
}

#[test]
fn nothing_parts_with_machines_side_by_side() {
    let mut tape = Tape::new(1);
    let mut id = 0;
    let mut players = each_kind!(player(&mut tape, &mut id));
    players.extend(each_kind!(player(&mut tape, &mut id)));
    let mut pick = Pick::new(1);
    for _ in 0..10_000 {
        let which = pick.below(players.len() as u64);
        players[which as usize].play(&mut tape);
    }
    for found in runs(&tape.loaded) {
        assert_eq!(found.machines.len(), players.len());
        found.machines.iter().for_each(assert_same);
    }
}

fn with_gaps<M: Generate + Journaled>(_: ()) -> Kind {
    for policy in 0..M::POLICIES {
        let mut tape = Tape::new(5);
        let mut random = Random::<M>::new(&mut tape, 1, policy, Times::Tame, 5);
        for gap in 1..=3 {
            for _ in 0..60 {
                random.play(&mut tape);
            }
            random.lose(&mut tape, gap);
        }
        for _ in 0..60 {
            random.play(&mut tape);
        }
        random.checkpoint(&mut tape);
        random.play(&mut tape);
        for found in runs(&tape.loaded) {
            assert_same(&found.machines[0]);
            assert_eq!((found.machines[0].gaps, found.machines[0].dropped), (3, 6));
        }
    }
    M::KIND
}

#[test]
fn nothing_parts_across_gaps() {
    assert_eq!(each_kind!(with_gaps(())), Kind::ALL);
}
