//! A reconnecting link: a function that connects becomes a row, or a [`Stream`], of live links.
//!
//! The rules are core's ([`evenkeel_core::reconnect`]): when to try, what a silent link is, what resets the backoff.
//! Nothing is spawned: whoever awaits [`next_link`](Reconnect::next_link) drives the connector, whoever awaits
//! [`until_lost`](Live::until_lost) is the watchdog of the heartbeat, and everybody sees the [`Status`].
//!
//! | | |
//! |---|---|
//! | **cancel safety** | all futures here; a try to connect that `next_link` has begun is kept, goes on with the next call, and its timeout goes on meanwhile |
//! | **a connector that hangs** | is dropped at the policy's `connect_timeout` |
//! | **drop** of a [`Live`] | the link is dropped, then it is lost, also in a panic. Of the [`Reconnect`]: a try is dropped with it; a link that lives goes on, nobody makes another |
//! | **panic** of the connector, the classifier, or what an error says | is a failed try, and goes on up |
//! | **stop** | ends a wait, a try, and every `until_lost`, at once |
//! | **shutdown** of the runtime | drops the futures, which is all there is |

mod connecting;
mod line;
mod live;
#[cfg(feature = "journal")]
mod record;
mod status;

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::reconnect::{
    LinkAction, LinkEvent, LinkId, Reconnect as Machine, ReconnectPolicy,
};
use evenkeel_core::time;
use evenkeel_std::driver::Kept;
use evenkeel_std::{Classified, Streams};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use tokio_util::sync::CancellationToken;

use crate::clock::{Sleep, TokioClock};
use line::{Line, Waiter};

pub use connecting::Connecting;
pub use evenkeel_std::reconnect::{Ended, LinkReport};
pub use live::{LinkLost, Live, UntilLost};
pub use status::Status;

/// A link that is made again when it is lost; see the [module](self).
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, reconnect::ReconnectPolicy};
/// use evenkeel_tokio::Reconnect;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
/// let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10)) // a try may take 10 s
///     .silence_limit(Duration::from_secs(45)) // no frame for so long: the link is lost
///     .build()?;
///
/// // A server that refuses twice, and then takes the connection.
/// let mut answers = [Err("refused"), Err("refused"), Ok("a socket")].into_iter();
/// let mut reconnect = Reconnect::new(&policy, |_connecting| {
///     let answer = answers.next().unwrap_or(Err("gone"));
///     async move { answer }
/// });
/// let live = reconnect.next_link().await?;
/// assert_eq!(*live, "a socket");
/// live.on_frame(); // for each frame: data, ping or pong
/// assert!(!reconnect.status().now().is_degraded());
/// live.lost("end of file"); // or drop it
/// assert!(reconnect.status().now().is_degraded());
/// # Ok(())
/// # }
/// ```
pub struct Reconnect<F, Fut, L, E, C: Sleep = TokioClock, K = fn(&E) -> Classified> {
    connect: F,
    classify: K,
    line: Owner<C>,
    waiter: Waiter<C>,
    trying: Option<(LinkId, Pin<Box<Fut>>)>,
    last: Option<E>,
    /// A try was begun, and the task has not yielded since.
    busy: bool,
    /// The stream has ended.
    over: bool,
    links: PhantomData<fn() -> L>,
}

/// The line of a driver: when that is gone nobody asks for further links.
struct Owner<C: Sleep>(Arc<Line<C>>);

impl<C: Sleep> Drop for Owner<C> {
    fn drop(&mut self) {
        self.0.orphan();
    }
}

impl<F, Fut, L, E> Reconnect<F, Fut, L, E>
where
    F: FnMut(Connecting) -> Fut,
    Fut: Future<Output = Result<L, E>>,
{
    /// A link that `connect` makes; the first try is made by [`next_link`](Self::next_link).
    pub fn new(policy: &ReconnectPolicy, connect: F) -> Self {
        let (streams, stop) = (Streams::of_the_process(), CancellationToken::new());
        let machine = Kept::new(Machine::new(*policy));
        let line = Arc::new(Line::new(machine, TokioClock::default(), streams, stop));
        Self {
            connect,
            classify: |_| Classified::transient(),
            waiter: Waiter::new(&line),
            line: Owner(line),
            trying: None,
            last: None,
            busy: false,
            over: false,
            links: PhantomData,
        }
    }
}

