//! What no what-if is made of, and journals that mean harm.

use evenkeel_core::breaker::Breaker;
use evenkeel_replay::Assumed;
use evenkeel_replay::any::{AnyAnswer, AnyOp, Journaled, Kind};
use evenkeel_replay::breaker::Op;
use evenkeel_replay::generate::{Generate, Pick, Times};
use evenkeel_replay::journal::Loaded;
use evenkeel_replay::what_if::{Compared, Policies, WhatIfError, what_if};

use crate::each_kind;
use crate::gates::{json, policy};
use crate::tape::{Player, Random, Tape};

fn recorded() -> Tape {
    let mut tape = Tape::new(1);
    let mut random = Random::<Breaker>::new(&mut tape, 1, 0, Times::Tame, 1);
    for _ in 0..50 {
        random.play(&mut tape);
    }
    tape
}

fn line_of(loaded: &Loaded) -> u64 {
    match what_if(loaded, &Policies::new(), Assumed::Ignored, 1) {
        Err(WhatIfError::NotVerified { line, .. }) => line,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_journal_that_does_not_verify_is_refused() {
    let tape = recorded();
    let mut other_answer = tape.loaded.clone();
    other_answer.entries[20].answer = other(&tape.loaded, 20);
    assert_eq!(line_of(&other_answer), tape.loaded.entries[20].line);
    let mut more_words = tape.loaded.clone();
    more_words.entries[20].words.push(1);
    assert_eq!(line_of(&more_words), tape.loaded.entries[20].line);
    let mut other_digest = tape.loaded.clone();
    other_digest.headers[0].digest = Some(1);
    assert_eq!(line_of(&other_digest), 1);
    let mut no_state = tape.loaded.clone();
    no_state.headers[0].state = "{}".into();
    no_state.headers[0].digest = None;
    assert_eq!(line_of(&no_state), 1);
    let mut nobody = tape.loaded.clone();
    nobody.headers.clear();
    assert_eq!(line_of(&nobody), tape.loaded.entries[0].line);
    let mut checkpoint = tape.loaded;
    let mut wrong = checkpoint.headers[0].clone();
    wrong.line = checkpoint.entries[49].line;
    checkpoint.headers.push(wrong);
    assert_eq!(line_of(&checkpoint), checkpoint.entries[49].line);
}

/// An answer of another call.
fn other(loaded: &Loaded, number: usize) -> AnyAnswer {
    let mut all = loaded.entries.iter().map(|entry| &entry.answer);
    let is_other = |answer: &&AnyAnswer| **answer != loaded.entries[number].answer;
    all.find(is_other).expect("another").clone()
}

#[test]
fn a_policy_that_is_none_is_refused() {
    let tape = recorded();
    for bad in ["", "{}", "[1]", "{\"triggers\":[]}"] {
        let policies = Policies::new().of_kind(Kind::Breaker, bad);
        let error = what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect_err("no policy");
        let text = error.to_string();
        assert!(
            text.starts_with("machine 1, a breaker: the policy cannot be read"),
            "{text}"
        );
    }
}

#[test]
fn the_last_that_is_said_of_a_machine_counts() {
    let (strict, lax) = (json(&policy(1)), json(&policy(9)));
    let mut tape = Tape::new(1);
    tape.add(1, &Breaker::new(policy(5)));
    let ask = AnyOp::Breaker(Op::TryAcquire);
    tape.call(1, 0, ask);
    let both = Policies::new()
        .of_machine(1, "{}")
        .of_machine(1, strict)
        .of_kind(Kind::Breaker, lax);
    assert!(what_if(&tape.loaded, &both, Assumed::Ignored, 1).is_ok());
}

#[test]
fn nothing_is_compared_with_nothing() {
    let found = what_if(&Loaded::default(), &Policies::new(), Assumed::Ignored, 1)
        .expect("nothing is wrong");
    assert!(found.machines.is_empty());
    let mut tape = Tape::new(1);
    tape.add(1, &Breaker::new(policy(5)));
    let found =
        what_if(&tape.loaded, &Policies::new(), Assumed::Ignored, 1).expect("nothing is wrong");
    crate::same::assert_same(&found.machines[0]);
}

/// Every other policy of the kind, over random calls at any time.
fn other_policies<M: Generate + Journaled>(times: Times) -> Kind {
    for policy in 0..M::POLICIES {
        let mut tape = Tape::new(3);
        let mut random = Random::<M>::new(&mut tape, 1, policy, times, 3);
        for _ in 0..150 {
            random.play(&mut tape);
        }
        for other in 0..M::POLICIES {
            let (_, other) = M::sample_policy(other).expect("a policy");
            let policies = Policies::new().of_kind(M::KIND, json(&other));
            let found = what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies");
            assert_eq!(
                found,
                what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies")
            );
            let compared = &found.machines[0];
            let is_same = *random.policy() == other;
            if is_same {
                crate::same::assert_same(compared);
            }
            let reports = tape.loaded.entries.iter();
            let reports = reports
                .filter(|entry| entry.op.reported().is_some())
                .count() as u64;
            assert!(compared.skipped + compared.pending <= reports);
            assert!(compared.unknown <= compared.after.admitted);
        }
    }
    M::KIND
}

#[test]
fn any_policy_can_be_tried() {
    assert_eq!(each_kind!(other_policies(Times::Tame)), Kind::ALL);
    assert_eq!(each_kind!(other_policies(Times::Wild)), Kind::ALL);
}

fn player<M: Generate + Journaled + 'static>(tape: &mut Tape, id: &mut u64) -> Box<dyn Player> {
    *id += 1;
    Box::new(Random::<M>::new(tape, *id, 0, Times::Tame, *id))
}

fn policy_of<M: Generate + Journaled>(all: &mut Policies) {
    let (_, policy) = M::sample_policy(1).expect("a policy");
    *all = core::mem::take(all).of_kind(M::KIND, json(&policy));
}

#[test]
fn words_of_one_machine_do_not_depend_on_the_others() {
    let mut tape = Tape::new(1);
    let mut id = 0;
    let mut players = each_kind!(player(&mut tape, &mut id));
    let mut pick = Pick::new(9);
    for _ in 0..3_000 {
        let which = pick.below(players.len() as u64);
        players[which as usize].play(&mut tape);
    }
    let mut policies = Policies::new();
    each_kind!(policy_of(&mut policies));
    let all = what_if(&tape.loaded, &policies, Assumed::Ignored, 5).expect("it verifies");
    for id in 1..=id {
        let mut one = tape.loaded.clone();
        one.headers.retain(|header| header.id == id);
        one.entries.retain(|entry| entry.id == id);
        let one = what_if(&one, &policies, Assumed::Ignored, 5).expect("it verifies");
        let of_all = &all.machines[id as usize - 1];
        // A driver is polled until the journal's end, which is another one here.
        if !of_all.kind.poll_asks() {
            let told = |found: &Compared| {
                let after = &found.after;
                let (refused, ended) = (after.refused.clone(), after.ended.clone());
                let changes = found.changes_after.clone();
                (after.asked, after.admitted, refused, ended, changes)
            };
            assert_eq!(told(&one.machines[0]), told(of_all));
            assert_eq!(one.machines[0].unknown, of_all.unknown);
        }
    }
}
