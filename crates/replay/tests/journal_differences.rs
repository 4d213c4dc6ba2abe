//! What is told where a journal and its replay part, or two journals do.
#![cfg(feature = "std")]

mod recorded;

use evenkeel_replay::any::{AnyMachine, Kind};
use evenkeel_replay::generate::Words;
use evenkeel_replay::journal::{Journal, Loaded, LoadedLine, Reader, load};
use evenkeel_replay::words::Replaying;
use evenkeel_replay::{
    Diff, Difference, Failed, Group, Parting, Unverified, What, backoff, breaker, diff, verify_file,
};
use proptest::prelude::*;
use recorded::{dump, mix, play_all, sample, verify_bytes, written};

fn difference(loaded: &Loaded) -> (Difference, Box<Unverified>) {
    let unverified = verify_bytes(&written(loaded)).unwrap_err();
    match &unverified.failed {
        Failed::Differs(difference) => (difference.clone(), unverified),
        other => panic!("{other}"),
    }
}

/// The state of a machine before a line, as the plainest replay has it.
fn state_before(loaded: &Loaded, line: u64, id: u64) -> String {
    let mut group = Group::new();
    for seen in loaded.lines() {
        match seen {
            LoadedLine::Entry(entry) if entry.line < line => {
                group.apply(
                    entry.id,
                    entry.t_ns,
                    &entry.op,
                    &mut Replaying::new(&entry.words),
                );
            }
            LoadedLine::Header(header) if header.line < line => {
                let machine = AnyMachine::restore(header.kind, &header.policy, &header.state);
                group.insert(header.id, machine.unwrap());
            }
            _ => {}
        }
    }
    group.get(id).unwrap().state().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_state_before_is_told(seed: u64, calls in 1_usize..6_000) {
        let mut loaded = load(&sample(Kind::ALL, calls, seed)[..]);
        let mut at = loaded.entries.len() - 1;
        let other = loop {
            let entry = &loaded.entries[at];
            let other = loaded.entries.iter().find(|other| {
                other.id == entry.id && other.answer != entry.answer
            });
            match other {
                Some(other) => break other.answer.clone(),
                None if at == 0 => return Ok(()),
                None => at -= 1,
            }
        };
        loaded.entries[at].answer = other;
        let (found, _) = difference(&loaded);
        let What::Call(call) = &found.what else { panic!("{found}") };
        let changed = &loaded.entries[at];
        prop_assert_eq!(found.place.line, changed.line);
        prop_assert_eq!(&call.state, &state_before(&loaded, changed.line, changed.id));
    }

    #[test]
    fn a_checkpoint_must_be_the_machine(seed: u64, which: prop::sample::Index) {
        let journal = Journal::last(100);
        mix(&mut play_all(&journal, seed), 190, seed);
        let mut loaded = load(&dump(&journal)[..]);
        let known = |loaded: &Loaded, at: usize| {
            let header = &loaded.headers[at];
            loaded.headers[..at].iter().any(|other| other.id == header.id)
        };
        let points: Vec<_> = (0..loaded.headers.len()).filter(|at| known(&loaded, *at)).collect();
        let agree = verify_bytes(&written(&loaded)).unwrap();
        prop_assert_eq!(agree.checkpoints, points.len() as u64);

        // The state of the first header is most likely not that of the second.
        let at = points[which.index(points.len())];
        let id = loaded.headers[at].id;
        let first = loaded.header(id).unwrap().state.clone();
        if first == loaded.headers[at].state {
            return Ok(());
        }
        loaded.headers[at].state = first;
        let (found, _) = difference(&loaded);
        prop_assert_eq!((found.place.line, found.id), (loaded.headers[at].line, id));
        let is_checkpoint = matches!(&found.what, What::Checkpoint { recorded, replayed }
            if recorded[0] == replayed[0] && recorded[1] != replayed[1]);
        prop_assert!(is_checkpoint);

        // Told as a gap, it is where the replay goes on; whatever agrees before still does.
        loaded.headers[at].dropped = Some(3);
        let line = loaded.headers[at].line;
        match verify_bytes(&written(&loaded)) {
            Ok(verified) => prop_assert_eq!((verified.gaps, verified.dropped), (1, 3)),
            Err(unverified) => {
                let Failed::Differs(found) = unverified.failed else { panic!("{unverified}") };
                prop_assert!(found.place.line > line);
            }
        }
    }

    #[test]
    fn two_journals_part_where_they_differ(seed: u64, calls in 1_usize..200, which: prop::sample::Index) {
        let one = load(&sample(Kind::ALL, calls, seed)[..]);
        let compare = |one: &Loaded, other: &Loaded| -> Diff {
            diff(Reader::new(&written(one)[..]), Reader::new(&written(other)[..])).unwrap()
        };
        let all = one.entries.len();
        prop_assert_eq!(compare(&one, &one), Diff { same_ops: all as u64, parting: None });

        let at = which.index(all);
        let mut other = one.clone();
        other.entries[at].words.push(1);
        let found = compare(&one, &other);
        prop_assert_eq!(found.same_ops, at as u64);
        let is_answer = matches!(found.parting, Some(Parting::Answer(both)) if both[1].line == one.entries[at].line);
        prop_assert!(is_answer);

        other.entries[at].t_ns ^= 1;
        let is_call = matches!(compare(&one, &other).parting, Some(Parting::Call(_)));
        prop_assert!(is_call);

        other.entries.truncate(at);
        let line = one.entries[at].line;
        prop_assert_eq!(compare(&one, &other).parting, Some(Parting::End { ended: 1, line }));
        prop_assert_eq!(compare(&other, &one).parting, Some(Parting::End { ended: 0, line }));

        let mut other = one.clone();
        other.headers.swap(0, 1);
        (other.headers[0].line, other.headers[1].line) = (1, 2);
        prop_assert_eq!(compare(&one, &other).same_ops, 0);
        let is_header = matches!(compare(&one, &other).parting, Some(Parting::Header(_)));
        prop_assert!(is_header);
    }
}

