//! A supervisor for threads: named children that are started again when they end, each by its own policy.
//!
//! The rules are core's ([`evenkeel_core::restart`]): when a child starts again, and when it has failed too often.
//! Here are the threads: one that watches, and one for each run.
//!
//! **A thread cannot be killed.** A worker is told to leave by its [`Stop`] token; one that does not look at it stays.
//! [`stop`](Supervisor::stop) waits for a time and names who did not leave. For work that must be killed make a child
//! process the work of the thread, as `examples/supervisor_processes.rs` does.
//!
//! **Shutdown.** Any thread may say [`stop`](Supervisor::stop), as the handler of ctrl-c does through an `Arc`; who
//! [waits](Supervisor::wait) is told.
//!
//! **Panics** of a worker are failures, their message is kept; an error whose text panics is one, too. A panic of the
//! listener is swallowed, and the listener is called again. A worker that was removed and is gone is dropped, under no
//! lock. **Drop** tells all children to stop and waits for none.
//!
//! | a worker | is |
//! |---|---|
//! | returns `Ok(())` | a clean exit: started again after a wait, or stopped, as `RestartOn` says |
//! | returns an error, or panics | a failure: started again after a wait, or escalated |
//! | ends after it was told to stop, however | stopped |

mod child;
#[cfg(feature = "journal")]
mod record;
mod report;
mod shared;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::restart::RestartPolicy;
use evenkeel_core::time;

use crate::clock::MonotonicClock;
use crate::sleep::Sleep;
use crate::stop::Stop;
use crate::streams::Streams;
use child::BoxError;
use shared::Shared;

pub use report::{
    AddError, ChildEvent, ChildEventKind, ChildStatus, Ended, Escalation, Failure, NoSuchChild,
    StopReport,
};

/// Keeps threads running; see the [module](self).
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::restart::{RestartOn, RestartPolicy};
/// use evenkeel_std::{Supervisor, TestClock, supervisor::Ended};
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(60));
/// let policy = RestartPolicy::builder(backoff)
///     .intensity(10, Duration::from_secs(600))
///     .cooldown(Duration::from_secs(300))
///     .restart_on(RestartOn::Failure)
///     .build()?;
///
/// let supervisor = Supervisor::with_clock(TestClock::new()); // `new()` where waits are to take their time
/// let runs = AtomicU32::new(0);
/// supervisor.add("feed", &policy, move |_stop| match runs.fetch_add(1, Ordering::Relaxed) {
///     0 | 1 => Err("connection reset"), // crashes twice, and is started again
///     _ => Ok(()),                      // then it is done
/// })?;
/// assert_eq!(supervisor.wait(), Ended::AllAtRest);
/// let status = &supervisor.status()[0];
/// assert_eq!((status.restarts, status.phase.name()), (2, "stopped"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "its children are told to stop when it is dropped"]
pub struct Supervisor<C: Sleep + 'static = MonotonicClock> {
    shared: Arc<Shared<C>>,
}

