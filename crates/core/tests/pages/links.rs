//! No link is dead: on a page of this project to a file or a heading, in a source to a page; and the book has every page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::{pages, root, sources};

/// Without what is code, in blocks and in lines: no link is meant there.
fn prose(page: &str) -> String {
    let mut prose = String::new();
    let mut is_code = false;
    for line in page.lines() {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if !is_code && !is_fence {
            prose.extend(line.split('`').step_by(2));
        }
        prose.push('\n');
    }
    prose
}

/// The targets of links and pictures.
fn links(page: &str) -> Vec<String> {
    let prose = prose(page);
    let targets = prose.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// What a heading is called in an address, by GitHub and by mdBook alike.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    // A link in a heading is called by its text.
    let text = text.split("](").fold(String::new(), |name, part| {
        name + part.split_once(')').map_or(part, |(_, rest)| rest)
    });
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The headings of a page; of several that are alike, the later ones are numbered.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut times = BTreeMap::<String, u32>::new();
    let mut is_code = false;
    let mut anchors = BTreeSet::new();
    for line in page.lines() {
        is_code ^= line.trim_start().starts_with("```");
        if is_code || !line.starts_with('#') {
            continue;
        }
        let name = anchor(line);
        let before = times.entry(name.clone()).or_default();
        anchors.insert(match before {
            0 => name,
            _ => format!("{name}-{before}"),
        });
        *before += 1;
    }
    anchors
}

/// Without `.` and `..`, which need not lead out of the project.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{} leads out", path.display()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading_of_it() {
    let mut dead = Vec::new();
    let mut seen = 0;
    for (name, page) in pages() {
        let folder = name.parent().expect("a page is a file");
        for link in links(&page) {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => name.clone(),
                path => plain(&folder.join(path)),
            };
            let is_there = if heading.is_empty() {
                root().join(&target).exists()
            } else {
                let text = fs::read_to_string(root().join(&target)).unwrap_or_default();
                anchors(&text).contains(heading)
            };
            if !is_there {
                dead.push(format!("{}: {link}", name.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(seen >= 100, "{seen} links");
}

/// A path relative to a source leads nowhere on docs.rs; so a source names a page by its path in the project.
#[test]
fn every_page_that_a_source_names_is_there() {
    let mut named = BTreeSet::new();
    for text in sources(&["crates", "benches"]) {
        for rest in text.split("docs/").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_./".contains(c));
            let path = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
            if path.ends_with(".md") {
                named.insert(path.to_owned());
            }
        }
        for line in text.lines().map(str::trim_start) {
            let is_doc = line.starts_with("//! ") || line.starts_with("/// ");
            let dead = line.contains("](../") || line.contains("](docs/");
            assert!(!(is_doc && dead), "dead on docs.rs: {line}");
        }
    }
    assert!(named.len() >= 10, "{named:?}");
    for path in named {
        assert!(root().join("docs").join(&path).exists(), "docs/{path}");
    }
}

#[test]
fn the_book_has_every_page_once() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).expect("the book's contents");
    let mut listed = links(&summary);
    listed.sort_unstable();
    let docs = pages().into_iter().filter_map(|(name, _)| {
        let name = name.strip_prefix("docs").ok()?.to_str()?.to_owned();
        (name != "SUMMARY.md").then_some(name)
    });
    let mut there: Vec<String> = docs.collect();
    there.sort_unstable();
    assert_eq!(listed, there);
}

#[test]
fn headings_are_called_as_github_calls_them() {
    for (heading, name) in [
        ("## A sweep, `--sweep`", "a-sweep---sweep"),
        ("# What a *drop* does", "what-a-drop-does"),
        ("## [The core](core.md) alone", "the-core-alone"),
        ("### p99: 1/128", "p99-1128"),
    ] {
        assert_eq!(anchor(heading), name);
    }
    let page = "# A\n## B\n```\n# no heading\n```\n## B\n";
    assert_eq!(
        anchors(page).into_iter().collect::<Vec<_>>(),
        ["a", "b", "b-1"]
    );
}
