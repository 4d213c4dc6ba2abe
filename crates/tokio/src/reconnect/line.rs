//! What a link, its driver and its status handles share: core's machine under a lock, and who is told of changes.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread;

use evenkeel_core::Reported;
use evenkeel_core::reconnect::{LinkAction, LinkEvent, LinkId, LinkPhase, LostBy, Reconnect};
use evenkeel_std::driver::{Kept, discard};
#[cfg(feature = "journal")]
use evenkeel_std::journal::Journal;
use evenkeel_std::reconnect::LinkReport;
use evenkeel_std::{Clock, Stream, Streams};
use tokio::sync::futures::OwnedNotified;
use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::clock::{Sleep, SleepUntil};

/// Nothing of the caller's runs under its lock, and nobody is woken under it.
pub(super) struct Line<C> {
    pub(super) clock: C,
    pub(super) streams: Streams,
    pub(super) stop: CancellationToken,
    changed: Arc<Notify>,
    shown: watch::Sender<LinkReport>,
    state: Mutex<State>,
}

struct State {
    machine: Kept<Reconnect>,
    /// Made with the first poll.
    stream: Option<Stream>,
    /// The link there is, and what it will have died of if time alone ends it.
    open: Option<(LinkId, LostBy)>,
    lost: Option<String>,
    /// What was last published: of a frame nothing is, unless it changes this.
    shown: (LinkPhase, u32),
    /// Nobody will ask for a further link.
    orphaned: bool,
}

impl State {
    /// Takes note of what time and reports have changed: whether it is to be published.
    fn has_changed(&mut self, now_ns: u64) -> bool {
        if self.orphaned && !self.is_connected(now_ns) {
            // The link that it names is closed by who holds it.
            let _ = self.machine.stop(now_ns);
        }
        let status = self.machine.status(now_ns);
        let open = match status.phase {
            LinkPhase::Connecting { link, .. } => Some((link, LostBy::ConnectTimeout)),
            LinkPhase::Connected { link, .. } => Some((link, LostBy::Silent)),
            _ => None,
        };
        if let (Some((_, reason)), None) = (self.open, open) {
            // Reports have set `open` to none and said why.
            self.lost = Some(reason.name().to_owned());
        }
        self.open = open;
        let shown = (status.phase, status.attempt);
        std::mem::replace(&mut self.shown, shown) != shown
    }

    fn drawing(&mut self, streams: &Streams) -> (&mut Kept<Reconnect>, &mut Stream) {
        let stream = self.stream.get_or_insert_with(|| streams.next());
        (&mut self.machine, stream)
    }

    fn is_connected(&self, now_ns: u64) -> bool {
        let phase = self.machine.status(now_ns).phase;
        matches!(phase, LinkPhase::Connected { .. })
    }

    fn report(&self, now_ns: u64) -> LinkReport {
        LinkReport::new(self.machine.status(now_ns), now_ns, self.lost.clone())
    }
}

