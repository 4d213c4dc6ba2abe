//! Flushing: what was taken down is with the system when it returns, and it neither hangs nor holds anybody up.
#![cfg(feature = "std")]

mod disk;

use std::fs;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use disk::{Disk, Folder, a_backoff, until, wait};
use evenkeel_replay::journal::{Journal, load};

/// How many calls are in bytes that have no trailer yet.
fn ops(bytes: &[u8]) -> u64 {
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"));
    load(bytes).entries.len() as u64
}

#[test]
fn what_was_taken_down_is_there() {
    for spawned in [false, true] {
        let disk = Disk::default();
        let journal = match spawned {
            true => Journal::options().spawn(disk.clone()).unwrap(),
            false => Journal::to_writer(disk.clone()),
        };
        journal.flush().unwrap();
        let mut one = journal.record("one", a_backoff());
        journal.flush().unwrap();
        assert_eq!(load(&disk.bytes()[..]).headers.len(), 1);
        for calls in [1, 0, 2, 2_000, 3] {
            wait(&mut one, calls);
            journal.flush().unwrap();
            assert_eq!(ops(&disk.bytes()), journal.ops());
        }
        journal.finish().unwrap();
        journal.flush().unwrap();
        assert!(load(&disk.bytes()[..]).end.is_some());
    }
}

/// Calls that came while the writer was at work are not written when it is done with those before.
#[test]
fn each_thread_finds_its_own_calls() {
    let disk = Disk::default();
    disk.set(|platter| platter.at_once = Some(20));
    let journal = Journal::options().spawn(disk.clone()).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            let mut one = journal.record("one", a_backoff());
            let (journal, disk) = (&journal, &disk);
            scope.spawn(move || {
                for calls in 1..50 {
                    wait(&mut one, calls % 7);
                    let taken_down = journal.ops();
                    journal.flush().unwrap();
                    let bytes = disk.bytes();
                    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
                    let whole =
                        lines.filter(|line| line.starts_with(b"{\"t\"") && line.ends_with(b"\n"));
                    assert!(whole.count() as u64 >= taken_down);
                }
            });
        }
    });
}

#[test]
fn files_have_what_was_taken_down() {
    for options in [Journal::options(), Journal::options().in_the_call()] {
        let folder = Folder::new("flushed");
        let options = options.rotate_after(10);
        let journal = options.create(folder.0.join("night.jsonl")).unwrap();
        let mut one = journal.record("one", a_backoff());
        for calls in [5, 5, 1, 30, 2] {
            wait(&mut one, calls);
            journal.flush().unwrap();
            let files = folder.files().into_iter();
            let there: u64 = files.map(|file| ops(&fs::read(file).unwrap())).sum();
            assert_eq!(there, journal.ops());
            // The next file is begun with the call after the last of this one.
            let number = (journal.ops() - 1) / 10;
            let name = match number {
                0 => "night.jsonl".into(),
                _ => format!("night.{number}.jsonl"),
            };
            assert_eq!(journal.path(), Some(folder.0.join(name)));
        }
    }
}

#[test]
fn memory_has_nothing_to_flush() {
    for journal in [Journal::in_memory(), Journal::last(3)] {
        wait(&mut journal.record("one", a_backoff()), 10);
        journal.flush().unwrap();
    }
}

#[test]
fn a_flush_waits_for_a_stuck_writer_and_nobody_else_does() {
    let disk = Disk::default();
    disk.set(|platter| platter.is_stuck = true);
    let journal = Journal::options().spawn(disk.clone()).unwrap();
    let mut one = journal.record("one", a_backoff());
    wait(&mut one, 5);
    let is_back = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                journal.flush().unwrap();
                is_back.store(true, Ordering::SeqCst);
                assert!(ops(&disk.bytes()) >= 5);
            });
        }
        // All of this goes on while they wait, or before they do.
        wait(&mut one, 3_000);
        assert_eq!((journal.ops(), journal.dropped()), (3_005, 0));
        assert!(journal.error().is_none());
        assert!(!is_back.load(Ordering::SeqCst));
        disk.set(|platter| platter.is_stuck = false);
    });
    journal.flush().unwrap();
    assert_eq!(ops(&disk.bytes()), 3_005);
}

#[test]
fn a_full_disk_is_told_and_tried_again() {
    for spawned in [false, true] {
        let disk = Disk::default();
        disk.set(|platter| platter.room = Some(100));
        let journal = match spawned {
            true => Journal::options().spawn(disk.clone()).unwrap(),
            false => Journal::to_writer(disk.clone()),
        };
        let mut one = journal.record("one", a_backoff());
        wait(&mut one, 10);
        for _ in 0..3 {
            let full = journal.flush().unwrap_err();
            assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        }
        disk.set(|platter| platter.room = None);
        until(|| journal.flush().is_ok());
        assert_eq!(ops(&disk.bytes()), 10);
        wait(&mut one, 10);
        journal.flush().unwrap();
        assert_eq!(ops(&disk.bytes()), 20);
    }
}

#[test]
fn a_disk_that_stays_full_leaves_nobody_waiting() {
    let disk = Disk::default();
    disk.set(|platter| platter.room = Some(100));
    let journal = Journal::options().spawn(disk).unwrap();
    wait(&mut journal.record("one", a_backoff()), 10);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(journal.flush().is_err()));
        }
        scope.spawn(|| assert!(journal.finish().is_err()));
    });
    assert!(journal.flush().is_err());
}

#[test]
fn a_writer_that_panics_leaves_nobody_waiting() {
    struct Bomb(Disk);
    impl Write for Bomb {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)?;
            panic!("on purpose");
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let disk = Disk::default();
    disk.set(|platter| platter.is_stuck = true);
    let journal = Journal::options().spawn(Bomb(disk.clone())).unwrap();
    let mut one = journal.record("one", a_backoff());
    wait(&mut one, 4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(journal.flush().is_err()));
        }
        disk.set(|platter| platter.is_stuck = false);
    });
    until(|| journal.error().is_some());
    wait(&mut one, 4);
    assert!(journal.flush().is_err());
    assert!(journal.finish().is_err());
}
