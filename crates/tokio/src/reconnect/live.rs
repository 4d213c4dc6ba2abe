//! A link that is up: what the connector made, and the wait for its end.

use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread;

use evenkeel_core::reconnect::{LinkEvent, LinkId};
use evenkeel_std::Clock;
use thiserror::Error;

use super::line::{Line, Waiter, resume};
use crate::clock::{Sleep, TokioClock};

/// A link that is up: it is what the connector made, and it is lost when this is dropped.
///
/// ```
/// use evenkeel_tokio::reconnect::Live;
/// use futures_util::{Stream, StreamExt};
///
/// /// Reads until the link is lost; the next one comes from `next_link`.
/// async fn read_all<S: Stream<Item = std::io::Result<String>> + Unpin>(mut live: Live<S>) {
///     let mut lost = live.until_lost();
///     loop {
///         match lost.or(live.next()).await {
///             Ok(Some(Ok(frame))) => {
///                 live.on_frame();
///                 println!("{frame}");
///             }
///             Ok(Some(Err(error))) => return live.lost(error),
///             Ok(None) => return live.lost("closed by the server"),
///             Err(why) => return live.lost(why), // silent, or stopped
///         }
///     }
/// }
/// ```
#[must_use = "the link is lost when it is dropped"]
pub struct Live<L, C: Clock = TokioClock> {
    /// There until it is dropped.
    link: Option<L>,
    id: LinkId,
    line: Arc<Line<C>>,
    /// That it is lost was told, and was news.
    reported: Arc<AtomicBool>,
    told: bool,
}

impl<L, C: Clock> Live<L, C> {
    pub(super) fn new(link: L, id: LinkId, line: Arc<Line<C>>) -> Self {
        Self {
            link: Some(link),
            id,
            line,
            reported: Arc::default(),
            told: false,
        }
    }

    /// Its number: counted from 1, never used twice by one [`Reconnect`](crate::Reconnect).
    #[must_use]
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// A frame has arrived, of whatever kind: ping and pong are life, too. The first one confirms the link.
    pub fn on_frame(&self) {
        // Stale where the link was too long silent before: then it is lost.
        let _ = self.line.on_frame(self.id);
    }

    /// Whether it still counts: not lost by its silence, and not stopped.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.line.stop.is_cancelled() && self.line.lives(self.id).0
    }

    /// It is gone: it is dropped, and then `why` is shown by the status. The next one follows the rules of the policy.
    pub fn lost(mut self, why: impl fmt::Display) {
        self.report(&why);
    }

    /// Drops the link, then tells: nobody makes another before this one is gone.
    fn report(&mut self, why: &dyn fmt::Display) {
        if !std::mem::replace(&mut self.told, true) {
            let link = self.link.take();
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(link)));
            // Where it was lost before, by its silence, that stays the reason. Set before it wakes who waits for it:
            // who looks in between finds it alive.
            let was_live = self.is_live();
            self.reported.store(was_live, Ordering::Release);
            let _ = self.line.tell(self.id, LinkEvent::Lost, Some(why));
            if let Err(panic) = dropped {
                resume(panic);
            }
        }
    }
}

impl<L, C: Sleep> Live<L, C> {
    /// Waits until the link no longer counts: the watchdog of its heartbeat, and the end of a reader. It does not
    /// borrow the link, so that a task can wait for both.
    pub fn until_lost(&self) -> UntilLost<C> {
        UntilLost {
            waiter: Waiter::new(&self.line),
            line: Arc::clone(&self.line),
            id: self.id,
            reported: Arc::clone(&self.reported),
        }
    }
}

impl<L, C: Clock> Drop for Live<L, C> {
    fn drop(&mut self) {
        self.report(if thread::panicking() {
            &"dropped in a panic"
        } else {
            &"dropped"
        });
    }
}

impl<L, C: Clock> Deref for Live<L, C> {
    type Target = L;

