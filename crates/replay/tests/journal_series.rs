//! The files of a journal: none that is there is ever overwritten, unless that is what was asked for.
#![cfg(feature = "std")]

mod disk;

use std::fs;
use std::path::Path;

use disk::{Folder, a_backoff, wait};
use evenkeel_replay::journal::{Journal, Options};
use evenkeel_replay::verify_file;

/// Records so many calls as a program would that is then over.
fn run(options: Options, path: &Path, calls: u64) -> Journal {
    let journal = options.create(path).unwrap();
    wait(&mut journal.record("one", a_backoff()), calls);
    journal.finish().unwrap();
    journal
}

fn both_ways() -> [Options; 2] {
    [Journal::options(), Journal::options().in_the_call()]
}

#[test]
fn a_program_that_is_restarted_keeps_what_it_recorded_before() {
    for options in both_ways() {
        let folder = Folder::new("restarted");
        let path = folder.0.join("night.jsonl");
        for (run_no, name) in (1..).zip(["night.jsonl", "night.1.jsonl", "night.2.jsonl"]) {
            let journal = run(options, &path, run_no);
            assert_eq!(journal.path(), Some(folder.0.join(name)));
        }
        let ops: Vec<_> = folder.verified().iter().map(|file| file.ops).collect();
        assert_eq!(ops, [1, 2, 3]);
    }
}

/// A crash leaves a file without a trailer, or an empty one.
#[test]
fn what_a_crash_left_stays_as_it_is() {
    let folder = Folder::new("crashed");
    let path = folder.0.join("night.jsonl");
    fs::write(&path, "half a li").unwrap();
    fs::write(folder.0.join("night.1.jsonl"), "").unwrap();
    let journal = Journal::create(&path).unwrap();
    assert_eq!(journal.path(), Some(folder.0.join("night.2.jsonl")));
    assert_eq!(fs::read(&path).unwrap(), b"half a li");
    assert_eq!(fs::read(folder.0.join("night.1.jsonl")).unwrap(), b"");
}

#[test]
fn recording_goes_on_after_the_highest_number() {
    let folder = Folder::new("gaps");
    let others = [
        "night.3.jsonl",
        "night.07.jsonl", // no number of ours
        "night.+8.jsonl",
        "night..jsonl",
        "night.9.json",
        "night.9",
        "nightly.9.jsonl",
        "night.9.1.jsonl",
        "night.99999999999999999999.jsonl", // more than there are
    ];
    for name in others {
        fs::write(folder.0.join(name), name).unwrap();
    }
    // The first of the series is gone; it is not begun again.
    let options = Journal::options().rotate_after(10);
    let journal = run(options, &folder.0.join("night.jsonl"), 25);
    assert_eq!(journal.path(), Some(folder.0.join("night.6.jsonl")));
    for (number, ops) in [(4, 10), (5, 10), (6, 5)] {
        let path = folder.0.join(format!("night.{number}.jsonl"));
        assert_eq!(verify_file(path).unwrap().ops, ops);
    }
    for name in others {
        assert_eq!(fs::read(folder.0.join(name)).unwrap(), name.as_bytes());
    }
    assert_eq!(folder.files().len(), others.len() + 3);
}

#[test]
fn the_highest_number_of_all_has_none_after_it() {
    let folder = Folder::new("highest");
    let highest = folder.0.join(format!("night.{}.jsonl", u64::MAX));
    fs::write(&highest, "").unwrap();
    assert!(Journal::create(folder.0.join("night.jsonl")).is_err());
}

