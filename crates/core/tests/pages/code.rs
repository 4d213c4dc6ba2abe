//! The Rust on the pages of docs/ is compiled: what stands together in a block stands so in a source of this project,
//! whatever the line breaks. README's blocks have tests of their own, and a page that is a doctest is compiled as it is.

use std::path::Path;

use crate::{pages, sources};

/// Compiled as documentation of evenkeel-tokio, all but the blocks that say `ignore`.
const DOCTEST: &str = "simulators.md";

/// A test with the path that a reader's project would have; ours, in evenkeel-replay's `incident`, has its own.
const ELSEWHERE: &str = "incident.md";

/// Without comments, white space, and the commas that only broken lines have.
fn plain(text: &str) -> String {
    let code = text.lines().map(|line| match line.find("//") {
        Some(0) => "",
        Some(at) if line[..at].ends_with(' ') => &line[..at],
        _ => line,
    });
    let mut plain: String = code.flat_map(str::split_whitespace).collect();
    for (broken, whole) in [(",)", ")"), (",}", "}"), (",]", "]")] {
        plain = plain.replace(broken, whole);
    }
    plain
}

/// The blocks of Rust on a page, those that say `ignore` as well.
fn blocks(page: &str) -> impl Iterator<Item = (bool, &str)> {
    page.split("\n```rust").skip(1).filter_map(|rest| {
        let (info, code) = rest.split_once('\n')?;
        let (code, _) = code.split_once("\n```")?;
        Some((info.contains("ignore"), code))
    })
}

/// What stands together: an empty line, or one that is all comment, may leave something out.
fn parts(block: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in block.lines() {
        let begun = line.trim_start();
        if begun.is_empty() || begun.starts_with("// ") {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            *part += line;
            part.push('\n');
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[test]
fn every_block_of_rust_is_code_that_is_compiled() {
    let sources = sources(&["crates", "benches"]);
    let compiled: Vec<String> = sources.iter().map(|text| plain(text)).collect();
    let mut seen = 0;
    for (path, page) in pages() {
        let Ok(name) = path.strip_prefix("docs") else {
            continue;
        };
        for (is_ignored, block) in blocks(&page) {
            seen += 1;
            let is_tested =
                name == Path::new(DOCTEST) && !is_ignored || name == Path::new(ELSEWHERE);
            if is_tested {
                continue;
            }
            for part in parts(block) {
                let code = plain(&part);
                assert!(
                    compiled.iter().any(|source| source.contains(&code)),
                    "{} shows code that nothing compiles:\n{part}",
                    name.display()
                );
            }
        }
    }
    assert!(seen >= 20, "{seen} blocks of Rust");
}
