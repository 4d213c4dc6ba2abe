//! The same seed gives the same bytes; each key has random words of its own.

mod common;

use common::{Folder, evenkeel, replay_json, transitions};
use evenkeel_core::random::{Rng, scaled};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// Opens after one failure for a wait drawn from the whole of 0 to 1 s.
const ANY_WAIT: &str = r#"
[breaker]
triggers  = [{ kind = "consecutive", failures = 1 }]
open      = { base = "1s", factor = "1", jitter = "full" }
half_open = { probe_timeout = "1s" }
"#;

/// `a` and `b` fail once and are asked again until the end.
fn trace_of(keys: &[&str]) -> String {
    let mut rows = Vec::new();
    for t in 0..40_u64 {
        for key in keys {
            let outcome = if t % 7 == 0 { "error" } else { "ok" };
            rows.push(format!("{},{key},1000,{outcome}", t * 100_000_000));
        }
    }
    rows.join(" ")
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let folder = Folder::new("same_seed");
    let policy = folder.file("p.toml", ANY_WAIT);
    let trace = folder.trace("t.csv", &trace_of(&["a", "b"]));
    let run = |seed: &str| {
        let (decisions, report) = (folder.path("d.jsonl"), folder.path("r.html"));
        let common = ["--policy", &policy, "--per-key", "--seed", seed];
        let files = ["--decisions", &decisions, "--report", &report];
        let json = evenkeel(
            ["replay", &trace, "--json"]
                .iter()
                .chain(&common)
                .chain(&files),
        )
        .good();
        let text = evenkeel(["replay", &trace].iter().chain(&common)).good();
        [json, text, folder.read("d.jsonl"), folder.read("r.html")]
    };
    assert!(run("7") == run("7"));
    assert!(run("7") != run("8"));
}

#[test]
fn seed_0_is_the_default() {
    let folder = Folder::new("seed_0");
    let policy = folder.file("p.toml", ANY_WAIT);
    let trace = folder.trace("t.csv", &trace_of(&["a"]));
    assert_eq!(
        replay_json(&trace, &policy, &[]),
        replay_json(&trace, &policy, &["--seed", "0"])
    );
    assert_ne!(
        replay_json(&trace, &policy, &[]),
        replay_json(&trace, &policy, &["--seed", "1"])
    );
}

#[test]
fn a_new_key_shifts_no_other_key() {
    let folder = Folder::new("new_key");
    let policy = folder.file("p.toml", ANY_WAIT);
    let of_a = |keys: &[&str]| {
        let trace = folder.trace("t.csv", &trace_of(keys));
        let all = transitions(&replay_json(&trace, &policy, &["--per-key", "--seed", "5"]));
        all.into_iter()
            .filter(|t| t.contains(" a "))
            .collect::<Vec<_>>()
    };
    let alone = of_a(&["a"]);
    assert!(alone.len() > 4, "{alone:?}");
    assert_eq!(alone, of_a(&["new", "a", "b"]));
}

#[test]
fn the_stream_of_a_key_is_the_documented_one() {
    let folder = Folder::new("stream");
    let policy = folder.file("p.toml", ANY_WAIT);
    let trace = folder.trace("t.csv", "0,foobar,1000,error 5000000000,foobar,1000,ok");
    let wait_over = |more: &[&str]| {
        let summary = replay_json(&trace, &policy, more);
        summary["transitions"][1]["at_ns"]
            .as_u64()
            .expect("it has opened")
    };
    let expected = |seed: u64| {
        let word = Xoshiro256PlusPlus::seed_from_u64(seed).next_u64();
        1_000 + scaled(word, 1_000_000_001)
    };
    // The FNV-1a hash of "foobar", from the test suite of its authors.
    const FOOBAR: u64 = 0x8594_4171_f739_67e8;
    assert_eq!(wait_over(&["--seed", "42"]), expected(42));
    assert_eq!(
        wait_over(&["--seed", "42", "--per-key"]),
        expected(42 ^ FOOBAR)
    );
}
