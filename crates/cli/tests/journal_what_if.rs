//! `evenkeel what-if`: the same policy changes nothing, another one parts, and what is said of it.

mod common;

use common::journal::{CALLS, POLICY, incident, incident_called};
use common::page::needs_nothing_else;
use common::{Folder, evenkeel, of_repository};
use serde_json::Value;

/// Opens after the second failure.
const STRICTER: &str = r#"
[breaker]
triggers  = [{ kind = "consecutive", failures = 2 }]
open      = { base = "1s", jitter = "none" }
half_open = { probe_timeout = "5s" }
"#;

#[test]
fn the_same_policy_changes_nothing() {
    let folder = Folder::new("what_if_same");
    let journal = folder.file("j.jsonl", incident());
    let policy = folder.file("p.toml", POLICY);
    let said = evenkeel(["what-if", &journal, "--policy", &policy]).good();
    assert!(
        said.starts_with(&format!(
            "{journal} under {policy}: {CALLS} calls of 2 machines in 1.51 s\n"
        )),
        "{said}"
    );
    assert!(
        said.contains("\nNo decision parts: each machine does as recorded.\n"),
        "{said}"
    );
    let json = evenkeel(["what-if", &journal, "--policy", &policy, "--json"]).good();
    let found: Value = serde_json::from_str(&json).expect("an object");
    for machine in found["machines"].as_array().expect("a list") {
        assert_eq!(machine["before"], machine["after"]);
        assert_eq!(machine["parted"], Value::Null);
        for nothing in ["differing", "skipped", "unknown", "added_polls"] {
            assert_eq!(machine[nothing], 0, "{nothing}");
        }
    }
}

