//! What a supervisor tells of its children: failures, status, events, escalations, and who did not leave.

use std::fmt;
use std::time::Duration;

use evenkeel_core::restart::{Restart, RestartPhase, RunId};
use thiserror::Error;

/// How a run failed: what its error or its panic said, and when.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, restart::RestartPolicy};
/// use evenkeel_std::{Supervisor, supervisor::Ended};
///
/// let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1)))
///     .intensity(0, Duration::from_secs(60)) // the first failure is one too many
///     .build()?;
/// let supervisor = Supervisor::new();
/// supervisor.add("feed", &policy, |_stop| -> Result<(), String> { panic!("no feed for {}", "EURUSD") })?;
/// let Ended::Escalated(escalation) = supervisor.wait() else { panic!("it fails") };
/// let last = escalation.last.ok_or("it failed")?;
/// assert_eq!((last.message(), last.is_panic()), ("no feed for EURUSD", true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{message}", if *.panicked { "panicked: " } else { "" })]
pub struct Failure {
    message: String,
    panicked: bool,
    at_ns: u64,
}

impl Failure {
    /// A run ended at `at_ns` with `message`: for supervisors of your own.
    #[must_use]
    pub const fn new(message: String, panicked: bool, at_ns: u64) -> Self {
        Self {
            message,
            panicked,
            at_ns,
        }
    }

    /// What the error said, its sources after it; or the panic's message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether it was a panic.
    #[must_use]
    pub const fn is_panic(&self) -> bool {
        self.panicked
    }

    /// When it was.
    #[must_use]
    pub const fn at_ns(&self) -> u64 {
        self.at_ns
    }
}

/// How a child stands.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildStatus {
    /// Its name.
    pub name: String,
    /// What it is doing: running, waiting until when, escalated, stopped.
    pub phase: RestartPhase,
    /// When the run that is in flight began, also where it was stopped and is on its way out.
    pub running_since_ns: Option<u64>,
    /// How often it was started again.
    pub restarts: u64,
    /// How many of its failures lie within the window of its intensity.
    pub recent_failures: u32,
    /// How its last failed run ended.
    pub last_failure: Option<Failure>,
}

impl ChildStatus {
    /// The child of that name as its machine has it: for supervisors of your own, which fill in the rest.
    pub fn new(name: String, machine: &Restart, now_ns: u64) -> Self {
        Self {
            name,
            phase: machine.phase(now_ns),
            running_since_ns: None,
            restarts: 0,
            recent_failures: machine.recent_failures(now_ns),
            last_failure: None,
        }
    }
}

impl fmt::Display for ChildStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, phase, .. } = self;
        write!(f, "{name}: {phase}, {} restarts", self.restarts)?;
        match &self.last_failure {
            Some(failure) => write!(f, " (last: {failure})"),
            None => Ok(()),
        }
    }
}

/// What happened to a child: what a listener is told, in order.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildEvent {
    /// Its name.
    pub name: String,
    /// When.
    pub at_ns: u64,
    /// What.
    pub kind: ChildEventKind,
}

impl ChildEvent {
    /// For supervisors of your own.
    #[must_use]
    pub const fn new(name: String, at_ns: u64, kind: ChildEventKind) -> Self {
        Self { name, at_ns, kind }
    }
}

/// The kinds of a [`ChildEvent`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChildEventKind {
    /// A run begins.
    Started {
        /// The run.
        run: RunId,
    },
    /// The run ended: with a failure, or cleanly.
    Exited {
        /// The run.
        run: RunId,
        /// `None` where it ended as it was meant to.
        failure: Option<Failure>,
    },
    /// It starts again then.
    Waiting {
        /// When.
        until_ns: u64,
    },
    /// It failed too often, and is not started again unless you rearm it.
    Escalated(Escalation),
    /// It is not started again unless you rearm it.
    Stopped,
}

