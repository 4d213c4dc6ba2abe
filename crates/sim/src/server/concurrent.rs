//! A server that takes everything, and is the slower the more it has.

use std::time::Duration;

use super::{Arrival, Server, Started, stretched};
use crate::delay::nanos;
use crate::random::Stream;

/// Works on all requests at once: each takes `base`, and `each` for every request in progress when it arrives, itself
/// included. So its throughput has a limit, 1 / `each`, that it nears only at endless latency: what a thread pool, a lock
/// or a database under contention do.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_sim::{Arrival, Concurrent, Server, Streams};
///
/// let mut rng = Streams::seeded(7).of("server", 0);
/// let mut server = Concurrent::new(Duration::from_secs(1), Duration::from_millis(10));
/// let mut ends_at_ms = |request| match server.arrive(0, request, &mut rng) {
///     Arrival::Started(started) => started.ends_at_ns / 1_000_000,
///     _ => unreachable!("it takes everything"),
/// };
/// assert_eq!(['a', 'b', 'c'].map(&mut ends_at_ms), [1_010, 1_020, 1_030]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concurrent {
    base_ns: u64,
    each_ns: u64,
    factor: f64,
    in_progress: u64,
}

impl Concurrent {
    /// With nothing in progress.
    ///
    /// ```
    /// use std::time::Duration;
    /// use evenkeel_sim::{Concurrent, Server};
    ///
    /// let server = Concurrent::new(Duration::from_secs(1), Duration::from_millis(10));
    /// assert_eq!(Server::<()>::in_progress(&server), 0);
    /// ```
    #[must_use]
    pub fn new(base: Duration, each: Duration) -> Self {
        Self {
            base_ns: nanos(base),
            each_ns: nanos(each),
            factor: 1.0,
            in_progress: 0,
        }
    }
}

impl<R> Server<R> for Concurrent {
    fn arrive(&mut self, now_ns: u64, request: R, _: &mut Stream) -> Arrival<R> {
        self.in_progress += 1;
        let work_ns = self
            .base_ns
            .saturating_add(self.each_ns.saturating_mul(self.in_progress));
        let ends_at_ns = now_ns.saturating_add(stretched(work_ns, self.factor));
        Arrival::Started(Started {
            request,
            ends_at_ns,
        })
    }

    fn finish(&mut self, _: u64, _: &mut Stream) -> Option<Started<R>> {
        self.in_progress = self.in_progress.saturating_sub(1);
        None
    }

    fn slow_down(&mut self, factor: f64) {
        self.factor = factor;
    }

    fn clear(&mut self) {
        self.in_progress = 0;
    }

    fn in_progress(&self) -> u64 {
        self.in_progress
    }
}
