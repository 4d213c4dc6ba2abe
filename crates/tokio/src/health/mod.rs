//! A task that asks a dependency at intervals whether it is up, and tells breakers, listeners and a watch channel.
//!
//! The rules are core's ([`evenkeel_core::health`]): when to ask, how many results make a verdict. Breakers are fed the
//! level after every result, listeners hear each change once.
//!
//! **A check that hangs** is dropped at its timeout, and has failed. **Panics** of a check are a failed probe; those of
//! a listener are swallowed. **Stop**, and the drop of the [`ProbeHandle`], end the task at its next await point, and
//! drop the check that goes on. **Shutdown** of the runtime drops the task. However it ends: the handle then shows no verdict
//! any more, and the watch channel is sent that and closed.

mod prober;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex};

use evenkeel_core::breaker::Health;
use evenkeel_core::health::{HealthChange, HealthProbe as Machine, HealthProbePolicy, Probed};
use evenkeel_std::driver::Kept;
#[cfg(feature = "journal")]
use evenkeel_std::journal::Journal;
use evenkeel_std::{Clock, SharedBreaker, Streams};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::{Sleep, TokioClock};
use prober::{Prober, Shared, State, Told};

pub use evenkeel_std::health::Checking;

/// A probe that is not started yet: its setters say whom it tells, [`start`](Self::start) starts its task.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Health, Mode, Phase, Trigger};
/// use evenkeel_core::health::HealthProbePolicy;
/// use evenkeel_tokio::{HealthProbe, SharedBreaker};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
///     .trigger(Trigger::Consecutive { failures: 1 })
///     .until_healthy(true) // open until the probe says so
///     .build()?;
/// let breaker = SharedBreaker::new(policy);
/// let _ = breaker.call(async { Err::<(), _>("no answer") }).await;
/// assert_eq!(breaker.phase(), Phase::Open);
///
/// let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).rise(2).build()?;
/// let probe = HealthProbe::new(&policy, |_checking| async { Ok::<(), std::io::Error>(()) }) // ask the dependency here
///     .breaker(&breaker)
///     .start();
/// let mut health = probe.watch();
/// health.wait_for(|health| *health == Some(Health::Up)).await?;
/// tokio::time::sleep(Duration::from_secs(1)).await;
/// assert_eq!(breaker.phase(), Phase::HalfOpen); // calls find out the rest
/// # Ok(())
/// # }
/// ```
#[must_use = "it does nothing before `start`"]
pub struct HealthProbe<K, C = TokioClock> {
    machine: Kept<Machine>,
    check: K,
    clock: C,
    streams: Streams,
    stop: CancellationToken,
    told: Told,
}

impl<K, F, E> HealthProbe<K>
where
    K: FnMut(Checking) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
{
    /// A probe that asks by `check`: `Ok` is up.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::health::HealthProbePolicy;
    /// use std::net::SocketAddr;
    /// use tokio::net::TcpStream;
    /// use evenkeel_tokio::{HealthProbe, health::Checking};
    ///
    /// async fn check(to: SocketAddr, checking: Checking) -> std::io::Result<()> {
    ///     println!("probe {}, {:?} left", checking.probe().to_word(), checking.timeout());
    ///     TcpStream::connect(to).await.map(drop) // dropped when the time is over: it need not look at it
    /// }
    /// # let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).build()?;
    /// let to = SocketAddr::from(([127, 0, 0, 1], 5432));
    /// let probe = HealthProbe::new(&policy, move |checking| check(to, checking));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn new(policy: &HealthProbePolicy, check: K) -> Self {
        Self {
            machine: Kept::new(Machine::new(*policy)),
            check,
            clock: TokioClock::default(),
            streams: Streams::of_the_process(),
            stop: CancellationToken::new(),
            told: Told::default(),
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
            told: self.told,
        }
    }

    /// Draws its jitter from a stream of these, instead of one of the process.
    pub fn streams(mut self, streams: &Streams) -> Self {
        self.streams = streams.clone();
        self
    }

    /// Takes down what it decides. Feature `journal`; see the module [`journal`](crate::journal).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::health::{HealthProbePolicy, Probed};
    /// # use evenkeel_tokio::{HealthProbe, journal::Journal};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).build()?;
    /// let journal = Journal::last(100_000);
    /// let probe = HealthProbe::new(&policy, |_| async { Ok::<(), ()>(()) }).record(&journal, "db").start();
    /// probe.on_traffic(Probed::Passed);
    /// assert_eq!(journal.ops(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "journal")]
    pub fn record(mut self, journal: &Journal, name: &str) -> Self {
        drop(self.machine.record(journal, name));
        self
    }

    /// Ends when this token is cancelled, too. It does not cancel it.
    pub fn stop(mut self, stop: &CancellationToken) -> Self {
        self.stop = stop.clone();
        self
    }

    /// Tells this breaker the health after every result: for a policy with `until_healthy`. May be said of several.
    pub fn breaker<D: Clock + 'static>(self, breaker: &SharedBreaker<D>) -> Self {
        let breaker = breaker.clone();
        self.feed(move |health| {
            // Its own listeners hear of the transitions.
            let _ = breaker.on_health(health);
        })
    }

    /// Calls this with the health after every result, in the task of the probe: for what is not one breaker.
    pub fn feed(mut self, fed: impl Fn(Health) + Send + 'static) -> Self {
        self.told.fed.push(Box::new(fed));
        self
    }

    /// Calls this at each change, once, in the task of the probe, never under a lock. May be said of several.
    pub fn on_change(mut self, listener: impl FnMut(&HealthChange) + Send + 'static) -> Self {
        self.told.listeners.push(Box::new(listener));
        self
    }
}