/// With what: say it before [`status`](Reconnect::status), which else shows a link that is never made.
impl<F, Fut, L, E, C: Sleep, K> Reconnect<F, Fut, L, E, C, K> {
    /// Reads and sleeps on this clock.
    pub fn clock<C2: Sleep>(self, clock: C2) -> Reconnect<F, Fut, L, E, C2, K> {
        let line = &self.line.0;
        let (streams, stop) = (line.streams.clone(), line.stop.clone());
        let machine = line.take_machine();
        self.with(Line::new(machine, clock, streams, stop))
    }

    /// Draws its jitter from a stream of these, instead of one of the process.
    pub fn streams(self, streams: &Streams) -> Self {
        let line = &self.line.0;
        let (clock, stop) = (line.clock.clone(), line.stop.clone());
        let machine = line.take_machine();
        self.with(Line::new(machine, clock, streams.clone(), stop))
    }

    /// Ends when this token is cancelled, at once.
    pub fn stop(self, stop: &CancellationToken) -> Self {
        let line = &self.line.0;
        let (clock, streams) = (line.clock.clone(), line.streams.clone());
        let machine = line.take_machine();
        self.with(Line::new(machine, clock, streams, stop.clone()))
    }

    /// Says what a connector's error means. Permanent: there is no further try. `retry_after`: the server said when to
    /// come back. All else is a failed try, which is what every error is without this.
    pub fn classify<K2>(self, classify: K2) -> Reconnect<F, Fut, L, E, C, K2>
    where
        K2: Fn(&E) -> Classified,
    {
        Reconnect {
            connect: self.connect,
            classify,
            line: self.line,
            waiter: self.waiter,
            trying: self.trying,
            last: self.last,
            busy: self.busy,
            over: self.over,
            links: PhantomData,
        }
    }

    fn with<C2: Sleep>(self, line: Line<C2>) -> Reconnect<F, Fut, L, E, C2, K> {
        let line = Arc::new(line);
        Reconnect {
            connect: self.connect,
            classify: self.classify,
            waiter: Waiter::new(&line),
            line: Owner(line),
            trying: None,
            last: self.last,
            busy: self.busy,
            over: false,
            links: PhantomData,
        }
    }

    /// A handle that shows how the link stands, also while another task waits in [`next_link`](Self::next_link).
    #[must_use]
    pub fn status(&self) -> Status<C> {
        Status::of(&self.line.0)
    }
}

