//! Completions name every command and option; man pages are there for every command.

mod common;

use common::{Folder, evenkeel};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

#[test]
fn completions_know_commands_options_and_values() {
    for shell in SHELLS {
        let script = evenkeel(["completions", shell]).good();
        let words = [
            "what-if",
            "shrink",
            "per-key",
            "decisions",
            "sweep",
            "color",
        ];
        for word in words {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
}

/// bash itself is asked, where it is there.
#[cfg(unix)]
#[test]
fn bash_completes() {
    let folder = Folder::new("bash_completes");
    folder.file("evenkeel.bash", evenkeel(["completions", "bash"]).good());
    let complete = |words: &str, last: &str, before: &str| {
        let script = format!(
            "source evenkeel.bash; COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); \
             _evenkeel evenkeel '{last}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = std::process::Command::new("bash")
            .args(["--norc", "-c", &script])
            .current_dir(folder.path(""))
            .output();
        let output = output.ok()?;
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        Some(text.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let Some(commands) = complete("evenkeel wh", "wh", "evenkeel") else {
        println!("skipped: no bash here");
        return;
    };
    assert_eq!(commands, ["what-if"]);
    let tables = complete("evenkeel policy new rec", "rec", "new");
    assert_eq!(
        tables.expect("bash is there"),
        ["reconnect", "recovery_budget"]
    );
    let colours = complete("evenkeel replay --color a", "a", "--color");
    assert_eq!(colours.expect("bash is there"), ["auto", "always"]);
}

#[test]
fn every_command_has_a_page() {
    let folder = Folder::new("man");
    assert_eq!(evenkeel(["man", "--out", &folder.path("")]).good(), "");
    let mut pages: Vec<String> = std::fs::read_dir(folder.path(""))
        .expect("it is there")
        .map(|entry| {
            entry
                .expect("listed")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    pages.sort_unstable();
    let commands = [
        "",
        "completions",
        "explain",
        "journal",
        "journal-diff",
        "journal-show",
        "journal-shrink",
        "journal-stats",
        "man",
        "merge",
        "percentiles",
        "policy",
        "policy-new",
        "record",
        "replay",
        "simulate",
        "verify",
        "what-if",
    ];
    let mut expected = commands.map(|name| match name {
        "" => "evenkeel.1".to_owned(),
        name => format!("evenkeel-{name}.1"),
    });
    expected.sort_unstable();
    assert_eq!(pages, expected);
    assert_eq!(folder.read("evenkeel.1"), evenkeel(["man"]).good());
    let show = evenkeel(["man", "journal", "show"]).good();
    assert_eq!(folder.read("evenkeel-journal-show.1"), show);
    for part in [
        ".TH evenkeel-journal-show 1",
        ".SH OPTIONS",
        ".SH EXAMPLES",
        "  evenkeel journal show docs/journals/checkout.jsonl \\-\\-changes",
    ] {
        assert!(show.contains(part), "{part} in\n{show}");
    }
    let nowhere = folder.path("nowhere");
    let run = evenkeel(["man", "--out", &nowhere]);
    assert!(
        run.complaint().contains("there is no folder"),
        "{}",
        run.stderr
    );
}