impl Supervisor {
    /// Without children, on the monotonic clock.
    pub fn new() -> Self {
        Self::with_clock(MonotonicClock)
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Sleep + 'static> Supervisor<C> {
    /// Without children, on this clock.
    pub fn with_clock(clock: C) -> Self {
        Self::with(clock, &Streams::of_the_process(), |_| {})
    }

    /// Without children; draws its jitter from a stream of `streams`, and tells `listener` what happens to its
    /// children: in order, on the thread that watches, never under a lock. What blocks there blocks all restarts.
    ///
    /// # Panics
    /// When the system has no thread for it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// # use evenkeel_std::{Streams, TestClock};
    /// let log = |event: &ChildEvent| println!("{} {}: {:?}", event.at_ns, event.name, event.kind);
    /// let supervisor = Supervisor::with(TestClock::new(), &Streams::seeded(7), log);
    /// supervisor.add("feed", &policy, |stop| -> Result<(), String> { stop.wait(); Ok(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with(
        clock: C,
        streams: &Streams,
        listener: impl FnMut(&ChildEvent) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::new(clock, streams.next()));
        watch::watch(&shared, Box::new(listener));
        Self { shared }
    }

    /// Adds a child, which starts at once: `work` runs in a thread of its name, and leaves when its token says so.
    ///
    /// # Errors
    /// When there is a child of that name, and after [`stop`](Self::stop).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// let supervisor = Supervisor::new();
    /// let polite = |stop: &Stop| -> Result<(), String> { stop.wait(); Ok(()) };
    /// supervisor.add("feed", &policy, polite)?;
    /// assert!(supervisor.add("feed", &policy, polite).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add<W, E>(&self, name: &str, policy: &RestartPolicy, work: W) -> Result<(), AddError>
    where
        W: Fn(&Stop) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        let work = move |stop: &Stop| work(stop).map_err(Into::into);
        self.shared.add(name, policy, Arc::new(work))
    }

    /// Tells a child to stop: no further run. Does not wait for it; [`rearm`](Self::rearm) starts it again.
    ///
    /// # Errors
    /// When there is no child of that name.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// let supervisor = Supervisor::new();
    /// supervisor.add("feed", &policy, |stop| -> Result<(), String> { stop.wait(); Ok(()) })?;
    /// supervisor.stop_child("feed")?;
    /// assert_eq!(supervisor.wait(), Ended::AllAtRest);
    /// assert!(supervisor.stop_child("fed").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stop_child(&self, name: &str) -> Result<(), NoSuchChild> {
        self.shared
            .command(name, |child, now_ns, _| child.stop(now_ns))
    }

    /// Starts a child at once, whether it waits, has escalated or was stopped; its earlier failures are forgotten, and
    /// an escalation that [`wait`](Self::wait) has not returned yet. A run in flight goes on; where that was told to
    /// stop, the next one starts as soon as it is gone. After [`stop`](Self::stop) it does nothing.
    ///
    /// # Errors
    /// When there is no child of that name.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// let supervisor = Supervisor::new();
    /// supervisor.add("feed", &policy, |stop| -> Result<(), String> { stop.wait(); Ok(()) })?;
    /// supervisor.stop_child("feed")?;
    /// supervisor.rearm("feed")?;
    /// assert_ne!(supervisor.status()[0].phase, RestartPhase::Stopped);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rearm(&self, name: &str) -> Result<(), NoSuchChild> {
        self.shared.command(name, |child, now_ns, stopping| {
            if !stopping.0 {
                child.rearm(now_ns);
            }
        })
    }

    /// Tells a child to stop, and forgets it once its run is gone. Its name is free from then on.
    ///
    /// # Errors
    /// When there is no child of that name.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// let supervisor = Supervisor::new();
    /// supervisor.add("feed", &policy, |stop| -> Result<(), String> { stop.wait(); Ok(()) })?;
    /// supervisor.remove("feed")?;
    /// while !supervisor.status().is_empty() {
    ///     std::thread::yield_now(); // its run is on its way out
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove(&self, name: &str) -> Result<(), NoSuchChild> {
        self.shared
            .command(name, |child, now_ns, _| child.remove(now_ns))
    }

    /// How the children stand, in the order in which they were added.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// let supervisor = Supervisor::new();
    /// supervisor.add("feed", &policy, |stop| -> Result<(), String> { stop.wait(); Ok(()) })?;
    /// for child in supervisor.status() {
    ///     println!("{child}"); // feed: running, 0 restarts
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn status(&self) -> Vec<ChildStatus> {
        self.shared.status()
    }

    /// Blocks until a child has failed too often, until none runs and none will, or until somebody says
    /// [`stop`](Self::stop). Each escalation is returned once, the oldest first; not one that `rearm` or `remove` has
    /// settled.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// let supervisor = Supervisor::new();
    /// assert_eq!(supervisor.wait(), Ended::AllAtRest); // there is none
    /// # let builder = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1)));
    /// let policy = builder.intensity(0, Duration::from_secs(60)).build()?;
    /// supervisor.add("feed", &policy, |_stop| Err("no route to host"))?;
    /// assert!(matches!(supervisor.wait(), Ended::Escalated(escalation) if escalation.child == "feed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self) -> Ended {
        self.shared.wait()
    }

    /// Tells all children to stop, and waits until they have left and the listener has heard of it, or for `within`;
    /// with a span of zero it only tells them. From then on [`wait`](Self::wait) returns at once, and nothing starts.
    ///
    /// Any thread may say it, also while another waits, and more than once: each call waits, and reports who still
    /// runs. A worker or the listener that calls it would wait for itself, for `within`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// use std::sync::Arc;
    ///
    /// let supervisor = Arc::new(Supervisor::new());
    /// supervisor.add("feed", &policy, |stop| -> Result<(), String> { stop.wait(); Ok(()) })?;
    /// let stopping = Arc::clone(&supervisor);
    /// let on_ctrl_c = move || drop(stopping.stop(Duration::ZERO)); // for the handler of your choice
    /// # std::thread::spawn(on_ctrl_c);
    /// while let Ended::Escalated(escalation) = supervisor.wait() {
    ///     eprintln!("{escalation}");
    /// }
    /// assert!(supervisor.stop(Duration::from_secs(60)).is_clean()); // gives them the time to leave
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// let supervisor = Supervisor::new();
    /// supervisor.add("feed", &policy, |stop| -> Result<(), String> { stop.wait(); Ok(()) })?;
    /// assert!(supervisor.stop(Duration::from_secs(60)).is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stop(&self, within: Duration) -> StopReport {
        let clock = &self.shared.clock;
        let at_ns = time::after(clock.now_ns(), within).unwrap_or(u64::MAX);
        self.shared.stop_all();
        let still_running = self.shared.wait_for_exits(at_ns);
        StopReport { still_running }
    }
}

impl<C: Sleep + 'static> Drop for Supervisor<C> {
    fn drop(&mut self) {
        self.shared.stop_all();
    }
}

impl<C: Sleep + 'static> fmt::Debug for Supervisor<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut supervisor = f.debug_struct("Supervisor");
        supervisor.field("children", &self.status()).finish()
    }
}
