//! The pages of docs/ say what the program does: every sample policy is one, and the example of a replay is its result.

mod common;

use common::{Folder, evenkeel, of_repository};
use serde_json::Value;

/// The blocks of a page in one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(of_repository(page)).expect("the page is there");
    let opening = format!("```{language}\n");
    text.split(&opening)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or("").to_owned())
        .collect()
}

#[test]
fn every_policy_of_the_reference_is_one() {
    let folder = Folder::new("docs_policy");
    let samples = blocks("docs/policy.md", "toml");
    assert!(samples.len() >= 2, "a count window and a time window");
    for (at, sample) in samples.iter().enumerate() {
        let path = folder.file(&format!("sample-{at}.toml"), sample);
        let text = evenkeel(["explain", &path]).good();
        assert_eq!(text.contains("BREAKER"), sample.contains("[breaker]"));
        assert_eq!(text.contains("BACKOFF"), sample.contains("[backoff]"));
    }
}

/// What the parser says that it expects is what the page lists.
#[test]
fn the_reference_has_every_key() {
    let folder = Folder::new("docs_keys");
    let page = std::fs::read_to_string(of_repository("docs/policy.md")).expect("the page is there");
    let breaker = |extra: &str| {
        let mut text = "[breaker]\n".to_owned();
        for (key, value) in [
            ("window", "window = { count = 5 }\n"),
            (
                "triggers",
                "triggers = [{ kind = \"consecutive\", failures = 5 }]\n",
            ),
            ("open", "open = { base = \"1s\" }\n"),
            ("half_open", "half_open = { probe_timeout = \"1s\" }\n"),
        ] {
            if !extra.starts_with(key) {
                text += value;
            }
        }
        text + extra
    };
    let files = [
        breaker("nokey = 1"),
        breaker("window = { nokey = 1 }"),
        breaker("triggers = [{ nokey = 1 }]"),
        breaker("triggers = [{ kind = \"nokey\" }]"),
        breaker("open = { nokey = 1 }"),
        breaker("half_open = { nokey = 1 }"),
        "[backoff]\nnokey = 1".to_owned(),
        "[backoff]\nbase = 1\ngrowth = \"nokey\"".to_owned(),
        "[backoff]\nbase = 1\njitter = \"nokey\"".to_owned(),
    ];
    for (at, text) in files.iter().enumerate() {
        let run = evenkeel(["explain", &folder.file(&format!("{at}.toml"), text)]);
        let said = run.complaint();
        let (_, expected) = said.split_once("expected ").expect(said);
        let keys: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        assert!(keys.len() >= 3, "{said}");
        for key in keys {
            let written = ["`{}`", "`\"{}\"`", "`{ {} ="].map(|form| form.replace("{}", key));
            assert!(written.iter().any(|form| page.contains(form)), "{key}");
        }
    }
}

#[test]
fn the_example_of_a_replay_is_its_result() {
    const PAGE: &str = "docs/replay.md";
    let folder = Folder::new("docs_replay");
    let only = |language: &str| {
        let mut blocks = blocks(PAGE, language);
        assert_eq!(blocks.len(), 1, "{language}");
        blocks.remove(0)
    };
    let trace = folder.file("t.csv", only("csv"));
    let policy = folder.file("p.toml", only("toml"));
    let decisions = folder.path("decisions.jsonl");
    let args = ["replay", &trace, "--policy", &policy, "--per-key", "--json"];
    let json = evenkeel(args.iter().chain(&["--decisions", &decisions])).good();
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
    assert_eq!(read(&json), read(&only("json")));
    assert_eq!(folder.read("decisions.jsonl"), only("jsonl"));
}
