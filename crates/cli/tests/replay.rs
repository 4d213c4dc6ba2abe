//! `evenkeel replay` on small traces whose every answer is worked out by hand.

mod common;

use common::{Folder, evenkeel, fed, replay_json, transitions};
use serde_json::json;

/// Opens after two failures in a row, for exactly 100 ns; one probe of at most 50 ns.
const TWO_FAILURES: &str = r#"
[breaker]
triggers  = [{ kind = "consecutive", failures = 2 }]
open      = { base = 100, factor = "1", jitter = "none" }
half_open = { probe_timeout = 50 }
"#;

/// The same after one failure.
fn one_failure() -> String {
    TWO_FAILURES.replace("failures = 2", "failures = 1")
}

#[test]
fn every_answer_of_a_small_trace() {
    let folder = Folder::new("replay_small");
    let policy = folder.file("p.toml", TWO_FAILURES);
    let trace = folder.trace(
        "t.csv",
        // Both report at 10, in file order, and the second one opens it; the ask at 10 comes after them.
        "0,a,10,error 5,a,5,error 10,a,1,ok
         109,b,1,timeout
         110,a,50,ok
         115,a,2,ok
         160,a,3,ok
         260,a,49,ok",
    );
    // 110: the wait's deadline comes before the ask, which becomes the probe. 115: no room for a second one.
    // 160: the lease's end comes before the report at the same instant; lost, open again, the ask is refused.
    // 260: half-open, and the report at 309 passes: the end.
    let summary = replay_json(&trace, &policy, &["--decisions", &folder.path("d.jsonl")]);
    let at = |at_ns: u64, from: &str, to: &str, cause: &str| json!({"at_ns": at_ns, "key": null, "from": from, "to": to, "cause": cause});
    // Before: 1 1 2 3 5 10 49 50, sum 121. After: 5 10 49 50, sum 114. Values below 128 are exact.
    let expected = json!({
        "rows": 8,
        "admitted": 4,
        "refused": 4,
        "failures": {"seen": 3, "avoided": 1},
        "good_refused": 3,
        "transitions": [
            at(10, "closed", "open", "consecutive"),
            at(110, "open", "half-open", "wait-over"),
            at(160, "half-open", "open", "probe-lost"),
            at(260, "open", "half-open", "wait-over"),
            at(309, "half-open", "closed", "trials-passed"),
        ],
        "latency_before": {"count": 8, "mean_ns": 15, "min_ns": 1, "p50_ns": 3, "p90_ns": 50, "p95_ns": 50,
                           "p99_ns": 50, "p999_ns": 50, "max_ns": 50},
        "latency_after": {"count": 4, "mean_ns": 28, "min_ns": 5, "p50_ns": 10, "p90_ns": 50, "p95_ns": 50,
                          "p99_ns": 50, "p999_ns": 50, "max_ns": 50},
    });
    assert_eq!(summary, expected);
    let decisions = [
        r#"{"t_ns":0,"key":"a","admitted":true}"#,
        r#"{"t_ns":5,"key":"a","admitted":true}"#,
        r#"{"t_ns":10,"key":"a","admitted":false,"reason":"open","retry_at_ns":110}"#,
        r#"{"t_ns":109,"key":"b","admitted":false,"reason":"open","retry_at_ns":110}"#,
        r#"{"t_ns":110,"key":"a","admitted":true}"#,
        r#"{"t_ns":115,"key":"a","admitted":false,"reason":"half-open-full","retry_at_ns":260}"#,
        r#"{"t_ns":160,"key":"a","admitted":false,"reason":"open","retry_at_ns":260}"#,
        r#"{"t_ns":260,"key":"a","admitted":true}"#,
    ];
    assert_eq!(folder.read("d.jsonl"), decisions.join("\n") + "\n");
}

