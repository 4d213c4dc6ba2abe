//! The pages of docs/ say what the program does: every sample policy is one, and the example of a replay is its result.

mod common;

use common::{Folder, evenkeel, of_repository};
use serde_json::Value;

/// The reference of the policy file, and what others' configuration becomes.
const PAGES: [&str; 3] = ["docs/policy.md", "docs/policy-more.md", "docs/migration.md"];

/// The blocks of a page in one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(of_repository(page)).expect("the page is there");
    let opening = format!("```{language}\n");
    text.split(&opening)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or("").to_owned())
        .collect()
}

/// The tables of a policy file, and how their parts of an explanation begin.
const TABLES: [(&str, &str); 12] = [
    ("breaker", "BREAKER"),
    ("backoff", "BACKOFF"),
    ("retry", "RETRY"),
    ("retry_ratio", "RETRY RATIO"),
    ("retry_tokens", "RETRY TOKENS"),
    ("adaptive_throttle", "ADAPTIVE THROTTLE"),
    ("reconnect", "RECONNECT"),
    ("restart", "RESTART"),
    ("health_probe", "HEALTH PROBE"),
    ("backoff_table", "BACKOFF TABLE"),
    ("breaker_table", "BREAKER TABLE"),
    ("recovery_budget", "RECOVERY BUDGET"),
];

/// Which tables a policy has, by its headers, and which of them were explained.
fn tables_of(policy: &str, explained: &str) -> [Vec<&'static str>; 2] {
    let has = |table: &str| policy.lines().any(|line| line == format!("[{table}]"));
    let told = |part: &str| explained.contains(&format!("\n{part} ═"));
    let names = |wanted: &dyn Fn(&str, &str) -> bool| {
        let found = TABLES.iter().filter(|(table, part)| wanted(table, part));
        found.map(|(table, _)| *table).collect()
    };
    [names(&|table, _| has(table)), names(&|_, part| told(part))]
}

#[test]
fn every_policy_of_the_reference_is_one() {
    let folder = Folder::new("docs_policy");
    let mut seen = Vec::new();
    for page in PAGES {
        for (at, sample) in blocks(page, "toml").iter().enumerate() {
            let path = folder.file(&format!("sample-{at}.toml"), sample);
            let text = evenkeel(["explain", &path]).good();
            let [tables, told] = tables_of(sample, &text);
            assert_eq!(tables, told, "{page} no. {at}");
            assert!(!tables.is_empty(), "{page} no. {at}");
            seen.extend(tables);
        }
    }
    for (table, _) in TABLES {
        assert!(seen.contains(&table), "[{table}] has no sample");
    }
}

/// What docs/formats.md says of a replay: its arguments, and the counts that come out.
fn told_replay(row: &str) -> Option<(Vec<String>, Vec<u64>)> {
    let (command, rest) = row.strip_prefix("| `replay ")?.split_once('`')?;
    let of_docs = |word: &str| word.starts_with("docs/");
    let words = command.split(' ').map(|word| match of_docs(word) {
        true => of_repository(word),
        false => word.to_owned(),
    });
    let counts = rest.split('|').filter_map(|cell| cell.trim().parse().ok());
    Some((words.collect(), counts.collect()))
}

#[test]
fn a_replay_comes_out_as_the_formats_page_says() {
    let page = std::fs::read_to_string(of_repository("docs/formats.md")).expect("it is there");
    let told: Vec<_> = page.lines().filter_map(told_replay).collect();
    assert_eq!(told.len(), 4);
    for (words, counts) in told {
        let words = ["replay".to_owned()].into_iter().chain(words);
        let text = evenkeel(words).good();
        let summary: Value = serde_json::from_str(&text).expect("an object");
        let count = |path: &str| summary.pointer(path).and_then(Value::as_u64);
        let transitions = summary["transitions"]
            .as_array()
            .map(|all| all.len() as u64);
        let paths = [
            "/admitted",
            "/refused",
            "/failures/avoided",
            "/good_refused",
        ];
        let found = paths.map(count).into_iter().chain([transitions]);
        let found: Option<Vec<u64>> = found.collect();
        assert_eq!(found, Some(counts));
    }
}

#[test]
fn every_policy_file_is_explained() {
    let folder = std::fs::read_dir(of_repository("docs/policies")).expect("the folder is there");
    for entry in folder {
        let path = entry.expect("it can be listed").path();
        let text = std::fs::read_to_string(&path).expect("it is text");
        let explained = evenkeel(["explain".as_ref(), path.as_os_str()]).good();
        let [tables, told] = tables_of(&text, &explained);
        assert_eq!(tables, told, "{}", path.display());
        assert!(!tables.is_empty(), "{}", path.display());
    }
}

/// What the parser says that it expects is what the page lists.
#[test]
fn the_reference_has_every_key() {
    let folder = Folder::new("docs_keys");
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
    every_key_is_on(PAGES[0], &folder, &files);
    let mut files: Vec<String> = TABLES
        .iter()
        .map(|(table, _)| format!("[{table}]\nnokey = 1"))
        .collect();
    files.extend(
        [
            "[retry]\nbackoff = { nokey = 1 }",
            "[retry]\nbackoff = { base = 1 }\nadvisory_rule = \"nokey\"",
            "[retry]\nbackoff = { base = 1 }\nwhen_refused = \"nokey\"",
            "[retry_tokens]\ncapacity_milli = 1000\nallowed_when = \"nokey\"",
            "[restart]\nrestart_on = \"nokey\"",
            "[restart]\nintensity = { nokey = 1 }",
        ]
        .map(str::to_owned),
    );
    files.retain(|text| !text.starts_with("[breaker]") && !text.starts_with("[backoff]"));
    every_key_is_on(PAGES[1], &folder, &files);
    // Tables that are not on the first page are named on it.
    let page = std::fs::read_to_string(of_repository(PAGES[0])).expect("the page is there");
    for (table, _) in TABLES {
        assert!(page.contains(&format!("`[{table}]`")), "{table}");
    }
}

