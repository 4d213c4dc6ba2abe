//! A thread that asks a dependency at intervals whether it is up, and tells breakers and listeners.
//!
//! The rules are core's ([`evenkeel_core::health`]): when to ask, how many results make a verdict. Breakers are fed the
//! level after every result, listeners hear each change once.
//!
//! **A check blocks and cannot be interrupted**: it is told its [timeout](Checking::timeout) and has to keep it. One
//! that comes back later has failed, whatever it found, and nothing is told meanwhile (but
//! [`health`](ProbeHandle::health) knows it). **Panics** of a check are a failed probe; those of a listener are
//! swallowed. **Stop**: a wait ends at once, a check that runs is waited for by nobody.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use evenkeel_core::breaker::Health;
use evenkeel_core::health::{
    HealthChange, HealthProbe as Machine, HealthProbePolicy, ProbeAction, ProbeId, Probed,
};
use evenkeel_core::time;
#[cfg(feature = "journal")]
use evenkeel_replay::journal::Journal;

use crate::breaker::SharedBreaker;
use crate::clock::{Clock, MonotonicClock};
use crate::driver::{Kept, quietly};
use crate::sleep::Sleep;
use crate::stop::Stop;
use crate::streams::{Stream, Streams};

/// A probe that is not started yet: its setters say whom it tells, [`start`](Self::start) starts its thread.
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use evenkeel_core::{breaker::Health, health::HealthProbePolicy};
/// use evenkeel_std::{HealthProbe, TestClock};
///
/// let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).rise(2).build()?;
/// let (changes, changed) = mpsc::channel();
/// let probe = HealthProbe::new(&policy, |_checking| Ok::<(), std::io::Error>(())) // ask the dependency here
///     .clock(TestClock::new()) // so that this example does not wait
///     .on_change(move |change| drop(changes.send(change.to)))
///     .start();
/// assert_eq!(changed.recv()?, Health::Up);
/// assert_eq!(probe.health(), Some(Health::Up));
/// probe.stop();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it does nothing before `start`"]
pub struct HealthProbe<K, C = MonotonicClock> {
    machine: Kept<Machine>,
    check: K,
    clock: C,
    streams: Streams,
    stop: Stop,
    listeners: Vec<Listener>,
    fed: Vec<Fed>,
}

type Listener = Box<dyn FnMut(&HealthChange) + Send>;
type Fed = Box<dyn Fn(Health) + Send>;

/// One probe: its number and its time.
///
/// ```
/// use std::net::{SocketAddr, TcpStream};
/// use evenkeel_std::health::Checking;
///
/// fn check(to: &SocketAddr, checking: &Checking) -> std::io::Result<()> {
///     TcpStream::connect_timeout(to, checking.timeout()).map(drop)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checking {
    probe: ProbeId,
    timeout: Duration,
}

impl Checking {
    /// This probe, which may take so long: for probers of your own.
    #[must_use]
    pub fn new(probe: ProbeId, timeout: Duration) -> Self {
        let timeout = timeout.max(Duration::from_nanos(1));
        Self { probe, timeout }
    }

    /// Which probe: counted from 1.
    #[must_use]
    pub const fn probe(self) -> ProbeId {
        self.probe
    }

    /// How long it may take; never zero.
    #[must_use]
    pub const fn timeout(self) -> Duration {
        self.timeout
    }
}

impl<K, E> HealthProbe<K>
where
    K: FnMut(Checking) -> Result<(), E> + Send + 'static,
{
    /// A probe that asks by `check`: `Ok` is up.
    pub fn new(policy: &HealthProbePolicy, check: K) -> Self {
        Self {
            machine: Kept::new(Machine::new(*policy)),
            check,
            clock: MonotonicClock,
            streams: Streams::of_the_process(),
            stop: Stop::new(),
            listeners: Vec::new(),
            fed: Vec::new(),
        }
    }
}

