//! What can happen to a [`Restart`].

mod generate;
#[cfg(feature = "std")]
mod recorder;

use evenkeel_core::Reported;
use evenkeel_core::random::Rng;
use evenkeel_core::restart::{
    Exit, Restart, RestartAction, RestartPhase, RestartPolicy, RestartState, RunId,
};
use serde::{Deserialize, Serialize};

use crate::machine::{Change, Machine, Verdict};
use crate::machines::own::own;

/// A call of a [`Restart`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::{Reported, backoff::BackoffPolicy, restart::{Exit, Restart, RestartPolicy}};
/// use evenkeel_replay::{Machine, restart::{Answer, Op}};
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let backoff = BackoffPolicy::builder(Duration::from_nanos(100));
/// let mut restart = Restart::new(RestartPolicy::builder(backoff).build()?);
/// let mut rng = SplitMix64::seed_from_u64(1);
/// let started = restart.apply(0, &Op::Poll, &mut rng);
/// let run = Restart::given(&Op::Poll, &started).expect("due at once");
/// let exit = Op::OnExit { run, exit: Exit::Failure };
/// assert_eq!(restart.apply(5, &exit, &mut rng), Answer::Reported(Reported::Counted));
/// assert_eq!(Restart::reported(&exit), Some(run));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// [`Restart::poll`]
    Poll,
    /// [`Restart::on_exit`]
    OnExit {
        /// Which run ended.
        run: RunId,
        /// How.
        exit: Exit,
    },
    /// [`Restart::stop`]
    Stop,
    /// [`Restart::rearm`]
    Rearm,
    /// [`Restart::phase`]
    Phase,
    /// [`Restart::attempts`]
    Attempts,
    /// [`Restart::recent_failures`]
    RecentFailures,
    /// [`Restart::in_flight`]
    InFlight,
}

/// What a [`Restart`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// What to do now.
    Action(RestartAction),
    /// What became of a report.
    Reported(Reported),
    /// It was stopped: the run to end.
    Stopped(Option<RunId>),
    /// It was rearmed, which returns nothing.
    Rearmed,
    /// What it is doing.
    Phase(RestartPhase),
    /// How many exits in a row were followed by a wait.
    Attempts(u32),
    /// How many failures lie within the window.
    RecentFailures(u32),
    /// The run in flight.
    InFlight(Option<RunId>),
}

/// No exit counts for nothing, so there is no [`unknown`](Machine::unknown) one: a failure escalates, a clean exit may
/// stop the task for good. No answer says when the phase changed, so there are no [`changes`](Machine::changes): an
/// escalation is the [`verdict`](Machine::verdict) of each poll from there on.
impl Machine for Restart {
    const NAME: &'static str = "restart";
    const POLL_ASKS: bool = true;

    type Policy = RestartPolicy;
    type State = RestartState;
    type Op = Op;
    type Answer = Answer;
    type Id = RunId;

    own!(begin, restore, policy, state, next_deadline_ns);

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, rng: &mut R) -> Answer {
        match *op {
            Op::Poll => Answer::Action(self.poll(now_ns)),
            Op::OnExit { run, exit } => Answer::Reported(self.on_exit(now_ns, run, exit, rng)),
            Op::Stop => Answer::Stopped(self.stop(now_ns)),
            Op::Rearm => {
                self.rearm(now_ns);
                Answer::Rearmed
            }
            Op::Phase => Answer::Phase(self.phase(now_ns)),
            Op::Attempts => Answer::Attempts(self.attempts()),
            Op::RecentFailures => Answer::RecentFailures(self.recent_failures(now_ns)),
            Op::InFlight => Answer::InFlight(self.in_flight()),
        }
    }

    fn given(_: &Op, answer: &Answer) -> Option<RunId> {
        match answer {
            Answer::Action(RestartAction::Start { run }) => Some(*run),
            _ => None,
        }
    }

    fn reported(op: &Op) -> Option<RunId> {
        match op {
            Op::OnExit { run, .. } => Some(*run),
            _ => None,
        }
    }

    fn with_id(op: &Op, id: RunId) -> Op {
        let mut op = op.clone();
        if let Op::OnExit { run, .. } = &mut op {
            *run = id;
        }
        op
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn verdict(_: &Op, answer: &Answer) -> Option<Verdict> {
        let Answer::Action(action) = *answer else {
            return None;
        };
        let ended = |phase: RestartPhase| Verdict::Ended {
            reason: phase.name(),
        };
        match action {
            RestartAction::Start { .. } => Some(Verdict::Admitted),
            RestartAction::WaitUntil { at_ns } => Some(Verdict::Waits { until_ns: at_ns }),
            RestartAction::Escalated {
                failures,
                max_restarts,
            } => Some(ended(RestartPhase::Escalated {
                failures,
                max_restarts,
            })),
            RestartAction::Stopped => Some(ended(RestartPhase::Stopped)),
            _ => None,
        }
    }

    fn changes(now_ns: u64, op: &Op, answer: &Answer, show: &mut dyn FnMut(Change)) {
        let (from, to, cause) = match (op, answer) {
            (Op::OnExit { exit, .. }, Answer::Reported(Reported::Counted)) => {
                ("running", "exited", exit.name())
            }
            (_, Answer::Action(RestartAction::Start { .. })) => ("down", "running", "started"),
            _ => return,
        };
        show(Change {
            at_ns: now_ns,
            from,
            to,
            cause,
        });
    }
}
