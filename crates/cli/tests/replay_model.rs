//! `evenkeel replay` against a model: every event in one list, every deadline polled when it falls due.

mod common;

use common::{Folder, replay_json, transitions};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Permit, Transition};
use evenkeel_core::random::{Rng, scaled};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// Short waits and few keys, so that instants coincide often. Without jitter: the words are tested elsewhere.
const POLICY: &str = r#"{
    "window": { "count": 6 },
    "triggers": [
        { "kind": "consecutive", "failures": 2 },
        { "kind": "slow-rate", "slower_than": 8, "at_least": "50%", "min_calls": 4 }
    ],
    "open": { "base": 5, "cap": 20, "jitter": "none" },
    "half_open": { "max_in_flight": 2, "trials": 3, "successes": 2, "probe_timeout": 7 }
}"#;

struct Call {
    t_ns: u64,
    key: usize,
    latency_ns: u64,
    ok: bool,
}

#[derive(Default)]
struct Answers {
    /// At what instant, whose, and which.
    transitions: Vec<(u64, usize, Transition)>,
    refused: u64,
}

/// What happens next, at one instant in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Deadline { key: usize },
    Report { call: usize },
    Ask { call: usize },
}

fn model(calls: &[Call], policy: &BreakerPolicy, keys: usize) -> Answers {
    let mut breakers: Vec<_> = (0..keys).map(|_| Breaker::new(policy)).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut permits: Vec<Option<Permit>> = calls.iter().map(|_| None).collect();
    let mut answers = Answers::default();
    let mut next_ask = 0;
    loop {
        let asks = calls
            .get(next_ask)
            .map(|call| (call.t_ns, Event::Ask { call: next_ask }));
        let reports = permits
            .iter()
            .enumerate()
            .filter(|(_, permit)| permit.is_some());
        let reports = reports.map(|(call, _)| {
            (
                calls[call].t_ns + calls[call].latency_ns,
                Event::Report { call },
            )
        });
        let Some(work) = asks.into_iter().chain(reports).min() else {
            return answers;
        };
        let deadlines = breakers.iter().enumerate();
        let deadlines = deadlines.filter_map(|(key, breaker)| {
            Some((breaker.next_deadline_ns()?, Event::Deadline { key }))
        });
        let (now_ns, event) = deadlines.chain([work]).min().unwrap_or(work);
        let (key, made) = match event {
            Event::Deadline { key } => (key, breakers[key].poll(now_ns)),
            Event::Report { call } => {
                let Call {
                    key,
                    latency_ns,
                    ok,
                    ..
                } = calls[call];
                let permit = permits[call].take().expect("it is in flight");
                let outcome = if ok {
                    Outcome::Success
                } else {
                    Outcome::Failure
                };
                let receipt =
                    breakers[key].on_outcome(now_ns, permit, outcome, latency_ns, &mut rng);
                (key, receipt.transitions())
            }
            Event::Ask { call } => {
                next_ask += 1;
                let key = calls[call].key;
                match breakers[key].try_acquire(now_ns, &mut rng) {
                    Ok(grant) => {
                        permits[call] = Some(grant.permit);
                        (key, grant.transitions)
                    }
                    Err(refused) => {
                        answers.refused += 1;
                        (key, refused.transitions)
                    }
                }
            }
        };
        let made = made
            .into_iter()
            .map(|transition| (transition.at_ns, key, transition));
        answers.transitions.extend(made);
    }
}

fn random_calls(seed: u64, keys: u64) -> Vec<Call> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut below = |n: u64| scaled(rng.next_u64(), n);
    let mut t_ns = 0;
    // Every key appears first in the order of its number.
    let mut calls: Vec<Call> = (0..keys as usize)
        .map(|key| Call {
            t_ns,
            key,
            latency_ns: 1,
            ok: true,
        })
        .collect();
    calls.extend((0..120).map(|_| {
        t_ns += below(3);
        Call {
            t_ns,
            key: below(keys) as usize,
            latency_ns: below(12),
            ok: below(3) > 0,
        }
    }));
    calls
}

#[test]
fn replay_agrees_with_the_model() {
    let policy: BreakerPolicy = serde_json::from_str(POLICY).expect("a good policy");
    let folder = Folder::new("replay_model");
    let path = folder.file("p.json", format!("{{\"breaker\": {POLICY}}}"));
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let keys = 1 + seed % 4;
        let calls = random_calls(seed, keys);
        let rows: Vec<String> = calls
            .iter()
            .map(|call| {
                let outcome = if call.ok { "ok" } else { "timeout" };
                format!("{},k{},{},{outcome}", call.t_ns, call.key, call.latency_ns)
            })
            .collect();
        let trace = folder.trace("t.csv", &rows.join(" "));
        let summary = replay_json(&trace, &path, &["--per-key"]);
        let mut expected = model(&calls, &policy, keys as usize);
        expected
            .transitions
            .sort_by_key(|&(at_ns, key, _)| (at_ns, key));
        let expected_text: Vec<String> = expected
            .transitions
            .iter()
            .map(|(at_ns, key, t)| format!("{at_ns} k{key} {}>{} {}", t.from, t.to, t.cause))
            .collect();
        assert_eq!(transitions(&summary), expected_text, "seed {seed}");
        assert_eq!(summary["refused"], expected.refused, "seed {seed}");
        seen.extend(
            expected
                .transitions
                .iter()
                .map(|(_, _, t)| t.cause.to_string()),
        );
    }
    // The traces reach every cause that this policy has.
    let all = [
        "consecutive",
        "probe-lost",
        "slow-rate",
        "trials-failed",
        "trials-passed",
        "wait-over",
    ];
    assert_eq!(seen, all.map(str::to_owned).into());
}
