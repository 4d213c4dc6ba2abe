//! `evenkeel verify`: exit codes and what is said when a journal agrees, differs, is damaged, is cut or has a gap.

mod common;

use common::journal::{CALLS, incident, incident_called, rewritten, with_gap};
use common::{Folder, evenkeel, fed};
use serde_json::Value;

/// The incident with another valid answer to its fourth call.
fn differing() -> String {
    let mut lines: Vec<String> = incident().lines().map(str::to_owned).collect();
    lines[5] = lines[5].replace("counted", "stale");
    lines.join("\n") + "\n"
}

#[test]
fn a_journal_that_agrees_is_one_line() {
    let folder = Folder::new("verify_agrees");
    let path = folder.file("good.jsonl", incident());
    let said = evenkeel(["verify", &path]).good();
    assert_eq!(
        said,
        format!("{path}: agrees: {CALLS} calls of 2 machines, no gap\n")
    );
    let said = fed(["verify", "-"], incident().as_bytes()).good();
    assert_eq!(
        said,
        format!("stdin: agrees: {CALLS} calls of 2 machines, no gap\n")
    );
    let gap = folder.file("gap.jsonl", with_gap());
    let said = evenkeel(["verify", &gap]).good();
    assert_eq!(
        said,
        format!("{gap}: agrees: {CALLS} calls of 2 machines, 1 gap with 7 calls lost\n")
    );
}

