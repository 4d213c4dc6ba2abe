//! What `replay` prints for people, and how near its percentiles are to the exact ones.

mod common;

use common::{Folder, evenkeel, of_repository, replay_json};

const POLICY: &str = r#"
[breaker]
window    = { count = 2 }
triggers  = [
  { kind = "consecutive", failures = 2 },
  { kind = "slow-rate", slower_than = "1s", at_least = "100%", min_calls = 2 },
]
open      = { base = "10s", factor = "1", jitter = "none" }
half_open = { probe_timeout = "5s" }
"#;

/// Starts an hour after the origin: instants on the terminal count from the first call.
fn printed(per_key: &[&str]) -> String {
    let folder = Folder::new(&format!("terminal{}", per_key.concat()));
    let second = |s: u64| (3_600 + s) * 1_000_000_000;
    let rows = [
        format!("{},checkout,250000000,error", second(0)),
        format!("{},checkout,250000000,timeout", second(1)),
        format!("{},checkout,2000000,ok", second(2)),
        format!("{},checkout,1500000000,error", second(3)),
        format!("{},checkout,2000000,ok", second(20)),
    ];
    let trace = folder.trace("t.csv", &rows.join(" "));
    let policy = folder.file("p.toml", POLICY);
    let args = ["replay", &trace, "--policy", &policy];
    let out = evenkeel(args.iter().chain(per_key)).good();
    out.replace(&trace, "t.csv").replace(&policy, "p.toml")
}

#[test]
fn a_key_is_shown_short_and_cannot_command_the_terminal() {
    let folder = Folder::new("terminal_keys");
    let policy = folder.file(
        "p.toml",
        "[breaker]\ntriggers = [{ kind = \"consecutive\", failures = 1 }]\n\
         open = { base = \"1s\" }\nhalf_open = { probe_timeout = \"2s\" }\n",
    );
    let long = "x".repeat(70_000);
    let rows = format!("t_ns,key,latency_ns,outcome\n1,{long},0,error\n2,\u{1b}[2Jy,0,error\n");
    let trace = folder.file("t.csv", rows);
    let shown = evenkeel(["replay", &trace, "--policy", &policy, "--per-key"]).good();
    assert!(!shown.contains('\u{1b}'), "no escape");
    assert!(
        shown.lines().all(|line| line.chars().count() < 200),
        "no long line"
    );
    assert!(shown.contains("closed -> open"), "{shown}");
}

#[test]
fn the_summary_says_what_was_kept_away_and_at_what_price() {
    let out = printed(&["--per-key"]);
    let (before_band, rest) = out.split_once("\n\n").expect("a header");
    assert_eq!(
        before_band,
        "t.csv under p.toml: 5 calls in 20 s, one breaker for each of 1 key"
    );
    let (transitions, rest) = rest.split_once("\n\n").expect("transitions");
    let expected = [
        "   1.250 s  checkout     closed -> open       consecutive",
        "  11.250 s  checkout       open -> half-open  wait-over",
        "  20.002 s  checkout  half-open -> closed     trials-passed",
    ];
    assert_eq!(transitions, expected.join("\n"));
    let (band, numbers) = rest.split_once("\n\n").expect("the band");
    let refused = band
        .lines()
        .find(|line| line.trim_start().starts_with("refused"));
    assert!(refused.is_some_and(|line| line.contains('█')), "{band}");
    let expected = "  admitted                          3  of 5 calls    60 %
  refused                           2  of 5 calls    40 %
  failures kept away                1  of 3        33.3 %
  slow calls kept away (above 1 s)  1  of 1         100 %
  good calls refused                1  of 2          50 %

  latency                    p50     p90     p95     p99   p99.9     max    mean
  before (all calls)      251 ms   1.5 s   1.5 s   1.5 s   1.5 s   1.5 s  401 ms
  after (admitted calls)  250 ms  250 ms  250 ms  250 ms  250 ms  250 ms  167 ms
  Percentiles are the upper ends of intervals, at most 1/128 (0.8 %) too high; max and mean are exact.

Recorded outcomes are taken as independent of what was admitted:
a call that the policy lets through ends as it was recorded.
";
    assert_eq!(numbers, expected);
}

#[test]
fn one_breaker_for_all_keys_needs_no_key() {
    let out = printed(&[]);
    assert!(out.starts_with("t.csv under p.toml: 5 calls in 20 s, one breaker for all keys\n\n   1.250 s     closed -> open       consecutive\n"), "{out}");
}

#[test]
fn a_calm_trace_says_so() {
    let folder = Folder::new("terminal_calm");
    let policy = folder.file("p.toml", POLICY);
    let trace = folder.trace("t.csv", "0,a,1000,ok 2000,a,1000,ok");
    let out = evenkeel(["replay", &trace, "--policy", &policy]).good();
    assert!(
        out.contains("\nNo transition: the breaker stays closed.\n\n"),
        "{out}"
    );
    // Two calls are enough for this policy; one is not.
    let trace = folder.trace("one.csv", "0,a,1000,ok 2000,b,1000,ok");
    let out = evenkeel(["replay", &trace, "--policy", &policy, "--per-key"]).good();
    assert!(
        out.contains(
            "closed.\nThe trigger slow-rate was never judged: its min_calls is 2, and no breaker had more than 1 result.\n\n"
        ),
        "{out}"
    );
    assert!(
        out.contains("\n  refused                           0  of 2 calls    0 %\n"),
        "{out}"
    );
}

