//! README's example for tokio cannot run where its first one does, in evenkeel-core: it is the first of this crate.

const README: &str = include_str!("../../../README.md");
const PAGE: &str = include_str!("../src/lib.rs");

#[test]
fn readmes_example_is_the_one_that_runs_on_the_crates_page() {
    let (_, readme) = README.split_once("```rust,ignore\n").expect("an example");
    let (readme, rest) = readme.split_once("```").expect("its end");
    // The other one is evenkeel-tower's, in its tests/readme.rs.
    let others: Vec<_> = rest.split("```rust,ignore\n").skip(1).collect();
    assert_eq!(others.len(), 1, "one that nobody compiles");
    assert!(others[0].contains("evenkeel_tower"));
    assert!(readme.contains("evenkeel_tokio"));

    let shown = PAGE
        .lines()
        .skip_while(|line| *line != "//! ```")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//!").trim_start())
        .filter(|line| !line.starts_with('#'));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        readme.lines().collect::<Vec<_>>()
    );
}
