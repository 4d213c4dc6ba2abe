//! A recording that is told to end is whole.
#![cfg(unix)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Folder, command, evenkeel};
use crate::support::number;

#[test]
fn ctrl_c_leaves_a_whole_journal() {
    let folder = Folder::new("record_ctrl_c");
    let (journal, trace) = (folder.path("j.jsonl"), folder.path("t.csv"));
    for (signal, force) in [("-INT", "--json"), ("-TERM", "--force")] {
        let args = ["record", "--json", "--out", &journal, "--trace", &trace];
        let mut run = command();
        run.args(args).args(["--seconds", "60"]);
        if force == "--force" {
            run.arg(force);
        }
        let run = run.stdout(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let child = run.spawn().expect("the binary starts");
        // Once the journal has grown the clients are under way, some of them in the middle of a call.
        let written = || std::fs::metadata(&journal).map_or(0, |file| file.len());
        while written() < 5_000 && begun.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_millis(500));
        let pid = child.id().to_string();
        let killed = Command::new("kill").args([signal, &pid]).status();
        assert!(killed.expect("kill is there").success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(output.stderr, b"");
        let summary: Value = serde_json::from_slice(&output.stdout).expect("a summary");
        let early_ns = number(&summary["ended_early_at_ns"]);
        assert!(early_ns < 40_000_000_000, "{early_ns}");
        let verified = evenkeel_replay::verify_file(&journal).expect("it agrees");
        assert_eq!(
            (verified.ops, verified.gaps),
            (number(&summary["journal"]["decisions"]), 0)
        );
        assert!(verified.ops > 0);
        evenkeel(["percentiles", &trace, "--window", "10"]).table();
    }
}