#[test]
fn shares_are_rounded_half_up() {
    let folder = Folder::new("terminal_shares");
    let policy = folder.file("p.toml", POLICY);
    // Two failures open it; the third call is refused, and is one of three.
    let trace = folder.trace("t.csv", "0,a,1,error 5,a,1,error 10,a,1,ok");
    let out = evenkeel(["replay", &trace, "--policy", &policy]).good();
    assert!(out.contains("  2  of 3 calls  66.7 %\n"), "{out}");
    assert!(out.contains("  1  of 3 calls  33.3 %\n"), "{out}");
}

#[test]
fn percentiles_of_a_replay_are_at_most_one_128th_too_high() {
    let trace = of_repository("docs/traces/outage.csv");
    let policy = of_repository("docs/policies/http-client.toml");
    let summary = replay_json(&trace, &policy, &[]);
    let exact = evenkeel(["percentiles", &trace, "--window", "1000000"]).table();
    let exact: Vec<u64> = exact
        .lines()
        .last()
        .into_iter()
        .flat_map(|line| line.split(','))
        .filter_map(|field| field.parse().ok())
        .collect();
    // rows_seen,n,p50_ns,p95_ns,p99_ns,max_ns,..
    let latency = &summary["latency_before"];
    for (name, exact) in [
        ("p50_ns", exact[2]),
        ("p95_ns", exact[3]),
        ("p99_ns", exact[4]),
    ] {
        let given = latency[name].as_u64().expect("a number");
        assert!(
            (exact..=exact + exact / 128).contains(&given),
            "{name}: {given} for {exact}"
        );
    }
    assert_eq!(
        (&latency["count"], &latency["max_ns"]),
        (&exact[1].into(), &exact[5].into())
    );
}

/// The notes at the end of a replay.
fn notes(name: &str, policy: &str, rows: &str, more: &[&str]) -> Vec<String> {
    let folder = Folder::new(name);
    let (trace, policy) = (folder.trace("t.csv", rows), folder.file("p.toml", policy));
    let args = ["replay", &trace, "--policy", &policy];
    let out = evenkeel(args.iter().chain(more)).good();
    let notes = out.lines().filter_map(|line| line.strip_prefix("note: "));
    notes.map(str::to_owned).collect()
}

#[test]
fn one_breaker_for_several_keys_is_noted() {
    let rows = "0,a,1,ok 5,b,1,ok 10,c,1,ok";
    let note = "the trace has 3 keys, and one breaker stands for all: --per-key gives each its own";
    assert_eq!(notes("notes_keys", POLICY, rows, &[]), [note]);
    let none = notes("notes_keys", POLICY, rows, &["--per-key"]);
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn a_row_far_from_all_others_is_noted() {
    let rows: String = (0..20)
        .map(|i| format!("{},a,1,ok ", if i == 0 { 0 } else { 1_000 + i * 10 }))
        .collect();
    let note = "no call for 1.01 µs of 1.19 µs, between the lines 2 and 3: are both of this log?";
    assert_eq!(notes("notes_gap", POLICY, &rows, &[]), [note]);
}

/// Two failures open it; the probe takes six seconds, one more than it is given.
#[test]
fn a_probe_timeout_below_the_calls_is_noted() {
    let rows = "0,a,1,error 5,a,1,error 11000000000,a,6000000000,ok 20000000000,a,1,ok";
    let note = "1 probe without an answer after 5 s opened it again; calls of this trace take up to 6 s: probe_timeout \
                belongs above that";
    assert_eq!(notes("notes_probe", POLICY, rows, &[]), [note]);
    let enough = POLICY.replace("\"5s\"", "\"7s\"");
    let none = notes("notes_probe", &enough, rows, &[]);
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn keys_that_stay_closed_are_named() {
    let folder = Folder::new("terminal_calm_keys");
    let policy = folder.file("p.toml", POLICY);
    let rows = "0,a,1,error 5,a,1,error 10,b,1,ok 20,c,1,ok";
    let trace = folder.trace("t.csv", rows);
    let out = evenkeel(["replay", &trace, "--policy", &policy, "--per-key"]).good();
    assert!(out.contains("\n 2 of 3 keys stay closed: b, c\n"), "{out}");
}

/// 60 is taken for what the format says, nanoseconds, and for what is probably meant in a note.
#[test]
fn a_bare_number_that_means_seconds_is_noted() {
    let folder = Folder::new("notes_bare");
    let toml = "[breaker]\ntriggers = [{ kind = \"consecutive\", failures = 5 }]\n\
                open = { base = \"1s\", cap = 60 }\nhalf_open = { probe_timeout = 2 }\n";
    let json = r#"{"retry": {"max_attempts": 4, "backoff": {"base": 100, "cap": 1000000}}}"#;
    let toml = folder.file("p.toml", toml);
    let notes = |path: &str, text: &str| {
        let notes = text.lines().filter(|line| line.starts_with("note: "));
        notes
            .map(|note| note.replace(path, "p"))
            .collect::<Vec<_>>()
    };
    let expected = [
        "note: p, line 3: breaker.open.cap = 60 is 60 ns: did you mean \"60s\"?",
        "note: p, line 4: breaker.half_open.probe_timeout = 2 is 2 ns: did you mean \"2s\"?",
    ];
    assert_eq!(notes(&toml, &evenkeel(["explain", &toml]).good()), expected);
    let trace = folder.trace("t.csv", "0,a,1,ok");
    let replayed = evenkeel(["replay", &trace, "--policy", &toml]).good();
    assert_eq!(notes(&toml, &replayed), expected);
    let json = folder.file("p.json", json);
    let expected = ["note: p, line 1: retry.backoff.base = 100 is 100 ns: did you mean \"100s\"?"];
    assert_eq!(notes(&json, &evenkeel(["explain", &json]).good()), expected);
}
