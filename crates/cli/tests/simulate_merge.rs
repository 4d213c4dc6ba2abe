//! `evenkeel merge`: parts that are missing, doubled, of something else, or no parts at all.

mod common;

use common::{Folder, Run, evenkeel, fed};

const SMALL: [&str; 6] = ["--set", "clients=4", "--runs", "6", "--seed", "1"];

/// The parts of a small simulation.
fn parts(folder: &Folder, of: u64, args: &[&str]) -> Vec<String> {
    (1..=of)
        .map(|number| {
            let shard = format!("{number}/{of}");
            let fixed = ["simulate", "contending-writers", "--shard", &shard];
            let part = evenkeel(fixed.iter().chain(args)).good();
            folder.file(&format!("{number}-of-{of}{}", args.concat()), part)
        })
        .collect()
}

fn merge(files: &[&String]) -> Run {
    let run = evenkeel(
        ["merge"]
            .into_iter()
            .chain(files.iter().map(|name| name.as_str())),
    );
    assert!(run.code == 0 || run.stdout.is_empty(), "{}", run.stdout);
    run
}

#[test]
fn parts_must_be_all_there_once_and_of_one_whole() {
    let folder = Folder::new("merge_parts");
    let [a, b, c] = &parts(&folder, 3, &SMALL)[..] else {
        unreachable!("they are three")
    };
    assert_eq!(
        merge(&[a]).complaint(),
        "of 3 parts these are missing: 2, 3"
    );
    assert_eq!(
        merge(&[c, a]).complaint(),
        "of 3 parts these are missing: 2"
    );
    assert_eq!(
        merge(&[a, b, c, b]).complaint(),
        format!("{b} and {b} are both part 2 of 3")
    );
    for (at, to, said) in [
        (5, "2", "with seed 2 in 6 runs and 3 parts"),
        (3, "7", "with seed 1 in 7 runs and 3 parts"),
        (1, "clients=5", "{\"clients\":5,"),
    ] {
        let mut args = SMALL;
        args[at] = to;
        let other = &parts(&folder, 3, &args)[1];
        let run = merge(&[a, other, c]);
        let first = format!("{other} is a part of another simulation than {a}:");
        assert_eq!(run.complaint(), first);
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    let two = &parts(&folder, 2, &SMALL)[1];
    assert!(merge(&[a, two]).complaint().contains("another simulation"));
}

/// Another version may draw or count otherwise.
#[test]
fn parts_are_of_one_version() {
    let folder = Folder::new("merge_version");
    let [a, b] = &parts(&folder, 2, &SMALL)[..] else {
        unreachable!("they are two")
    };
    let text = std::fs::read_to_string(b).expect("it is there");
    let version = format!("{{\"version\":\"{}\",", env!("CARGO_PKG_VERSION"));
    assert!(text.starts_with(&version), "{text}");
    let old = folder.file(
        "old.json",
        text.replace(&version, "{\"version\":\"0.0.9\","),
    );
    let run = merge(&[a, &old]);
    assert_eq!(
        run.complaint(),
        format!("{old} is a part of another simulation than {a}:")
    );
    assert!(
        run.stderr.contains(" by evenkeel 0.0.9\n"),
        "{}",
        run.stderr
    );
    let none = folder.file("none.json", text.replace(&version, "{"));
    let run = merge(&[a, &none]);
    assert!(
        run.complaint().contains("missing field `version`"),
        "{}",
        run.stderr
    );
}

/// `cat part-*.json | evenkeel merge -`: the lines of a file are the points of a sweep.
#[test]
fn parts_in_one_file_are_told_apart() {
    let folder = Folder::new("merge_cat");
    let all: Vec<String> = parts(&folder, 2, &SMALL)
        .iter()
        .map(|name| std::fs::read_to_string(name).expect("it is there"))
        .collect();
    let run = fed(["merge", "-"], all.concat().as_bytes());
    assert_eq!(
        run.complaint(),
        "stdin:2:1: found part 2 of 2 below part 1 of 2, expected one part: give each part as a file of its own"
    );
}

#[test]
fn standard_input_is_a_part() {
    let folder = Folder::new("merge_stdin");
    let files = parts(&folder, 2, &SMALL);
    let whole = merge(&[&files[0], &files[1]]).good();
    let run = fed(
        ["merge", "-", &files[1]],
        std::fs::read_to_string(&files[0])
            .expect("it is there")
            .as_bytes(),
    );
    assert_eq!(run.good(), whole);
}

#[test]
fn what_is_no_part_is_refused_where_it_stands() {
    let folder = Folder::new("merge_refused");
    let files = parts(&folder, 2, &SMALL);
    let good = std::fs::read_to_string(&files[0]).expect("it is there");
    let complaint = |text: String| {
        let bad = folder.file("bad.json", text);
        let run = merge(&[&bad, &files[1]]);
        let is_parse = run
            .stderr
            .contains("expected what `evenkeel simulate --shard` prints\n");
        assert_eq!(is_parse, run.stderr.ends_with("^\n"), "{}", run.stderr);
        let said = run.complaint();
        said.strip_prefix(&format!("{bad}:"))
            .expect(said)
            .to_owned()
    };
    assert!(complaint(String::new()).starts_with(" is empty, expected what "));
    assert!(complaint("{".into()).starts_with("1:1: EOF while parsing"));
    let replaced = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        complaint(good.replace(from, to))
    };
    assert!(replaced("\"seed\"", "\"sead\"").contains("unknown field `sead`"));
    assert!(replaced("\"number\":1", "\"number\":0").contains("parts are counted from 1"));
    assert!(replaced("\"number\":1", "\"number\":3").contains("parts are counted from 1"));
    assert!(
        replaced("\"runs\":6", "\"runs\":8").contains("found the values of 3 runs, expected 4")
    );
    // Refused before anything is counted or kept.
    let many = replaced("\"runs\":6", "\"runs\":18446744073709551615");
    assert!(many.contains("found 18446744073709551615 runs, expected 1 to 1000000"));
    assert!(replaced("\"calls\",", "").contains("expected 2, one for each metric"));
    let cut = complaint(good[..good.len() / 2].to_owned());
    assert!(
        cut.ends_with("expected what `evenkeel simulate --shard` prints"),
        "{cut}"
    );
    let nowhere = folder.path("nowhere.json");
    let run = merge(&[&nowhere, &files[1]]);
    assert!(
        run.complaint()
            .starts_with(&format!("{nowhere}: cannot be opened: "))
    );
}
