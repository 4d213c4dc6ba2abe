//! Every input of up to six calls over a small alphabet of calls and instants, against the naive model.

use evenkeel_core::advice::Advice;
use evenkeel_core::reconnect::{LinkAction, LinkEvent, ReconnectPolicy};

use crate::naive::{Answer, Op};
use crate::pair::Pair;
use crate::policies::{ns, plain};

/// A call and how far time goes before it; none is the deadline.
type Letter = (fn(&Pair) -> Op, Option<u64>);

const LETTERS: [Letter; 10] = [
    (|_| Op::Poll, None),
    (|_| Op::Poll, Some(20)),
    (
        |p| Op::Event(p.naive.newest(), LinkEvent::Connected),
        Some(0),
    ),
    (|p| Op::Event(p.naive.newest(), LinkEvent::Lost), Some(10)),
    (|p| Op::Event(p.naive.newest(), LinkEvent::Failed), None),
    (advised, Some(0)),
    (|p| Op::Frame(p.naive.newest()), Some(20)),
    (|_| Op::Kick, Some(0)),
    (|_| Op::Stop, None),
    (|_| Op::Start, Some(0)),
];

fn advised(pair: &Pair) -> Op {
    let at_ns = pair.naive.latest_ns + 150;
    let advice = Advice::RetryAt { at_ns };
    Op::Event(pair.naive.newest(), LinkEvent::Refused(advice))
}

fn all(policy: ReconnectPolicy, letters: &[Letter], depth: usize) -> u64 {
    // The first poll connects: only what follows is interesting.
    let mut pair = Pair::new(policy);
    let first = pair.step(0, Op::Poll, 1 << 63);
    assert!(matches!(first, Answer::Action(LinkAction::Connect { .. })));
    let mut inputs = 0;
    deeper(&pair, letters, depth, &mut inputs);
    inputs
}

fn deeper(pair: &Pair, letters: &[Letter], depth: usize, inputs: &mut u64) {
    *inputs += 1;
    if depth == 0 {
        return;
    }
    for &(op, ahead) in letters {
        let mut next = pair.clone();
        let latest_ns = next.naive.latest_ns;
        let now_ns = match ahead {
            Some(ahead) => latest_ns + ahead,
            None => next.naive.next_deadline_ns().unwrap_or(latest_ns),
        };
        let op = op(&next);
        let _ = next.step(now_ns, op, 1 << 63);
        deeper(&next, letters, depth - 1, inputs);
    }
}

#[test]
fn all_inputs_of_five_calls() {
    let patient = plain().silence_limit(ns(25)).build().expect("a policy");
    assert_eq!(all(patient, &LETTERS, 5), 111_111);
}

#[test]
fn all_inputs_of_six_calls_without_commands() {
    let policy = plain().silence_limit(ns(25)).build().expect("a policy");
    assert_eq!(all(policy, &LETTERS[..8], 6), 299_593);
}

#[test]
fn all_inputs_of_four_calls_where_silence_is_allowed() {
    assert_eq!(all(plain().build().expect("a policy"), &LETTERS, 4), 11_111);
}
