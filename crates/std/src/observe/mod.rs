//! Watching handles at work: tracing events and metrics, off the path of the calls.
//!
//! An [`Observer`] is told which handles to watch, each under a name. It shows their counters, which they keep anyway,
//! as [`metrics`](https://docs.rs/metrics), and tells their transitions as [`tracing`](https://docs.rs/tracing) events:
//! the features `metrics` and `tracing`, each on its own. All names, labels and levels are in `docs/observability.md`.
//!
//! What there is to watch is named to the observer, `observer.breaker(name, &handle)`; what is yet to be made takes an
//! observer of its own, `observer.retry(name)`, `.health(name)`, `.supervisor(name)`.
//!
//! **A call pays nothing for being watched**, and a subscriber or recorder that is slow slows nobody: what a transition
//! has to tell goes into a bounded queue, and the observer's own thread tells it. When the queue is full, events are
//! dropped and counted; counters miss nothing. (Spans of an observed retry are the exception, as they
//! are the caller's context: see [`RetryObserver`].)
//!
//! **The state that is shown is right also when nobody calls**: the thread makes the transitions of a breaker that are
//! due by time alone, so that an open breaker is seen to become half-open when it does.
//!
//! **Whose subscriber, whose recorder.** Both are those of the thread that calls the observer: the subscriber at
//! [`new`](Observer::new) (or the global one when it tells, if there was none), the recorder when a handle is named to
//! it. So install a recorder first.

mod breaker;
#[cfg(feature = "metrics")]
mod breaker_series;
mod builder;
#[cfg(feature = "metrics")]
mod durations;
#[cfg(feature = "tracing")]
mod events;
#[cfg(feature = "metrics")]
mod gauges;
mod health;
mod link;
mod operation;
mod queue;
mod retry;
#[cfg(feature = "metrics")]
mod series;
mod shared;
mod supervisor;

#[cfg(feature = "metrics")]
use std::hash::Hash;
use std::sync::Arc;

use evenkeel_core::health::HealthChange;

use crate::breaker::SharedBreaker;
#[cfg(feature = "metrics")]
use crate::budget::{SharedRatio, SharedTokens};
use crate::clock::Clock;
use crate::reconnect::LinkReport;
use crate::supervisor::ChildEvent;
#[cfg(feature = "metrics")]
use crate::table::SharedBreakerTable;
#[cfg(feature = "metrics")]
use crate::throttle::SharedThrottle;
use shared::{Owner, Shared};

pub use builder::ObserverBuilder;
pub(crate) use operation::{Operation, Scope};
pub use retry::RetryObserver;

/// Watches handles, and tells tracing and metrics of them; see the [module](self). A clone is the same observer.
///
/// Keep it: watching ends when the last clone is dropped, or by [`stop`](Self::stop). It keeps a clone of each handle
/// that it watches; handles that come and go belong into a table.
///
/// Two handles of one kind must not have the same name: their metrics would be the same series.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
/// use evenkeel_std::{SharedBreaker, observe::Observer};
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 5 });
/// // Without `count_all` successes that cost nothing are not counted.
/// let breaker = SharedBreaker::builder(policy.build()?).count_all(true).build();
///
/// let observer = Observer::new();
/// observer.breaker("checkout", &breaker);
/// // .. the service at work; where metrics are scraped, just before that:
/// observer.publish();
/// // .. and at its end, so that nothing is left untold:
/// observer.stop();
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "watching ends when it is dropped"]
#[derive(Clone, Debug)]
pub struct Observer {
    owner: Arc<Owner>,
}

impl Default for Observer {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer {
    /// Watches nothing yet; its thread starts with the first handle. Metrics are published every 5 s, and 1 024 events
    /// may wait; for others see [`builder`](Self::builder).
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Another span between two publications, another queue, no thread.
    pub fn builder() -> ObserverBuilder {
        ObserverBuilder::new()
    }

    /// Watches a breaker: its phase, calls and transitions. Its due transitions are made, too, so that its listeners
    /// hear of them when they happen.
    ///
    /// Its counters are those of [`stats`](SharedBreaker::stats): all are exact, but for successes that cost nothing
    /// where only failures in a row count. To see those, build the breaker with
    /// [`count_all(true)`](crate::SharedBreakerBuilder::count_all).
    ///
    /// # Panics
    /// When the system has no thread for the observer.
    pub fn breaker<C: Clock + 'static>(&self, name: &str, breaker: &SharedBreaker<C>) {
        let watched = breaker::watch(self.shared(), name, breaker);
        self.owner.watch(watched);
    }

