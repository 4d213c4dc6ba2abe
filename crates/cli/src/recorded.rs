//! `replay --journal`: the breakers of a replay with each call taken down, so that a trace becomes a journal.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Grant, Outcome, Permit, Receipt, Refused, Transitions,
};
use evenkeel_core::random::Rng;
use evenkeel_replay::Recorder;
use evenkeel_replay::journal::Journal;

use crate::output::{Draft, cannot_write};

/// A breaker: alone, or one whose calls go into a journal.
#[allow(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and is asked for every row"
)]
pub(crate) enum Gate<'p> {
    Alone(Breaker<&'p BreakerPolicy>),
    Recorded(Box<Recorder<Breaker>>),
}

impl<'p> Gate<'p> {
    /// `name` is what the journal calls it.
    pub(crate) fn new(policy: &'p BreakerPolicy, journal: Option<&Journal>, name: &str) -> Self {
        match journal {
            None => Self::Alone(Breaker::new(policy)),
            Some(journal) => {
                let breaker = Breaker::new(*policy);
                Self::Recorded(Box::new(journal.record(name, breaker)))
            }
        }
    }

    #[inline]
    pub(crate) fn try_acquire(
        &mut self,
        now_ns: u64,
        rng: &mut impl Rng,
    ) -> Result<Grant, Refused> {
        match self {
            Self::Alone(breaker) => breaker.try_acquire(now_ns, rng),
            Self::Recorded(breaker) => breaker.try_acquire(now_ns, rng),
        }
    }

    #[inline]
    pub(crate) fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut impl Rng,
    ) -> Receipt {
        match self {
            Self::Alone(breaker) => breaker.on_outcome(now_ns, permit, outcome, latency_ns, rng),
            Self::Recorded(breaker) => breaker.on_outcome(now_ns, permit, outcome, latency_ns, rng),
        }
    }

    pub(crate) fn poll(&mut self, now_ns: u64) -> Transitions {
        match self {
            Self::Alone(breaker) => breaker.poll(now_ns),
            Self::Recorded(breaker) => breaker.poll(now_ns),
        }
    }
}

/// The journal that is being written, under its name only when it is whole.
pub(crate) struct JournalFile {
    path: PathBuf,
    journal: Journal,
    draft: SharedDraft,
}

impl JournalFile {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let draft = SharedDraft(Arc::new(Mutex::new(Some(Draft::create(path)?))));
        Ok(Self {
            path: path.to_owned(),
            journal: Journal::to_writer(draft.clone()),
            draft,
        })
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Writes the trailer and gives the file its name. A journal with a gap is not what was asked for.
    pub(crate) fn finish(self) -> Result<()> {
        let path = &self.path;
        let failed = self.journal.error();
        let summary = self.journal.finish();
        if let Some(error) = failed {
            return Err(cannot_write(path, &error));
        }
        let summary = summary.map_err(|error| cannot_write(path, &error))?;
        if summary.dropped > 0 {
            let name = path.display();
            return Err(anyhow!(
                "{name}: cannot be written: {} calls were lost on the way",
                summary.dropped
            ));
        }
        match self.draft.take() {
            Some(draft) => draft.keep(),
            None => Ok(()),
        }
    }
}

/// The file of a journal, which is written by it and ended here.
#[derive(Clone)]
struct SharedDraft(Arc<Mutex<Option<Draft>>>);

impl SharedDraft {
    fn take(&self) -> Option<Draft> {
        let mut draft = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        draft.take()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Draft) -> io::Result<T>) -> io::Result<T> {
        let mut draft = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match draft.as_mut() {
            Some(draft) => act(draft),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Write for SharedDraft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|draft| draft.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(Write::flush)
    }
}
