//! What a future of a retry keeps of its operation, and when it begins.

use std::mem;

use evenkeel_core::retry::{BreakerGate, RetryBudget};
use evenkeel_std::Clock;
use evenkeel_std::driver::{self, Observed};
#[cfg(feature = "journal")]
use evenkeel_std::journal::Recording;

/// Dropped before its end, it gives back what it holds.
pub(super) struct Operation<T, E, C, B, G, K, O, H>
where
    C: Clock,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    pub(super) driven: driver::Operation<T, E, C, B, G, K, O, H>,
    progress: Progress,
    #[cfg(feature = "journal")]
    recording: Option<Recording<B, G>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It was not polled: nothing has happened.
    None,
    /// It is being polled for the first time.
    Began {
        at_ns: u64,
    },
    Steps,
}

impl<T, E, C, B, G, K, O, H> Operation<T, E, C, B, G, K, O, H>
where
    C: Clock,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    /// One that begins when it is polled for the first time.
    #[inline]
    pub(super) const fn new(driven: driver::Operation<T, E, C, B, G, K, O, H>) -> Self {
        Self {
            driven,
            progress: Progress::None,
            #[cfg(feature = "journal")]
            recording: None,
        }
    }

    /// Before it begins.
    #[inline]
    pub(super) fn observe(&mut self, observed: Observed) {
        if self.progress == Progress::None {
            self.driven.observe(observed);
        }
    }

    /// Before it begins.
    #[cfg(feature = "journal")]
    pub(super) fn record(&mut self, recording: Recording<B, G>) {
        self.recording = Some(recording);
    }

    /// It is polled.
    #[inline]
    pub(super) fn begin(&mut self) {
        if self.progress != Progress::None {
            return;
        }
        let at_ns = self.driven.clock().now_ns();
        self.progress = Progress::Began { at_ns };
        self.driven.begin(at_ns);
        #[cfg(feature = "journal")]
        if let Some(recording) = self.recording.take() {
            self.driven.record(at_ns, &recording);
        }
    }

    /// The instant of the next step.
    #[inline]
    pub(super) fn now_ns(&mut self) -> u64 {
        match mem::replace(&mut self.progress, Progress::Steps) {
            Progress::Began { at_ns } => at_ns,
            _ => self.driven.clock().now_ns(),
        }
    }
}

impl<T, E, C, B, G, K, O, H> Drop for Operation<T, E, C, B, G, K, O, H>
where
    C: Clock,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    #[inline]
    fn drop(&mut self) {
        if self.progress != Progress::None {
            self.driven.give_up();
        }
    }
}