/// Each of `files` has an unknown key or value: what is expected instead must be on the page (or on the first one).
fn every_key_is_on(page: &str, folder: &Folder, files: &[String]) {
    let read = |page| std::fs::read_to_string(of_repository(page)).expect("the page is there");
    let text = read(page);
    let first = read(PAGES[0]);
    for (at, file) in files.iter().enumerate() {
        let page = if file.contains("backoff = { nokey") {
            &first
        } else {
            &text
        };
        let run = evenkeel(["explain", &folder.file(&format!("{at}.toml"), file)]);
        let said = run.complaint();
        let (_, expected) = said.split_once("expected ").expect(said);
        let keys: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        assert!(keys.len() >= 2, "{said}");
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

/// The journal of the page is the one of the tests, and what its commands print is what stands there.
#[test]
fn the_commands_on_the_page_of_journals_print_what_it_says() {
    const PAGE: &str = "docs/journal.md";
    let folder = Folder::new("docs_journal");
    let journal = blocks(PAGE, "jsonl").remove(0);
    assert_eq!(journal, common::journal::incident());
    folder.file("incident.jsonl", &journal);
    let mut changed: Vec<String> = journal.lines().map(str::to_owned).collect();
    changed[5] = changed[5].replace("counted", "stale");
    folder.file("changed.jsonl", changed.join("\n") + "\n");
    folder.file("better.toml", blocks(PAGE, "toml").remove(0));
    assert!(run_sessions(PAGE, &folder) >= 8);
}

/// What the commands of the incident print, on the journal that is checked in.
#[test]
fn the_commands_of_the_incident_print_what_it_says() {
    let folder = Folder::new("docs_incident");
    for inner in ["docs/journals", "docs/policies"] {
        std::fs::create_dir_all(folder.path(inner)).expect("a folder");
    }
    for file in [
        "docs/journals/checkout.jsonl",
        "docs/policies/checkout-better.toml",
    ] {
        let text = std::fs::read_to_string(of_repository(file)).expect("it is there");
        folder.file(file, text);
    }
    assert!(run_sessions("docs/incident.md", &folder) >= 6);
    let small = "docs/journals/checkout-small.jsonl";
    let checked_in = std::fs::read_to_string(of_repository(small)).expect("it is there");
    assert_eq!(folder.read(small), checked_in);
}

/// What the commands on the page of all commands print, and whether it has all of them.
#[cfg(unix)]
#[test]
fn the_page_of_commands_has_all_and_what_they_print() {
    const PAGE: &str = "docs/cli.md";
    let folder = Folder::new("docs_cli");
    folder.file("typo.toml", blocks(PAGE, "toml").remove(0));
    assert_eq!(run_sessions(PAGE, &folder), 3);
    let page = std::fs::read_to_string(of_repository(PAGE)).expect("it is there");
    for parent in [&[][..], &["journal"], &["policy"]] {
        let help = evenkeel(parent.iter().chain(&["--help"])).good();
        let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let names = list.map_while(|line| line.split_whitespace().next());
        for name in names.filter(|name| !["help", "policy", "journal"].contains(name)) {
            let whole = [parent, &[name]].concat().join(" ");
            assert!(page.contains(&format!("`{whole}`")), "{whole}");
        }
    }
}

/// The last table of the incident: what both breakers make of the trace that was recorded beside the journal.
#[test]
fn the_replays_of_the_incident_give_what_it_says() {
    let page = std::fs::read_to_string(of_repository("docs/incident.md")).expect("it is there");
    let trace = of_repository("docs/traces/outage.csv");
    for policy in ["checkout", "checkout-better"] {
        let policy = format!("docs/policies/{policy}.toml");
        let summary = common::replay_json(&trace, &of_repository(&policy), &["--per-key"]);
        let [avoided, seen] = ["avoided", "seen"].map(|name| grouped(&summary["failures"][name]));
        let good = grouped(&summary["good_refused"]);
        let list = summary["transitions"].as_array().expect("a list");
        let last = list.iter().rfind(|made| made["key"] == "checkout");
        let last = last.expect("it opens");
        let closed = match (last["to"].as_str(), last["at_ns"].as_u64()) {
            (Some("closed"), Some(at_ns)) => format!("at {:.1} s", at_ns as f64 / 1e9),
            _ => "not before the end".to_owned(),
        };
        let row = format!("| `{policy}` | {avoided} of {seen} | {good} | {closed} |");
        assert!(page.contains(&row), "{row}");
    }
}

/// A count below a million, as pages write it.
fn grouped(count: &Value) -> String {
    match count.as_u64().expect("a count") {
        small @ 0..1_000 => small.to_string(),
        count => format!("{},{:03}", count / 1_000, count % 1_000),
    }
}

/// Runs each command of a page in this folder and compares what it prints; how many there are.
fn run_sessions(page: &str, folder: &Folder) -> usize {
    let sessions = blocks(page, "console");
    for session in &sessions {
        let (line, expected) = session.split_once('\n').expect("a command and its output");
        let words = line.strip_prefix("$ evenkeel ").expect("a command");
        let output = common::command()
            .args(words.split(' '))
            .current_dir(folder.path(""))
            .output()
            .expect("the binary starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let said = text(output.stdout) + &text(output.stderr);
        assert_eq!(said, expected, "{line}");
    }
    sessions.len()
}
