//! The breaker of origin O5: consecutive failures, whole seconds of wall time, and tokio's lock around it all, taken for
//! each question and for each report.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::RwLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open,
    HalfOpen,
}

#[derive(Debug)]
struct Guarded {
    state: State,
    half_open_calls: u32,
    last_failure_secs: u64,
    /// How often the state changed; calls asked for, blocked, and reported either way; failures in a row.
    state_changes: u64,
    total: u64,
    blocked: u64,
    successful: u64,
    failed: u64,
    current_failures: u32,
}

impl Guarded {
    fn go(&mut self, to: State) {
        self.state = to;
        self.state_changes += 1;
    }
}

/// The breaker of O5 with its counters.
#[derive(Debug)]
pub struct PauseBreaker {
    failures_to_open: u32,
    recovery_secs: u64,
    half_open_limit: u32,
    guarded: RwLock<Guarded>,
}

impl PauseBreaker {
    /// A closed breaker that opens after `failures` in a row, for 30 s.
    #[must_use]
    pub fn new(failures: u32) -> Self {
        Self {
            failures_to_open: failures,
            recovery_secs: 30,
            half_open_limit: 3,
            guarded: RwLock::new(Guarded {
                state: State::Closed,
                half_open_calls: 0,
                last_failure_secs: 0,
                state_changes: 0,
                total: 0,
                blocked: 0,
                successful: 0,
                failed: 0,
                current_failures: 0,
            }),
        }
    }

    /// May this call be made?
    pub async fn can_execute(&self) -> bool {
        let mut guarded = self.guarded.write().await;
        guarded.total += 1;
        let may = match guarded.state {
            State::Closed => true,
            State::HalfOpen => {
                guarded.half_open_calls += 1;
                guarded.half_open_calls <= self.half_open_limit
            }
            State::Open if now_secs() - guarded.last_failure_secs >= self.recovery_secs => {
                guarded.go(State::HalfOpen);
                guarded.half_open_calls = 1;
                true
            }
            State::Open => false,
        };
        guarded.blocked += u64::from(!may);
        may
    }

    /// The call succeeded.
    pub async fn record_success(&self) {
        let mut guarded = self.guarded.write().await;
        guarded.successful += 1;
        guarded.current_failures = 0;
        if guarded.state == State::HalfOpen {
            guarded.go(State::Closed);
        }
    }

    /// The call failed.
    pub async fn record_failure(&self) {
        let mut guarded = self.guarded.write().await;
        guarded.failed += 1;
        guarded.current_failures += 1;
        guarded.last_failure_secs = now_secs();
        let opens = match guarded.state {
            State::Closed => guarded.current_failures >= self.failures_to_open,
            State::HalfOpen => true,
            State::Open => false,
        };
        if opens {
            guarded.go(State::Open);
        }
    }
}

fn now_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
