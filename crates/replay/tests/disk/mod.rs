//! Disks that a test commands, folders of a test's own, and a machine that fills them.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use evenkeel_core::backoff::{Backoff, BackoffPolicy};
use evenkeel_replay::{Recorder, Verified, backoff, verify_file};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

/// A disk of which a test decides what it does.
#[derive(Clone, Default)]
pub(crate) struct Disk(pub(crate) Arc<(Mutex<Platter>, Condvar)>);

#[derive(Default)]
pub(crate) struct Platter {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_stuck: bool,
    /// How many bytes it holds in all.
    pub(crate) room: Option<usize>,
    /// Takes only this many bytes at a time.
    pub(crate) at_once: Option<usize>,
}

impl Disk {
    pub(crate) fn set(&self, change: impl FnOnce(&mut Platter)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.0.lock().unwrap().bytes.clone()
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let platter = self.0.0.lock().unwrap();
        let mut platter = self
            .0
            .1
            .wait_while(platter, |platter| platter.is_stuck)
            .unwrap();
        let room = platter
            .room
            .map_or(usize::MAX, |room| room.saturating_sub(platter.bytes.len()));
        let taken = bytes
            .len()
            .min(platter.at_once.unwrap_or(usize::MAX))
            .min(room);
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        platter.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn a_backoff() -> Backoff {
    let policy = BackoffPolicy::builder(Duration::from_millis(1)).cap(Duration::from_secs(1));
    Backoff::new(policy.build().unwrap())
}

pub(crate) fn wait(recorder: &mut Recorder<Backoff>, calls: u64) {
    let mut rng = SplitMix64::seed_from_u64(recorder.id());
    for call in 0..calls {
        let _ = recorder.apply(call, backoff::Op::NextWait, &mut rng);
    }
}

/// Until the writing thread has come so far.
pub(crate) fn until(mut what: impl FnMut() -> bool) {
    while !what() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// A folder that goes when the test ends well.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// In the order in which they were written.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
        files
    }

    /// What the files hold.
    pub(crate) fn verified(&self) -> Vec<Verified> {
        let files = self.files().into_iter();
        files.map(|file| verify_file(file).unwrap()).collect()
    }

    /// The names of the files.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = self.files().into_iter();
        let names = files.map(|file| file.file_name().unwrap().to_string_lossy().into_owned());
        names.collect()
    }
}
