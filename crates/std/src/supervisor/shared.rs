//! What a supervisor, its watching thread and its runs share: the children under one lock, and who is to be woken.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use evenkeel_core::restart::{Exit, RestartAction, RestartPhase, RestartPolicy, RunId};

#[cfg(feature = "journal")]
use evenkeel_replay::journal::Journal;

use super::child::{Child, Running, Start, Work};
use super::report::{
    AddError, ChildEvent, ChildEventKind, ChildStatus, Ended, Escalation, NoSuchChild,
};
use crate::driver::{Failed, discard};
use crate::sleep::Sleep;
use crate::stop::Stop;
use crate::streams::Stream;

pub(super) struct Shared<C> {
    pub(super) clock: C,
    state: Mutex<State>,
    /// Something changed that `wait` waits for.
    changed: Condvar,
}

struct State {
    children: Vec<Child>,
    keys: u64,
    stream: Stream,
    events: VecDeque<ChildEvent>,
    stopping: bool,
    /// Where children are recorded.
    #[cfg(feature = "journal")]
    journal: Option<Journal>,
    /// The thread that watches has told its last event.
    over: bool,
    /// Unparked at every change: the thread that watches, and those that wait for exits.
    parked: Vec<Thread>,
}

/// What there is to do for the thread that watches.
pub(super) struct Tasks {
    pub(super) starts: Vec<Start>,
    pub(super) events: VecDeque<ChildEvent>,
    pub(super) deadline_ns: Option<u64>,
    /// No child runs or will run.
    pub(super) over: bool,
}

/// Somebody said stop to the supervisor: nothing starts any more.
pub(super) struct IsStopping(pub(super) bool);

impl State {
    fn tell(&mut self, at: usize, at_ns: u64, kind: ChildEventKind) {
        let name = self.children[at].name.clone();
        self.events.push_back(ChildEvent { name, at_ns, kind });
    }

    fn find(&mut self, name: &str) -> Option<&mut Child> {
        self.children.iter_mut().find(|child| child.name == name)
    }

    /// What follows an exit or a command is told once, as core says it.
    fn tell_phase(&mut self, at: usize, now_ns: u64) {
        let child = &mut self.children[at];
        let last = child.last_failure.clone();
        let kind = match child.machine.phase(now_ns) {
            RestartPhase::Waiting { until_ns } => ChildEventKind::Waiting { until_ns },
            // One that was told to stop is stopped once it has left.
            RestartPhase::Stopped if child.run.is_none() => ChildEventKind::Stopped,
            _ => match Escalation::of(&child.name, &child.machine, last) {
                Some(escalation) => {
                    child.untold = Some((now_ns, escalation.clone()));
                    ChildEventKind::Escalated(escalation)
                }
                None => return,
            },
        };
        self.tell(at, now_ns, kind);
    }

    /// The runs that are due now.
    fn due(&mut self, now_ns: u64) -> Vec<Start> {
        let mut starts = Vec::new();
        for at in 0..self.children.len() {
            let child = &mut self.children[at];
            let RestartAction::Start { run } = child.machine.poll(now_ns) else {
                continue;
            };
            let stop = Stop::new();
            child.starts += 1;
            child.run = Some(Running {
                stop: stop.clone(),
                since_ns: now_ns,
            });
            let (key, name, work) = (child.key, child.name.clone(), Arc::clone(&child.work));
            starts.push(Start {
                key,
                name,
                run,
                work,
                stop,
            });
            self.tell(at, now_ns, ChildEventKind::Started { run });
        }
        starts
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        let deadlines = self.children.iter();
        deadlines
            .filter_map(|child| child.machine.next_deadline_ns())
            .min()
    }

    /// The oldest escalation that nobody was told of.
    fn take_escalation(&mut self) -> Option<Escalation> {
        let untold = self.children.iter_mut().map(|child| &mut child.untold);
        let oldest = untold
            .filter(|untold| untold.is_some())
            .min_by_key(|untold| untold.as_ref().map(|(at_ns, _)| *at_ns));
        oldest?.take().map(|(_, escalation)| escalation)
    }

    /// Takes a child out where nothing of it is needed any more: its worker may do anything when it is dropped, so that
    /// is for who does not hold the lock.
    #[must_use = "to be dropped without the lock"]
    fn take_gone(&mut self, at: usize) -> Option<Child> {
        self.children[at]
            .is_gone()
            .then(|| self.children.remove(at))
    }

    fn running(&self) -> impl Iterator<Item = &Child> {
        self.children.iter().filter(|child| child.run.is_some())
    }

    fn wake(&self) {
        for thread in &self.parked {
            thread.unpark();
        }
    }
}

