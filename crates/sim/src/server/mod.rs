//! Servers: what is done with a request that arrives, and when that is done.

mod concurrent;
mod listener;
mod queue;
mod row;

pub use concurrent::Concurrent;
pub use listener::Listener;
pub use queue::BoundedQueue;
pub use row::VersionedRow;

use crate::random::Stream;

/// What works on requests. `R` is whatever the model knows a request by.
///
/// The model calls [`arrive`](Self::arrive) when a request comes, lets an event happen at the instant that each
/// [`Started`] says, and calls [`finish`](Self::finish) then, which may start another.
///
/// A server of your own:
///
/// ```
/// use evenkeel_sim::{Arrival, Server, Started, Stream, Streams};
///
/// /// Turns away every tenth, and needs a millisecond for each of the others.
/// struct Grumpy {
///     seen: u64,
/// }
///
/// impl<R> Server<R> for Grumpy {
///     fn arrive(&mut self, now_ns: u64, request: R, _: &mut Stream) -> Arrival<R> {
///         self.seen += 1;
///         if self.seen % 10 == 0 {
///             return Arrival::Refused(request);
///         }
///         Arrival::Started(Started { request, ends_at_ns: now_ns + 1_000_000 })
///     }
///     fn finish(&mut self, _: u64, _: &mut Stream) -> Option<Started<R>> {
///         None
///     }
///     fn in_progress(&self) -> u64 {
///         0
///     }
/// }
///
/// let mut rng = Streams::seeded(7).of("server", 0);
/// let mut server = Grumpy { seen: 0 };
/// let refused = (0..100).filter(|&n| server.arrive(0, n, &mut rng) == Arrival::Refused(n)).count();
/// assert_eq!(refused, 10);
/// ```
pub trait Server<R> {
    /// A request arrives.
    fn arrive(&mut self, now_ns: u64, request: R, rng: &mut Stream) -> Arrival<R>;

    /// The work on a request is done, as its [`Started`] said; the request that is begun next, if one was waiting.
    fn finish(&mut self, now_ns: u64, rng: &mut Stream) -> Option<Started<R>>;

    /// From now on, work that begins takes `factor` times as long as at first: 1 is as at first, 0 and below no time.
    /// Default: nothing slows it down.
    fn slow_down(&mut self, factor: f64) {
        let _ = factor;
    }

    /// Forgets what it works on and what waits: it was restarted. No `finish` may be called for what was started before.
    /// Default: it keeps nothing that could be forgotten.
    fn clear(&mut self) {}

    /// Requests that it works on or keeps waiting.
    fn in_progress(&self) -> u64;
}

/// What becomes of a request that arrives.
///
/// ```
/// use evenkeel_sim::{Arrival, Started};
///
/// let started = Arrival::Started(Started { request: 7, ends_at_ns: 100 });
/// assert_ne!(started, Arrival::Refused(7));
/// ```
#[must_use = "a request that is started must be finished, one that is refused must be answered"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<R> {
    /// The work begins at once.
    Started(Started<R>),
    /// It waits; a later [`finish`](Server::finish) starts it.
    Waiting,
    /// There is no room for it.
    Refused(R),
}

/// A request whose work begins.
///
/// ```
/// let started = evenkeel_sim::Started { request: 7, ends_at_ns: 100 };
/// assert_eq!(started.ends_at_ns, 100);
/// ```
#[must_use = "let its end happen"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started<R> {
    /// Which request.
    pub request: R,
    /// When the work is done.
    pub ends_at_ns: u64,
}

/// A span of work, stretched; at most `u64::MAX`.
fn stretched(ns: u64, factor: f64) -> u64 {
    // Exact where nothing is slowed down.
    if factor == 1.0 {
        ns
    } else {
        crate::delay::rounded(ns as f64 * factor)
    }
}
