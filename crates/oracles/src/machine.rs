//! A machine under one of the laws: bytes choose the law, the policy and the calls.

use evenkeel_replay::generate::{Pick, Times};

use crate::damage::damage;
use crate::harness::judge::broken_by;
use crate::harness::script::Case;
use crate::harness::{Law, Subject};

/// Long enough to trip, wait, probe and close twice; short enough for thousands of scripts a second.
const STEPS: u32 = 48;

/// All but L10, whose runs of thousands of calls the law suite makes.
const LAWS: [Law; 12] = [
    Law::Same,
    Law::ClockBack,
    Law::QuietBefore,
    Law::ProgressAt,
    Law::LazyIsEager,
    Law::Restored,
    Law::Shifted,
    Law::Strangers,
    Law::Forgotten,
    Law::Words,
    Law::AnyU64,
    Law::Order,
];

/// Panics with the shortest script found if the machine breaks the law that these bytes choose.
pub(crate) fn keeps_a_law<S: Subject>(data: &[u8]) {
    let mut pick = Pick::of_bytes(data);
    let law = pick.of(&LAWS);
    let times = times(&mut pick);
    let seed = pick.sized(16);
    let Some((policy_name, policy)) = policy::<S>(&mut pick) else {
        return;
    };
    if S::not_applicable(law).is_some() {
        return;
    }
    let mut case = Case::<S> {
        policy_name,
        policy,
        times,
        seed,
        begin_ns: 0,
        start: None,
        steps: Vec::new(),
    };
    case.make_up(STEPS, pick);
    if let Some(text) = broken_by(law, &case) {
        panic!("{text}");
    }
}

/// Whether any `u64` may be a time; mostly not, as most laws compare runs that end before time does.
pub(crate) fn times(pick: &mut Pick) -> Times {
    if pick.one_in(4) {
        Times::Wild
    } else {
        Times::Tame
    }
}

/// One of the machine's sample policies, or what becomes of it by a few changes that `build()` lets pass.
pub(crate) fn policy<S: Subject>(pick: &mut Pick) -> Option<(&'static str, S::Policy)> {
    let number = pick.below(S::POLICIES as u64) as usize;
    let (name, policy) = S::sample_policy(number)?;
    let changes = pick.below(8).saturating_sub(3);
    if changes == 0 {
        return Some((name, policy));
    }
    let mut value = serde_json::to_value(&policy).expect("a policy is JSON");
    for _ in 0..changes {
        damage(&mut value, pick);
    }
    Some((name, serde_json::from_value(value).ok()?))
}
