//! `evenkeel simulate`: the same bytes for any threads and shards, what its JSON holds, its tables, and its mistakes.

mod common;

use common::{Folder, Run, evenkeel};
use serde_json::Value;

/// Quick, and with metrics that differ from run to run.
const QUICK: [&str; 5] = [
    "simulate",
    "contending-writers",
    "--set",
    "clients=8",
    "--runs",
];

fn simulate(args: &[&str]) -> Run {
    evenkeel(QUICK.iter().chain(args))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

/// How `parts` are merged that are printed with these arguments, each a file of its own.
fn merged(folder: &Folder, args: &[&str], parts: u64) -> String {
    let files: Vec<String> = (1..=parts)
        .map(|number| {
            let shard = format!("{number}/{parts}");
            let part = simulate(&[args, &["--shard", &shard]].concat()).good();
            folder.file(&format!("{number}.json"), part)
        })
        .collect();
    // The order in which they are named does not matter.
    let names = files.iter().rev().map(String::as_str);
    evenkeel(["merge"].into_iter().chain(names)).good()
}

#[test]
fn threads_and_shards_change_no_byte() {
    let folder = Folder::new("simulate_bytes");
    let whole = simulate(&["20", "--json", "--threads", "1"]).good();
    for threads in ["1", "2", "7"] {
        let again = simulate(&["20", "--json", "--threads", threads]).good();
        assert_eq!(again, whole, "{threads} threads");
    }
    assert_eq!(simulate(&["20", "--json"]).good(), whole);
    // As many parts as there are runs, and more than there are: some have none.
    for parts in [1, 3, 20, 23] {
        assert_eq!(merged(&folder, &["20"], parts), whole, "{parts} parts");
    }
    let other = simulate(&["20", "--json", "--seed", "2"]).good();
    assert_ne!(other, whole);
}

/// A sweep prints a line for each point: what it alone would have printed. Its parts are merged, too.
#[test]
fn each_line_of_a_sweep_is_its_point_alone() {
    let folder = Folder::new("simulate_sweep_bytes");
    let sweep = ["--sweep", "algorithm=none,full", "--sweep", "clients=3,8"];
    let swept = |args: &[&str]| {
        let fixed = ["simulate", "contending-writers", "--runs", "5"];
        evenkeel(fixed.iter().chain(&sweep).chain(args)).good()
    };
    let mut lines = Vec::new();
    for algorithm in ["algorithm=none", "algorithm=full"] {
        for clients in ["clients=3", "clients=8"] {
            let sets = ["--set", algorithm, "--set", clients];
            let args = ["simulate", "contending-writers", "--runs", "5", "--json"];
            lines.push(evenkeel(args.iter().chain(&sets)).good());
        }
    }
    assert_eq!(swept(&["--json"]), lines.concat());
    let parts = ["1/2", "2/2"]
        .map(|shard| folder.file(&shard.replace('/', "-"), swept(&["--shard", shard])));
    assert_eq!(
        evenkeel(["merge", &parts[0], &parts[1]]).good(),
        lines.concat()
    );
    // A part of one simulation with a part of another.
    let other = folder.file("other", simulate(&["5", "--shard", "2/2"]).good());
    let told = evenkeel(["merge", &parts[0], &other]);
    assert!(
        told.complaint()
            .ends_with("they are not parts of one simulation"),
        "{}",
        told.stderr
    );
}

#[test]
fn the_json_has_the_parameters_and_each_metric() {
    let text = simulate(&["7", "--json", "--set", "algorithm=equal"]).good();
    assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");
    let object = json(&text);
    let keys: Vec<&String> = object.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["metrics", "params", "runs", "scenario", "seed"]);
    assert_eq!(object["scenario"], "contending-writers");
    assert_eq!(
        object["params"],
        serde_json::json!({"clients": 8, "algorithm": "equal"})
    );
    assert_eq!((&object["runs"], &object["seed"]), (&7.into(), &1.into()));
    for metric in ["time_ms", "calls", "failed"] {
        let of = object["metrics"][metric].as_object().expect("a metric");
        let number = |name: &str| of[name].as_f64().expect("a number");
        assert_eq!(of.len(), 4);
        assert!(
            number("min") <= number("mean") && number("mean") <= number("max"),
            "{metric}"
        );
        assert!(number("sd") > 0.0, "{metric}");
    }
    // The keys in this order.
    let places = [
        "\"scenario\"",
        "\"params\"",
        "\"runs\"",
        "\"seed\"",
        "\"metrics\"",
        "\"mean\"",
        "\"sd\"",
        "\"min\"",
    ];
    let places: Vec<usize> = places
        .iter()
        .map(|key| text.find(key).expect("a key"))
        .collect();
    assert!(places.is_sorted(), "{text}");
    let one = json(&simulate(&["1", "--json"]).good());
    assert_eq!(one["metrics"]["calls"]["sd"], 0.0);
}

