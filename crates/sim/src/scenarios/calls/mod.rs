//! Clients that call one server: the world that several scenarios share, and what it is made of.

mod client;
mod probe;
mod tally;
mod world;

use evenkeel_core::breaker::BreakerPolicy;
use evenkeel_core::budget::{RetryRatioPolicy, RetryTokensPolicy};
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;

pub(super) use tally::{Cell, SECOND_NS, Tally};
pub(super) use world::{COLUMNS, run};

use crate::delay::Delay;
use crate::fault::Faults;
use crate::load::Load;
use crate::random::Stream;
use crate::server::{Arrival, BoundedQueue, Concurrent, Server, Started};

/// What there is, before it begins.
pub(super) struct Plan {
    /// New calls begin before this instant, and nothing happens after it.
    pub(super) end_ns: u64,
    /// How many clients, at least one. Each has a breaker, a budget and a throttle of its own.
    pub(super) clients: u32,
    pub(super) traffic: Traffic,
    /// One way.
    pub(super) network: Delay,
    pub(super) server: Work,
    pub(super) faults: Faults,
    pub(super) retry: RetryPolicy,
    pub(super) breaker: Option<BreakerPolicy>,
    pub(super) budget: Option<BudgetPolicy>,
    pub(super) throttle: Option<AdaptiveThrottlePolicy>,
    pub(super) health_probe: Option<HealthProbePolicy>,
}

/// Where calls come from.
#[derive(Clone)]
pub(super) enum Traffic {
    /// From a world that does not wait for answers: each goes to a client by chance.
    Open(Load),
    /// From the clients: each thinks, calls, and waits for the end of its call.
    Closed { think: Delay },
}

/// How the server works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Work {
    /// See [`BoundedQueue`].
    Queue {
        workers: u64,
        room: u64,
        work: Delay,
    },
    /// See [`Concurrent`].
    Concurrent(Concurrent),
}

/// What a client's retries are paid from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum BudgetPolicy {
    Tokens(RetryTokensPolicy),
    Ratio(RetryRatioPolicy),
}

/// A server of either kind.
enum Machine<R> {
    Queue(BoundedQueue<R>),
    Concurrent(Concurrent),
}

impl Work {
    const fn machine<R>(self) -> Machine<R> {
        match self {
            Self::Queue {
                workers,
                room,
                work,
            } => Machine::Queue(BoundedQueue::new(workers, room, work)),
            Self::Concurrent(server) => Machine::Concurrent(server),
        }
    }
}

impl<R> Server<R> for Machine<R> {
    fn arrive(&mut self, now_ns: u64, request: R, rng: &mut Stream) -> Arrival<R> {
        match self {
            Self::Queue(server) => server.arrive(now_ns, request, rng),
            Self::Concurrent(server) => server.arrive(now_ns, request, rng),
        }
    }

    fn finish(&mut self, now_ns: u64, rng: &mut Stream) -> Option<Started<R>> {
        match self {
            Self::Queue(server) => server.finish(now_ns, rng),
            Self::Concurrent(server) => server.finish(now_ns, rng),
        }
    }

    fn slow_down(&mut self, factor: f64) {
        match self {
            Self::Queue(server) => server.slow_down(factor),
            Self::Concurrent(server) => Server::<R>::slow_down(server, factor),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Queue(server) => server.clear(),
            Self::Concurrent(server) => Server::<R>::clear(server),
        }
    }

    fn in_progress(&self) -> u64 {
        match self {
            Self::Queue(server) => server.in_progress(),
            Self::Concurrent(server) => Server::<R>::in_progress(server),
        }
    }
}
