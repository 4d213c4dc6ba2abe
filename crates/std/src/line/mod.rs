//! What a link, its loop and its status handles share, and the guard of a link that lives.

mod status;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::reconnect::{LinkAction, LinkEvent, LinkId, LinkPhase, LostBy, Reconnect};
use evenkeel_core::time;
#[cfg(feature = "journal")]
use evenkeel_replay::journal::Journal;

use crate::clock::Clock;
use crate::driver::Kept;
use crate::link_report::LinkReport;
use crate::stop::Stop;
use crate::streams::{Stream, Streams};

pub use status::Status;

/// Core's machine under a lock. Nothing of the caller's runs under it.
pub(crate) struct Line<C> {
    pub(crate) clock: C,
    pub(crate) streams: Streams,
    pub(crate) stop: Stop,
    state: Mutex<State>,
}

struct State {
    machine: Kept<Reconnect>,
    /// Made with the first poll.
    stream: Option<Stream>,
    lost: Option<String>,
    /// How the link, or the try, ends that stood at the last step, if time alone ends it.
    open: Option<LostBy>,
    /// The thread that waits for the next link.
    waiting: Option<Thread>,
}

impl State {
    /// Where time has ended a link since the last step, nobody reports why: that is said here.
    fn catch_up(&mut self, now_ns: u64) {
        let before = self.open;
        self.look(now_ns);
        if let (Some(reason), None) = (before, self.open) {
            self.lost = Some(reason.name().to_owned());
        }
    }

    fn look(&mut self, now_ns: u64) {
        self.open = match self.machine.status(now_ns).phase {
            LinkPhase::Connecting { .. } => Some(LostBy::ConnectTimeout),
            LinkPhase::Connected { .. } => Some(LostBy::Silent),
            _ => None,
        };
    }

    fn wake(&self) {
        if let Some(thread) = &self.waiting {
            thread.unpark();
        }
    }
}

impl<C> Line<C> {
    pub(crate) fn new(machine: Kept<Reconnect>, clock: C, streams: Streams, stop: Stop) -> Self {
        let state = State {
            machine,
            stream: None,
            lost: None,
            open: None,
            waiting: None,
        };
        Self {
            clock,
            streams,
            stop,
            state: Mutex::new(state),
        }
    }

    /// For a line that is made anew; a fresh one is left.
    pub(crate) fn take_machine(&self) -> Kept<Reconnect> {
        let mut state = self.lock();
        let fresh = Kept::new(Reconnect::new(*state.machine.policy()));
        std::mem::replace(&mut state.machine, fresh)
    }

    /// Records from here on.
    #[cfg(feature = "journal")]
    pub(crate) fn record(&self, journal: &Journal, name: &str) {
        let before = self.lock().machine.record(journal, name);
        drop(before); // without the lock
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Clock> Line<C> {
    /// One step at this instant: what time has done comes before it.
    fn step<A>(&self, act: impl FnOnce(&mut State, &mut Stream, u64) -> A) -> A {
        let mut state = self.lock();
        let now_ns = self.clock.now_ns();
        state.catch_up(now_ns);
        let stream = state.stream.take();
        let mut stream = stream.unwrap_or_else(|| self.streams.next());
        let answer = act(&mut state, &mut stream, now_ns);
        state.stream = Some(stream);
        state.look(now_ns);
        answer
    }

    /// What to do, the instant of the question, and when to ask again. From here on reports wake this thread.
    pub(crate) fn poll(&self) -> (LinkAction, u64, Option<u64>) {
        self.step(|state, stream, now_ns| {
            state.waiting = Some(thread::current());
            let action = state.machine.poll(now_ns, stream);
            (action, now_ns, state.machine.next_deadline_ns())
        })
    }

    /// Reports `event`, and why the link was lost, if it was.
    pub(crate) fn tell(&self, link: LinkId, event: LinkEvent, why: Option<String>) -> Reported {
        self.step(|state, stream, now_ns| {
            let reported = state.machine.on_event(now_ns, link, event, stream);
            // One that was lost before, by its silence or its timeout, has another reason.
            if reported.is_counted() && why.is_some() {
                state.lost = why;
            }
            state.wake();
            reported
        })
    }

    pub(crate) fn report(&self) -> LinkReport {
        let mut state = self.lock();
        let now_ns = self.clock.now_ns();
        state.catch_up(now_ns);
        LinkReport::new(state.machine.status(now_ns), now_ns, state.lost.clone())
    }

    /// No link any more, by command.
    pub(crate) fn end(&self) {
        self.step(|state, _, now_ns| {
            // The link that it names is closed by who holds it.
            let _ = state.machine.stop(now_ns);
        });
    }
}

/// A link that is up: it is what the connector made, and it is lost when this is dropped.
///
/// ```
/// use std::io::{ErrorKind, Read};
/// use std::net::TcpStream;
/// use evenkeel_std::reconnect::Live;
///
/// /// Reads until the link is lost; the next one comes from `next_link`.
/// fn read_all(mut live: Live<TcpStream>, mut on_bytes: impl FnMut(&[u8])) {
///     let mut buffer = [0; 4096];
///     while live.is_live() {
///         let _ = live.set_read_timeout(live.read_timeout());
///         match live.read(&mut buffer) {
///             Ok(0) => return live.lost("closed by the server"),
///             Ok(length) => {
///                 live.on_frame();
///                 on_bytes(&buffer[..length]);
///             }
///             Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
///             Err(error) => return live.lost(error),
///         }
///     }
/// }
/// ```
pub struct Live<L, C: Clock = crate::MonotonicClock> {
    /// There until the drop.
    link: Option<L>,
    id: LinkId,
    line: Arc<Line<C>>,
    /// Why it is lost, if somebody said so.
    why: Option<String>,
}

impl<L, C: Clock> Live<L, C> {
    pub(crate) const fn new(link: L, id: LinkId, line: Arc<Line<C>>) -> Self {
        Self {
            link: Some(link),
            id,
            line,
            why: None,
        }
    }

    /// Its number: counted from 1, never used twice by one [`Reconnect`](crate::Reconnect).
    #[must_use]
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// Something came in: data, a ping, a pong, whatever shows that the other side lives. False where the link was
    /// already lost, by its silence or a stop: then drop it.
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
    /// let live = reconnect.next_link()?;
    /// assert!(live.on_frame());
    /// clock.advance(Duration::from_secs(30)); // the silence limit
    /// assert!(!live.on_frame());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_frame(&self) -> bool {
        let mut state = self.line.lock();
        let now_ns = self.line.clock.now_ns();
        state.catch_up(now_ns);
        state.machine.on_frame(now_ns, self.id).is_counted()
    }

    /// Whether it still counts as up. False once it was silent for too long, or somebody said stop: then drop it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let phase = self.line.report().phase();
        let mine = matches!(phase, LinkPhase::Connected { link, .. } if link == self.id);
        mine && !self.line.stop.is_stopped()
    }

