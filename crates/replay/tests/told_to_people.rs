//! What people read of a journal: how much of it agreed, what a changed snapshot or header looks like, what its trailer
//! hides, and where two journals have lines of different kinds.
#![cfg(feature = "std")]

mod recorded;

use std::io::{self, BufRead, BufReader, Read};

use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::{Journal, LoadedLine, Reader, Writer, load};
use evenkeel_replay::{Parting, diff, verify};

use recorded::{dump, mix, play_all, sample, verify_bytes, written};

/// A journal of the last hundred calls, which holds snapshots on the way.
fn with_checkpoints() -> Vec<u8> {
    let journal = Journal::last(100);
    mix(&mut play_all(&journal, 3), 190, 3);
    dump(&journal)
}

#[test]
fn a_journal_that_agrees_says_how_much_did() {
    let verified = verify_bytes(&with_checkpoints()).expect("it agrees");
    let told = verified.to_string();
    assert!(verified.checkpoints > 1, "{told}");
    let checkpoints = format!("verified, {} checkpoints", verified.checkpoints);
    assert!(told.contains(&checkpoints), "{told}");
}

#[test]
fn a_changed_snapshot_is_shown_beside_what_the_replay_has() {
    let mut loaded = load(&with_checkpoints()[..]);
    let known = |at: usize| {
        loaded.headers[..at]
            .iter()
            .any(|other| other.id == loaded.headers[at].id)
    };
    let first = |at: usize| {
        let id = loaded.headers[at].id;
        loaded
            .headers
            .iter()
            .position(|header| header.id == id)
            .expect("it is there")
    };
    let differs =
        |at: &usize| known(*at) && loaded.headers[first(*at)].state != loaded.headers[*at].state;
    let at = (0..loaded.headers.len())
        .find(differs)
        .expect("something happened to one of them");
    let (old, new) = (
        loaded.headers[first(at)].state.clone(),
        loaded.headers[at].state.clone(),
    );
    loaded.headers[at].state.clone_from(&old);
    loaded.headers[at].digest = None;
    let told = verify_bytes(&written(&loaded))
        .expect_err("it was changed")
        .to_string();
    let lines: Vec<_> = told.lines().collect();
    assert!(
        lines[0].ends_with(": the replayed machine is not the one of this snapshot"),
        "{told}"
    );
    // The policy is the same: only the state is shown.
    assert!(lines[1].starts_with("  recorded state: {"), "{told}");
    assert!(lines[2].starts_with("  replayed state: {"), "{told}");
    assert_eq!(told.matches("policy:").count(), 0, "{told}");
    let shown = |line: &str, state: &str| line.ends_with(state) || line.ends_with(" bytes)");
    assert!(shown(lines[1], &old) && shown(lines[2], &new), "{told}");
}

#[test]
fn a_changed_header_is_told_by_its_digest() {
    let text = String::from_utf8(sample(&[Kind::Breaker], 5, 2)).expect("it is text");
    let (before, rest) = text
        .split_once("\"digest\":\"")
        .expect("a header has a digest");
    let (digest, after) = rest.split_at(16);
    let other = if digest == "0000000000000001" {
        "2"
    } else {
        "1"
    };
    let changed = format!("{before}\"digest\":\"{other:0>16}{after}");
    let told = verify_bytes(changed.as_bytes())
        .expect_err("it was changed")
        .to_string();
    let said =
        format!("policy or state has been changed: its digest is {digest}, not {other:0>16}");
    assert!(told.contains(&said), "{told}");
}

/// A trailer may tell of losses that no header tells of, not hide those that one does.
#[test]
fn a_trailer_that_hides_lost_calls_is_damaged() {
    let mut loaded = load(&with_checkpoints()[..]);
    let last = loaded.headers.len() - 1;
    loaded.headers[last].dropped = Some(3);
    let bytes = |lost: u64| {
        let mut writer = Writer::new(Vec::new());
        for line in loaded.lines() {
            match line {
                LoadedLine::Header(header) => writer.header(header),
                LoadedLine::Entry(entry) => writer.entry(entry),
            }
            .expect("no disk is needed");
        }
        let (bytes, end) = writer.end(lost).expect("no disk is needed");
        (String::from_utf8(bytes).expect("it is text"), end.dropped)
    };
    let (text, dropped) = bytes(0);
    assert_eq!((dropped, bytes(2).1), (3, 5));
    let hidden = text.replace("\"dropped\":3,\"digest\"", "\"dropped\":2,\"digest\"");
    assert_ne!(hidden, text);
    let told = verify_bytes(hidden.as_bytes())
        .expect_err("it hides one")
        .to_string();
    let said = "the trailer counts 2 lost calls, but the headers tell of 3";
    assert!(told.contains(said), "{told}");
}

/// Gives so many bytes, then what a disk gives that breaks.
struct Breaking<'a>(&'a [u8]);

impl Read for Breaking<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::Error::other("the disk broke")),
            read => Ok(read),
        }
    }
}

#[test]
fn a_journal_that_cannot_be_read_on_says_where() {
    let bytes = sample(&[Kind::Breaker], 20, 2);
    let line = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a header")
        + 1;
    for cut in [line, line + 10, bytes.len()] {
        let reader = Reader::new(BufReader::new(Breaking(&bytes[..cut])));
        let told = verify(reader).expect_err("it breaks").to_string();
        assert!(
            told.contains("it cannot be read on: the disk broke"),
            "{told}"
        );
        let lines = bytes[..cut].lines().count() + usize::from(bytes[cut - 1] == b'\n');
        assert!(
            told.starts_with(&format!("line {lines} (byte ")),
            "{cut}: {told}"
        );
    }
}

#[test]
fn journals_part_where_one_begins_a_machine_and_the_other_calls_one() {
    let bytes = |machines: usize| {
        let journal = Journal::in_memory();
        let mut players: Vec<_> = (0..machines)
            .map(|_| recorded::play(&journal, Kind::Breaker, 2))
            .collect();
        players[0].play();
        dump(&journal)
    };
    let compared = diff(Reader::new(&bytes(1)[..]), Reader::new(&bytes(2)[..]));
    let parting = compared.expect("both can be read").parting;
    assert!(
        matches!(
            parting,
            Some(Parting::Line {
                first: 2,
                second: 2
            })
        ),
        "{parting:?}"
    );
}

/// A snapshot on the way says nothing new: a journal with some is the same as one without.
#[test]
fn snapshots_on_the_way_part_no_journals() {
    let with = with_checkpoints();
    let mut loaded = load(&with[..]);
    let all = loaded.headers.len();
    let mut seen = Vec::new();
    loaded.headers.retain(|header| {
        let is_first = !seen.contains(&header.id);
        seen.push(header.id);
        is_first
    });
    assert!(loaded.headers.len() < all);
    let without = written(&loaded);
    for (one, other) in [(&with, &without), (&without, &with), (&with, &with)] {
        let compared = diff(Reader::new(&one[..]), Reader::new(&other[..]));
        let compared = compared.expect("both can be read");
        assert_eq!(compared.parting, None);
        assert_eq!(compared.same_ops, loaded.entries.len() as u64);
    }
}
