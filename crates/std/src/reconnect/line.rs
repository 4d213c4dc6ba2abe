//! What a link, its loop and its status handles share: core's machine under a lock, and who waits for the next link.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::reconnect::{LinkAction, LinkEvent, LinkId, LinkPhase, LostBy, Reconnect};
use evenkeel_core::time;
#[cfg(feature = "journal")]
use evenkeel_replay::journal::Journal;

use super::report::LinkReport;
use crate::clock::Clock;
use crate::driver::Kept;
use crate::stop::Stop;
use crate::streams::{Stream, Streams};

/// Nothing of the caller's runs under its lock.
pub(super) struct Line<C> {
    pub(super) clock: C,
    pub(super) streams: Streams,
    pub(super) stop: Stop,
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
    pub(super) fn new(machine: Kept<Reconnect>, clock: C, streams: Streams, stop: Stop) -> Self {
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
    pub(super) fn poll(&self) -> (LinkAction, u64, Option<u64>) {
        self.step(|state, stream, now_ns| {
            state.waiting = Some(thread::current());
            let action = state.machine.poll(now_ns, stream);
            (action, now_ns, state.machine.next_deadline_ns())
        })
    }

    /// Reports `event`, and why the link was lost, if it was.
    pub(super) fn tell(&self, link: LinkId, event: LinkEvent, why: Option<String>) -> Reported {
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

    /// A frame of that link came in.
    pub(super) fn on_frame(&self, link: LinkId) -> Reported {
        let mut state = self.lock();
        let now_ns = self.clock.now_ns();
        state.catch_up(now_ns);
        state.machine.on_frame(now_ns, link)
    }

    /// How long that link may yet be silent; nothing where it is lost, `None` without a silence limit.
    pub(super) fn silence_left(&self, link: LinkId) -> Option<Duration> {
        let state = self.lock();
        state.machine.policy().silence_limit()?;
        let now_ns = self.clock.now_ns();
        match state.machine.status(now_ns).phase {
            LinkPhase::Connected { link: up, .. } if up == link => {
                let at_ns = state.machine.next_deadline_ns()?;
                Some(time::until(now_ns, at_ns))
            }
            _ => Some(Duration::ZERO),
        }
    }

    /// The wait that goes on ends sooner: when, if so.
    pub(super) fn kick(&self) -> Option<u64> {
        self.step(|state, stream, now_ns| {
            let sooner = state.machine.kick(now_ns, stream);
            state.wake();
            sooner
        })
    }

    pub(super) fn report(&self) -> LinkReport {
        let mut state = self.lock();
        let now_ns = self.clock.now_ns();
        state.catch_up(now_ns);
        LinkReport::new(state.machine.status(now_ns), now_ns, state.lost.clone())
    }

    /// No link any more, by command.
    pub(super) fn end(&self) {
        self.step(|state, _, now_ns| {
            // The link that it names is closed by who holds it.
            let _ = state.machine.stop(now_ns);
        });
    }
}
