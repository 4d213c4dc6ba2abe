//! The clock of all measurements: CPU time of this thread, so that waiting for a busy neighbour does not count.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time that this thread has used.
#[must_use]
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}

/// The CPU time that `run` takes for `n` operations.
pub fn timed(run: &mut dyn FnMut(u64), n: u64) -> Duration {
    let start = thread_time();
    run(n);
    thread_time().saturating_sub(start)
}
