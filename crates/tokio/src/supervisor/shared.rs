//! What a supervisor and the task that drives it share: the children under one lock, and who is told of changes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_core::restart::{Exit, RestartAction, RestartPhase, RestartPolicy, RunId};
#[cfg(feature = "journal")]
use evenkeel_std::journal::Journal;
use evenkeel_std::supervisor::{
    AddError, ChildEvent, ChildEventKind, ChildStatus, Ended, Escalation, Failure, NoSuchChild,
};
use evenkeel_std::{Clock, Stream};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::child::{Child, Running, Start, Work};

/// Nothing of the caller's runs under its lock, and nobody is woken under it.
pub(super) struct Shared<C> {
    pub(super) clock: C,
    pub(super) changed: Notify,
    shown: watch::Sender<Vec<ChildStatus>>,
    state: Mutex<State>,
}

struct State {
    children: Vec<Child>,
    keys: u64,
    stream: Stream,
    events: VecDeque<ChildEvent>,
    /// What happened is being told.
    telling: bool,
    /// The task that drives it is gone: no run is in flight, and none will be.
    gone: bool,
    /// Where children are recorded.
    #[cfg(feature = "journal")]
    journal: Option<Journal>,
}

impl State {
    fn tell(&mut self, at: usize, at_ns: u64, kind: ChildEventKind) {
        let name = self.children[at].name.clone();
        self.events.push_back(ChildEvent::new(name, at_ns, kind));
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

    fn due(&mut self, now_ns: u64) -> Vec<Start> {
        let mut starts = Vec::new();
        for at in 0..self.children.len() {
            let child = &mut self.children[at];
            let RestartAction::Start { run } = child.machine.poll(now_ns) else {
                continue;
            };
            let stop = CancellationToken::new();
            child.starts += 1;
            child.run = Some(Running {
                stop: stop.clone(),
                since_ns: now_ns,
                task: None,
                abort: false,
            });
            let (key, work) = (child.key, Arc::clone(&child.work));
            starts.push(Start {
                key,
                run,
                work,
                stop,
            });
            self.tell(at, now_ns, ChildEventKind::Started { run });
        }
        starts
    }

    /// The oldest escalation that nobody was told of.
    fn take_escalation(&mut self) -> Option<Escalation> {
        let untold = self.children.iter_mut().map(|child| &mut child.untold);
        let oldest = untold
            .filter(|untold| untold.is_some())
            .min_by_key(|untold| untold.as_ref().map(|(at_ns, _)| *at_ns));
        oldest?.take().map(|(_, escalation)| escalation)
    }

    /// Takes a child out that is to be forgotten: its worker may do anything when it is dropped, so that is for who
    /// does not hold the lock.
    #[must_use = "to be dropped without the lock"]
    fn take_gone(&mut self, at: usize) -> Option<Child> {
        let child = &self.children[at];
        (child.removed && child.run.is_none()).then(|| self.children.remove(at))
    }

    fn status(&self, now_ns: u64) -> Vec<ChildStatus> {
        let children = self.children.iter();
        children.map(|child| child.status(now_ns)).collect()
    }
}

impl<C: Clock> Shared<C> {
    pub(super) fn new(clock: C, stream: Stream) -> Self {
        let state = State {
            children: Vec::new(),
            keys: 0,
            stream,
            events: VecDeque::new(),
            telling: false,
            gone: false,
            #[cfg(feature = "journal")]
            journal: None,
        };
        Self {
            clock,
            changed: Notify::new(),
            shown: watch::Sender::new(Vec::new()),
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who waits hears of it, after the lock is gone.
    fn change<T>(&self, change: impl FnOnce(&mut State, u64) -> T) -> T {
        let now_ns = self.clock.now_ns();
        let out = change(&mut self.lock(), now_ns);
        // What is sent is what is true by then, so that of two that send the later one is not overwritten.
        self.shown.send_if_modified(|shown| {
            let fresh = self.status();
            let modified = *shown != fresh;
            *shown = fresh;
            modified
        });
        self.changed.notify_waiters();
        out
    }

    pub(super) fn add(
        &self,
        name: &str,
        policy: &RestartPolicy,
        work: Work,
    ) -> Result<(), AddError> {
        // A worker that is not taken is dropped without the lock.
        let refused = self.change(|state, _| {
            let name = name.to_owned();
            if state.gone {
                return Err((AddError::Gone, work));
            }
            if state.children.iter().any(|child| child.name == name) {
                return Err((AddError::NameTaken { name }, work));
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
            Ok(())
        });
        refused.map_err(|(error, _work)| error)
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

    fn command(
        &self,
        name: &str,
        command: impl FnOnce(&mut Child, u64),
    ) -> Result<(), NoSuchChild> {
        let forgotten = self.change(|state, now_ns| {
            let at = state.children.iter().position(|child| child.name == name);
            let at = at.ok_or_else(|| NoSuchChild::new(name))?;
            let before = state.children[at].machine.phase(now_ns);
            command(&mut state.children[at], now_ns);
            if state.children[at].machine.phase(now_ns) != before {
                state.tell_phase(at, now_ns);
            }
            Ok(state.take_gone(at))
        });
        forgotten.map(drop)
    }

    pub(super) fn stop_child(&self, name: &str) -> Result<(), NoSuchChild> {
        self.command(name, Child::stop)
    }

    pub(super) fn abort_child(&self, name: &str) -> Result<(), NoSuchChild> {
        self.command(name, |child, now_ns| {
            child.stop(now_ns);
            child.abort();
        })
    }

    pub(super) fn rearm(&self, name: &str) -> Result<(), NoSuchChild> {
        self.command(name, |child, now_ns| {
            child.machine.rearm(now_ns);
            child.untold = None;
        })
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), NoSuchChild> {
        self.command(name, |child, now_ns| {
            child.stop(now_ns);
            child.untold = None;
            child.removed = true;
        })
    }

    pub(super) fn status(&self) -> Vec<ChildStatus> {
        let now_ns = self.clock.now_ns();
        self.lock().status(now_ns)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Vec<ChildStatus>> {
        self.shown.subscribe()
    }

    /// What [`wait`](super::Supervisor::wait) would return now.
    pub(super) fn ended(&self) -> Option<Ended> {
        let now_ns = self.clock.now_ns();
        let mut state = self.lock();
        if let Some(escalation) = state.take_escalation() {
            return Some(Ended::Escalated(escalation));
        }
        if state.gone {
            return Some(Ended::Gone);
        }
        let at_rest = state.children.iter().all(|child| child.is_at_rest(now_ns));
        at_rest.then_some(Ended::AllAtRest)
    }

    pub(super) fn stop_all(&self) {
        self.change(|state, now_ns| {
            for at in 0..state.children.len() {
                let before = state.children[at].machine.phase(now_ns);
                state.children[at].stop(now_ns);
                if before != RestartPhase::Stopped {
                    state.tell_phase(at, now_ns);
                }
            }
        });
    }

    /// Whose runs are in flight.
    pub(super) fn running(&self) -> Vec<String> {
        let state = self.lock();
        let running = state.children.iter().filter(|child| child.run.is_some());
        running.map(|child| child.name.clone()).collect()
    }

    /// Whether no run is in flight, and all was told.
    pub(super) fn is_settled(&self) -> bool {
        let state = self.lock();
        let at_rest = state.children.iter().all(|child| child.run.is_none());
        state.gone || at_rest && state.events.is_empty() && !state.telling
    }

    /// Aborts the runs in flight: whose they are.
    pub(super) fn abort_all(&self) -> Vec<String> {
        self.change(|state, _| {
            let running = state.children.iter_mut();
            let running = running.filter(|child| child.run.is_some());
            running
                .map(|child| {
                    child.abort();
                    child.name.clone()
                })
                .collect()
        })
    }

    /// The runs that are due, what is to be told, and when to ask again.
    pub(super) fn step(&self) -> (Vec<Start>, VecDeque<ChildEvent>, Option<u64>) {
        let now_ns = self.clock.now_ns();
        let mut state = self.lock();
        let starts = state.due(now_ns);
        let events = std::mem::take(&mut state.events);
        state.telling = !events.is_empty();
        let deadlines = state.children.iter();
        let deadline_ns = deadlines.filter_map(|child| child.machine.next_deadline_ns());
        (starts, events, deadline_ns.min())
    }

    /// The listener has heard what there was.
    pub(super) fn told(&self) {
        self.lock().telling = false;
        self.changed.notify_waiters();
    }

    /// A run was spawned.
    pub(super) fn spawned(&self, key: u64, task: AbortHandle) {
        self.change(|state, _| {
            let mut children = state.children.iter_mut();
            let child = children.find(|child| child.key == key);
            if let Some(run) = child.and_then(|child| child.run.as_mut()) {
                if run.abort {
                    task.abort();
                }
                run.task = Some(task);
            }
        });
    }

    /// A run ended: the child, if it is to be forgotten.
    pub(super) fn exited(&self, key: u64, run: RunId, failure: Option<Failure>) -> Option<Child> {
        self.change(|state, now_ns| {
            let at = state.children.iter().position(|child| child.key == key);
            let at = at?;
            let child = &mut state.children[at];
            child.run = None;
            child.last_failure = failure.clone().or_else(|| child.last_failure.take());
            let exit = failure.as_ref().map_or(Exit::Clean, |_| Exit::Failure);
            // It is the run in flight: there is never another.
            let _ = child.machine.on_exit(now_ns, run, exit, &mut state.stream);
            state.tell(at, now_ns, ChildEventKind::Exited { run, failure });
            state.tell_phase(at, now_ns);
            state.take_gone(at)
        })
    }

    /// The task that drives it is gone, and all runs with it.
    pub(super) fn gone(&self) {
        self.change(|state, now_ns| {
            state.gone = true;
            for child in &mut state.children {
                child.stop(now_ns);
                child.run = None;
            }
        });
    }
}
