//! Recording: the order of effects, losses that are told, files and segments that replay alone.
#![cfg(feature = "std")]

mod disk;
mod recorded;

use std::fs;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use disk::{Disk, Folder, a_backoff, until, wait};
use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::{Journal, load};
use evenkeel_replay::{Verified, backoff, verify_file};
use proptest::prelude::*;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;
use recorded::{dump, mix, play, play_all, verify_bytes};

fn counts(verified: &Verified) -> (u64, u64) {
    (verified.ops, verified.dropped)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_way_of_writing_writes_the_same(seed: u64, buffer in 0_usize..1_500) {
        let in_memory = Journal::in_memory();
        let (direct, threaded) = (Disk::default(), Disk::default());
        threaded.set(|platter| platter.at_once = Some(7));
        let journals = [
            in_memory.clone(),
            Journal::to_writer(direct.clone()),
            Journal::options().buffer(buffer).spawn(threaded.clone()).unwrap(),
        ];
        for journal in &journals {
            mix(&mut play_all(journal, seed), 500, seed);
        }
        let summaries = journals.each_ref().map(|journal| journal.finish().unwrap());
        prop_assert_eq!(summaries[0].ops, summaries[1].ops);
        let bytes = dump(&in_memory);
        prop_assert_eq!(verify_bytes(&bytes).unwrap().ops, summaries[0].ops);
        prop_assert_eq!(&direct.bytes(), &bytes);
        if summaries[2].dropped == 0 {
            prop_assert_eq!(&threaded.bytes(), &bytes);
        }
        let verified = verify_bytes(&threaded.bytes()).unwrap();
        prop_assert_eq!(counts(&verified), (summaries[2].ops, summaries[2].dropped));
    }

    #[test]
    fn each_rotated_file_replays_alone(seed: u64, after in 1_u64..150, keep in prop::option::of(1_u64..5), own: bool) {
        let folder = Folder::new("rotated");
        let mut options = Journal::options().rotate_after(after);
        if let Some(keep) = keep {
            options = options.keep(keep);
        }
        if !own {
            options = options.in_the_call();
        }
        let journal = options.create(folder.0.join("night.jsonl")).unwrap();
        mix(&mut play_all(&journal, seed), 300, seed);
        let summary = journal.finish().unwrap();

        let files = folder.files();
        let all = summary.ops.div_ceil(after);
        prop_assert_eq!(summary.files, all);
        prop_assert_eq!(files.len() as u64, all.min(keep.unwrap_or(all)));
        let verified: Vec<_> = files.iter().map(|file| verify_file(file).unwrap()).collect();
        let ops: u64 = verified.iter().map(|verified| verified.ops).sum();
        let gone = (all - files.len() as u64) * after;
        prop_assert_eq!(ops + gone, summary.ops);
        let last = format!("night.{}.jsonl", all - 1);
        prop_assert!(all == 1 || files.last().unwrap().ends_with(last));
    }

    #[test]
    fn a_flight_recorder_keeps_the_last_calls(seed: u64, last in 1_u64..300, calls in 0_usize..900) {
        let journal = Journal::last(last);
        let mut players = play_all(&journal, seed);
        for part in 0..3 {
            mix(&mut players, calls / 3, seed ^ part);
            let verified = verify_bytes(&dump(&journal)).unwrap();
            prop_assert!(verified.ops >= last.min(journal.ops()), "{verified}");
            prop_assert!(verified.ops <= 2 * last);
            prop_assert_eq!((verified.dropped, verified.gaps), (0, 0));
        }
    }
}

/// Four threads with machines of their own and one that they share.
fn together(journal: &Journal) {
    let shared = Mutex::new(journal.record("shared", a_backoff()));
    thread::scope(|scope| {
        for seed in 0..4 {
            let shared = &shared;
            let mut players = play_all(journal, seed);
            scope.spawn(move || {
                for round in 0..100 {
                    mix(&mut players, 10, seed ^ round << 8);
                    wait(&mut shared.lock().unwrap(), 3);
                }
            });
        }
    });
}

#[test]
fn the_order_of_lines_is_the_order_of_effects() {
    let journal = Journal::in_memory();
    together(&journal);
    let verified = verify_bytes(&dump(&journal)).unwrap();
    assert_eq!(verified.machines, 4 * Kind::ALL.len() as u64 + 1);
    assert_eq!(counts(&verified), (journal.ops(), 0));
    assert!(verified.ops >= 4 * 1_300);
}