#[test]
fn the_table_is_of_the_same_numbers() {
    let run = simulate(&["7"]);
    assert_eq!(run.stderr, "", "no progress in a pipe");
    let text = run.good();
    assert!(!text.contains('\x1b'), "no colours in a pipe");
    let object = json(&simulate(&["7", "--json"]).good());
    assert!(text.starts_with("contending-writers: "), "{text}");
    assert!(text.contains("\n7 runs with seed 1, "), "{text}");
    assert!(text.contains("\n  clients  8  instead of 100\n"), "{text}");
    let line = text
        .lines()
        .find(|line| line.starts_with("  calls "))
        .expect("calls");
    let cells: Vec<&str> = line.split_whitespace().collect();
    // calls mean low to high sd min max
    let number = |at: usize| cells[at].parse::<f64>().expect("a number");
    let calls = &object["metrics"]["calls"];
    for (at, name) in [(1, "mean"), (5, "sd"), (6, "min"), (7, "max")] {
        let exact = calls[name].as_f64().expect("a number");
        assert!((number(at) - exact).abs() < 0.01, "{name}: {line}");
    }
    // Student's t with 6 degrees of freedom.
    let margin = 3.707 * calls["sd"].as_f64().expect("a number") / 7_f64.sqrt();
    let half = (number(4) - number(2)) / 2.0;
    assert!((half - margin).abs() < 0.01, "{line}");
    let one = simulate(&["1"]).good();
    let line = one
        .lines()
        .find(|line| line.starts_with("  calls "))
        .expect("calls");
    assert_eq!(line.split_whitespace().nth(2), Some("-"), "{line}");
}

/// What is 0 or 1 in each run is also said as a number of runs, and is not certain where all runs agree.
#[test]
fn whether_something_happened_is_said_in_words() {
    let args = ["--runs", "12", "--set", "client=backoff-and-jitter"];
    let text = evenkeel(["simulate", "congestive-collapse"].iter().chain(&args)).good();
    assert!(text.ends_with("\ncollapsed in 0 of 12 runs.\n"), "{text}");
    let line = text
        .lines()
        .find(|line| line.starts_with("  collapsed "))
        .expect("it is a metric");
    let cells: Vec<&str> = line.split_whitespace().collect();
    let high: f64 = cells[4].parse().expect("a number");
    // z^2 / (n + z^2)
    assert!((high - 0.356_1).abs() < 1e-3, "{line}");
}

#[test]
fn a_sweep_has_a_row_for_each_point() {
    let args = [
        "--sweep",
        "algorithm=none,exponential,full",
        "--sweep",
        "clients=4,40",
    ];
    let fixed = ["simulate", "contending-writers", "--runs", "12"];
    let text = evenkeel(fixed.iter().chain(&args)).good();
    let table: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("calls: "))
        .skip(1)
        .take(7)
        .collect();
    assert!(table[0].starts_with("  algorithm    clients "), "{text}");
    let names: Vec<String> = table[1..]
        .iter()
        .map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        names,
        [
            "none 4",
            "none 40",
            "exponential 4",
            "exponential 40",
            "full 4",
            "full 40"
        ]
    );
    // The plot: the more calls, the further to the right.
    let place = |at: usize| table[at].chars().position(|c| c == '●').expect("a mark");
    assert!(place(1) < place(2) && place(6) < place(2), "{text}");
    assert!(text.contains("\n12 runs with seed 1 each, "), "{text}");
}

#[test]
fn a_comparison_has_a_row_for_each_side() {
    let sides = [
        "--compare",
        "contending-writers",
        "congestive-collapse",
        "--runs",
        "3",
    ];
    let text = evenkeel(["simulate"].iter().chain(&sides)).good();
    for part in [
        "\ncalls: ",
        "\ncollapsed: ",
        "  contending-writers  ",
        "  congestive-collapse  ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // One may stand before.
    let before = [
        "simulate",
        "contending-writers",
        "--runs",
        "3",
        "--compare",
        "congestive-collapse",
    ];
    assert_eq!(evenkeel(before).good(), text);
    let objects = evenkeel(["simulate"].iter().chain(&sides).chain(&["--json"])).good();
    let names: Vec<Value> = objects
        .lines()
        .map(|line| json(line)["scenario"].clone())
        .collect();
    assert_eq!(names, ["contending-writers", "congestive-collapse"]);
}

#[test]
fn the_list_has_every_parameter_and_its_default() {
    let list = evenkeel(["simulate", "--list"]).good();
    for part in [
        "\n\nretry-strategies\n",
        "\n    clients = 100 ",
        "\n    algorithm = full ",
        "\n    time_ms ",
        "none, exponential,",
    ] {
        assert!(list.contains(part), "{part} in {list}");
    }
    assert!(
        list.lines().all(|line| line.chars().count() <= 80),
        "{list}"
    );
}

#[test]
fn mistakes_are_named_with_what_is_expected() {
    let told = |args: &[&str]| {
        let run = evenkeel(["simulate"].iter().chain(args));
        assert_eq!(run.stdout, "", "{args:?}");
        run.complaint().to_owned()
    };
    let of = |set: &'static str| told(&["contending-writers", "--set", set]);
    assert!(
        told(&[]).starts_with(
            "found no scenario, expected a scenario file or one of contending-writers, "
        )
    );
    assert!(told(&["contendingwriters"]).ends_with(": did you mean `contending-writers`?"));
    assert!(
        told(&["--compare", "contending-writers"])
            .starts_with("found one scenario to compare, expected two or more")
    );
    assert!(of("client=3").contains("has no parameter \"client\"; it has clients, algorithm"));
    assert!(of("client=3").ends_with(": did you mean `clients`?"));
    assert!(of("clients=0").ends_with("it must be a whole number from 1 to 100000"));
    assert!(
        of("algorithm=fool").ends_with("it must be none, exponential, equal, full or decorrelated")
    );
    assert!(of("algorithm=fully").ends_with(": did you mean `full`?"));
    let sweep = |sweep: &'static str, more: &[&'static str]| {
        told(&[&["contending-writers", "--sweep", sweep], more].concat())
    };
    assert!(sweep("clients=1,x", &[]).starts_with("--sweep clients=x: "));
    assert!(sweep("clients=1,2", &["--set", "clients=3"]).starts_with("clients is set and swept"));
    assert!(sweep("clients=1,2", &["--sweep", "clients=3"]).starts_with("clients is swept twice"));
    let many: Vec<String> = (1..=1_001).map(|count| count.to_string()).collect();
    let many = format!("clients={}", many.join(","));
    let run = evenkeel(["simulate", "contending-writers", "--sweep", &many]);
    assert!(
        run.complaint()
            .starts_with("found more than 1000 combinations")
    );
    let run = evenkeel([
        "simulate",
        "contending-writers",
        "--sweep",
        "clients=1,2,3,4,5,6,7,8,9,10,11",
        "--runs",
        "1000000",
    ]);
    assert!(
        run.complaint()
            .starts_with("found 11000000 runs in all, expected at most 10000000")
    );
}

