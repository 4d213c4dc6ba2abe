//! `evenkeel journal shrink` and `journal diff`, and `replay --journal`, which makes a trace a journal.

mod common;

use common::journal::{incident, rewritten, with_gap};
use common::{Folder, evenkeel, of_repository, replay_json, transitions};

#[test]
fn a_shrunk_journal_verifies_and_shows_the_fact() {
    let folder = Folder::new("shrink");
    let journal = folder.file("j.jsonl", incident());
    let small = folder.path("small.jsonl");
    let args = [
        "journal",
        "shrink",
        &journal,
        "--property",
        "change:consecutive@db",
        "--out",
        &small,
    ];
    let said = evenkeel(args).good();
    for part in [
        &format!(
            "{journal}: 16 calls of 2 machines cut to 6 calls of 1 machine, which still show change:consecutive@db\n"
        ),
        "Without any single one of its calls the fact is lost.\n",
        &format!("\n  evenkeel_replay::verify_file({small:?}).unwrap();\n"),
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let verified = evenkeel(["verify", &small]).good();
    assert!(
        verified.ends_with(": agrees: 6 calls of 1 machine, no gap\n"),
        "{verified}"
    );
    evenkeel_replay::verify_file(&small).unwrap();
    let shown = evenkeel(["journal", "show", &small, "--changes"]).good();
    assert!(shown.contains("closed -> open (consecutive)"), "{shown}");
    // Without --out the journal is on stdout.
    let run = evenkeel(&args[..5]);
    assert_eq!((run.code, run.stdout), (0, folder.read("small.jsonl")));
    assert!(run.stderr.contains("cut to 6 calls"), "{}", run.stderr);
}

#[test]
fn a_difference_can_be_shrunk() {
    let folder = Folder::new("shrink_differs");
    let other = rewritten(&incident(), |loaded| {
        let (one, two) = (
            loaded.entries[1].answer.clone(),
            loaded.entries[5].answer.clone(),
        );
        loaded.entries[1].answer = two;
        loaded.entries[5].answer = one;
    });
    let journal = folder.file("j.jsonl", other);
    let small = folder.path("small.jsonl");
    let said = evenkeel([
        "journal",
        "shrink",
        &journal,
        "--property",
        "differs",
        "--out",
        &small,
    ])
    .good();
    assert!(said.contains(").is_err());\n"), "{said}");
    assert_eq!(evenkeel(["verify", &small]).code, 1);
    let good = folder.file("good.jsonl", incident());
    let run = evenkeel(["journal", "shrink", &good, "--property", "differs"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("each answer comes out as recorded"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_bad_property_is_answered_with_the_facts() {
    let folder = Folder::new("shrink_property");
    let journal = folder.file("j.jsonl", incident());
    let run = |property| evenkeel(["journal", "shrink", &journal, "--property", property]);
    let facts = format!(
        "{journal} shows:\n  change:consecutive    1\n  change:trials-passed  1\n  change:wait-over      1\n  refused:open          2\n"
    );
    for (property, code) in [
        ("nonsense", 2),
        ("change:", 2),
        ("change:latency", 1),
        ("ended:gave-up", 1),
    ] {
        let run = run(property);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (code, ""),
            "{property}: {}",
            run.stderr
        );
        assert!(run.stderr.ends_with(&facts), "{property}: {}", run.stderr);
    }
    assert!(
        run("refused:open@nobody")
            .complaint()
            .contains("found no machine \"nobody\"")
    );
    assert_eq!(run("refused:open@logins").code, 1);
}

#[test]
fn diff_says_where_two_journals_part() {
    let folder = Folder::new("diff");
    let journal = folder.file("j.jsonl", incident());
    let diff = |other: &str| evenkeel(["journal", "diff", &journal, other]);
    let same = diff(&journal).good();
    assert_eq!(
        same,
        format!("{journal} and {journal}: the same 16 calls\n")
    );
    let other = folder.file(
        "other.jsonl",
        rewritten(&incident(), |loaded| {
            loaded.entries[1].answer = loaded.entries[5].answer.clone();
        }),
    );
    let run = diff(&other);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    for part in [
        &format!("{journal} and {other} part after 1 call in common\n"),
        &format!(
            "\n{journal}:4: machine 0 at 1000030000000 ns: on_outcome permit 0.0.0, failure, 30 ms\n"
        ),
        "  first     {\"receipt\": {\"counted\": []}}\n",
    ] {
        assert!(run.stdout.contains(part), "{part} in {}", run.stdout);
    }
    let gap = folder.file("gap.jsonl", with_gap());
    let run = diff(&gap);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout
            .ends_with(&format!("{journal} ends where {gap}:19 goes on\n")),
        "{}",
        run.stdout
    );
    let later = folder.file(
        "later.jsonl",
        rewritten(&incident(), |loaded| loaded.entries[0].t_ns += 1),
    );
    assert!(
        diff(&later)
            .stdout
            .contains(":3: machine 0 at 1000000000001 ns: try_acquire\n")
    );
    let cut = folder.file("cut.jsonl", &incident()[..1_300]);
    assert!(
        diff(&cut).complaint().starts_with(&format!("{cut}:4:1: ")),
        "{}",
        diff(&cut).stderr
    );
}

#[test]
fn a_trace_becomes_a_journal() {
    let folder = Folder::new("replay_journal");
    let trace = of_repository("docs/traces/outage.csv");
    let policy = of_repository("docs/policies/http-client.toml");
    let journal = folder.path("j.jsonl");
    let plain = replay_json(&trace, &policy, &["--per-key"]);
    let recorded = replay_json(&trace, &policy, &["--per-key", "--journal", &journal]);
    assert_eq!(plain, recorded, "recording changes nothing");
    let verified = evenkeel(["verify", &journal]).good();
    assert!(verified.contains(" of 3 machines, no gap"), "{verified}");
    let stats = evenkeel(["journal", "stats", &journal, "--json"]).good();
    let stats: serde_json::Value = serde_json::from_str(&stats).expect("an object");
    let machines = stats["machines"].as_array().expect("a list");
    let names: Vec<_> = machines
        .iter()
        .filter_map(|of| of["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["checkout", "search", "inventory"],
        "by first appearance"
    );
    let sum = |of: &str| {
        machines
            .iter()
            .filter_map(|machine| machine[of].as_u64())
            .sum::<u64>()
    };
    assert_eq!(plain["admitted"], sum("admitted"));
    assert_eq!(plain["rows"], sum("asked"));
    let told: u64 = machines
        .iter()
        .filter_map(|machine| machine["changes"].as_object())
        .flat_map(|changes| changes.values())
        .filter_map(serde_json::Value::as_u64)
        .sum();
    assert_eq!(told, transitions(&plain).len() as u64);
    // The same policy again decides the same; one breaker for all has no name.
    let said = evenkeel(["what-if", &journal, "--policy", &policy]).good();
    assert!(said.contains("No decision parts"), "{said}");
    replay_json(&trace, &policy, &["--journal", &journal]);
    let said = evenkeel(["journal", "stats", &journal]).good();
    assert!(said.contains("\nbreaker (machine 0): "), "{said}");
}

#[test]
fn a_journal_that_cannot_be_written_is_an_error() {
    let folder = Folder::new("replay_journal_full");
    let trace = of_repository("docs/traces/outage.csv");
    let policy = of_repository("docs/policies/http-client.toml");
    if std::path::Path::new("/dev/full").exists() {
        let run = evenkeel([
            "replay",
            &trace,
            "--policy",
            &policy,
            "--journal",
            "/dev/full",
        ]);
        assert!(
            run.complaint()
                .starts_with("/dev/full: cannot be written: No space left"),
            "{}",
            run.stderr
        );
    }
    let nowhere = folder.path("no/j.jsonl");
    let run = evenkeel(["replay", &trace, "--policy", &policy, "--journal", &nowhere]);
    assert!(
        run.complaint().contains("there is no folder"),
        "{}",
        run.stderr
    );
}