impl<K, F, E, C> HealthProbe<K, C>
where
    K: FnMut(Checking) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: 'static,
    C: Sleep + Send + Sync + 'static,
{
    /// Starts its task; the first check is made at once.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn start(self) -> ProbeHandle<C> {
        let state = State {
            machine: self.machine,
            changes: Vec::new(),
            gone: false,
        };
        let (shown, watch) = watch::channel(None);
        let shared = Arc::new(Shared {
            clock: self.clock,
            stop: self.stop.child_token(),
            told: Notify::new(),
            state: Mutex::new(state),
        });
        let prober = Prober {
            shared: Arc::clone(&shared),
            check: self.check,
            stream: self.streams.next(),
            told: self.told,
            shown,
            checking: None,
        };
        tokio::spawn(async move {
            let stop = prober.shared.stop.clone();
            // Dropped where it stands.
            let _ = stop.run_until_cancelled(prober.run()).await;
        });
        ProbeHandle { shared, watch }
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

/// A probe that runs: its task ends when this is dropped, or [`stop`](Self::stop) is called.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::breaker::Health;
/// use evenkeel_core::health::{HealthProbePolicy, Probed};
/// use evenkeel_tokio::HealthProbe;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).fall(2).build()?;
/// let probe = HealthProbe::new(&policy, |_checking| async { Err("connection refused") }).start();
/// probe.on_traffic(Probed::Failed); // what calls find counts, too
/// probe.on_traffic(Probed::Failed);
/// assert_eq!(probe.health(), Some(Health::Down));
/// # Ok(())
/// # }
/// ```
#[must_use = "its task ends when it is dropped"]
pub struct ProbeHandle<C = TokioClock> {
    shared: Arc<Shared<C>>,
    watch: watch::Receiver<Option<Health>>,
}

impl<C: Clock> ProbeHandle<C> {
    /// The verdict now; `None` before the first, and when the task has ended: nobody asks any more.
    #[must_use]
    pub fn health(&self) -> Option<Health> {
        let now_ns = self.shared.clock.now_ns();
        let state = self.shared.lock();
        let health = state.machine.health(now_ns);
        health.filter(|_| !state.gone)
    }

    /// What a call of the traffic found: it counts like a probe's result.
    pub fn on_traffic(&self, found: Probed) {
        let now_ns = self.shared.clock.now_ns();
        {
            let mut state = self.shared.lock();
            let receipt = state.machine.on_traffic(now_ns, found);
            state.changes.extend(receipt.changes());
        }
        self.shared.told.notify_one();
    }
}

impl<C> ProbeHandle<C> {
    /// A channel that is sent each change of the verdict; when the task has ended it shows `None`, and is closed.
    ///
    /// What its `borrow` returns holds a lock of the channel: the probe waits while you keep it.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Option<Health>> {
        self.watch.clone()
    }

    /// Ends its task.
    pub fn stop(self) {
        drop(self);
    }
}

impl<C> Drop for ProbeHandle<C> {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl<C: Clock> fmt::Debug for ProbeHandle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut handle = f.debug_struct("ProbeHandle");
        handle.field("health", &self.health()).finish()
    }
}