#[test]
fn the_json_object_has_its_names_in_order_on_one_line() {
    let folder = Folder::new("replay_order");
    let latency = TWO_FAILURES.replace(
        "triggers",
        "window = { count = 4 }\ntriggers = [{ kind = \"latency\", quantile = \"p50\", above = 7, min_calls = 4 }]\n#",
    );
    let policy = folder.file("p.toml", latency);
    let trace = folder.trace("t.csv", "0,a,7,ok 20,a,8,error");
    let out = evenkeel(["replay", &trace, "--policy", &policy, "--json", "--per-key"]).good();
    // 7 is not above the limit of 7, 8 is. The mean of 7 and 8 is rounded down.
    let latency = r#"{"count":2,"mean_ns":7,"min_ns":7,"p50_ns":7,"p90_ns":8,"p95_ns":8,"p99_ns":8,"p999_ns":8,"max_ns":8}"#;
    assert_eq!(
        out,
        format!(
            "{{\"rows\":2,\"admitted\":2,\"refused\":0,\"failures\":{{\"seen\":1,\"avoided\":0}},\
             \"slow\":{{\"seen\":1,\"avoided\":0}},\"good_refused\":0,\"transitions\":[],\
             \"latency_before\":{latency},\"latency_after\":{latency}}}\n"
        )
    );
}

