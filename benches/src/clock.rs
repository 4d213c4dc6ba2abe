//! The clock of all measurements: CPU time of this thread, so that waiting for a busy neighbour does not count.

use std::cell::Cell;
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

thread_local! {
    /// What [`leave_out`] was told.
    static LEFT_OUT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// So much of this thread's CPU time was none of the operations', such as waiting for a second thread: no measurement
/// that is under way counts it.
pub fn leave_out(span: Duration) {
    LEFT_OUT.set(LEFT_OUT.get() + span);
}

/// The CPU time that `run` takes for `n` operations.
pub fn timed(run: &mut dyn FnMut(u64), n: u64) -> Duration {
    let (start, left_out) = (thread_time(), LEFT_OUT.get());
    run(n);
    let took = thread_time().saturating_sub(start);
    took.saturating_sub(LEFT_OUT.get() - left_out)
}
