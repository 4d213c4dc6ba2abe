//! Many threads with machines of all kinds on one journal of each sort, which is dumped, flushed, finished and dropped
//! in between: no panic, no deadlock, and what is written verifies.
#![cfg(feature = "std")]

mod disk;
mod recorded;

use std::sync::Mutex;
use std::thread;

use disk::{Disk, Folder};
use evenkeel_replay::any::Kind;
use evenkeel_replay::generate::Pick;
use evenkeel_replay::journal::{Journal, Summary};
use evenkeel_replay::verify_file;
use recorded::{Play, dump, mix, play, verify_bytes};

const THREADS: u64 = 6;
const ROUNDS: u64 = 60;

/// What the threads have between them.
struct Bench {
    /// The handle that the others are clones of, until somebody drops it.
    journal: Mutex<Option<Journal>>,
    /// Machines that are called by all.
    shared: Mutex<Vec<Box<dyn Play + Send>>>,
    /// What the one finish that had success said.
    finished: Mutex<Vec<Summary>>,
    in_memory: bool,
    /// One round in so many is the journal's last, if any is.
    finish_in: Option<u64>,
}

impl Bench {
    /// Lets threads loose on the journal, and ends it if none of them did.
    fn run(journal: Journal, in_memory: bool, seed: u64) -> Vec<Summary> {
        let shared = [Kind::Breaker, Kind::BreakerTable, Kind::RetryTokens]
            .map(|kind| play(&journal, kind, seed));
        let bench = Self {
            journal: Mutex::new(Some(journal)),
            shared: Mutex::new(shared.into()),
            finished: Mutex::default(),
            in_memory,
            finish_in: [None, Some(THREADS * ROUNDS / 2), Some(20)][seed as usize % 3],
        };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let bench = &bench;
                scope.spawn(move || bench.thread(seed << 8 | thread));
            }
        });
        if let Some(journal) = bench.journal.into_inner().unwrap() {
            bench.finished.lock().unwrap().extend(journal.finish().ok());
        }
        bench.finished.into_inner().unwrap()
    }

    fn thread(&self, seed: u64) {
        let journal = self.journal.lock().unwrap().clone();
        let Some(mut journal) = journal else {
            return; // everything is over before it began
        };
        let mut pick = Pick::new(seed);
        let mut players = Vec::new();
        for round in 0..ROUNDS {
            if players.is_empty() || pick.one_in(4) {
                let kind = Kind::ALL[pick.below(Kind::ALL.len() as u64) as usize];
                players.push(play(&journal, kind, seed));
            }
            mix(&mut players, 12, seed ^ round << 32);
            if pick.one_in(2) {
                mix(&mut self.shared.lock().unwrap(), 4, seed ^ round);
            }
            self.disturb(&journal, &mut pick);
            match pick.below(8) {
                0 => journal = journal.clone(),
                1 => players.truncate(1),
                _ => {}
            }
        }
    }

    fn disturb(&self, journal: &Journal, pick: &mut Pick) {
        match pick.below(6) {
            0 => journal.flush().unwrap(),
            1 if self.in_memory => {
                verify_bytes(&dump(journal)).unwrap_or_else(|failed| panic!("{failed}"));
            }
            1 => assert!(journal.dump(std::io::sink()).is_err()),
            2 => {
                let (ops, dropped) = (journal.ops(), journal.dropped());
                assert!(journal.ops() >= ops && journal.dropped() >= dropped);
                assert!(journal.error().is_none());
                let _ = (journal.path(), format!("{journal:?}"));
            }
            3 if pick.one_in(ROUNDS) => drop(self.journal.lock().unwrap().take()),
            _ => {}
        }
        if self.finish_in.is_some_and(|rounds| pick.one_in(rounds)) {
            let summary = journal.finish().ok();
            self.finished.lock().unwrap().extend(summary);
        }
    }
}

/// At most one finish has success, and it tells what is written.
fn check(finished: &[Summary], ops: u64, dropped: u64) {
    assert!(finished.len() <= 1);
    for summary in finished {
        assert_eq!((ops, dropped), (summary.ops, summary.dropped));
    }
}

#[test]
fn in_memory() {
    for seed in 0..6 {
        for journal in [Journal::in_memory(), Journal::last(1 + seed * 150)] {
            let keeps_all = seed % 3 == 0 && !format!("{journal:?}").is_empty();
            let handle = journal.clone();
            let finished = Bench::run(journal, true, seed);
            let verified = verify_bytes(&dump(&handle)).unwrap_or_else(|failed| panic!("{failed}"));
            assert!(finished.len() <= 1);
            // What came after the end of a journal is lost, and told.
            assert!(verified.ops <= handle.ops());
            assert!(!keeps_all || verified.dropped == 0 || !finished.is_empty());
        }
    }
}

#[test]
fn in_the_calls() {
    for seed in 0..6 {
        let disk = Disk::default();
        disk.set(|platter| platter.at_once = Some(4_000));
        let finished = Bench::run(Journal::to_writer(disk.clone()), false, seed);
        let verified = verify_bytes(&disk.bytes()).unwrap_or_else(|failed| panic!("{failed}"));
        check(&finished, verified.ops, verified.dropped);
    }
}

#[test]
fn in_a_thread_of_its_own() {
    for seed in 0..6 {
        let disk = Disk::default();
        let options = Journal::options().buffer(16 << (2 * seed));
        let finished = Bench::run(options.spawn(disk.clone()).unwrap(), false, seed);
        let verified = verify_bytes(&disk.bytes()).unwrap_or_else(|failed| panic!("{failed}"));
        check(&finished, verified.ops, verified.dropped);
    }
}

#[test]
fn in_files() {
    for seed in 0..6 {
        let folder = Folder::new("threads");
        let options = Journal::options().rotate_after(40).buffer(64 << seed);
        let options = [options, options.in_the_call()][seed as usize % 2];
        let journal = options.create(folder.0.join("night.jsonl")).unwrap();
        let finished = Bench::run(journal, false, seed);
        let (mut ops, mut dropped) = (0, 0);
        for file in folder.files() {
            let verified = verify_file(&file).unwrap_or_else(|failed| panic!("{failed}"));
            ops += verified.ops;
            dropped += verified.dropped;
        }
        check(&finished, ops, dropped);
    }
}
