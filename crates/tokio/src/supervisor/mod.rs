//! A supervisor for tasks: named children that are started again when they end, each by its own policy.
//!
//! The rules are core's ([`evenkeel_core::restart`]): when a child starts again, and when it has failed too often.
//! Here are the tasks: one that drives, and one for each run, in a `JoinSet` of the first.
//!
//! **Drop** of the [`Supervisor`] aborts all children: at their next await point they are gone, with all that they
//! hold. [`stop`](Supervisor::stop) is the graceful way: it tells them, waits for a time, and aborts and names those
//! that did not leave; what they held is gone when it returns. **Panics** of a worker are failures, their message is kept; a panic of the listener is
//! swallowed, and the listener is called again. **Shutdown** of the runtime drops all; a [`wait`](Supervisor::wait) of
//! another runtime then returns [`Ended::Gone`], and [`add`](Supervisor::add) is an error. **Cancel safety**: `wait` loses nothing; a `stop` that is dropped aborts all.
//!
//! | a worker | is |
//! |---|---|
//! | returns `Ok(())` | a clean exit: started again after a wait under `RestartOn::Always` (the default), else stopped |
//! | returns an error, or panics, or was aborted by others | a failure: started again after a wait, or escalated |
//! | ends after it was told to stop, however | stopped |

mod child;
#[cfg(feature = "journal")]
mod record;
mod report;
mod shared;

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_core::restart::{RestartPolicy, RunId};
use evenkeel_core::time;
use evenkeel_std::Streams;
use evenkeel_std::driver::{Failed, discard, quietly};
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::{Sleep, SleepUntil, TokioClock};
use report::BoxError;
use shared::Shared;

pub use evenkeel_std::supervisor::{
    AddError, ChildEvent, ChildEventKind, ChildStatus, Ended, Escalation, Failure, NoSuchChild,
};
pub use report::StopReport;

/// How long a graceful stop waits for those that it has aborted.
const ABORTED_WITHIN: Duration = Duration::from_millis(100);

/// Keeps tasks running; see the [module](self).
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::restart::{RestartOn, RestartPolicy};
/// use evenkeel_tokio::{Supervisor, supervisor::Ended};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(60));
/// let policy = RestartPolicy::builder(backoff)
///     .intensity(10, Duration::from_secs(600))
///     .cooldown(Duration::from_secs(300))
///     .restart_on(RestartOn::Failure)
///     .build()?;
///
/// let supervisor = Supervisor::new();
/// let runs = Arc::new(AtomicU32::new(0));
/// supervisor.add("feed", &policy, move |_stop| {
///     let runs = Arc::clone(&runs);
///     async move {
///         match runs.fetch_add(1, Ordering::Relaxed) {
///             0 | 1 => Err("connection reset"), // crashes twice, and is started again
///             _ => Ok(()),                      // then it is done
///         }
///     }
/// })?;
/// assert_eq!(supervisor.wait().await, Ended::AllAtRest);
/// let status = &supervisor.status()[0];
/// assert_eq!((status.restarts, status.phase.name()), (2, "stopped"));
/// # Ok(())
/// # }
/// ```
#[must_use = "its children are aborted when it is dropped"]
pub struct Supervisor<C: Sleep + Send + Sync + 'static = TokioClock> {
    shared: Arc<Shared<C>>,
    driver: AbortHandle,
}

