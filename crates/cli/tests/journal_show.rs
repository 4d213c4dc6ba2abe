//! `evenkeel journal show` and `journal stats`: the lines, the filters, the objects.

mod common;

use common::journal::{CALLS, incident, with_gap};
use common::{Folder, evenkeel};
use serde_json::Value;

const SHOWN: &str = "\
───────────────  breaker \"db\" (machine 0): begins
───────────────  backoff_table \"logins\" (machine 1): begins
seconds since the first call, at 1000000000000 ns
    0.000        db      try_acquire                                   granted permit 0.0.0
    0.030        db      on_outcome permit 0.0.0, failure, 30 ms       counted
    0.100        db      try_acquire                                   granted permit 0.0.0
    0.130        db      on_outcome permit 0.0.0, failure, 30 ms       counted
    0.200        db      try_acquire                                   granted permit 0.0.0
    0.230        db      on_outcome permit 0.0.0, failure, 30 ms       counted                   closed -> open (consecutive)
    0.300        logins  try_acquire key \"anna\"                        admitted
    0.301        logins  on_failure key \"anna\"                         held until 0.312072087 s, attempt 1, backoff
    0.310        logins  try_acquire key \"bert\"                        admitted
    0.311        logins  on_failure key \"bert\"                         held until 0.345423171 s, attempt 1, backoff
    0.320        logins  try_acquire key \"anna\"                        admitted
    0.321        logins  on_failure key \"anna\"                         held until 0.608030452 s, attempt 2, backoff
    0.400        db      try_acquire                                   refused open, retry at 1.23 s
    0.900        db      try_acquire                                   refused open, retry at 1.23 s
    1.500        db      try_acquire                                   granted permit 2.0.1      open -> half-open (wait-over, at 1.23 s)
    1.510        db      on_outcome permit 2.0.1, success, 10 ms       counted                   half-open -> closed (trials-passed)
───────────────  the end: 16 calls, none lost
";

/// The instants that are shown with these arguments.
fn instants(path: &str, more: &[&str]) -> Vec<String> {
    let said = evenkeel(["journal", "show", path].iter().chain(more)).good();
    said.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.parse::<f64>().is_ok())
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_call_is_a_line() {
    let folder = Folder::new("show_lines");
    let path = folder.file("j.jsonl", incident());
    assert_eq!(evenkeel(["journal", "show", &path]).good(), SHOWN);
    let said = evenkeel(["journal", "show", &path, "--words"]).good();
    assert!(said.contains("attempt 1, backoff  drew 0.0553\n"), "{said}");
}

#[test]
fn filters_choose_by_machine_key_and_time() {
    let folder = Folder::new("show_filters");
    let path = folder.file("j.jsonl", incident());
    let shown = |more: &[&str]| instants(&path, more);
    assert_eq!(shown(&[]).len(), CALLS);
    for name in ["logins", "1", "backoff_table"] {
        assert_eq!(shown(&["--machine", name]).len(), 6, "{name}");
    }
    assert_eq!(
        shown(&["--machine", "db", "--machine", "logins"]).len(),
        CALLS
    );
    assert_eq!(
        shown(&["--key", "anna"]),
        ["0.300", "0.301", "0.320", "0.321"]
    );
    let rest = ["0.900", "1.500", "1.510"];
    for from in ["0.5s", "0.900", "1000900000000ns"] {
        assert_eq!(shown(&["--from", from]), rest, "{from}");
    }
    assert_eq!(
        shown(&["--from", "0.5s", "--to", "1.5s"]),
        ["0.900", "1.500"]
    );
    assert_eq!(shown(&["--changes"]), ["0.230", "1.500", "1.510"]);
    assert!(shown(&["--changes", "--machine", "logins"]).is_empty());
}

#[test]
fn gaps_show_among_changes() {
    let folder = Folder::new("show_gap");
    let path = folder.file("j.jsonl", with_gap());
    let said = evenkeel(["journal", "show", &path, "--changes"]).good();
    let gap =
        "───────────────  breaker \"db\" (machine 0): gap, 7 calls lost; goes on from a snapshot\n";
    assert!(said.contains(gap), "{said}");
    assert!(
        said.ends_with("───────────────  the end: 16 calls, 7 lost\n"),
        "{said}"
    );
    assert!(!said.contains("begins"), "{said}");
}

