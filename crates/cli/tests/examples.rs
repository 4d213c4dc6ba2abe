//! Each example of each help does what it says, from a clone: all are run, in a shell.
#![cfg(unix)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Folder, evenkeel, of_repository};

/// Every command, as the lists in the helps have them.
fn commands() -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut at = 0;
    while let Some(command) = commands.get(at).cloned() {
        let lines = help(&command, &[]);
        let inner = lines
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help");
        commands.extend(inner.map(|name| [&command[..], &[name.to_owned()]].concat()));
        at += 1;
    }
    commands
}

fn help(command: &[String], environment: &[(&str, &str)]) -> String {
    let output = common::command()
        .args(command)
        .arg("--help")
        .envs(environment.iter().copied())
        .output()
        .expect("the binary starts");
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The command lines of a help, each as one line.
fn examples(help: &str) -> Vec<String> {
    let (_, rest) = help
        .split_once("\nExamples:\n")
        .or_else(|| help.split_once("\nTry it, in a clone of evenkeel:\n"))
        .unwrap_or_else(|| panic!("examples in\n{help}"));
    let lines = rest
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("  "));
    let text = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// A folder that looks like a clone, and in which nothing is lost.
fn clone(name: &str) -> Folder {
    let folder = Folder::new(name);
    for inner in ["traces", "policies", "journals", "scenarios"] {
        let from = of_repository(&format!("docs/{inner}"));
        std::fs::create_dir_all(folder.path(&format!("docs/{inner}"))).expect("a folder");
        for entry in std::fs::read_dir(from).expect("it is there") {
            let path = entry.expect("it can be listed").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let to = folder.path(&format!("docs/{inner}/{name}"));
            std::fs::copy(&path, to).expect("it can be copied");
        }
    }
    folder
}

#[test]
fn every_example_works() {
    let binaries = Path::new(env!("CARGO_BIN_EXE_evenkeel"))
        .parent()
        .expect("a folder");
    let path = format!(
        "{}:{}",
        binaries.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut run = 0;
    for command in commands() {
        let folder = clone(&format!("examples_{}", command.join("_")));
        let home = folder.path("home");
        std::fs::create_dir_all(&home).expect("a folder");
        for line in examples(&help(&command, &[])) {
            // A clone and another program have tests of their own.
            if ["cargo ", "man "]
                .iter()
                .any(|start| line.starts_with(start))
            {
                continue;
            }
            let quick = match line.contains("--shard") {
                true => line.clone(),
                false => line
                    .replace("--runs 10", "--runs 1")
                    .replace("--seconds 30", "--seconds 2"),
            };
            let output = Command::new("sh")
                .args(["-c", &quick])
                .current_dir(folder.path(""))
                .env("PATH", &path)
                .env("HOME", &home)
                .output()
                .expect("a shell");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{line}\n{stderr}");
            // Beside its table it tells of the whole trace.
            let told = line.contains(" percentiles ") && stderr.contains(" calls in ");
            assert!(stderr.is_empty() || told, "{line}\n{stderr}");
            run += 1;
        }
    }
    assert!(run >= 35, "{run}");
}

/// A narrow terminal breaks no example in two, and a wide one no line after it is hard to read.
#[test]
fn helps_fit_the_terminal() {
    let commands = commands();
    assert!(commands.len() >= 18, "{commands:?}");
    for command in &commands {
        let wide = help(command, &[("COLUMNS", "300")]);
        assert!(
            wide.lines().all(|line| line.chars().count() <= 100),
            "{wide}"
        );
        let narrow = help(command, &[("COLUMNS", "80")]);
        assert!(
            narrow.lines().all(|line| line.chars().count() <= 80),
            "{narrow}"
        );
        assert_eq!(examples(&narrow), examples(&wide));
    }
    let plain = evenkeel(["--help"]).good();
    assert!(!plain.contains('\x1b'), "no colours in a pipe");
}
