//! README's first command prints what README shows, and makes a report.

mod common;

use common::page::needs_nothing_else;
use common::{Folder, command, is_shown, of_repository};

/// The first block in this language.
fn block(readme: &str, language: &str) -> String {
    let (_, rest) = readme
        .split_once(&format!("\n```{language}\n"))
        .expect("a block");
    let (block, _) = rest.split_once("```").expect("its end");
    block.to_owned()
}

#[test]
fn the_first_command_prints_what_is_shown() {
    let readme = std::fs::read_to_string(of_repository("README.md")).expect("it is there");
    let line = block(&readme, "sh");
    let (_, words) = line
        .trim()
        .split_once(" -- ")
        .expect("a command of the tool");
    let folder = Folder::new("readme");
    let words = words.split(' ').map(|word| match word {
        file if file.starts_with("docs/") => of_repository(file),
        "report.html" => folder.path("report.html"),
        word => word.to_owned(),
    });
    let output = command().args(words).output().expect("the binary starts");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        is_shown(&said, &block(&readme, "text")),
        "it prints:\n{said}"
    );
    let report = folder.read("report.html");
    assert!(report.contains("</svg>"));
    needs_nothing_else(&report);
}
