//! What the sources say: the documentation of each machine's module, and the tables in it.

use std::fs;
use std::path::PathBuf;

use crate::krate;

fn path(module: &str) -> PathBuf {
    krate().join("src").join(module).join("mod.rs")
}

pub(crate) fn text(module: &str) -> String {
    fs::read_to_string(path(module)).expect("the source of a module")
}

/// The lines of documentation that begin so, without that; a picture that is included between them is a line of its own.
fn doc(text: &str, marker: &str) -> String {
    let mut doc = String::new();
    for line in text.lines() {
        let included = line.strip_prefix("#![doc = include_str!(\"../../diagrams/");
        if let Some(name) = included.and_then(|rest| rest.strip_suffix(".svg\")]")) {
            doc += &format!("@{name}\n");
        } else if let Some(said) = line.strip_prefix(marker) {
            doc += said.strip_prefix(' ').unwrap_or(said);
            doc.push('\n');
        }
    }
    doc
}

pub(crate) fn of_module(module: &str) -> String {
    doc(&text(module), "//!")
}

/// The documentation of a type in a module.
pub(crate) fn of_type(module: &str, name: &str) -> String {
    let text = text(module);
    let (before, _) = text
        .split_once(&format!("\npub struct {name}"))
        .expect("a type of the module");
    let own = before.rfind("\n\n").expect("something before it");
    doc(&before[own..], "///")
}

/// Every module of the crate that is a folder.
pub(crate) fn modules() -> Vec<(String, String)> {
    let entries = fs::read_dir(krate().join("src")).expect("the sources");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    let folders = names.filter(|name| path(name).exists());
    folders
        .map(|name| (name.clone(), of_module(&name)))
        .collect()
}

/// The tables of a page, each with its header.
pub(crate) fn tables(doc: &str) -> Vec<String> {
    let parts = doc.split("\n\n").map(str::trim_start);
    let tables = parts.filter(|part| part.starts_with("| "));
    tables.map(str::to_owned).collect()
}