impl Supervisor {
    /// Without children, on tokio's clock.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new() -> Self {
        Self::with_clock(TokioClock::default())
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Sleep + Send + Sync + 'static> Supervisor<C> {
    /// Without children, on this clock.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn with_clock(clock: C) -> Self {
        Self::with(clock, &Streams::of_the_process(), |_| {})
    }

    /// Without children; draws its jitter from a stream of `streams`, and tells `listener` what happens to its
    /// children: in order, in the task that drives, never under a lock. What blocks there blocks all restarts.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn with(
        clock: C,
        streams: &Streams,
        listener: impl FnMut(&ChildEvent) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::new(clock, streams.next()));
        let driver = Driver {
            shared: Arc::clone(&shared),
            tasks: JoinSet::new(),
            runs: HashMap::new(),
        };
        let driver = tokio::spawn(driver.run(listener)).abort_handle();
        Self { shared, driver }
    }

    /// Adds a child, which starts at once: `work` makes the future of a run, which leaves when its token is cancelled.
    ///
    /// # Errors
    /// When there is a child of that name, and when the runtime of the supervisor is gone.
    pub fn add<W, F, E>(&self, name: &str, policy: &RestartPolicy, work: W) -> Result<(), AddError>
    where
        W: Fn(CancellationToken) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let work = Arc::new(work);
        let work = move |stop| -> child::Run {
            let work = Arc::clone(&work);
            // Called in the task of the run, so that a panic of the call is the run's.
            Box::pin(async move {
                let run = work(stop);
                drop(work);
                run.await.map_err(Into::into)
            })
        };
        self.shared.add(name, policy, Arc::new(work))
    }

    /// Tells a child to stop: no further run. Does not wait for it; [`rearm`](Self::rearm) starts it again.
    ///
    /// # Errors
    /// When there is no child of that name.
    pub fn stop_child(&self, name: &str) -> Result<(), NoSuchChild> {
        self.shared.stop_child(name)
    }

    /// Stops a child, and aborts its run: for one that does not listen to its token.
    ///
    /// # Errors
    /// When there is no child of that name.
    pub fn abort_child(&self, name: &str) -> Result<(), NoSuchChild> {
        self.shared.abort_child(name)
    }

    /// Starts a child at once, whether it waits, has escalated or was stopped; its earlier failures are forgotten. A
    /// run in flight goes on; where that was told to stop, the next one starts as soon as it is gone.
    ///
    /// # Errors
    /// When there is no child of that name.
    pub fn rearm(&self, name: &str) -> Result<(), NoSuchChild> {
        self.shared.rearm(name)
    }

    /// Tells a child to stop, and forgets it once its run is gone. Its name is free from then on.
    ///
    /// # Errors
    /// When there is no child of that name.
    pub fn remove(&self, name: &str) -> Result<(), NoSuchChild> {
        self.shared.remove(name)
    }

    /// How the children stand, in the order in which they were added.
    #[must_use]
    pub fn status(&self) -> Vec<ChildStatus> {
        self.shared.status()
    }

    /// A channel that is sent how the children stand, at each start, exit and command.
    ///
    /// What its `borrow` returns holds a lock of the channel: a call of the supervisor while you keep it waits for
    /// itself. Clone what it shows, or drop it first.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Vec<ChildStatus>> {
        self.shared.watch()
    }

    /// Waits until a child has failed too often, or until none runs and none will. Each escalation is returned once,
    /// unless the child was rearmed or removed before.
    ///
    /// **Cancel safe**: an escalation that was not returned is returned by the next call.
    pub async fn wait(&self) -> Ended {
        loop {
            // Made before the look, so that no change falls between.
            let changed = self.shared.changed.notified();
            if let Some(ended) = self.shared.ended() {
                return ended;
            }
            changed.await;
        }
    }

    /// Tells all children to stop, waits until they have left, or for `within`, and aborts those that have not. For these
    /// it waits a tenth of a second more at most: what they hold is dropped when it returns, unless they block.
    ///
    /// Dropped before it is ready, it aborts all, as [`Supervisor`]'s drop does.
    pub async fn stop(self, within: Duration) -> StopReport {
        let shared = &self.shared;
        let at_ns = time::after(shared.clock.now_ns(), within).unwrap_or(u64::MAX);
        shared.stop_all();
        if shared.settles(shared.clock.sleep_until(at_ns)).await {
            return StopReport::default();
        }
        let aborted = shared.abort_all();
        let at_ns = time::after(shared.clock.now_ns(), ABORTED_WITHIN).unwrap_or(u64::MAX);
        let left = shared.settles(shared.clock.sleep_until(at_ns)).await;
        let still_running = if left { Vec::new() } else { shared.running() };
        StopReport {
            aborted,
            still_running,
        }
    }
}

