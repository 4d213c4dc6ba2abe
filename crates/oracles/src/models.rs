//! A machine beside a model that reads the whole history anew: core's own models, and its strategies fed with bytes.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::pair::Pair as ReconnectPair;

#[path = "../../core/tests/breaker_common/mod.rs"]
mod breaker_common;
#[path = "../../core/tests/retry_common/mod.rs"]
mod retry_common;

/// So many bytes choose a plan, or a move.
const CHOICE: usize = 4;
const MOVES: usize = 64;

/// What the strategy makes of a few bytes. They seed a generator: a strategy that took its choices from the bytes
/// themselves would read past the last of them, and one that rejects what it gets there would not come back.
fn made_of<S: Strategy>(bytes: &[u8], strategy: &S) -> Option<S::Value> {
    let mut seed = [0; 32];
    seed.iter_mut()
        .zip(bytes)
        .for_each(|(into, byte)| *into = *byte);
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    Some(strategy.new_tree(&mut runner).ok()?.current())
}

/// A plan and the moves after it: a changed byte changes one of them.
fn script<P: Strategy, M: Strategy>(
    data: &[u8],
    plan: &P,
    a_move: &M,
) -> Option<(P::Value, Vec<M::Value>)> {
    let (first, rest) = data.split_at_checked(CHOICE)?;
    let moves = rest
        .chunks(CHOICE)
        .take(MOVES)
        .filter_map(|bytes| made_of(bytes, a_move));
    Some((made_of(first, plan)?, moves.collect()))
}

/// A breaker and its model, call by call.
///
/// # Panics
/// Where they part.
pub fn breaker_model(data: &[u8]) {
    use breaker_common::pair::Pair;
    use breaker_common::strategies::{a_move, plan};
    use breaker_common::world::World;

    let Some((plan, moves)) = script(data, &plan(), &a_move()) else {
        return;
    };
    let (mut pair, mut world) = (Pair::new(&plan), World::new(plan));
    for a_move in &moves {
        world.make(a_move);
        let (call, expected) = world.last.as_ref().expect("a call was made");
        pair.call(call, &world.model, expected);
    }
}

/// A reconnecting link and its model, call by call.
///
/// # Panics
/// Where they part.
pub fn reconnect_model(data: &[u8]) {
    let Some((policy, rows)) = script(data, &crate::policies::policy(), &crate::random::steps())
    else {
        return;
    };
    let mut pair = ReconnectPair::new(policy);
    // The strategy makes rows of up to fifty steps, of which the first two will do.
    for (when, call, word) in rows.into_iter().flat_map(|row| row.into_iter().take(2)) {
        let (now_ns, op) = (when.at(&pair), call.op(&pair));
        let _ = pair.step(now_ns, op, word);
    }
}

/// A retry with a scripted breaker and budget, and its model, call by call.
///
/// # Panics
/// Where they part.
pub fn retry_model(data: &[u8]) {
    use retry_common::compare::{compare, started};
    use retry_common::moves::{a_move, plan};

    let Some(((plan, started), moves)) = script(data, &(plan(), started()), &a_move()) else {
        return;
    };
    if plan.policy().is_some() {
        let moves: Vec<_> = moves.into_iter().take(24).collect();
        let _ = compare(&plan, started, &moves);
    }
}
