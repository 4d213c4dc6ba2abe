//! What no journal may hold, where others may think it does: keys that mean nothing, `null` for an absent key, a digest
//! of other bytes than the page of the format says.
#![cfg(feature = "std")]

mod disk;
mod recorded;

use disk::{a_backoff, wait};
use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::{Journal, LoadedLine, Reader, Writer, load};
use evenkeel_replay::{Failed, Parting, diff};
use recorded::{sample, verify_bytes};

/// The journal with each of its digests left out, as one that somebody wrote by hand.
fn plain(kind: Kind, seed: u64) -> Vec<String> {
    let text = String::from_utf8(sample(&[kind], 60, seed)).unwrap();
    let lines = text.lines();
    let lines = lines.map(|line| match line.find(",\"digest\":\"") {
        Some(at) => format!("{}{}", &line[..at], &line[at + 28..]),
        None => line.into(),
    });
    lines.collect()
}

fn damage(lines: &[String]) -> Option<String> {
    let text = lines.join("\n") + "\n";
    match verify_bytes(text.as_bytes()).err()?.failed {
        Failed::Damaged(damage) => Some(damage.to_string()),
        other => panic!("{other}"),
    }
}

/// In each object of each call, answer and header: those within keep nothing to themselves.
#[test]
fn a_key_that_means_nothing_is_found_wherever_it_stands() {
    let mut objects = 0;
    for kind in Kind::ALL {
        let lines = plain(*kind, 3);
        assert_eq!(damage(&lines), None);
        for at in [0, 1, 2, 3, 20] {
            for (byte, _) in lines[at].match_indices('{') {
                let mut changed = lines.clone();
                let comma = if lines[at][byte + 1..].starts_with('}') {
                    ""
                } else {
                    ","
                };
                changed[at].insert_str(byte + 1, &format!("\"lease_ns\":1{comma}"));
                let damage = damage(&changed);
                let found = damage.unwrap_or_else(|| panic!("it verifies: {}", changed[at]));
                assert!(found.contains("lease_ns"), "{found}: {}", changed[at]);
                objects += 1;
            }
        }
    }
    assert!(objects > 200, "{objects}");
}

#[test]
fn null_is_no_value_of_a_key_that_may_be_absent() {
    let lines = plain(Kind::Breaker, 3);
    for (at, keys) in [
        (0, &["id", "name", "digest", "dropped", "end", "words"][..]),
        (1, &["id", "end", "name", "dropped", "evenkeel"][..]),
        (lines.len() - 1, &["id", "t", "evenkeel"][..]),
    ] {
        for key in keys {
            let mut changed = lines.clone();
            changed[at].insert_str(1, &format!("\"{key}\":null,"));
            assert!(damage(&changed).is_some(), "{}", changed[at]);
        }
    }
    let mut changed = lines.clone();
    changed[1] = lines[1].replace("\"words\":[]", "\"words\":null");
    assert!(changed == lines || damage(&changed).is_some());
}

fn text_of(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/");
    std::fs::read_to_string(format!("{path}{name}")).unwrap()
}

/// Of the example of docs/journal.md, by the rule of docs/formats.md.
#[test]
fn the_page_of_the_format_says_what_the_digest_is_of() {
    let page = text_of("journal.md");
    let (_, example) = page.split_once("```jsonl\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let (lines, trailer) = example.split_at(example.find("{\"end\"").unwrap());
    let rule = "FNV-1a of all bytes before this line, then of `N D`";
    let formats = text_of("formats.md");
    assert!(formats.replace('\n', " ").contains(rule));
    let end = load(example.as_bytes()).end.unwrap();
    let counts = format!("{} {}", end.ops, end.dropped);
    let bytes = lines.bytes().chain(counts.bytes());
    let fnv = bytes.fold(0xcbf2_9ce4_8422_2325, |value: u64, byte| {
        (value ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert!(trailer.contains(&format!("\"{fnv:016x}\"")), "{fnv:016x}");
}

#[test]
fn lines_without_a_number_have_their_headers_first() {
    let journal = Journal::in_memory();
    wait(&mut journal.record("one", a_backoff()), 3);
    let mut bytes = Vec::new();
    journal.dump(&mut bytes).unwrap();
    let mut loaded = load(&bytes[..]);
    loaded.headers.iter_mut().for_each(|header| header.line = 0);
    loaded.entries.iter_mut().for_each(|entry| entry.line = 0);
    let mut writer = Writer::new(Vec::new());
    for line in loaded.lines() {
        match line {
            LoadedLine::Header(header) => writer.header(header).unwrap(),
            LoadedLine::Entry(entry) => writer.entry(entry).unwrap(),
        }
    }
    assert_eq!(writer.end(0).unwrap().0, bytes);
}

#[test]
fn journals_part_where_only_a_digest_or_the_lost_calls_differ() {
    let parting = |one: &str, other: &str| {
        let [one, other] = [one, other].map(|text| Reader::new(text.as_bytes()));
        diff(one, other).unwrap().parting
    };
    let [none, five] = [0, 5].map(|lost| format!("{{\"end\":{{\"ops\":0,\"dropped\":{lost}}}}}\n"));
    assert_eq!(parting(&none, &five), Some(Parting::Dropped([0, 5])));
    assert_eq!(parting(&five, &five), None);

    let text = String::from_utf8(sample(&[Kind::Backoff], 3, 1)).unwrap();
    let (lines, _) = text.split_at(text.find("{\"end\"").unwrap());
    let right = format!("{lines}{{\"end\":{{\"ops\":3,\"dropped\":0}}}}\n");
    let at = right.find("\"digest\":\"").unwrap() + 10;
    let mut wrong = right.clone();
    wrong.replace_range(at..at + 16, "0000000000000000");
    assert!(matches!(parting(&right, &wrong), Some(Parting::Header(_))));
    assert_eq!(parting(&wrong, &wrong), None);
    // A digest of the same values in other words is right as well.
    let mut without = right.clone();
    without.replace_range(at - 11..at + 17, "");
    assert_eq!(parting(&right, &without), None);
}
