//! The naive reading: everything that happened is kept, and every answer is worked out from all of it.

use core::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::backoff::{Backoff, Jitter};
use evenkeel_core::restart::{Exit, RestartAction, RestartOn, RestartPolicy, RunId};

use crate::calls::*;
use crate::word::Word;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Status {
    Due(u64),
    Runs { since_ns: u64 },
    Escalated,
    Stopped,
}

#[derive(Clone, Debug)]
pub(crate) struct Naive {
    pub(crate) policy: RestartPolicy,
    pub(crate) latest_ns: u64,
    pub(crate) status: Status,
    pub(crate) runs: u64,
    /// The latest run has not ended.
    pub(crate) in_flight: bool,
    /// Stopped while it ran, and rearmed since.
    pub(crate) leaving: bool,
    /// Since everything was last forgotten: each failure, and the word of each wait.
    pub(crate) failures: Vec<u64>,
    pub(crate) words: Vec<u64>,
}

impl Naive {
    pub(crate) fn new(policy: RestartPolicy) -> Self {
        Self {
            policy,
            latest_ns: 0,
            status: Status::Due(0),
            runs: 0,
            in_flight: false,
            leaving: false,
            failures: Vec::new(),
            words: Vec::new(),
        }
    }

    pub(crate) fn recent(&self, now_ns: u64) -> usize {
        let now_ns = i128::from(now_ns.max(self.latest_ns));
        let Some(intensity) = self.policy.intensity() else {
            return 0;
        };
        let window_ns = i128::try_from(intensity.window.as_nanos()).unwrap();
        let within = |at_ns: &&u64| i128::from(**at_ns) >= now_ns - window_ns;
        self.failures.iter().filter(within).count()
    }

    pub(crate) fn poll(&mut self) -> RestartAction {
        match self.status {
            _ if self.leaving => RestartAction::Running {
                run: RunId::from_word(self.runs),
            },
            Status::Due(at_ns) if self.latest_ns < at_ns => RestartAction::WaitUntil { at_ns },
            Status::Due(_) => {
                self.runs += 1;
                self.in_flight = true;
                self.status = Status::Runs {
                    since_ns: self.latest_ns,
                };
                RestartAction::Start {
                    run: RunId::from_word(self.runs),
                }
            }
            Status::Runs { .. } => RestartAction::Running {
                run: RunId::from_word(self.runs),
            },
            Status::Escalated => {
                let max_restarts = self.policy.intensity().unwrap().max_restarts;
                RestartAction::Escalated {
                    failures: max_restarts + 1,
                    max_restarts,
                }
            }
            Status::Stopped => RestartAction::Stopped,
        }
    }

    pub(crate) fn exit(&mut self, run: u64, exit: Exit, word: u64) -> (Reported, u32) {
        if !self.in_flight || run != self.runs {
            return (Reported::Stale, 0);
        }
        self.in_flight = false;
        if self.leaving {
            self.leaving = false;
            self.status = Status::Due(self.latest_ns);
            return (Reported::Counted, 0);
        }
        let Status::Runs { since_ns } = self.status else {
            return (Reported::Counted, 0);
        };
        let uptime = Duration::from_nanos(self.latest_ns - since_ns);
        if self.policy.cooldown().is_some_and(|calm| uptime >= calm) {
            self.failures.clear();
            self.words.clear();
        }
        let again = match self.policy.restart_on() {
            RestartOn::Always => true,
            RestartOn::Failure => exit == Exit::Failure,
            _ => false,
        };
        if !again {
            self.status = Status::Stopped;
            return (Reported::Counted, 0);
        }
        if exit == Exit::Failure {
            self.failures.push(self.latest_ns);
        }
        if let (Exit::Failure, Some(intensity)) = (exit, self.policy.intensity()) {
            if self.recent(self.latest_ns) > intensity.max_restarts as usize {
                self.status = Status::Escalated;
                return (Reported::Counted, 0);
            }
        }
        self.words.push(word);
        let delay_ns = self.last_wait();
        self.status = match self.latest_ns.checked_add(delay_ns) {
            Some(at_ns) => Status::Due(at_ns),
            None => Status::Stopped,
        };
        let draws = self.policy.backoff().jitter() != Jitter::None;
        (Reported::Counted, draws.into())
    }

    /// The waits again, from the first.
    pub(crate) fn last_wait(&self) -> u64 {
        let mut backoff = Backoff::new(self.policy.backoff());
        let waits = self.words.iter();
        let waits = waits.map(|&word| backoff.next_wait(0, &mut Word::new(word)).unwrap().delay_ns);
        waits.last().unwrap()
    }

    pub(crate) fn call(&mut self, now_ns: u64, call: &Call) -> Answer {
        if !matches!(call, Call::Restore) {
            self.latest_ns = self.latest_ns.max(now_ns);
        }
        match *call {
            Call::Poll => Answer::Action(self.poll()),
            Call::Exit(which, exit, word) => {
                let run = match which {
                    Which::InFlight => self.runs,
                    Which::Id(id) => id,
                };
                let (reported, drawn) = self.exit(run, exit, word);
                Answer::Reported(reported, drawn)
            }
            Call::Stop => {
                self.status = Status::Stopped;
                self.leaving = false;
                Answer::Stopped(self.in_flight.then_some(RunId::from_word(self.runs)))
            }
            Call::Rearm => {
                self.failures.clear();
                self.words.clear();
                match self.status {
                    Status::Runs { .. } => {}
                    Status::Stopped if self.in_flight => self.leaving = true,
                    _ => self.status = Status::Due(self.latest_ns),
                }
                Answer::Nothing
            }
            Call::Restore => Answer::Nothing,
        }
    }

    pub(crate) fn deadline_ns(&self) -> Option<u64> {
        match self.status {
            Status::Due(at_ns) if !self.leaving => Some(at_ns.max(self.latest_ns)),
            _ => None,
        }
    }
}
