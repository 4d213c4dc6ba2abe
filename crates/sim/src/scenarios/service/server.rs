//! The server of a service: of either kind, with its parameters.

use std::time::Duration;

use crate::delay::Delay;
use crate::param::{Choice, Param};
use crate::scenarios::calls::Work;
use crate::server::Concurrent;

/// The server of a [`Service`](super::Service): the table `[server]` of a scenario file.
///
/// ```
/// use evenkeel_sim::scenarios::{ServerKind, ServiceServer};
///
/// let server = ServiceServer { workers: 4, ..ServiceServer::default() };
/// assert_eq!(server.kind, ServerKind::Queue);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceServer {
    /// How it works. Default: [`ServerKind::Queue`].
    pub kind: ServerKind,
    /// Of a queue: how many requests are worked on at a time. Default: 10.
    pub workers: u64,
    /// Of a queue: how many can wait. Default: 500.
    pub room: u64,
    /// Of a queue: how long one request takes, on average. Default: 20 ms, so 500 requests a second.
    pub work: Duration,
    /// Of the other kind: how long a request takes alone. Default: 20 ms.
    pub base: Duration,
    /// Of the other kind: how much longer for each request in progress. Default: 2 ms, so 500 a second at most.
    pub each: Duration,
}

/// How a [`ServiceServer`] works.
///
/// ```
/// use evenkeel_sim::{Choice, scenarios::ServerKind};
///
/// assert_eq!(ServerKind::ALL.len(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// First come, first served, with bounded room: [`BoundedQueue`](crate::BoundedQueue).
    Queue,
    /// Everything at once, the slower the more: [`Concurrent`].
    Concurrent,
}

impl Choice for ServerKind {
    const ALL: &'static [(&'static str, Self)] =
        &[("queue", Self::Queue), ("concurrent", Self::Concurrent)];
}

impl Default for ServiceServer {
    fn default() -> Self {
        Self {
            kind: ServerKind::Queue,
            workers: 10,
            room: 500,
            work: Duration::from_millis(20),
            base: Duration::from_millis(20),
            each: Duration::from_millis(2),
        }
    }
}

impl ServiceServer {
    pub(super) fn params(&mut self) -> Vec<Param<'_>> {
        let hour = Duration::from_secs(3_600);
        let spans = || Duration::ZERO..=hour;
        // A server without a limit would make a world without an end.
        let work = Duration::from_micros(1)..=hour;
        let kind = self.kind;
        let mut params = vec![Param::choice(
            "server.kind",
            "how the server works",
            &mut self.kind,
        )];
        match kind {
            ServerKind::Queue => params.extend([
                Param::count(
                    "server.workers",
                    "requests at a time",
                    &mut self.workers,
                    1..=1_000_000,
                ),
                Param::count(
                    "server.room",
                    "how many can wait",
                    &mut self.room,
                    0..=1_000_000_000,
                ),
                Param::span(
                    "server.work",
                    "how long one takes, on average",
                    &mut self.work,
                    work,
                ),
            ]),
            ServerKind::Concurrent => params.extend([
                Param::span(
                    "server.base",
                    "how long one takes alone",
                    &mut self.base,
                    spans(),
                ),
                Param::span(
                    "server.each",
                    "and for each in progress",
                    &mut self.each,
                    spans(),
                ),
            ]),
        }
        params
    }

    pub(super) fn work(&self) -> Work {
        match self.kind {
            ServerKind::Queue => Work::Queue {
                workers: self.workers,
                room: self.room,
                work: Delay::exponential(self.work),
            },
            ServerKind::Concurrent => Work::Concurrent(Concurrent::new(self.base, self.each)),
        }
    }
}
