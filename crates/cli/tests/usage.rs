//! How the program behaves as a program: help, exit codes, outputs that cannot be written, a closed pipe.

mod common;

use std::io::Read;
use std::process::Stdio;

use common::{Folder, command, evenkeel, of_repository};

fn sample() -> (String, String) {
    (
        of_repository("docs/traces/outage.csv"),
        of_repository("docs/policies/http-client.toml"),
    )
}

#[test]
fn help_teaches_with_an_example() {
    let help = evenkeel(["--help"]).good();
    for part in [
        "evenkeel replay docs/traces/outage.csv",
        "t_ns,key,latency_ns,outcome",
        "[breaker]",
        "Exit codes",
    ] {
        assert!(help.contains(part), "{part} in {help}");
    }
    for name in [
        "replay",
        "percentiles",
        "explain",
        "policy",
        "policy new",
        "verify",
        "what-if",
        "journal",
        "journal show",
        "journal stats",
        "journal shrink",
        "journal diff",
        "record",
        "simulate",
        "merge",
        "completions",
        "man",
    ] {
        let help = evenkeel(name.split(' ').chain(["--help"])).good();
        assert!(help.contains("\n\nExamples:\n"), "{help}");
    }
}

#[test]
fn a_mistyped_word_is_guessed() {
    for (args, meant) in [
        (&["reply"][..], "'replay'"),
        (&["replay", "t.csv", "--police", "p.toml"], "'--policy'"),
        (&["replay", "t.csv", "--color", "alwaysy"], "'always'"),
        (
            &["what-if", "x", "--policy", "p", "--unknown", "succeed"],
            "'success'",
        ),
        (&["policy", "new", "braeker"], "'breaker'"),
        (&["journal", "shown", "x"], "'show'"),
        (&["completions", "fsh"], "'fish'"),
        (&["man", "repaly"], "`replay`"),
        (&["man", "journal", "dif"], "`diff`"),
        (&["simulate", "metastabel"], "`metastable`"),
    ] {
        let run = evenkeel(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.contains(meant), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn a_mistyped_file_is_guessed() {
    let folder = Folder::new("mistyped_file");
    let trace = folder.trace("outage.csv", "0,a,1,ok");
    folder.file("other.txt", "");
    let policy = sample().1;
    let (wrong, far) = (folder.path("outaeg.csv"), folder.path("metrics.csv"));
    let near = format!("did you mean {trace}?");
    let commands: [&[&str]; 6] = [
        &["replay", &wrong, "--policy", &policy],
        &["percentiles", &wrong, "--window", "5"],
        &["verify", &wrong],
        &["journal", "show", &wrong],
        &["what-if", &wrong, "--policy", &policy],
        &["merge", &wrong],
    ];
    for args in commands {
        let run = evenkeel(args);
        let said = run.complaint();
        assert!(
            said.starts_with(&format!("{wrong}: cannot be opened: ")),
            "{said}"
        );
        assert!(said.ends_with(&near), "{args:?}: {said}");
    }
    let run = evenkeel(["verify", &far]);
    assert!(
        run.complaint().ends_with(": check the path"),
        "{}",
        run.stderr
    );
    let toml = policy.replace("http-client", "htp-client");
    let run = evenkeel(["explain", &toml]);
    assert!(
        run.complaint()
            .ends_with(&format!("did you mean {policy}?")),
        "{}",
        run.stderr
    );
}

#[test]
fn the_policy_in_the_help_works() {
    let help = evenkeel(["--help"]).good();
    let policy: Vec<&str> = help
        .lines()
        .skip_while(|line| line.trim() != "[breaker]")
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect();
    let folder = Folder::new("help_policy");
    let path = folder.file("p.toml", policy.join("\n"));
    evenkeel(["explain", &path]).good();
}

#[test]
fn bad_usage_ends_with_2() {
    for args in [
        &["replay"][..],
        &["percentiles", "x.csv"],
        &["reply"],
        &[],
        &["replay", "x", "--policy"],
        &["verify"],
        &["what-if", "x.jsonl"],
        &["journal"],
        &["journal", "shrink", "x.jsonl"],
        &["journal", "diff", "x.jsonl"],
        &["merge"],
        &["policy"],
        &["policy", "new", "braeker"],
        &["policy", "new", "--force"],
        &["completions"],
        &["completions", "tcsh"],
    ] {
        let run = evenkeel(args);
        assert_eq!(run.code, 2, "{args:?}");
        assert!(
            run.stderr.contains("--help") || run.stderr.contains("Usage"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn no_progress_bar_in_a_pipe() {
    let (trace, policy) = sample();
    let run = evenkeel(["replay", &trace, "--policy", &policy]);
    assert_eq!(run.stderr, "");
    assert!(!run.stdout.contains('\x1b'), "no colours in a pipe");
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let folder = Folder::new("outputs");
    let (trace, policy) = sample();
    for option in ["--decisions", "--report", "--journal"] {
        let run = |path: &str| evenkeel(["replay", &trace, "--policy", &policy, option, path]);
        let nowhere = folder.path("no/such/folder.out");
        let text = format!(
            "{nowhere}: cannot be written: there is no folder {}: make it first",
            folder.path("no/such")
        );
        assert_eq!(run(&nowhere).complaint(), text);
        let folder_itself = folder.path("");
        assert!(
            run(&folder_itself)
                .complaint()
                .contains(": is a folder, expected a file: "),
            "{option}"
        );
        if std::path::Path::new("/dev/full").exists() {
            let full = run("/dev/full");
            assert!(
                full.complaint()
                    .starts_with("/dev/full: cannot be written: No space left"),
                "{}",
                full.stderr
            );
            assert_eq!(full.stdout, "");
        }
    }
}

#[test]
fn an_input_is_never_overwritten() {
    let folder = Folder::new("overwritten");
    let trace = folder.trace("t.csv", "0,a,1,ok");
    let before = folder.read("t.csv");
    let policy = sample().1;
    for option in ["--decisions", "--report", "--journal"] {
        let same = folder.path("../overwritten/t.csv");
        let run = evenkeel(["replay", &trace, "--policy", &policy, option, &same]);
        assert!(
            run.complaint().contains("is an input of this command"),
            "{}",
            run.stderr
        );
        assert_eq!(folder.read("t.csv"), before);
    }
}

#[cfg(unix)]
#[test]
fn an_input_is_never_overwritten_through_a_link() {
    let folder = Folder::new("hard_link");
    let trace = folder.trace("t.csv", "0,a,1,ok");
    let before = folder.read("t.csv");
    let link = folder.path("link.csv");
    std::fs::hard_link(&trace, &link).expect("a link");
    let run = evenkeel(["replay", &trace, "--policy", &sample().1, "--report", &link]);
    assert!(run.complaint().contains("is an input"), "{}", run.stderr);
    // Standard input can be that file, too.
    let child = command()
        .args(["replay", "-", "--policy", &sample().1, "--decisions", &link])
        .stdin(std::fs::File::open(&trace).expect("it is there"))
        .output()
        .expect("the binary starts");
    assert_eq!(child.status.code(), Some(2));
    assert_eq!(folder.read("t.csv"), before);
}

#[test]
fn decisions_can_go_to_stdout() {
    let folder = Folder::new("decisions_on_stdout");
    let (trace, policy) = sample();
    let args = ["replay", &trace, "--policy", &policy];
    let path = folder.path("d.jsonl");
    let summary = evenkeel(args.iter().chain(&["--decisions", &path])).good();
    let run = evenkeel(args.iter().chain(&["--decisions", "-"]));
    assert_eq!((run.code, run.stdout), (0, folder.read("d.jsonl")));
    assert_eq!(run.stderr, summary);
    let run = evenkeel(args.iter().chain(&["--decisions", "-", "--json"]));
    assert_eq!(run.stdout, "");
    assert!(
        run.complaint()
            .ends_with("both write to stdout; name a file for the decisions"),
        "{}",
        run.stderr
    );
}

#[test]
fn two_outputs_cannot_be_one_file() {
    let folder = Folder::new("one_file");
    let (trace, policy) = sample();
    let both = folder.path("both");
    let run = evenkeel([
        "replay",
        &trace,
        "--policy",
        &policy,
        "--decisions",
        &both,
        "--report",
        &both,
    ]);
    assert!(run.complaint().contains("is named twice"), "{}", run.stderr);
}

#[test]
fn a_run_that_fails_leaves_the_old_output() {
    let folder = Folder::new("old_output");
    let trace = folder.trace("t.csv", "0,a,1,ok 1,a,x,ok");
    let old = folder.file("old.jsonl", "as it was");
    let run = evenkeel([
        "replay",
        &trace,
        "--policy",
        &sample().1,
        "--decisions",
        &old,
    ]);
    assert_eq!(run.code, 2);
    assert_eq!(folder.read("old.jsonl"), "as it was");
    let left = std::fs::read_dir(folder.path(""))
        .expect("the folder")
        .count();
    assert_eq!(left, 2, "no draft is left behind");
}

#[cfg(unix)]
#[test]
fn a_fault_in_a_named_pipe_is_said_at_once() {
    let folder = Folder::new("fifo");
    let pipe = folder.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no mkfifo here");
        return;
    }
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || {
            let rows = "t_ns,key,latency_ns,outcome\n1,a,5,ok\n2,a,x,ok\n";
            std::fs::write(pipe, rows)
        })
    };
    let run = evenkeel(["replay", &pipe, "--policy", &sample().1]);
    assert!(
        run.complaint().contains(":3:5: found \"x\""),
        "{}",
        run.stderr
    );
    writer.join().expect("no panic").expect("written");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let (trace, policy) = sample();
    closed_early(&["percentiles", &trace, "--window", "10", "--every", "1"]);
    closed_early(&["replay", &trace, "--policy", &policy, "--decisions", "-"]);
    let journal = Folder::new("closed_pipe").path("j.jsonl");
    evenkeel(["replay", &trace, "--policy", &policy, "--journal", &journal]).good();
    closed_early(&["journal", "show", &journal]);
    closed_early(&["journal", "show", &journal, "--json"]);
}

fn closed_early(args: &[&str]) {
    let mut child = command()
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // As `head` does: read a little of more than a pipe holds, and go.
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    stdout.read_exact(&mut [0; 10]).expect("it prints");
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_full_disk_behind_stdout_is_an_error() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return;
    };
    let (trace, policy) = sample();
    let output = command()
        .args(["replay", &trace, "--policy", &policy, "--json"])
        .stdout(full)
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("error: stdout: cannot be written: No space left"),
        "{stderr}"
    );
}

#[test]
fn a_trace_and_a_policy_that_are_exchanged_are_noticed() {
    let run = evenkeel(["replay", "p.toml", "--policy", "calls.csv"]);
    let complaint = run.complaint();
    assert!(
        complaint.ends_with(": exchanged with the trace p.toml?"),
        "{complaint}"
    );
    let other = evenkeel(["replay", "calls.csv", "--policy", "p.text"]);
    assert!(!other.complaint().contains("exchanged"));
}