    fn deref(&self) -> &L {
        self.link.as_ref().expect("there until it is dropped")
    }
}

impl<L, C: Clock> DerefMut for Live<L, C> {
    fn deref_mut(&mut self) -> &mut L {
        self.link.as_mut().expect("there until it is dropped")
    }
}

impl<L: fmt::Debug, C: Clock> fmt::Debug for Live<L, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut live = f.debug_struct("Live");
        live.field("link", &self.link).field("id", &self.id);
        live.finish_non_exhaustive()
    }
}

/// Why a link no longer counts.
///
/// ```
/// use evenkeel_tokio::reconnect::LinkLost;
///
/// assert_eq!(LinkLost::Silent.to_string(), "silent");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum LinkLost {
    /// No frame came within the policy's `silence_limit`.
    #[error("silent")]
    Silent,
    /// Somebody said stop.
    #[error("stopped")]
    Stopped,
    /// Who held it has reported it as lost, or dropped it.
    #[error("reported as lost")]
    Reported,
}

/// Ready when a link no longer counts; [`Live::until_lost`] returns it.
///
/// **Cancel safe**: it only looks. Dropped or not polled, the link is lost at the same instant. It may be awaited again
/// and gives the same answer.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
/// use evenkeel_tokio::{Reconnect, reconnect::LinkLost};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
/// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10)).silence_limit(Duration::from_secs(45)).build()?;
/// let mut reconnect = Reconnect::new(&policy, |_| async { Ok::<_, std::io::Error>("a link") });
/// let live = reconnect.next_link().await?;
/// let begun = tokio::time::Instant::now();
/// assert_eq!(live.until_lost().await, LinkLost::Silent);
/// assert_eq!(begun.elapsed().as_secs(), 45); // of paused time
/// # Ok(())
/// # }
/// ```
#[must_use = "a future does nothing unless it is polled"]
pub struct UntilLost<C: Sleep = TokioClock> {
    waiter: Waiter<C>,
    line: Arc<Line<C>>,
    id: LinkId,
    reported: Arc<AtomicBool>,
}

impl<C: Sleep> UntilLost<C> {
    /// What the future gives, unless the link is lost before. The stop is heard first, also where the future is always
    /// ready; then the future is asked: what it has ready is not lost by silence.
    ///
    /// **Cancel safe** as far as the future is.
    ///
    /// # Errors
    /// Why the link no longer counts; the future is dropped then.
    pub async fn or<T>(&mut self, future: impl Future<Output = T>) -> Result<T, LinkLost> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if self.line.stop.is_cancelled() {
                return Pin::new(&mut *self).poll(cx).map(Err);
            }
            match future.as_mut().poll(cx) {
                Poll::Ready(given) => Poll::Ready(Ok(given)),
                Poll::Pending => Pin::new(&mut *self).poll(cx).map(Err),
            }
        })
        .await
    }
}

impl<C: Sleep> Future for UntilLost<C> {
    type Output = LinkLost;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LinkLost> {
        let Self {
            waiter,
            line,
            id,
            reported,
        } = &mut *self;
        loop {
            if waiter.poll_stopped(cx) {
                line.end();
                return Poll::Ready(LinkLost::Stopped);
            }
            waiter.hear_changes(cx, line);
            let (lives, silent_at_ns) = line.lives(*id);
            if !lives {
                let reported = reported.load(Ordering::Acquire);
                return Poll::Ready(if reported {
                    LinkLost::Reported
                } else {
                    LinkLost::Silent
                });
            }
            std::task::ready!(waiter.poll_until(cx, &line.clock, silent_at_ns));
        }
    }
}

// Nothing in it is pinned in place.
impl<C: Sleep> Unpin for UntilLost<C> {}

impl<C: Sleep> fmt::Debug for UntilLost<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut until_lost = f.debug_struct("UntilLost");
        until_lost.field("id", &self.id).finish_non_exhaustive()
    }
}
