//! A blocking reconnect loop: a function that connects becomes a row of live links.
//!
//! The rules are core's ([`evenkeel_core::reconnect`]): when to try, what a silent link is, what resets the backoff.
//!
//! **Blocking calls cannot be interrupted.** The connector is told its [timeout](Connecting::timeout) and has to keep
//! it; a link that it brings too late is closed (dropped), and counts as a connect timeout. Who reads hands
//! [`read_timeout`](Live::read_timeout) to the socket, and asks [`is_live`](Live::is_live) when a read timed out.
//! [`stop`](Reconnect::stop) ends a wait at once, and a connect as soon as the connector returns.
//!
//! **Drop.** A dropped [`Live`] is a lost link, also in a panic: said when the connection itself is gone. Dropping the
//! [`Reconnect`] ends nothing: a link that lives goes on, nobody makes another. **Panics** of the connector, of the
//! classifier and of an error's text count as a failed try and go on up.

mod connecting;
mod line;
mod live;
#[cfg(feature = "journal")]
mod record;
mod report;
mod status;

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::reconnect::{
    GaveUpBy, LinkAction, LinkEvent, LinkId, Reconnect as Machine, ReconnectPolicy,
};
use evenkeel_core::time;
use thiserror::Error;

use crate::classified::Classified;
use crate::clock::MonotonicClock;
use crate::driver::Kept;
use crate::sleep::Sleep;
use crate::stop::Stop;
use crate::streams::Streams;
use line::Line;

pub use connecting::Connecting;
pub use live::Live;
pub use report::LinkReport;
pub use status::Status;

/// A link that is made again when it is lost.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
/// use evenkeel_std::{Reconnect, TestClock};
/// use evenkeel_std::reconnect::Ended;
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
/// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10))
///     .silence_limit(Duration::from_secs(45))
///     .build()?;
///
/// // A server that refuses twice, and then takes the connection: a line of text that is read once.
/// let mut answers = [Err("refused"), Err("refused"), Ok("a line")].into_iter();
/// let mut reconnect = Reconnect::new(&policy, |_connecting| answers.next().unwrap_or(Err("gone")))
///     .clock(TestClock::new()); // so that this example does not wait
/// let live = reconnect.next_link()?;
/// assert_eq!(*live, "a line");
/// live.on_frame(); // for each frame: data, ping or pong
/// assert!(!reconnect.status().now().is_degraded());
/// live.lost("end of file"); // or drop it
/// assert!(reconnect.status().now().is_degraded());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reconnect<F, L, E, C = MonotonicClock, K = fn(&E) -> Classified> {
    connect: F,
    classify: K,
    line: Arc<Line<C>>,
    last: Option<E>,
    links: PhantomData<fn() -> L>,
}

/// Why there is no further link.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, reconnect::{GaveUpBy, ReconnectPolicy}};
/// use evenkeel_std::{Classified, Reconnect, TestClock, reconnect::Ended};
///
/// let backoff = BackoffPolicy::builder(Duration::from_secs(1));
/// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(5)).build()?;
/// let mut reconnect = Reconnect::new(&policy, |_| Err::<(), _>("bad credentials"))
///     .classify(|_| Classified::permanent())
///     .clock(TestClock::new());
/// let ended = reconnect.next_link().map(|_| ()).unwrap_err();
/// assert_eq!(ended, Ended::GaveUp { by: GaveUpBy::Advised, last: Some("bad credentials") });
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Ended<E> {
    /// Somebody said stop.
    #[error("stopped")]
    Stopped,
    /// The policy allows no further try, or the server said not to come back.
    #[error("gave up: {by}")]
    GaveUp {
        /// Why.
        by: GaveUpBy,
        /// The last error of the connector.
        last: Option<E>,
    },
}

