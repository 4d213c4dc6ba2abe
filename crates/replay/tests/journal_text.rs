//! The text of a journal: what is written is read as it was, and no damage passes.
#![cfg(feature = "std")]

mod recorded;

use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::{self, LoadedLine};
use evenkeel_replay::{Failed, What};
use proptest::prelude::*;
use recorded::{sample, verify_bytes, written};

const FEW: [Kind; 3] = [Kind::Breaker, Kind::BackoffTable, Kind::RetryTokens];

fn small() -> Vec<u8> {
    sample(&FEW, 7, 4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn mixed_journals_verify_and_are_written_as_they_were_read(seed: u64) {
        let bytes = sample(Kind::ALL, 400, seed);
        let verified = verify_bytes(&bytes).unwrap();
        let loaded = journal::load(&bytes[..]);
        prop_assert_eq!(&loaded.damage, &None);
        prop_assert_eq!(verified.ops, loaded.entries.len() as u64);
        prop_assert_eq!(verified.machines, Kind::ALL.len() as u64);
        prop_assert_eq!((verified.gaps, verified.checkpoints), (0, 0));
        prop_assert_eq!(written(&loaded), bytes);
    }

    #[test]
    fn another_answer_is_found_at_its_line(seed: u64, which: prop::sample::Index) {
        let mut loaded = journal::load(&sample(Kind::ALL, 300, seed)[..]);
        let at = which.index(loaded.entries.len());
        let changed = loaded.entries[at].clone();
        let other = loaded.entries.iter().find(|entry| {
            entry.id == changed.id && entry.answer != changed.answer
        });
        let Some(other) = other else { return Ok(()) };
        loaded.entries[at].answer = other.answer.clone();

        let unverified = verify_bytes(&written(&loaded)).unwrap_err();
        let Failed::Differs(difference) = &unverified.failed else { panic!("{unverified}") };
        prop_assert_eq!(difference.place.line, changed.line);
        prop_assert_eq!(difference.id, changed.id);
        prop_assert_eq!(unverified.verified.ops, at as u64);
        let What::Call(call) = &difference.what else { panic!("{unverified}") };
        let json = |value: &dyn Fn() -> serde_json::Result<String>| value().unwrap();
        prop_assert_eq!(&call.replayed, &json(&|| serde_json::to_string(&changed.answer)));
        prop_assert_eq!(&call.recorded, &json(&|| serde_json::to_string(&loaded.entries[at].answer)));
    }

    #[test]
    fn another_policy_or_state_is_found_at_its_header(seed: u64, which: prop::sample::Index, state: bool) {
        let bytes = sample(&FEW, 40, seed);
        let loaded = journal::load(&bytes[..]);
        let header = &loaded.headers[which.index(loaded.headers.len())];
        // A digit of it is another one: whether that is a policy does not matter.
        let part = if state { &header.state } else { &header.policy };
        let digit = part.find(|c: char| c.is_ascii_digit()).expect("there are numbers");
        let mut other = part.clone().into_bytes();
        other[digit] = if other[digit] == b'9' { b'8' } else { other[digit] + 1 };
        let other = String::from_utf8(other).unwrap();
        let mut lines: Vec<String> = String::from_utf8(bytes).unwrap().lines().map(Into::into).collect();
        let line = &mut lines[header.line as usize - 1];
        *line = line.replacen(part.as_str(), &other, 1);
        let text = lines.join("\n") + "\n";

        let unverified = verify_bytes(text.as_bytes()).unwrap_err();
        let Failed::Differs(difference) = &unverified.failed else { panic!("{unverified}") };
        prop_assert_eq!(difference.place.line, header.line);
        let is_digest = matches!(difference.what, What::HeaderDigest { .. });
        prop_assert!(is_digest);
    }
}

#[test]
fn a_journal_that_is_cut_anywhere_is_read_up_to_there() {
    let bytes = small();
    let whole = journal::load(&bytes[..]);
    for end in 0..bytes.len() {
        let cut = &bytes[..end];
        let unverified = verify_bytes(cut).unwrap_err();
        let Failed::Damaged(damage) = &unverified.failed else {
            panic!("{end}: {unverified}")
        };
        let lines = cut.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(damage.line, lines + 1, "{end}: {damage}");
        let calls = whole.entries.iter().filter(|entry| entry.line <= lines);
        assert_eq!(unverified.verified.ops, calls.count() as u64);
        let loaded = journal::load(cut);
        assert_eq!(loaded.damage.as_ref(), Some(damage));
        assert_eq!(loaded.entries.len() as u64, unverified.verified.ops);
    }
}

#[test]
fn no_other_byte_anywhere_passes() {
    let mut bytes = small();
    for at in 0..bytes.len() {
        let byte = bytes[at];
        for other in [
            byte ^ 1,
            byte ^ 0x20,
            byte ^ 0x80,
            b' ',
            b'0',
            b'\n',
            b'"',
            0,
            0xff,
        ] {
            if other != byte {
                bytes[at] = other;
                let text = String::from_utf8_lossy(&bytes);
                assert!(
                    verify_bytes(&bytes).is_err(),
                    "{at}: {byte} as {other}:\n{text}"
                );
            }
        }
        bytes[at] = byte;
    }
    verify_bytes(&bytes).unwrap();
}

#[test]
fn what_follows_the_trailer_is_damage() {
    for more in ["\n", " ", "{}", "{\"end\":{\"ops\":0,\"dropped\":0}}\n"] {
        let bytes = [&small()[..], more.as_bytes()].concat();
        let Failed::Damaged(damage) = verify_bytes(&bytes).unwrap_err().failed else {
            panic!()
        };
        assert_eq!(damage.byte, small().len() as u64);
    }
}

/// As a person may write it: spaces, other order of keys, no ids, no words, no digests.
#[test]
fn a_journal_may_be_written_by_hand() {
    let bytes = sample(&[Kind::Breaker], 30, 2);
    let loaded = journal::load(&bytes[..]);
    let mut text = String::new();
    for line in loaded.lines() {
        text += &match line {
            LoadedLine::Header(header) => format!(
                "{{ \"policy\": {}, \"state\": {}, \"machine\": \"breaker\", \"version\": 1, \"evenkeel\": \"journal\" }}\n",
                header.policy, header.state
            ),
            LoadedLine::Entry(entry) => {
                let value = serde_json::to_value(&entry.answer).unwrap();
                let words = match entry.words.is_empty() {
                    true => String::new(),
                    false => format!(", \"words\": {:?}", entry.words.as_slice()),
                };
                // A value has its keys in the order of the alphabet.
                format!(
                    "{{ \"answer\": {value:#}, \"op\": {}, \"t\": {}{words} }}",
                    serde_json::to_string(&entry.op).unwrap(),
                    entry.t_ns
                )
                .replace('\n', " ")
                    + "\n"
            }
        };
    }
    text += &format!(
        "{{\"end\": {{\"dropped\": 0, \"ops\": {}}}}}\r\n",
        loaded.entries.len()
    );
    assert_eq!(
        verify_bytes(text.as_bytes()).unwrap().ops,
        loaded.entries.len() as u64
    );
}

/// Each line of these is what it says, and the last is damaged.
#[test]
fn damage_says_where_and_what() {
    let text = String::from_utf8(sample(&[Kind::Breaker], 1, 2)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (header, op) = (lines[0], lines[1]);
    let with = |more: &str| format!("{header}\n{more}\n");
    let cases = [
        (String::new(), (1, None), "there is nothing in it"),
        (
            format!("{op}\n"),
            (1, None),
            "machine 0, which has no header",
        ),
        (
            header.replace("\"version\":1", "\"version\":2") + "\n",
            (1, None),
            "version 2",
        ),
        (
            header.replace("\"breaker\"", "\"braker\"") + "\n",
            (1, None),
            "`braker` is no machine",
        ),
        (
            header.replace("journal", "trace") + "\n",
            (1, None),
            "this is no journal but `trace`",
        ),
        (
            header.replace("\"digest\":\"", "\"digest\":\"0") + "\n",
            (1, None),
            "16 hexadecimal digits",
        ),
        (
            with("{\"t\":1,\"op\":\"poll\",\"answer\":{}}"),
            (2, Some(30)),
            "no answer of a breaker",
        ),
        (
            with("{\"t\":1,\"op\":\"pol\",\"answer\":{}}"),
            (2, Some(17)),
            "no call of a breaker: unknown variant `pol`",
        ),
        (
            with("{\"t\":1,\"op\":\"poll\"}"),
            (2, None),
            "the call has no `answer`",
        ),
        (
            with("{\"t\":1,\"id\":9,\"op\":\"poll\",\"answer\":1}"),
            (2, None),
            "machine 9",
        ),
        (
            with("{\"t\":-1,\"op\":\"poll\",\"answer\":1}"),
            (2, Some(7)),
            "invalid value",
        ),
        (
            with("{\"t\":1,\"t\":2}"),
            (2, Some(10)),
            "duplicate field `t`",
        ),
        (with("{\"x\":1}"), (2, Some(4)), "unknown field `x`"),
        (with(""), (2, Some(1)), "EOF"),
        (
            with("{}"),
            (2, None),
            "neither a header nor a call nor a trailer",
        ),
        (
            with("{\"op\":1,\"end\":{\"ops\":0,\"dropped\":0}}"),
            (2, None),
            "more than one kind",
        ),
        (
            with("{\"end\":{\"ops\":1,\"dropped\":0}}"),
            (2, None),
            "counts 1 calls, but there are 0",
        ),
    ];
    for (text, (line, column), reason) in cases {
        let unverified = verify_bytes(text.as_bytes()).unwrap_err();
        let Failed::Damaged(damage) = unverified.failed else {
            panic!("{text}")
        };
        assert_eq!(
            (damage.line, damage.column),
            (line, column),
            "{damage}\n{text}"
        );
        assert!(damage.reason.contains(reason), "{damage}\n{text}");
    }
    let not_text = [header.as_bytes(), b"\n{\"t\xff\n"].concat();
    let Failed::Damaged(damage) = verify_bytes(&not_text).unwrap_err().failed else {
        panic!()
    };
    assert_eq!((damage.line, damage.column), (2, Some(4)));
    assert_eq!(damage.byte, header.len() as u64 + 1 + 3);
}
