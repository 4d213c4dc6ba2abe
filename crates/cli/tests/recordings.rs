//! `evenkeel replay --per-key` over recordings of others: the incidents show, and calm keys stay closed.

mod common;

use std::collections::BTreeSet;

use common::{Folder, evenkeel, recording, replay_json, transitions};
use serde_json::Value;

const SECOND_NS: u64 = 1_000_000_000;

/// When the recording of Nezha's shop says that the delay was put into its currency service.
const INJECTED_NS: u64 = 47_100_000_000;

const SLOW_RATE: &str =
    r#"{ kind = "slow-rate", slower_than = "300ms", at_least = "50%", min_calls = 20 }"#;
const LATENCY: &str = r#"{ kind = "latency", quantile = "p50", above = "300ms", min_calls = 20 }"#;

fn policy_of_20(folder: &Folder, trigger: &str) -> String {
    folder.file(
        "p.toml",
        format!(
            "[breaker]\nwindow = {{ count = 20 }}\ntriggers = [{trigger}]\n\
             open = {{ base = \"5s\", cap = \"60s\" }}\nhalf_open = {{ probe_timeout = \"10s\" }}\n"
        ),
    )
}

/// When the breakers of `key` opened for `cause`.
fn opened(summary: &Value, key: &str, cause: &str) -> Vec<u64> {
    let list = summary["transitions"].as_array().expect("a list");
    list.iter()
        .filter(|t| t["key"] == key && t["to"] == "open" && t["cause"] == cause)
        .filter_map(|t| t["at_ns"].as_u64())
        .collect()
}

/// The keys whose breaker opened at least once.
fn keys_that_opened(summary: &Value) -> BTreeSet<&str> {
    let list = summary["transitions"].as_array().expect("a list");
    list.iter()
        .filter(|t| t["to"] == "open")
        .filter_map(|t| t["key"].as_str())
        .collect()
}

/// The start and the end of the first call of `key` above 300 ms since the delay was put in.
fn first_slow_call(trace: &str, key: &str) -> (u64, u64) {
    let text = std::fs::read_to_string(trace).expect("it can be read");
    let mut slow = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let (start, latency) = (
            fields[0].parse::<u64>().ok()?,
            fields[2].parse::<u64>().ok()?,
        );
        let slow = fields[1] == key && start >= INJECTED_NS && latency > 300_000_000;
        slow.then_some((start, start + latency))
    });
    slow.next().expect("there is one")
}

/// The breaker of `frontend-convert` opens because of the delay, never before it, and at once: within two seconds of
/// the first slow result.
fn opens_at_the_delay(test: &str, trigger: &str, cause: &str) {
    let Some(trace) = recording("nezha_boutique_currency_delay.csv") else {
        return;
    };
    let folder = Folder::new(test);
    let policy = policy_of_20(&folder, trigger);
    let summary = replay_json(&trace, &policy, &["--per-key"]);
    let opened = opened(&summary, "frontend-convert", cause);
    let first = *opened.first().expect("it opens");
    assert!(first > INJECTED_NS, "not before the delay: {first}");

    // In the recording the delay reaches this key late: its first slow call starts at 51.0 s and ends at 51.6 s.
    // No breaker can know sooner.
    let (slow_start, slow_end) = first_slow_call(&trace, "frontend-convert");
    assert_eq!(
        (slow_start / 1_000_000, slow_end / 1_000_000),
        (51_008, 51_612)
    );
    assert!(
        (slow_end..slow_end + 2 * SECOND_NS).contains(&first),
        "{first} after {slow_end}"
    );
    let all = transitions(&summary);
    let before: Vec<_> = all
        .iter()
        .filter(|t| t.contains(" frontend-convert "))
        .take_while(|t| !t.ends_with(cause))
        .collect();
    assert_eq!(before, [""; 0]);
}

#[test]
fn a_slow_rate_trigger_opens_at_the_injected_delay() {
    opens_at_the_delay("nezha_slow_rate", SLOW_RATE, "slow-rate");
}

#[test]
fn a_latency_trigger_opens_at_the_injected_delay() {
    opens_at_the_delay("nezha_latency", LATENCY, "latency");
}

