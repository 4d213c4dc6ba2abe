//! What shows a link to whoever wants to see it.

use std::fmt;
use std::sync::Arc;

use super::line::Line;
use super::report::LinkReport;
use crate::clock::Clock;

/// Shows how a link stands, from any thread. Clones show the same link; dropping one does nothing.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
/// use evenkeel_std::{Reconnect, TestClock};
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
/// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10)).build()?;
/// let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(())).clock(TestClock::new());
/// let status = reconnect.status();
/// let live = reconnect.next_link()?;
/// assert_eq!(status.now().to_string(), "DEGRADED: connected, no frame yet, never heard");
/// live.on_frame();
/// assert_eq!(status.now().to_string(), "connected, last frame 0.0 s ago");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Status<C = crate::MonotonicClock> {
    line: Arc<Line<C>>,
}

impl<C> Status<C> {
    pub(super) fn of(line: &Arc<Line<C>>) -> Self {
        Self {
            line: Arc::clone(line),
        }
    }
}

impl<C: Clock> Status<C> {
    /// How the link stands now.
    #[must_use]
    pub fn now(&self) -> LinkReport {
        self.line.report()
    }

    /// The network is back: a wait that goes on ends soon, once; see
    /// [core](evenkeel_core::reconnect::Reconnect::kick). Answers the new instant, or `None` if nothing became sooner.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use evenkeel_std::{Classified, Clock, Reconnect, Stop, Streams, TestClock};
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, Duration::from_secs(5));
    /// # let policy = builder.silence_limit(Duration::from_secs(30)).build()?;
    /// # let clock = TestClock::new();
    /// let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(())).clock(&clock);
    /// let status = reconnect.status();
    /// reconnect.next_link()?.lost("network is down");
    /// assert!(status.kick().is_some_and(|at_ns| at_ns < 1_000_000_000)); // the wait was to be a second
    /// assert!(status.kick().is_none()); // once
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kick(&self) -> Option<u64> {
        self.line.kick()
    }
}

impl<C> Clone for Status<C> {
    fn clone(&self) -> Self {
        Self::of(&self.line)
    }
}

impl<C: Clock> fmt::Debug for Status<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Status").field(&self.now()).finish()
    }
}