impl<K, C> HealthProbe<K, C> {
    /// Reads and sleeps on this clock.
    pub fn clock<C2: Sleep>(self, clock: C2) -> HealthProbe<K, C2> {
        HealthProbe {
            machine: self.machine,
            check: self.check,
            clock,
            streams: self.streams,
            stop: self.stop,
            listeners: self.listeners,
            fed: self.fed,
        }
    }

    /// Draws its jitter from a stream of these, instead of one of the process.
    pub fn streams(mut self, streams: &Streams) -> Self {
        self.streams = streams.clone();
        self
    }

    /// Ends when this token says so, too.
    pub fn stop(mut self, stop: &Stop) -> Self {
        self.stop = stop.clone();
        self
    }

    /// Takes down what it decides. Feature `journal`; see the module [`journal`](crate::journal).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::health::{HealthProbePolicy, Probed};
    /// # use evenkeel_std::{HealthProbe, journal::Journal};
    /// # let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).build()?;
    /// let journal = Journal::last(100_000);
    /// let probe = HealthProbe::new(&policy, |_| Ok::<(), ()>(())).record(&journal, "db").start();
    /// probe.on_traffic(Probed::Passed);
    /// assert!(journal.ops() >= 1);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[cfg(feature = "journal")]
    pub fn record(mut self, journal: &Journal, name: &str) -> Self {
        drop(self.machine.record(journal, name));
        self
    }

    /// Tells this breaker the health after every result: for a policy with `until_healthy`. May be said of several.
    pub fn breaker<D: Clock + 'static>(mut self, breaker: &SharedBreaker<D>) -> Self {
        let breaker = breaker.clone();
        self.fed.push(Box::new(move |health| {
            // Its own listeners hear of the transitions.
            let _ = breaker.on_health(health);
        }));
        self
    }

    /// Calls this at each change, once, in the thread of the probe, never under a lock. May be said of several.
    pub fn on_change(mut self, listener: impl FnMut(&HealthChange) + Send + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }
}

impl<K, C, E> HealthProbe<K, C>
where
    K: FnMut(Checking) -> Result<(), E> + Send + 'static,
    C: Sleep + 'static,
{
    /// Starts its thread; the first check is made at once.
    ///
    /// # Panics
    /// When the system has no thread for it.
    pub fn start(self) -> ProbeHandle<C> {
        let state = State {
            machine: self.machine,
            changes: Vec::new(),
            thread: None,
            over: false,
        };
        let shared = Arc::new(Shared {
            clock: self.clock,
            stop: self.stop,
            state: Mutex::new(state),
        });
        let mut prober = Prober {
            shared: Arc::clone(&shared),
            check: self.check,
            stream: self.streams.next(),
            listeners: self.listeners,
            fed: self.fed,
        };
        let builder = thread::Builder::new().name("health probe".into());
        let started = builder.spawn(move || prober.run());
        started.expect("the system has a thread for the probe");
        ProbeHandle { shared }
    }
}

impl<K, C> fmt::Debug for HealthProbe<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut probe = f.debug_struct("HealthProbe");
        probe
            .field("policy", self.machine.policy())
            .finish_non_exhaustive()
    }
}

struct Shared<C> {
    clock: C,
    stop: Stop,
    state: Mutex<State>,
}

struct State {
    machine: Kept<Machine>,
    /// Not told yet.
    changes: Vec<HealthChange>,
    thread: Option<Thread>,
    /// The handle is gone.
    over: bool,
}

