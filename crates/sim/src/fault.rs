//! What goes wrong, and when: a script of outages, slow-downs, partitions and errors.

use std::fmt;
use std::time::Duration;

use evenkeel_core::span;

use crate::delay::nanos;
use crate::random::Stream;

/// What goes wrong with a server, or on the way to it.
///
/// ```
/// use evenkeel_sim::Fault;
///
/// assert_ne!(Fault::Outage, Fault::ErrorRate(1.0)); // refused at once; failed after the work
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The server is gone: each request is refused at once. What it was working on is lost.
    Outage,
    /// Work that begins takes this many times as long: 2 is half of the capacity, 1 changes nothing. 0 and more.
    SlowDown(f64),
    /// Messages of this share of the clients are lost both ways, 0 to 1: those with the lowest numbers. They learn it by
    /// their timeouts alone.
    Partition(f64),
    /// Each request fails with this probability, 0 to 1, after the work.
    ErrorRate(f64),
}

/// Faults by time.
///
/// Each lasts from its first instant to just before its last. Where several of a kind overlap, slow-downs multiply, of
/// partitions the largest counts, and errors are independent of each other.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_sim::{Fault, Faults};
///
/// const SECOND: u64 = 1_000_000_000;
/// let [ten, twelve, thirty] = [10, 12, 30].map(Duration::from_secs);
/// let faults = Faults::none()
///     .with(ten, twelve, Fault::Outage)
///     .with(twelve, thirty, Fault::SlowDown(2.0));
/// assert!(!faults.is_out(9 * SECOND));
/// assert!(faults.is_out(10 * SECOND));
/// assert!(!faults.is_out(12 * SECOND));
/// assert_eq!(faults.slow_down(12 * SECOND), 2.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    script: Vec<(u64, u64, Fault)>,
}

impl Faults {
    /// All is well.
    ///
    /// ```
    /// assert!(!evenkeel_sim::Faults::none().is_out(0));
    /// ```
    #[must_use]
    pub const fn none() -> Self {
        Self { script: Vec::new() }
    }

    /// And this fault, from `from` to just before `until`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Fault, Faults};
    /// let faults = Faults::none().with(Duration::ZERO, Duration::from_nanos(10), Fault::Outage);
    /// assert_eq!([9, 10].map(|now_ns| faults.is_out(now_ns)), [true, false]);
    /// ```
    #[must_use]
    pub fn with(mut self, from: Duration, until: Duration, fault: Fault) -> Self {
        self.script.push((nanos(from), nanos(until), fault));
        self
    }

    fn at(&self, now_ns: u64) -> impl Iterator<Item = Fault> + '_ {
        self.script
            .iter()
            .filter(move |(from_ns, until_ns, _)| (*from_ns..*until_ns).contains(&now_ns))
            .map(|(_, _, fault)| *fault)
    }

    /// Whether the server is gone.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Fault, Faults};
    /// let faults = Faults::none().with(Duration::ZERO, Duration::from_nanos(10), Fault::Outage);
    /// assert!(faults.is_out(5));
    /// ```
    #[must_use]
    pub fn is_out(&self, now_ns: u64) -> bool {
        self.at(now_ns).any(|fault| fault == Fault::Outage)
    }

    /// How many times as long work takes; 1 where nothing slows it down. For [`Server::slow_down`](crate::Server::slow_down).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Fault, Faults};
    /// let faults = Faults::none().with(Duration::ZERO, Duration::from_nanos(10), Fault::SlowDown(3.0));
    /// assert_eq!([5, 10].map(|now_ns| faults.slow_down(now_ns)), [3.0, 1.0]);
    /// ```
    #[must_use]
    pub fn slow_down(&self, now_ns: u64) -> f64 {
        self.at(now_ns).fold(1.0, |product, fault| match fault {
            Fault::SlowDown(factor) => product * factor,
            _ => product,
        })
    }

    /// Whether messages between the server and client `client` of `clients` are lost.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Fault, Faults};
    /// let faults = Faults::none().with(Duration::ZERO, Duration::from_nanos(10), Fault::Partition(0.25));
    /// assert_eq!((0..8).map(|client| faults.is_cut(5, client, 8)).filter(|&cut| cut).count(), 2);
    /// ```
    #[must_use]
    pub fn is_cut(&self, now_ns: u64, client: u64, clients: u64) -> bool {
        let share = self.at(now_ns).fold(0.0, |largest, fault| match fault {
            Fault::Partition(share) => f64::max(largest, share),
            _ => largest,
        });
        (client as f64) < share * clients as f64
    }

    /// Whether a request fails after the work. Draws one word for each error rate of the time.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Fault, Faults, Streams};
    /// # let mut rng = Streams::seeded(7).of("server", 0);
    /// let faults = Faults::none().with(Duration::ZERO, Duration::from_nanos(10), Fault::ErrorRate(1.0));
    /// assert_eq!([5, 10].map(|now_ns| faults.fails(now_ns, &mut rng)), [true, false]);
    /// ```
    pub fn fails(&self, now_ns: u64, rng: &mut Stream) -> bool {
        self.at(now_ns).fold(false, |failed, fault| match fault {
            Fault::ErrorRate(probability) => rng.chance(probability) || failed,
            _ => failed,
        })
    }

    /// The instants at which something begins or ends, sorted: when to tell a server how slow it is.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Fault, Faults};
    /// let faults = Faults::none().with(Duration::from_nanos(3), Duration::from_nanos(10), Fault::Outage);
    /// assert_eq!(faults.changes_ns(), [3, 10]);
    /// ```
    #[must_use]
    pub fn changes_ns(&self) -> Vec<u64> {
        let ends = self
            .script
            .iter()
            .flat_map(|(from_ns, until_ns, _)| [*from_ns, *until_ns]);
        let mut ends: Vec<_> = ends.collect();
        ends.sort_unstable();
        ends.dedup();
        ends
    }
}

/// In the order in which they were put in: `20s..30s slow-down 10; 40s..45s outage`.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (from_ns, until_ns, fault)) in self.script.iter().enumerate() {
            let [from, until] =
                [*from_ns, *until_ns].map(|ns| span::text(Duration::from_nanos(ns)));
            let gap = if at == 0 { "" } else { "; " };
            write!(f, "{gap}{from}..{until} {fault}")?;
        }
        Ok(())
    }
}

/// As in a scenario file: `slow-down 10`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outage => write!(f, "outage"),
            Self::SlowDown(factor) => write!(f, "slow-down {factor}"),
            Self::Partition(share) => write!(f, "partition {share}"),
            Self::ErrorRate(rate) => write!(f, "error-rate {rate}"),
        }
    }
}