/// Whatever thread begins a file, each call of another has its machine's header in the file in which its line is.
#[test]
fn files_are_begun_under_the_feet_of_other_threads() {
    let folder = Folder::new("together");
    let options = Journal::options().rotate_after(5).in_the_call();
    let journal = options.create(folder.0.join("night.jsonl")).unwrap();
    together(&journal);
    let summary = journal.finish().unwrap();
    let files = folder.files();
    let ops: u64 = files
        .iter()
        .map(|file| verify_file(file).unwrap().ops)
        .sum();
    assert_eq!((ops, files.len() as u64), (summary.ops, summary.files));
}

#[test]
fn a_stuck_writer_holds_up_nobody() {
    let disk = Disk::default();
    disk.set(|platter| platter.is_stuck = true);
    let journal = Journal::options().buffer(20).spawn(disk.clone()).unwrap();
    let mut one = journal.record("one", a_backoff());
    let mut other = journal.record("other", a_backoff());
    wait(&mut one, 5);
    until(|| {
        // The writer has the first lines, and all that fits waits.
        wait(&mut one, 1);
        journal.dropped() > 0
    });
    wait(&mut other, 3);
    wait(&mut one, 30);
    let dropped = journal.dropped();
    assert!(dropped >= 33);
    assert!(journal.error().is_none());

    disk.set(|platter| platter.is_stuck = false);
    // Only `one` tells of its gap. What `other` lost is told at the end.
    let before = journal.ops();
    until(|| {
        wait(&mut one, 1);
        journal.ops() > before
    });
    let summary = journal.finish().unwrap();
    let verified = verify_bytes(&disk.bytes()).unwrap();
    assert_eq!(counts(&verified), (summary.ops, summary.dropped));
    assert!(summary.dropped >= dropped);
    assert_eq!(verified.gaps, 2);
    assert!(verified.to_string().contains("2 gaps with"), "{verified}");
}

#[test]
fn a_full_disk_that_is_emptied_goes_on_where_it_stopped() {
    let disk = Disk::default();
    // The disk is full in the midst of a line.
    disk.set(|platter| platter.room = Some(12_345));
    let journal = Journal::options().buffer(50).spawn(disk.clone()).unwrap();
    let mut players = play_all(&journal, 8);
    mix(&mut players, 10, 1);
    until(|| {
        mix(&mut players, 10, 2);
        journal.dropped() > 0 && journal.error().is_some()
    });
    assert_eq!(journal.error().unwrap().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.bytes().len(), 12_345);
    disk.set(|platter| platter.room = None);
    let before = journal.ops();
    until(|| {
        mix(&mut players, 10, 3);
        journal.ops() > before
    });
    let summary = journal.finish().unwrap();
    let verified = verify_bytes(&disk.bytes()).unwrap();
    assert_eq!(counts(&verified), (summary.ops, summary.dropped));
    assert!(verified.gaps > 0);
}

