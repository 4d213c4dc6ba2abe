//! How a link stands, for whoever wants to show it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use evenkeel_std::Clock;
use evenkeel_std::reconnect::LinkReport;
use tokio::sync::watch;

use super::line::Line;
use crate::clock::{Sleep, TokioClock};

/// Shows how a link stands, from any task. Clones show the same link; dropping one does nothing.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
/// use evenkeel_tokio::Reconnect;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
/// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10)).build()?;
/// let mut reconnect = Reconnect::new(&policy, |_| async { Ok::<_, std::io::Error>(()) });
/// let status = reconnect.status();
/// let live = reconnect.next_link().await?;
/// assert_eq!(status.now().to_string(), "DEGRADED: connected, no frame yet, never heard");
/// live.on_frame();
/// assert_eq!(status.now().to_string(), "connected, last frame 0.0 s ago");
/// # Ok(())
/// # }
/// ```
pub struct Status<C = TokioClock> {
    line: Arc<Line<C>>,
    /// What this handle has shown.
    seen: watch::Receiver<LinkReport>,
}

impl<C: Clock> Status<C> {
    pub(super) fn of(line: &Arc<Line<C>>) -> Self {
        Self {
            line: Arc::clone(line),
            seen: line.watch(),
        }
    }

    /// How the link stands now: right also where nobody drives it.
    #[must_use]
    pub fn now(&self) -> LinkReport {
        self.line.report()
    }

    /// A channel that is sent each change of phase and of attempt, and each loss: what it holds is of the instant of
    /// that change, so ask [`now`](Self::now) for the age of the last frame. What time alone changes is sent by
    /// whoever waits: [`next_link`](crate::Reconnect::next_link), [`until_lost`](super::Live::until_lost) or
    /// [`changed`](Self::changed).
    ///
    /// What its `borrow` returns holds a lock of the channel: a call on the link while you keep it (also `on_frame`, or
    /// the drop of a `Live`) waits for itself. Clone what it shows, or drop it first.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<LinkReport> {
        self.line.watch()
    }

    /// The network is back: a wait that goes on ends soon, once; see
    /// [core](evenkeel_core::reconnect::Reconnect::kick). Answers the new instant, or `None` if nothing became sooner.
    pub fn kick(&self) -> Option<u64> {
        self.line.kick()
    }
}

impl<C: Sleep> Status<C> {
    /// Waits until the link stands otherwise than when this handle last said so: at its silence, too.
    ///
    /// **Cancel safe**: a change that is not shown is shown by the next call.
    pub async fn changed(&mut self) -> LinkReport {
        loop {
            // Tells what has come due by itself, which then counts as changed.
            let change_at_ns = self.line.next_change_ns();
            if self.seen.has_changed().unwrap_or(false) {
                return self.seen.borrow_and_update().clone();
            }
            // A copy waits, so that nothing counts as seen that was not shown.
            let mut ear = self.seen.clone();
            let mut heard = pin!(ear.changed());
            let mut sleep = pin!(change_at_ns.map(|at_ns| self.line.clock.sleep_until(at_ns)));
            poll_fn(|cx| {
                if heard.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                let sleep = sleep.as_mut().as_pin_mut();
                sleep.map_or(Poll::Pending, |sleep| sleep.poll(cx))
            })
            .await;
        }
    }
}

impl<C> Clone for Status<C> {
    fn clone(&self) -> Self {
        Self {
            line: Arc::clone(&self.line),
            seen: self.seen.clone(),
        }
    }
}

impl<C: Clock> fmt::Debug for Status<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Status").field(&self.now()).finish()
    }
}