#[test]
fn names_without_an_extension_have_numbers_too() {
    for (name, next) in [
        ("night", "night.1"),
        (".night", ".night.1"),
        ("night.", "night.1."),
        ("n.i.ght", "n.i.1.ght"),
        ("7", "7.1"),
        ("night.1", "night.1.1"),
    ] {
        let folder = Folder::new("extension");
        for _ in 0..2 {
            let _ = run(Journal::options(), &folder.0.join(name), 1);
        }
        let mut names = [name, next];
        names.sort_by_key(|name| (name.len(), *name));
        assert_eq!(folder.names(), names);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_have_numbers_too() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new("no text");
    let name = |bytes| folder.0.join(std::ffi::OsStr::from_bytes(bytes));
    let path = name(b"n\xff.\xfe");
    for next in [path.clone(), name(b"n\xff.1.\xfe"), name(b"n\xff.2.\xfe")] {
        assert_eq!(run(Journal::options(), &path, 1).path(), Some(next));
    }
}

#[test]
fn a_directory_in_the_way_is_passed_over() {
    for options in both_ways() {
        let folder = Folder::new("directory");
        fs::create_dir(folder.0.join("night.2.jsonl")).unwrap();
        let path = folder.0.join("night.jsonl");
        assert_eq!(
            run(options, &path, 1).path(),
            Some(folder.0.join("night.3.jsonl"))
        );
        // It is none of the files that stay or go.
        let options = options.replace(true).rotate_after(10).keep(2);
        let journal = run(options, &path, 35);
        assert_eq!(journal.path(), Some(folder.0.join("night.4.jsonl")));
        let names = ["night.2.jsonl", "night.3.jsonl", "night.4.jsonl"];
        assert_eq!(folder.names(), names);
    }
}

#[test]
fn a_directory_is_no_journal() {
    let folder = Folder::new("no journal");
    for options in [Journal::options(), Journal::options().replace(true)] {
        assert!(options.create(&folder.0).is_err());
        assert!(options.create("").is_err());
        assert!(options.create(folder.0.join("missing/night")).is_err());
    }
    assert!(folder.files().is_empty());
}

/// Another program, or an old backup put back, has taken the number meanwhile.
#[test]
fn rotation_passes_over_a_file_that_is_there() {
    for options in both_ways() {
        let folder = Folder::new("met");
        let options = options.rotate_after(10);
        let journal = options.create(folder.0.join("night.jsonl")).unwrap();
        let taken = ["night.1.jsonl", "night.2.jsonl", "night.5.jsonl"];
        for name in taken {
            fs::write(folder.0.join(name), name).unwrap();
        }
        wait(&mut journal.record("one", a_backoff()), 25);
        let summary = journal.finish().unwrap();
        assert_eq!((summary.files, summary.dropped), (3, 0));
        assert_eq!(journal.path(), Some(folder.0.join("night.7.jsonl")));
        for name in taken {
            assert_eq!(fs::read(folder.0.join(name)).unwrap(), name.as_bytes());
        }
        for (name, ops) in [("night", 10), ("night.6", 10), ("night.7", 5)] {
            let path = folder.0.join(format!("{name}.jsonl"));
            assert_eq!(verify_file(path).unwrap().ops, ops);
        }
    }
}

#[test]
fn keep_counts_the_files_of_former_runs() {
    for options in both_ways() {
        let folder = Folder::new("kept");
        let path = folder.0.join("night.jsonl");
        let options = options.rotate_after(10).keep(3);
        let _ = run(options, &path, 15);
        assert_eq!(folder.names(), ["night.jsonl", "night.1.jsonl"]);
        let _ = run(options, &path, 5);
        assert_eq!(
            folder.names(),
            ["night.jsonl", "night.1.jsonl", "night.2.jsonl"]
        );
        let _ = run(options, &path, 5);
        assert_eq!(
            folder.names(),
            ["night.1.jsonl", "night.2.jsonl", "night.3.jsonl"]
        );
        // One that was moved away makes room; a later one of another program is not ours to count.
        fs::remove_file(folder.0.join("night.2.jsonl")).unwrap();
        let journal = options.create(&path).unwrap();
        fs::write(folder.0.join("night.9.jsonl"), "").unwrap();
        let names = ["night.1.jsonl", "night.3.jsonl", "night.4.jsonl"];
        assert_eq!(folder.names()[..3], names);
        wait(&mut journal.record("one", a_backoff()), 15);
        journal.finish().unwrap();
        let names = ["night.3.jsonl", "night.4.jsonl", "night.5.jsonl"];
        assert_eq!(folder.names()[..3], names);
        let _ = run(options.keep(0), &path, 25);
        assert_eq!(folder.names(), ["night.12.jsonl"]);
    }
}

#[test]
fn tools_may_replace_what_is_there() {
    let folder = Folder::new("replaced");
    let path = folder.0.join("night.jsonl");
    let _ = run(Journal::options().rotate_after(10), &path, 45);
    fs::write(folder.0.join("night.json"), "").unwrap();
    let _ = run(Journal::options().replace(true), &path, 5);
    assert_eq!(folder.names(), ["night.json", "night.jsonl"]);
    assert_eq!(verify_file(&path).unwrap().ops, 5);
    let _ = run(Journal::options().replace(true).replace(false), &path, 5);
    assert_eq!(folder.files().len(), 3);
}

/// A link is never followed to what another program owns.
#[cfg(unix)]
#[test]
fn links_are_passed_over_or_replaced_themselves() {
    let folder = Folder::new("links");
    let (path, other) = (folder.0.join("night.jsonl"), folder.0.join("other"));
    std::os::unix::fs::symlink(&other, &path).unwrap(); // to nothing
    let next = folder.0.join("night.1.jsonl");
    assert_eq!(run(Journal::options(), &path, 1).path(), Some(next));
    assert!(!other.exists());
    fs::write(&other, "other").unwrap();
    let _ = run(Journal::options().replace(true), &path, 1);
    assert_eq!(fs::read(&other).unwrap(), b"other");
    assert_eq!(verify_file(&path).unwrap().ops, 1);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_as_it_is() {
    for options in both_ways() {
        let options = options.replace(true).rotate_after(10).keep(1);
        let journal = run(options, Path::new("/dev/null"), 25);
        assert_eq!(journal.path(), None);
        assert!(Path::new("/dev/null").exists());
    }
}

#[test]
fn only_a_journal_of_files_has_a_path() {
    assert_eq!(Journal::in_memory().path(), None);
    assert_eq!(Journal::to_writer(std::io::sink()).path(), None);
    let threaded = Journal::options().spawn(std::io::sink()).unwrap();
    assert_eq!(threaded.path(), None);
}