impl<C: Sleep> Shared<C> {
    pub(super) fn new(clock: C, stream: Stream) -> Self {
        let state = State {
            children: Vec::new(),
            keys: 0,
            stream,
            events: VecDeque::new(),
            stopping: false,
            #[cfg(feature = "journal")]
            journal: None,
            over: false,
            parked: Vec::new(),
        };
        Self {
            clock,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the caller's runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        state.wake();
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn add(
        &self,
        name: &str,
        policy: &RestartPolicy,
        work: Work,
    ) -> Result<(), AddError> {
        let mut state = self.lock();
        if state.stopping {
            return Err(AddError::Stopped);
        }
        let name = name.to_owned();
        if state.find(&name).is_some() {
            return Err(AddError::NameTaken { name });
        }
        state.keys += 1;
        #[cfg_attr(
            not(feature = "journal"),
            expect(unused_mut, reason = "it is recorded")
        )]
        let mut child = Child::new(state.keys, name, policy, work);
        #[cfg(feature = "journal")]
        if let Some(journal) = &state.journal {
            drop(child.record(Some(journal)));
        }
        state.children.push(child);
        self.wake(state);
        Ok(())
    }

    /// Records all children, and those that are added later; or none any more.
    #[cfg(feature = "journal")]
    pub(super) fn record(&self, to: Option<&Journal>) {
        let mut state = self.lock();
        let children = state.children.iter_mut();
        let before: Vec<_> = children.map(|child| child.record(to)).collect();
        let journal = std::mem::replace(&mut state.journal, to.cloned());
        drop(state);
        // The last handle of a journal waits for the disk.
        drop((before, journal));
    }

    pub(super) fn command(
        &self,
        name: &str,
        command: impl FnOnce(&mut Child, u64, IsStopping),
    ) -> Result<(), NoSuchChild> {
        let now_ns = self.clock.now_ns();
        let mut state = self.lock();
        let at = state.children.iter().position(|child| child.name == name);
        let at = at.ok_or_else(|| NoSuchChild::new(name))?;
        let before = state.children[at].machine.phase(now_ns);
        let is_stopping = IsStopping(state.stopping);
        command(&mut state.children[at], now_ns, is_stopping);
        if state.children[at].machine.phase(now_ns) != before {
            state.tell_phase(at, now_ns);
        }
        let gone = state.take_gone(at);
        self.wake(state);
        drop(gone);
        Ok(())
    }

    pub(super) fn status(&self) -> Vec<ChildStatus> {
        let state = self.lock();
        let now_ns = self.clock.now_ns();
        let children = state.children.iter();
        children.map(|child| child.status(now_ns)).collect()
    }

    pub(super) fn wait(&self) -> Ended {
        let mut state = self.lock();
        loop {
            if state.stopping {
                return Ended::Stopped;
            }
            if let Some(escalation) = state.take_escalation() {
                return Ended::Escalated(escalation);
            }
            let now_ns = self.clock.now_ns();
            if state.children.iter().all(|child| child.is_at_rest(now_ns)) {
                return Ended::AllAtRest;
            }
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn stop_all(&self) {
        let now_ns = self.clock.now_ns();
        let mut state = self.lock();
        if state.stopping {
            return;
        }
        state.stopping = true;
        for at in 0..state.children.len() {
            let before = state.children[at].machine.phase(now_ns);
            state.children[at].stop(now_ns);
            if before != RestartPhase::Stopped {
                state.tell_phase(at, now_ns);
            }
        }
        self.wake(state);
    }

    /// Until no child runs and all was told, or until `at_ns`: who still runs.
    pub(super) fn wait_for_exits(&self, at_ns: u64) -> Vec<String> {
        self.wake_me();
        loop {
            {
                let mut state = self.lock();
                if state.over || self.clock.now_ns() >= at_ns {
                    let me = thread::current().id();
                    // Once: the thread that watches is in there for good, and may be this one.
                    let mine = state.parked.iter().rposition(|thread| thread.id() == me);
                    if let Some(at) = mine {
                        state.parked.remove(at);
                    }
                    let running = state.running().map(|child| child.name.clone());
                    return running.collect();
                }
            }
            self.clock.park_until(at_ns);
        }
    }

    /// What the thread that watches has to do now, and until when there is nothing else.
    pub(super) fn tasks(&self) -> Tasks {
        let mut state = self.lock();
        let starts = state.due(self.clock.now_ns());
        Tasks {
            starts,
            over: state.stopping && state.running().next().is_none(),
            events: std::mem::take(&mut state.events),
            deadline_ns: state.next_deadline_ns(),
        }
    }

    /// This thread is woken at every change.
    pub(super) fn wake_me(&self) {
        self.lock().parked.push(thread::current());
    }

    /// All has been told.
    pub(super) fn told_all(&self) {
        let mut state = self.lock();
        state.over = true;
        self.wake(state);
    }

    /// A run ended.
    pub(super) fn exited(&self, key: u64, run: RunId, failed: Option<Failed>) {
        let mut state = self.lock();
        let now_ns = self.clock.now_ns();
        let Some(at) = state.children.iter().position(|child| child.key == key) else {
            return;
        };
        let exit = failed.as_ref().map_or(Exit::Clean, |_| Exit::Failure);
        let failure = failed.map(|failed| failed.at(now_ns));
        let State {
            children, stream, ..
        } = &mut *state;
        let child = &mut children[at];
        child.run = None;
        child.last_failure = failure.clone().or_else(|| child.last_failure.take());
        // It is the run in flight: there is never another.
        let _ = child.machine.on_exit(now_ns, run, exit, stream);
        state.tell(at, now_ns, ChildEventKind::Exited { run, failure });
        state.tell_phase(at, now_ns);
        let gone = state.take_gone(at);
        self.wake(state);
        discard(gone);
    }
}