#[test]
fn a_difference_shows_the_call_both_answers_and_the_state_before() {
    let folder = Folder::new("verify_differs");
    let path = folder.file("j.jsonl", differing());
    let run = evenkeel(["verify", &path]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    let said = run.stdout;
    for part in [
        &format!("{path}:6: breaker \"db\" (machine 0): another answer\n"),
        "  at        1000130000000 ns\n",
        "  call      on_outcome permit 0.0.0, failure, 30 ms\n",
        "  recorded  {\"receipt\": {\"stale\": []}}\n",
        "  replayed  {\"receipt\": {\"counted\": []}}\n",
        "    \"clock\": 1000100000000,\n",
        "more lines: --state shows all)\n",
        "Before it, 3 calls of 2 machines agree.\n",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let whole = evenkeel(["verify", "--state", &path]).stdout;
    assert!(whole.lines().count() > said.lines().count(), "{whole}");
    assert!(!whole.contains("--state"), "{whole}");
}

#[test]
fn long_answers_have_marks_where_they_differ() {
    let folder = Folder::new("verify_marks");
    let other = incident().replace("\"cause\":\"trials-passed\"", "\"cause\":\"reset\"");
    let run = evenkeel(["verify", &folder.file("j.jsonl", other)]);
    assert_eq!(run.code, 1);
    let marked: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.contains(" >"))
        .collect();
    assert_eq!(marked.len(), 2, "{}", run.stdout);
    assert!(marked[0].contains("\"reset\"") && marked[1].contains("\"trials-passed\""));
}

#[test]
fn other_words_are_a_difference() {
    let folder = Folder::new("verify_words");
    let path = folder.file(
        "j.jsonl",
        incident().replacen("\"words\":[]", "\"words\":[5]", 1),
    );
    let run = evenkeel(["verify", &path]);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout.contains(
            ":3: breaker \"db\" (machine 0): the same answer, but other words are drawn\n"
        )
    );
    assert!(
        run.stdout
            .contains("  words     [5], but the replay drew 0\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_changed_policy_or_state_is_a_difference_of_the_header() {
    let folder = Folder::new("verify_header");
    for (from, to) in [
        ("\"failures\":3", "\"failures\":4"),
        ("\"mode\":\"normal\"", "\"mode\":\"observe\""),
    ] {
        let path = folder.file("j.jsonl", incident().replacen(from, to, 1));
        let run = evenkeel(["verify", &path]);
        assert_eq!((run.code, run.stderr.as_str()), (1, ""));
        let begin = format!(
            "{path}:1: breaker \"db\" (machine 0): the policy or the state of this header has been changed"
        );
        assert!(run.stdout.starts_with(&begin), "{}", run.stdout);
    }
}

#[test]
fn damage_is_told_with_its_place_and_what_holds_before_it() {
    let folder = Folder::new("verify_damage");
    let path = folder.file(
        "j.jsonl",
        incident().replacen("\"failure\"", "\"failed\"", 1),
    );
    let run = evenkeel(["verify", &path]);
    assert!(
        run.complaint().starts_with(&format!(
            "{path}:4:102: no call of a breaker: unknown variant `failed`"
        )),
        "{}",
        run.stderr
    );
    assert!(run.complaint().ends_with(" (byte 1268)"), "{}", run.stderr);
    assert!(run.stderr.contains("\n 4 | …"), "{}", run.stderr);
    assert!(
        run.stderr
            .ends_with("Before it, 1 call of 2 machines agree.\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_journal_cut_anywhere_is_damage() {
    let folder = Folder::new("verify_cut");
    let whole = incident();
    // Every byte would be a process each: the library's tests do that.
    for cut in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let path = folder.file("j.jsonl", &whole[..cut]);
        let run = evenkeel(["verify", &path]);
        let line = 1 + whole[..cut].matches('\n').count();
        assert!(
            run.complaint().starts_with(&format!("{path}:{line}:1: ")),
            "cut at {cut}: {}",
            run.stderr
        );
        assert!(run.stderr.contains("Before it, "), "{}", run.stderr);
    }
}

#[test]
fn the_worst_of_several_files_is_the_exit_code() {
    let folder = Folder::new("verify_several");
    let good = folder.file("good.jsonl", incident());
    let other = folder.file("other.jsonl", differing());
    let cut = folder.file("cut.jsonl", &incident()[..1_000]);
    let nowhere = folder.path("nowhere.jsonl");
    let code = |files: &[&str]| evenkeel(["verify"].iter().chain(files)).code;
    assert_eq!(code(&[&good, &good]), 0);
    assert_eq!(code(&[&other, &good]), 1);
    assert_eq!(code(&[&cut, &other, &good]), 2);
    assert_eq!(code(&[&nowhere, &good]), 2);
    let run = evenkeel(["verify", &cut, &other, &good]);
    assert!(
        run.stdout.contains("good.jsonl: agrees"),
        "all are checked: {}",
        run.stdout
    );
    let run = evenkeel(["verify", "-", "-"]);
    assert!(run.complaint().contains("only once"), "{}", run.stderr);
}

#[test]
fn json_is_an_object_for_each_file() {
    let folder = Folder::new("verify_json");
    let good = folder.file("good.jsonl", with_gap());
    let other = folder.file("other.jsonl", differing());
    let cut = folder.file("cut.jsonl", &incident()[..1_000]);
    let run = evenkeel([
        "verify",
        "--json",
        &good,
        &other,
        &cut,
        &folder.path("nowhere"),
    ]);
    assert_eq!((run.code, run.stderr.as_str()), (2, ""));
    let objects: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    let results: Vec<_> = objects
        .iter()
        .map(|object| object["result"].as_str())
        .collect();
    assert_eq!(
        results,
        ["agrees", "differs", "damaged", "unreadable"].map(Some)
    );
    let [good, other, cut, nowhere] = &objects[..] else {
        panic!("four files, {} objects", objects.len());
    };
    assert_eq!(
        (&good["ops"], &good["gaps"], &good["dropped"]),
        (&CALLS.into(), &1.into(), &7.into())
    );
    let difference = &other["difference"];
    assert_eq!(
        (&difference["line"], &difference["name"]),
        (&6.into(), &"db".into())
    );
    assert_eq!(difference["what"], "answer");
    assert_eq!(
        difference["recorded"]["receipt"]["stale"],
        Value::Array(Vec::new())
    );
    assert_eq!(
        difference["replayed"]["receipt"]["counted"],
        Value::Array(Vec::new())
    );
    assert_eq!(difference["state"]["clock"], 1_000_100_000_000_u64);
    assert_eq!(cut["damage"]["line"], 2);
    assert!(
        cut["damage"]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("cut off"))
    );
    assert!(
        nowhere["error"]
            .as_str()
            .is_some_and(|error| error.contains("cannot be opened"))
    );
}

#[test]
fn names_cannot_command_the_terminal() {
    let folder = Folder::new("verify_hostile");
    let hostile = incident_called("\u{1b}]0;x\u{7}\u{9b}2J", "\u{1b}[2J");
    let hostile = String::from_utf8(hostile).expect("UTF-8");
    let path = folder.file("j.jsonl", &hostile);
    let other = folder.file(
        "other.jsonl",
        hostile.replace("\"cause\":\"consecutive\"", "\"cause\":\"reset\""),
    );
    let damaged = folder.file(
        "damaged.jsonl",
        hostile.replacen("\"failure\"", "\"\u{9b}2J\"", 1),
    );
    for args in [
        &["verify", &other][..],
        &["verify", &damaged],
        &["journal", "show", &path],
        &["journal", "stats", &path],
        &["journal", "diff", &path, &other],
        &["journal", "shrink", &path, "--property", "change:\u{1b}[2J"],
    ] {
        let run = evenkeel(args);
        for text in [run.stdout, run.stderr] {
            let commands = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(commands, None, "{args:?}: {text:?}");
        }
    }
}

#[test]
fn checkpoints_are_counted_and_compared() {
    let folder = Folder::new("verify_checkpoint");
    let with_checkpoint = |change: fn(&mut String)| {
        rewritten(&incident(), |loaded| {
            // Before the first call of db, its own header is a checkpoint that agrees.
            let mut header = loaded.header(0).expect("it has one").clone();
            header.line = 2;
            change(&mut header.state);
            loaded.headers.push(header);
        })
    };
    let path = folder.file("j.jsonl", with_checkpoint(|_| {}));
    let said = evenkeel(["verify", &path]).good();
    assert!(
        said.ends_with(" calls of 2 machines, 1 checkpoint, no gap\n"),
        "{said}"
    );
    let other = with_checkpoint(|state| *state = state.replace("\"opens\":0", "\"opens\":1"));
    let run = evenkeel(["verify", &folder.file("other.jsonl", other)]);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout
            .contains("the machine is not the one of this checkpoint\n"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains(">") && run.stdout.contains("\"opens\": 1"),
        "{}",
        run.stdout
    );
}
