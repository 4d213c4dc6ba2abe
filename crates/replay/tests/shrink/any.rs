//! What holds for every shrunk journal.

use evenkeel_replay::any::AnyMachine;
use evenkeel_replay::journal::{self, Entry, Loaded, LoadedLine, Reader};
use evenkeel_replay::shrink::{EFFORT, Property, Shrunk, facts, shrink};
use evenkeel_replay::words::Replaying;
use evenkeel_replay::{Group, verify};

pub(crate) fn property(text: &str) -> Property {
    text.parse().expect("a property")
}

/// Shrinks, and sees to what holds for each: it verifies, shows the fact at its end, comes out the same again, and
/// cannot be shrunk on.
pub(crate) fn shrunk(loaded: &Loaded, fact: &str) -> Shrunk {
    let shrunk = shrink(loaded, &property(fact), EFFORT).expect("the fact is there");
    let text = shrunk.text();
    if let Err(error) = verify(Reader::new(text.as_bytes())) {
        panic!("{error}\n{text}");
    }
    let read = journal::load(text.as_bytes());
    assert_eq!(read, shrunk.journal);
    let wanted = property(fact).fact;
    assert!(facts(&read).contains_key(&wanted), "{fact} in\n{text}");
    let mut cut = read.clone();
    cut.entries.pop();
    assert!(!facts(&cut).contains_key(&wanted), "{fact} before the end");
    assert!(shrunk.is_minimal);
    let again = shrink(loaded, &property(fact), EFFORT).expect("the fact is there");
    assert_eq!(again, shrunk);
    let further = shrink(&read, &property(fact), EFFORT).expect("the fact is there");
    assert!(further.ops <= shrunk.ops);
    needs_all(&read, &text, fact);
    shrunk
}

#[test]
fn properties_are_read_as_they_are_written() {
    let good = [
        "change:latency",
        "change:latency@db",
        "refused:open@7",
        "ended:budget-spent",
        "differs",
        "differs@a name@with a sign: all of it",
    ];
    for text in good {
        assert_eq!(property(text).to_string(), text);
    }
    let bad = [
        "",
        "change",
        "change:",
        "changed:x",
        "differs:x",
        "@db",
        "differs@",
        "change:x@",
    ];
    for text in bad {
        let error = text.parse::<Property>().expect_err(text);
        assert!(
            error
                .to_string()
                .starts_with(&format!("`{text}` is no property; say change:CAUSE"))
        );
    }
}

#[test]
fn a_header_that_is_none_is_told() {
    let mut loaded = Loaded::default();
    let kind = evenkeel_replay::any::Kind::Backoff;
    let mut header = journal::Header::new(kind, 1, "{}".into(), "{}".into());
    header.line = 4;
    loaded.headers.push(header);
    let error = shrink(&loaded, &property("differs"), EFFORT).expect_err("no policy");
    assert!(
        error
            .to_string()
            .starts_with("line 4: the policy cannot be read"),
        "{error}"
    );
    let error = shrink(&Loaded::default(), &property("differs"), EFFORT).expect_err("nothing");
    assert_eq!(error.to_string(), "the journal does not show differs");
}

/// Whichever single call goes, with its report if it is an ask, the fact goes.
fn needs_all(read: &Loaded, text: &str, fact: &str) {
    for without in 0..read.entries.len() {
        let mut less = read.clone();
        less.entries.remove(without);
        // What reports on the call that is gone is told by the journal's own count of asks and reports.
        let gone = &read.entries[without];
        if let Some(id) = gone.answer.given(&gone.op) {
            let is_of =
                |entry: &Entry| entry.id == gone.id && entry.op.reported() == Some(id.clone());
            if let Some(of) = less.entries.iter().skip(without).position(is_of) {
                less.entries.remove(without + of);
            }
        }
        let is_shown = facts(&answered_anew(&less)).contains_key(&property(fact).fact);
        assert!(!is_shown, "{fact} without call {without} of\n{text}");
    }
}

/// The calls as they stand, with what the machines answer to them now.
fn answered_anew(loaded: &Loaded) -> Loaded {
    let mut group = Group::new();
    let mut made = loaded.clone();
    made.entries.clear();
    for line in loaded.lines() {
        match line {
            LoadedLine::Header(header) => {
                let machine = AnyMachine::restore(header.kind, &header.policy, &header.state);
                group.insert(header.id, machine.expect("a state"));
            }
            LoadedLine::Entry(entry) => {
                let mut words = Replaying::new(&entry.words);
                let answer = group.apply(entry.id, entry.t_ns, &entry.op, &mut words);
                made.entries.push(Entry {
                    answer: answer.expect("the machines are there"),
                    ..entry.clone()
                });
            }
        }
    }
    made
}
