//! A wrong value in each table beside `[breaker]` and `[backoff]`: one message that points at the very value, in TOML
//! and in JSON.

mod common;

use common::{Folder, TABLES, evenkeel};

/// A table with one wrong value, and the message about it.
struct Case {
    name: &'static str,
    table: &'static str,
    place: &'static str,
    says: &'static str,
    marked: &'static str,
}

const CASES: [Case; 16] = [
    Case {
        name: "retry",
        table: "[retry]\ndeadline = \"1s\"\nattempt_timeout = \"5s\"\nbackoff = { base = \"1ms\" }\n",
        place: "3:19",
        says: "retry.attempt_timeout conflicts with deadline: an attempt cannot take longer than the whole; lower the \
               timeout or raise the deadline",
        marked: "\"5s\"",
    },
    Case {
        name: "retry_rule",
        table: "[retry]\nadvisory_rule = \"at-lest\"\nbackoff = { base = \"1ms\" }\n",
        place: "2:17",
        says: "retry.advisory_rule: found the unknown value `at-lest`, expected one of `at-least`, `exact`, `within`: \
               did you mean `at-least`?",
        marked: "\"at-lest\"",
    },
    Case {
        name: "retry_backoff",
        table: "[retry]\nbackoff = { base = \"1ms\", factor = \"1/2\" }\n",
        place: "2:36",
        says: "retry.backoff.factor is 1/2: it must be at least 1",
        marked: "\"1/2\"",
    },
    Case {
        name: "retry_ratio",
        table: "[retry_ratio]\nratio = 20\n",
        place: "2:9",
        says: "retry_ratio.ratio is 20: it must be at most 10",
        marked: "20",
    },
    Case {
        name: "retry_tokens",
        table: "[retry_tokens]\ncapacity_milli = 10\n",
        place: "2:18",
        says: "retry_tokens.capacity_milli conflicts with the costs: no retry could ever be paid; amounts are \
               thousandths, one token is 1000",
        marked: "10",
    },
    Case {
        name: "adaptive_throttle",
        table: "[adaptive_throttle]\nk = \"0.5\"\n",
        place: "2:5",
        says: "adaptive_throttle.k is 1/2: it must be at least 1",
        marked: "\"0.5\"",
    },
    Case {
        name: "reconnect",
        table: "[reconnect]\nconnect_timeout = \"0s\"\nbackoff = { base = \"1s\" }\n",
        place: "2:19",
        says: "reconnect.connect_timeout is 0: it must be above 0",
        marked: "\"0s\"",
    },
    Case {
        name: "reconnect_backoff",
        table: "[reconnect]\nconnect_timeout = \"1s\"\nbackoff = { base = \"0s\" }\n",
        place: "3:20",
        says: "reconnect.backoff.base is 0: it must be above 0",
        marked: "\"0s\"",
    },
    Case {
        name: "restart",
        table: "[restart]\nbackoff = { base = \"1s\" }\nintensity = { max_restarts = 5000, window = \"1h\" }\n",
        place: "3:30",
        says: "restart.intensity.max_restarts is 5000: it must be at most 4096",
        marked: "5000",
    },
    Case {
        name: "restart_backoff",
        table: "[restart]\ncooldown = \"1m\"\n\n[restart.backoff]\nbase = \"1s\"\nfactor = \"1/2\"\n",
        place: "6:10",
        says: "restart.backoff.factor is 1/2: it must be at least 1",
        marked: "\"1/2\"",
    },
    Case {
        name: "health_probe",
        table: "[health_probe]\ninterval = \"10s\"\ntimeout = \"1s\"\nrise = 0\n",
        place: "4:8",
        says: "health_probe.rise is 0: it must be at least 1",
        marked: "0",
    },
    Case {
        name: "health_probe_down",
        table: "[health_probe]\ninterval = \"10s\"\ntimeout = \"1s\"\ndown = { base = \"1s\", factor = \"1/2\" }\n",
        place: "4:32",
        says: "health_probe.down.factor is 1/2: it must be at least 1",
        marked: "\"1/2\"",
    },
    Case {
        name: "backoff_table",
        table: "[backoff_table]\nmax_keys = 0\nforget_after = \"1m\"\nbackoff = { base = \"1s\" }\n",
        place: "2:12",
        says: "backoff_table.max_keys is 0: it must be at least 1",
        marked: "0",
    },
    Case {
        name: "breaker_table",
        table: "[breaker_table]\nmax_keys = 9\nforget_after = \"1s\"\n[breaker_table.breaker]\n\
                triggers = [{ kind = \"consecutive\", failures = 5 }]\nopen = { base = \"1s\" }\n\
                half_open = { probe_timeout = \"5s\" }\n",
        place: "3:16",
        says: "breaker_table.forget_after is 1s: it must be at least 5s",
        marked: "\"1s\"",
    },
    Case {
        name: "breaker_table_breaker",
        table: "[breaker_table]\nmax_keys = 9\nforget_after = \"9s\"\n[breaker_table.breaker]\n\
                triggers = [{ kind = \"consecutive\", failures = 0 }]\nopen = { base = \"1s\" }\n\
                half_open = { probe_timeout = \"5s\" }\n",
        place: "5:48",
        says: "breaker_table.breaker.triggers[0].failures is 0: it must be at least 1",
        marked: "0",
    },
    Case {
        name: "recovery_budget",
        table: "[recovery_budget]\nbudget = 1\nwindow = \"1m\"\nmax_keys = 9\nforget_after = \"30s\"\n\
                backoff = { base = \"1s\" }\n",
        place: "5:16",
        says: "recovery_budget.forget_after is 30s: it must be at least 1m",
        marked: "\"30s\"",
    },
];