#[test]
fn at_one_instant_a_report_comes_before_the_next_ask() {
    let folder = Folder::new("replay_instant");
    let policy = folder.file("p.toml", one_failure());
    // The first call takes no time: it has failed when the second row of the same instant asks.
    let trace = folder.trace("t.csv", "5,a,0,error 5,a,1,ok");
    let summary = replay_json(&trace, &policy, &[]);
    assert_eq!(
        (&summary["refused"], &summary["good_refused"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(transitions(&summary), ["5 - closed>open consecutive"]);
}

#[test]
fn reports_of_one_instant_come_in_file_order() {
    let folder = Folder::new("replay_reports");
    let policy = folder.file("p.toml", TWO_FAILURES);
    // All three report at 10. error, ok, error are no two in a row; error, error, ok are.
    let mixed = folder.trace("mixed.csv", "0,a,10,error 1,a,9,ok 2,a,8,error");
    assert_eq!(transitions(&replay_json(&mixed, &policy, &[])), [""; 0]);
    let in_a_row = folder.trace("in_a_row.csv", "0,a,10,error 1,a,9,error 2,a,8,ok");
    assert_eq!(
        transitions(&replay_json(&in_a_row, &policy, &[])),
        ["10 - closed>open consecutive"]
    );
}

#[test]
fn a_report_just_before_the_lease_ends_counts() {
    let folder = Folder::new("replay_lease");
    let policy = folder.file("p.toml", one_failure());
    let probe = |latency: u32| {
        let trace = folder.trace(
            "t.csv",
            &format!("0,a,10,error 110,a,{latency},ok 400,a,1,ok"),
        );
        transitions(&replay_json(&trace, &policy, &[])).split_off(2)
    };
    assert_eq!(probe(49), ["159 - half-open>closed trials-passed"]);
    assert_eq!(
        probe(50),
        [
            "160 - half-open>open probe-lost",
            "260 - open>half-open wait-over",
            "401 - half-open>closed trials-passed"
        ]
    );
}

#[test]
fn deadlines_run_to_the_last_event_of_the_whole_trace() {
    let folder = Folder::new("replay_end");
    let policy = folder.file("p.toml", one_failure());
    // b opens at 10 until 110 and is never asked again. The last event is a's report, or its refused ask.
    let end = |last_row: &str| {
        let trace = folder.trace("t.csv", &format!("0,b,10,error {last_row}"));
        transitions(&replay_json(&trace, &policy, &["--per-key"])).split_off(1)
    };
    assert_eq!(end("20,a,90,ok"), ["110 b open>half-open wait-over"]);
    assert_eq!(end("20,a,89,ok"), [""; 0]);
    assert_eq!(end("110,a,0,ok"), ["110 b open>half-open wait-over"]);
    // Refused at 109 and at 110: the end is an ask, not a report.
    assert_eq!(
        end("60,a,0,error 109,a,1,ok"),
        ["60 a closed>open consecutive"]
    );
    assert_eq!(
        end("60,a,0,error 110,a,1,ok"),
        [
            "60 a closed>open consecutive",
            "110 b open>half-open wait-over"
        ]
    );
}

#[test]
fn transitions_are_sorted_by_instant_then_by_first_appearance() {
    let folder = Folder::new("replay_sorted");
    let policy = folder.file("p.toml", one_failure());
    // z and a open at 10; z's wait is noticed only at the end, after what a did at 110 and 115.
    let trace = folder.trace("t.csv", "0,z,10,error 0,a,10,error 110,a,5,ok 400,z,1,ok");
    let summary = replay_json(&trace, &policy, &["--per-key"]);
    let expected = [
        "10 z closed>open consecutive",
        "10 a closed>open consecutive",
        "110 z open>half-open wait-over",
        "110 a open>half-open wait-over",
        "115 a half-open>closed trials-passed",
        "401 z half-open>closed trials-passed",
    ];
    assert_eq!(transitions(&summary), expected);
}

#[test]
fn keys_share_a_breaker_unless_told_apart() {
    let folder = Folder::new("replay_keys");
    let policy = folder.file("p.toml", TWO_FAILURES);
    let trace = folder.trace("t.csv", "0,a,1,error 2,b,1,error 4,a,1,ok 6,b,1,ok");
    assert_eq!(replay_json(&trace, &policy, &[])["refused"], json!(2));
    assert_eq!(
        replay_json(&trace, &policy, &["--per-key"])["refused"],
        json!(0)
    );
}

#[test]
fn what_was_kept_away_is_counted_once_in_each_column() {
    let folder = Folder::new("replay_counts");
    let policy = folder.file(
        "p.toml",
        r#"
        [breaker]
        window    = { count = 1 }
        triggers  = [
          { kind = "consecutive", failures = 1 },
          { kind = "slow-rate", slower_than = 100, at_least = "100%", min_calls = 1 },
        ]
        open      = { base = "1s" }
        half_open = { probe_timeout = "1s" }
        "#,
    );
    // Opened by a slow success at 101; then refused: good, slow, failed, failed and slow, and exactly at the limit.
    let trace = folder.trace(
        "t.csv",
        "0,a,101,ok 200,a,1,ok 201,a,101,ok 202,a,1,error 203,a,900,timeout 204,a,100,ok",
    );
    let summary = replay_json(&trace, &policy, &[]);
    assert_eq!(transitions(&summary), ["101 - closed>open slow-rate"]);
    assert_eq!(summary["failures"], json!({"seen": 2, "avoided": 2}));
    assert_eq!(summary["slow"], json!({"seen": 3, "avoided": 2}));
    assert_eq!(summary["good_refused"], json!(2));
    assert_eq!(
        (&summary["admitted"], &summary["refused"]),
        (&json!(1), &json!(5))
    );
}

#[test]
fn the_end_of_time_is_reached_without_overflow() {
    let folder = Folder::new("replay_end_of_time");
    let policy = folder.file("p.toml", one_failure());
    let max = u64::MAX;
    // Reports at the last instant: nothing can fall due after it, and the wait never ends.
    let trace = folder.trace("t.csv", &format!("{},a,1,error {max},a,{max},ok", max - 1));
    let summary = replay_json(&trace, &policy, &[]);
    assert_eq!(
        transitions(&summary),
        [format!("{max} - closed>open consecutive")]
    );
    assert_eq!(summary["refused"], json!(1));
    assert_eq!(summary["latency_after"]["count"], json!(1));
}

#[test]
fn a_call_that_would_end_after_the_last_instant_never_reports() {
    let folder = Folder::new("replay_after_the_end");
    let policy = folder.file("p.toml", one_failure());
    let rows = format!("5,a,{},error 6,a,1,ok", u64::MAX - 4);
    let summary = replay_json(&folder.trace("t.csv", &rows), &policy, &[]);
    assert_eq!(transitions(&summary), [""; 0]);
    assert_eq!(summary["admitted"], json!(2));
}

#[test]
fn the_trace_can_come_through_a_pipe() {
    let folder = Folder::new("replay_pipe");
    let policy = folder.file("p.toml", one_failure());
    let trace = folder.trace("t.csv", "0,a,1,error 2,a,1,ok");
    let from_file = evenkeel(["replay", &trace, "--policy", &policy, "--json"]).good();
    let input = folder.read("t.csv");
    let from_pipe = fed(
        ["replay", "-", "--policy", &policy, "--json"],
        input.as_bytes(),
    )
    .good();
    assert_eq!(from_file, from_pipe);
}