impl<C: Clock> Line<C> {
    pub(super) fn new(
        machine: Kept<Reconnect>,
        clock: C,
        streams: Streams,
        stop: CancellationToken,
    ) -> Self {
        let now_ns = clock.now_ns();
        let status = machine.status(now_ns);
        let state = State {
            machine,
            stream: None,
            open: None,
            lost: None,
            shown: (status.phase, status.attempt),
            orphaned: false,
        };
        Self {
            shown: watch::Sender::new(state.report(now_ns)),
            clock,
            streams,
            stop,
            changed: Arc::new(Notify::new()),
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a line that is made anew; a fresh one is left.
    pub(super) fn take_machine(&self) -> Kept<Reconnect> {
        let mut state = self.lock();
        let fresh = Kept::new(Reconnect::new(*state.machine.policy()));
        std::mem::replace(&mut state.machine, fresh)
    }

    /// Records from here on.
    #[cfg(feature = "journal")]
    pub(super) fn record(&self, journal: &Journal, name: &str) {
        let before = self.lock().machine.record(journal, name);
        drop(before); // without the lock
    }

    /// One call of the machine; who waits for a change hears of it.
    fn call<T>(&self, call: impl FnOnce(&mut State, u64) -> T) -> T {
        let now_ns = self.clock.now_ns();
        let mut state = self.lock();
        // Before, so that what time has ended is not taken for what the call ended.
        let before = state.has_changed(now_ns);
        let out = call(&mut state, now_ns);
        let changed = state.has_changed(now_ns) || before;
        drop(state);
        if changed {
            self.publish();
            self.changed.notify_waiters();
        }
        out
    }

    /// What is published is what is true by then, so that of two that publish the later one is not overwritten.
    fn publish(&self) {
        self.shown.send_if_modified(|shown| {
            let fresh = self.report();
            let facts = |report: &LinkReport| (report.phase(), report.attempt());
            let modified = facts(shown) != facts(&fresh) || shown.lost() != fresh.lost();
            *shown = fresh;
            modified
        });
    }

    /// What to do, the instant of the question, and when to ask again.
    pub(super) fn poll(&self) -> (LinkAction, u64, Option<u64>) {
        self.call(|state, now_ns| {
            let (machine, stream) = state.drawing(&self.streams);
            let action = machine.poll(now_ns, stream);
            (action, now_ns, machine.next_deadline_ns())
        })
    }

    /// Reports `event`, and why the link was lost, if it was.
    pub(super) fn tell(
        &self,
        link: LinkId,
        event: LinkEvent,
        why: Option<&dyn fmt::Display>,
    ) -> Reported {
        // Before the lock: it is code of the caller.
        let said = why.map(|why| catch_unwind(AssertUnwindSafe(|| why.to_string())));
        let (why, panic) = match said {
            Some(Ok(why)) => (Some(why), None),
            Some(Err(panic)) => (Some("what it said panicked".to_owned()), Some(panic)),
            None => (None, None),
        };
        let reported = self.call(|state, now_ns| {
            let (machine, stream) = state.drawing(&self.streams);
            let reported = machine.on_event(now_ns, link, event, stream);
            if reported.is_counted() && why.is_some() {
                state.lost = why;
                state.open = None;
            }
            reported
        });
        // Told all the same.
        panic.into_iter().for_each(resume);
        reported
    }

    /// Whether a try is due now.
    pub(super) fn is_due(&self) -> bool {
        let now_ns = self.clock.now_ns();
        self.lock().machine.status(now_ns).phase == LinkPhase::Due
    }

    pub(super) fn on_frame(&self, link: LinkId) -> Reported {
        self.call(|state, now_ns| state.machine.on_frame(now_ns, link))
    }

    pub(super) fn kick(&self) -> Option<u64> {
        self.call(|state, now_ns| {
            let (machine, stream) = state.drawing(&self.streams);
            machine.kick(now_ns, stream)
        })
    }

    /// No link any more, by command.
    pub(super) fn end(&self) {
        self.call(|state, now_ns| {
            // The link that it names is closed by who holds it.
            let _ = state.machine.stop(now_ns);
            state.open = None;
        });
    }

    /// Nobody asks for links any more: a link that lives goes on.
    pub(super) fn orphan(&self) {
        self.call(|state, _| {
            state.orphaned = true;
            if state.open.is_some_and(|(_, by)| by != LostBy::Silent) {
                state.open = None;
            }
        });
    }

    pub(super) fn report(&self) -> LinkReport {
        let now_ns = self.clock.now_ns();
        let mut state = self.lock();
        // Only for the reason of a loss; what is to be published is seen again by who publishes.
        let shown = state.shown;
        let _ = state.has_changed(now_ns);
        state.shown = shown;
        state.report(now_ns)
    }

    /// Whether this link lives, and the instant at which time alone would end it.
    pub(super) fn lives(&self, link: LinkId) -> (bool, Option<u64>) {
        self.call(|state, now_ns| match state.machine.status(now_ns).phase {
            LinkPhase::Connected { link: up, .. } if up == link => {
                (true, state.machine.next_deadline_ns())
            }
            _ => (false, None),
        })
    }

    /// The instant at which time alone changes the phase, after telling what it has changed.
    pub(super) fn next_change_ns(&self) -> Option<u64> {
        self.call(|state, now_ns| match state.machine.status(now_ns).phase {
            LinkPhase::Waiting { until_ns } => Some(until_ns),
            LinkPhase::Connecting { timeout_at_ns, .. } => timeout_at_ns,
            LinkPhase::Connected { .. } => state.machine.next_deadline_ns(),
            _ => None,
        })
    }

    pub(super) fn watch(&self) -> watch::Receiver<LinkReport> {
        self.shown.subscribe()
    }
}

/// A panic goes on up, except where one goes up already: a second one would end the process.
pub(super) fn resume(panic: Box<dyn Any + Send>) {
    if thread::panicking() {
        discard(panic);
    } else {
        resume_unwind(panic);
    }
}

/// What a future waits for that looks at a line: a change, an instant, the stop.
pub(super) struct Waiter<C: Sleep> {
    changed: Pin<Box<OwnedNotified>>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    sleep: Option<Pin<Box<SleepUntil<C>>>>,
}

impl<C: Sleep> Waiter<C> {
    pub(super) fn new(line: &Line<C>) -> Self {
        Self {
            changed: Box::pin(Arc::clone(&line.changed).notified_owned()),
            stopped: Box::pin(line.stop.clone().cancelled_owned()),
            sleep: None,
        }
    }

    pub(super) fn poll_stopped(&mut self, cx: &mut Context<'_>) -> bool {
        self.stopped.as_mut().poll(cx).is_ready()
    }

    /// From here on a change wakes the task: ask before you look.
    pub(super) fn hear_changes(&mut self, cx: &mut Context<'_>, line: &Line<C>) {
        while self.changed.as_mut().poll(cx).is_ready() {
            let changed = Arc::clone(&line.changed).notified_owned();
            self.changed = Box::pin(changed);
        }
    }

    /// Ready at the instant: look again.
    pub(super) fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        clock: &C,
        at_ns: Option<u64>,
    ) -> Poll<()> {
        let Some(at_ns) = at_ns else {
            self.sleep = None;
            return Poll::Pending;
        };
        let sleep = match &mut self.sleep {
            Some(sleep) if sleep.at_ns() == at_ns => sleep,
            sleep => sleep.insert(Box::pin(clock.sleep_until(at_ns))),
        };
        let polled = sleep.as_mut().poll(cx);
        if polled.is_ready() {
            self.sleep = None;
        }
        polled
    }
}
