//! Writers that panic or fail for a time, and calls that panic: the program goes on, and what is lost is counted.
#![cfg(feature = "std")]

mod disk;

use std::convert::Infallible;
use std::io::{self, ErrorKind, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use disk::{Disk, a_backoff, wait};
use evenkeel_core::random::TryRng;
use evenkeel_replay::backoff::Op;
use evenkeel_replay::journal::{Journal, Reader, load};
use evenkeel_replay::verify;

fn begin(spawned: bool, writer: impl Write + Send + 'static) -> Journal {
    match spawned {
        true => Journal::options().spawn(writer).unwrap(),
        false => Journal::to_writer(writer),
    }
}

/// Panics each time but the first.
struct Bomb(Arc<AtomicU64>);

impl Write for Bomb {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(
            self.0.fetch_add(1, Ordering::SeqCst) == 0,
            "panics on purpose"
        );
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_panics_harms_no_call_and_is_not_called_again() {
    for spawned in [false, true] {
        let written = Arc::new(AtomicU64::new(0));
        let journal = begin(spawned, Bomb(written.clone()));
        let mut one = journal.record("one", a_backoff());
        wait(&mut one, 10);
        journal.flush().unwrap();
        wait(&mut one, 20_000);
        assert!(journal.flush().is_err());
        wait(&mut one, 5);
        assert!(journal.error().unwrap().to_string().contains("panicked"));
        for _ in 0..2 {
            assert!(journal.finish().is_err());
            assert_eq!((journal.ops(), journal.dropped()), (10, 20_005));
        }
        drop((one, journal));
        assert_eq!(written.load(Ordering::SeqCst), 2);
    }
}

/// Fails so often before it takes anything.
struct Late(Arc<Mutex<Vec<u8>>>, u32, ErrorKind);

impl Write for Late {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1 > 0 {
            self.1 -= 1;
            return Err(self.2.into());
        }
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_that_passes_loses_nothing_at_the_end() {
    let kinds = [
        ErrorKind::WouldBlock,
        ErrorKind::TimedOut,
        ErrorKind::Interrupted,
        ErrorKind::StorageFull,
    ];
    for (at, kind) in kinds.into_iter().enumerate() {
        for (spawned, is_dropped) in [(false, false), (false, true), (true, false), (true, true)] {
            let bytes = Arc::new(Mutex::default());
            let journal = begin(spawned, Late(Arc::clone(&bytes), 1 + at as u32, kind));
            wait(&mut journal.record("one", a_backoff()), 100);
            if !is_dropped {
                assert_eq!(journal.finish().unwrap().ops, 100);
            }
            drop(journal);
            let verified = verify(Reader::new(&bytes.lock().unwrap()[..])).unwrap();
            assert_eq!((verified.ops, verified.dropped), (100, 0));
        }
    }
}

#[test]
fn a_journal_that_could_not_be_finished_can_be_finished_again() {
    for (spawned, room) in [(false, 100), (true, 100), (false, 2_000), (true, 2_000)] {
        let disk = Disk::default();
        disk.set(|platter| platter.room = Some(room));
        let journal = begin(spawned, disk.clone());
        let mut one = journal.record("one", a_backoff());
        wait(&mut one, 100);
        for _ in 0..2 {
            let error = journal.finish().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StorageFull);
            let written = load(&disk.bytes()[..]).entries.len() as u64;
            assert_eq!((journal.ops(), journal.dropped()), (written, 100 - written));
            assert!(journal.flush().is_err());
        }
        wait(&mut one, 5); // of these nothing can tell any more
        disk.set(|platter| platter.room = None);
        let summary = journal.finish().unwrap();
        assert_eq!((summary.ops, summary.dropped), (100, 0));
        assert_eq!((journal.ops(), journal.dropped()), (100, 5));
        assert!(journal.finish().is_err());
        let verified = verify(Reader::new(&disk.bytes()[..])).unwrap();
        assert_eq!((verified.ops, verified.dropped), (100, 0));
    }
}

#[test]
fn the_last_handle_tries_again_what_a_finish_could_not() {
    for spawned in [false, true] {
        let disk = Disk::default();
        disk.set(|platter| platter.room = Some(100));
        let journal = begin(spawned, disk.clone());
        wait(&mut journal.record("one", a_backoff()), 7);
        assert!(journal.finish().is_err());
        disk.set(|platter| platter.room = None);
        drop(journal);
        assert_eq!(verify(Reader::new(&disk.bytes()[..])).unwrap().ops, 7);
    }
}

/// Panics each third time.
struct Third(u64);

impl TryRng for Third {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 += 1;
        assert!(self.0 % 3 != 0, "panics on purpose");
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        Ok(())
    }
}

#[test]
fn a_call_that_panics_is_a_lost_call() {
    let journal = Journal::in_memory();
    let mut one = journal.record("one", a_backoff());
    let mut rng = Third(0);
    let mut panicked = 0;
    for call in 0..21 {
        let call = AssertUnwindSafe(|| one.apply(call, Op::NextWait, &mut rng));
        panicked += u64::from(catch_unwind(call).is_err());
    }
    // The last one is told by the trailer alone.
    assert!(panicked > 3);
    assert_eq!(
        (journal.ops(), journal.dropped()),
        (21 - panicked, panicked)
    );
    let mut bytes = Vec::new();
    journal.dump(&mut bytes).unwrap();
    let headers = load(&bytes[..]).headers;
    let told: u64 = headers.iter().filter_map(|header| header.dropped).sum();
    assert_eq!(told, panicked - 1);
    let verified = verify(Reader::new(&bytes[..])).unwrap();
    assert_eq!((verified.ops, verified.dropped), (21 - panicked, panicked));
}
