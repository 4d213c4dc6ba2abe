//! A recording of ten seconds holds what the help promises.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_core::advice::Advice;
use evenkeel_core::breaker::{Phase, Transition};
use evenkeel_core::retry::{AttemptOutcome, RetryAction};
use evenkeel_replay::any::{AnyAnswer, AnyOp, Kind};
use evenkeel_replay::journal::{Entry, Loaded};
use evenkeel_replay::retry::{Answer, Op};
use serde_json::Value;

use crate::common::{Folder, evenkeel, replay_json};
use crate::support::{number, read, record, sum};

fn retries(journal: &Loaded) -> impl Iterator<Item = (u64, &Op, &Answer)> {
    journal
        .entries
        .iter()
        .filter_map(|entry| match (&entry.op, &entry.answer) {
            (AnyOp::Retry(op), AnyAnswer::Retry(answer)) => Some((entry.id, op, answer)),
            _ => None,
        })
}

fn transitions(journal: &Loaded) -> Vec<Transition> {
    let of_retries = retries(journal).flat_map(|(_, _, answer)| answer.transitions());
    of_retries.collect()
}

/// How many waits were as long as the server had asked for, or longer.
fn advised_waits(journal: &Loaded) -> usize {
    let mut waits = 0;
    let mut advised = BTreeMap::new();
    for (id, op, answer) in retries(journal) {
        match (op, answer) {
            (Op::OnOutcome { outcome, .. }, _) => {
                let at_ns = match outcome {
                    AttemptOutcome::Transient {
                        advice: Some(Advice::RetryAt { at_ns }),
                        ..
                    } => Some(*at_ns),
                    _ => None,
                };
                advised.insert(id, at_ns);
            }
            (Op::Poll { .. }, Answer::Step(step)) => {
                if let (RetryAction::WaitUntil { at_ns }, Some(Some(asked_ns))) =
                    (step.action, advised.get(&id))
                {
                    waits += usize::from(at_ns >= *asked_ns);
                }
                advised.remove(&id);
            }
            _ => {}
        }
    }
    waits
}

/// Ten seconds, as the help says.
#[test]
fn ten_seconds_hold_what_the_help_promises() {
    let folder = Folder::new("record_ten");
    let (journal, trace) = (folder.path("j.jsonl"), folder.path("t.csv"));
    let summary = record(&["--out", &journal, "--trace", &trace, "--seconds", "10"]);

    let verified = evenkeel_replay::verify_file(&journal).expect("it agrees");
    assert_eq!((verified.gaps, verified.dropped), (0, 0));
    assert_eq!(number(&summary["journal"]["decisions"]), verified.ops);
    let said = evenkeel(["verify", &journal]).good();
    assert!(said.contains("agrees") && said.contains("no gap"), "{said}");

    let loaded = read(&journal);
    assert!(loaded.end.is_some());
    let kinds: BTreeSet<_> = loaded
        .headers
        .iter()
        .map(|header| header.kind.name())
        .collect();
    let wanted = [
        Kind::AdaptiveThrottle,
        Kind::Breaker,
        Kind::Retry,
        Kind::RetryTokens,
    ];
    assert_eq!(kinds, BTreeSet::from(wanted.map(Kind::name)));
    let of_throttle = |entry: &&Entry| matches!(entry.op, AnyOp::AdaptiveThrottle(_));
    let asked = loaded.entries.iter().filter(of_throttle).count() as u64;
    assert!(asked >= sum(&summary, "attempts"));
    assert!(retries(&loaded).count() as u64 >= 2 * sum(&summary, "operations"));

    let made = transitions(&loaded);
    let times = |from, to| {
        made.iter()
            .filter(|made| (made.from, made.to) == (from, to))
            .count()
    };
    assert!(times(Phase::Closed, Phase::Open) >= 1, "a trip: {made:?}");
    assert!(
        times(Phase::HalfOpen, Phase::Closed) >= 1,
        "a probation: {made:?}"
    );
    assert!(advised_waits(&loaded) >= 1, "an advised wait");
    assert_eq!(
        number(&summary["trips"]),
        times(Phase::Closed, Phase::Open) as u64
    );
    assert_eq!(
        number(&summary["probations"]),
        times(Phase::HalfOpen, Phase::Closed) as u64
    );
    assert_eq!(
        number(&summary["advised_waits"]),
        advised_waits(&loaded) as u64
    );
    let told = summary["transitions"].as_array().expect("a list");
    let told: Vec<_> = told.iter().map(|made| number(&made["at_ns"])).collect();
    assert_eq!(told, made.iter().map(|made| made.at_ns).collect::<Vec<_>>());

    trace_is_accepted(&folder, &trace, &summary);
    trouble_shows(&summary);
}

/// All keys, all outcomes, and the breaker of a replay opens for checkout.
fn trace_is_accepted(folder: &Folder, trace: &str, summary: &Value) {
    let policy = folder.file("p.toml", evenkeel(["record", "--print-policy"]).good());
    let replayed = replay_json(trace, &policy, &["--per-key"]);
    assert_eq!(replayed["rows"], summary["trace"]["rows"]);
    let opened = replayed["transitions"].as_array().expect("a list");
    assert!(
        opened
            .iter()
            .any(|made| made["key"] == "checkout" && made["to"] == "open")
    );
    let text = std::fs::read_to_string(trace).expect("the trace is there");
    for part in [
        ",checkout,",
        ",search,",
        ",inventory,",
        ",ok\n",
        ",error\n",
        ",timeout\n",
    ] {
        assert!(text.contains(part), "{part}");
    }
    // Also a retried attempt, which the wire saw, is a row of nobody: only bare clients are in it.
    let checkouts = text.matches(",checkout,").count() as u64;
    assert_eq!(checkouts, sum(summary, "bare"));
}

/// Each fault of the script is one: what the server did is seen by both kinds of clients.
fn trouble_shows(summary: &Value) {
    let phases = summary["phases"].as_array().expect("a list");
    let of = |name: &str| {
        let found = phases.iter().find(|phase| phase["name"] == name);
        found.unwrap_or_else(|| panic!("there is a phase {name}"))
    };
    let share = |name: &str| {
        let phase = of(name);
        let [all, good] = ["bare", "bare_succeeded"].map(|name| number(&phase[name]));
        assert!(all > 0, "{name}");
        good as f64 / all as f64
    };
    // However busy the machine is, it is well when the script says so, by comparison.
    for bad in ["failing", "resetting", "black hole", "restarting"] {
        for good in ["healthy", "recovered"] {
            let shares = [share(bad), share(good)];
            assert!(shares[0] < shares[1], "{bad}, {good}: {shares:?}");
        }
    }
    assert!(share("rate limited") < 0.8, "{}", share("rate limited"));
    // A call at the edge may have been answered by the phase before or after.
    for name in ["resetting", "black hole", "restarting"] {
        assert!(share(name) < 0.5, "{name}: {}", share(name));
    }
    assert!(sum(summary, "refused") > 0);
    let turned_away = sum(summary, "refused") + sum(summary, "throttled");
    assert!(sum(summary, "attempts") + turned_away >= sum(summary, "operations"));
    // While nothing is answered the breaker keeps nearly all of it away.
    let hole = of("black hole");
    assert!(
        number(&hole["attempts"]) < number(&hole["operations"]) / 2,
        "{hole}"
    );
}
