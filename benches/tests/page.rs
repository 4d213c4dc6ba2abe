//! Tables that a program writes into a page.

use std::fs;
use std::path::{Path, PathBuf};

use evenkeel_benches::cases;
use evenkeel_benches::page::Page;

fn page_of(text: &str, name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("evenkeel-page-{name}-{}", std::process::id()));
    fs::write(&path, text).expect("a folder for temporary files");
    path
}

#[test]
fn only_what_stands_between_the_marks_is_written_anew() {
    let text = "before\n<!-- ratios a: -->\nold\n<!-- end -->\nbetween\n<!-- goals -->\n<!-- end -->\nafter\n";
    let path = page_of(text, "fill");
    let mut page = Page::read(&path).expect("it was written");
    assert_eq!(page.marks("ratios"), ["a:"]);
    page.fill("ratios a:", "new\n")
        .expect("there is such a mark");
    page.fill("goals", "none\n").expect("there is such a mark");
    page.write(&path).expect("it can be written");
    let written = fs::read_to_string(&path).expect("it was written");
    fs::remove_file(&path).expect("it is there");
    assert_eq!(
        written,
        text.replace("old\n", "new\n")
            .replace("<!-- goals -->\n", "<!-- goals -->\nnone\n")
    );
}

#[test]
fn every_case_has_its_place_on_the_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    let page = Page::read(&page).expect("the page");
    let marks = page.marks("ratios").join(" ");
    for case in cases("") {
        let (machine, _) = case.name.split_once(':').expect("machine: what is done");
        assert!(marks.contains(&format!("{machine}:")), "{}", case.name);
    }
}

#[test]
fn a_mark_that_is_missing_or_open_is_an_error() {
    let path = page_of("<!-- a -->\n<!-- b -->\n<!-- end -->\n", "open");
    let mut page = Page::read(&path).expect("it was written");
    fs::remove_file(&path).expect("it is there");
    assert!(page.fill("c", "").is_err(), "no such mark");
    assert!(page.fill("a", "").is_err(), "the end is that of another");
    assert!(page.fill("b", "").is_ok());
}
