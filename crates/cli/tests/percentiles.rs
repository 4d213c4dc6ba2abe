//! `evenkeel percentiles`: against the reference answers of real recordings, and the edges.

mod common;

use std::collections::HashMap;

use common::{Folder, evenkeel, fed, recording};

const HEADER: &str = "rows_seen,n,p50_ns,p95_ns,p99_ns,max_ns,failures,failure_rate";

/// Every checkpoint of `<name>.expected.csv` at `window`, digit for digit. Returns how many there were.
fn compare(name: &str, window: u32) -> Option<usize> {
    let trace = recording(&format!("{name}.csv"))?;
    let expected = std::fs::read_to_string(recording(&format!("{name}.expected.csv"))?).ok()?;
    // A line for every row: the checkpoints 1, 2 and 7 have no common step.
    let printed = evenkeel([
        "percentiles",
        &trace,
        "--window",
        &window.to_string(),
        "--every",
        "1",
    ])
    .table();
    let mut lines = printed.lines();
    assert_eq!(lines.next(), Some(HEADER));
    let by_rows_seen: HashMap<&str, &str> = lines
        .map(|line| (line.split(',').next().unwrap_or(""), line))
        .collect();
    let mut checked = 0;
    for line in expected.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        if f[0] != window.to_string() {
            continue;
        }
        // window,rows_seen,n,p50,p95,p99,max,n_ok,ok_p50,ok_p95,ok_p99,failures,timeouts,failure_rate
        let wanted = [f[1], f[2], f[3], f[4], f[5], f[6], f[11], f[13]].join(",");
        assert_eq!(
            by_rows_seen.get(f[1]).copied(),
            Some(wanted.as_str()),
            "{name} at {}",
            f[1]
        );
        checked += 1;
    }
    Some(checked)
}

macro_rules! reference {
    ($($test:ident: $name:literal, $at_100:literal, $at_1000:literal;)*) => {$(
        #[test]
        fn $test() {
            for (window, checkpoints) in [(100, $at_100), (1000, $at_1000)] {
                if let Some(checked) = compare($name, window) {
                    assert_eq!(checked, checkpoints, "checkpoints of {} at {window}", $name);
                }
            }
        }
    )*};
}

reference! {
    nab_ec2_request_latency: "nab_ec2_request_latency", 165, 20;
    jmeter_http_a: "jmeter_http_a", 208, 43;
    jmeter_http_b: "jmeter_http_b", 208, 43;
    taurus_http500: "taurus_http500", 27, 6;
    upptime_curc: "upptime_curc", 281, 58;
    nezha_boutique_currency_delay: "nezha_boutique_currency_delay", 346, 204;
}

fn ten_rows(folder: &Folder) -> String {
    let rows: Vec<String> = (0..10)
        .map(|n| {
            format!(
                "{n},k,{},{}",
                10 - n,
                if n % 3 == 0 { "timeout" } else { "ok" }
            )
        })
        .collect();
    folder.trace("ten.csv", &rows.join(" "))
}

#[test]
fn a_line_comes_every_k_rows_and_for_the_last_row() {
    let folder = Folder::new("percentiles_every");
    let trace = ten_rows(&folder);
    let at = |args: &[&str]| {
        let all = ["percentiles", &trace]
            .into_iter()
            .chain(args.iter().copied());
        evenkeel(all).table()
    };
    // Latencies 10, 9, .. 1; failures at rows 1, 4, 7 and 10.
    let every_4 = [
        HEADER,
        "4,3,8,9,9,9,1,0.333333333",
        "8,3,4,5,5,5,1,0.333333333",
        "10,3,2,3,3,3,1,0.333333333",
    ];
    assert_eq!(
        at(&["--window", "3", "--every", "4"]),
        every_4.join("\n") + "\n"
    );
    // The default step is the window; a last row on a step is printed once.
    let every_5 = [
        HEADER,
        "5,5,8,10,10,10,2,0.400000000",
        "10,5,3,5,5,5,2,0.400000000",
    ];
    assert_eq!(at(&["--window", "5"]), every_5.join("\n") + "\n");
    // A window that never fills.
    assert_eq!(
        at(&["--window", "1000", "--every", "1000"]),
        format!("{HEADER}\n10,10,5,10,10,10,4,0.400000000\n")
    );
}

#[test]
fn a_trace_can_come_through_a_pipe() {
    let input = b"t_ns,key,latency_ns,outcome\n0,a,7,ok\n1,b,9,error\n";
    let out = fed(["percentiles", "-", "--window", "2"], input).table();
    assert_eq!(out, format!("{HEADER}\n2,2,7,9,9,9,1,0.500000000\n"));
}

#[test]
fn a_window_out_of_range_is_refused_with_its_bound() {
    let folder = Folder::new("percentiles_bounds");
    let trace = ten_rows(&folder);
    let refusal = |args: &[&str]| {
        let all = ["percentiles", &trace]
            .into_iter()
            .chain(args.iter().copied());
        evenkeel(all).complaint().to_owned()
    };
    let least = refusal(&["--window", "0"]);
    assert_eq!(least, "--window 0 is out of range: it must be at least 1");
    let most = refusal(&["--window", "1048577"]);
    assert_eq!(
        most,
        "--window 1048577 is out of range: it must be at most 1048576"
    );
    assert!(refusal(&["--window", "5", "--every", "0"]).contains("0 is not in 1.."));
    assert!(refusal(&["--window", "-5"]).contains("-5"));
}

/// What a wrong unit shows in: over how long the calls are, and when, if their times are Unix times.
#[test]
fn the_whole_trace_is_told_beside_the_table() {
    let folder = Folder::new("percentiles_whole");
    let told = |rows: &str| {
        let trace = folder.trace("t.csv", rows);
        let run = evenkeel(["percentiles", &trace, "--window", "9"]);
        run.stderr.replace(&trace, "t.csv")
    };
    assert_eq!(
        told("1773478800000000000,a,1,ok 1773482400000000000,b,1,error"),
        "t.csv: 2 calls in 1 h, 2 keys, 1 failure; 2026-03-14 09:00:00 to 10:00:00 UTC\n"
    );
    // Milliseconds, taken as nanoseconds.
    assert_eq!(
        told("1773478800000,a,1,ok 1773482400000,a,1,ok"),
        "t.csv: 2 calls in 3.6 ms, 1 key, 0 failures\n"
    );
    let later: String = (0..20)
        .map(|i| format!(" {},a,1,ok", 1_773_478_800_000_000_000_u64 + i))
        .collect();
    let header = told(&format!("0,route,0,error{later}"));
    let note = "note: no call for 20526 d 9 h of 20526 d 9 h, between the lines 2 and 3: are both of this log?\n";
    assert!(header.ends_with(note), "{header}");
}