    /// How long it may yet be silent: for `set_read_timeout`. Never zero; `None` without a silence limit.
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
    /// let live = reconnect.next_link()?;
    /// clock.advance(Duration::from_secs(12));
    /// assert_eq!(live.read_timeout(), Some(Duration::from_secs(18)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read_timeout(&self) -> Option<Duration> {
        let state = self.line.lock();
        state.machine.policy().silence_limit()?;
        let now_ns = self.line.clock.now_ns();
        let at_ns = match state.machine.status(now_ns).phase {
            LinkPhase::Connected { link, .. } if link == self.id => {
                state.machine.next_deadline_ns()?
            }
            _ => now_ns,
        };
        Some(time::until(now_ns, at_ns).max(Duration::from_nanos(1)))
    }

    /// It is gone, and dropped: `why` is shown by the status. The next one follows the rules of the policy.
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
    /// reconnect.next_link()?.lost("closed by the server");
    /// assert_eq!(reconnect.status().now().lost(), Some("closed by the server"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lost(mut self, why: impl fmt::Display) {
        // The drop does the rest.
        self.why = Some(why.to_string());
    }
}

impl<L, C: Clock> Drop for Live<L, C> {
    fn drop(&mut self) {
        let dropped = ["dropped", "dropped in a panic"][usize::from(thread::panicking())];
        let why = self.why.take();
        // The connection is gone before it is said, also where its drop panics: there are never two at a time.
        let _said = Lost {
            line: &self.line,
            id: self.id,
            why: why.or_else(|| Some(dropped.to_owned())),
        };
        drop(self.link.take());
    }
}

/// Says that a link is lost, when it is dropped.
struct Lost<'a, C: Clock> {
    line: &'a Line<C>,
    id: LinkId,
    why: Option<String>,
}

impl<C: Clock> Drop for Lost<'_, C> {
    fn drop(&mut self) {
        // Stale where it was lost before, by its silence or a stop.
        let _ = self.line.tell(self.id, LinkEvent::Lost, self.why.take());
    }
}

impl<L, C: Clock> Deref for Live<L, C> {
    type Target = L;

    fn deref(&self) -> &L {
        self.link.as_ref().expect("there until the drop")
    }
}

impl<L, C: Clock> DerefMut for Live<L, C> {
    fn deref_mut(&mut self) -> &mut L {
        self.link.as_mut().expect("there until the drop")
    }
}

impl<L: fmt::Debug, C: Clock> fmt::Debug for Live<L, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut live = f.debug_struct("Live");
        live.field("link", &**self).field("id", &self.id);
        live.finish_non_exhaustive()
    }
}