    /// Watches a table of breakers: its keys, and the calls of all of them together. It tells of no key by itself, and
    /// no event: a few that you name are better watched as a [`SharedBreaker`] each. With the feature `metrics` only.
    ///
    /// # Panics
    /// When the system has no thread for the observer.
    #[cfg(feature = "metrics")]
    pub fn breaker_table<K, C>(&self, name: &str, table: &SharedBreakerTable<K, C>)
    where
        K: Hash + Eq + Send + 'static,
        C: Clock + 'static,
    {
        self.owner.watch(gauges::breaker_table(name, table));
    }

    /// Watches a bucket of retry tokens: its balance. With the feature `metrics` only.
    ///
    /// # Panics
    /// When the system has no thread for the observer.
    #[cfg(feature = "metrics")]
    pub fn tokens<C: Clock + 'static>(&self, name: &str, tokens: &SharedTokens<C>) {
        self.owner.watch(gauges::tokens(name, tokens));
    }

    /// Watches a retry ratio: how many retries it allows. With the feature `metrics` only.
    ///
    /// # Panics
    /// When the system has no thread for the observer.
    #[cfg(feature = "metrics")]
    pub fn ratio<C: Clock + 'static>(&self, name: &str, ratio: &SharedRatio<C>) {
        self.owner.watch(gauges::ratio(name, ratio));
    }

    /// Watches an adaptive throttle: what it remembers, and which share it rejects. With the feature `metrics` only.
    ///
    /// # Panics
    /// When the system has no thread for the observer.
    #[cfg(feature = "metrics")]
    pub fn throttle<C: Clock + 'static>(&self, name: &str, throttle: &SharedThrottle<C>) {
        self.owner.watch(gauges::throttle(name, throttle));
    }

    /// Observes the operations that it is given to, under one name: see [`RetryObserver`].
    ///
    /// # Panics
    /// When the system has no thread for the observer.
    #[must_use = "it is to be given to retries"]
    pub fn retry(&self, name: &str) -> RetryObserver {
        let observer = RetryObserver::new(name);
        self.owner.watch(observer.watched());
        observer
    }

    /// Watches a link: `report` says how it stands, as `move || status.now()` does for a
    /// [`Status`](crate::reconnect::Status). It is looked at whenever metrics are published; what came and went in
    /// between is not seen.
    ///
    /// # Panics
    /// When the system has no thread for the observer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
    /// use evenkeel_std::{Reconnect, observe::Observer};
    ///
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    /// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10)).build()?;
    /// let reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(()));
    /// let observer = Observer::new();
    /// let status = reconnect.status();
    /// observer.link("feed", move || status.now());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn link(&self, name: &str, report: impl Fn() -> LinkReport + Send + Sync + 'static) {
        let watched = link::watch(self.shared(), name, report);
        self.owner.watch(watched);
    }

    /// Watches a health probe: give what it returns to [`on_change`](crate::HealthProbe::on_change).
    ///
    /// # Panics
    /// When the system has no thread for the observer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use evenkeel_core::health::HealthProbePolicy;
    /// use evenkeel_std::{HealthProbe, observe::Observer};
    ///
    /// let policy = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).build()?;
    /// let observer = Observer::new();
    /// let probe = HealthProbe::new(&policy, |_checking| Ok::<(), std::io::Error>(()))
    ///     .on_change(observer.health("database"))
    ///     .start();
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use = "it is to be given to the probe"]
    pub fn health(&self, name: &str) -> impl FnMut(&HealthChange) + Send + 'static + use<> {
        let (watched, listener) = health::watch(self.shared(), name);
        self.owner.watch(watched);
        listener
    }

    /// Watches the children of a supervisor: give what it returns to [`Supervisor::with`](crate::Supervisor::with).
    ///
    /// # Panics
    /// When the system has no thread for the observer.
    ///
    /// ```
    /// use evenkeel_std::{MonotonicClock, Streams, Supervisor, observe::Observer};
    ///
    /// let observer = Observer::new();
    /// let supervisor = Supervisor::with(MonotonicClock, &Streams::of_the_process(), observer.supervisor("workers"));
    /// ```
    #[must_use = "it is to be given to the supervisor"]
    pub fn supervisor(&self, name: &str) -> impl FnMut(&ChildEvent) + Send + 'static + use<> {
        let (watched, listener) = supervisor::watch(self.shared(), name);
        self.owner.watch(watched);
        listener
    }

    /// Sets all metrics to what holds now. The observer's thread does so every few seconds; a handler of scrapes calls
    /// it just before it renders. It also makes the transitions of breakers that are due.
    ///
    /// It runs the recorder on this thread, and waits for nobody. (Without a thread it also tells the events that
    /// wait.)
    pub fn publish(&self) {
        self.owner.publish();
    }

    /// Ends watching, for all clones: what happened until now is told and published first, which this waits for.
    ///
    /// Where a subscriber or recorder blocks for good, so does this; dropping the observer instead waits for nobody.
    /// Called by one of those on the observer's thread it does not wait.
    pub fn stop(&self) {
        self.owner.stop();
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.owner.shared
    }
}