impl<F, L, E> Reconnect<F, L, E>
where
    F: FnMut(Connecting) -> Result<L, E>,
{
    /// A link that `connect` makes; the first try is made by [`next_link`](Self::next_link).
    pub fn new(policy: &ReconnectPolicy, connect: F) -> Self {
        let line = Line::new(
            Kept::new(Machine::new(*policy)),
            MonotonicClock,
            Streams::of_the_process(),
            Stop::new(),
        );
        Self {
            connect,
            classify: |_| Classified::transient(),
            line: Arc::new(line),
            last: None,
            links: PhantomData,
        }
    }
}

/// With what: say it before [`status`](Reconnect::status), which else shows a link that is never made.
impl<F, L, E, C, K> Reconnect<F, L, E, C, K> {
    /// Reads and sleeps on this clock.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use evenkeel_std::{Classified, Clock, Reconnect, Stop, Streams, TestClock};
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(5));
    /// # let policy = builder.silence_limit(Duration::from_secs(30)).build()?;
    /// let clock = TestClock::new();
    /// let mut answers = [Err("refused"), Ok("link")].into_iter();
    /// let mut reconnect = Reconnect::new(&policy, |_| answers.next().unwrap_or(Err("gone"))).clock(&clock);
    /// let _live = reconnect.next_link()?;
    /// assert_eq!(clock.now_ns(), 1_000_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock<C2: Sleep>(self, clock: C2) -> Reconnect<F, L, E, C2, K> {
        let line = &self.line;
        let line = Line::new(
            line.take_machine(),
            clock,
            line.streams.clone(),
            line.stop.clone(),
        );
        self.with(Arc::new(line), |classify| classify)
    }

    /// Draws its jitter from a stream of these, instead of one of the process.
    pub fn streams(self, streams: &Streams) -> Self
    where
        C: Clone,
    {
        let line = &self.line;
        let line = Line::new(
            line.take_machine(),
            line.clock.clone(),
            streams.clone(),
            line.stop.clone(),
        );
        self.with(Arc::new(line), |classify| classify)
    }

    /// Ends when this token says so: a wait at once, a connect when the connector returns.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use evenkeel_std::{Classified, Clock, Reconnect, Stop, Streams, TestClock};
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(5));
    /// # let policy = builder.silence_limit(Duration::from_secs(30)).build()?;
    /// let stop = Stop::new();
    /// let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(())).stop(&stop);
    /// stop.stop();
    /// assert!(reconnect.next_link().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stop(self, stop: &Stop) -> Self
    where
        C: Clone,
    {
        let line = &self.line;
        let line = Line::new(
            line.take_machine(),
            line.clock.clone(),
            line.streams.clone(),
            stop.clone(),
        );
        self.with(Arc::new(line), |classify| classify)
    }

    /// Says what a connector's error means. Permanent: there is no further try. `retry_after`: the server said when to
    /// come back. All else is a failed try, which is what every error is without this.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use evenkeel_std::{Classified, Clock, Reconnect, Stop, Streams, TestClock};
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(5));
    /// # let policy = builder.silence_limit(Duration::from_secs(30)).build()?;
    /// let mut reconnect = Reconnect::new(&policy, |_| Err::<(), _>(401))
    ///     .classify(|status| if *status == 401 { Classified::permanent() } else { Classified::transient() });
    /// let error = reconnect.next_link().map(drop).unwrap_err();
    /// assert_eq!(error.to_string(), "gave up: the server said not to come back");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn classify<K2>(self, classify: K2) -> Reconnect<F, L, E, C, K2>
    where
        K2: Fn(&E) -> Classified,
    {
        let line = Arc::clone(&self.line);
        self.with(line, |_| classify)
    }

    fn with<C2, K2>(
        self,
        line: Arc<Line<C2>>,
        classify: impl FnOnce(K) -> K2,
    ) -> Reconnect<F, L, E, C2, K2> {
        Reconnect {
            connect: self.connect,
            classify: classify(self.classify),
            line,
            last: self.last,
            links: PhantomData,
        }
    }

    /// A handle that shows how the link stands, also while another thread waits in [`next_link`](Self::next_link).
    #[must_use]
    pub fn status(&self) -> Status<C> {
        Status::of(&self.line)
    }
}

