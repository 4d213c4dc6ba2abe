//! A listener that accepts so many connections a second.

use super::{Arrival, Server, Started, stretched};
use crate::random::Stream;

/// Accepts connections one after the other, so many a second; up to `backlog` wait, more are refused.
///
/// ```
/// use evenkeel_sim::{Arrival, Listener, Server, Streams};
///
/// let mut rng = Streams::seeded(7).of("server", 0);
/// let mut listener = Listener::new(1_000.0, 128); // one a millisecond
/// let mut refused = 0;
/// let mut accepted_at_ns = 0;
/// for link in 0..200 {
///     match listener.arrive(0, link, &mut rng) {
///         Arrival::Started(started) => accepted_at_ns = started.ends_at_ns,
///         _ => refused += 1,
///     }
/// }
/// assert_eq!((refused, accepted_at_ns), (72, 128_000_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listener {
    /// From one to the next.
    gap_ns: u64,
    backlog: u64,
    factor: f64,
    /// When the last of the backlog is accepted.
    busy_until_ns: u64,
    waiting: u64,
}

impl Listener {
    /// Accepts `per_second` connections a second, the first at 1 / `per_second`, to the nanosecond; at most `backlog` wait
    /// for it. It accepts none where `per_second` is 0, below, or no number.
    ///
    /// ```
    /// # use evenkeel_sim::{Listener, Server};
    /// assert_eq!(Server::<()>::in_progress(&Listener::new(100.0, 128)), 0);
    /// ```
    #[must_use]
    pub fn new(per_second: f64, backlog: u64) -> Self {
        let gap_ns = if per_second > 0.0 {
            crate::delay::rounded(1e9 / per_second)
        } else {
            u64::MAX
        };
        Self {
            gap_ns,
            backlog,
            factor: 1.0,
            busy_until_ns: 0,
            waiting: 0,
        }
    }
}

impl<R> Server<R> for Listener {
    fn arrive(&mut self, now_ns: u64, request: R, _: &mut Stream) -> Arrival<R> {
        if self.waiting >= self.backlog {
            return Arrival::Refused(request);
        }
        self.waiting += 1;
        let gap_ns = stretched(self.gap_ns, self.factor);
        self.busy_until_ns = self.busy_until_ns.max(now_ns).saturating_add(gap_ns);
        Arrival::Started(Started {
            request,
            ends_at_ns: self.busy_until_ns,
        })
    }

    fn finish(&mut self, _: u64, _: &mut Stream) -> Option<Started<R>> {
        self.waiting = self.waiting.saturating_sub(1);
        None
    }

    fn slow_down(&mut self, factor: f64) {
        self.factor = factor;
    }

    fn clear(&mut self) {
        self.waiting = 0;
        self.busy_until_ns = 0;
    }

    fn in_progress(&self) -> u64 {
        self.waiting
    }
}
