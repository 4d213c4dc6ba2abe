//! evenkeel beside its peers: one registry of cases, shared by criterion, by `ratios` and by `instructions`.
//!
//! A case is one of our machines doing some work, the peers that do the same work on the same inputs, and a check that
//! they give the same answers where they claim the same thing. The check comes before every measurement, so that a case
//! that computes the wrong thing fails instead of being fast.

pub mod adapters;
pub mod backoff;
pub mod breaker;
pub mod budget;
pub mod clock;
pub mod drivers;
pub mod flatness;
pub mod inputs;
pub mod measure;
pub mod origins;
pub mod page;
pub mod percentile;
pub mod polled;
pub mod recording;
pub mod repeat;
pub mod retry;
pub mod shared;
pub mod tables;
pub mod throttle;

use std::fmt;

/// The work of an entrant, ready to run: does its operation as many times as it is told.
pub type Run = Box<dyn FnMut(u64)>;

/// One side of a comparison.
pub struct Entrant {
    /// Who it is, with its version where it is not ours.
    pub name: &'static str,
    prepare: Box<dyn Fn() -> Run>,
}

impl Entrant {
    /// `prepare` builds what the operation works on; the time it takes is not measured.
    pub fn new(name: &'static str, prepare: impl Fn() -> Run + 'static) -> Self {
        Self {
            name,
            prepare: Box::new(prepare),
        }
    }

    /// Builds the state; what it returns does the work.
    #[must_use]
    pub fn prepare(&self) -> Run {
        (self.prepare)()
    }
}

impl fmt::Debug for Entrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entrant").field(&self.name).finish()
    }
}

/// What is to come out of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The peer takes at least that many times as long as ours.
    Faster(f64),
    /// Ours takes less than so many nanoseconds more than the peer, which is a part of ours.
    Adds(f64),
}

impl Goal {
    /// What counts: how many times as long the peer takes, or how much longer ours does.
    #[must_use]
    pub fn reached(self, ours_ns: f64, peer_ns: f64) -> f64 {
        match self {
            Self::Faster(_) => peer_ns / ours_ns,
            Self::Adds(_) => ours_ns - peer_ns,
        }
    }

    /// Whether what was reached is enough.
    #[must_use]
    pub fn is_met(self, reached: f64) -> bool {
        match self {
            Self::Faster(times) => reached >= times,
            Self::Adds(less_than_ns) => reached < less_than_ns,
        }
    }
}

/// A peer doing the same work, and what we want to be beside it.
#[derive(Debug)]
pub struct Peer {
    /// The peer.
    pub entrant: Entrant,
    /// The goal, where there is one.
    pub goal: Option<Goal>,
}

/// One piece of work, done by us and by peers.
pub struct Case {
    /// `machine: what is done`.
    pub name: String,
    /// Us.
    pub ours: Entrant,
    /// The others, perhaps none.
    pub peers: Vec<Peer>,
    check: Box<dyn Fn()>,
}

impl Case {
    /// A case without peers; `check` panics when ours computes the wrong thing.
    pub fn new(name: impl Into<String>, ours: Entrant, check: impl Fn() + 'static) -> Self {
        Self {
            name: name.into(),
            ours,
            peers: Vec::new(),
            check: Box::new(check),
        }
    }

    /// Adds a peer that we want to be `goal` times faster than.
    #[must_use]
    pub fn against(mut self, entrant: Entrant, goal: impl Into<Option<f64>>) -> Self {
        let goal = goal.into().map(Goal::Faster);
        self.peers.push(Peer { entrant, goal });
        self
    }

    /// Adds a part of what ours does: the rest is to take less than `at_most_ns`.
    #[must_use]
    pub fn on_top_of(mut self, part: Entrant, at_most_ns: impl Into<Option<f64>>) -> Self {
        let goal = at_most_ns.into().map(Goal::Adds);
        let entrant = part;
        self.peers.push(Peer { entrant, goal });
        self
    }

    /// Checks that all sides compute what they are said to.
    ///
    /// # Panics
    /// When one does not.
    pub fn check(&self) {
        (self.check)();
    }

    /// All sides, ours first.
    pub fn entrants(&self) -> impl Iterator<Item = &Entrant> {
        std::iter::once(&self.ours).chain(self.peers.iter().map(|peer| &peer.entrant))
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("ours", &self.ours)
            .field("peers", &self.peers)
            .finish_non_exhaustive()
    }
}

/// Every case whose name contains `filter`.
#[must_use]
pub fn cases(filter: &str) -> Vec<Case> {
    let all = [
        breaker::cases(),
        percentile::cases(),
        backoff::cases(),
        tables::cases(),
        budget::cases(),
        throttle::cases(),
        retry::cases(),
        drivers::cases(),
        shared::cases(),
        adapters::cases(),
        recording::cases(),
    ];
    let chosen = all.into_iter().flatten();
    chosen.filter(|case| case.name.contains(filter)).collect()
}