#[test]
fn a_disk_that_stays_full_is_told_at_the_end() {
    for own_thread in [false, true] {
        let disk = Disk::default();
        let journal = match own_thread {
            true => Journal::options().buffer(100).spawn(disk.clone()).unwrap(),
            false => Journal::to_writer(disk.clone()),
        };
        disk.set(|platter| platter.room = Some(0));
        let mut one = journal.record("one", a_backoff());
        wait(&mut one, 3_000);
        assert!(journal.dropped() > 0);
        assert_eq!(
            journal.finish().unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        assert!(journal.finish().is_err());
        assert!(verify_bytes(&disk.bytes()).is_err());
        wait(&mut one, 1);
    }
}

#[test]
fn the_callers_writer_is_tried_again() {
    let disk = Disk::default();
    let journal = Journal::to_writer(disk.clone());
    let mut one = journal.record("one", a_backoff());
    wait(&mut one, 10);
    disk.set(|platter| platter.room = Some(0));
    wait(&mut one, 3_000);
    let dropped = journal.dropped();
    assert!(dropped > 0);
    disk.set(|platter| platter.room = None);
    wait(&mut one, 3_000);
    let summary = journal.finish().unwrap();
    let verified = verify_bytes(&disk.bytes()).unwrap();
    assert_eq!(counts(&verified), (summary.ops, summary.dropped));
    assert_eq!((verified.gaps, summary.ops + summary.dropped), (1, 6_010));
}

#[test]
fn losses_are_told_in_the_file_in_which_they_end() {
    let folder = Folder::new("lossy");
    let journal = Journal::options().buffer(16).rotate_after(20);
    let journal = journal.create(folder.0.join("night")).unwrap();
    let mut players = play_all(&journal, 3);
    mix(&mut players, 5_000, 3);
    let summary = journal.finish().unwrap();
    let verified: Vec<_> = folder
        .files()
        .iter()
        .map(|file| verify_file(file).unwrap())
        .collect();
    assert_eq!(verified.len() as u64, summary.files);
    let sum = |count: fn(&Verified) -> u64| verified.iter().map(count).sum::<u64>();
    assert_eq!(sum(|file| file.ops), summary.ops);
    assert_eq!(sum(|file| file.dropped), summary.dropped);
}

/// Its folder is away when the second file is due.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_begun_is_tried_again() {
    for (in_the_call, name) in [(false, "blocked thread"), (true, "blocked")] {
        let (folder, away) = (Folder::new(name), Folder::new(&format!("{name} away")));
        let mut options = Journal::options().rotate_after(10).buffer(30);
        if in_the_call {
            options = options.in_the_call();
        }
        let journal = options.create(folder.0.join("night.jsonl")).unwrap();
        fs::rename(&folder.0, &away.0).unwrap();
        let mut one = journal.record("one", a_backoff());
        until(|| {
            wait(&mut one, 3);
            journal.dropped() > 0
        });
        until(|| journal.error().is_some());
        let first = away.0.join("night.jsonl");
        until(|| verify_file(&first).is_ok_and(|verified| verified.ops == 10));
        fs::rename(&away.0, &folder.0).unwrap();
        let before = journal.ops();
        until(|| {
            wait(&mut one, 1);
            journal.ops() > before + 10
        });
        let summary = journal.finish().unwrap();
        let verified = folder.verified();
        let sum = |count: fn(&Verified) -> u64| verified.iter().map(count).sum::<u64>();
        assert_eq!(sum(|file| file.ops), summary.ops);
        assert_eq!(sum(|file| file.dropped), summary.dropped);
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_was_never_begun_leaves_the_one_before_whole() {
    let (folder, away) = (Folder::new("never"), Folder::new("never away"));
    let options = Journal::options().rotate_after(10).in_the_call();
    let journal = options.create(folder.0.join("night.jsonl")).unwrap();
    fs::rename(&folder.0, &away.0).unwrap();
    wait(&mut journal.record("one", a_backoff()), 25);
    assert!(journal.flush().is_err());
    assert!(journal.finish().is_err());
    assert_eq!(away.verified()[0].ops, 10);
}

/// A call that panics leaves a machine of which nobody knows the state, and a journal that goes on.
#[test]
fn a_call_that_panics_is_a_gap() {
    let journal = Journal::in_memory();
    let mut machine = a_backoff();
    let mut feed = journal.feed("one", &machine);
    let mut rng = SplitMix64::seed_from_u64(1);
    let _ = feed.apply(&mut machine, 0, backoff::Op::NextWait, &mut rng);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        feed.call(
            &mut machine,
            0,
            backoff::Op::NextWait,
            &mut rng,
            |machine, rng| {
                let _ = machine.next_wait(0, rng);
                panic!("on purpose");
            },
            |()| unreachable!(),
        );
    }));
    assert!(panicked.is_err());
    let _ = feed.apply(&mut machine, 0, backoff::Op::NextWait, &mut rng);
    let verified = verify_bytes(&dump(&journal)).unwrap();
    assert_eq!((verified.ops, verified.gaps), (2, 1));
}

#[test]
fn the_last_handle_writes_the_trailer() {
    let disk = Disk::default();
    let journal = Journal::options().spawn(disk.clone()).unwrap();
    let mut one = journal.record("one", a_backoff());
    wait(&mut one, 4);
    drop(journal);
    assert!(verify_bytes(&disk.bytes()).is_err());
    drop(one);
    assert_eq!(verify_bytes(&disk.bytes()).unwrap().ops, 4);
}

#[test]
fn a_writer_that_panics_is_an_error() {
    struct Bomb;
    impl Write for Bomb {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("on purpose");
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let journal = Journal::options().spawn(Bomb).unwrap();
    wait(&mut journal.record("one", a_backoff()), 4);
    assert!(journal.finish().is_err());
}

#[test]
fn a_journal_is_dumped_while_it_is_recorded() {
    let journal = Journal::last(2_000);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut players = [Kind::Breaker, Kind::Restart].map(|kind| play(&journal, kind, 6));
        let is_over = &is_over;
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                mix(&mut players, 50, 1);
            }
        });
        for _ in 0..20 {
            verify_bytes(&dump(&journal)).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(Journal::to_writer(io::sink()).dump(io::sink()).is_err());
    let names = load(&dump(&journal)[..]).headers;
    assert!(names.iter().all(|header| header.name.is_some()));
}