impl<C> Shared<C> {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the caller's runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread has.
struct Prober<K, C> {
    shared: Arc<Shared<C>>,
    check: K,
    stream: Stream,
    listeners: Vec<Listener>,
    fed: Vec<Fed>,
}

impl<K, C, E> Prober<K, C>
where
    K: FnMut(Checking) -> Result<(), E>,
    C: Sleep,
{
    fn run(&mut self) {
        self.shared.lock().thread = Some(thread::current());
        while !self.is_over() {
            let now_ns = self.shared.clock.now_ns();
            let action = self.shared.lock().machine.poll(now_ns, &mut self.stream);
            match action {
                ProbeAction::Send {
                    probe,
                    timeout_at_ns,
                } => {
                    let timeout = time::until(now_ns, timeout_at_ns.unwrap_or(u64::MAX));
                    self.probe(Checking::new(probe, timeout));
                    self.tell(true);
                }
                ProbeAction::Abandon { change, .. } => {
                    self.shared.lock().changes.extend(change);
                    self.tell(true);
                }
                ProbeAction::WaitUntil { at_ns } => {
                    self.shared.stop.nap(&self.shared.clock, Some(at_ns));
                    self.tell(false);
                }
                // No further probe; traffic still counts.
                _ => {
                    self.shared.stop.nap(&self.shared.clock, None);
                    self.tell(false);
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.shared.stop.is_stopped() || self.shared.lock().over
    }

    fn probe(&mut self, checking: Checking) {
        // Its error is dropped in there, too.
        let found = match quietly(|| (self.check)(checking).is_ok()) {
            Some(true) => Probed::Passed,
            _ => Probed::Failed,
        };
        let now_ns = self.shared.clock.now_ns();
        let mut state = self.shared.lock();
        let receipt = state.machine.on_report(now_ns, checking.probe, found);
        state.changes.extend(receipt.change);
    }

    /// Listeners hear what has changed; breakers the level, if that is so or if there is a new result.
    fn tell(&mut self, result: bool) {
        let (changes, health) = {
            let mut state = self.shared.lock();
            let now_ns = self.shared.clock.now_ns();
            let changes = std::mem::take(&mut state.changes);
            (changes, state.machine.health(now_ns))
        };
        if result || !changes.is_empty() {
            for fed in &self.fed {
                if let Some(health) = health {
                    quietly(|| fed(health));
                }
            }
        }
        for change in &changes {
            for listener in &mut self.listeners {
                // Its own panic hook has said it; the others are to be told.
                quietly(|| listener(change));
            }
        }
    }
}

/// A probe that runs: its thread ends when this is dropped, or [`stop`](Self::stop) is called.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::health::{HealthProbePolicy, Probed};
/// use evenkeel_core::breaker::Health;
/// use evenkeel_std::HealthProbe;
///
/// let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).fall(2).build()?;
/// let probe = HealthProbe::new(&policy, |_checking| Err("connection refused")).start();
/// probe.on_traffic(Probed::Failed); // what calls find counts, too
/// probe.on_traffic(Probed::Failed);
/// assert_eq!(probe.health(), Some(Health::Down));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "its thread ends when it is dropped"]
pub struct ProbeHandle<C = MonotonicClock> {
    shared: Arc<Shared<C>>,
}

impl<C: Clock> ProbeHandle<C> {
    /// The verdict now; `None` before the first.
    #[must_use]
    pub fn health(&self) -> Option<Health> {
        let state = self.shared.lock();
        state.machine.health(self.shared.clock.now_ns())
    }

    /// What a call of the traffic found: it counts like a probe's result.
    pub fn on_traffic(&self, found: Probed) {
        let now_ns = self.shared.clock.now_ns();
        let mut state = self.shared.lock();
        let receipt = state.machine.on_traffic(now_ns, found);
        state.changes.extend(receipt.changes());
        if let Some(thread) = &state.thread {
            thread.unpark();
        }
    }
}

impl<C> ProbeHandle<C> {
    /// Ends its thread; does not wait for a check that runs.
    pub fn stop(self) {
        drop(self);
    }
}

impl<C> Drop for ProbeHandle<C> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.over = true;
        if let Some(thread) = &state.thread {
            thread.unpark();
        }
    }
}

impl<C: Clock> fmt::Debug for ProbeHandle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut handle = f.debug_struct("ProbeHandle");
        handle.field("health", &self.health()).finish()
    }
}