fn a_refusal() -> Loaded {
    let journal = Journal::in_memory();
    let (_, policy) =
        <evenkeel_core::breaker::Breaker as evenkeel_replay::generate::Generate>::sample_policy(0)
            .unwrap();
    let mut breaker = journal.record("db", evenkeel_core::breaker::Breaker::new(policy));
    let mut words = Words::new(1);
    breaker.apply(5, breaker::Op::TryAcquire, &mut words);
    breaker.apply(6, breaker::Op::Phase, &mut words);
    load(&dump(&journal)[..])
}

#[test]
fn a_person_reads_where_it_differs() {
    let mut loaded = a_refusal();
    let answer = loaded.entries[0].answer.clone();
    loaded.entries[1].answer = answer;
    let (_, unverified) = difference(&loaded);
    let told = unverified.to_string();
    assert_eq!(format!("{unverified:?}"), told);
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("line 3 (byte "), "{told}");
    assert!(
        lines[0].ends_with("), machine 0, a breaker called \"db\": the answer differs"),
        "{told}"
    );
    assert_eq!(
        lines[1..6],
        [
            "  at:           6 ns",
            "  call:         \"phase\"",
            "  recorded:     {\"granted\":{\"permit\":{\"generation\":0,\"tag\":0,\"number\":0},\
             \"would_refuse\":null,\"transitions\":[]}}",
            "  replayed:     {\"phase\":\"closed\"}",
            "  words:        []",
        ]
    );
    assert!(
        lines[6].starts_with("  state before: {\"version\":1,"),
        "{told}"
    );
    assert_eq!(lines[7..], ["(1 call of 1 machine verified before it)"]);
}

#[test]
fn words_are_compared_too() {
    let mut loaded = a_refusal();
    loaded.entries[0].words.push(7);
    let (found, _) = difference(&loaded);
    let told = found.to_string();
    assert!(told.contains("other words were drawn"), "{told}");
    assert!(
        told.contains("words:        [7], but the replay drew 0"),
        "{told}"
    );

    let journal = Journal::in_memory();
    let policy = evenkeel_core::backoff::BackoffPolicy::builder(core::time::Duration::from_secs(1));
    let machine = evenkeel_core::backoff::Backoff::new(policy.build().unwrap());
    let mut recorder = journal.record("", machine);
    recorder.apply(0, backoff::Op::NextWait, &mut Replaying::new(&[0]));
    let mut loaded = load(&dump(&journal)[..]);
    loaded.entries[0].words.clear();
    let (found, _) = difference(&loaded);
    assert!(
        found.to_string().contains("but the replay drew 1"),
        "{found}"
    );
}

#[test]
fn a_file_that_is_not_there_says_so() {
    let unverified = verify_file("no/such/journal.jsonl").unwrap_err();
    assert!(matches!(unverified.failed, Failed::Unreadable { .. }));
    assert!(
        unverified
            .to_string()
            .starts_with("no/such/journal.jsonl: "),
        "{unverified}"
    );
}

#[test]
fn damage_of_one_of_two_says_which() {
    let bytes = sample(&[Kind::Backoff], 5, 1);
    let cut = &bytes[..bytes.len() - 1];
    let damage = diff(Reader::new(&bytes[..]), Reader::new(cut)).unwrap_err();
    assert_eq!(damage.journal, 1);
    assert!(
        damage.to_string().starts_with("the second journal, line "),
        "{damage}"
    );
}