#[test]
fn a_machine_that_is_not_there_is_an_error_with_those_that_are() {
    let folder = Folder::new("show_nobody");
    let path = folder.file("j.jsonl", incident());
    let run = evenkeel(["journal", "show", &path, "--machine", "login"]);
    assert_eq!(
        run.complaint(),
        format!(
            "{path}: found no machine \"login\", expected a name, id or kind of those it has: db, logins: did you mean `logins`?"
        )
    );
    for time in ["soon", "1h", "-1s"] {
        let run = evenkeel(["journal", "show", &path, &format!("--from={time}")]);
        assert_eq!(run.code, 2, "{time}");
        assert!(
            run.stderr.contains("expected seconds since the first call"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn damage_comes_after_what_can_be_shown() {
    let folder = Folder::new("show_damage");
    let whole = incident();
    let path = folder.file("j.jsonl", &whole[..whole.len() - 10]);
    let run = evenkeel(["journal", "show", &path]);
    assert!(
        run.complaint()
            .starts_with(&format!("{path}:19:1: the journal ends ")),
        "{}",
        run.stderr
    );
    assert_eq!(run.stdout.lines().count(), 3 + CALLS);
    for command in ["stats", "show"] {
        let run = evenkeel(["journal", command, &folder.file("no.jsonl", "t_ns,key\n")]);
        assert!(run.complaint().contains("no.jsonl:1:"), "{}", run.stderr);
    }
}

#[test]
fn json_has_a_line_for_each_line() {
    let folder = Folder::new("show_json");
    let path = folder.file("j.jsonl", incident());
    let said = evenkeel(["journal", "show", &path, "--json"]).good();
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    assert_eq!(lines.len(), CALLS + 3);
    assert_eq!(
        (&lines[0]["header"], &lines[0]["machine"]),
        (&"begins".into(), &"breaker".into())
    );
    let refused = &lines[14];
    assert_eq!(
        (&refused["line"], &refused["t_ns"]),
        (&15.into(), &1_000_400_000_000_u64.into())
    );
    assert_eq!(
        (&refused["since_first_ns"], &refused["name"]),
        (&400_000_000.into(), &"db".into())
    );
    assert_eq!(refused["op"], "try_acquire");
    assert_eq!(refused["verdict"]["reason"], "open");
    assert_eq!(refused["verdict"]["at_ns"], 1_001_230_000_000_u64);
    let opened = &lines[7];
    assert_eq!(opened["changes"][0]["cause"], "consecutive");
    assert_eq!(opened["answer"]["receipt"]["counted"][0]["to"], "open");
    assert_eq!(lines[9]["words"].as_array().map(Vec::len), Some(1));
    assert_eq!(lines[CALLS + 2]["end"]["ops"], CALLS);
}

#[test]
fn stats_count_what_each_machine_did() {
    let folder = Folder::new("stats");
    let journal = incident();
    let path = folder.file("j.jsonl", &journal);
    let said = evenkeel(["journal", "stats", &path]).good();
    let bytes = format!("{},{:03}", journal.len() / 1_000, journal.len() % 1_000);
    let expected = format!(
        "{path}: 16 calls of 2 machines in 1.51 s, 10.5 a second
{bytes} bytes, 3 words drawn, no gap

breaker \"db\" (machine 0): 10 calls from 0 s to 1.51 s, 6.6 a second
  calls     try_acquire 6, on_outcome 4
  asked     6: 4 admitted, 2 refused (open 2)
  changes   consecutive 1, trials-passed 1, wait-over 1

backoff_table \"logins\" (machine 1): 6 calls from 0.3 s to 0.321 s, 285 a second
  calls     on_failure 3, try_acquire 3
  asked     3: 3 admitted
  words     3
"
    );
    assert_eq!(said, expected);
    let gap = folder.file("gap.jsonl", with_gap());
    let said = evenkeel(["journal", "stats", &gap]).good();
    assert!(
        said.contains("3 words drawn, 1 gap with 7 calls lost\n"),
        "{said}"
    );
    assert!(said.contains("\n  lost      7 calls in 1 gap\n"), "{said}");
    let object: Value =
        serde_json::from_str(&evenkeel(["journal", "stats", &gap, "--json"]).good()).expect("JSON");
    assert_eq!(
        (&object["ops"], &object["dropped"], &object["gaps"]),
        (&CALLS.into(), &7.into(), &1.into())
    );
    let db = &object["machines"][0];
    assert_eq!(
        (&db["machine"], &db["name"], &db["ops"]),
        (&"breaker".into(), &"db".into(), &10.into())
    );
    assert_eq!(
        (&db["refused"]["open"], &db["changes"]["wait-over"]),
        (&2.into(), &1.into())
    );
    assert_eq!(db["calls"]["on_outcome"], 4);
}

#[test]
fn all_kinds_of_machines_can_be_shown() {
    let folder = Folder::new("show_all");
    for kind in evenkeel_replay::any::Kind::ALL {
        let trace = evenkeel_replay::golden::trace(*kind).expect("a trace");
        let path = folder.file(kind.name(), trace);
        let shown = evenkeel(["journal", "show", &path]).good();
        let calls = shown.lines().filter(|line| !line.starts_with('─')).count();
        let stats: Value =
            serde_json::from_str(&evenkeel(["journal", "stats", &path, "--json"]).good())
                .expect("JSON");
        assert_eq!(stats["ops"], calls - 1, "{}", kind.name());
        evenkeel(["verify", &path]).good();
    }
}