impl<C: Sleep> Shared<C> {
    /// Waits until no child runs, and all was told: whether that came before `over`.
    async fn settles(&self, over: SleepUntil<C>) -> bool {
        let mut over = pin!(over);
        loop {
            // Made before the look, so that no change falls between.
            let mut changed = pin!(self.changed.notified());
            if self.is_settled() {
                return true;
            }
            let is_over = poll_fn(|cx| match changed.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(false),
                Poll::Pending => over.as_mut().poll(cx).map(|()| true),
            });
            if is_over.await {
                return false;
            }
        }
    }
}

impl<C: Sleep + Send + Sync + 'static> Drop for Supervisor<C> {
    fn drop(&mut self) {
        self.shared.abort_all();
        self.driver.abort();
    }
}

impl<C: Sleep + Send + Sync + 'static> fmt::Debug for Supervisor<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut supervisor = f.debug_struct("Supervisor");
        supervisor.field("children", &self.status()).finish()
    }
}

/// What the task that drives has.
struct Driver<C: Sleep> {
    shared: Arc<Shared<C>>,
    tasks: JoinSet<Result<(), Failed>>,
    /// Whose run a task is.
    runs: HashMap<Id, (u64, RunId)>,
}

type Joined = Result<(Id, Result<(), Failed>), JoinError>;

impl<C: Sleep> Driver<C> {
    async fn run(mut self, mut listener: impl FnMut(&ChildEvent)) {
        loop {
            let shared = Arc::clone(&self.shared);
            // Made before the look, so that no change falls between.
            let mut changed = pin!(shared.changed.notified());
            let (starts, events, deadline_ns) = shared.step();
            for event in &events {
                // The listener's own panic hook has said it; a supervisor that dies of it would help nobody.
                quietly(|| listener(event));
            }
            if !events.is_empty() {
                shared.told();
            }
            for start in starts {
                let task = self.tasks.spawn(report::said((start.work)(start.stop)));
                self.runs.insert(task.id(), (start.key, start.run));
                shared.spawned(start.key, task);
            }
            let mut sleep = pin!(deadline_ns.map(|at_ns| shared.clock.sleep_until(at_ns)));
            let joined = poll_fn(|cx| {
                if let Poll::Ready(joined) = self.poll_joined(cx) {
                    return Poll::Ready(Some(joined));
                }
                let due = sleep.as_mut().as_pin_mut();
                if changed.as_mut().poll(cx).is_ready()
                    || due.is_some_and(|due| due.poll(cx).is_ready())
                {
                    return Poll::Ready(None);
                }
                Poll::Pending
            })
            .await;
            if let Some(joined) = joined {
                self.exited(joined);
            }
        }
    }

    fn poll_joined(&mut self, cx: &mut Context<'_>) -> Poll<Joined> {
        // None where no task is in the set: a start will wake it.
        match self.tasks.poll_join_next_with_id(cx) {
            Poll::Ready(Some(joined)) => Poll::Ready(joined),
            _ => Poll::Pending,
        }
    }

    fn exited(&mut self, joined: Joined) {
        let (id, ended) = match joined {
            Ok((id, ended)) => (id, Ok(ended)),
            Err(error) => (error.id(), Err(error)),
        };
        if let Some((key, run)) = self.runs.remove(&id) {
            let failure = report::failure(ended, self.shared.clock.now_ns());
            let forgotten = self.shared.exited(key, run, failure);
            discard(forgotten);
        }
    }
}

/// Aborted with its supervisor, or dropped with its runtime: its runs go with it.
impl<C: Sleep> Drop for Driver<C> {
    fn drop(&mut self) {
        self.tasks.abort_all();
        self.shared.gone();
    }
}