/// The kind of a load brings parameters of its own: it is set first, wherever it stands.
#[test]
fn a_kind_may_stand_behind_its_parameters() {
    let service = |args: &[&str]| {
        let small = ["seconds=2", "clients.count=3"].map(|set| ["--set", set]);
        let fixed = ["simulate", "service", "--runs", "1", "--json"];
        evenkeel(fixed.iter().chain(small.as_flattened()).chain(args)).good()
    };
    let (think, kind) = ("load.think=5ms", "load.kind=closed");
    let before = service(&["--set", kind, "--set", think]);
    assert_eq!(json(&before)["params"]["load.think"], "5ms", "{before}");
    assert_eq!(service(&["--set", think, "--set", kind]), before);
    assert_eq!(service(&["--sweep", think, "--sweep", kind]), before);
    assert_eq!(service(&["--set", think, "--sweep", kind]), before);
}

/// Parameters that are each in their range and do not fit together are refused before the first run.
#[test]
fn parameters_must_fit_together() {
    let metastable = |args: &[&str]| evenkeel(["simulate", "metastable"].iter().chain(args));
    let whole = metastable(&["--set", "outage=1h"]);
    assert!(
        whole
            .complaint()
            .starts_with("metastable: seconds is 120: it must be 3635 or more"),
        "{}",
        whole.stderr
    );
    // Of a sweep it says which point; not what is set in between is judged, but what comes of it.
    let swept = metastable(&["--sweep", "seconds=60,40", "--set", "outage=20s"]);
    assert!(
        swept.complaint().starts_with("seconds=40: seconds is 40: "),
        "{}",
        swept.stderr
    );
    let small = ["--set", "rate=40", "--set", "capacity=50", "--runs", "1"];
    let fits = ["--set", "outage=50s", "--set", "seconds=90"];
    metastable(&[&fits[..], &small].concat()).good();
}

#[test]
fn no_interval_of_what_is_never_below_0_reaches_there() {
    // With two runs Student's t is 64.
    let text = simulate(&["2"]).good();
    let line = text.lines().find(|line| line.starts_with("  calls "));
    let cells: Vec<&str> = line.expect("calls").split_whitespace().collect();
    assert_eq!(cells[2..4], ["0", "to"], "{text}");
    let swept = ["--sweep", "algorithm=none,full", "--runs", "2"];
    let text = evenkeel(["simulate", "contending-writers"].iter().chain(&swept)).good();
    let negative = |word: &str| word.starts_with('-') && word.len() > 1;
    assert!(!text.split_whitespace().any(negative), "{text}");
}

#[test]
fn bad_usage_ends_with_2() {
    for args in [
        &["--runs", "0"][..],
        &["--runs", "1000001"],
        &["--threads", "0"],
        &["--shard", "0/3"],
        &["--shard", "4/3"],
        &["--shard", "3"],
        &["--seed", "-1"],
        &["--set", "clients"],
        &["--sweep", "clients"],
        &["--sweep", "clients=1,,2"],
        &["--sweep", "clients=1,1"],
        &["--list"],
        &["--shard", "1/2", "--report", "x.html"],
        &["--compare", "contending-writers", "--sweep", "clients=1,2"],
    ] {
        let run = evenkeel(["simulate", "contending-writers"].iter().chain(args));
        assert_eq!(run.code, 2, "{args:?}");
        assert!(run.stderr.contains("--help"), "{args:?}: {}", run.stderr);
    }
}
