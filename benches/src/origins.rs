//! What two of the systems that evenkeel must be able to replace do on each call, restated in a few lines.
//!
//! Only the work: no names, logs, listeners or statistics. The original breaker takes a lock of tokio's twice a call;
//! here it is the standard library's, which is several times cheaper, so a ratio to this is a ratio to something faster
//! than the original.

use std::sync::RwLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open,
    HalfOpen,
}

#[derive(Debug)]
struct Counts {
    state: State,
    failures: u32,
    half_open_calls: u32,
    last_failure_secs: u64,
    total: u64,
    blocked: u64,
    successful: u64,
    failed: u64,
}

/// The breaker of O5: consecutive failures, whole seconds of wall time, a lock for each question and each report.
#[derive(Debug)]
pub struct PauseBreaker {
    failures_to_open: u32,
    recovery_secs: u64,
    half_open_limit: u32,
    counts: RwLock<Counts>,
}

impl PauseBreaker {
    /// A closed breaker that opens after `failures` in a row, for 30 s.
    #[must_use]
    pub fn new(failures: u32) -> Self {
        Self {
            failures_to_open: failures,
            recovery_secs: 30,
            half_open_limit: 3,
            counts: RwLock::new(Counts {
                state: State::Closed,
                failures: 0,
                half_open_calls: 0,
                last_failure_secs: 0,
                total: 0,
                blocked: 0,
                successful: 0,
                failed: 0,
            }),
        }
    }

    /// May this call be made?
    ///
    /// # Panics
    /// When a thread panicked while it held the lock.
    pub fn can_execute(&self) -> bool {
        let mut counts = self.counts.write().expect("no panic under the lock");
        counts.total += 1;
        match counts.state {
            State::Closed => true,
            State::HalfOpen => {
                counts.half_open_calls += 1;
                counts.half_open_calls <= self.half_open_limit
            }
            State::Open if now_secs() - counts.last_failure_secs >= self.recovery_secs => {
                counts.state = State::HalfOpen;
                counts.half_open_calls = 1;
                true
            }
            State::Open => {
                counts.blocked += 1;
                false
            }
        }
    }

    /// The call succeeded.
    ///
    /// # Panics
    /// When a thread panicked while it held the lock.
    pub fn record_success(&self) {
        let mut counts = self.counts.write().expect("no panic under the lock");
        counts.successful += 1;
        counts.failures = 0;
        if counts.state == State::HalfOpen {
            counts.state = State::Closed;
        }
    }

    /// The call failed.
    ///
    /// # Panics
    /// When a thread panicked while it held the lock.
    pub fn record_failure(&self) {
        let mut counts = self.counts.write().expect("no panic under the lock");
        counts.failed += 1;
        counts.failures += 1;
        counts.last_failure_secs = now_secs();
        if counts.state == State::HalfOpen || counts.failures >= self.failures_to_open {
            counts.state = State::Open;
        }
    }
}

fn now_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// The latency monitor of O5: the window is copied and sorted for every sample.
#[derive(Clone, Debug)]
pub struct SortedEachTime {
    window: Vec<u64>,
    oldest: usize,
    capacity: usize,
}

impl SortedEachTime {
    /// A window of the last `capacity` samples.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            window: Vec::with_capacity(capacity),
            oldest: 0,
            capacity,
        }
    }

    /// Takes in a sample without asking for anything.
    pub fn record(&mut self, sample: u64) {
        if self.window.len() < self.capacity {
            self.window.push(sample);
        } else {
            self.window[self.oldest] = sample;
            self.oldest = (self.oldest + 1) % self.capacity;
        }
    }

    /// The p99 of the window, which must not be empty: the value at `floor((n - 1) * 99 / 100)`.
    #[must_use]
    pub fn p99(&self) -> u64 {
        let mut sorted = self.window.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() - 1) * 99 / 100]
    }
}

/// The reconnect delay of O4: milliseconds, a loop in 128 bits, a remainder for the jitter.
#[derive(Clone, Debug)]
pub struct ReconnectDelay {
    initial_ms: u64,
    cap_ms: u64,
    multiplier: u32,
    attempt: u32,
    word: u64,
}

impl ReconnectDelay {
    /// Starts at `initial`, doubles up to `cap`.
    ///
    /// # Panics
    /// When a span is longer than 2^64 ms.
    #[must_use]
    pub fn new(initial: Duration, cap: Duration) -> Self {
        let ms = |span: Duration| u64::try_from(span.as_millis()).expect("a span in milliseconds");
        Self {
            initial_ms: ms(initial),
            cap_ms: ms(cap),
            multiplier: 2,
            attempt: 0,
            word: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// What the next delay is at most.
    #[must_use]
    pub fn ceiling(&self) -> Duration {
        let mut ms = u128::from(self.initial_ms);
        for _ in 0..self.attempt {
            ms *= u128::from(self.multiplier);
            if ms >= u128::from(self.cap_ms) {
                break;
            }
        }
        let capped = ms.min(u128::from(self.cap_ms));
        Duration::from_millis(u64::try_from(capped).unwrap_or(u64::MAX))
    }

    /// The next delay, with full jitter.
    pub fn next_delay(&mut self) -> Duration {
        let ceiling_ms = u64::try_from(self.ceiling().as_millis()).unwrap_or(u64::MAX);
        self.attempt = self.attempt.saturating_add(1);
        self.word ^= self.word << 13;
        self.word ^= self.word >> 7;
        self.word ^= self.word << 17;
        Duration::from_millis(self.word % (ceiling_ms + 1))
    }
}
