//! The breaker of origin O5, alone and fed by its latency monitor.

use std::time::Duration;

use super::subject::Subject;
use crate::inputs::Call;
use crate::origins::{PauseBreaker, SortedEachTime};
use crate::polled::polled;

impl Subject for PauseBreaker {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        if !polled(self.can_execute()) {
            return false;
        }
        if call.failed {
            polled(self.record_failure());
        } else {
            polled(self.record_success());
        }
        true
    }
}

/// The breaker of O5 fed by its latency monitor; it opens at the first full window whose p99 is above the limit.
pub(super) struct Monitored {
    breaker: PauseBreaker,
    monitor: SortedEachTime,
    limit_ns: u64,
    filled: usize,
    window: usize,
}

impl Monitored {
    pub(super) fn new(window: usize, limit: Duration) -> Self {
        Self {
            breaker: PauseBreaker::new(1),
            monitor: SortedEachTime::new(window),
            limit_ns: u64::try_from(limit.as_nanos()).expect("a span"),
            filled: 0,
            window,
        }
    }
}

impl Subject for Monitored {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        if !polled(self.breaker.can_execute()) {
            return false;
        }
        self.monitor.record(call.latency_ns);
        self.filled += 1;
        // The original judges a window from its first sample on; ours waits until `min_calls`.
        if self.filled >= self.window && self.monitor.p99() > self.limit_ns {
            polled(self.breaker.record_failure());
        } else {
            polled(self.breaker.record_success());
        }
        true
    }
}
