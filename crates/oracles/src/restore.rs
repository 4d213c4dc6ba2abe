//! Restoring any state: a machine's own, damaged in a few places, is refused, or makes a machine that keeps the laws.

use evenkeel_replay::Machine;
use evenkeel_replay::generate::{Pick, Pilot, Times};
use serde_json::Value;

use crate::damage::damage;
use crate::harness::judge::broken_by;
use crate::harness::script::{Case, Start};
use crate::harness::{Law, Subject};
use crate::machine::{policy, times};
use crate::machines::every_machine;

/// How many calls are made before the state is taken, and after it was restored.
const CALLS: u64 = 24;

/// The laws that know nothing of what was before: not those that count ids, words or the distance to the origin.
const LAWS: [Law; 7] = [
    Law::AnyU64,
    Law::Restored,
    Law::ClockBack,
    Law::QuietBefore,
    Law::ProgressAt,
    Law::LazyIsEager,
    Law::Same,
];

macro_rules! kinds {
    ($($(#[$when:meta])* $name:ident: $subject:ty,)*) => {
        const KINDS: &[fn(Pick)] = &[$(restores::<$subject>,)*];
    };
}

every_machine!(kinds);

/// Restores a damaged state of the machine that the bytes choose.
///
/// # Panics
/// If its own state is refused, or a machine of a state that was taken breaks a law.
pub fn restore(data: &[u8]) {
    let mut pick = Pick::of_bytes(data);
    let kind = pick.below(KINDS.len() as u64);
    KINDS[kind as usize](pick);
}

fn restores<S: Subject>(mut pick: Pick) {
    let law = pick.of(&LAWS);
    // Tame times are for comparisons with a shifted run: a state that has seen an instant cannot be shifted.
    let times = match law {
        Law::AnyU64 => Times::Wild,
        _ => times(&mut pick),
    };
    let seed = pick.sized(16);
    let (before, damages) = (pick.below(CALLS + 1), pick.below(4));
    let Some((policy_name, policy)) = policy::<S>(&mut pick) else {
        return;
    };
    let mut pilot = Pilot::<S>::choosing(policy.clone(), times, seed, pick);
    for _ in 0..before {
        let (now_ns, op) = pilot.next_call();
        let _ = pilot.go(now_ns, &op);
    }
    let mut value = serde_json::to_value(pilot.machine().state()).expect("a state is JSON");
    let mut pick = pilot.into_pick();
    for _ in 0..damages {
        damage(&mut value, &mut pick);
    }
    let clock_ns = latest_ns(&value);
    let Ok(state) = serde_json::from_value::<S::State>(value) else {
        assert!(damages > 0, "its own state cannot be read");
        return;
    };
    match S::restored(&policy, state.clone()) {
        Err(error) => assert!(damages > 0, "its own state was refused: {error}"),
        Ok(machine) if S::not_applicable(law).is_none() => {
            // What a table may forget at any time, it may forget here.
            assert!(
                damages > 0 || Machine::state(&machine) == state,
                "its own state is another"
            );
            let mut case = Case::<S> {
                policy_name,
                policy,
                times,
                seed,
                begin_ns: clock_ns,
                start: Some(Start { state, clock_ns }),
                steps: Vec::new(),
            };
            case.make_up(CALLS as u32, pick);
            if let Some(text) = broken_by(law, &case) {
                panic!("{text}");
            }
        }
        Ok(_) => {}
    }
}

/// The latest instant that a state has seen.
fn latest_ns(state: &Value) -> u64 {
    match state {
        Value::Object(fields) => {
            let clocks = fields.iter().map(|(name, value)| match name.as_str() {
                "clock" | "latest_ns" => value.as_u64().unwrap_or(0),
                _ => latest_ns(value),
            });
            clocks.max().unwrap_or(0)
        }
        Value::Array(items) => items.iter().map(latest_ns).max().unwrap_or(0),
        _ => 0,
    }
}