impl<F, L, E, C, K> Reconnect<F, L, E, C, K>
where
    F: FnMut(Connecting) -> Result<L, E>,
    E: fmt::Display,
    C: Sleep,
    K: Fn(&E) -> Classified,
{
    /// Blocks until a link is up. While the link before still lives, it waits for its end: drop it before you ask for
    /// the next, or ask in another thread than the one that reads.
    ///
    /// # Errors
    /// When somebody said stop, and where core gives up.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use evenkeel_std::{Classified, Clock, Reconnect, Stop, Streams, TestClock};
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(5));
    /// # let policy = builder.silence_limit(Duration::from_secs(30)).build()?;
    /// let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(())).clock(TestClock::new());
    /// for number in 1..=3 {
    ///     let live = reconnect.next_link()?;
    ///     assert_eq!(live.id().to_word(), number);
    /// } // dropped: lost, and made again
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_link(&mut self) -> Result<Live<L, C>, Ended<E>> {
        loop {
            if self.line.stop.is_stopped() {
                self.line.end();
                return Err(Ended::Stopped);
            }
            let (action, now_ns, deadline_ns) = self.line.poll();
            match action {
                LinkAction::Connect {
                    link,
                    timeout_at_ns,
                } => {
                    let timeout_ns = timeout_at_ns.unwrap_or(u64::MAX);
                    let connecting = Connecting {
                        link,
                        timeout: time::until(now_ns, timeout_ns).max(Duration::from_nanos(1)),
                        attempt: self.line.report().attempt(),
                        stop: self.line.stop.clone(),
                    };
                    if let Some(live) = self.try_connect(link, connecting) {
                        return Ok(live);
                    }
                }
                // Its status says why; who holds it drops it.
                LinkAction::Abandon { .. } => {}
                LinkAction::GaveUp { by } => {
                    let last = self.last.take();
                    return Err(Ended::GaveUp { by, last });
                }
                LinkAction::Stopped => return Err(Ended::Stopped),
                // Waiting for an instant, for the end of the link before, or for a stop.
                _ => self.line.stop.nap(&self.line.clock, deadline_ns),
            }
        }
    }

    fn try_connect(&mut self, link: LinkId, connecting: Connecting) -> Option<Live<L, C>> {
        let connect = AssertUnwindSafe(|| (self.connect)(connecting));
        match catch_unwind(connect) {
            Ok(Ok(made)) => {
                // From here on it is lost when it is dropped.
                let live = Live::new(made, link, Arc::clone(&self.line));
                let counted = self
                    .line
                    .tell(link, LinkEvent::Connected, None)
                    .is_counted();
                (counted && !self.line.stop.is_stopped()).then_some(live)
            }
            Ok(Err(error)) => {
                let judge = AssertUnwindSafe(|| (self.event_of(&error), error.to_string()));
                match catch_unwind(judge) {
                    // Stale where it came too late: then core has judged it at its timeout.
                    Ok((event, why)) => drop(self.line.tell(link, event, Some(why))),
                    Err(panic) => self.panicked(link, "judging the error panicked", panic),
                }
                self.last = Some(error);
                None
            }
            Err(panic) => self.panicked(link, "the connector panicked", panic),
        }
    }

    /// A failed try, and the panic goes on.
    fn panicked(&self, link: LinkId, why: &str, panic: Box<dyn Any + Send>) -> ! {
        let _ = self
            .line
            .tell(link, LinkEvent::Failed, Some(why.to_owned()));
        resume_unwind(panic)
    }

    fn event_of(&self, error: &E) -> LinkEvent {
        let classified = (self.classify)(error);
        match classified.advice(self.line.clock.now_ns()) {
            _ if classified.is_permanent() => LinkEvent::Refused(Advice::Stop),
            Some(advice) => LinkEvent::Refused(advice),
            None => LinkEvent::Failed,
        }
    }
}

impl<F, L, E, C, K> fmt::Debug for Reconnect<F, L, E, C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect").finish_non_exhaustive()
    }
}
