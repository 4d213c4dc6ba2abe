//! docs/tutorial.md can be gone through from beginning to end: its files, its commands, what they print, its table.

mod common;

use common::{Folder, command, is_shown, of_repository, replay_json};

fn page() -> String {
    std::fs::read_to_string(of_repository("docs/tutorial.md")).expect("the page is there")
}

/// The blocks of the page in one language.
fn blocks(language: &str) -> Vec<String> {
    let page = page();
    let opening = format!("\n```{language}\n");
    let parts = page.split(&opening).skip(1);
    parts
        .map(|rest| rest.split("```").next().unwrap_or("").to_owned())
        .collect()
}

/// A folder with the files that the page tells to save, and the trace of the repository.
fn folder(test: &str) -> Folder {
    let folder = Folder::new(test);
    for file in blocks("toml") {
        let name = file.lines().next().and_then(|line| line.strip_prefix("# "));
        folder.file(name.expect("its name"), &file);
    }
    std::fs::create_dir_all(folder.path("docs/traces")).expect("a folder");
    let trace = std::fs::read(of_repository("docs/traces/outage.csv")).expect("the trace");
    folder.file("docs/traces/outage.csv", trace);
    folder.file("calls.csv", blocks("csv").remove(0));
    folder
}

#[test]
fn each_command_prints_what_the_page_shows() {
    let folder = folder("tutorial_commands");
    let sessions = blocks("console");
    for session in &sessions {
        let (line, shown) = session.split_once('\n').expect("a command and its output");
        let words = line.strip_prefix("$ evenkeel ").expect("a command");
        let output = command()
            .args(words.split(' '))
            .current_dir(folder.path(""))
            .output()
            .expect("the binary starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let said = text(output.stdout) + &text(output.stderr);
        assert!(is_shown(&said, shown), "{line} prints:\n{said}");
    }
    assert!(sessions.len() >= 7, "{}", sessions.len());
}

#[test]
fn the_table_is_that_of_the_seeds() {
    let folder = folder("tutorial_table");
    let page = page();
    let trace = of_repository("docs/traces/outage.csv");
    for policy in ["first.toml", "second.toml", "third.toml"] {
        let runs = ["0", "1", "2", "3", "4"].map(|seed| {
            let more = ["--per-key", "--seed", seed];
            let run = replay_json(&trace, &folder.path(policy), &more);
            let values = [
                &run["failures"]["avoided"],
                &run["good_refused"],
                &run["latency_after"]["p99_ns"],
            ];
            values.map(|value| value.as_u64().expect("a number"))
        });
        let [kept, refused, p99] = [0, 1, 2].map(|column| {
            let values = runs.iter().map(|run| run[column]);
            (values.clone().min().expect("5"), values.max().expect("5"))
        });
        let range = |(least, most): (u64, u64)| format!("{} to {}", grouped(least), grouped(most));
        let p99 = (p99.0 / 1_000_000, p99.1 / 1_000_000);
        let row = format!(
            "| `{policy}` | {} | {} | {} ms |",
            range(kept),
            range(refused),
            range(p99)
        );
        assert!(page.contains(&row), "{row}");
        if policy == "third.toml" {
            let said = format!(
                "at least {} of that night's 1,159 failures, and refused at most {} of",
                grouped(kept.0),
                grouped(refused.1)
            );
            assert!(page.contains(&said), "{said}");
        }
    }
}

/// A count below a million, as pages write it.
fn grouped(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        _ => format!("{},{:03}", count / 1_000, count % 1_000),
    }
}

/// The crowd has the breaker that the page has come to.
#[test]
fn the_crowd_has_the_third_policy() {
    let breaker = |file: &str| {
        let text = blocks("toml")
            .into_iter()
            .find(|text| text.starts_with(&format!("# {file}\n")));
        let policy: toml::Table = text.expect("a file").parse().expect("TOML");
        policy["breaker"].clone()
    };
    assert_eq!(breaker("crowd.toml"), breaker("third.toml"));
}

/// The page's awk makes the page's trace of the page's log.
#[test]
#[cfg(unix)]
fn the_log_becomes_the_trace() {
    let folder = Folder::new("tutorial_log");
    folder.file("access.log", blocks("text").remove(0));
    let done = std::process::Command::new("sh")
        .args(["-c", &blocks("sh").remove(0)])
        .current_dir(folder.path(""))
        .status();
    assert!(done.expect("a shell").success());
    assert_eq!(folder.read("calls.csv"), blocks("csv").remove(0));
}

/// The other log is of the same calls: so is its trace, where there is a Python to make it.
#[test]
fn the_log_with_a_header_becomes_the_same_trace() {
    let folder = Folder::new("tutorial_other_log");
    folder.file("proxy.csv", blocks("text").remove(1));
    let script = folder.file("calls.py", blocks("python").remove(0));
    let python = std::process::Command::new("python3")
        .arg(script)
        .current_dir(folder.path(""))
        .output();
    if let Ok(made) = python {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        assert_eq!(text(made.stderr), "");
        assert_eq!(text(made.stdout), blocks("csv").remove(0));
    }
}

/// The loop prints, for each policy and seed, the three lines that the table is made of, and the names of columns.
#[test]
#[cfg(unix)]
fn the_loop_prints_what_the_table_compares() {
    let folder = folder("tutorial_loop");
    let tool = std::path::Path::new(env!("CARGO_BIN_EXE_evenkeel"));
    let path = std::env::var("PATH").expect("a path");
    let here = tool.parent().expect("its folder").display();
    let output = std::process::Command::new("sh")
        .args(["-c", &blocks("sh").remove(1)])
        .env("PATH", format!("{here}:{path}"))
        .current_dir(folder.path(""))
        .output();
    let said = String::from_utf8(output.expect("a shell").stdout).expect("UTF-8");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 15 * 5, "{said}");
    let starts = [
        "third.toml, seed 4",
        "  failures kept away",
        "  good calls refused",
        "  latency ",
        "  after (admitted calls)",
    ];
    for (line, start) in lines[70..].iter().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
}
