//! docs/simulate.md says what the program does: its sessions are run, its reference of scenarios is theirs.

mod common;

use std::fmt::Write;

use common::{Folder, command, evenkeel, of_repository};
use evenkeel_sim::scenarios;

fn page() -> String {
    std::fs::read_to_string(of_repository("docs/simulate.md")).expect("the page is there")
}

/// The blocks of the page that open with this.
fn blocks(language: &str) -> Vec<String> {
    let page = page();
    let opening = format!("\n```{language}\n");
    let parts = page.split(&opening).skip(1);
    parts
        .map(|rest| rest.split("```").next().unwrap_or("").to_owned())
        .collect()
}

/// Runs `evenkeel` with the words of a command line; what it writes to stdout goes to a file where the line says so.
fn run(line: &str, folder: &Folder) -> String {
    let line = line.strip_prefix("evenkeel ").expect("a command");
    let (line, file) = line
        .split_once(" > ")
        .map_or((line, None), |(line, file)| (line, Some(file)));
    let output = command()
        .args(line.split(' '))
        .current_dir(folder.path(""))
        .output()
        .expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(text(output.stderr), "", "{line}");
    let said = text(output.stdout);
    match file {
        Some(file) => {
            folder.file(file, said);
            String::new()
        }
        None => said,
    }
}

/// A block may hold several commands, each with what it prints below it.
#[test]
fn the_sessions_of_the_page_print_what_it_says() {
    let folder = Folder::new("docs_simulate");
    let mut commands = 0;
    for block in blocks("console") {
        for session in block.split("$ ").skip(1) {
            let (line, expected) = session.split_once('\n').expect("a line");
            let said = run(line, &folder);
            assert_eq!(said, expected, "{line} prints:\n{said}");
            commands += 1;
        }
    }
    assert!(commands >= 5, "{commands}");
    let part = &blocks("json part")[0];
    assert_eq!(
        &folder.read("part-1.json"),
        part,
        "the part is to be:\n{}",
        folder.read("part-1.json")
    );
}

#[test]
fn the_object_of_the_page_is_what_is_printed() {
    let folder = Folder::new("docs_simulate_json");
    let page = page();
    let (before, _) = page.split_once("\n```json\n").expect("an object");
    let line = before.rsplit_once("Here\n`").expect("a command").1;
    let said = run(line.trim_end_matches("`:\n"), &folder);
    let shown = &blocks("json")[0];
    assert_eq!(&said, shown, "the object is to be:\n{said}");
}

/// Every scenario with its parameters and metrics, as the page ends.
fn reference() -> String {
    let mut text = String::new();
    for mut scenario in scenarios::all() {
        let _ = writeln!(
            text,
            "\n### {}\n\n{}.\n",
            scenario.name(),
            capital(scenario.about())
        );
        text += "| parameter | default | range | what it is |\n|---|---|---|---|\n";
        for param in scenario.params() {
            let (name, default) = (param.name(), param.value());
            let _ = writeln!(
                text,
                "| `{name}` | {default} | {} | {} |",
                param.range(),
                param.about()
            );
        }
        text += "\n| metric | what it is |\n|---|---|\n";
        for metric in scenario.metrics() {
            let unit = match metric.unit {
                "" => String::new(),
                unit => format!(" ({unit})"),
            };
            let _ = writeln!(text, "| `{}` | {}{unit} |", metric.name, metric.about);
        }
    }
    text
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

#[test]
fn the_reference_of_the_page_is_that_of_the_scenarios() {
    let (page, reference) = (page(), reference());
    assert!(
        page.ends_with(&reference),
        "the page is to end with:\n{reference}"
    );
}

#[test]
fn every_option_is_on_the_page() {
    let help = evenkeel(["simulate", "--help"]).good();
    let page = page();
    let options = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--"));
    let mut seen = 0;
    for option in options {
        let name = option.split([' ', '\n']).next().unwrap_or(option);
        assert!(page.contains(&format!("--{name}")), "--{name}");
        seen += 1;
    }
    assert!(seen >= 9, "{seen}");
    // Each scenario of the contract has its file.
    for scenario in scenarios::all() {
        let file = of_repository(&format!("docs/scenarios/{}.toml", scenario.name()));
        assert!(std::path::Path::new(&file).exists(), "{file}");
    }
}