const FAILURES: &str = r#"
[breaker]
window    = { count = 10 }
triggers  = [
  { kind = "consecutive", failures = 3 },
  { kind = "failure-rate", at_least = "50%", min_calls = 4 },
]
open      = { base = "1s", cap = "4h" }
half_open = { probe_timeout = "60s" }
"#;

#[test]
fn the_outages_of_three_months_of_uptime_checks_show() {
    let Some(trace) = recording("upptime_curc.csv") else {
        return;
    };
    let folder = Folder::new("upptime");
    let policy = folder.file("p.toml", FAILURES);
    let report = folder.path("r.html");
    let summary = replay_json(&trace, &policy, &["--per-key", "--report", &report]);
    // The four keys with runs of failures. Of the others, one has 35 single failures among 1343 checks, one has a
    // single failure, ten have none: they stay closed.
    let expected = BTreeSet::from([
        "access-website-public-webpage",
        "curc-data-transfer-node-ssh-tcp-reachability",
        "curc-statuspage-alpine-component",
        "curc-xdmod-alpine-utilization-threshold",
    ]);
    assert_eq!(keys_that_opened(&summary), expected);
    assert_eq!(summary["failures"]["seen"], 746);
    let html = std::fs::read_to_string(report).expect("the report is there");
    for key in expected {
        assert!(html.contains(key), "{key} stands in the report");
    }
}

#[test]
fn the_failing_operations_of_a_load_test_show() {
    let Some(trace) = recording("taurus_http500.csv") else {
        return;
    };
    let folder = Folder::new("taurus");
    let policy = folder.file("p.toml", FAILURES);
    let summary = replay_json(&trace, &policy, &["--per-key"]);
    let opened = keys_that_opened(&summary);
    // All ten calls of each of these failed.
    for key in [
        "kbo09a-contactpointupdateemail",
        "kbo09b-contactpointupdatemobile",
    ] {
        assert!(opened.contains(key), "{key} in {opened:?}");
    }
    // These never failed.
    for key in [
        "fetchcounterparty",
        "fundtransfer",
        "getpartyservice",
        "partyinquiry",
        "transferhistory",
    ] {
        assert!(!opened.contains(key), "{key} in {opened:?}");
    }
    assert_eq!(summary["failures"]["seen"], 63);
}

#[test]
fn counts_add_up_and_decisions_agree_on_every_recording() {
    let names = [
        "nab_ec2_request_latency",
        "jmeter_http_a",
        "jmeter_http_b",
        "taurus_http500",
        "upptime_curc",
        "nezha_boutique_currency_delay",
    ];
    for name in names {
        let Some(trace) = recording(&format!("{name}.csv")) else {
            return;
        };
        let folder = Folder::new("counts_add_up");
        let policy = folder.file("p.toml", FAILURES);
        let decisions = folder.path("d.jsonl");
        for keyed in [&["--per-key"][..], &[]] {
            let more = [keyed, &["--decisions", &decisions]].concat();
            let summary = replay_json(&trace, &policy, &more);
            let of = |name: &str| summary[name].as_u64().expect("a count");
            assert_eq!(of("rows"), of("admitted") + of("refused"), "{name}");
            let lines = folder.read("d.jsonl");
            let refused = lines
                .lines()
                .filter(|line| line.contains(r#""admitted":false"#));
            assert_eq!(lines.lines().count() as u64, of("rows"), "{name}");
            assert_eq!(refused.count() as u64, of("refused"), "{name}");
            // No slow limit in this policy: what is refused and no failure is good.
            let avoided = summary["failures"]["avoided"].as_u64().expect("a count");
            assert_eq!(of("good_refused") + avoided, of("refused"), "{name}");
            assert_eq!(summary.get("slow"), None);
        }
    }
}

#[test]
fn the_sample_in_the_readme_runs() {
    let folder = Folder::new("readme");
    let report = folder.path("report.html");
    let trace = common::of_repository("docs/traces/outage.csv");
    let policy = common::of_repository("docs/policies/http-client.toml");
    let out = evenkeel([
        "replay",
        &trace,
        "--policy",
        &policy,
        "--per-key",
        "--report",
        &report,
    ])
    .good();
    for part in [
        "closed -> open",
        "trials-passed",
        "failures kept away",
        "independent of what was admitted",
        &report,
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    assert!(folder.read("report.html").contains("<svg"));
}