#[test]
fn a_stricter_policy_parts_and_says_where() {
    let folder = Folder::new("what_if_stricter");
    let journal = folder.file("j.jsonl", incident());
    let policy = folder.file("p.toml", STRICTER);
    let said = evenkeel(["what-if", &journal, "--policy", &policy]).good();
    // It opens at 0.13 s for a second: the third call is refused, and those at 0.4 and 0.9 s as before.
    for part in [
        "\nbreaker \"db\" (machine 0), with the new policy\n",
        "  asked                   6        6\n",
        "  admitted                4        3\n",
        "  refused                 2        3\n",
        "    open                  2        3\n",
        "first difference is in line 6, at 0.13 s: on_outcome permit 0.0.0, failure, 30 ms\n",
        "    recorded  counted\n",
        "    what-if   counted, closed -> open (consecutive)\n",
        "\nAs recorded: backoff_table \"logins\" (machine 1)\n",
        "Recorded outcomes are taken as independent of what was admitted",
        "\n1 recorded report skipped: ",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let json = evenkeel(["what-if", &journal, "--policy", &policy, "--json"]).good();
    let found: Value = serde_json::from_str(&json).expect("an object");
    assert_eq!(
        (&found["journal"], &found["policy"]),
        (&journal.into(), &policy.into())
    );
    let db = &found["machines"][0];
    assert_eq!(
        (&db["before"]["admitted"], &db["after"]["admitted"]),
        (&4.into(), &3.into())
    );
    assert_eq!(
        (&db["skipped"], &db["parted"]["line"]),
        (&1.into(), &6.into())
    );
}

#[test]
fn only_the_named_machines_change() {
    let folder = Folder::new("what_if_machine");
    let journal = folder.file("j.jsonl", incident());
    let policy = folder.file("p.toml", STRICTER);
    let run = |machine| {
        evenkeel([
            "what-if",
            &journal,
            "--policy",
            &policy,
            "--machine",
            machine,
        ])
    };
    assert!(run("db").good().contains("1 recorded report skipped"));
    assert!(run("0").good().contains("1 recorded report skipped"));
    let other = run("logins");
    assert!(
        other.complaint().starts_with(&format!(
            "{policy}: found tables for breaker, expected one for a kind"
        )),
        "{}",
        other.stderr
    );
    assert!(
        run("nobody")
            .complaint()
            .contains("found no machine \"nobody\"")
    );
}

#[test]
fn a_policy_for_nothing_in_the_journal_is_an_error() {
    let folder = Folder::new("what_if_nothing");
    let journal = folder.file("j.jsonl", incident());
    let policy = folder.file("p.toml", "[backoff]\nbase = \"1s\"\n");
    let run = evenkeel(["what-if", &journal, "--policy", &policy]);
    assert_eq!(
        run.complaint(),
        format!(
            "{policy}: found tables for backoff, expected one for a kind of machine in {journal}: it has backoff_table, breaker"
        )
    );
}

#[test]
fn a_journal_that_does_not_verify_is_refused() {
    let folder = Folder::new("what_if_unverified");
    let policy = folder.file("p.toml", STRICTER);
    let other = incident().replacen("{\"counted\":[]}", "{\"stale\":[]}", 1);
    // Without a trailer's digest that tells of the change first.
    let journal = folder.file("j.jsonl", other.split("{\"end\"").next().unwrap_or(""));
    let run = evenkeel(["what-if", &journal, "--policy", &policy]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("line 4 does not verify"),
        "{}",
        run.stderr
    );
}

#[test]
fn damage_is_said_after_what_can_be_compared() {
    let folder = Folder::new("what_if_damage");
    let policy = folder.file("p.toml", STRICTER);
    let whole = incident();
    let journal = folder.file("j.jsonl", &whole[..whole.len() - 10]);
    let run = evenkeel(["what-if", &journal, "--policy", &policy]);
    assert_eq!(run.code, 2);
    assert!(
        run.stdout.contains("1 recorded report skipped"),
        "{}",
        run.stdout
    );
    assert!(
        run.complaint().contains("its tail is cut off"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_report_is_one_page_and_the_same_each_time() {
    let folder = Folder::new("what_if_report");
    let name = "</title><script>alert(1)</script>\u{1b}[2J";
    let journal = folder.file("j.jsonl", incident_called(name, "logins"));
    let policy = folder.file("p.toml", STRICTER);
    let page = || {
        let report = folder.path("r.html");
        let args = [
            "what-if", &journal, "--policy", &policy, "--report", &report,
        ];
        let said = evenkeel(args).good();
        assert!(said.ends_with(&format!("Report: {report}\n")), "{said}");
        folder.read("r.html")
    };
    let first = page();
    assert!(first == page(), "the same bytes");
    for part in [
        "prefers-color-scheme: dark",
        "&lt;/title&gt;&lt;script&gt;",
        "<title>0.130 s: closed → open, consecutive</title>",
        "Admitted in each ",
        "Refused in each ",
        "<h3>Recorded: 3 changes</h3>",
        "<h3>What-if: 3 changes</h3>",
    ] {
        assert!(first.contains(part), "{part}");
    }
    needs_nothing_else(&first);
    let run = evenkeel([
        "what-if", &journal, "--policy", &policy, "--report", &journal,
    ]);
    assert!(
        run.complaint().contains("is an input of this command"),
        "{}",
        run.stderr
    );
}

#[test]
fn unknown_outcomes_give_the_best_and_the_worst_case() {
    let journal = of_repository("docs/journals/checkout.jsonl");
    let policy = of_repository("docs/policies/checkout-better.toml");
    let run = |how: &str, json: &[&str]| {
        let args = ["what-if", &journal, "--policy", &policy, "--unknown", how];
        evenkeel(args.iter().chain(json)).good()
    };
    let changes = |how| {
        let found: Value = serde_json::from_str(&run(how, &["--json"])).expect("an object");
        assert_eq!(found["assumed"], how);
        let of = &found["machines"][0]["after"]["changes"];
        ["trials-failed", "trials-passed"].map(|cause| of[cause].as_u64().unwrap_or(0))
    };
    assert_eq!(changes("failure"), [18, 0]);
    assert_eq!(changes("success"), [0, 2]);
    let said = run("failure", &[]);
    assert!(
        said.contains("\nretry \"call\" (72 machines), with"),
        "{said}"
    );
    assert!(
        said.contains("taken as failures, the worst case."),
        "{said}"
    );
}