impl<F, Fut, L, E, C, K> Reconnect<F, Fut, L, E, C, K>
where
    F: FnMut(Connecting) -> Fut,
    Fut: Future<Output = Result<L, E>>,
    E: fmt::Display,
    C: Sleep,
    K: Fn(&E) -> Classified,
{
    /// Waits until a link is up. While the link before still lives, it waits for its end: drop it before you ask for
    /// the next, or ask in another task than the one that reads.
    ///
    /// **Cancel safe**: no link is lost, and a try that goes on is kept for the next call. It makes no progress
    /// meanwhile, but its timeout does.
    ///
    /// # Errors
    /// When the token is cancelled, and where core gives up.
    pub async fn next_link(&mut self) -> Result<Live<L, C>, Ended<E>> {
        poll_fn(|cx| self.poll_link(cx)).await
    }

    fn poll_link(&mut self, cx: &mut Context<'_>) -> Poll<Result<Live<L, C>, Ended<E>>> {
        loop {
            let line = &self.line.0;
            if self.waiter.poll_stopped(cx) {
                self.trying = None;
                line.end();
                return Poll::Ready(Err(Ended::Stopped));
            }
            self.waiter.hear_changes(cx, line);
            if self.busy && line.is_due() {
                // A policy that does not wait must not keep all other tasks waiting.
                self.busy = false;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let (action, now_ns, deadline_ns) = line.poll();
            match action {
                LinkAction::Connect {
                    link,
                    timeout_at_ns,
                } => {
                    let timeout = time::until(now_ns, timeout_at_ns.unwrap_or(u64::MAX));
                    self.begin(link, timeout.max(Duration::from_nanos(1)));
                    continue;
                }
                // Its future goes, and with it what it holds.
                LinkAction::Abandon { .. } => {
                    self.trying = None;
                    continue;
                }
                LinkAction::Connecting { .. } => match self.poll_try(cx) {
                    Poll::Ready(Some(live)) => return Poll::Ready(Ok(live)),
                    Poll::Ready(None) => continue,
                    Poll::Pending => {}
                },
                LinkAction::GaveUp { by } => {
                    let last = self.last.take();
                    return Poll::Ready(Err(Ended::GaveUp { by, last }));
                }
                LinkAction::Stopped => return Poll::Ready(Err(Ended::Stopped)),
                // Waiting for an instant, or for the end of the link before.
                _ => {}
            }
            let clock = &self.line.0.clock;
            if self.waiter.poll_until(cx, clock, deadline_ns).is_pending() {
                self.busy = false;
                return Poll::Pending;
            }
        }
    }

    fn begin(&mut self, link: LinkId, timeout: Duration) {
        self.busy = true;
        let connecting = Connecting {
            link,
            timeout,
            attempt: self.line.0.report().attempt(),
        };
        let begin = AssertUnwindSafe(|| (self.connect)(connecting));
        match catch_unwind(begin) {
            Ok(trying) => self.trying = Some((link, Box::pin(trying))),
            Err(panic) => {
                self.failed(link, LinkEvent::Failed, &"the connector panicked");
                resume_unwind(panic);
            }
        }
    }

    /// Ready with nothing when the try has ended without a link.
    fn poll_try(&mut self, cx: &mut Context<'_>) -> Poll<Option<Live<L, C>>> {
        let Some((link, trying)) = &mut self.trying else {
            return Poll::Pending;
        };
        let link = *link;
        let answer = ready!(
            catch_unwind(AssertUnwindSafe(|| trying.as_mut().poll(cx)))
                .map_or_else(|panic| Poll::Ready(Err(panic)), |polled| polled.map(Ok))
        );
        self.trying = None;
        match answer {
            Ok(Ok(made)) => {
                // From here on it is lost when it is dropped; stale where it came too late.
                let live = Live::new(made, link, Arc::clone(&self.line.0));
                let told = self.line.0.tell(link, LinkEvent::Connected, None);
                Poll::Ready(told.is_counted().then_some(live))
            }
            Ok(Err(error)) => {
                let event = match catch_unwind(AssertUnwindSafe(|| self.event_of(&error))) {
                    Ok(event) => event,
                    Err(panic) => {
                        self.failed(link, LinkEvent::Failed, &"the classifier panicked");
                        resume_unwind(panic);
                    }
                };
                self.failed(link, event, &error);
                self.last = Some(error);
                Poll::Ready(None)
            }
            Err(panic) => {
                self.failed(link, LinkEvent::Failed, &"the connector panicked");
                resume_unwind(panic);
            }
        }
    }

    fn failed(&self, link: LinkId, event: LinkEvent, why: &dyn fmt::Display) {
        // Stale where it came too late: then core has judged it at its timeout.
        let _ = self.line.0.tell(link, event, Some(why));
    }

    fn event_of(&self, error: &E) -> LinkEvent {
        let classified = (self.classify)(error);
        match classified.advice(self.line.0.clock.now_ns()) {
            _ if classified.is_permanent() => LinkEvent::Refused(Advice::Stop),
            Some(advice) => LinkEvent::Refused(advice),
            None => LinkEvent::Failed,
        }
    }
}

/// The links in a row; it ends where [`next_link`](Reconnect::next_link) would say why it ends.
impl<F, Fut, L, E, C, K> Stream for Reconnect<F, Fut, L, E, C, K>
where
    F: FnMut(Connecting) -> Fut,
    Fut: Future<Output = Result<L, E>>,
    E: fmt::Display,
    C: Sleep,
    K: Fn(&E) -> Classified,
{
    type Item = Live<L, C>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Live<L, C>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let link = ready!(self.poll_link(cx));
        self.over = link.is_err();
        Poll::Ready(link.ok())
    }
}

impl<F, Fut, L, E, C: Sleep, K> FusedStream for Reconnect<F, Fut, L, E, C, K>
where
    Self: Stream,
{
    fn is_terminated(&self) -> bool {
        self.over
    }
}

// The connector is never pinned, and what it returns is in a box.
impl<F, Fut, L, E, C: Sleep, K> Unpin for Reconnect<F, Fut, L, E, C, K> {}

impl<F, Fut, L, E, C: Sleep, K> fmt::Debug for Reconnect<F, Fut, L, E, C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect").finish_non_exhaustive()
    }
}