/// A child failed too often: [`Supervisor::wait`](super::Supervisor::wait) returns it.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, restart::RestartPolicy};
/// use evenkeel_std::{Supervisor, TestClock, supervisor::Ended};
///
/// let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)))
///     .intensity(2, Duration::from_secs(600))
///     .build()?;
/// let supervisor = Supervisor::with_clock(TestClock::new());
/// supervisor.add("feed", &policy, |_stop| Err("no route to host"))?;
/// let Ended::Escalated(escalation) = supervisor.wait() else { panic!("it fails") };
/// let text = "feed failed 3 times within 600s, 2 are allowed: no route to host";
/// assert_eq!(escalation.to_string(), text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{child} failed {failures} times within {window:?}, {max_restarts} are allowed{}", said(.last))]
pub struct Escalation {
    /// The child.
    pub child: String,
    /// Its failures within the window.
    pub failures: u32,
    /// How many of them would have been restarted.
    pub max_restarts: u32,
    /// The window.
    pub window: Duration,
    /// The last failure.
    pub last: Option<Failure>,
}

impl Escalation {
    /// The escalation in which that child's machine rests, if it does: for supervisors of your own.
    #[must_use]
    pub fn of(child: &str, machine: &Restart, last: Option<Failure>) -> Option<Self> {
        // It rests there, at any instant.
        let RestartPhase::Escalated {
            failures,
            max_restarts,
        } = machine.phase(0)
        else {
            return None;
        };
        let intensity = machine.policy().intensity();
        let window = intensity.map(|intensity| intensity.window);
        Some(Self {
            child: child.to_owned(),
            failures,
            max_restarts,
            window: window.unwrap_or_default(),
            last,
        })
    }
}

fn said(last: &Option<Failure>) -> String {
    last.as_ref()
        .map(|failure| format!(": {failure}"))
        .unwrap_or_default()
}

/// What [`Supervisor::wait`](super::Supervisor::wait) waited for.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A child failed too often. The others go on: stop all, or rearm it, and wait again.
    Escalated(Escalation),
    /// No child runs or will run: all have ended, were stopped, or have escalated and were returned.
    AllAtRest,
    /// What drives it is gone, with its runtime: there is no run, and there will be none. Threads have no runtime, so
    /// only tasks end so.
    Gone,
    /// Somebody said [`stop`](super::Supervisor::stop). Children may be on their way out: say it again to wait for
    /// them.
    Stopped,
}

/// How a graceful stop went.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, restart::RestartPolicy};
/// use evenkeel_std::Supervisor;
///
/// let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
/// let supervisor = Supervisor::new();
/// supervisor.add("polite", &policy, |stop| Ok::<_, String>(stop.wait()))?;
/// supervisor.add("deaf", &policy, |_stop| Ok::<_, String>(loop { std::thread::park() }))?;
/// while supervisor.status().iter().any(|child| child.running_since_ns.is_none()) {
///     std::thread::yield_now(); // both run now
/// }
/// let report = supervisor.stop(Duration::from_millis(200));
/// assert!(report.still_running.contains(&"deaf".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
#[must_use = "it names who did not leave"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopReport {
    /// The children that did not leave in time. Their threads go on, and nobody waits for them any more.
    pub still_running: Vec<String>,
}

impl StopReport {
    /// Whether all have left.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.still_running.is_empty()
    }
}

/// Why a child was not added.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddError {
    /// There is a child of that name.
    #[error("there is a child of that name: {name}")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// What drives the supervisor is gone, with its runtime: nobody would start it. Threads have no runtime, so only that
    /// of tasks says so.
    #[error("the supervisor's runtime is gone")]
    Gone,
    /// The supervisor was told to stop: nothing starts any more.
    #[error("the supervisor was told to stop")]
    Stopped,
}

/// There is no child of that name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no child of that name: {name}")]
pub struct NoSuchChild {
    pub(crate) name: String,
}

impl NoSuchChild {
    /// There is none called `name`: for supervisors of your own.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }
}