/// Stderr of `explain` (with which `replay` must agree) after the file's name, and what its carets mark.
#[track_caller]
fn complaint(folder: &Folder, name: &str, content: &str) -> (String, String) {
    let trace = folder.trace("t.csv", "0,a,1,ok");
    let policy = folder.file(name, content);
    let run = evenkeel(["explain", &policy]);
    run.complaint();
    let replay = evenkeel(["replay", &trace, "--policy", &policy]);
    assert_eq!(run.stderr, replay.stderr);
    let mut lines = run.stderr.lines();
    let first = lines.next().unwrap_or("");
    let said = first.strip_prefix(&format!("error: {policy}:"));
    let (line, carets) = (lines.nth(1).unwrap_or(""), lines.next().unwrap_or(""));
    let under = line
        .chars()
        .zip(carets.chars())
        .filter(|(_, c)| *c == '^')
        .map(|(l, _)| l)
        .collect();
    (said.expect("it starts with the file").to_owned(), under)
}

#[test]
fn each_points_at_the_value() {
    let folder = Folder::new("bad_tables_toml");
    for case in &CASES {
        let (said, marked) = complaint(&folder, &format!("{}.toml", case.name), case.table);
        assert_eq!(
            said,
            format!("{}: {}", case.place, case.says),
            "{}",
            case.name
        );
        assert_eq!(marked, case.marked, "{}", case.name);
    }
}

/// The same tables as JSON, behind and before good ones of the kinds that the errors name alike.
#[test]
fn json_says_the_same() {
    let folder = Folder::new("bad_tables_json");
    for case in &CASES {
        let table: toml::Value = toml::from_str(case.table).expect("it is TOML");
        let json = serde_json::to_string(&table).expect("it is JSON");
        let inner = json.trim_start_matches('{').trim_end_matches('\n');
        let inner = inner.strip_suffix('}').expect("it is an object");
        let good = "\"backoff\": {\"base\": \"1s\", \"factor\": 3}";
        for (order, text) in [
            ("alone", format!("{{{inner}}}")),
            ("last", format!("{{{good},\n {inner}}}")),
            ("first", format!("{{{inner},\n {good}}}")),
        ] {
            let name = format!("{}-{order}.json", case.name);
            let (said, marked) = complaint(&folder, &name, &text);
            let (_, says) = said.split_once(": ").expect("a place and a reason");
            assert_eq!(says, case.says, "{text}");
            assert_eq!(marked, case.marked, "{text}");
        }
    }
}

#[test]
fn every_other_table_has_a_case() {
    // `[breaker]` and `[backoff]` have a test of their own.
    let others = TABLES
        .iter()
        .filter(|table| !["breaker", "backoff"].contains(table));
    for table in others {
        assert!(CASES.iter().any(|case| case.name == *table), "{table}");
    }
}

#[test]
fn what_is_missing_or_of_another_kind_names_its_table() {
    let folder = Folder::new("bad_tables_kind");
    let says = |name: &str, text: &str| complaint(&folder, name, text).0;
    assert_eq!(
        says("a.toml", "[retry]\nmax_attempts = 3\n"),
        "1:1: retry.backoff is missing: add it, it has no default"
    );
    assert_eq!(
        says("b.toml", "[retry]\nbackoff = 7\n"),
        "2:11: retry.backoff: found integer `7`, expected a table"
    );
    assert_eq!(
        says(
            "c.toml",
            "[restart]\nrestart_on = 7\nbackoff = { base = 1 }\n"
        ),
        "2:14: restart.restart_on: expected a value in quotes, or a table"
    );
    assert_eq!(
        says(
            "d.toml",
            "[reconnect]\nconnect_timeout = \"1s\"\nadvisory_rule = { within = \"5y\" }\nbackoff = { base = 1 }\n"
        ),
        "3:28: reconnect.advisory_rule.within: found \"5y\": span cannot be read: expected a span such as \"250ms\", \
         \"1m30s\" or \"1.5s\""
    );
    assert_eq!(
        says(
            "e.toml",
            "[restart]\nbackoff = { base = \"1s\", max_retries = 3 }\n"
        ),
        "2:40: restart.backoff.max_retries cannot be set here: restarts are limited by intensity; leave this limit out"
    );
}
